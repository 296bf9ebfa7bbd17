//! Reading zip archives that anybody may have made.
//!
//! The directory at the end is believed in what it claims, and held to it: its entries are counted as they are read, no two may share bytes
//! (the bomb without nesting), what they claim together must be in proportion to the archive, and a content that is larger or smaller than
//! was claimed, or has another sum, is damaged. Archives in the archive are files like any other.

use std::fs::File;
use std::io::{self, Read};

use carrel_protocol::WorkspacePath;
use carrel_protocol::path::MAX_PATH_BYTES;
use flate2::read::DeflateDecoder;
use rawzip::{
    CompressionMethod, FileReader, RECOMMENDED_BUFFER_SIZE, ReaderAt, ZipArchive, ZipArchiveEntryWayfinder,
    ZipFileHeaderRecord,
};

use crate::listing::{Entry, EntryKind, Lister, Listing, Named};
use crate::refused::{BadArchive, shown};
use crate::{Archive, Bounds};

/// The most a link's target takes in an archive, in bytes: blocks of nothing could make a short one endless to read.
const MAX_PACKED_LINK: u64 = 64 * 1024;

/// Unix types of files.
const TYPE: u32 = 0o170_000;
const FILE: u32 = 0o100_000;
const FOLDER: u32 = 0o040_000;
const LINK: u32 = 0o120_000;

/// An archive may unpack to so many times its size, once it unpacks to more than [`SMALL_BYTES`]: text takes a tenth, tables a fiftieth.
const MAX_RATIO: u64 = 200;

/// Unpacks without harm whatever the ratio.
const SMALL_BYTES: u64 = 16 * 1024 * 1024;

/// Bytes read at once of a content that is not kept.
const PROOF_BYTES: usize = 64 * 1024;

/// A zip archive whose listing is sound.
#[derive(Debug)]
pub struct Zip<R> {
    archive: ZipArchive<R>,
    listing: Listing,
    /// Where the contents are, as the listing has its entries.
    places: Vec<Place>,
}

#[derive(Clone, Copy, Debug)]
struct Place {
    wayfinder: ZipArchiveEntryWayfinder,
    method: CompressionMethod,
}

impl Zip<FileReader> {
    /// Opens and lists an archive in a file.
    ///
    /// # Errors
    /// [`BadArchive`].
    pub fn open(file: File, bounds: Bounds) -> Result<Self, BadArchive> {
        let size = file.metadata().map_err(BadArchive::Disk)?.len();
        let archive = ZipArchive::from_file(file, &mut buffer()).map_err(BadArchive::malformed)?;
        Self::list(archive, size, bounds)
    }
}

impl<R: ReaderAt> Zip<R> {
    /// Lists an archive of `size` bytes.
    ///
    /// # Errors
    /// [`BadArchive`].
    pub fn list(archive: ZipArchive<R>, size: u64, bounds: Bounds) -> Result<Self, BadArchive> {
        let (mut lister, mut places, mut ranges) = (Lister::new(bounds), Vec::new(), Vec::new());
        let mut buffer = buffer();
        let mut records = archive.entries(&mut buffer);
        while let Some(record) = records.next_entry().map_err(BadArchive::malformed)? {
            let raw = record.file_path();
            let is_folder = raw.is_dir();
            let name = raw.as_bytes();
            let name = if is_folder { &name[..name.len() - 1] } else { name };
            // A folder need not end in a slash: its mode tells, too.
            let any_folder = is_folder || record.mode().value() & TYPE == FOLDER;
            let Named::Wanted(path) = lister.name(name, any_folder)? else { continue };
            let place = Place { wayfinder: record.wayfinder(), method: record.compression_method() };
            let range = if is_folder {
                None
            } else {
                let entry = archive.get_entry(place.wayfinder).map_err(BadArchive::malformed)?;
                Some(entry.compressed_data_range()).filter(|(_, end)| *end <= size)
            };
            if !is_folder && range.is_none() {
                return Err(BadArchive::Damaged(path));
            }
            let packed = range.map_or(0, |(begin, end)| end.saturating_sub(begin));
            let kind = kind(&archive, &record, (place, packed), is_folder, &path)?;
            // What is no folder shares its bytes with nothing else, or few bytes would be read for many entries.
            ranges.extend(range.filter(|_| kind != EntryKind::Folder).map(|(begin, end)| (begin, end, places.len())));
            if lister.add(path, kind)? {
                places.push(place);
            } else {
                // A file too large to be read, which shares nobody's bytes either.
                ranges.pop();
            }
        }
        let listing = lister.finish();
        if listing.bytes > SMALL_BYTES && listing.bytes / MAX_RATIO > size {
            return Err(BadArchive::Ratio { bytes: listing.bytes, archive_bytes: size });
        }
        ranges.sort_unstable();
        match ranges.windows(2).find(|pair| pair[1].0 < pair[0].1) {
            Some(pair) => Err(BadArchive::Overlap(listing.entries[pair[1].2].path.clone())),
            None => Ok(Self { archive, listing, places }),
        }
    }

    /// Hands the content of a file to `take`, piece by piece.
    fn read(&self, index: usize, take: &mut dyn FnMut(&[u8])) -> Result<(), BadArchive> {
        let (Some(Entry { path, kind: EntryKind::File { size, .. } }), Some(place)) =
            (self.listing.entries.get(index), self.places.get(index))
        else {
            return Ok(());
        };
        read(&self.archive, *place, *size, take).map_err(|_| BadArchive::Damaged(path.clone()))
    }
}

impl<R: ReaderAt + Send> Archive for Zip<R> {
    fn listing(&self) -> &Listing {
        &self.listing
    }

    fn prove(&mut self) -> Result<(), BadArchive> {
        (0..self.listing.entries.len()).try_for_each(|index| self.read(index, &mut |_| ()))
    }

    fn content(&mut self, index: usize) -> Result<Vec<u8>, BadArchive> {
        // Grows with what is really there, not with what was claimed.
        let mut content = Vec::new();
        self.read(index, &mut |piece| content.extend_from_slice(piece))?;
        Ok(content)
    }
}

fn buffer() -> Vec<u8> {
    vec![0; RECOMMENDED_BUFFER_SIZE]
}

fn kind<R: ReaderAt>(
    archive: &ZipArchive<R>,
    record: &ZipFileHeaderRecord<'_>,
    (place, packed): (Place, u64),
    is_folder: bool,
    path: &WorkspacePath,
) -> Result<EntryKind, BadArchive> {
    if is_folder {
        return Ok(EntryKind::Folder);
    }
    let mode = record.mode().value();
    let size = record.uncompressed_size_hint();
    if record.flags().is_encrypted() || record.flags().has_strong_encryption() || record.flags().is_masked() {
        return Err(BadArchive::Unsupported(format!("{path} is encrypted")));
    }
    if !matches!(place.method, CompressionMethod::STORE | CompressionMethod::DEFLATE) {
        return Err(BadArchive::Unsupported(format!("{path} is compressed with {}", place.method)));
    }
    match mode & TYPE {
        FOLDER => Ok(EntryKind::Folder),
        LINK if size <= MAX_PATH_BYTES as u64 && packed <= MAX_PACKED_LINK => {
            let mut target = Vec::new();
            let reading = read(archive, place, size, &mut |piece| target.extend_from_slice(piece));
            reading.map_err(|_| BadArchive::Damaged(path.clone()))?;
            let leads_out = |bytes: Vec<u8>| BadArchive::LeadsOut { path: path.clone(), target: shown(&bytes) };
            String::from_utf8(target).map(|target| EntryKind::Link { target }).map_err(|e| leads_out(e.into_bytes()))
        }
        LINK => Err(BadArchive::LeadsOut { path: path.clone(), target: "…".into() }),
        // What was made where there are no Unix modes has none.
        0 | FILE => Ok(EntryKind::File { size, executable: mode & 0o100 != 0 }),
        _ => Err(BadArchive::Special(path.clone())),
    }
}

/// Reads exactly what was claimed, and its sum.
fn read<R: ReaderAt>(archive: &ZipArchive<R>, place: Place, size: u64, take: &mut dyn FnMut(&[u8])) -> io::Result<()> {
    let entry = archive.get_entry(place.wayfinder).map_err(io::Error::other)?;
    let raw = entry.reader();
    let plain: Box<dyn Read + '_> = match place.method {
        CompressionMethod::DEFLATE => Box::new(DeflateDecoder::new(raw)),
        _ => Box::new(raw),
    };
    let mut reader = entry.verifying_reader(plain).take(size + 1);
    let mut piece = vec![0; PROOF_BYTES.min(usize::try_from(size + 1).unwrap_or(PROOF_BYTES))];
    let mut total = 0;
    loop {
        match reader.read(&mut piece)? {
            0 if total == size => return Ok(()),
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            count => {
                total += count as u64;
                if total > size {
                    return Err(io::ErrorKind::InvalidData.into());
                }
                take(&piece[..count]);
            }
        }
    }
}

#[cfg(test)]
#[path = "zip_tests.rs"]
mod tests;
