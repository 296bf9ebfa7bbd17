//! From the sandbox into the database: what programs have changed.

use std::collections::{HashMap, HashSet, VecDeque};

use carrel_protocol::{AgentError, Entry, EntryKind, Shape};
use futures_util::{StreamExt, stream};

use super::told::Told;
use super::written::Written;
use super::{Work, encode, stray, transfer};
use crate::actors::api::SessionError;
use crate::db::blobs;
use crate::db::items::{self, ItemChange};
use crate::db::versions::{self, Origin};
use crate::link::{AgentLink, LinkError};
use crate::model::runs::Run;
use crate::model::sync::{Plan, Wanted, plan, plan_listing};
use crate::model::unkept::{Unkept, UnkeptList, Why};
use crate::model::{ContentHash, ItemKind, WorkspacePath};

/// Files fetched at the same time.
const FETCHES: usize = 16;

/// Files fetched for one transaction: at most so many, and so many bytes (more only for one file that is larger by itself). Room for
/// them is reserved in one piece and given back when they are committed: nobody waits for room while holding some.
const COMMIT_ITEMS: usize = 512;
const COMMIT_BYTES: u64 = 8 * 1024 * 1024;

/// How much a file may have grown since the agent measured it; one that has grown more is fetched by itself.
const GROWTH: u64 = 16 * 1024;

/// Commits what these entries mean. Of the paths that `written` overtakes they may say what was true before a user's last write: such a path
/// is looked at again, and where that does not tell, or a file changes while it is read, only a listing does; `false` then.
///
/// # Errors
/// When some of it could not be committed: only a listing will tell what.
pub(super) async fn batch(
    work: &Work,
    told: &Told,
    link: &AgentLink,
    entries: &[Entry],
    written: &Written,
) -> Result<bool, SessionError> {
    // Of what was just saved the agent tells, too, as of any other change.
    let unknown: Vec<_> = entries.iter().filter(|entry| !written.is_known(entry)).cloned().collect();
    let mattering = unknown.iter().filter(|entry| may_be_kept(&entry.kind));
    let paths: Vec<_> = mattering.filter_map(|entry| WorkspacePath::new(entry.path.clone()).ok()).collect();
    // What comes and goes among ignored things costs the database nothing.
    let kept = match &paths[..] {
        [] => HashMap::new(),
        paths => items::get_many(&work.db.bulk().await?, work.session, paths).await?,
    };
    let mut plan = plan(&unknown, &kept, work.max_file_bytes());
    let sound = look_again(link, &mut plan, written).await?;
    let mut found = UnkeptList::default();
    let mut torn = Vec::new();
    let carried_out = carry_out(work, told, link, plan, &mut found, &mut torn).await;
    work.mark(Some(entries), found, &carried_out);
    carried_out.map(|()| sound && torn.is_empty())
}

/// Whether it makes a difference what is kept at an entry's path.
fn may_be_kept(kind: &EntryKind) -> bool {
    !matches!(kind, EntryKind::NotKept { .. } | EntryKind::Missing { ignored_file: true, ignored_folder: true })
}

/// Takes out of a plan what is, or may be, older than a user's write; whether it is certain about the rest. Nobody else writes while this
/// job runs, so what is seen now is newer than that write.
async fn look_again(link: &AgentLink, plan: &mut Plan, written: &Written) -> Result<bool, SessionError> {
    let doubtful = |path: &WorkspacePath| written.overtakes(path);
    plan.fetch.iter_mut().filter(|file| doubtful(&file.path)).for_each(|file| file.claimed = None);
    let (doubted, certain): (Vec<_>, Vec<_>) =
        std::mem::take(&mut plan.puts).into_iter().partition(|(path, _)| doubtful(path));
    plan.puts = certain;
    for path in std::mem::take(&mut plan.removes) {
        if !doubtful(&path) || is_gone(link, &path).await? {
            plan.removes.push(path);
        }
    }
    Ok(doubted.is_empty())
}

async fn is_gone(link: &AgentLink, path: &WorkspacePath) -> Result<bool, SessionError> {
    Ok(stray::look(link, path).await? == Err(AgentError::NotFound))
}

/// Makes the database agree with the whole sandbox, but for files that changed whenever they were read: these are answered.
///
/// # Errors
/// When it could not; nothing is ever removed because a listing was short.
pub(super) async fn listing(work: &Work, told: &Told, link: &AgentLink) -> Result<Vec<WorkspacePath>, SessionError> {
    let mut torn = Vec::new();
    look(work, told, link, &mut torn).await.map(|()| torn)
}

/// The same, where the files that changed whenever they were read matter beside a bound that was met, too.
///
/// # Errors
/// As [`listing`].
pub(super) async fn look(
    work: &Work,
    told: &Told,
    link: &AgentLink,
    torn: &mut Vec<WorkspacePath>,
) -> Result<(), SessionError> {
    let (entries, disobeyed) = match link.scan().await {
        Err(LinkError::Agent(AgentError::TooMany)) => {
            // Which of them are too much nobody can say; those found before are still shown.
            work.unkept.change(work, UnkeptList::overflow);
            return Err(not_saved(work, told, SessionError::TooManyItems));
        }
        listed => listed?,
    };
    work.warn_of_disobeyed(told, &disobeyed);
    let connection = work.db.bulk().await?;
    let kept = items::all(&connection, work.session).await?;
    drop(connection);
    let kept: HashMap<_, _> = kept.into_iter().map(|item| (item.path, item.kind)).collect();
    let mut plan = plan_listing(&entries, &kept, work.max_file_bytes());
    let doubtful = std::mem::take(&mut plan.doubtful);
    let gone = link.are_gone(&doubtful).await?;
    plan.removes.extend(doubtful.into_iter().zip(gone).filter(|(_, gone)| *gone).map(|((path, _), _)| path));
    plan.removes.sort();
    let mut found = UnkeptList::default();
    let carried_out = carry_out(work, told, link, plan, &mut found, torn).await;
    work.mark(None, found, &carried_out);
    carried_out?;
    told.over();
    Ok(())
}

/// The same where the sandbox may be about to go: a file that is being written must not be left out, nor one there is no room for.
///
/// # Errors
/// As [`listing`], [`SessionError::Busy`], and [`SessionError::NotSaved`].
pub(super) async fn everything(work: &Work, told: &Told, link: &AgentLink) -> Result<(), SessionError> {
    let listed = listing(work, told, link).await;
    if let Err(error) = &listed
        && !is_bound(error)
    {
        return listed.map(drop);
    }
    // Before what passes: what is too large stays so when its programs have ended.
    work.unkept.unsaved(&work.config.workspace.limits()).map_or(Ok(()), Err)?;
    // Of too much that nobody could name there is only that to say.
    if listed?.is_empty() { Ok(()) } else { Err(SessionError::Busy) }
}

async fn carry_out(
    work: &Work,
    told: &Told,
    link: &AgentLink,
    plan: Plan,
    found: &mut UnkeptList,
    torn: &mut Vec<WorkspacePath>,
) -> Result<(), SessionError> {
    for (name, unkept) in &plan.not_kept {
        found.insert(name, *unkept);
    }
    let mut changes: Vec<_> = plan.removes.into_iter().map(|path| ItemChange::Gone { path }).collect();
    changes.extend(plan.puts.into_iter().map(|(path, kind)| ItemChange::put(path, kind)));
    let known = known(work, &plan.fetch).await?;
    let (had, wanted): (Vec<_>, Vec<_>) =
        plan.fetch.into_iter().partition(|file| file.claimed.is_some_and(|hash| known.contains_key(&hash)));
    changes.extend(had.into_iter().filter_map(|file| {
        let hash = file.claimed?;
        let kind = ItemKind::File { hash, size: *known.get(&hash)?, executable: file.executable };
        Some(ItemChange::put(file.path, kind))
    }));
    let most = work.max_file_bytes();
    let mut left = portions(wanted, most);
    let mut refused = None;
    while let Some(mut portion) = left.pop_front() {
        if let Err(error) = with_room(work, &mut changes, &mut portion, found).await {
            refused = Some(not_saved(work, told, error));
        }
        let _room = transfer::reserve(portion.iter().map(|file| room_for(file, most)).sum()).await;
        let replaced = replaced(&portion);
        let room_for_bases = replaced.iter().map(|(_, size)| encode::most(*size)).sum();
        let _room_for_bases = transfer::room_now(room_for_bases);
        let bases = match &_room_for_bases {
            Some(_) => bases(work, &replaced, room_for_bases).await?,
            None => HashMap::new(),
        };
        let bases = &bases;
        let mut blobs = Vec::new();
        let mut fetched = stream::iter(portion).map(|file| fetch(work, link, bases, file)).buffered(FETCHES);
        while let Some(file) = fetched.next().await {
            match file? {
                Fetched::Content(change, blob) => {
                    changes.push(change);
                    blobs.push(blob);
                }
                Fetched::Nothing => {}
                Fetched::Unkept(path, why) => found.insert(path.as_str(), Unkept { shape: Shape::File, why }),
                Fetched::Grown(file) => left.push_back(vec![Wanted { size: most, ..file }]),
                // It is being written all the time; the rest need not wait for it.
                Fetched::Torn(path) => torn.push(path),
            }
        }
        drop(fetched);
        match commit(work, told, std::mem::take(&mut changes), blobs, found).await {
            // What comes later may fit.
            Err(error) if is_bound(&error) => refused = Some(error),
            committed => committed?,
        }
    }
    let rest = commit(work, told, changes, Vec::new(), found).await;
    work.warn_of(told, found);
    rest?;
    match refused {
        Some(error) => Err(error),
        None => Ok(()),
    }
}

/// Takes out of the changes that are due and the files that are to be fetched for which of them there is no room: what would be refused is
/// not brought over first, each time it is looked at. Goes by what the agent claims; the commit goes by what is true.
///
/// # Errors
/// The bound that made that necessary; any other error is the commit's to meet.
async fn with_room(
    work: &Work,
    changes: &mut Vec<ItemChange>,
    portion: &mut Vec<Wanted>,
    found: &mut UnkeptList,
) -> Result<(), SessionError> {
    let claimed = |file: &Wanted| {
        let hash = file.claimed.unwrap_or(ContentHash([0; 32]));
        ItemChange::put(file.path.clone(), ItemKind::File { hash, size: file.size, executable: file.executable })
    };
    let planned: Vec<_> = changes.iter().cloned().chain(portion.iter().map(claimed)).collect();
    let error = match work.have_room(&planned).await {
        Err(error) if is_bound(&error) => error,
        _ => return Ok(()),
    };
    let mut fitting = HashSet::new();
    let Ok(kept) = only_kept(work, planned, found).await else { return Ok(()) };
    for change in kept {
        let ItemChange::Put { path, kind, .. } = &change else { continue };
        match work.have_room(std::slice::from_ref(&change)).await {
            Err(error) if is_bound(&error) => found.insert(path.as_str(), no_room(kind)),
            _ => drop(fitting.insert(path.clone())),
        }
    }
    changes.retain(|change| matches!(change, ItemChange::Put { path, .. } if fitting.contains(path)));
    portion.retain(|file| fitting.contains(&file.path));
    Err(error)
}

/// The contents these files replace and can be stored after, with their sizes.
fn replaced(files: &[Wanted]) -> Vec<(ContentHash, u64)> {
    files.iter().filter_map(|file| file.before.filter(|(_, before)| blobs::fits(file.size, *before))).collect()
}

async fn bases(
    work: &Work,
    replaced: &[(ContentHash, u64)],
    most: u64,
) -> Result<HashMap<ContentHash, blobs::Base>, SessionError> {
    if replaced.is_empty() {
        return Ok(HashMap::new());
    }
    let hashes: Vec<_> = replaced.iter().map(|(hash, _)| *hash).collect();
    encode::bases(&work.db.bulk().await?, &hashes, most).await
}

/// Cuts files into runs that are fetched and committed together.
fn portions(files: Vec<Wanted>, most: u64) -> VecDeque<Vec<Wanted>> {
    Run { items: COMMIT_ITEMS, weight: COMMIT_BYTES }.cut(files, |file| room_for(file, most)).into()
}

/// The most that is read of a file, whatever the agent gives.
fn room_for(file: &Wanted, most: u64) -> u64 {
    file.size.saturating_add(GROWTH).min(most)
}

/// Contents this workspace has had before, with their sizes: a renamed or restored file need not be fetched. Of other workspaces nothing
/// is looked up, or a sandbox could obtain a content by naming its hash.
async fn known(work: &Work, files: &[Wanted]) -> Result<HashMap<ContentHash, u64>, SessionError> {
    let claimed: Vec<_> = files.iter().filter_map(|file| file.claimed).collect();
    if claimed.is_empty() {
        return Ok(HashMap::new());
    }
    let connection = work.db.bulk().await?;
    Ok(versions::known_contents(&connection, work.session, &claimed).await?)
}

/// What became of a file that was to be fetched.
enum Fetched {
    /// Its content, ready to be committed.
    Content(ItemChange, blobs::EncodedBlob),
    /// It is gone again, for which another notice comes.
    Nothing,
    /// It cannot be kept.
    Unkept(WorkspacePath, Why),
    /// It is larger than there is room for.
    Grown(Wanted),
    /// It changes while it is read.
    Torn(WorkspacePath),
}

async fn fetch(
    work: &Work,
    link: &AgentLink,
    bases: &HashMap<ContentHash, blobs::Base>,
    file: Wanted,
) -> Result<Fetched, SessionError> {
    let most = work.max_file_bytes();
    let room = room_for(&file, most);
    let (content, executable) = match transfer::read(link, &file.path, room).await {
        Ok(content) => content,
        Err(LinkError::Agent(error)) => return Ok(not_fetched(file, &error, room < most)),
        Err(error) => return Err(error.into()),
    };
    let size = content.len() as u64;
    let blob = match file.before.and_then(|(hash, _)| bases.get(&hash)) {
        Some(base) => blobs::encode_after(content, base).await?,
        None => blobs::encode(content).await?,
    };
    Ok(Fetched::Content(ItemChange::put(file.path, ItemKind::File { hash: blob.hash, size, executable }), blob))
}

fn not_fetched(file: Wanted, error: &AgentError, may_be_larger: bool) -> Fetched {
    match error {
        AgentError::NotFound | AgentError::WrongKind | AgentError::Refused => Fetched::Nothing,
        AgentError::Torn => Fetched::Torn(file.path),
        AgentError::TooMany if may_be_larger => Fetched::Grown(file),
        AgentError::TooMany => Fetched::Unkept(file.path, Why::TooLarge),
        _ => Fetched::Unkept(file.path, Why::Unreadable),
    }
}

/// Commits changes together; where they do not fit, at least those of files that are kept already, and then says that it was not all.
async fn commit(
    work: &Work,
    told: &Told,
    changes: Vec<ItemChange>,
    blobs: Vec<blobs::EncodedBlob>,
    found: &mut UnkeptList,
) -> Result<(), SessionError> {
    if changes.is_empty() {
        return Ok(());
    }
    let error = match try_commit(work, &changes, &blobs).await {
        Err(error) if is_bound(&error) => error,
        committed => return committed,
    };
    // One by one, so that one that has outgrown its room keeps no other out.
    for change in only_kept(work, changes, found).await? {
        let at = blobs.iter().position(|blob| content(&change) == Some(blob.hash));
        let ItemChange::Put { path, kind, .. } = &change else { continue };
        let unkept = no_room(kind);
        let path = path.clone();
        match try_commit(work, &[change], at.map_or(&[], |at| &blobs[at..=at])).await {
            Err(error) if is_bound(&error) => found.insert(path.as_str(), unkept),
            committed => committed?,
        }
    }
    Err(not_saved(work, told, error))
}

/// Of changes that do not fit together those of what is kept already; the rest is marked.
async fn only_kept(
    work: &Work,
    mut changes: Vec<ItemChange>,
    found: &mut UnkeptList,
) -> Result<Vec<ItemChange>, SessionError> {
    let kept = kept(work, &changes).await?;
    for change in &changes {
        if let ItemChange::Put { path, kind, .. } = change
            && !kept.contains_key(path)
        {
            found.insert(path.as_str(), no_room(kind));
        }
    }
    // No removals: a file that was renamed would lose its old name and not get its new one. So nothing takes the place of a folder, either.
    changes.retain(|change| match change {
        ItemChange::Put { path, kind, .. } => {
            kept.get(path).is_some_and(|there| (*there == ItemKind::Folder) == (*kind == ItemKind::Folder))
        }
        _ => false,
    });
    Ok(changes)
}

fn no_room(kind: &ItemKind) -> Unkept {
    let shape = match kind {
        ItemKind::File { .. } => Shape::File,
        ItemKind::Folder => Shape::Folder,
        ItemKind::Symlink { .. } => Shape::Other,
    };
    Unkept { shape, why: Why::Quota }
}

/// Whether a workspace is too large for something, rather than something being amiss.
fn is_bound(error: &SessionError) -> bool {
    matches!(error, SessionError::TooManyBytes | SessionError::TooManyItems)
}

async fn try_commit(work: &Work, changes: &[ItemChange], blobs: &[blobs::EncodedBlob]) -> Result<(), SessionError> {
    let mut connection = work.db.bulk().await?;
    let transaction = connection.transaction().await?;
    blobs::put_many(&transaction, blobs).await?;
    let applied = items::apply(&transaction, &work.lease, changes, Origin::Terminal, None, &work.bounds()).await;
    let fitting = match applied {
        Ok(applied) => work.fits(&transaction, &applied).await.map(|()| applied),
        Err(error) => Err(error.into()),
    };
    match fitting {
        Ok(applied) => {
            transaction.commit().await?;
            work.tell_tree(applied.changes);
            Ok(())
        }
        Err(error) => {
            transaction.rollback().await?;
            Err(error)
        }
    }
}

/// What is kept where these changes put something.
async fn kept(work: &Work, changes: &[ItemChange]) -> Result<HashMap<WorkspacePath, ItemKind>, SessionError> {
    let put = |change: &ItemChange| match change {
        ItemChange::Put { path, .. } => Some(path.clone()),
        _ => None,
    };
    let paths: Vec<_> = changes.iter().filter_map(put).collect();
    Ok(items::get_many(&work.db.bulk().await?, work.session, &paths).await?)
}

fn content(change: &ItemChange) -> Option<ContentHash> {
    match change {
        ItemChange::Put { kind, .. } => kind.hash(),
        _ => None,
    }
}

/// Only who works in the sandbox can make it smaller; the next listing after that brings everything over.
fn not_saved(work: &Work, told: &Told, error: SessionError) -> SessionError {
    told.trouble(work, format!("Changes made by programs are not saved: {error}"));
    error
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn portions_keep_every_file_once_in_order_within_bounds() {
        const MOST: u64 = 64 << 20;
        let sizes = [1, 3 * COMMIT_BYTES, 5, u64::MAX, COMMIT_BYTES - 2 * GROWTH, 1].into_iter();
        let files: Vec<_> = sizes
            .chain(std::iter::repeat_n(3, 1200))
            .enumerate()
            .map(|(number, size)| Wanted {
                path: WorkspacePath::new(format!("{number:04}")).expect("path"),
                claimed: None,
                size,
                executable: false,
                before: None,
            })
            .collect();
        let cut: Vec<_> = portions(files.clone(), MOST).into();
        let room = |portion: &[Wanted]| portion.iter().map(|file| room_for(file, MOST)).sum::<u64>();
        assert!(cut.iter().all(|portion| portion.len() <= COMMIT_ITEMS));
        assert!(cut.iter().all(|portion| portion.len() == 1 || room(portion) <= COMMIT_BYTES));
        assert!(cut.iter().all(|portion| room(portion) <= MOST), "whatever an agent claims");
        assert_eq!(cut.concat(), files);
    }
}
