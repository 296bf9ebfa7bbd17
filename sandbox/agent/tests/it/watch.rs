//! Changes made by programs, as the server hears of them.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::time::{Duration, Instant};

use carrel_protocol::{EntryKind, Expect, Limits, NotKept, Reply, Request, Shape};
use rustix::process::Signal;

use crate::harness::*;

#[test]
fn every_kind_of_change_is_told_as_the_state_now() {
    let (sandbox, mut link) = Sandbox::ready();
    fs::write(sandbox.path("a"), "one").expect("write");
    link.changes_until(|now| now("a") == Some(file(b"one")));
    fs::write(sandbox.path("a"), "two").expect("write");
    link.changes_until(|now| now("a") == Some(file(b"two")));
    fs::set_permissions(sandbox.path("a"), fs::Permissions::from_mode(0o755)).expect("chmod");
    link.changes_until(|now| matches!(now("a"), Some(EntryKind::File { executable: true, .. })));
    fs::rename(sandbox.path("a"), sandbox.path("b")).expect("rename");
    link.changes_until(|now| now("a") == Some(MISSING) && matches!(now("b"), Some(EntryKind::File { .. })));
    symlink("b", sandbox.path("l")).expect("link");
    link.changes_until(|now| now("l") == Some(EntryKind::Symlink { target: "b".to_owned() }));
    fs::remove_file(sandbox.path("b")).expect("remove");
    link.changes_until(|now| now("b") == Some(MISSING));
    fs::create_dir(sandbox.path("d")).expect("mkdir");
    link.changes_until(|now| now("d") == Some(EntryKind::Folder));
    fs::write(sandbox.path("d/f"), "x").expect("write");
    link.changes_until(|now| now("d/f") == Some(file(b"x")));
    fs::remove_dir_all(sandbox.path("d")).expect("remove");
    link.changes_until(|now| now("d") == Some(MISSING));
}

#[test]
fn a_renamed_folder_is_told_with_all_below_it_and_watched_on() {
    let (sandbox, mut link) = Sandbox::ready();
    fs::create_dir_all(sandbox.path("a/b/c")).expect("mkdir");
    fs::write(sandbox.path("a/b/c/f"), "x").expect("write");
    link.changes_until(|now| now("a/b/c/f").is_some());
    fs::rename(sandbox.path("a"), sandbox.path("z")).expect("rename");
    fs::write(sandbox.path("z/b/c/g"), "y").expect("write");
    link.changes_until(|now| {
        now("a") == Some(MISSING)
            && now("z/b/c") == Some(EntryKind::Folder)
            && now("z/b/c/f") == Some(file(b"x"))
            && now("z/b/c/g") == Some(file(b"y"))
    });
    fs::write(sandbox.path("z/b/c/f"), "changed").expect("write");
    link.changes_until(|now| now("z/b/c/f") == Some(file(b"changed")));
    // The old name may come to new life.
    fs::create_dir_all(sandbox.path("a/b")).expect("mkdir");
    fs::write(sandbox.path("a/b/new"), "n").expect("write");
    link.changes_until(|now| now("a/b/new") == Some(file(b"n")));
    // Two folders trade places.
    fs::rename(sandbox.path("a"), sandbox.path("t")).expect("rename");
    fs::rename(sandbox.path("z"), sandbox.path("a")).expect("rename");
    fs::rename(sandbox.path("t"), sandbox.path("z")).expect("rename");
    // What each no longer holds only a listing tells.
    while !link.changes().1 {}
    let listed = link.scan().expect("listed");
    let at = |path: &str| listed.iter().find(|entry| entry.path == path).map(|entry| entry.kind.clone());
    assert_eq!((at("z/b/new"), at("a/b/c/f")), (Some(file(b"n")), Some(file(b"changed"))));
    assert_eq!((at("a/b/new"), at("z/b/c")), (None, None));
    fs::write(sandbox.path("a/b/c/f"), "after").expect("write");
    fs::write(sandbox.path("z/b/new"), "after").expect("write");
    link.changes_until(|now| now("z/b/new") == Some(file(b"after")) && now("a/b/c/f") == Some(file(b"after")));
}

#[test]
fn a_folder_in_the_place_of_one_that_went_away_calls_for_a_listing() {
    let (sandbox, mut link) = Sandbox::ready();
    fs::create_dir(sandbox.path("d")).expect("mkdir");
    fs::write(sandbox.path("d/old"), "x").expect("write");
    link.changes_until(|now| now("d/old").is_some());
    // Nothing ever happens at d/old itself.
    sandbox.signal(Signal::STOP);
    fs::rename(sandbox.path("d"), sandbox.path("e")).expect("rename");
    fs::create_dir(sandbox.path("d")).expect("mkdir");
    sandbox.signal(Signal::CONT);
    while !link.changes().1 {}
    let listed: Vec<_> = link.scan().expect("listed").into_iter().map(|entry| entry.path).collect();
    assert_eq!(listed, ["d", "e", "e/old"]);
}

#[test]
fn a_thousand_files_in_folders_made_at_that_moment_are_all_told_within_a_second() {
    let (sandbox, mut link) = Sandbox::ready();
    let names: Vec<_> = (0..1000).map(|number| format!("d/{}/{}/f{number}", number % 7, number % 31)).collect();
    for name in &names {
        let path = sandbox.path(name);
        fs::create_dir_all(path.parent().expect("parent")).expect("mkdir");
        fs::write(path, name).expect("write");
    }
    let made = Instant::now();
    link.changes_until(|now| names.iter().all(|name| now(name) == Some(file(name.as_bytes()))));
    assert!(made.elapsed() < Duration::from_secs(1), "{:?}", made.elapsed());
}

#[test]
fn of_ignored_folders_only_their_coming_and_going_is_told_and_of_the_scratch_folder_nothing() {
    let (sandbox, mut link) = Sandbox::ready_with(ignoring(&["__pycache__/", "node_modules/"]));
    fs::create_dir_all(sandbox.path("p/__pycache__")).expect("mkdir");
    fs::create_dir_all(sandbox.path("node_modules/deep")).expect("mkdir");
    fs::write(sandbox.path("p/__pycache__/m.pyc"), "x").expect("write");
    fs::write(sandbox.path("node_modules/deep/f"), "x").expect("write");
    link.write("p/by-server", b"s", Expect::Anything).expect("written");
    let mut told = Vec::new();
    while !told.iter().any(|path| path == "p/by-server") {
        told.extend(link.changes().0.into_iter().map(|entry| entry.path));
    }
    told.sort();
    told.dedup();
    assert_eq!(told, ["node_modules", "p", "p/__pycache__", "p/by-server"]);
    // What goes on in one is nobody's business.
    fs::write(sandbox.path("node_modules/deep/f"), "y").expect("write");
    fs::write(sandbox.path("node_modules/g"), "y").expect("write");
    assert!(!link.hears_within(Duration::from_millis(400)));
    // A folder that leaves its ignored name is news.
    fs::rename(sandbox.path("node_modules"), sandbox.path("kept")).expect("rename");
    link.changes_until(|now| now("kept/deep/f") == Some(file(b"y")));
    fs::rename(sandbox.path("kept"), sandbox.path("node_modules")).expect("rename");
    let ignored = not_kept(NotKept::Ignored, Shape::Folder);
    link.changes_until(|now| now("kept") == Some(MISSING) && now("node_modules") == Some(ignored.clone()));
    fs::remove_dir_all(sandbox.path("node_modules")).expect("remove");
    let gone = EntryKind::Missing { ignored_file: false, ignored_folder: true };
    link.changes_until(|now| now("node_modules") == Some(gone.clone()));
}

#[test]
fn nothing_is_told_before_the_restore_is_finished_and_its_own_files_never() {
    let sandbox = Sandbox::start();
    let mut link = sandbox.accept(LIMITS);
    for number in 0..50 {
        link.write(&format!("r/{number}"), b"restored", Expect::Absent).expect("written");
    }
    assert!(!link.hears_within(Duration::from_millis(400)), "not restored yet");
    assert_eq!(link.ask(Request::FinishRestore), Ok(Reply::Done));
    fs::write(sandbox.path("r/new"), "by a program").expect("write");
    assert_eq!(link.changes().0.into_iter().map(|entry| entry.path).collect::<Vec<_>>(), ["r/new"]);
}

#[test]
fn one_batch_at_a_time_and_again_to_the_next_connection_if_not_taken() {
    let (sandbox, mut link) = Sandbox::ready();
    fs::write(sandbox.path("a"), "1").expect("write");
    link.find("changes", |frame| matches!(frame, carrel_protocol::ToServer::Changed { batch: 1, .. }).then_some(()));
    fs::write(sandbox.path("b"), "2").expect("write");
    assert!(!link.hears_within(Duration::from_millis(400)), "the first was not taken");
    drop(link);
    // Also while nobody listens.
    fs::write(sandbox.path("c"), "3").expect("write");
    let mut link = sandbox.accept(LIMITS);
    assert!(link.hello.restored);
    let names = ["a", "b", "c"];
    link.changes_until(|now| names.iter().all(|name| now(name).is_some()));
}

#[test]
fn too_many_changes_become_one_call_for_a_listing() {
    let (sandbox, mut link) = Sandbox::ready_with(Limits { max_items: 20, ..LIMITS });
    for number in 0..200 {
        fs::write(sandbox.path(&format!("f{number}")), "").expect("write");
    }
    while !link.changes().1 {}
    for number in 0..200 {
        fs::remove_file(sandbox.path(&format!("f{number}"))).expect("remove");
    }
    while !link.changes().1 {}
    fs::write(sandbox.path("one"), "more").expect("write");
    while !link.changes().0.iter().any(|entry| entry.path == "one") {}
}

#[test]
fn when_the_kernel_drops_events_a_listing_is_called_for_and_new_folders_are_watched() {
    let (sandbox, mut link) = Sandbox::ready();
    let queue: usize =
        fs::read_to_string("/proc/sys/fs/inotify/max_queued_events").expect("limit").trim().parse().expect("number");
    sandbox.signal(Signal::STOP);
    for number in 0..=queue / 2 {
        fs::write(sandbox.path(&format!("f{number}")), "").expect("write");
        fs::remove_file(sandbox.path(&format!("f{number}"))).expect("remove");
    }
    fs::create_dir_all(sandbox.path("new/inner")).expect("mkdir");
    sandbox.signal(Signal::CONT);
    while !link.changes().1 {}
    fs::write(sandbox.path("new/inner/f"), "x").expect("write");
    while !link.changes().0.iter().any(|entry| entry.path == "new/inner/f" && entry.kind == file(b"x")) {}
}

#[test]
fn a_file_that_never_rests_is_told_without_a_hash_or_with_a_true_one_and_at_last_as_it_is() {
    let (sandbox, mut link) = Sandbox::ready();
    let path = sandbox.path("log");
    let writer = std::thread::spawn(move || {
        use std::io::Write;
        let mut log = fs::File::create(&path).expect("create");
        for _ in 0..3_000 {
            log.write_all(&[7; 1000]).expect("write");
        }
    });
    let whole = vec![7; 3_000_000];
    link.changes_until(|now| {
        if let Some(EntryKind::File { size, hash: Some(hash), .. }) = now("log") {
            let size = usize::try_from(size).expect("small");
            assert_eq!(hash, *blake3::hash(&whole[..size]).as_bytes(), "a torn read is never passed off as content");
        }
        now("log") == Some(file(&whole))
    });
    writer.join().expect("writer");
}
