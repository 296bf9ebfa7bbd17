//! An archive becomes files of a workspace.
//!
//! ```text
//!   body ─▶ file in the staging area ─▶ listed and proved, all of it ─▶ contents stored, a few at a time ─▶ taken into use in one go
//! ```
//!
//! **Invariants**: an archive that is refused has changed nothing; one that is not changes the workspace in steps of [`MAX_CHANGES`] files,
//! each whole or not at all. Memory does not depend on the archive's size.

use std::collections::HashMap;
use std::io::BufReader;
use std::time::Duration;

use actix_web::web::Payload;
use carrel_archives::{Archive, BadArchive, Bounds, Bundle, Entry, EntryKind, Listing, Zip};
use futures_util::StreamExt;
use tokio::task::spawn_blocking;
use tokio::time::{Instant, timeout_at};

use bytes::BytesMut;

use super::contents::{BATCH, BATCH_BYTES};
use super::error::{ApiError, Code};
use super::state::HttpState;
use super::transfer::{Pace, STALL, linger};
use super::wire::{ArchiveKind, Imported, SkippedEntry, SkippedWhy};
use crate::actors::api::{EditFiles, Intent, SessionError};
use crate::actors::edits::MAX_CHANGES;
use crate::db::blobs;
use crate::db::items::{self, ItemChange};
use crate::db::versions::Origin;
use crate::model::{ContentHash, ItemKind, Precondition, SessionId, UserId, WorkspacePath};
use crate::staging::Import;

/// How long an archive that is there waits until others have been imported.
pub(super) const WAIT: Duration = Duration::from_secs(60);

/// Bytes written to the staging area at a time.
const PIECE_BYTES: usize = 1024 * 1024;

/// An archive may have so many times the bytes of a workspace: a git bundle holds its history.
const TIMES_WORKSPACE: u64 = 2;

/// Paths looked up at once.
const LOOKUP: usize = 5000;

/// Where an archive goes.
pub(super) struct Target {
    pub(super) session: SessionId,
    pub(super) user: UserId,
    /// The folder; the whole workspace when there is none.
    pub(super) folder: Option<WorkspacePath>,
    pub(super) kind: ArchiveKind,
    /// Whether files that are there are replaced; they are skipped otherwise.
    pub(super) replace: bool,
}

/// Takes in the archive's bytes.
///
/// # Errors
/// [`Code::BodyTooLarge`], [`Code::RequestTimeout`], [`Code::InvalidBody`], and what the staging area says.
pub(super) async fn receive(
    state: &HttpState,
    user: UserId,
    mut body: Payload,
    announced: Option<usize>,
) -> Result<Import, ApiError> {
    let received = receive_within(state, user, &mut body, announced).await;
    if matches!(&received, Err(error) if !matches!(error.code(), Code::RequestTimeout | Code::InvalidBody)) {
        linger(&mut body).await;
    }
    received
}

async fn receive_within(
    state: &HttpState,
    user: UserId,
    body: &mut Payload,
    announced: Option<usize>,
) -> Result<Import, ApiError> {
    let most = state.config.workspace.max_total_mb * 1024 * 1024 * TIMES_WORKSPACE;
    let too_large = || ApiError::because(Code::BodyTooLarge, format_args!("An archive has at most {most} bytes."));
    if announced.is_some_and(|bytes| bytes as u64 > most) {
        return Err(too_large());
    }
    let mut import = state.staging.import(user).await?;
    let (mut piece, mut total, mut pace) = (BytesMut::new(), 0, Pace::new(STALL, Instant::now()));
    loop {
        let chunk = timeout_at(pace.due(), body.next()).await.map_err(|_| ApiError::new(Code::RequestTimeout))?;
        let Some(chunk) = chunk else { break };
        let chunk = chunk.map_err(|error| ApiError::because(Code::InvalidBody, error))?;
        total += chunk.len() as u64;
        if total > most {
            return Err(too_large());
        }
        piece.extend_from_slice(&chunk);
        if piece.len() >= PIECE_BYTES {
            import.append(piece.split().freeze()).await?;
        }
        pace.moved(chunk.len(), Instant::now());
    }
    import.append(piece.freeze()).await?;
    Ok(import)
}

/// Makes files of what came.
///
/// # Errors
/// [`Code::BadArchive`], and what session and database say. Nothing has changed then, unless it is an archive of more than
/// [`MAX_CHANGES`] items.
pub(super) async fn carry_out(state: &HttpState, target: Target, import: Import) -> Result<Imported, ApiError> {
    let file = import.reader().map_err(ApiError::internal)?;
    let (archive, listing) = open(file, target.kind, bounds(state)).await?;
    let mut share = state.budget.share(target.user);
    let sizes = listing.entries.iter().filter_map(|entry| match entry.kind {
        EntryKind::File { size, .. } => Some(size),
        EntryKind::Folder | EntryKind::Link { .. } => None,
    });
    // A batch as it is and packed, or the largest file beside one.
    let room = (sizes.max().unwrap_or(0) + BATCH_BYTES).min(2 * listing.bytes);
    share.grow_to(usize::try_from(room).unwrap_or(usize::MAX))?;
    let mut plan = Plan::new(state, &target, &listing).await?;
    plan.has_room(state, target.session).await?;
    let hashes = store(state, archive, &plan.wanted).await?;
    // Nothing more is read from it.
    drop((import, share));
    let answer =
        Imported { items: plan.wanted.len() as u64, bytes: plan.bytes, skipped: std::mem::take(&mut plan.skipped) };
    let changes: Vec<_> = plan.wanted.into_iter().filter_map(|wanted| wanted.change(&hashes, target.replace)).collect();
    for part in changes.chunks(MAX_CHANGES) {
        let intent = Intent::Changes { changes: part.to_vec(), origin: Origin::Upload };
        match state.sessions.edit(target.session, EditFiles { intent, user: target.user }).await {
            Ok(_) => {}
            // Somebody was faster.
            Err(SessionError::PreconditionFailed { .. }) => return Err(ApiError::new(Code::AlreadyExists)),
            Err(error) => return Err(error.into()),
        }
    }
    Ok(answer)
}

fn bounds(state: &HttpState) -> Bounds {
    let workspace = &state.config.workspace;
    Bounds {
        max_items: workspace.max_items.into(),
        max_bytes: workspace.max_total_mb * 1024 * 1024,
        max_file_bytes: workspace.max_file_mb * 1024 * 1024,
    }
}

/// Lists an archive and reads it once, so that nothing is written of one that is damaged.
async fn open(file: std::fs::File, kind: ArchiveKind, bounds: Bounds) -> Result<(Box<dyn Archive>, Listing), ApiError> {
    let opening = move || -> Result<_, BadArchive> {
        let mut archive: Box<dyn Archive> = match kind {
            ArchiveKind::Zip => Box::new(Zip::open(file, bounds)?),
            ArchiveKind::Git => Box::new(Bundle::open(BufReader::new(file), bounds)?),
        };
        archive.prove()?;
        let listing = archive.listing().clone();
        Ok((archive, listing))
    };
    Ok(spawn_blocking(opening).await.map_err(ApiError::internal)??)
}

impl From<BadArchive> for ApiError {
    fn from(error: BadArchive) -> Self {
        match error {
            BadArchive::Disk(_) => Self::internal(error),
            error => Self::because(Code::BadArchive, format_args!("The archive was refused: {error}.")),
        }
    }
}

/// An entry that becomes something in the workspace.
struct Wanted {
    /// Its place in the archive's listing.
    index: usize,
    path: WorkspacePath,
    kind: EntryKind,
}

/// What becomes of an archive's entries.
struct Plan {
    wanted: Vec<Wanted>,
    skipped: Vec<SkippedEntry>,
    /// Bytes of the files that are wanted, and of those they replace.
    bytes: u64,
    replaced_bytes: u64,
    /// How many of those that are wanted are there already.
    replaced: u64,
}

impl Plan {
    async fn new(state: &HttpState, target: &Target, listing: &Listing) -> Result<Self, ApiError> {
        let skipped = listing.skipped.iter().map(SkippedEntry::from).collect();
        let mut plan = Self { wanted: Vec::new(), skipped, bytes: 0, replaced_bytes: 0, replaced: 0 };
        let mut entries = Vec::with_capacity(listing.entries.len());
        for (index, Entry { path, kind }) in listing.entries.iter().enumerate() {
            let path = match &target.folder {
                Some(folder) => WorkspacePath::new(format!("{folder}/{path}"))?,
                None => path.clone(),
            };
            entries.push(Wanted { index, path, kind: kind.clone() });
        }
        let mut there = HashMap::new();
        let paths: Vec<_> = entries.iter().map(|wanted| wanted.path.clone()).collect();
        for paths in paths.chunks(LOOKUP) {
            there.extend(items::get_many(&state.db.bulk().await?, target.session, paths).await?);
        }
        for wanted in entries {
            plan.add(wanted, &there, target.replace);
        }
        Ok(plan)
    }

    fn add(&mut self, wanted: Wanted, there: &HashMap<WorkspacePath, ItemKind>, replace: bool) {
        match there.get(&wanted.path) {
            Some(_) if !replace && wanted.kind != EntryKind::Folder => {
                if self.skipped.len() < carrel_archives::MAX_SKIPPED {
                    self.skipped.push(SkippedEntry { path: wanted.path.into(), why: SkippedWhy::Exists });
                }
                return;
            }
            Some(before) => {
                (self.replaced, self.replaced_bytes) = (self.replaced + 1, self.replaced_bytes + before.size())
            }
            None => {}
        }
        if let EntryKind::File { size, .. } = wanted.kind {
            self.bytes += size;
        }
        self.wanted.push(wanted);
    }

    /// Whether the workspace can hold it, as far as can be told before anything is stored.
    async fn has_room(&self, state: &HttpState, session: SessionId) -> Result<(), ApiError> {
        let usage = items::usage(&state.db.interactive().await?, session).await?.ok_or_else(ApiError::not_found)?;
        let most = bounds(state);
        if (usage.bytes + self.bytes).saturating_sub(self.replaced_bytes) > most.max_bytes {
            return Err(SessionError::TooManyBytes.into());
        }
        let items = usage.items + self.wanted.len() as u64;
        if items.saturating_sub(self.replaced) > most.max_items {
            Err(SessionError::TooManyItems.into())
        } else {
            Ok(())
        }
    }
}

impl Wanted {
    fn change(self, hashes: &HashMap<usize, (ContentHash, u64)>, replace: bool) -> Option<ItemChange> {
        let kind = match self.kind {
            EntryKind::Folder => ItemKind::Folder,
            EntryKind::Link { target } => ItemKind::Symlink { target },
            EntryKind::File { executable, .. } => {
                let (hash, size) = *hashes.get(&self.index)?;
                ItemKind::File { hash, size, executable }
            }
        };
        let is_folder = kind == ItemKind::Folder;
        let precondition = if replace || is_folder { Precondition::None } else { Precondition::Absent };
        Some(ItemChange::Put { path: self.path, kind, precondition })
    }
}

/// Stores the contents of the files that are wanted, ahead of their use; their hashes and sizes.
async fn store(
    state: &HttpState,
    mut archive: Box<dyn Archive>,
    wanted: &[Wanted],
) -> Result<HashMap<usize, (ContentHash, u64)>, ApiError> {
    let mut hashes = HashMap::new();
    let files = wanted.iter().filter_map(|Wanted { index, kind, .. }| match kind {
        EntryKind::File { size, .. } => Some((*index, *size)),
        EntryKind::Folder | EntryKind::Link { .. } => None,
    });
    for batch in BATCH.cut(files, |(_, size)| *size) {
        let reading = move || {
            let contents = batch.iter().map(|(index, _)| Ok((*index, archive.content(*index)?)));
            let contents = contents.collect::<Result<Vec<_>, BadArchive>>();
            (archive, contents)
        };
        let contents;
        (archive, contents) = spawn_blocking(reading).await.map_err(ApiError::internal)?;
        let mut encoded = Vec::new();
        for (index, content) in contents? {
            let blob = blobs::encode(content.into()).await?;
            hashes.insert(index, (blob.hash, blob.size));
            encoded.push(blob);
        }
        blobs::stage(&state.db, &encoded).await?;
    }
    Ok(hashes)
}
