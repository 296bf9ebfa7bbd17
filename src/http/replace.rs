//! Replacing in many files at once, with `If-Match` for each of them.
//!
//! What is replaced is what the database has, which is at most a second behind what programs write; a file that has changed meanwhile is not
//! replaced, and is named; so is one that is no longer what its user was shown. Contents are stored ahead of their use, one by one, and taken into use in one go.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use bytes::Bytes;
use carrel_search::{NotReplaced, Replaced, Search};
use tokio::task::spawn_blocking;

use super::contents::{BATCH_BYTES, batches, read};
use super::error::{ApiError, Code};
use super::paths::MAX_PATHS;
use super::search::{Gone, wanted};
use super::state::HttpState;
use super::wire::{ReplacedFile, Replacement, Replacements, SeenFile};
use crate::actors::api::{EditFiles, Intent, SessionError};
use crate::db::blobs::{self, EncodedBlob};
use crate::db::items::{self, ItemChange};
use crate::db::versions::Origin;
use crate::model::{ContentHash, Item, ItemKind, Precondition, SessionId, UserId, WorkspacePath};

/// How long looking for what is to be replaced may take.
const WITHIN: Duration = Duration::from_secs(15);

/// Files replaced at once.
const MAX_FILES: usize = 1000;

/// A file may become so large by it, in bytes; larger ones stay as they are.
const MAX_BYTES: usize = 16 * 1024 * 1024;

/// Contents in a preview: of one file, and together.
const SHOWN_BYTES: usize = 256 * 1024;
const SHOWN_TOGETHER: usize = 2 * 1024 * 1024;

/// How often it is tried again without the files that have changed meanwhile.
const ATTEMPTS: usize = 3;

/// Replaces, or shows what would be replaced.
///
/// # Errors
/// What session and database say; nothing was replaced then.
pub(super) async fn replace(
    state: &HttpState,
    user: UserId,
    session: SessionId,
    search: Search,
    replacement: Replacement,
) -> Result<Replacements, ApiError> {
    let slot = state.searches.take(session)?;
    let Replacement { replacement, paths, seen, preview, .. } = replacement;
    let (files, skipped) = wanted(state, session, &search).await?;
    let (files, conflicts) = match (paths, seen) {
        (None, None) => (files, Vec::new()),
        (Some(paths), None) => (among(files, &at_most(paths)?), Vec::new()),
        (None, Some(seen)) => as_seen(files, at_most(seen)?),
        (Some(_), Some(_)) => {
            return Err(ApiError::because(Code::InvalidJson, "`paths` and `seen` exclude each other."));
        }
    };
    let most = MAX_BYTES.min(state.budget.max_file_bytes());
    let mut share = state.budget.share(user);
    share.grow_to(most + usize::try_from(BATCH_BYTES).unwrap_or(usize::MAX))?;
    let mut work = Work::new(state, (search, replacement), most, preview);
    work.done.answer.conflicts = conflicts;
    work.done.answer.truncated = skipped > 0;
    work.all(files).await?;
    let Done { mut answer, changes, .. } = work.done;
    if !preview {
        commit(state, user, session, changes, &mut answer).await?;
    }
    answer.replacements = answer.files.iter().map(|file| file.replacements).sum();
    drop((slot, share));
    Ok(answer)
}

fn at_most<T>(files: Vec<T>) -> Result<Vec<T>, ApiError> {
    if files.len() > MAX_PATHS {
        return Err(ApiError::because(Code::InvalidJson, format_args!("At most {MAX_PATHS} files are named at once.")));
    }
    Ok(files)
}

fn among(mut files: Vec<Item>, paths: &[String]) -> Vec<Item> {
    let chosen: HashSet<&str> = paths.iter().map(String::as_str).collect();
    files.retain(|item| chosen.contains(item.path.as_str()));
    files
}

/// The files that are as they were seen, and the paths of those that are not, or are not there any more.
fn as_seen(mut files: Vec<Item>, seen: Vec<SeenFile>) -> (Vec<Item>, Vec<String>) {
    let mut seen: BTreeMap<String, String> = seen.into_iter().map(|SeenFile { path, etag }| (path, etag)).collect();
    files.retain(|item| {
        let etag = item.kind.hash().map(|hash| format!("\"{hash}\""));
        let same = etag.is_some() && seen.get(item.path.as_str()) == etag.as_ref();
        if same {
            seen.remove(item.path.as_str());
        }
        same
    });
    (files, seen.into_keys().collect())
}

struct Work<'a> {
    state: &'a HttpState,
    search: Arc<Search>,
    replacement: Arc<str>,
    most: usize,
    preview: bool,
    /// New contents that are not stored yet, and their bytes.
    made: Vec<EncodedBlob>,
    made_bytes: u64,
    done: Done,
}

#[derive(Default)]
struct Done {
    answer: Replacements,
    changes: Vec<ItemChange>,
    shown: usize,
}

impl<'a> Work<'a> {
    fn new(state: &'a HttpState, (search, replacement): (Search, String), most: usize, preview: bool) -> Self {
        let (search, replacement) = (Arc::new(search), replacement.into());
        Self { state, search, replacement, most, preview, made: Vec::new(), made_bytes: 0, done: Done::default() }
    }

    async fn all(&mut self, files: Vec<Item>) -> Result<(), ApiError> {
        let (until, gone) = (Instant::now() + WITHIN, Gone::default());
        for batch in batches(files) {
            for (item, content) in read(&self.state.db, batch).await? {
                let Some(content) = content else { continue };
                let (search, replacement, is_gone) =
                    (Arc::clone(&self.search), Arc::clone(&self.replacement), Arc::clone(&gone.0));
                let (before, most) = (content.clone(), self.most);
                let replacing = move || {
                    let is_over = || Instant::now() >= until || is_gone.load(Ordering::Relaxed);
                    search.replace(&before, &replacement, most, &is_over)
                };
                match spawn_blocking(replacing).await.map_err(ApiError::internal)? {
                    Err(NotReplaced::None) => {}
                    Err(NotReplaced::TooLarge) => self.done.answer.truncated = true,
                    Ok(replaced) if self.done.answer.files.len() < MAX_FILES => {
                        self.one(item, content, replaced).await?;
                    }
                    // There are more than may be answered, or there is no time for more.
                    Ok(_) | Err(NotReplaced::Over) => {
                        self.done.answer.truncated = true;
                        return self.store().await;
                    }
                }
            }
            self.store().await?;
        }
        Ok(())
    }

    /// Stores what was made, ahead of its use.
    async fn store(&mut self) -> Result<(), ApiError> {
        self.made_bytes = 0;
        if self.made.is_empty() {
            return Ok(());
        }
        Ok(blobs::stage(&self.state.db, &std::mem::take(&mut self.made)).await?)
    }

    async fn one(&mut self, item: Item, before: Bytes, replaced: Replaced) -> Result<(), ApiError> {
        let ItemKind::File { hash, executable, .. } = item.kind else { return Ok(()) };
        let Replaced { content, count } = replaced;
        let mut file = ReplacedFile { path: item.path.to_string(), replacements: count, ..ReplacedFile::default() };
        if self.preview {
            file.etag = format!("\"{hash}\"");
            let bytes = before.len() + content.len();
            if before.len().max(content.len()) <= SHOWN_BYTES && self.done.shown + bytes <= SHOWN_TOGETHER {
                self.done.shown += bytes;
                file.before = Some(String::from_utf8_lossy(&before).into_owned());
                file.after = Some(String::from_utf8_lossy(&content).into_owned());
            }
        } else {
            drop(before);
            let blob = blobs::encode(content.into()).await?;
            file.etag = format!("\"{}\"", blob.hash);
            let kind = ItemKind::File { hash: blob.hash, size: blob.size, executable };
            let precondition = Precondition::Content(hash);
            self.done.changes.push(ItemChange::Put { path: item.path, kind, precondition });
            self.made_bytes += blob.size;
            self.made.push(blob);
            if self.made_bytes > BATCH_BYTES {
                self.store().await?;
            }
        }
        self.done.answer.files.push(file);
        Ok(())
    }
}

/// Takes the new contents into use, but for those of files that are no longer what was replaced.
async fn commit(
    state: &HttpState,
    user: UserId,
    session: SessionId,
    mut changes: Vec<ItemChange>,
    answer: &mut Replacements,
) -> Result<(), ApiError> {
    for attempt in 0..=ATTEMPTS {
        if attempt == ATTEMPTS {
            answer.conflicts.extend(changes.drain(..).map(|change| change.path().to_string()));
        }
        if changes.is_empty() {
            break;
        }
        let intent = Intent::Changes { changes: changes.clone(), origin: Origin::Editor };
        match state.sessions.edit(session, EditFiles { intent, user }).await {
            Ok(_) => break,
            Err(SessionError::PreconditionFailed { .. } | SessionError::IsFolder | SessionError::NotFolder) => {
                let paths: Vec<_> = changes.iter().map(ItemChange::path).cloned().collect();
                let now = items::get_many(&state.db.bulk().await?, session, &paths).await?;
                let is_as_it_was = |path: &WorkspacePath, hash: ContentHash| {
                    now.get(path).and_then(ItemKind::hash).is_some_and(|now| now == hash)
                };
                let (same, changed) = changes.into_iter().partition(|change| match change {
                    ItemChange::Put { path, precondition: Precondition::Content(hash), .. } => {
                        is_as_it_was(path, *hash)
                    }
                    _ => false,
                });
                changes = same;
                let changed: Vec<ItemChange> = changed;
                answer.conflicts.extend(changed.iter().map(|change| change.path().to_string()));
            }
            Err(error) => return Err(error.into()),
        }
    }
    let conflicts: HashSet<&str> = answer.conflicts.iter().map(String::as_str).collect();
    answer.files.retain(|file| !conflicts.contains(file.path.as_str()));
    Ok(())
}

#[cfg(test)]
mod tests {
    use time::OffsetDateTime;

    use super::*;

    #[test]
    fn only_what_is_as_it_was_seen_is_left() {
        let hash = |content: &str| ContentHash::of(content.as_bytes());
        let file = |path: &str, content: &str| Item {
            path: WorkspacePath::new(path).expect(path),
            kind: ItemKind::File { hash: hash(content), size: 1, executable: false },
            modified_at: OffsetDateTime::UNIX_EPOCH,
        };
        let seen = |path: &str, etag: String| SeenFile { path: path.into(), etag };
        let files = vec![file("same", "1"), file("changed", "2"), file("unseen", "1"), file("bare", "1")];
        let tag = |content| format!("\"{}\"", hash(content));
        let all = vec![
            seen("same", tag("1")),
            seen("changed", tag("1")),
            seen("gone", tag("1")),
            seen("bare", hash("1").to_string()),
        ];
        let (left, conflicts) = as_seen(files, all);
        assert_eq!(left.iter().map(|item| item.path.as_str()).collect::<Vec<_>>(), ["same"]);
        assert_eq!(conflicts, ["bare", "changed", "gone"]);
    }
}
