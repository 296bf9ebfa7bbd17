//! `.carrelignore` files, as they come, change and go.

use std::fs;
use std::time::Duration;

use carrel_protocol::rules::IGNORE_FILE;
use carrel_protocol::{
    AgentError, Entry, EntryKind, Limits, MAX_IGNORED_ENTRIES, MAX_PAGE_ENTRIES, NotKept, Reply, Request,
};

use crate::harness::*;

/// Paths in a listing, ignored ones with a `-` before them.
fn listed(link: &mut Link) -> Vec<String> {
    let name = |entry: Entry| match entry.kind {
        EntryKind::NotKept { why: NotKept::Ignored, .. } => format!("-{}", entry.path),
        _ => entry.path,
    };
    link.scan().expect("listed").into_iter().map(name).collect()
}

fn are_gone(link: &mut Link, items: &[(&str, bool)]) -> Result<Reply, AgentError> {
    link.ask(Request::AreGone { items: items.iter().map(|(path, folder)| (at(path), *folder)).collect() })
}

/// Something that is done, and what is listed after it.
type Step = (Box<dyn Fn()>, &'static [&'static str]);

#[test]
fn an_ignore_file_calls_for_a_listing_when_it_comes_changes_moves_and_goes() {
    let (sandbox, mut link) = Sandbox::ready();
    fs::create_dir_all(sandbox.path("d/deep")).expect("mkdir");
    fs::create_dir_all(sandbox.path("e")).expect("mkdir");
    for file in ["d/a.log", "d/deep/f", "e/a.log"] {
        fs::write(sandbox.path(file), "x").expect("write");
    }
    link.changes_until(|now| now("e/a.log").is_some() && now("d/deep/f").is_some());
    let ignore = sandbox.path("d").join(IGNORE_FILE);
    let mut steps: Vec<Step> = Vec::new();
    let write = |text: &'static str| {
        let ignore = ignore.clone();
        Box::new(move || fs::write(&ignore, text).expect("write"))
    };
    steps.push((write("*.log\n"), &["d", "d/.carrelignore", "-d/a.log", "d/deep", "d/deep/f", "e", "e/a.log"]));
    steps.push((write("deep/\n"), &["d", "d/.carrelignore", "d/a.log", "-d/deep", "e", "e/a.log"]));
    let (from, to) = (ignore.clone(), sandbox.path("e").join(IGNORE_FILE));
    let moved = Box::new(move || fs::rename(&from, &to).expect("rename"));
    steps.push((moved, &["d", "d/a.log", "d/deep", "d/deep/f", "e", "e/.carrelignore", "e/a.log"]));
    let to = sandbox.path("e").join(IGNORE_FILE);
    let by_editor = Box::new({
        let (new, to) = (sandbox.dir.path().join("new"), to.clone());
        move || {
            fs::write(&new, "*\n").expect("write");
            fs::rename(&new, &to).expect("rename");
        }
    });
    steps.push((by_editor, &["d", "d/a.log", "d/deep", "d/deep/f", "e", "e/.carrelignore", "-e/a.log"]));
    let gone = Box::new(move || fs::remove_file(&to).expect("remove"));
    steps.push((gone, &["d", "d/a.log", "d/deep", "d/deep/f", "e", "e/a.log"]));
    for (change, expected) in steps {
        change();
        while !link.changes().1 {}
        assert_eq!(listed(&mut link), expected);
    }
    // What is no longer ignored is watched again.
    fs::write(sandbox.path("d/deep/f"), "later").expect("write");
    link.changes_until(|now| now("d/deep/f") == Some(file(b"later")));
}

#[test]
fn what_becomes_ignored_is_no_longer_watched() {
    let (sandbox, mut link) = Sandbox::ready();
    fs::create_dir_all(sandbox.path("data/deep")).expect("mkdir");
    link.changes_until(|now| now("data/deep").is_some());
    fs::write(sandbox.path(IGNORE_FILE), "data/\n").expect("write");
    while !link.changes().1 {}
    while link.hears_within(Duration::from_millis(400)) {
        link.changes();
    }
    fs::write(sandbox.path("data/deep/f"), "x").expect("write");
    fs::write(sandbox.path("data/f"), "x").expect("write");
    assert!(!link.hears_within(Duration::from_millis(400)));
}

#[test]
fn ignored_things_do_not_count_and_only_so_many_are_named() {
    let (sandbox, mut link) = Sandbox::ready_with(Limits { max_items: 1000, ..ignoring(&["*.tmp"]) });
    for number in 0..3000 {
        fs::write(sandbox.path(&format!("{number}.tmp")), "").expect("write");
    }
    fs::write(sandbox.path("kept"), "x").expect("write");
    let listing = listed(&mut link);
    assert_eq!(listing.len(), MAX_IGNORED_ENTRIES + 1);
    assert!(listing.contains(&"kept".to_owned()));
}

#[test]
fn only_what_is_absent_and_not_ignored_is_gone_for_certain() {
    let (sandbox, mut link) = Sandbox::ready_with(ignoring(&["node_modules/"]));
    fs::write(sandbox.path("there"), "x").expect("write");
    fs::write(sandbox.path(IGNORE_FILE), "*.log\n").expect("write");
    while !link.changes().1 {}
    let items = [
        ("there", false),
        ("there/below", false),
        ("gone", false),
        ("gone.log", false),
        ("node_modules", true),
        ("node_modules", false),
        ("a/node_modules/b", false),
    ];
    let expected = vec![false, true, true, false, false, true, false];
    assert_eq!(are_gone(&mut link, &items), Ok(Reply::Gone(expected)));
    assert_eq!(are_gone(&mut link, &[("x", false); MAX_PAGE_ENTRIES + 1]), Err(AgentError::TooMany));
}

#[test]
fn a_file_that_is_not_obeyed_is_named_and_ignores_nothing() {
    let (sandbox, mut link) = Sandbox::ready();
    fs::write(sandbox.path(IGNORE_FILE), "x\n".repeat(2000)).expect("write");
    fs::write(sandbox.path("x"), "x").expect("write");
    assert_eq!(listed(&mut link), [IGNORE_FILE, "x"]);
}

#[test]
fn the_patterns_of_another_server_take_the_place_of_the_first() {
    let (sandbox, link) = Sandbox::ready_with(ignoring(&["old/"]));
    fs::create_dir_all(sandbox.path("old/in")).expect("mkdir");
    fs::create_dir_all(sandbox.path("new/in")).expect("mkdir");
    drop(link);
    let mut link = sandbox.accept(ignoring(&["new/"]));
    assert_eq!(listed(&mut link), ["-new", "old", "old/in"]);
    fs::write(sandbox.path("old/in/f"), "x").expect("write");
    fs::write(sandbox.path("new/in/f"), "x").expect("write");
    let mut told = Vec::new();
    while !told.iter().any(|path| path == "old/in/f") {
        told.extend(link.changes().0.into_iter().map(|entry| entry.path));
    }
    assert!(!told.iter().any(|path| path.starts_with("new/")), "{told:?}");
}
