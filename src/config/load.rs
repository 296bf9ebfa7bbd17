//! Reading the configuration: defaults, then the file, then the environment; each value remembers which.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use toml::{Table, Value};

use super::{Config, Problem};

const ENV_PREFIX: &str = "CARREL_";
const ENV_SEPARATOR: &str = "__";

/// A validated configuration and where each value in it came from.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The values.
    pub config: Config,
    /// `section.key` → source, for every key; see [`Loaded::report`].
    pub sources: BTreeMap<String, Source>,
}

/// Where a value came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// Carrel's own default.
    Default,
    /// The configuration file.
    File(PathBuf),
    /// The named environment variable.
    Environment(String),
    /// The named command-line flag.
    Flag(&'static str),
}

/// Why there is no configuration.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read the configuration file {path}: {cause}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        cause: std::io::Error,
    },
    /// The file is not TOML.
    #[error("{path} is not valid TOML: {cause}")]
    Syntax {
        /// The file.
        path: PathBuf,
        /// Where and why.
        cause: Box<toml::de::Error>,
    },
    /// A key is unknown or a value has the wrong type.
    #[error("{origin}: {message}")]
    Shape {
        /// File or variable.
        origin: String,
        /// What is wrong, with the keys that exist.
        message: String,
    },
    /// Values that make no sense.
    #[error("the configuration cannot work:\n{}", .0.iter().map(|p| format!("  {p}")).collect::<Vec<_>>().join("\n"))]
    Invalid(Vec<Problem>),
}

/// A value given on the command line; wins over everything.
pub type Flag = (&'static str, &'static str, &'static str, Value);

impl Loaded {
    /// Reads `file` (when given), applies the `CARREL_…` variables out of `environment`, then `flags`
    /// (`flag, section, key, value`), and validates the result.
    ///
    /// # Errors
    /// [`ConfigError`], each naming the file, variable or key to mend.
    pub fn load(
        file: Option<&Path>,
        environment: impl IntoIterator<Item = (String, String)>,
        flags: Vec<Flag>,
    ) -> Result<Self, ConfigError> {
        let mut table = Table::new();
        let mut sources = defaults();
        if let Some(path) = file {
            table = read(path)?;
            shape(&table, &path.display().to_string())?;
            mark(&table, &mut sources, &Source::File(path.to_owned()));
        }
        for (name, value) in environment {
            let Some((section, key)) = variable(&name) else { continue };
            let overlay = single(&section, &key, scalar(&section, &key, value));
            shape(&overlay, &name)?;
            mark(&overlay, &mut sources, &Source::Environment(name));
            merge(&mut table, overlay);
        }
        for (flag, section, key, value) in flags {
            let overlay = single(section, key, value);
            shape(&overlay, flag)?;
            mark(&overlay, &mut sources, &Source::Flag(flag));
            merge(&mut table, overlay);
        }
        let config = shape(&table, "configuration")?;
        let problems = config.problems();
        if problems.is_empty() { Ok(Self { config, sources }) } else { Err(ConfigError::Invalid(problems)) }
    }

    /// Every key with its value and source, a line each, secrets in URLs left out.
    #[must_use]
    pub fn report(&self) -> String {
        let table = Table::try_from(&self.config).unwrap_or_default();
        let mut lines = String::new();
        for (name, source) in &self.sources {
            let value = name
                .split_once('.')
                .and_then(|(section, key)| table.get(section)?.get(key))
                .map_or_else(|| "(not set)".to_owned(), |value| redacted(&value.to_string()));
            let source = match source {
                Source::Default => "default".to_owned(),
                Source::File(path) => path.display().to_string(),
                Source::Environment(name) => name.clone(),
                Source::Flag(flag) => (*flag).to_owned(),
            };
            lines.push_str(&format!("{name} = {value}  # {source}\n"));
        }
        lines
    }
}

fn read(path: &Path) -> Result<Table, ConfigError> {
    let text =
        std::fs::read_to_string(path).map_err(|cause| ConfigError::Unreadable { path: path.to_owned(), cause })?;
    text.parse().map_err(|cause| ConfigError::Syntax { path: path.to_owned(), cause: Box::new(cause) })
}

fn shape(table: &Table, origin: &str) -> Result<Config, ConfigError> {
    table
        .clone()
        .try_into()
        .map_err(|error: toml::de::Error| ConfigError::Shape { origin: origin.to_owned(), message: error.to_string() })
}

/// `CARREL_DATABASE__URL` → `("database", "url")`; variables without `__` are not ours to read.
fn variable(name: &str) -> Option<(String, String)> {
    let (section, key) = name.strip_prefix(ENV_PREFIX)?.split_once(ENV_SEPARATOR)?;
    Some((section.to_ascii_lowercase(), key.to_ascii_lowercase()))
}

/// A variable's text as the type its key has by default; text that does not parse stays text, so that [`shape`] can say what was expected.
fn scalar(section: &str, key: &str, text: String) -> Value {
    let default = Table::try_from(Config::default()).ok().and_then(|table| table.get(section)?.get(key).cloned());
    match default {
        Some(Value::Integer(_)) => text.parse().map_or(Value::String(text), Value::Integer),
        Some(Value::Float(_)) => text.parse().map_or(Value::String(text), Value::Float),
        Some(Value::Boolean(_)) => text.parse().map_or(Value::String(text), Value::Boolean),
        // Between spaces; a pattern with a space in it is for the file.
        Some(Value::Array(_)) => Value::Array(text.split_whitespace().map(|word| Value::String(word.into())).collect()),
        _ => Value::String(text),
    }
}

fn single(section: &str, key: &str, value: Value) -> Table {
    let inner = Table::from_iter([(key.to_owned(), value)]);
    Table::from_iter([(section.to_owned(), Value::Table(inner))])
}

fn merge(table: &mut Table, overlay: Table) {
    for (section, values) in overlay {
        let Value::Table(values) = values else { continue };
        if let Value::Table(existing) = table.entry(section).or_insert_with(|| Value::Table(Table::new())) {
            existing.extend(values);
        }
    }
}

fn mark(table: &Table, sources: &mut BTreeMap<String, Source>, source: &Source) {
    for (section, values) in table {
        for key in values.as_table().into_iter().flat_map(Table::keys) {
            sources.insert(format!("{section}.{key}"), source.clone());
        }
    }
}

/// Every key there is. Optional keys are absent from a serialised default, so they are named here; a test holds the two together.
fn defaults() -> BTreeMap<String, Source> {
    const OPTIONAL: [&str; 7] = [
        "server.public_url",
        "database.url",
        "engine.host",
        "engine.runtime",
        "sandbox.image",
        "sandbox.agent",
        "sandbox.rootfs",
    ];
    let mut sources = BTreeMap::new();
    mark(&Table::try_from(Config::default()).unwrap_or_default(), &mut sources, &Source::Default);
    sources.extend(OPTIONAL.map(|name| (name.to_owned(), Source::Default)));
    sources
}

/// Hides the password of a URL: `postgres://user:secret@host` → `postgres://user:…@host`.
fn redacted(value: &str) -> String {
    let Some((scheme, rest)) = value.split_once("://") else { return value.to_owned() };
    let Some((user, host)) = rest.rsplit_once('@') else { return value.to_owned() };
    match user.split_once(':') {
        Some((user, _)) => format!("{scheme}://{user}:…@{host}"),
        None => value.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(file: &str, environment: &[(&str, &str)]) -> Result<Loaded, ConfigError> {
        let dir = tempfile::tempdir().expect("temporary folder");
        let path = dir.path().join("carrel.toml");
        std::fs::write(&path, file).expect("write");
        let environment = environment.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned()));
        Loaded::load(Some(&path), environment, Vec::new())
    }

    #[test]
    fn the_environment_wins_over_the_file_and_the_file_over_defaults() {
        let loaded = load("[pool]\nsize = 7\nmax_sandboxes = 50", &[("CARREL_POOL__SIZE", "9"), ("CARREL_HOME", "x")]);
        let loaded = loaded.expect("valid");
        assert_eq!((loaded.config.pool.size, loaded.config.pool.max_sandboxes), (9, 50));
        assert_eq!(loaded.sources["pool.size"], Source::Environment("CARREL_POOL__SIZE".into()));
        assert!(matches!(loaded.sources["pool.max_sandboxes"], Source::File(_)));
        assert_eq!(loaded.sources["pool.refill_interval_ms"], Source::Default);
    }

    #[test]
    fn a_list_is_written_between_spaces_in_the_environment() {
        let loaded = load("[workspace]\nignore = ['a b/']", &[]).expect("valid");
        assert_eq!(loaded.config.workspace.ignore, ["a b/"]);
        let loaded = load("", &[("CARREL_WORKSPACE__IGNORE", " .venv/  *.tmp ")]).expect("valid");
        assert_eq!(loaded.config.workspace.ignore, [".venv/", "*.tmp"]);
        let report = loaded.report();
        assert!(report.contains(r#"workspace.ignore = [".venv/", "*.tmp"]  # CARREL_WORKSPACE__IGNORE"#), "{report}");
        assert_eq!(load("", &[("CARREL_WORKSPACE__IGNORE", "")]).expect("valid").config.workspace.ignore, [""; 0]);
    }

    #[test]
    fn a_flag_wins_over_everything() {
        let flag = ("--listen", "server", "listen", Value::String("127.0.0.1:0".into()));
        let environment = [("CARREL_SERVER__LISTEN".to_owned(), "127.0.0.1:1".to_owned())];
        let loaded = Loaded::load(None, environment, vec![flag]).expect("valid");
        assert_eq!(loaded.config.server.listen, "127.0.0.1:0");
    }

    #[test]
    fn unknown_keys_and_wrong_types_are_refused_with_their_place() {
        for (file, environment, hint) in [
            ("[pool]\nsise = 7", vec![], "sise"),
            ("[pol]\nsize = 7", vec![], "pol"),
            ("", vec![("CARREL_POOL__SISE", "1")], "CARREL_POOL__SISE"),
            ("", vec![("CARREL_POOL__SIZE", "many")], "CARREL_POOL__SIZE"),
            ("size = ", vec![], "not valid TOML"),
        ] {
            let error = load(file, &environment).expect_err(hint).to_string();
            assert!(error.contains(hint), "{error}");
        }
    }

    #[test]
    fn values_that_cannot_work_are_refused_all_at_once() {
        let Err(ConfigError::Invalid(problems)) = load("[sandbox]\nmemory_mb = 64\n[auth]\nbcrypt_cost = 40", &[])
        else {
            panic!("accepted");
        };
        assert!(problems.len() >= 2, "{problems:?}");
    }

    #[test]
    fn the_report_names_every_key_and_hides_passwords() {
        let loaded = load("[database]\nurl = 'postgres://me:hunter2@db/carrel'", &[]).expect("valid");
        let report = loaded.report();
        assert!(report.contains("postgres://me:…@db/carrel") && !report.contains("hunter2"), "{report}");
        assert!(report.contains("engine.runtime = (not set)  # default"), "{report}");
    }

    #[test]
    fn the_example_file_is_valid_and_shows_every_key_with_its_default() {
        let example = include_str!("../../carrel.example.toml");
        let mut section = String::new();
        let mut shown = BTreeMap::new();
        for line in example.lines() {
            if let Some(name) = line.strip_prefix('[') {
                section = name.trim_end_matches(']').to_owned();
            } else if let Some((key, _)) = line.trim_start_matches(['#', '?']).split_once(" = ")
                && !line.starts_with("# ")
            {
                shown.insert(format!("{section}.{}", key.trim()), ());
            }
        }
        assert_eq!(shown.keys().collect::<Vec<_>>(), defaults().keys().collect::<Vec<_>>());
        let uncommented: String = example
            .lines()
            .filter(|line| !line.starts_with("# ") && !line.starts_with("#?"))
            .map(|line| format!("{}\n", line.trim_start_matches('#')))
            .collect();
        let loaded = load(&uncommented, &[]).expect("valid");
        assert_eq!(
            Table::try_from(&loaded.config).expect("table"),
            Table::try_from(Config::default()).expect("table"),
            "the example shows the defaults"
        );
    }
}
