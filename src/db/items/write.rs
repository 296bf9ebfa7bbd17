//! Writes what was decided for one workspace or several, in one statement: constraints are checked at its end, so no order of rows can offend
//! them.
//!
//! **Invariants.** Contents come before sessions, as everywhere: whoever waits for a content that another is storing holds no session. Usage and edition change in the same statement as the items they count. Of a session that is locked, whose lease has been
//! lost, or that is not what it was, nothing is written; the others do not wait for it. Items are found by their ids alone: a plan that is
//! used for every workspace must not read all of one.

use std::collections::HashMap;
use std::time::Duration;

use time::OffsetDateTime;
use tokio_postgres::types::ToSql;
use uuid::Uuid;

use super::apply::Decided;
use super::plan::Node;
use crate::db::blobs::{self, EncodedBlob, signed};
use crate::db::leases::Lease;
use crate::db::versions::Origin;
use crate::db::{Client, DbError};
use crate::model::{ItemKind, SessionId, UserId};

/// What is to be written of one workspace.
pub(super) struct Writing<'a> {
    pub(super) lease: &'a Lease,
    pub(super) decided: &'a Decided,
    /// A content it needs that is not stored yet; it is stored whole.
    pub(super) content: Option<&'a EncodedBlob>,
    pub(super) origin: Origin,
    pub(super) user: Option<UserId>,
}

/// Writes `writings`, at most one of a session; when, for the sessions of which it was. `patience`: how long for each of their contents that
/// another has begun to store; as long as a statement may take when absent.
///
/// # Errors
/// [`Unavailable::Contention`](crate::db::Unavailable::Contention) when patience is over; or of the database. Nothing is written then.
pub(super) async fn write_all(
    client: &impl Client,
    writings: &[Writing<'_>],
    patience: Option<Duration>,
) -> Result<HashMap<SessionId, OffsetDateTime>, DbError> {
    let sql = concat!(
        "with ",
        // No further question for it, and over with the statement's transaction.
        blobs::storing!(
            "set_config('lock_timeout', coalesce($43::text, current_setting('lock_timeout')), true) is not null"
        ),
        ",
        asked as materialized (
            select * from unnest($5::uuid[], $6::bigint[], $7::bigint[], $8::bigint[], $9::bigint[])
                as asked (id, fence, edition, items, bytes)),
        free as materialized (
            select s.id from sessions s join asked on s.id = asked.id where (select count(*) from stored) >= 0
            order by s.id for no key update of s skip locked),
        held as (
            update sessions s set usage_items = asked.items, usage_bytes = asked.bytes, edition = s.edition + 1
            from asked where s.id = any(array(select id from free))
                and s.id = asked.id and s.fence = asked.fence and s.edition = asked.edition and s.state is distinct from 'deleted'
            returning s.id),
        removed as (
            delete from workspace_items i using unnest($10::uuid[], $11::uuid[]) as c (session_id, id), held
            where i.id = c.id and held.id = c.session_id and i.session_id is not distinct from held.id),
        altered as (
            update workspace_items i set parent_id = c.parent_id, name = c.name, kind = c.kind, blob_hash = c.blob_hash,
                size = c.size, executable = c.executable, link_target = c.link_target,
                modified_at = coalesce(c.modified_at, statement_timestamp())
            from held, unnest($12::uuid[], $13::uuid[], $14::uuid[], $15::text[], $16::text[], $17::bytea[], $18::bigint[],
                    $19::boolean[], $20::text[], $21::timestamptz[])
                as c (session_id, id, parent_id, name, kind, blob_hash, size, executable, link_target, modified_at)
            where i.id = c.id and held.id = c.session_id and i.session_id is not distinct from held.id),
        added as (
            insert into workspace_items (session_id, id, parent_id, name, kind, blob_hash, size, executable, link_target,
                modified_at)
            select c.session_id, c.id, c.parent_id, c.name, c.kind, c.blob_hash, c.size, c.executable, c.link_target,
                coalesce(c.modified_at, statement_timestamp())
            from held, unnest($22::uuid[], $23::uuid[], $24::uuid[], $25::text[], $26::text[], $27::bytea[], $28::bigint[],
                    $29::boolean[], $30::text[], $31::timestamptz[])
                as c (session_id, id, parent_id, name, kind, blob_hash, size, executable, link_target, modified_at)
            where held.id = c.session_id),
        noted as (
            insert into workspace_versions (session_id, path, change, other_path, kind, blob_hash, size, executable,
                link_target, origin, user_id, at)
            select v.session_id, v.path, v.change, v.other_path, v.kind, v.blob_hash, v.size, v.executable, v.link_target,
                v.origin, v.user_id, statement_timestamp()
            from held, unnest($32::uuid[], $33::text[], $34::text[], $35::text[], $36::text[], $37::bytea[], $38::bigint[],
                    $39::boolean[], $40::text[], $41::text[], $42::uuid[]) with ordinality
                as v (session_id, path, change, other_path, kind, blob_hash, size, executable, link_target, origin, user_id, place)
            where held.id = v.session_id order by v.place)
        select id, statement_timestamp() from held"
    );
    let contents = blobs::sorted(writings.iter().filter_map(|writing| Some((writing.content?, None))));
    let contents = blobs::Columns::of(&contents)?;
    let asked = Asked::of(writings)?;
    let removed = |writing: &Writing<'_>| {
        let session = writing.lease.session().0;
        writing.decided.difference.removed.iter().map(move |id| (session, *id)).collect::<Vec<_>>()
    };
    let (removed_from, removed): (Vec<_>, Vec<_>) = writings.iter().flat_map(removed).unzip();
    let altered = Items::of(writings, |decided| &decided.difference.altered)?;
    let added = Items::of(writings, |decided| &decided.difference.added)?;
    let noted = Notes::of(writings)?;
    let patience = patience.map(|patience| patience.as_millis().to_string());
    let params: [&(dyn ToSql + Sync); 43] = [
        &contents.hashes,
        &contents.sizes,
        &contents.encoded,
        &contents.bases,
        &asked.sessions,
        &asked.fences,
        &asked.editions,
        &asked.items,
        &asked.bytes,
        &removed_from,
        &removed,
        &altered.sessions,
        &altered.ids,
        &altered.parents,
        &altered.names,
        &altered.what.kinds,
        &altered.what.hashes,
        &altered.what.sizes,
        &altered.what.executables,
        &altered.what.targets,
        &altered.times,
        &added.sessions,
        &added.ids,
        &added.parents,
        &added.names,
        &added.what.kinds,
        &added.what.hashes,
        &added.what.sizes,
        &added.what.executables,
        &added.what.targets,
        &added.times,
        &noted.sessions,
        &noted.paths,
        &noted.changes,
        &noted.others,
        &noted.what.kinds,
        &noted.what.hashes,
        &noted.what.sizes,
        &noted.what.executables,
        &noted.what.targets,
        &noted.origins,
        &noted.users,
        &patience,
    ];
    let rows = client.query(sql, &params).await?;
    rows.iter().map(|row| Ok((SessionId(row.try_get(0)?), row.try_get(1)?))).collect()
}

/// The workspaces that are written, column by column.
#[derive(Default)]
struct Asked {
    sessions: Vec<Uuid>,
    fences: Vec<i64>,
    editions: Vec<i64>,
    items: Vec<i64>,
    bytes: Vec<i64>,
}

impl Asked {
    fn of(writings: &[Writing<'_>]) -> Result<Self, DbError> {
        let mut columns = Self::default();
        for Writing { lease, decided, .. } in writings {
            columns.sessions.push(lease.session().0);
            columns.fences.push(lease.fence());
            columns.editions.push(decided.edition());
            columns.items.push(signed(decided.difference.usage.items)?);
            columns.bytes.push(signed(decided.difference.usage.bytes)?);
        }
        Ok(columns)
    }
}

/// Items and where they hang, column by column.
#[derive(Default)]
struct Items<'a> {
    sessions: Vec<Uuid>,
    ids: Vec<Uuid>,
    parents: Vec<Uuid>,
    names: Vec<&'a str>,
    what: Kinds<'a>,
    times: Vec<Option<OffsetDateTime>>,
}

impl<'a> Items<'a> {
    fn of(writings: &'a [Writing<'_>], nodes: impl Fn(&'a Decided) -> &'a Vec<(Uuid, Node)>) -> Result<Self, DbError> {
        let mut columns = Self::default();
        for writing in writings {
            for (id, node) in nodes(writing.decided) {
                columns.sessions.push(writing.lease.session().0);
                columns.ids.push(*id);
                columns.parents.push(node.parent);
                columns.names.push(&node.name);
                columns.what.push(&node.kind)?;
                columns.times.push(node.modified_at);
            }
        }
        Ok(columns)
    }
}

/// Versions, column by column.
#[derive(Default)]
struct Notes<'a> {
    sessions: Vec<Uuid>,
    paths: Vec<&'a str>,
    changes: Vec<&'static str>,
    others: Vec<Option<&'a str>>,
    what: Kinds<'a>,
    origins: Vec<&'static str>,
    users: Vec<Option<Uuid>>,
}

impl<'a> Notes<'a> {
    fn of(writings: &'a [Writing<'_>]) -> Result<Self, DbError> {
        let mut columns = Self::default();
        for writing in writings {
            for version in &writing.decided.difference.versions {
                columns.sessions.push(writing.lease.session().0);
                columns.paths.push(version.path.as_str());
                columns.changes.push(version.change.as_str());
                columns.others.push(version.change.other_path());
                columns.what.push(&version.kind)?;
                columns.origins.push(writing.origin.as_str());
                columns.users.push(writing.user.map(|user| user.0));
            }
        }
        Ok(columns)
    }
}

/// What items are, column by column.
#[derive(Default)]
struct Kinds<'a> {
    kinds: Vec<&'static str>,
    hashes: Vec<Option<&'a [u8]>>,
    sizes: Vec<i64>,
    executables: Vec<bool>,
    targets: Vec<Option<&'a str>>,
}

impl<'a> Kinds<'a> {
    fn push(&mut self, kind: &'a ItemKind) -> Result<(), DbError> {
        let (name, hash, executable, target) = match kind {
            ItemKind::File { hash, executable, .. } => ("file", Some(hash.0.as_slice()), *executable, None),
            ItemKind::Folder => ("folder", None, false, None),
            ItemKind::Symlink { target } => ("symlink", None, false, Some(target.as_str())),
        };
        self.kinds.push(name);
        self.hashes.push(hash);
        self.sizes.push(signed(kind.size())?);
        self.executables.push(executable);
        self.targets.push(target);
        Ok(())
    }
}
