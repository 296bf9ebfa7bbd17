//! Which files are searched, as people write it: `*.py`, `src`, `src/**/test_*`.

use carrel_protocol::{MAX_GLOB_BYTES, MAX_GLOBS};
use globset::{GlobBuilder, GlobSet, GlobSetBuilder};

use crate::BadQuery;

/// Globs of both kinds.
#[derive(Debug)]
pub(crate) struct Globs {
    include: Option<GlobSet>,
    exclude: GlobSet,
}

impl Globs {
    pub(crate) fn new(include: &[String], exclude: &[String]) -> Result<Self, BadQuery> {
        let included = set(include)?;
        Ok(Self { include: (!included.is_empty()).then_some(included), exclude: set(exclude)? })
    }

    pub(crate) fn wants_file(&self, path: &str) -> bool {
        self.include.as_ref().is_none_or(|include| include.is_match(path)) && !self.excludes(path)
    }

    pub(crate) fn excludes(&self, path: &str) -> bool {
        self.exclude.is_match(path)
    }
}

/// A glob without a slash matches a name at any depth; one that matches a folder matches all it holds.
fn set(globs: &[String]) -> Result<GlobSet, BadQuery> {
    if globs.len() > MAX_GLOBS {
        return Err(BadQuery::Glob(format!("there are more than {MAX_GLOBS} globs")));
    }
    let mut set = GlobSetBuilder::new();
    for glob in globs {
        if glob.len() > MAX_GLOB_BYTES {
            return Err(BadQuery::Glob(format!("a glob is longer than {MAX_GLOB_BYTES} bytes")));
        }
        let trimmed = glob.trim().trim_start_matches("./").trim_end_matches('/');
        let anchored = match trimmed.strip_prefix('/') {
            Some(rest) => rest.to_owned(),
            None if trimmed.contains('/') => trimmed.to_owned(),
            None => format!("**/{trimmed}"),
        };
        if anchored.is_empty() || trimmed.is_empty() {
            continue;
        }
        for text in [anchored.clone(), format!("{anchored}/**")] {
            let glob = GlobBuilder::new(&text).literal_separator(true).backslash_escape(true).build();
            set.add(glob.map_err(|error| BadQuery::Glob(error.to_string()))?);
        }
    }
    set.build().map_err(|error| BadQuery::Glob(error.to_string()))
}
