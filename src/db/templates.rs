//! Tables `templates` and `template_revisions`.
//!
//! **Invariant**: the snapshot of a revision is there while it is the newest or a session began with it.

use tokio_postgres::Row;
use uuid::Uuid;

use super::sessions::count;
use super::{Client, DbError, Transaction, snapshots};
use crate::model::snapshot::Template;
use crate::model::{SessionId, SnapshotId, TemplateId};

/// The columns of a template; a macro because a statement's text is a constant.
macro_rules! select {
    () => {
        "select t.id, t.name, t.title, t.description, t.revision, t.updated_at, s.items, s.bytes, s.id as snapshot_id
        from templates t join template_revisions r on r.template_id = t.id and r.revision = t.revision
        join snapshots s on s.id = r.snapshot_id"
    };
}

/// What is published of a template.
#[derive(Clone, Debug)]
pub struct Publication {
    /// What operators know it by: what is published under the same name is its next revision.
    pub name: String,
    /// What users see of it.
    pub title: String,
    /// What it is for.
    pub description: String,
    /// Whose files.
    pub session: SessionId,
}

/// All templates, by title.
///
/// # Errors
/// When the database cannot be asked.
pub async fn all(client: &impl Client) -> Result<Vec<Template>, DbError> {
    let sql = concat!(select!(), " order by t.title, t.id");
    client.query(sql, &[]).await?.iter().map(read).collect()
}

/// A template, and the snapshot of its newest revision.
///
/// # Errors
/// When the database cannot be asked.
pub async fn get(client: &impl Client, id: TemplateId) -> Result<Option<(Template, SnapshotId)>, DbError> {
    let row = client.query_opt(concat!(select!(), " where t.id = $1"), &[&id.0]).await?;
    row.map(|row| Ok((read(&row)?, SnapshotId(row.try_get("snapshot_id")?)))).transpose()
}

/// The template `session` began with: the snapshot of the revision it has, that of the newest, and the newest's number.
///
/// # Errors
/// When the database cannot be asked.
pub async fn of_session(
    client: &impl Client,
    session: SessionId,
) -> Result<Option<(SnapshotId, SnapshotId, u32)>, DbError> {
    let sql =
        "select had.snapshot_id, new.snapshot_id, t.revision from sessions s join templates t on t.id = s.template_id
        join template_revisions had on had.template_id = t.id and had.revision = s.template_revision
        join template_revisions new on new.template_id = t.id and new.revision = t.revision
        where s.id = $1";
    let row = client.query_opt(sql, &[&session.0]).await?;
    row.map(|row| Ok((SnapshotId(row.try_get(0)?), SnapshotId(row.try_get(1)?), revision(row.try_get(2)?)?)))
        .transpose()
}

/// Notes which revision of which template a session has. `false` when that revision is gone: a later one has just been published.
///
/// # Errors
/// When the database cannot be asked.
pub async fn note(tx: &Transaction<'_>, session: SessionId, template: TemplateId, has: u32) -> Result<bool, DbError> {
    hold(tx).await?;
    let sql = "update sessions set template_id = $2, template_revision = $3 where id = $1
        and exists (select from template_revisions where template_id = $2 and revision = $3)";
    Ok(tx.execute(sql, &[&session.0, &template.0, &i32::try_from(has).unwrap_or(i32::MAX)]).await? > 0)
}

/// Keeps publications out until the transaction ends: they look which revisions sessions have.
async fn hold(tx: &Transaction<'_>) -> Result<(), DbError> {
    tx.execute("lock table templates in row exclusive mode", &[]).await.map(drop)
}

/// Notes that a session has a later revision of the template it began with; one that is gone again is not noted, so that the next is taken
/// from what was had.
///
/// # Errors
/// When the database cannot be asked.
pub async fn note_update(tx: &Transaction<'_>, session: SessionId, has: u32) -> Result<(), DbError> {
    hold(tx).await?;
    let sql = "update sessions set template_revision = $2 where id = $1 and template_revision < $2
        and exists (select from template_revisions r where r.template_id = sessions.template_id and r.revision = $2)";
    tx.execute(sql, &[&session.0, &i32::try_from(has).unwrap_or(i32::MAX)]).await.map(drop)
}

/// Publishes what a session holds as a template or its next revision; `None` when there are `most` others already. Former revisions no
/// session has go.
///
/// # Errors
/// When the database cannot be asked; and [`DbError::is_swept_content`], after which the next attempt works.
pub async fn publish(tx: &Transaction<'_>, what: &Publication, most: u32) -> Result<Option<Template>, DbError> {
    // One publication after the other: their number is counted, and their revisions are.
    tx.execute("lock table templates in share row exclusive mode", &[]).await?;
    let row = tx.query_opt("select id, revision from templates where name = $1", &[&what.name]).await?;
    let (id, revision) = match row {
        Some(row) => (row.try_get(0)?, row.try_get::<_, i32>(1)? + 1),
        None if tx.query_one("select count(*) from templates", &[]).await?.try_get::<_, i64>(0)? >= i64::from(most) => {
            return Ok(None);
        }
        None => (TemplateId::new().0, 1),
    };
    let snapshot = snapshots::freeze(tx, SnapshotId::new(), what.session, &what.title, false).await?;
    let sql =
        "insert into templates (id, name, title, description, revision, updated_at) values ($1, $2, $3, $4, $5, now())
        on conflict (id) do update set title = $3, description = $4, revision = $5, updated_at = now()";
    tx.execute(sql, &[&id, &what.name, &what.title, &what.description, &revision]).await?;
    let sql = "insert into template_revisions (template_id, revision, snapshot_id) values ($1, $2, $3)";
    tx.execute(sql, &[&id, &revision, &snapshot.id.0]).await?;
    let sql = "delete from template_revisions r where template_id = $1 and revision < $2 and not exists (
            select from sessions s where s.template_id = $1 and s.template_revision = r.revision)
        returning snapshot_id";
    discard(tx, &tx.query(sql, &[&id, &revision]).await?).await?;
    Ok(get(tx, TemplateId(id)).await?.map(|(template, _)| template))
}

/// Removes a template; sessions that began with it stay as they are. `false` when there is none.
///
/// # Errors
/// As [`publish`].
pub async fn remove(tx: &Transaction<'_>, id: TemplateId) -> Result<bool, DbError> {
    tx.execute("lock table templates in share row exclusive mode", &[]).await?;
    let sql = "delete from template_revisions where template_id = $1 returning snapshot_id";
    let snapshots = tx.query(sql, &[&id.0]).await?;
    let removed = tx.execute("delete from templates where id = $1", &[&id.0]).await?;
    discard(tx, &snapshots).await?;
    Ok(removed > 0)
}

/// Removes what revisions held, but for what a review is compared with.
async fn discard(tx: &Transaction<'_>, rows: &[Row]) -> Result<(), DbError> {
    let ids = rows.iter().map(|row| Ok(row.try_get(0)?)).collect::<Result<Vec<Uuid>, DbError>>()?;
    let sql = "select s.id from unnest($1::uuid[]) as s (id) where not exists (select from reviews r where r.start_snapshot_id = s.id)";
    let rows = tx.query(sql, &[&ids]).await?;
    let ids = rows.iter().map(|row| Ok(row.try_get(0)?)).collect::<Result<Vec<Uuid>, DbError>>()?;
    snapshots::discard(tx, &ids).await
}

fn read(row: &Row) -> Result<Template, DbError> {
    Ok(Template {
        id: TemplateId(row.try_get("id")?),
        name: row.try_get("name")?,
        title: row.try_get("title")?,
        description: row.try_get("description")?,
        items: count(row.try_get("items")?)?,
        bytes: count(row.try_get("bytes")?)?,
        revision: revision(row.try_get("revision")?)?,
        updated_at: row.try_get("updated_at")?,
    })
}

pub(super) fn revision(number: i32) -> Result<u32, DbError> {
    u32::try_from(number).map_err(|_| DbError::Corrupt(format!("a template's revision is {number}")))
}
