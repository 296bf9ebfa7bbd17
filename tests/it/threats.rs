//! The page of threats names tests that exist.

use std::collections::BTreeSet;
use std::path::Path;

/// Names of all functions below a folder.
fn functions(folder: &Path, found: &mut BTreeSet<String>) {
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            functions(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = std::fs::read_to_string(path).unwrap();
            let names = text.split("fn ").skip(1).filter_map(|rest| rest.split(['(', '<']).next());
            found.extend(names.map(str::to_owned));
        }
    }
}

#[test]
fn every_threat_to_files_has_tests_and_they_exist() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut known = BTreeSet::new();
    for folder in ["src", "tests", "sandbox/agent", "sandbox/protocol"] {
        functions(&root.join(folder), &mut known);
    }
    let page = std::fs::read_to_string(root.join("docs/threats.md")).unwrap();
    let mut threats = Vec::new();
    for line in page.lines().filter(|line| line.starts_with("| F")) {
        let cells: Vec<_> = line.trim_matches('|').split(" | ").map(str::trim).collect();
        let [id, _, _, tests] = cells[..] else { panic!("{line}") };
        let tests: Vec<_> = tests.split(", ").map(|test| test.trim_matches('`')).collect();
        assert!(!tests.is_empty(), "{id}");
        for test in tests {
            assert!(known.contains(test), "{id}: there is no test {test}");
        }
        threats.push(id.to_owned());
    }
    assert_eq!(threats, (1..=13).map(|number| format!("F{number:02}")).collect::<Vec<_>>());
}
