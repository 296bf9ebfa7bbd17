//! What of the workspace is ignored: `.gitignore`'s patterns, the server's own and those of ignore files.
//!
//! Of the patterns that match, the last one in the nearest file counts, `!` taking it back; the server's own come before those of any file. A
//! folder that is ignored is ignored with all it holds, whatever is said further down.
//!
//! Patterns are their writer's, and may be meant to hurt: a file that is too large, has too many of them or takes too long to match is not
//! obeyed at all, and the server is told so. A single line that is no pattern counts for nothing.

use std::collections::{BTreeMap, HashMap};
use std::ffi::OsStr;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use carrel_protocol::rules::{IGNORE_FILE, MAX_IGNORE_FILE_BYTES, MAX_PATTERNS};
use carrel_protocol::{Disobeyed, FileStamp, MAX_DISOBEYED, Unusable};
use ignore::Match;
use ignore::gitignore::{Gitignore, GitignoreBuilder};
use rustix::fs::{FileType, Mode, OFlags, fstat, openat};
use rustix::io::Errno;
use rustix::time::{ClockId, clock_gettime};

use super::beneath::{Root, file_type, split};
use super::entry::rendering;
use super::hash::{read_at, stamp};
use super::join;

/// Ignore files obeyed in one workspace.
const MAX_FILES: usize = 100;

/// Longest pattern in bytes; a longer line counts for nothing.
const MAX_PATTERN_BYTES: usize = 1024;

/// Most braces of a pattern; with more of them the line counts for nothing, since they nest.
const MAX_BRACES: usize = 8;

/// Folders whose rules are remembered; beyond it all are read again.
const MAX_FOLDERS: usize = 100_000;

/// CPU time a file's patterns may take altogether, and for one name, in nanoseconds: who exceeds both is not obeyed any more. A thousand
/// ordinary patterns take some ten microseconds.
const MAX_SPENT_NS: u64 = 2_000_000_000;
const MAX_MEAN_NS: u64 = 200_000;

/// The patterns in force, as far as anybody has asked.
#[derive(Debug, Default)]
pub struct Rules {
    own: Option<Arc<Level>>,
    /// By folder; `None` when the folder itself is ignored.
    folders: HashMap<Vec<u8>, Option<Arc<Level>>>,
    files: usize,
    disobeyed: BTreeMap<Vec<u8>, Unusable>,
    /// Files that were found too slow, until they change.
    slow: HashMap<Vec<u8>, FileStamp>,
}

/// The patterns of one file, and of those above it.
#[derive(Debug)]
struct Level {
    folder: Vec<u8>,
    matcher: Gitignore,
    stamp: Option<FileStamp>,
    spent_ns: AtomicU64,
    names: AtomicU64,
    given_up: AtomicBool,
    above: Option<Arc<Level>>,
}

impl Rules {
    /// Takes over the server's own patterns, which it has checked, and forgets the rest.
    pub fn set_own(&mut self, patterns: &[String]) {
        let matcher = compile(patterns.iter().map(String::as_str)).unwrap_or_else(|_| Gitignore::empty());
        self.own = Some(Arc::new(Level::new(Vec::new(), matcher, None, None)));
        self.forget();
    }

    /// Reads every file again when it is next asked for.
    pub fn forget(&mut self) {
        self.folders.clear();
        self.disobeyed.clear();
        self.files = 0;
    }

    /// Reads the rules of a folder again that has come, or may have changed.
    pub fn forget_folder(&mut self, folder: &[u8]) {
        self.folders.remove(folder);
    }

    /// Whether the item at `path`, a folder or not, is ignored.
    pub fn is_ignored(&mut self, root: &Root, path: &[u8], folder: bool) -> bool {
        let (parent, name) = split(path);
        match self.level(root, parent) {
            None => true,
            Some(_) if name == IGNORE_FILE.as_bytes() && !folder => false,
            Some(level) => self.matches(&level, path, folder),
        }
    }

    /// Whether what `path` lies in is ignored, so that nothing is said of `path` itself.
    pub fn is_below_ignored(&mut self, root: &Root, path: &[u8]) -> bool {
        self.level(root, split(path).0).is_none()
    }

    /// The ignore files that are not obeyed.
    #[must_use]
    pub fn disobeyed(&self) -> Vec<Disobeyed> {
        let told = self.disobeyed.iter().take(MAX_DISOBEYED);
        told.map(|(path, why)| Disobeyed { path: rendering(path), why: *why }).collect()
    }

    /// What holds in a folder; `None` when it is ignored.
    fn level(&mut self, root: &Root, folder: &[u8]) -> Option<Arc<Level>> {
        let mut known = folder;
        while !self.folders.contains_key(known) && !known.is_empty() {
            known = split(known).0;
        }
        if self.folders.len() >= MAX_FOLDERS {
            self.forget();
            known = b"";
        }
        let mut level = match self.folders.get(known) {
            Some(level) => level.clone(),
            None => {
                let own = self.own.clone().unwrap_or_default();
                let level = self.load(root, b"", own);
                self.folders.insert(Vec::new(), Some(Arc::clone(&level)));
                Some(level)
            }
        };
        while known.len() < folder.len() {
            let start = known.len() + usize::from(!known.is_empty());
            let end = folder[start..].iter().position(|byte| *byte == b'/').map_or(folder.len(), |at| start + at);
            known = &folder[..end];
            level = match level {
                Some(above) if !self.matches(&above, known, true) => Some(self.load(root, known, above)),
                _ => None,
            };
            self.folders.insert(known.to_vec(), level.clone());
        }
        level
    }

    /// The rules of a folder that is not ignored, below those of `above`.
    fn load(&mut self, root: &Root, folder: &[u8], above: Arc<Level>) -> Arc<Level> {
        let path = join(folder, IGNORE_FILE.as_bytes());
        let loaded = read(root, folder).and_then(|file| {
            let Some((text, stamp)) = file else { return Ok(None) };
            if self.slow.get(&path) == Some(&stamp) {
                return Err(Unusable::TooSlow);
            }
            if self.files >= MAX_FILES {
                return Err(Unusable::TooManyPatterns);
            }
            Ok(Some((compile(text.lines())?, stamp)))
        });
        match loaded {
            Ok(None) => above,
            Ok(Some((matcher, stamp))) => {
                self.files += 1;
                Arc::new(Level::new(folder.to_vec(), matcher, Some(stamp), Some(above)))
            }
            Err(why) => {
                self.disobey(path, why);
                above
            }
        }
    }

    /// Whether `path`, which is not in an ignored folder, is ignored.
    fn matches(&mut self, level: &Arc<Level>, path: &[u8], folder: bool) -> bool {
        let mut next = Some(level);
        while let Some(level) = next {
            let verdict = level.judge(path, folder);
            if level.is_too_slow()
                && let Some(stamp) = level.stamp
            {
                level.given_up.store(true, Ordering::Relaxed);
                let path = join(&level.folder, IGNORE_FILE.as_bytes());
                if self.slow.len() >= MAX_FILES {
                    self.slow.clear();
                }
                self.slow.insert(path.clone(), stamp);
                self.disobey(path, Unusable::TooSlow);
            }
            match verdict {
                Some(ignored) => return ignored,
                None => next = level.above.as_ref(),
            }
        }
        false
    }

    fn disobey(&mut self, path: Vec<u8>, why: Unusable) {
        if self.disobeyed.len() < MAX_DISOBEYED {
            self.disobeyed.insert(path, why);
        }
    }
}

impl Default for Level {
    fn default() -> Self {
        Self::new(Vec::new(), Gitignore::empty(), None, None)
    }
}

impl Level {
    fn new(folder: Vec<u8>, matcher: Gitignore, stamp: Option<FileStamp>, above: Option<Arc<Level>>) -> Self {
        let (spent_ns, names) = (AtomicU64::new(0), AtomicU64::new(0));
        Self { folder, matcher, stamp, spent_ns, names, given_up: AtomicBool::new(false), above }
    }

    /// What these patterns say of `path`, if anything.
    fn judge(&self, path: &[u8], folder: bool) -> Option<bool> {
        if self.matcher.is_empty() || self.given_up.load(Ordering::Relaxed) {
            return None;
        }
        let below = if self.folder.is_empty() { path } else { path.get(self.folder.len() + 1..)? };
        let began = cpu_ns();
        let verdict = match self.matcher.matched(Path::new(OsStr::from_bytes(below)), folder) {
            Match::None => None,
            Match::Ignore(_) => Some(true),
            Match::Whitelist(_) => Some(false),
        };
        self.spent_ns.fetch_add(cpu_ns().saturating_sub(began), Ordering::Relaxed);
        self.names.fetch_add(1, Ordering::Relaxed);
        verdict
    }

    fn is_too_slow(&self) -> bool {
        let (spent, names) = (self.spent_ns.load(Ordering::Relaxed), self.names.load(Ordering::Relaxed));
        spent > MAX_SPENT_NS && spent / names.max(1) > MAX_MEAN_NS && !self.given_up.load(Ordering::Relaxed)
    }
}

/// A folder's ignore file, if it has one.
fn read(root: &Root, folder: &[u8]) -> Result<Option<(String, FileStamp)>, Unusable> {
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOFOLLOW | OFlags::NOCTTY | OFlags::CLOEXEC;
    let opened = root.folder(folder, OFlags::PATH).and_then(|at| openat(at, IGNORE_FILE, flags, Mode::empty()));
    let file: OwnedFd = match opened {
        Ok(file) => file,
        // No such file; or no such folder any more, and then nobody asks for long.
        Err(Errno::NOENT | Errno::NOTDIR) => return Ok(None),
        Err(_) => return Err(Unusable::Unreadable),
    };
    let stat = fstat(&file).map_err(|_| Unusable::Unreadable)?;
    if file_type(&stat) != FileType::RegularFile {
        return Err(Unusable::Unreadable);
    }
    let mut buffer = vec![0; MAX_IGNORE_FILE_BYTES + 1];
    let length = read_at(&file, &mut buffer, 0).map_err(|_| Unusable::Unreadable)?;
    if length > MAX_IGNORE_FILE_BYTES {
        return Err(Unusable::TooLarge);
    }
    buffer.truncate(length);
    let text = String::from_utf8(buffer).map_err(|_| Unusable::Unreadable)?;
    Ok(Some((text, stamp(&stat))))
}

fn compile<'l>(lines: impl Iterator<Item = &'l str>) -> Result<Gitignore, Unusable> {
    let (mut builder, mut patterns) = (GitignoreBuilder::new(""), 0);
    for line in lines {
        let line = line.strip_prefix('\u{feff}').unwrap_or(line);
        if line.trim().is_empty() || line.starts_with('#') {
            continue;
        }
        patterns += 1;
        if patterns > MAX_PATTERNS {
            return Err(Unusable::TooManyPatterns);
        }
        if line.len() <= MAX_PATTERN_BYTES && line.matches('{').count() <= MAX_BRACES {
            // An error means that the line is no pattern.
            builder.add_line(None, line).ok();
        }
    }
    builder.build().map_err(|_| Unusable::TooSlow)
}

/// CPU time of this thread: how slow the machine is does not count.
fn cpu_ns() -> u64 {
    let now = clock_gettime(ClockId::ThreadCPUTime);
    u64::try_from(now.tv_sec).unwrap_or(0) * 1_000_000_000 + u64::try_from(now.tv_nsec).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::time::Instant;

    use super::*;

    struct Tree {
        dir: tempfile::TempDir,
        root: Root,
        rules: Rules,
    }

    impl Tree {
        /// A workspace with these ignore files, the server's own patterns being `own`.
        fn new(own: &[&str], files: &[(&str, &str)]) -> Self {
            let dir = tempfile::tempdir().expect("temp dir");
            for (folder, text) in files {
                fs::create_dir_all(dir.path().join(folder)).expect("mkdir");
                fs::write(dir.path().join(folder).join(IGNORE_FILE), text).expect("write");
            }
            let mut rules = Rules::default();
            rules.set_own(&own.iter().map(ToString::to_string).collect::<Vec<_>>());
            Self { root: Root::open(dir.path()).expect("root"), dir, rules }
        }

        /// `path` ends with a slash where it is a folder.
        fn ignored(&mut self, path: &str) -> bool {
            self.rules.is_ignored(&self.root, path.trim_end_matches('/').as_bytes(), path.ends_with('/'))
        }

        #[track_caller]
        fn check(&mut self, ignored: &[&str], kept: &[&str]) {
            for (paths, expected) in [(ignored, true), (kept, false)] {
                for path in paths {
                    assert_eq!(self.ignored(path), expected, "{path}");
                }
            }
        }
    }

    #[test]
    fn the_servers_own_patterns_hold_at_any_depth_and_can_be_taken_back() {
        let mut tree = Tree::new(&[".venv/", "node_modules/"], &[("mine", "!node_modules/\n")]);
        tree.check(
            &["node_modules/", "a/b/.venv/", "a/.venv/b/c", "node_modules/x"],
            &[".venv", "my.venv/", "node_modules2/x", "mine/node_modules/", "mine/node_modules/x", "mine/a"],
        );
    }

    #[test]
    fn the_nearest_file_counts_and_its_last_match_and_nothing_comes_back_from_an_ignored_folder() {
        let files = [
            ("", "*.log\n!keep.log\n/top\ndata/\n# a comment\n\\#odd\n"),
            ("a", "!*.log\n/only\n"),
            ("a/b", "*.log\n"),
            ("data", "!*\n"),
        ];
        Tree::new(&[], &files).check(
            &["x.log", "c/x.log", "top", "data/", "data/x", "c/data/", "#odd", "a/only", "a/b/x.log", "a/b/c/keep.log"],
            &["keep.log", "c/keep.log", "c/top", "data", "a/x.log", "a/c/x.log", "a/c/only", "only"],
        );
    }

    #[test]
    fn an_ignore_file_is_kept_whatever_it_says_unless_its_folder_is_not() {
        let mut tree = Tree::new(&[], &[("", "*\n!/d/\n"), ("d", "")]);
        tree.check(&["x", ".carrelignore/", "e/", "e/.carrelignore"], &[".carrelignore", "d/", "d/.carrelignore"]);
    }

    #[test]
    fn what_changed_counts_once_the_rules_are_forgotten() {
        let mut tree = Tree::new(&[], &[("a", "x\n")]);
        tree.check(&["a/x"], &["a/y"]);
        fs::write(tree.dir.path().join("a").join(IGNORE_FILE), "y\n").expect("write");
        tree.rules.forget_folder(b"a");
        tree.check(&["a/y"], &["a/x"]);
        fs::remove_file(tree.dir.path().join("a").join(IGNORE_FILE)).expect("remove");
        tree.rules.forget();
        tree.check(&[], &["a/y", "a/x"]);
    }

    #[test]
    fn a_file_that_is_too_much_is_not_obeyed_and_a_line_that_is_none_counts_for_nothing() {
        let many = "x\n".repeat(MAX_PATTERNS + 1);
        let long = format!("x\n{}\n", "#".repeat(MAX_IGNORE_FILE_BYTES));
        let braces = format!("[\n{}\n{}\nx\n", "{".repeat(30_000), "y".repeat(2000));
        let mut tree = Tree::new(&[], &[("many", &many), ("long", &long), ("braces", &braces), ("fine", "x\n")]);
        fs::create_dir(tree.dir.path().join("link")).expect("mkdir");
        std::os::unix::fs::symlink("/etc/passwd", tree.dir.path().join("link").join(IGNORE_FILE)).expect("link");
        tree.check(&["fine/x", "braces/x"], &["many/x", "long/x", "link/x"]);
        let told: Vec<_> = tree.rules.disobeyed().into_iter().map(|one| (one.path, one.why)).collect();
        assert_eq!(
            told,
            [
                ("link/.carrelignore".to_owned(), Unusable::Unreadable),
                ("long/.carrelignore".to_owned(), Unusable::TooLarge),
                ("many/.carrelignore".to_owned(), Unusable::TooManyPatterns),
            ]
        );
    }

    #[test]
    fn patterns_that_take_for_ever_are_given_up_until_they_change() {
        // Each of these needs to know where in the last hundreds of characters an `a` was.
        let mut state = 1_u32;
        let mut letter = |_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            if state >> 31 == 0 { 'a' } else { 'b' }
        };
        let mut name = || (0..255).map(&mut letter).collect::<String>();
        let slow: String = (0..200).map(|number| format!("!*a{}b*\n", "?".repeat(50 + number))).collect();
        let mut tree = Tree::new(&[], &[("", &slow)]);
        let began = Instant::now();
        while tree.rules.disobeyed().is_empty() {
            assert!(!tree.ignored(&name()));
            assert!(began.elapsed().as_secs() < 60, "{:?} and no end", began.elapsed());
        }
        let file = tree.dir.path().join(IGNORE_FILE);
        tree.rules.forget();
        let began = Instant::now();
        tree.check(&[], &["x", &name()]);
        assert!(began.elapsed().as_secs() < 1, "remembered");
        fs::write(&file, "x\n").expect("write");
        tree.rules.forget();
        tree.check(&["x"], &[]);
        assert_eq!(tree.rules.disobeyed(), []);
    }
}
