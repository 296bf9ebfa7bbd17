//! Honest archives come back as they were; bombs and others are refused.

use std::io::{Cursor, Write};

use flate2::Compression;
use flate2::write::DeflateEncoder;
use proptest::prelude::*;
use rawzip::ZipArchiveWriter;
use rawzip::path::EntryPath;

use super::*;
use crate::Packer;
use crate::listing::Why;

const BOUNDS: Bounds = Bounds { max_items: 100, max_bytes: 256 << 20, max_file_bytes: 64 << 20 };

fn open(bytes: &[u8]) -> Result<Zip<impl ReaderAt + Send>, BadArchive> {
    let archive = ZipArchive::from_seekable(Cursor::new(bytes), &mut buffer()).map_err(BadArchive::malformed)?;
    Zip::list(archive, bytes.len() as u64, BOUNDS)
}

fn path(text: &str) -> WorkspacePath {
    WorkspacePath::new(text).expect(text)
}

/// Names, modes and contents as they are.
fn archive(entries: &[(&[u8], u32, &[u8])]) -> Vec<u8> {
    let mut archive = ZipArchiveWriter::new(Vec::new());
    for (name, mode, content) in entries {
        let file = archive.new_file(EntryPath::verbatim(*name)).compression_method(CompressionMethod::DEFLATE);
        let (mut entry, config) = file.unix_permissions(*mode).start().expect("an entry");
        let mut writer = config.wrap(DeflateEncoder::new(&mut entry, Compression::default()));
        writer.write_all(content).expect("written");
        let (encoder, descriptor) = writer.finish().expect("written");
        encoder.finish().expect("written");
        entry.finish(descriptor).expect("written");
    }
    archive.finish().expect("written")
}

fn refusal(bytes: &[u8]) -> BadArchive {
    open(bytes).and_then(|mut zip| zip.prove()).expect_err("refused")
}

#[test]
fn what_is_packed_comes_back_as_it_was() {
    let mut packer = Packer::new(Vec::new());
    packer.folder(&path("empty é"), 0).expect("packed");
    packer.file(&path("src/a\\b.py"), b"print(1)", true, 1_700_000_000).expect("packed");
    packer.file(&path("none"), b"", false, 0).expect("packed");
    packer.link(&path("src/l"), "../none", 0).expect("packed");
    let bytes = packer.finish().expect("packed");
    let mut zip = open(&bytes).expect("sound");
    zip.prove().expect("whole");
    let file = |size, executable| EntryKind::File { size, executable };
    let expected = [
        ("empty é", EntryKind::Folder),
        ("src/a\\b.py", file(8, true)),
        ("none", file(0, false)),
        ("src/l", EntryKind::Link { target: "../none".into() }),
    ];
    assert_eq!(zip.listing().entries, expected.map(|(name, kind)| Entry { path: path(name), kind }));
    assert_eq!(zip.content(1).expect("whole"), b"print(1)");
    assert_eq!(zip.content(3).expect("no file"), b"");
}

#[test]
fn a_folder_that_only_its_mode_tells_is_one() {
    let bytes = archive(&[(b"src", 0o040_755, b""), (b"node_modules", 0o040_755, b""), (b".venv", 0o100_644, b"x")]);
    let zip = open(&bytes).expect("sound");
    let kinds = zip.listing().entries.iter().map(|entry| (entry.path.as_str(), entry.kind.clone()));
    let file = EntryKind::File { size: 1, executable: false };
    assert_eq!(kinds.collect::<Vec<_>>(), [("src", EntryKind::Folder), (".venv", file)]);
    let skipped = zip.listing().skipped.iter().map(|skipped| (skipped.path.as_str(), skipped.why));
    assert_eq!(skipped.collect::<Vec<_>>(), [("node_modules", Why::Ignored)]);
}

#[test]
fn names_and_kinds_that_do_harm_are_refused() {
    for (name, mode, content) in [
        (&b"../x"[..], 0o100_644, &b"x"[..]),
        (b"a/../../x", 0o100_644, b"x"),
        (b"/etc/passwd", 0o100_644, b"x"),
        (b"a\0b", 0o100_644, b"x"),
        (b"dev", 0o020_644, b""),
        (b"pipe", 0o010_644, b""),
        (b"socket", 0o140_644, b""),
        (b"link", 0o120_777, b"/etc/passwd"),
        (b"link", 0o120_777, b"../../x"),
        (b"link", 0o120_777, b"\xff"),
        (b"link", 0o120_777, b""),
    ] {
        let bytes = archive(&[(name, mode, content)]);
        let error = refusal(&bytes);
        assert!(
            matches!(error, BadArchive::Name { .. } | BadArchive::Special(_) | BadArchive::LeadsOut { .. }),
            "{error}"
        );
    }
    let through = archive(&[(b"l", 0o120_777, b"d"), (b"l/x", 0o100_644, b"x")]);
    assert!(matches!(refusal(&through), BadArchive::NotFolder(_)));
    let twice = archive(&[(b"a", 0o100_644, b"1"), (b"a", 0o100_644, b"2")]);
    assert!(matches!(refusal(&twice), BadArchive::Twice(_)));
    let deep = vec!["d"; 65].join("/");
    assert!(matches!(refusal(&archive(&[(deep.as_bytes(), 0o100_644, b"")])), BadArchive::Name { .. }));
}

#[test]
fn bombs_are_refused_by_what_they_claim_or_by_what_they_are() {
    let zeros = vec![0; 32 << 20];
    let bomb = archive(&[(b"zeros", 0o100_644, &zeros)]);
    assert!(matches!(refusal(&bomb), BadArchive::Ratio { .. }));
    let many: Vec<_> = (0..101).map(|number| format!("{number}").into_bytes()).collect();
    let many: Vec<_> = many.iter().map(|name| (name.as_slice(), 0o100_644, &b""[..])).collect();
    assert!(matches!(refusal(&archive(&many)), BadArchive::TooManyItems(100)));
    // The directory says less than there is, and more.
    for claimed in [1_u32, 1000] {
        let mut bytes = archive(&[(b"a", 0o100_644, &[7; 500])]);
        let directory = bytes.windows(4).rposition(|bytes| bytes == b"PK\x01\x02").expect("a directory");
        bytes[directory + 24..directory + 28].copy_from_slice(&claimed.to_le_bytes());
        assert!(matches!(refusal(&bytes), BadArchive::Damaged(_)), "{claimed}");
    }
    // Two entries that are the same bytes.
    let mut bytes = archive(&[(b"a", 0o100_644, &[7; 500]), (b"b", 0o100_644, &[7; 500])]);
    let directory = bytes.windows(4).rposition(|bytes| bytes == b"PK\x01\x02").expect("a directory");
    bytes[directory + 42..directory + 46].copy_from_slice(&0_u32.to_le_bytes());
    assert!(matches!(refusal(&bytes), BadArchive::Overlap(_)));
}

#[test]
fn a_content_that_was_changed_is_damaged_and_what_is_no_archive_says_so() {
    let bytes = archive(&[(b"a", 0o100_644, b"some text, some text, some text")]);
    let mut damaged = bytes.clone();
    damaged[40] ^= 1;
    assert!(matches!(refusal(&damaged), BadArchive::Damaged(_) | BadArchive::Malformed(_)));
    for bytes in [&b""[..], b"PK", b"hello", &bytes[..bytes.len() / 2]] {
        assert!(matches!(open(bytes).err(), Some(BadArchive::Malformed(_))));
    }
}

#[test]
fn a_file_that_is_too_large_is_skipped_unread() {
    let mut zip = ZipArchiveWriter::new(Vec::new());
    let (mut entry, config) = zip.new_file("large").start().expect("an entry");
    let mut writer = config.wrap(&mut entry);
    writer.write_all(b"small").expect("written");
    let (_, descriptor) = writer.finish().expect("written");
    entry.finish(descriptor).expect("written");
    let mut bytes = zip.finish().expect("written");
    let directory = bytes.windows(4).rposition(|bytes| bytes == b"PK\x01\x02").expect("a directory");
    bytes[directory + 24..directory + 28].copy_from_slice(&(65_u32 << 20).to_le_bytes());
    let mut zip = open(&bytes).expect("sound");
    assert!(zip.listing().entries.is_empty() && zip.listing().skipped[0].why == Why::TooLarge);
    zip.prove().expect("nothing is read");
}

proptest! {
    #[test]
    fn whatever_is_changed_in_an_archive_never_panics_nor_gives_more_than_its_bounds(
        changes in proptest::collection::vec((0_usize..400, any::<u8>()), 0..12),
        cut in 0_usize..400,
    ) {
        let mut bytes = archive(&[
            (b"a/b", 0o100_755, &[7; 100]), (b"l", 0o120_777, b"a/b"), (b"c", 0o100_644, b"some text"),
        ]);
        for (at, byte) in changes {
            let at = at % bytes.len();
            bytes[at] = byte;
        }
        bytes.truncate(bytes.len().saturating_sub(cut / 20));
        if let Ok(mut zip) = open(&bytes) {
            prop_assert!(zip.listing().bytes <= BOUNDS.max_bytes);
            for index in 0..zip.listing().entries.len() {
                if let Ok(content) = zip.content(index) {
                    prop_assert!(content.len() as u64 <= BOUNDS.max_file_bytes);
                }
            }
        }
    }
}
