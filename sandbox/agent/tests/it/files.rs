//! Files through the agent: what is written, what is refused, what is never lost.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::process::Command;

use carrel_protocol::{
    AgentError, EntryKind, Expect, Limits, MAX_BUNDLE_FILES, MAX_CHUNK_BYTES, PathError, Reply, Request, SmallFile,
    WorkspacePath, WriteOptions,
};

use crate::harness::*;

fn hash(content: &[u8]) -> Expect {
    Expect::Content(*blake3::hash(content).as_bytes())
}

const WRITTEN: Result<Reply, AgentError> = Ok(Reply::Written { conflict_copy: None });

#[test]
fn what_is_written_is_there_and_reads_back() {
    let (sandbox, mut link) = Sandbox::ready();
    let bytes: Vec<u8> = (0..=255).cycle().take(50_000).collect();
    assert_eq!(link.write("new/folders/b.bin", &bytes, Expect::Absent), WRITTEN);
    assert_eq!(fs::read(sandbox.path("new/folders/b.bin")).expect("read"), bytes);
    assert_eq!(link.read_all("new/folders/b.bin").as_deref(), Ok(&bytes[..]));
    assert_eq!(link.write("new/folders/b.bin", b"", hash(&bytes)), WRITTEN);
    assert_eq!(link.read_all("new/folders/b.bin").as_deref(), Ok(&b""[..]));
    let mode = fs::metadata(sandbox.path("new/folders/b.bin")).expect("stat").permissions().mode();
    assert_eq!(mode & 0o777, 0o644);

    let options = WriteOptions { executable: true, durable: false, expect: Expect::Anything };
    assert_eq!(link.ask(Request::WriteFile { path: at("run.sh"), options, bytes: "#!".into() }), WRITTEN);
    assert_eq!(fs::metadata(sandbox.path("run.sh")).expect("stat").permissions().mode() & 0o777, 0o755);
    let Ok(Reply::Chunk { stamp, .. }) = link.ask(Request::ReadFile { path: at("run.sh"), offset: 0 }) else {
        panic!()
    };
    assert!(stamp.executable && stamp.size == 2);
}

#[test]
fn unexpected_content_is_kept_beside_and_told() {
    let (sandbox, mut link) = Sandbox::ready();
    let copies = || {
        let mut found: Vec<_> = fs::read_dir(sandbox.path("d"))
            .expect("list")
            .map(|item| item.expect("item").file_name().into_string().expect("utf-8"))
            .collect();
        found.retain(|name| name.contains("(conflict "));
        found.sort();
        found
    };
    fs::create_dir(sandbox.path("d")).expect("mkdir");
    fs::write(sandbox.path("d/a.py"), "theirs").expect("write");
    let Ok(Reply::Written { conflict_copy: Some(copy) }) = link.write("d/a.py", b"ours", hash(b"old")) else {
        panic!("no conflict")
    };
    assert!(copy.as_str().starts_with("d/a (conflict ") && copy.as_str().ends_with(").py"), "{copy}");
    assert_eq!(fs::read(sandbox.path(copy.as_str())).expect("read"), b"theirs");
    assert_eq!(fs::read(sandbox.path("d/a.py")).expect("read"), b"ours");

    let Ok(Reply::Written { conflict_copy: Some(second) }) = link.write("d/a.py", b"again", Expect::Absent) else {
        panic!("no conflict")
    };
    assert_ne!(copy, second);
    assert_eq!(copies().len(), 2);

    assert_eq!(link.write("d/a.py", b"again", hash(b"wrong")), WRITTEN, "the same content is no conflict");
    assert_eq!(link.write("d/a.py", b"known", hash(b"again")), WRITTEN);
    assert_eq!(link.write("d/a.py", b"any", Expect::Anything), WRITTEN);
    assert_eq!(link.write("d/gone.py", b"x", hash(b"was here")), WRITTEN, "deleted meanwhile: the save stands");
    assert_eq!(copies().len(), 2);

    symlink("a.py", sandbox.path("d/link")).expect("link");
    let Ok(Reply::Written { conflict_copy: Some(link_copy) }) = link.write("d/link", b"file", Expect::Absent) else {
        panic!("no conflict")
    };
    assert_eq!(fs::read_link(sandbox.path(link_copy.as_str())).expect("a link still").to_str(), Some("a.py"));
    assert_eq!(fs::read(sandbox.path("d/a.py")).expect("read"), b"any");
}

#[test]
fn a_race_with_a_program_never_loses_its_content() {
    let (sandbox, mut link) = Sandbox::ready();
    let path = sandbox.path("f");
    fs::write(&path, "0").expect("write");
    let (written, mut expected) = (2_000, b"0".to_vec());
    let program = std::thread::spawn({
        let (path, beside) = (path.clone(), sandbox.path("g"));
        move || {
            for number in 0..written {
                fs::write(&beside, format!("program {number}")).expect("write");
                fs::rename(&beside, &path).expect("rename");
            }
        }
    });
    let mut ours = 0;
    while !program.is_finished() {
        let content = format!("server {ours}").into_bytes();
        assert!(matches!(
            link.write("f", &content, hash(&expected)),
            Ok(Reply::Written { .. }) | Err(AgentError::Os(libc::EBUSY))
        ));
        expected = content;
        ours += 1;
    }
    program.join().expect("program");
    // The program's last word is either in place or was kept.
    let last = format!("program {}", written - 1).into_bytes();
    let kept = fs::read_dir(sandbox.workspace())
        .expect("list")
        .map(|item| item.expect("item").path())
        .filter(|path| path.is_file());
    assert!(kept.into_iter().any(|path| fs::read(path).expect("read") == last));
}

#[test]
fn planted_links_lead_nowhere() {
    let (sandbox, mut link) = Sandbox::ready();
    let outside = tempfile::tempdir().expect("temp dir");
    fs::write(outside.path().join("secret"), "secret").expect("write");
    symlink(outside.path(), sandbox.path("d")).expect("link");
    symlink(outside.path().join("secret"), sandbox.path("s")).expect("link");
    symlink("..", sandbox.path("up")).expect("link");
    let refused = Err(AgentError::Refused);
    assert_eq!(link.write("d/x", b"x", Expect::Anything), refused);
    assert_eq!(link.write("d/deep/x", b"x", Expect::Anything), refused);
    assert_eq!(link.read_all("d/secret"), Err(AgentError::Refused));
    assert_eq!(link.read_all("s"), Err(AgentError::Refused));
    assert_eq!(link.ask(Request::MakeFolder { path: at("d/new") }), refused);
    assert_eq!(link.ask(Request::MakeFolder { path: at("up/new") }), refused);
    assert_eq!(link.ask(Request::Remove { path: at("d/secret") }), refused);
    assert_eq!(link.ask(Request::Move { from: at("d/secret"), to: at("mine") }), refused);
    fs::write(sandbox.path("mine"), "").expect("write");
    assert_eq!(link.ask(Request::Move { from: at("mine"), to: at("d/mine") }), refused);
    assert_eq!(link.ask(Request::MakeSymlink { path: at("d/l"), target: "x".to_owned() }), refused);
    let terminal = uuid::Uuid::new_v4();
    let open =
        Request::OpenTerminal { terminal, name: String::new(), size: SIZE, cwd: Some(at("d")), command: Vec::new() };
    assert_eq!(link.ask(open), refused);
    // Replacing or removing the link itself is fine, and leaves its target alone.
    assert_eq!(link.write("s", b"mine now", Expect::Anything), WRITTEN);
    assert_eq!(link.ask(Request::Remove { path: at("d") }), Ok(Reply::Done));
    assert_eq!(fs::read(outside.path().join("secret")).expect("read"), b"secret");
    assert_eq!(fs::read_dir(outside.path()).expect("list").count(), 1);
}

#[test]
fn only_regular_files_are_read_and_a_pipe_blocks_nobody() {
    let (sandbox, mut link) = Sandbox::ready();
    assert!(Command::new("mkfifo").arg(sandbox.path("pipe")).status().expect("mkfifo").success());
    let _socket = std::os::unix::net::UnixListener::bind(sandbox.path("socket")).expect("bind");
    fs::create_dir(sandbox.path("folder")).expect("mkdir");
    for path in ["pipe", "socket", "folder"] {
        assert_eq!(link.read_all(path), Err(AgentError::WrongKind), "{path}");
    }
    assert_eq!(link.read_all("none"), Err(AgentError::NotFound));
    assert_eq!(link.write("folder", b"x", Expect::Anything), Err(AgentError::WrongKind));
    assert_eq!(link.write("pipe/x", b"x", Expect::Anything), Err(AgentError::WrongKind));
}

#[test]
fn a_file_that_changes_between_chunks_shows_it_by_its_stamp() {
    let (sandbox, mut link) = Sandbox::ready();
    fs::write(sandbox.path("f"), vec![1; 100_000]).expect("write");
    let mut chunk = |offset| match link.ask(Request::ReadFile { path: at("f"), offset }) {
        Ok(Reply::Chunk { bytes, stamp }) => (bytes, stamp),
        other => panic!("unexpected {other:?}"),
    };
    let (bytes, first) = chunk(0);
    assert_eq!((bytes.len(), first.size), (MAX_CHUNK_BYTES, 100_000));
    assert_eq!(chunk(65536).1, first);
    fs::write(sandbox.path("f"), vec![2; 100_001]).expect("write");
    assert_ne!(chunk(65536).1, first);
    assert!(chunk(u64::MAX).0.is_empty());
}

#[test]
fn a_full_disk_leaves_the_old_content() {
    let dir = tempfile::tempdir().expect("temp dir");
    let workspace = dir.path().join("w");
    fs::create_dir(&workspace).expect("mkdir");
    let mount =
        |args: &[&str]| Command::new(args[0]).args(&args[1..]).arg(&workspace).status().expect("mount").success();
    assert!(mount(&["mount", "-t", "tmpfs", "-o", "size=1m", "none"]), "this test mounts, so it must run as root");
    let sandbox = Sandbox::start_in(dir);
    let mut link = sandbox.accept(LIMITS);
    assert_eq!(link.write("f", b"old", Expect::Absent), WRITTEN);
    fs::write(sandbox.path("filler"), vec![0; 1024 * 1024 - 64 * 1024]).expect("fill");
    assert_eq!(link.write("f", &[1; MAX_CHUNK_BYTES], Expect::Anything), Err(AgentError::NoSpace));
    assert_eq!(link.ask(Request::BeginUpload { size: 200_000 }), Err(AgentError::NoSpace));
    assert_eq!(fs::read(sandbox.path("f")).expect("read"), b"old");
    fs::remove_file(sandbox.path("filler")).expect("remove");
    assert_eq!(link.write("f", &[1; MAX_CHUNK_BYTES], hash(b"old")), WRITTEN, "nothing of the failed ones is left");
    let Ok(Reply::Upload { .. }) = link.ask(Request::BeginUpload { size: 800_000 }) else { panic!("no room") };
    drop(link);
    let workspace = sandbox.workspace();
    let dir = sandbox.end();
    assert!(Command::new("umount").arg(&workspace).status().expect("umount").success());
    drop(dir);
}

#[test]
fn uploads_arrive_in_order_or_not_at_all() {
    let (sandbox, mut link) = Sandbox::ready();
    let content: Vec<u8> = (0..200_000_u32).flat_map(u32::to_le_bytes).collect();
    let options = WriteOptions { executable: false, durable: true, expect: Expect::Absent };
    let begin = |link: &mut Link, size| match link.ask(Request::BeginUpload { size }) {
        Ok(Reply::Upload { upload }) => upload,
        other => panic!("unexpected {other:?}"),
    };
    let upload = begin(&mut link, content.len() as u64);
    // All in flight at once.
    let mut ids = Vec::new();
    for (index, part) in content.chunks(MAX_CHUNK_BYTES).enumerate() {
        let offset = (index * MAX_CHUNK_BYTES) as u64;
        ids.push(link.request(Request::UploadChunk { upload, offset, bytes: part.to_vec().into() }));
    }
    let commit = link.request(Request::CommitUpload { upload, path: at("up/big"), options });
    for id in ids {
        assert_eq!(link.answer(id), Ok(Reply::Done));
    }
    assert_eq!(link.answer(commit), WRITTEN);
    assert_eq!(fs::read(sandbox.path("up/big")).expect("read"), content);

    let upload = begin(&mut link, 10);
    let bad = |answer| assert!(matches!(answer, Err(AgentError::BadRequest(_))));
    bad(link.ask(Request::UploadChunk { upload, offset: 5, bytes: "x".into() }));
    bad(link.ask(Request::UploadChunk { upload, offset: 0, bytes: "12345678901".into() }));
    bad(link.ask(Request::CommitUpload { upload, path: at("short"), options }));
    assert_eq!(
        link.ask(Request::AbortUpload { upload }),
        Err(AgentError::NotFound),
        "a failed commit is the end of it"
    );
    for _ in 0..8 {
        begin(&mut link, 10);
    }
    assert_eq!(link.ask(Request::BeginUpload { size: 1 }), Err(AgentError::TooMany));

    // A new connection starts with none, and no leftovers of the old.
    drop(link);
    let mut link = sandbox.accept(LIMITS);
    for _ in 0..8 {
        begin(&mut link, 10);
    }
    assert!(!sandbox.path("short").exists());
}

#[test]
fn the_scratch_folder_is_out_of_reach_and_swept() {
    let dir = tempfile::tempdir().expect("temp dir");
    let old = dir.path().join("w/.carrel-tmp-old");
    fs::create_dir_all(old.join("a/b")).expect("mkdir");
    fs::write(old.join("a/b/c"), "x").expect("write");
    let sandbox = Sandbox::start_in(dir);
    let mut link = sandbox.accept(LIMITS);
    assert_eq!(WorkspacePath::new(".carrel-tmp-old/x"), Err(PathError::Reserved), "no request can name it");
    assert_eq!(link.ask(Request::AbortUpload { upload: 1 }), Err(AgentError::NotFound));
    assert!(!old.exists(), "leftovers are removed before anything is written");
    assert_eq!(link.write("f", b"x", Expect::Anything), WRITTEN);
    // A program may remove the scratch folder at any time.
    for item in fs::read_dir(sandbox.workspace()).expect("list") {
        let path = item.expect("item").path();
        if path.is_dir() {
            fs::remove_dir_all(path).expect("remove");
        }
    }
    assert_eq!(link.write("f", b"y", hash(b"x")), WRITTEN);
    until("the tidying", || (fs::read_dir(sandbox.workspace()).expect("list").count() == 1).then_some(()));
}

#[test]
fn moving_never_replaces_and_makes_parents() {
    let (sandbox, mut link) = Sandbox::ready();
    fs::write(sandbox.path("a"), "a").expect("write");
    fs::write(sandbox.path("b"), "b").expect("write");
    let mut rename = |from, to| link.ask(Request::Move { from: at(from), to: at(to) });
    assert_eq!(rename("a", "b"), Err(AgentError::Exists));
    assert_eq!(rename("none", "x/y"), Err(AgentError::NotFound));
    assert!(!sandbox.path("x").exists());
    assert_eq!(rename("a", "x/y/z"), Ok(Reply::Done));
    assert!(matches!(rename("x", "x/y/x"), Err(AgentError::BadRequest(_))));
    assert_eq!(rename("x", "moved"), Ok(Reply::Done));
    assert_eq!(fs::read(sandbox.path("moved/y/z")).expect("read"), b"a");
}

#[test]
fn removing_takes_whole_trees_however_deep_or_locked() {
    let (sandbox, mut link) = Sandbox::ready();
    let mut deep = sandbox.path("t");
    for _ in 0..300 {
        deep = deep.join("nested");
        fs::create_dir_all(&deep).expect("mkdir");
        fs::write(deep.join("f"), "x").expect("write");
    }
    fs::create_dir_all(sandbox.path("t/locked/inner")).expect("mkdir");
    fs::write(sandbox.path("t/locked/inner/f"), "x").expect("write");
    fs::set_permissions(sandbox.path("t/locked"), fs::Permissions::from_mode(0o000)).expect("chmod");
    symlink("/etc", sandbox.path("t/etc")).expect("link");
    assert_eq!(link.ask(Request::Remove { path: at("t") }), Ok(Reply::Done));
    assert_eq!(link.ask(Request::Remove { path: at("t") }), Ok(Reply::Done), "absent is fine");
    assert!(!sandbox.path("t").exists() && fs::metadata("/etc/passwd").expect("still there").size() > 0);
    until("the tidying", || (fs::read_dir(sandbox.workspace()).expect("list").count() == 0).then_some(()));
}

#[test]
fn symbolic_links_are_made_only_inward() {
    let (sandbox, mut link) = Sandbox::ready();
    let mut make = |path, target: &str| link.ask(Request::MakeSymlink { path: at(path), target: target.to_owned() });
    assert_eq!(make("a/l", "../b"), Ok(Reply::Done));
    assert_eq!(make("a/l", "c"), Ok(Reply::Done));
    assert_eq!(fs::read_link(sandbox.path("a/l")).expect("link").to_str(), Some("c"));
    for target in ["/etc", "../../x", ""] {
        assert_eq!(make("a/l", target), Err(AgentError::Refused), "{target}");
    }
    assert_eq!(make("a", "b"), Err(AgentError::Exists));
}

#[test]
fn what_the_server_puts_in_is_taken_and_hashed_whatever_the_limit() {
    let (sandbox, mut link) = Sandbox::ready_with(Limits { max_file_bytes: 1000, ..LIMITS });
    fs::write(sandbox.path("larger"), [1; 1002]).expect("write");
    assert!(link.write("f", &[0; 1001], Expect::Anything).is_ok());
    let hashes = |entries: Vec<carrel_protocol::Entry>| {
        entries.into_iter().map(|entry| match entry.kind {
            EntryKind::File { hash, .. } => (entry.path, hash),
            kind => panic!("{kind:?}"),
        })
    };
    let listed: Vec<_> = hashes(link.scan().expect("listed")).collect();
    assert_eq!(listed, [("f".into(), Some(*blake3::hash(&[0; 1001]).as_bytes())), ("larger".into(), None)]);
    assert!(link.ask(Request::BeginUpload { size: 1 << 60 }).is_err(), "as much as there is room for");
    let path = at("f");
    let options = WriteOptions { executable: false, durable: false, expect: Expect::Anything };
    let huge = vec![0; MAX_CHUNK_BYTES + 1].into();
    assert!(matches!(link.ask(Request::WriteFile { path, options, bytes: huge }), Err(AgentError::BadRequest(_))));
}

#[test]
fn a_bundle_writes_every_file_it_can_and_says_which_it_could_not() {
    let (sandbox, mut link) = Sandbox::ready();
    fs::create_dir(sandbox.path("folder")).expect("a folder");
    fs::write(sandbox.path("there"), "unexpected").expect("a file");
    let file = |path, bytes: &'static str, expect| {
        let options = WriteOptions { executable: path == "run.sh", durable: false, expect };
        SmallFile { path: at(path), options, bytes: bytes.into() }
    };
    let files = vec![
        file("new/a", "1", Expect::Absent),
        file("folder", "2", Expect::Anything),
        file("run.sh", "#!", Expect::Anything),
        file("there", "3", Expect::Absent),
        file("new/a", "", hash(b"1")),
    ];
    let Ok(Reply::WrittenFiles { outcomes }) = link.ask(Request::WriteFiles { files }) else { panic!() };
    let Ok(Some(copy)) = &outcomes[3] else { panic!("{outcomes:?}") };
    assert_eq!(fs::read(sandbox.path(copy.as_str())).expect("the copy"), b"unexpected");
    assert_eq!(outcomes[1], Err(AgentError::WrongKind));
    assert!(outcomes[0] == Ok(None) && outcomes[2] == Ok(None) && outcomes[4] == Ok(None), "{outcomes:?}");
    assert_eq!(fs::read(sandbox.path("there")).expect("read"), b"3");
    assert_eq!(fs::read(sandbox.path("new/a")).expect("read"), b"");
    assert_eq!(fs::metadata(sandbox.path("run.sh")).expect("stat").permissions().mode() & 0o777, 0o755);
}

#[test]
fn a_bundle_over_its_limits_is_refused_whole() {
    let (sandbox, mut link) = Sandbox::ready();
    let options = WriteOptions { executable: false, durable: false, expect: Expect::Anything };
    let file =
        |number: usize, length| SmallFile { path: at(&format!("f{number}")), options, bytes: vec![0; length].into() };
    for files in [vec![file(0, MAX_CHUNK_BYTES), file(1, 1)], (0..=MAX_BUNDLE_FILES).map(|n| file(n, 0)).collect()] {
        assert!(matches!(link.ask(Request::WriteFiles { files }), Err(AgentError::BadRequest(_))));
    }
    assert!(!sandbox.path("f0").exists());
    let most = (0..MAX_BUNDLE_FILES).map(|number| file(number, MAX_CHUNK_BYTES / MAX_BUNDLE_FILES)).collect();
    assert!(matches!(link.ask(Request::WriteFiles { files: most }), Ok(Reply::WrittenFiles { .. })));
}
