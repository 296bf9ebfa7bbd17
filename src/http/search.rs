//! Searching a workspace: in its sandbox while it has one, in the database's contents otherwise, by the same rules.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use carrel_protocol::{Found, MAX_MATCHES, MAX_SEARCHED_BYTES, SearchQuery};
use carrel_search::{BadQuery, Collector, Search};
use tokio::task::spawn_blocking;

use super::contents::{BATCH_BYTES, batches, read};
use super::error::{ApiError, Code};
use super::state::HttpState;
use super::wire::Pattern;
use crate::db::items;
use crate::model::{Item, ItemKind, SessionId, UserId};

/// How long a search may take.
const WITHIN: Duration = Duration::from_secs(5);

/// Matches in an answer, when the client does not say.
const DEFAULT_LIMIT: u32 = 500;

/// What is looked for, as far as it can be looked for.
///
/// # Errors
/// [`Code::InvalidQuery`].
pub(super) fn query(pattern: Pattern, limit: Option<u32>) -> Result<(SearchQuery, Search), ApiError> {
    let Pattern { q, regex, case, word, include, exclude } = pattern;
    let query = SearchQuery {
        pattern: q,
        regex,
        case,
        word,
        include: globs(&include.unwrap_or_default()),
        exclude: globs(&exclude.unwrap_or_default()),
        limit: limit.unwrap_or(DEFAULT_LIMIT).clamp(1, MAX_MATCHES),
        within_ms: u32::try_from(WITHIN.as_millis()).unwrap_or(u32::MAX),
    };
    let search = Search::new(&query)?;
    Ok((query, search))
}

impl From<BadQuery> for ApiError {
    fn from(error: BadQuery) -> Self {
        Self::because(Code::InvalidQuery, error)
    }
}

/// Globs between commas; one in braces belongs to its glob.
fn globs(text: &str) -> Vec<String> {
    let (mut globs, mut depth) = (vec![String::new()], 0_usize);
    for character in text.chars() {
        match character {
            ',' if depth == 0 => {
                globs.push(String::new());
                continue;
            }
            '{' => depth += 1,
            '}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if let Some(glob) = globs.last_mut() {
            glob.push(character);
        }
    }
    globs.iter().map(|glob| glob.trim().to_owned()).filter(|glob| !glob.is_empty()).collect()
}

/// Looks for `query`, which `search` was made of.
///
/// # Errors
/// [`Code::TooManyRequests`] and [`Code::Busy`] where too many searches go on, and what session and database say.
pub(super) async fn find(
    state: &HttpState,
    user: UserId,
    session: SessionId,
    query: SearchQuery,
    search: Search,
) -> Result<Found, ApiError> {
    let _slot = state.searches.take(session)?;
    let limit = query.limit;
    match state.sessions.search(session, query).await? {
        Some(found) => Ok(found),
        None => in_database(state, user, session, search, limit).await,
    }
}

async fn in_database(
    state: &HttpState,
    user: UserId,
    session: SessionId,
    search: Search,
    limit: u32,
) -> Result<Found, ApiError> {
    let until = Instant::now() + WITHIN;
    let mut share = state.budget.share(user);
    share.grow_to(usize::try_from(2 * BATCH_BYTES).unwrap_or(usize::MAX))?;
    let (files, skipped) = wanted(state, session, &search).await?;
    let mut collector = Collector::new(limit);
    (0..skipped).for_each(|_| collector.skip());
    let (search, gone) = (Arc::new(search), Gone::default());
    for batch in batches(files) {
        if Instant::now() >= until {
            collector.cut();
            break;
        }
        let contents = read(&state.db, batch).await?;
        let (search, is_gone) = (Arc::clone(&search), Arc::clone(&gone.0));
        let look = move || {
            let is_over = || Instant::now() >= until || is_gone.load(Ordering::Relaxed);
            let whole = look(&mut collector, &search, &contents, &is_over);
            (collector, whole)
        };
        let whole;
        (collector, whole) = spawn_blocking(look).await.map_err(ApiError::internal)?;
        if !whole {
            break;
        }
    }
    Ok(collector.finish())
}

fn look(
    collector: &mut Collector,
    search: &Search,
    contents: &[(Item, Option<Bytes>)],
    is_over: &dyn Fn() -> bool,
) -> bool {
    let mut files = contents.iter().filter_map(|(item, content)| Some((&item.path, content.as_ref()?)));
    files.all(|(path, content)| collector.look(search, path, content, is_over))
}

/// The files that are to be searched, and how many are too large for that.
pub(super) async fn wanted(
    state: &HttpState,
    session: SessionId,
    search: &Search,
) -> Result<(Vec<Item>, usize), ApiError> {
    let mut items = items::all(&state.db.bulk().await?, session).await?;
    items.retain(|item| matches!(item.kind, ItemKind::File { .. }) && search.wants_file(item.path.as_str()));
    let all = items.len();
    items.retain(|item| item.kind.size() <= MAX_SEARCHED_BYTES);
    let skipped = all - items.len();
    Ok((items, skipped))
}

/// Ends the work on a thread whose request has gone.
#[derive(Default)]
pub(super) struct Gone(pub(super) Arc<AtomicBool>);

impl Drop for Gone {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn globs_stand_between_commas_that_are_in_no_braces() {
        assert_eq!(globs("*.py, src/**,,*.{a,b} , {x"), ["*.py", "src/**", "*.{a,b}", "{x"]);
        assert_eq!(globs(" "), [""; 0]);
    }
}
