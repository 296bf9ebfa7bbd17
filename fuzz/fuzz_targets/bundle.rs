//! Git bundles anybody may upload.

#![no_main]

use std::io::{BufReader, Cursor};

use carrel_archives::{Archive, Bounds, Bundle, EntryKind};
use libfuzzer_sys::fuzz_target;

const BOUNDS: Bounds = Bounds { max_items: 50, max_bytes: 1 << 20, max_file_bytes: 1 << 18 };

fuzz_target!(|data: &[u8]| {
    let Ok(mut bundle) = Bundle::open(BufReader::new(Cursor::new(data)), BOUNDS) else { return };
    let entries = bundle.listing().entries.clone();
    assert!(entries.len() as u64 <= BOUNDS.max_items && bundle.listing().bytes <= BOUNDS.max_bytes);
    for (index, entry) in entries.iter().enumerate() {
        let content = bundle.content(index);
        if let (EntryKind::File { size, .. }, Ok(content)) = (&entry.kind, content) {
            assert_eq!(content.len() as u64, *size);
        }
    }
});
