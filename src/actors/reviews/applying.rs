//! Suggested edits, taken over into the author's workspace.
//!
//! **Invariant**: all that are asked for, or none; and only where the lines they replace are as their reviewer saw them.

use std::collections::{BTreeMap, HashMap, HashSet};

use bytes::Bytes;
use tokio::task::spawn_blocking;

use super::discussion::{CommentError, standing};
use super::{Reviews, SessionError};
use crate::actors::api::{EditFiles, Intent};
use crate::db::items::{self, ItemChange};
use crate::db::reviews::{comments, rounds};
use crate::db::versions::Origin;
use crate::db::{blobs, snapshots};
use crate::model::review::{Carrier, Lines, MAX_COMPARED_BYTES, ReviewError, Side, may_discuss, replaced};
use crate::model::{
    CommentId, ContentHash, ItemKind, Precondition, ReviewId, SessionId, SnapshotId, UserId, WorkspacePath,
};

/// A suggested edit.
struct Edit {
    comment: CommentId,
    /// The round it was written on.
    snapshot: SnapshotId,
    lines: Lines,
    replacement: String,
}

impl Reviews {
    /// Takes suggested edits over into the session of a review of `by`; answers which files that has changed.
    ///
    /// # Errors
    /// [`CommentError`]; [`CommentError::Outdated`] names those that are in the way, and nothing was changed.
    pub async fn apply(
        &self,
        review: ReviewId,
        by: UserId,
        wanted: &[CommentId],
    ) -> Result<Vec<WorkspacePath>, CommentError> {
        let (session, edits) = self.edits(review, by, wanted).await?;
        // What programs have written is in the database before anything is compared with it.
        self.0.sessions.settle(session).await?;
        let mut changes = Vec::with_capacity(edits.len());
        let mut contents = Vec::with_capacity(edits.len());
        for (path, edits) in &edits {
            let (change, content) = self.changed(session, path, edits).await?;
            changes.push(change);
            contents.push(content);
        }
        blobs::stage(&self.0.db, &contents).await?;
        let edit = EditFiles { intent: Intent::Changes { changes, origin: Origin::Review }, user: by };
        match self.0.sessions.edit(session, edit).await {
            Ok(_) => {}
            // Changed in the very moment.
            Err(SessionError::PreconditionFailed { .. } | SessionError::IsFolder | SessionError::NotFolder) => {
                return Err(CommentError::Outdated(wanted.to_vec()));
            }
            Err(error) => return Err(error.into()),
        }
        let mut connection = self.0.db.interactive().await?;
        let transaction = connection.transaction().await?;
        comments::touch(&transaction, review, by).await?;
        comments::note_applied(&transaction, wanted).await?;
        transaction.commit().await?;
        Ok(edits.into_keys().collect())
    }

    /// The edits that are asked for, by file, and the session they are for.
    async fn edits(
        &self,
        review: ReviewId,
        by: UserId,
        wanted: &[CommentId],
    ) -> Result<(SessionId, BTreeMap<WorkspacePath, Vec<Edit>>), CommentError> {
        let connection = self.0.db.interactive().await?;
        let (now, actor) = standing(&connection, review, by).await?;
        if now.standing.author != by {
            return Err(ReviewError::NotAuthor.into());
        }
        may_discuss(&now.standing, &actor)?;
        let session = now.session.ok_or(ReviewError::NoSession)?;
        let snapshots: HashMap<u32, SnapshotId> =
            rounds::of_review(&connection, review).await?.iter().map(|round| (round.number, round.snapshot)).collect();
        let mut left: HashSet<CommentId> = wanted.iter().copied().collect();
        let mut edits: BTreeMap<WorkspacePath, Vec<Edit>> = BTreeMap::new();
        for thread in comments::of_review(&connection, review, by).await? {
            let (Some(path), Some(lines), Side::New) = (&thread.place.path, thread.place.lines, thread.place.side)
            else {
                continue;
            };
            let Some(&snapshot) = snapshots.get(&thread.place.round) else { continue };
            for comment in thread.comments {
                let open =
                    comment.suggestion.filter(|edit| edit.applied_at.is_none() && comment.published_at.is_some());
                if let Some(suggestion) = open.filter(|_| left.remove(&comment.id)) {
                    let edit = Edit { comment: comment.id, snapshot, lines, replacement: suggestion.replacement };
                    edits.entry(path.clone()).or_default().push(edit);
                }
            }
        }
        if left.is_empty() { Ok((session, edits)) } else { Err(CommentError::Outdated(left.into_iter().collect())) }
    }

    /// What a file becomes.
    async fn changed(
        &self,
        session: SessionId,
        path: &WorkspacePath,
        edits: &[Edit],
    ) -> Result<(ItemChange, blobs::EncodedBlob), CommentError> {
        let connection = self.0.db.bulk().await?;
        let all = || CommentError::Outdated(edits.iter().map(|edit| edit.comment).collect());
        let now = items::get_many(&connection, session, std::slice::from_ref(path)).await?.remove(path);
        let Some(ItemKind::File { hash, size: ..=MAX_COMPARED_BYTES, executable }) = now else { return Err(all()) };
        let mut wanted: Vec<(CommentId, ContentHash, Lines, String)> = Vec::with_capacity(edits.len());
        for edit in edits {
            match snapshots::item(&connection, edit.snapshot, path).await? {
                Some(ItemKind::File { hash, size: ..=MAX_COMPARED_BYTES, .. }) => {
                    wanted.push((edit.comment, hash, edit.lines, edit.replacement.clone()));
                }
                _ => return Err(CommentError::Outdated(vec![edit.comment])),
            }
        }
        let hashes: HashSet<ContentHash> = wanted.iter().map(|(_, hash, ..)| *hash).chain([hash]).collect();
        let texts = blobs::get_many(&connection, &hashes.into_iter().collect::<Vec<_>>()).await?;
        drop(connection);
        let edited = spawn_blocking(move || edited(&texts, hash, wanted)).await.map_err(|_| SessionError::Internal)?;
        let blob = blobs::encode(edited.map_err(CommentError::Outdated)?.into()).await?;
        let kind = ItemKind::File { hash: blob.hash, size: blob.size, executable };
        Ok((ItemChange::Put { path: path.clone(), kind, precondition: Precondition::Content(hash) }, blob))
    }
}

/// The text `now` with edits of texts it has come from; else those of them that cannot be made.
fn edited(
    texts: &HashMap<ContentHash, Bytes>,
    now: ContentHash,
    wanted: Vec<(CommentId, ContentHash, Lines, String)>,
) -> Result<String, Vec<CommentId>> {
    let text = |hash: &ContentHash| texts.get(hash).and_then(|bytes| std::str::from_utf8(bytes).ok());
    let all = || wanted.iter().map(|(comment, ..)| *comment).collect::<Vec<_>>();
    let current = text(&now).ok_or_else(all)?;
    let mut carriers: HashMap<ContentHash, Option<Carrier>> = HashMap::new();
    let (mut edits, mut outdated) = (Vec::with_capacity(wanted.len()), Vec::new());
    for (comment, written, lines, replacement) in &wanted {
        let carrier = carriers.entry(*written).or_insert_with(|| Some(Carrier::new(text(written)?, current)));
        match carrier.as_ref().and_then(|carrier| carrier.carry(*lines)) {
            Some(lines) => edits.push((lines, *comment, replacement)),
            None => outdated.push(*comment),
        }
    }
    // From the end, so that those before stay where they are.
    edits.sort_by_key(|(lines, ..)| std::cmp::Reverse(lines.start));
    let overlapping = edits.windows(2).filter(|pair| pair[1].0.end >= pair[0].0.start);
    outdated.extend(overlapping.flat_map(|pair| [pair[0].1, pair[1].1]));
    if !outdated.is_empty() {
        return Err(outdated);
    }
    edits.into_iter().try_fold(current.to_owned(), |text, (lines, comment, replacement)| {
        replaced(&text, lines, replacement).ok_or_else(|| vec![comment])
    })
}
