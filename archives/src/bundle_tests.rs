//! Bundles that git itself made come back as they were; broken ones are refused.

use std::fs;
use std::io::{BufReader, Cursor};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::Command;

use proptest::prelude::*;

use super::*;
use crate::listing::Entry;

const BOUNDS: Bounds = Bounds { max_items: 1000, max_bytes: 64 << 20, max_file_bytes: 8 << 20 };

fn git(folder: &Path, arguments: &[&str]) {
    let output = Command::new("git")
        .args([
            "-c",
            "user.name=a",
            "-c",
            "user.email=a@b",
            "-c",
            "init.defaultBranch=main",
            "-c",
            "protocol.version=2",
        ])
        .args(arguments)
        .current_dir(folder)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_SYSTEM", "/dev/null")
        .output()
        .expect("git is installed");
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
}

/// A history with many versions of a large file, so that there are deltas upon deltas.
fn repository() -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("a folder");
    let top = dir.path();
    git(top, &["init", "-q"]);
    fs::create_dir_all(top.join("src/deep")).expect("a folder");
    fs::write(top.join("src/deep/a b é.py"), "print(1)\n").expect("written");
    fs::write(top.join("run.sh"), "#!/bin/sh\n").expect("written");
    fs::set_permissions(top.join("run.sh"), fs::Permissions::from_mode(0o755)).expect("changed");
    symlink("src/deep", top.join("link")).expect("a link");
    for version in 0..12 {
        let lines: String =
            (0..3000).map(|line| format!("line {line} of {}\n", if line == 1500 { version } else { 0 })).collect();
        fs::write(top.join("large.txt"), lines).expect("written");
        git(top, &["add", "-A"]);
        git(top, &["commit", "-qm", &format!("version {version}")]);
    }
    git(top, &["repack", "-adfq", "--depth=20"]);
    dir
}

fn bundle(top: &Path, arguments: &[&str]) -> Vec<u8> {
    let arguments = [&["bundle", "create", "-q", "../x.bundle"], arguments].concat();
    let path = top.join("x.bundle");
    let arguments: Vec<_> =
        arguments.iter().map(|text| if *text == "../x.bundle" { "x.bundle" } else { text }).collect();
    git(top, &arguments);
    let bytes = fs::read(&path).expect("a bundle");
    fs::remove_file(path).expect("removed");
    bytes
}

fn open(bytes: &[u8]) -> Result<Bundle<BufReader<Cursor<&[u8]>>>, BadArchive> {
    Bundle::open(BufReader::new(Cursor::new(bytes)), BOUNDS)
}

#[test]
fn a_bundle_of_git_gives_the_files_of_its_head() {
    let dir = repository();
    let top = dir.path();
    let lines = fs::read(top.join("large.txt")).expect("a file");
    for (arguments, tip) in
        [(&["--all"][..], "HEAD"), (&["HEAD"], "HEAD"), (&["main"], "main"), (&["--version=3", "--all"], "v3")]
    {
        // The version comes before the file's name.
        let bytes = if tip == "v3" {
            git(top, &["bundle", "create", "-q", "--version=3", "x.bundle", "--all"]);
            fs::read(top.join("x.bundle")).expect("a bundle")
        } else {
            bundle(top, arguments)
        };
        let mut bundle = open(&bytes).expect("sound");
        bundle.prove().expect("whole");
        let mut entries: Vec<_> = bundle.listing().entries.iter().cloned().enumerate().collect();
        entries.sort_by(|one, other| one.1.path.cmp(&other.1.path));
        let listed: Vec<_> = entries.iter().map(|(_, entry)| entry.clone()).collect();
        let file = |size, executable| EntryKind::File { size, executable };
        let expected = [
            ("large.txt", file(lines.len() as u64, false)),
            ("link", EntryKind::Link { target: "src/deep".into() }),
            ("run.sh", file(10, true)),
            ("src", EntryKind::Folder),
            ("src/deep", EntryKind::Folder),
            ("src/deep/a b é.py", file(9, false)),
        ];
        let path = |text: &str| WorkspacePath::new(text).expect("a path");
        assert_eq!(listed, expected.map(|(name, kind)| Entry { path: path(name), kind }), "{arguments:?}");
        let content = |bundle: &mut Bundle<_>, at: usize| bundle.content(entries[at].0).expect("whole");
        assert!(content(&mut bundle, 0) == lines && content(&mut bundle, 5) == b"print(1)\n", "{arguments:?}");
    }
}

#[test]
fn what_cannot_be_had_whole_is_refused_with_the_reason() {
    let dir = repository();
    let part = bundle(dir.path(), &["HEAD~1..HEAD"]);
    assert!(matches!(open(&part).err(), Some(BadArchive::Unsupported(why)) if why.contains("--all")));
    let whole = bundle(dir.path(), &["--all"]);
    let listed = |bytes: &[u8], bounds| Bundle::open(BufReader::new(Cursor::new(bytes)), bounds).err();
    assert!(matches!(listed(&whole, Bounds { max_items: 3, ..BOUNDS }), Some(BadArchive::TooManyItems(3))));
    assert!(matches!(listed(&whole, Bounds { max_bytes: 100, ..BOUNDS }), Some(BadArchive::TooManyBytes(100))));
    let small = Bundle::open(BufReader::new(Cursor::new(&whole[..])), Bounds { max_file_bytes: 100, ..BOUNDS });
    assert_eq!(small.expect("sound").listing().skipped.len(), 1, "the large file");
    for bytes in
        [&b""[..], b"# v2 git bundle\n", b"# v4 git bundle\n\n", b"# v2 git bundle\n\nPACK", &whole[..whole.len() / 2]]
    {
        assert!(open(bytes).is_err());
    }
}

#[test]
fn names_and_links_of_a_tree_are_judged() {
    let dir = repository();
    let top = dir.path();
    symlink("/etc/passwd", top.join("out")).expect("a link");
    git(top, &["add", "-A"]);
    git(top, &["commit", "-qm", "out"]);
    assert!(matches!(open(&bundle(top, &["--all"])).err(), Some(BadArchive::LeadsOut { .. })));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn whatever_is_changed_in_a_bundle_never_panics(
        changes in proptest::collection::vec((any::<u32>(), any::<u8>()), 1..6),
    ) {
        static BYTES: std::sync::OnceLock<Vec<u8>> = std::sync::OnceLock::new();
        let mut bytes = BYTES.get_or_init(|| bundle(repository().path(), &["--all"])).clone();
        for (at, byte) in changes {
            let at = at as usize % bytes.len();
            bytes[at] = byte;
        }
        if let Ok(mut bundle) = open(&bytes) {
            for index in 0..bundle.listing().entries.len() {
                bundle.content(index).ok();
            }
        }
    }
}
