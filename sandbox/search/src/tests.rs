//! What is found, where, and what is put in its place.

use carrel_protocol::{Found, WorkspacePath};

use super::*;

fn query(pattern: &str) -> SearchQuery {
    SearchQuery { pattern: pattern.into(), limit: 100, ..SearchQuery::default() }
}

fn find(query: &SearchQuery, content: &[u8]) -> Found {
    let search = Search::new(query).expect("a query");
    let mut collector = Collector::new(query.limit);
    collector.look(&search, &WorkspacePath::new("f").expect("a path"), content, &|| false);
    collector.finish()
}

/// Line, column and length of every match.
#[track_caller]
fn check(query: &SearchQuery, content: &str, expect: &[(u32, u32, u32)]) {
    let found = find(query, content.as_bytes());
    let places: Vec<_> = found.matches.iter().map(|found| (found.line, found.column, found.length)).collect();
    assert_eq!(places, expect, "{query:?} in {content:?}");
}

#[test]
fn places_are_lines_and_utf16_columns() {
    check(&query("b"), "abcb\nb\r\n\nxb", &[(1, 2, 1), (1, 4, 1), (2, 1, 1), (4, 2, 1)]);
    check(&query("x"), "é😀x", &[(1, 4, 1)]);
    check(&query("😀"), "a😀", &[(1, 2, 2)]);
    let latin = find(&query("x"), b"\xe9\xe9x");
    assert_eq!((latin.matches[0].column, latin.matches[0].text.as_str()), (3, "\u{fffd}\u{fffd}x"));
}

#[test]
fn case_words_and_expressions_are_as_asked_for() {
    check(&query("AB"), "ab", &[(1, 1, 2)]);
    check(&SearchQuery { case: true, ..query("AB") }, "ab AB", &[(1, 4, 2)]);
    check(&SearchQuery { word: true, ..query("ab") }, "abc ab", &[(1, 5, 2)]);
    check(&query("a.c"), "abc a.c", &[(1, 5, 3)]);
    let regex = |pattern| SearchQuery { regex: true, ..query(pattern) };
    check(&regex("a.c"), "abc a.c", &[(1, 1, 3), (1, 5, 3)]);
    check(&regex("^b|c$"), "bbc\nabc", &[(1, 1, 1), (1, 3, 1), (2, 3, 1)]);
    check(&regex("x*"), "axx", &[(1, 2, 2)]);
}

#[test]
fn queries_that_are_none_are_refused() {
    let regex = |pattern: &str| Search::new(&SearchQuery { regex: true, ..query(pattern) }).err();
    assert_eq!(Search::new(&query("")).err(), Some(BadQuery::Empty));
    assert_eq!(Search::new(&query("a\nb")).err(), Some(BadQuery::Lines));
    assert_eq!(Search::new(&query(&"x".repeat(MAX_PATTERN_BYTES + 1))).err(), Some(BadQuery::TooLong));
    for pattern in ["(", "(a{1000}){1000}", "\\p{L}{5000}", &"(".repeat(500), r"a\nb"] {
        assert!(matches!(regex(pattern), Some(BadQuery::Regex(_))), "{pattern}");
    }
    for glob in ["a{b", "[", &"x".repeat(300)] {
        let query = SearchQuery { include: vec![glob.to_owned()], ..query("x") };
        assert!(matches!(Search::new(&query).err(), Some(BadQuery::Glob(_))), "{glob}");
    }
}

#[test]
fn globs_are_as_people_write_them() {
    for (include, exclude, path, wanted) in [
        (&[][..], &[][..], "a/b.py", true),
        (&["*.py"], &[], "a/b.py", true),
        (&["*.py"], &[], "a/b.txt", false),
        (&["src"], &[], "src/a/b", true),
        (&["src"], &[], "x/src/b", true),
        (&["/src"], &[], "x/src/b", false),
        (&["src/*.py"], &[], "src/a/b.py", false),
        (&["src/**/*.py"], &[], "src/a/b.py", true),
        (&["*.{py,txt}"], &["test_*"], "b.txt", true),
        (&["*.py"], &["test_*"], "a/test_b.py", false),
        (&[], &["a/"], "a/b/c", false),
        (&[], &[], "node_modules/x", false),
        (&[], &[], "node_modules", true),
    ] {
        let globs = |globs: &[&str]| globs.iter().map(|glob| (*glob).to_owned()).collect();
        let query = SearchQuery { include: globs(include), exclude: globs(exclude), ..query("x") };
        assert_eq!(Search::new(&query).expect("a query").wants_file(path), wanted, "{include:?} {exclude:?} {path}");
    }
}

#[test]
fn an_answer_is_bounded_and_says_so() {
    let found = find(&SearchQuery { limit: 3, ..query("x") }, b"xxxx");
    assert!(found.matches.len() == 3 && found.truncated && found.files == 1);
    let found = find(&SearchQuery { limit: 4, ..query("x") }, b"xxxx");
    assert!(found.matches.len() == 4 && !found.truncated, "no more than there are");
    let line = format!("{}needle{}", "é".repeat(10_000), "z".repeat(10_000));
    let found = find(&query("needle"), line.as_bytes());
    let shown = &found.matches[0];
    assert_eq!((shown.column, shown.before, shown.text.chars().count()), (10_001, 100, 500));
    assert_eq!(shown.text.chars().skip(100).take(6).collect::<String>(), "needle");
    let many = "x ".repeat(200_000);
    let found = find(&SearchQuery { limit: 5000, ..query("x") }, many.as_bytes());
    assert!(found.truncated && found.matches.iter().map(|found| found.text.len()).sum::<usize>() < 400 * 1024);
    assert!(find(&query("x"), b"x\0").matches.is_empty(), "no text");
}

#[test]
fn lines_are_counted_over_blocks_and_it_may_be_over_between_them() {
    let content = format!("{}needle\n", "0123456789abcde\n".repeat(20_000));
    check(&query("needle"), &content, &[(20_001, 1, 6)]);
    let search = Search::new(&query("needle")).expect("a query");
    let mut collector = Collector::new(10);
    let asked = std::cell::Cell::new(0);
    let is_over = || asked.replace(asked.get() + 1) > 1;
    assert!(!collector.look(&search, &WorkspacePath::new("f").expect("a path"), content.as_bytes(), &is_over));
    assert!(collector.finish().truncated);
}

#[test]
fn matches_are_replaced_and_nothing_else() {
    let replace = |query: &SearchQuery, content: &str, replacement: &str| {
        let search = Search::new(query).expect("a query");
        let replaced = search.replace(content.as_bytes(), replacement, 1000, &|| false);
        replaced.map(|new| (String::from_utf8(new.content).expect("text"), new.count))
    };
    let regex = |pattern| SearchQuery { regex: true, ..query(pattern) };
    for (query, content, replacement, expected) in [
        (query("a"), "a b\r\nA\n", "$1", ("$1 b\r\n$1\n", 2)),
        (regex(r"(\w+)=(?P<v>\w+)"), "x a=b y", "${v}=$1$$", ("x b=a$ y", 1)),
        (regex("x*"), "axxb", "-", ("a-b", 1)),
        (regex("$"), "a", "x", ("", 0)),
    ] {
        match replace(&query, content, replacement) {
            Ok((text, count)) => assert_eq!((text.as_str(), count), expected),
            Err(why) => assert_eq!((why, expected.1), (NotReplaced::None, 0), "{content}"),
        }
    }
    assert_eq!(replace(&query("a"), &"a".repeat(100), &"b".repeat(100)), Err(NotReplaced::TooLarge));
    let search = Search::new(&query("a")).expect("a query");
    assert_eq!(search.replace(b"a", "b", 1000, &|| true), Err(NotReplaced::Over));
    assert_eq!(search.replace(b"a\0", "b", 1000, &|| false), Err(NotReplaced::None));
}

#[test]
fn a_short_replacement_that_names_a_long_match_often_is_refused_before_it_is_there() {
    let search = Search::new(&SearchQuery { regex: true, ..query(".+") }).expect("a query");
    let line = vec![b'a'; 4 << 20];
    let refused = search.replace(&line, &"$0".repeat(2000), 64 << 20, &|| false);
    assert_eq!(refused, Err(NotReplaced::TooLarge));
}

#[test]
fn a_pattern_that_matches_nothing_everywhere_is_over_when_its_time_is() {
    let search = Search::new(&SearchQuery { regex: true, ..query("(?:a*b)?|x") }).expect("a query");
    let mut line = vec![b'a'; 1 << 20];
    line.push(b'x');
    let asked = std::cell::Cell::new(0);
    let is_over = || asked.replace(asked.get() + 1) > 1;
    assert_eq!(search.replace(&line, "", 8 << 20, &is_over), Err(NotReplaced::Over));
    let mut collector = Collector::new(10);
    asked.set(0);
    assert!(!collector.look(&search, &WorkspacePath::new("f").expect("a path"), &line, &is_over));
    assert!(collector.finish().truncated);
}
