//! Where threads are in a round that is not the one they were written on.
//!
//! Every content is read and compared once for all threads on it, one pair after the other, in memory that is counted as a download is.

use std::collections::{HashMap, HashSet};

use bytes::Bytes;
use tokio::task::spawn_blocking;

use super::error::ApiError;
use super::state::HttpState;
use super::wire::comments::At;
use crate::db::reviews::{reading, rounds};
use crate::db::{Connection, blobs, snapshots};
use crate::model::review::{Carrier, Lines, MAX_COMPARED_BYTES, Place, Review, Side};
use crate::model::{ContentHash, ItemKind, SnapshotId, UserId, WorkspacePath};

/// A file in a frozen workspace.
type Spot = (SnapshotId, WorkspacePath);

/// Where places of a review are in `round`, in their order.
///
/// # Errors
/// That the database cannot be asked, and that there is no memory for it now.
pub async fn carried(
    state: &HttpState,
    viewer: UserId,
    review: &Review,
    round: u32,
    places: &[Place],
) -> Result<Vec<At>, ApiError> {
    let connection = state.db.bulk().await?;
    let texts = Texts::of(&connection, review).await?;
    let spots: Vec<Option<(Spot, Spot)>> = places.iter().map(|place| texts.spots(place, round)).collect();
    let asked = spots.iter().flatten().flat_map(|(from, to)| [from.clone(), to.clone()]).collect::<HashSet<_>>();
    let kinds = snapshots::kinds(&connection, &asked.into_iter().collect::<Vec<_>>()).await?;
    let elsewhere = moved(&connection, &spots, &kinds).await?;
    let mut at: Vec<At> = Vec::with_capacity(places.len());
    let mut unlike: HashMap<(ContentHash, ContentHash), Vec<(usize, Lines)>> = HashMap::new();
    for (place, spot) in places.iter().zip(&spots) {
        let gone = At { round, path: None, lines: None, outdated: true };
        let Some((from, to)) = spot else {
            // On all of the round; or in what it is compared with, which this one is not.
            at.push(At { outdated: place.path.is_some(), ..gone });
            continue;
        };
        let here = |path: &WorkspacePath, lines: Option<Lines>, outdated| At {
            round,
            path: Some(path.to_string()),
            lines: lines.map(Into::into),
            outdated,
        };
        at.push(match (kinds.get(from), kinds.get(to)) {
            (Some(then), Some(now)) if then == now => here(&to.1, place.lines, false),
            (Some(ItemKind::File { hash: then, .. }), Some(ItemKind::File { hash: now, .. })) if then == now => {
                here(&to.1, place.lines, false)
            }
            (Some(then), Some(now)) => {
                if let (Some(lines), Some(pair)) = (place.lines, pair(then, now)) {
                    unlike.entry(pair).or_default().push((at.len(), lines));
                }
                here(&to.1, None, place.lines.is_some())
            }
            (Some(then), None) => match then.hash().and_then(|hash| elsewhere.get(&(to.0, hash))) {
                Some(path) => here(path, place.lines, false),
                None => gone,
            },
            (None, _) => gone,
        });
    }
    if unlike.is_empty() {
        return Ok(at);
    }
    let _share = state.budget.share_for_saved(viewer, 2 * MAX_COMPARED_BYTES)?;
    for ((then, now), wanted) in unlike {
        let contents = blobs::get_many(&connection, &[then, now]).await?;
        let found = spawn_blocking(move || carry(contents.get(&then), contents.get(&now), wanted)).await;
        for (place, lines) in found.map_err(ApiError::internal)? {
            (at[place].lines, at[place].outdated) = (Some(lines.into()), false);
        }
    }
    Ok(at)
}

/// Lines that are still together; nothing of what is no text.
fn carry(then: Option<&Bytes>, now: Option<&Bytes>, wanted: Vec<(usize, Lines)>) -> Vec<(usize, Lines)> {
    let text = |bytes: Option<&Bytes>| bytes.and_then(|bytes| String::from_utf8(bytes.to_vec()).ok());
    let (Some(then), Some(now)) = (text(then), text(now)) else { return Vec::new() };
    let carrier = Carrier::new(&then, &now);
    wanted.into_iter().filter_map(|(place, lines)| Some((place, carrier.carry(lines)?))).collect()
}

/// Two contents that are compared line by line.
fn pair(then: &ItemKind, now: &ItemKind) -> Option<(ContentHash, ContentHash)> {
    match (then, now) {
        (
            ItemKind::File { hash: then, size: ..=MAX_COMPARED_BYTES, .. },
            ItemKind::File { hash: now, size: ..=MAX_COMPARED_BYTES, .. },
        ) => Some((*then, *now)),
        _ => None,
    }
}

/// Where contents whose files are gone are instead.
async fn moved(
    connection: &Connection,
    spots: &[Option<(Spot, Spot)>],
    kinds: &HashMap<Spot, ItemKind>,
) -> Result<HashMap<(SnapshotId, ContentHash), WorkspacePath>, ApiError> {
    let mut gone: HashMap<(SnapshotId, SnapshotId), HashSet<ContentHash>> = HashMap::new();
    for (from, to) in spots.iter().flatten().filter(|(_, to)| !kinds.contains_key(to)) {
        if let Some(ItemKind::File { hash, size: 1.., .. }) = kinds.get(from) {
            gone.entry((from.0, to.0)).or_default().insert(*hash);
        }
    }
    let mut elsewhere = HashMap::new();
    for ((from, to), hashes) in gone {
        for (hash, path) in snapshots::come(connection, from, to, &hashes.into_iter().collect::<Vec<_>>()).await? {
            elsewhere.entry((to, hash)).or_insert(path);
        }
    }
    Ok(elsewhere)
}

/// The frozen workspaces of a review.
struct Texts {
    rounds: HashMap<u32, SnapshotId>,
    start: Option<SnapshotId>,
}

impl Texts {
    async fn of(connection: &Connection, review: &Review) -> Result<Self, ApiError> {
        let rounds = rounds::of_review(connection, review.id).await?;
        let rounds = rounds.into_iter().map(|round| (round.number, round.snapshot)).collect();
        Ok(Self { rounds, start: reading::start(connection, review.id).await? })
    }

    /// What is on this side of a round.
    fn side(&self, round: u32, side: Side) -> Option<SnapshotId> {
        match side {
            Side::New => self.rounds.get(&round).copied(),
            Side::Old if round == 1 => self.start,
            Side::Old => self.rounds.get(&round.checked_sub(1)?).copied(),
        }
    }

    /// The file a place is in, and the one of the same name in `round`.
    fn spots(&self, place: &Place, round: u32) -> Option<(Spot, Spot)> {
        let path = place.path.clone()?;
        let (from, to) = (self.side(place.round, place.side)?, self.side(round, place.side)?);
        Some(((from, path.clone()), (to, path)))
    }
}

/// Refuses a place that is not there.
///
/// # Errors
/// That the database cannot be asked. What is not there is no error but the answer, in words.
pub async fn check(
    connection: &Connection,
    review: &Review,
    place: &Place,
) -> Result<Result<(), &'static str>, ApiError> {
    let texts = Texts::of(connection, review).await?;
    if !texts.rounds.contains_key(&place.round) {
        return Ok(Err("There is no such round."));
    }
    let Some(path) = &place.path else {
        return Ok(if place.lines.is_none() { Ok(()) } else { Err("Lines are those of a file: name its `path`.") });
    };
    let Some(snapshot) = texts.side(place.round, place.side) else {
        return Ok(Err("There is nothing this round is compared with."));
    };
    let (hash, size) = match (snapshots::item(connection, snapshot, path).await?, place.lines) {
        (None, _) => return Ok(Err("There is no such file there.")),
        (Some(_), None) => return Ok(Ok(())),
        (Some(ItemKind::File { hash, size, .. }), Some(_)) if size <= MAX_COMPARED_BYTES => (hash, size),
        (Some(_), Some(_)) => return Ok(Err("Only lines of text files of at most 1 MiB can be commented on.")),
    };
    let count = match blobs::get(connection, hash).await? {
        Some(content) if size > 0 => {
            std::str::from_utf8(&content).map(|text| crate::model::review::lines(text).count())
        }
        _ => Ok(1),
    };
    Ok(match (count, place.lines) {
        (Err(_), _) => Err("Only lines of text files can be commented on."),
        (Ok(count), Some(lines)) if lines.end as usize > count => Err("The file has no such lines."),
        (Ok(_), _) => Ok(()),
    })
}
