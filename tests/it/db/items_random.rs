//! Random changes to a workspace against a model of it that could not be simpler.

use std::collections::BTreeMap;

use carrel::db::items::{self, ItemChange};
use carrel::model::{ItemKind, Precondition, WorkspacePath};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use super::items::{apply, file, look_and_write, path, store};
use crate::support::postgres;

const CONTENTS: [&str; 3] = ["", "one", "three"];

type Model = BTreeMap<WorkspacePath, ItemKind>;

/// Does `change` to the model, or gives the name of the error.
fn model(tree: &mut Model, change: &ItemChange) -> Result<(), &'static str> {
    let below = |tree: &Model, at: &WorkspacePath| -> Vec<WorkspacePath> {
        tree.keys().filter(|path| path.is_within(at)).cloned().collect()
    };
    let parents = |tree: &mut Model, at: &WorkspacePath| {
        let mut parent = at.parent();
        while let Some(folder) = parent {
            if tree.get(&folder).is_some_and(|kind| *kind != ItemKind::Folder) {
                return Err("NotFolder");
            }
            tree.insert(folder.clone(), ItemKind::Folder);
            parent = folder.parent();
        }
        Ok(())
    };
    match change {
        ItemChange::Put { path, kind, precondition } => {
            let there = tree.get(path).cloned();
            match (&there, kind) {
                (Some(ItemKind::Folder), ItemKind::Folder) if *precondition == Precondition::None => return Ok(()),
                (Some(_), ItemKind::Folder) => return Err("Exists"),
                (Some(ItemKind::Folder), _) => return Err("IsFolder"),
                _ => {}
            }
            let content = there.as_ref().and_then(ItemKind::hash);
            if !precondition.holds(content) || (*precondition == Precondition::Absent && there.is_some()) {
                return Err("PreconditionFailed");
            }
            parents(tree, path)?;
            tree.insert(path.clone(), kind.clone());
        }
        ItemChange::Remove { path } | ItemChange::Gone { path } => {
            let all = below(tree, path);
            if all.is_empty() && matches!(change, ItemChange::Remove { .. }) {
                return Err("NotFound");
            }
            tree.retain(|path, _| !all.contains(path));
        }
        ItemChange::Move { from, to } => {
            if !tree.contains_key(from) {
                return Err("NotFound");
            }
            if from == to {
                return Ok(());
            }
            if to.is_within(from) {
                return Err("IntoItself");
            }
            if tree.contains_key(to) {
                return Err("Exists");
            }
            parents(tree, to)?;
            for old in below(tree, from) {
                let kind = tree.remove(&old).unwrap();
                tree.insert(old.rebased(from, to).unwrap().unwrap(), kind);
            }
        }
    }
    Ok(())
}

fn any_path() -> impl Strategy<Value = WorkspacePath> {
    prop::collection::vec(prop::sample::select(vec!["a", "b", "c-"]), 1..4).prop_map(|names| path(&names.join("/")))
}

fn any_change() -> impl Strategy<Value = ItemChange> {
    let content = || prop::sample::select(CONTENTS.to_vec());
    let kind = prop_oneof![
        4 => content().prop_map(file),
        1 => Just(ItemKind::Folder),
        1 => Just(ItemKind::Symlink { target: "a".into() }),
    ];
    let precondition = prop_oneof![
        6 => Just(Precondition::None),
        1 => Just(Precondition::Absent),
        1 => content().prop_map(|content| Precondition::Content(file(content).hash().unwrap())),
    ];
    prop_oneof![
        4 => (any_path(), kind, precondition).prop_map(|(path, kind, precondition)| ItemChange::Put { path, kind, precondition }),
        1 => any_path().prop_map(|path| ItemChange::Remove { path }),
        1 => any_path().prop_map(|path| ItemChange::Gone { path }),
        3 => (any_path(), any_path()).prop_map(|(from, to)| ItemChange::Move { from, to }),
    ]
}

#[test]
fn random_changes_do_what_the_model_does() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let db = runtime.block_on(async {
        let db = postgres::db().await;
        store(&db, &CONTENTS).await;
        db
    });
    let lists = prop::collection::vec(prop::collection::vec(any_change(), 1..5), 1..25);
    let mut runner = TestRunner::new(Config { cases: 60, failure_persistence: None, ..Config::default() });
    let result = runner.run(&lists, |lists| {
        runtime.block_on(async {
            let id = postgres::session(&db).await.id;
            let client = db.interactive().await.unwrap();
            let mut tree = Model::new();
            for (number, list) in lists.into_iter().enumerate() {
                let mut next = tree.clone();
                let expected = list.iter().try_for_each(|change| model(&mut next, change));
                let got = match number % 2 {
                    0 => apply(&db, id, &list).await,
                    _ => look_and_write(&db, id, &list).await,
                };
                match (&expected, &got) {
                    (Ok(()), Ok(applied)) => {
                        for change in &applied.changes {
                            prop_assert_eq!(&change.before, &tree.get(&change.path).cloned());
                            prop_assert_eq!(change.after.as_ref().map(|item| &item.kind), next.get(&change.path));
                        }
                        let told = tree.keys().chain(next.keys()).filter(|path| tree.get(*path) != next.get(*path));
                        for path in told {
                            prop_assert!(applied.changes.iter().any(|change| change.path == *path), "{} untold", path);
                        }
                        tree = next;
                    }
                    (Err(name), Err(error)) => prop_assert!(format!("{error:?}").starts_with(name), "{error:?} {name}"),
                    _ => prop_assert!(false, "{:?} but {:?}", expected, got),
                }
                let all = items::all(&client, id).await.unwrap();
                let stored: Model = all.into_iter().map(|item| (item.path, item.kind)).collect();
                prop_assert_eq!(&stored, &tree);
                let usage = items::usage(&client, id).await.unwrap().unwrap();
                prop_assert_eq!(usage.items, tree.len() as u64);
                prop_assert_eq!(usage.bytes, tree.values().map(ItemKind::size).sum::<u64>());
            }
            Ok(())
        })
    });
    if let Err(failure) = result {
        panic!("{failure}");
    }
}
