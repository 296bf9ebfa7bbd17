//! Where the agent finds the server's socket and the workspace.

use std::path::PathBuf;

use carrel_protocol::{LINK_DIR, WORKSPACE_DIR};

/// The agent's whole configuration. Inside a sandbox everything is at its default.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// Folder with the server's socket and the link token.
    pub link_dir: PathBuf,
    /// Root of the synced tree, and where terminals start.
    pub workspace: PathBuf,
}

impl Default for Config {
    fn default() -> Self {
        Self { link_dir: LINK_DIR.into(), workspace: WORKSPACE_DIR.into() }
    }
}

impl Config {
    /// Reads `--link-dir D` and `--workspace D`, which let the agent run as an ordinary process.
    ///
    /// # Errors
    /// What is wrong, for people.
    pub fn from_args(args: impl IntoIterator<Item = std::ffi::OsString>) -> Result<Self, String> {
        let (mut config, mut args) = (Self::default(), args.into_iter());
        while let Some(option) = args.next() {
            let mut value =
                || args.next().map(PathBuf::from).ok_or_else(|| format!("{} needs a folder", option.display()));
            match option.to_str() {
                Some("--link-dir") => config.link_dir = value()?,
                Some("--workspace") => config.workspace = value()?,
                _ => return Err(format!("unknown argument {}", option.display())),
            }
        }
        Ok(config)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(args: &[&str]) -> Result<Config, String> {
        Config::from_args(args.iter().map(Into::into))
    }

    #[test]
    fn nothing_given_means_the_places_inside_a_sandbox() {
        assert_eq!(parse(&[]), Ok(Config { link_dir: "/run/carrel".into(), workspace: "/workspace".into() }));
    }

    #[test]
    fn folders_can_be_given_and_nothing_else() {
        let given = parse(&["--link-dir", "/l", "--workspace", "/w"]);
        assert_eq!(given, Ok(Config { link_dir: "/l".into(), workspace: "/w".into() }));
        assert!(parse(&["--workspace"]).is_err());
        assert!(parse(&["--help"]).is_err());
    }
}
