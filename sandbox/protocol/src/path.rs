//! The one canonical form of a path in a workspace.
//!
//! A path that can be constructed is safe to hand to the database, to the agent and to a log: it is
//! relative, has no empty, `.` or `..` component, no NUL and no backslash tricks to decode. Anything
//! else is refused with the reason, never repaired.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::rules::SCRATCH_PREFIX;

/// Longest name of one file or folder in bytes; Linux's `NAME_MAX`.
pub const MAX_NAME_BYTES: usize = 255;
/// Longest whole path in bytes; below Linux's `PATH_MAX` (4096) with room for the workspace's own prefix.
pub const MAX_PATH_BYTES: usize = 3072;
/// Deepest nesting of folders, so that recursive queries stay bounded.
pub const MAX_DEPTH: usize = 64;

/// A file or folder below the workspace's root: `src/main.py`. Never empty, never absolute.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct WorkspacePath(String);

/// Why a text is not a [`WorkspacePath`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PathError {
    /// Nothing was given.
    #[error("the path is empty")]
    Empty,
    /// Starts with `/`.
    #[error("the path must be relative to the workspace, without a leading /")]
    Absolute,
    /// `a//b` or `a/`.
    #[error("the path has an empty component")]
    EmptyComponent,
    /// `.` or `..` as a component.
    #[error("the path may not contain . or .. as a component")]
    DotComponent,
    /// U+0000, which no file name can hold.
    #[error("the path contains a NUL character")]
    Nul,
    /// A component over [`MAX_NAME_BYTES`].
    #[error("a name in the path is longer than 255 bytes")]
    NameTooLong,
    /// Over [`MAX_PATH_BYTES`].
    #[error("the path is longer than 3072 bytes")]
    TooLong,
    /// A component that begins with [`SCRATCH_PREFIX`].
    #[error("a name in the path begins with .carrel-tmp-, which is reserved")]
    Reserved,
    /// A `/` where a single name is wanted.
    #[error("a name may not contain /")]
    Slash,
    /// Over [`MAX_DEPTH`].
    #[error("the path is nested more than 64 folders deep")]
    TooDeep,
}

impl WorkspacePath {
    /// Checks `text` and takes it over unchanged.
    ///
    /// # Errors
    /// The first rule of [`PathError`] it breaks.
    pub fn new(text: impl Into<String>) -> Result<Self, PathError> {
        let text = text.into();
        check(&text)?;
        Ok(Self(text))
    }

    /// The path as text, components joined by `/`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The last component.
    #[must_use]
    pub fn name(&self) -> &str {
        self.0.rsplit('/').next().unwrap_or(&self.0)
    }

    /// The folder it lies in; `None` at the top of the workspace.
    #[must_use]
    pub fn parent(&self) -> Option<Self> {
        self.0.rsplit_once('/').map(|(parent, _)| Self(parent.to_owned()))
    }

    /// The folders it lies in, the nearest first.
    pub fn ancestors(&self) -> impl Iterator<Item = Self> {
        std::iter::successors(self.parent(), Self::parent)
    }

    /// Its components from the top down.
    pub fn components(&self) -> impl DoubleEndedIterator<Item = &str> {
        self.0.split('/')
    }

    /// The path of `name` inside this folder.
    ///
    /// # Errors
    /// When `name` is not a single legal component or the result is too long or too deep.
    pub fn join(&self, name: &str) -> Result<Self, PathError> {
        if name.contains('/') {
            return Err(PathError::Slash);
        }
        Self::new(format!("{}/{name}", self.0))
    }

    /// Whether this is `folder` itself or lies below it.
    #[must_use]
    pub fn is_within(&self, folder: &Self) -> bool {
        self.0.strip_prefix(folder.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }

    /// This path after its ancestor (or itself) `from` was renamed to `to`; `None` when it is not within `from`.
    ///
    /// # Errors
    /// When the new path is too long or too deep.
    pub fn rebased(&self, from: &Self, to: &Self) -> Option<Result<Self, PathError>> {
        self.is_within(from).then(|| Self::new(format!("{}{}", to.0, &self.0[from.0.len()..])))
    }
}

fn check(text: &str) -> Result<(), PathError> {
    if text.is_empty() {
        return Err(PathError::Empty);
    }
    if text.len() > MAX_PATH_BYTES {
        return Err(PathError::TooLong);
    }
    if text.starts_with('/') {
        return Err(PathError::Absolute);
    }
    if text.contains('\0') {
        return Err(PathError::Nul);
    }
    let mut depth = 0;
    for component in text.split('/') {
        match component {
            "" => return Err(PathError::EmptyComponent),
            "." | ".." => return Err(PathError::DotComponent),
            name if name.len() > MAX_NAME_BYTES => return Err(PathError::NameTooLong),
            name if name.starts_with(SCRATCH_PREFIX) => return Err(PathError::Reserved),
            _ => depth += 1,
        }
    }
    if depth > MAX_DEPTH { Err(PathError::TooDeep) } else { Ok(()) }
}

impl fmt::Display for WorkspacePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl AsRef<str> for WorkspacePath {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for WorkspacePath {
    type Error = PathError;
    fn try_from(text: String) -> Result<Self, PathError> {
        Self::new(text)
    }
}

impl From<WorkspacePath> for String {
    fn from(path: WorkspacePath) -> Self {
        path.0
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn refuse(text: &str, why: PathError) {
        assert_eq!(WorkspacePath::new(text), Err(why), "{text:?}");
    }

    #[test]
    fn every_rule_refuses_with_its_own_reason() {
        refuse("", PathError::Empty);
        refuse("/etc/passwd", PathError::Absolute);
        refuse("a//b", PathError::EmptyComponent);
        refuse("a/", PathError::EmptyComponent);
        refuse("../x", PathError::DotComponent);
        refuse("a/../../x", PathError::DotComponent);
        refuse("a/./b", PathError::DotComponent);
        refuse("a\0b", PathError::Nul);
        refuse(".carrel-tmp-x", PathError::Reserved);
        refuse("a/.carrel-tmp-/b", PathError::Reserved);
        refuse(&"x".repeat(256), PathError::NameTooLong);
        refuse(&vec!["é".repeat(127); 13].join("/"), PathError::TooLong);
        refuse(&vec!["a"; 65].join("/"), PathError::TooDeep);
    }

    #[test]
    fn odd_but_legal_names_are_kept_exactly() {
        for name in [
            "a b",
            "..x",
            "...",
            "new\nline",
            "😀",
            "\u{202e}txt",
            "back\\slash",
            "%2e%2e",
            "-rf",
            ".carrel-tmp",
            "x.carrel-tmp-",
        ] {
            assert_eq!(WorkspacePath::new(name).expect(name).as_str(), name);
        }
    }

    #[test]
    fn a_rename_of_a_folder_moves_what_lies_below_it_and_nothing_else() {
        let path = |text| WorkspacePath::new(text).expect(text);
        let moved = path("src/a/b.py").rebased(&path("src"), &path("lib/x"));
        assert_eq!(moved, Some(Ok(path("lib/x/a/b.py"))));
        assert_eq!(path("src2/a").rebased(&path("src"), &path("lib")), None);
        assert_eq!(path("src").rebased(&path("src"), &path("lib")), Some(Ok(path("lib"))));
    }

    #[test]
    fn only_a_single_name_is_joined_to_a_folder() {
        let folder = WorkspacePath::new("src").expect("path");
        assert_eq!(folder.join("a.py"), WorkspacePath::new("src/a.py"));
        for (name, why) in [("a/b", PathError::Slash), ("", PathError::EmptyComponent), ("..", PathError::DotComponent)]
        {
            assert_eq!(folder.join(name), Err(why), "{name:?}");
        }
    }

    proptest! {
        #[test]
        fn whatever_is_accepted_stays_inside_the_workspace(text in "\\PC{0,40}|[./a\\\\%\0]{0,20}") {
            if let Ok(path) = WorkspacePath::new(text.clone()) {
                prop_assert_eq!(path.as_str(), &text);
                prop_assert!(path.components().all(|c| !c.is_empty() && c != "." && c != ".."));
                prop_assert!(!path.as_str().contains('\0'));
            }
        }
    }
}
