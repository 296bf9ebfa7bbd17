//! Patterns and contents of users: found where they are, replaced where they were found.

#![no_main]

use carrel_protocol::{SearchQuery, WorkspacePath};
use carrel_search::{Collector, Search};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (&str, &str, u8, &str, &[u8])| {
    let (pattern, replacement, flags, glob, content) = input;
    let is = |bit: u8| flags >> bit & 1 == 1;
    let query = SearchQuery {
        pattern: pattern.to_owned(),
        regex: is(0),
        case: is(1),
        word: is(2),
        include: if is(3) { vec![glob.to_owned()] } else { Vec::new() },
        exclude: if is(4) { vec![glob.to_owned()] } else { Vec::new() },
        limit: 20,
        within_ms: 1000,
    };
    let Ok(search) = Search::new(&query) else { return };
    std::hint::black_box(search.wants_file("a/b.py"));
    let mut collector = Collector::new(query.limit);
    collector.look(&search, &WorkspacePath::new("a/b.py").expect("a path"), content, &|| false);
    let found = collector.finish();
    assert!(found.matches.len() <= 20);
    for found in &found.matches {
        assert!(found.text.chars().count() <= 500 && found.before < found.column && found.length > 0);
    }
    let replaced = search.replace(content, replacement, 1 << 20, &|| false);
    if !found.truncated && let Ok(replaced) = &replaced {
        assert_eq!(replaced.count, found.matches.len() as u64);
    }
});
