//! What of a workspace is kept, where both ends must judge alike.
//!
//! What is ignored the agent alone decides, in the sandbox and at its expense, and tells the server: a listing is silent about what lies in
//! an ignored folder, and before the server takes what a listing does not name for deleted it asks ([`crate::Request::AreGone`]).

use crate::path::MAX_PATH_BYTES;

/// Names that begin so are the agent's own: never shown, and never a component of a [`crate::WorkspacePath`].
pub const SCRATCH_PREFIX: &str = ".carrel-tmp-";

/// Name of a file whose patterns, in `.gitignore`'s syntax, say what of its folder and below is not kept. It is itself kept like any file,
/// whatever the patterns say.
pub const IGNORE_FILE: &str = ".carrelignore";

/// Largest ignore file in bytes; of a larger one no pattern counts.
pub const MAX_IGNORE_FILE_BYTES: usize = 64 * 1024;

/// Patterns of all ignore files of a workspace together; a file with which there would be more is not obeyed.
pub const MAX_PATTERNS: usize = 1000;

/// Names of folders that tools make and can make again.
pub const TOOL_FOLDERS: [&str; 4] = [".venv", "__pycache__", "node_modules", ".cache"];

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
}
