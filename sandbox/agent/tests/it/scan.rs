//! Listing the workspace: whole or not at all.

use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, chown, symlink};
use std::process::Command;

use carrel_protocol::{AgentError, Entry, EntryKind, Expect, Limits, NotKept, Reply, Request, Shape};

use crate::harness::*;

#[test]
fn everything_that_is_kept_is_listed_parents_first() {
    let (sandbox, mut link) = Sandbox::ready_with(ignoring(&[".venv/", "node_modules/", ".cache/"]));
    fs::create_dir_all(sandbox.path("b/empty")).expect("mkdir");
    fs::create_dir_all(sandbox.path("b/.venv/lib")).expect("mkdir");
    fs::create_dir_all(sandbox.path("node_modules/x")).expect("mkdir");
    fs::create_dir_all(sandbox.path(".carrel-tmp-x")).expect("mkdir");
    fs::write(sandbox.path("b/a.py"), "print()").expect("write");
    fs::write(sandbox.path("b.txt"), "").expect("write");
    fs::write(sandbox.path(".cache"), "a file, so kept").expect("write");
    symlink("b/a.py", sandbox.path("l")).expect("link");
    symlink("/etc", sandbox.path("out")).expect("link");
    assert!(Command::new("mkfifo").arg(sandbox.path("pipe")).status().expect("mkfifo").success());
    fs::write(sandbox.workspace().join(std::ffi::OsStr::from_bytes(b"bad\xff")), "").expect("write");
    fs::write(sandbox.path("😀 \u{1b}[31m"), "odd").expect("write");
    let entry = |path: &str, kind| Entry { path: path.to_owned(), kind };
    let expected = vec![
        entry(".cache", file(b"a file, so kept")),
        entry("b", EntryKind::Folder),
        entry("b/.venv", not_kept(NotKept::Ignored, Shape::Folder)),
        entry("b/a.py", file(b"print()")),
        entry("b/empty", EntryKind::Folder),
        entry("b.txt", file(b"")),
        entry("bad\\xff", not_kept(NotKept::Name, Shape::File)),
        entry("l", EntryKind::Symlink { target: "b/a.py".to_owned() }),
        entry("node_modules", not_kept(NotKept::Ignored, Shape::Folder)),
        entry("out", not_kept(NotKept::EscapingLink, Shape::Other)),
        entry("pipe", not_kept(NotKept::Special, Shape::Other)),
        entry("😀 \u{1b}[31m", file(b"odd")),
    ];
    assert_eq!(link.scan(), Ok(expected.clone()));
    assert_eq!(link.scan(), Ok(expected), "hashes remembered or not");
}

#[test]
fn many_items_come_in_pages_and_too_many_not_at_all() {
    let (sandbox, mut link) = Sandbox::ready_with(Limits { max_items: 1000, ..LIMITS });
    for number in 0..999 {
        fs::write(sandbox.path(&format!("{number}-{}", "x".repeat(200))), "").expect("write");
    }
    assert_eq!(link.scan().map(|entries| entries.len()), Ok(999));
    fs::create_dir(sandbox.path("d")).expect("mkdir");
    assert_eq!(link.scan().map(|entries| entries.len()), Ok(1000));
    fs::write(sandbox.path("d/one"), "").expect("write");
    assert_eq!(link.scan(), Err(AgentError::TooMany));
}

#[test]
fn too_large_and_too_deep_are_listed_for_what_they_are() {
    let (sandbox, mut link) = Sandbox::ready_with(Limits { max_file_bytes: 10, ..LIMITS });
    fs::File::create(sandbox.path("sparse")).expect("create").set_len(1 << 40).expect("sparse");
    let deep = vec!["d"; 70].join("/");
    fs::create_dir_all(sandbox.path(&deep)).expect("mkdir");
    let entries = link.scan().expect("listed");
    assert_eq!(entries.len(), 64 + 1 + 1);
    let last = &entries[64];
    assert_eq!((last.path.len(), &last.kind), (64 * 2 + 1, &not_kept(NotKept::Name, Shape::Folder)));
    assert_eq!(entries[65].kind, EntryKind::File { size: 1 << 40, executable: false, hash: None });
}

#[test]
fn what_cannot_be_read_is_listed_as_such_and_hides_nothing_else() {
    // Root reads everything, so this agent is somebody else, as in a sandbox.
    let sandbox = Sandbox::start_as(1000);
    let mut link = sandbox.accept(LIMITS);
    link.write("f", b"x", Expect::Absent).expect("written");
    link.write("locked/f", b"x", Expect::Absent).expect("written");
    let lock = |mode| fs::set_permissions(sandbox.path("locked"), fs::Permissions::from_mode(mode)).expect("chmod");
    let entry = |path: &str, kind| Entry { path: path.to_owned(), kind };
    let unreadable = not_kept(NotKept::Unreadable, Shape::Folder);
    // Without the right to look inside, names alone tell nothing.
    for mode in [0o000, 0o400, 0o100] {
        lock(mode);
        assert_eq!(link.scan(), Ok(vec![entry("f", file(b"x")), entry("locked", unreadable.clone())]), "{mode:o}");
    }
    lock(0o755);
    assert_eq!(link.scan().map(|entries| entries.len()), Ok(3));
    fs::set_permissions(sandbox.path("f"), fs::Permissions::from_mode(0o000)).expect("chmod");
    let closed = not_kept(NotKept::Unreadable, Shape::File);
    assert_eq!(link.scan().map(|entries| entries[0].clone()), Ok(entry("f", closed)));

    // A folder that arrives locked is looked into when it opens.
    assert_eq!(link.ask(Request::FinishRestore), Ok(Reply::Done));
    let outside = sandbox.dir.path().join("shut");
    fs::create_dir(&outside).expect("mkdir");
    fs::write(outside.join("f"), "inside").expect("write");
    for path in [outside.join("f"), outside.clone()] {
        chown(path, Some(1000), Some(1000)).expect("chown");
    }
    fs::set_permissions(&outside, fs::Permissions::from_mode(0o000)).expect("chmod");
    fs::rename(&outside, sandbox.path("shut")).expect("rename");
    link.changes_until(|now| now("shut") == Some(unreadable.clone()));
    fs::set_permissions(sandbox.path("shut"), fs::Permissions::from_mode(0o755)).expect("chmod");
    link.changes_until(|now| now("shut/f") == Some(file(b"inside")));
}
