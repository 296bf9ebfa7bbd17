//! Texts that may be paths: kept exactly and harmless, or refused.

#![no_main]

use carrel_protocol::path::{MAX_DEPTH, MAX_NAME_BYTES, MAX_PATH_BYTES};
use carrel_protocol::{WorkspacePath, rules};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|texts: (&str, &str)| {
    let (text, other) = texts;
    let Ok(path) = WorkspacePath::new(text) else { return };
    assert_eq!(path.as_str(), text);
    assert!(text.len() <= MAX_PATH_BYTES && !text.contains('\0') && path.components().count() <= MAX_DEPTH);
    assert!(path.components().all(|name| !matches!(name, "" | "." | "..") && name.len() <= MAX_NAME_BYTES));
    // However it is joined to a folder, it stays in it.
    let joined = std::path::Path::new("/workspace").join(text);
    assert!(joined.starts_with("/workspace") && joined.components().count() == path.components().count() + 2);
    if let Ok(inside) = path.join(other) {
        assert!(inside.is_within(&path) && inside.parent().as_ref() == Some(&path) && inside.name() == other);
    }
    if let Ok(folder) = WorkspacePath::new(other)
        && let Some(moved) = path.rebased(&path, &folder)
    {
        assert_eq!(moved, Ok(folder));
    }
    if rules::stays_inside(text, other) {
        // Followed by its text alone, it never climbs over the top.
        let mut depth = path.components().count() - 1;
        for name in other.split('/') {
            match name {
                "" | "." => {}
                ".." => depth = depth.checked_sub(1).expect("over the top"),
                _ => depth += 1,
            }
        }
    }
});
