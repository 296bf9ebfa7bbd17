//! Writing a zip archive as a stream: folders, files with their exec bits, links as links.

use std::io::{self, Write};

use carrel_protocol::WorkspacePath;
use flate2::Compression;
use flate2::write::DeflateEncoder;
use rawzip::path::{EntryPath, ZipFilePath};
use rawzip::time::{UtcDateTime, ZipDateTime};
use rawzip::{CompressionMethod, ZipArchiveWriter};

/// Quick: who downloads waits for the network, and the server for nobody.
const LEVEL: Compression = Compression::new(3);

/// Unix modes, types included.
const FOLDER_MODE: u32 = 0o040_755;
const FILE_MODE: u32 = 0o100_644;
const PROGRAM_MODE: u32 = 0o100_755;
const LINK_MODE: u32 = 0o120_777;

/// Writes an archive to `W` and never looks back. Of what it has written it remembers names and sizes.
#[derive(Debug)]
pub struct Packer<W: Write> {
    archive: ZipArchiveWriter<W>,
}

impl<W: Write> Packer<W> {
    /// An archive without entries.
    pub fn new(writer: W) -> Self {
        Self { archive: ZipArchiveWriter::new(writer) }
    }

    /// Adds a folder; `modified` in seconds since 1970.
    ///
    /// # Errors
    /// What the writer says.
    pub fn folder(&mut self, path: &WorkspacePath, modified: i64) -> io::Result<()> {
        let name = format!("{path}/");
        let folder = self.archive.new_dir(named(&name));
        folder.unix_permissions(FOLDER_MODE).last_modified(time(modified)).create().map_err(io::Error::other)?;
        Ok(())
    }

    /// Adds a file.
    ///
    /// # Errors
    /// What the writer says.
    pub fn file(&mut self, path: &WorkspacePath, content: &[u8], executable: bool, modified: i64) -> io::Result<()> {
        self.entry(path, content, if executable { PROGRAM_MODE } else { FILE_MODE }, modified)
    }

    /// Adds a symbolic link.
    ///
    /// # Errors
    /// What the writer says.
    pub fn link(&mut self, path: &WorkspacePath, target: &str, modified: i64) -> io::Result<()> {
        self.entry(path, target.as_bytes(), LINK_MODE, modified)
    }

    /// Writes the directory; only with it the archive is one.
    ///
    /// # Errors
    /// What the writer says.
    pub fn finish(self) -> io::Result<W> {
        self.archive.finish().map_err(io::Error::other)
    }

    fn entry(&mut self, path: &WorkspacePath, content: &[u8], mode: u32, modified: i64) -> io::Result<()> {
        let file = self.archive.new_file(named(path.as_str()));
        let file = file.compression_method(CompressionMethod::DEFLATE).unix_permissions(mode);
        let (mut entry, config) = file.last_modified(time(modified)).start().map_err(io::Error::other)?;
        let mut writer = config.wrap(DeflateEncoder::new(&mut entry, LEVEL));
        writer.write_all(content)?;
        let (encoder, descriptor) = writer.finish().map_err(io::Error::other)?;
        encoder.finish()?;
        entry.finish(descriptor).map_err(io::Error::other)?;
        Ok(())
    }
}

/// A name as it is. Marked as UTF-8 where the library would leave it as it is, too: it takes a backslash for a slash.
fn named(name: &str) -> EntryPath<'_> {
    if ZipFilePath::from_str(name).as_str() == name {
        EntryPath::conformant(name)
    } else {
        EntryPath::verbatim(name.as_bytes())
    }
}

fn time(seconds: i64) -> UtcDateTime {
    ZipDateTime::from_unix(seconds)
}
