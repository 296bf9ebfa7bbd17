//! What of a workspace is kept, where both ends must judge alike.
//!
//! The agent leaves out of its listings what these rules leave out, so the server must not take its absence there for a deletion.

use crate::path::MAX_PATH_BYTES;

/// Names that begin so are the agent's own: never shown, and never a component of a [`crate::WorkspacePath`].
pub const SCRATCH_PREFIX: &str = ".carrel-tmp-";

/// Folders whose content is made again by tools, at any depth: neither watched nor listed.
const IGNORED_FOLDERS: [&[u8]; 4] = [b".venv", b"__pycache__", b"node_modules", b".cache"];

/// Whether listings are silent about `path`: it lies below an ignored folder, or is one itself (`folder`).
#[must_use]
pub fn is_ignored(path: &[u8], folder: bool) -> bool {
    let mut components = path.split(|byte| *byte == b'/');
    let name = components.next_back().unwrap_or_default();
    (folder && IGNORED_FOLDERS.contains(&name)) || components.any(|component| IGNORED_FOLDERS.contains(&component))
}

/// Whether a link at `path` with this target stays inside the workspace, by its text alone.
#[must_use]
pub fn stays_inside(path: &str, target: &str) -> bool {
    if target.is_empty() || target.starts_with('/') || target.contains('\0') || target.len() > MAX_PATH_BYTES {
        return false;
    }
    let mut depth = path.split('/').count() - 1;
    for component in target.split('/') {
        match component {
            "" | "." => {}
            ".." if depth == 0 => return false,
            ".." => depth -= 1,
            _ => depth += 1,
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_may_wander_but_not_out() {
        for (path, target, inside) in [
            ("l", "a/b", true),
            ("l", ".", true),
            ("l", "./d/../a", true),
            ("l", "..", false),
            ("d/l", "..", true),
            ("d/l", "../../etc", false),
            ("d/l", "x/../../../a", false),
            ("d/l", "../a/../b", true),
            ("l", "/workspace/a", false),
            ("l", "", false),
            ("a/b/l", "x/../../../y", true),
            ("a/b/l", "x/../../../../y", false),
            ("l", "a\0b", false),
        ] {
            assert_eq!(stays_inside(path, target), inside, "{path} -> {target}");
        }
        assert!(stays_inside("l", &"x".repeat(MAX_PATH_BYTES)) && !stays_inside("l", &"x".repeat(MAX_PATH_BYTES + 1)));
    }

    #[test]
    fn tool_folders_are_ignored_at_any_depth_and_only_by_their_whole_name() {
        for (path, folder, ignored) in [
            ("node_modules", true, true),
            ("a/b/.venv", true, true),
            ("a/.cache/b/c", false, true),
            ("__pycache__/x.pyc", false, true),
            (".cache", false, false),
            ("my.cache", true, false),
            ("node_modules2/x", false, false),
        ] {
            assert_eq!(is_ignored(path.as_bytes(), folder), ignored, "{path}");
        }
    }
}
