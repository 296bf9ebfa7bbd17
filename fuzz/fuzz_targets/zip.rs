//! Archives anybody may upload: listed within bounds, read to what was listed, or refused; packed again, the same.

#![no_main]

use std::io::Cursor;

use carrel_archives::{Archive, Bounds, EntryKind, Packer, Zip};
use libfuzzer_sys::fuzz_target;
use rawzip::ZipArchive;

const BOUNDS: Bounds = Bounds { max_items: 50, max_bytes: 1 << 20, max_file_bytes: 1 << 18 };

fn open(data: &[u8]) -> Option<impl Archive + use<'_>> {
    let mut buffer = vec![0; rawzip::RECOMMENDED_BUFFER_SIZE];
    let archive = ZipArchive::from_seekable(Cursor::new(data), &mut buffer).ok()?;
    Zip::list(archive, data.len() as u64, BOUNDS).ok()
}

fuzz_target!(|data: &[u8]| {
    let Some(mut zip) = open(data) else { return };
    let entries = zip.listing().entries.clone();
    assert!(entries.len() as u64 <= BOUNDS.max_items && zip.listing().bytes <= BOUNDS.max_bytes);
    let mut packer = Packer::new(Vec::new());
    for (index, entry) in entries.iter().enumerate() {
        let Ok(content) = zip.content(index) else { return };
        match &entry.kind {
            EntryKind::Folder => packer.folder(&entry.path, 0),
            EntryKind::Link { target } => packer.link(&entry.path, target, 0),
            EntryKind::File { size, executable } => {
                assert_eq!(content.len() as u64, *size);
                packer.file(&entry.path, &content, *executable, 0)
            }
        }
        .expect("memory");
    }
    assert!(zip.prove().is_ok());
    let packed = packer.finish().expect("memory");
    let again = open(&packed).expect("what is packed is sound");
    assert_eq!(again.listing().entries, entries);
});
