//! `sessions/{id}/terminals`, and a terminal's socket.

use std::sync::Arc;

use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;

use crate::actors::api::NewTerminal;
use crate::http::elsewhere;
use crate::http::error::{ApiError, Code};
use crate::http::json::{Json, query};
use crate::http::paths::workspace_path;
use crate::http::signed_in::{SignedIn, authorize_session, terminal_id};
use crate::http::socket;
use crate::http::state::State;
use crate::http::terminal_frames::MAX_FRAME_BYTES;
use crate::http::terminal_socket::{PROTOCOL, TerminalSocket};
use crate::http::wire::{Command, CreateTerminal, RenameTerminal, Terminal, TerminalList};
use crate::model::terminal::{TerminalSize, clamped, terminal_name};

/// Words of a command, and bytes of all of them: what the kernel takes for one argument.
const MAX_COMMAND_WORDS: usize = 256;
const MAX_COMMAND_BYTES: usize = 32 * 1024;

/// The terminals of a session, oldest first.
#[utoipa::path(get, path = "/api/v1/sessions/{id}/terminals", tag = "terminals",
    params(("id" = uuid::Uuid, Path)),
    responses((status = 200, description = "All of them.", body = TerminalList)))]
pub async fn list_terminals(state: State, who: SignedIn, id: web::Path<String>) -> Result<HttpResponse, ApiError> {
    let session = authorize_session(&state.db, &who.user, &id).await?.id;
    let items = state.sessions.terminals(session).await?;
    let items = items.into_iter().map(Into::into).collect();
    Ok(HttpResponse::Ok().json(TerminalList { items, next: None }))
}

/// Opens a terminal; starts the session if need be.
#[utoipa::path(post, path = "/api/v1/sessions/{id}/terminals", tag = "terminals", request_body = CreateTerminal,
    params(("id" = uuid::Uuid, Path)),
    responses((status = 201, description = "The terminal.", body = Terminal)))]
pub async fn create_terminal(
    state: State,
    who: SignedIn,
    id: web::Path<String>,
    body: Json<CreateTerminal>,
) -> Result<HttpResponse, ApiError> {
    let session = authorize_session(&state.db, &who.user, &id).await?.id;
    let new = checked(body.0)?;
    let sessions = state.sessions.clone();
    let terminal = state.finish(async move { sessions.open_terminal(session, new).await }).await?;
    Ok(HttpResponse::Created().json(Terminal::from(terminal)))
}

/// Gives a terminal another name.
#[utoipa::path(patch, path = "/api/v1/sessions/{id}/terminals/{tid}", tag = "terminals", request_body = RenameTerminal,
    params(("id" = uuid::Uuid, Path), ("tid" = uuid::Uuid, Path)),
    responses((status = 200, description = "The terminal.", body = Terminal)))]
pub async fn rename_terminal(
    state: State,
    who: SignedIn,
    ids: web::Path<(String, String)>,
    body: Json<RenameTerminal>,
) -> Result<HttpResponse, ApiError> {
    let session = authorize_session(&state.db, &who.user, &ids.0).await?.id;
    let terminal = terminal_id(&ids.1)?;
    let name = checked_name(&body.0.name)?;
    let sessions = state.sessions.clone();
    let renamed = state.finish(async move { sessions.rename_terminal(session, terminal, name).await }).await?;
    Ok(HttpResponse::Ok().json(Terminal::from(renamed)))
}

/// Closes a terminal: hangs up what runs in it.
#[utoipa::path(delete, path = "/api/v1/sessions/{id}/terminals/{tid}", tag = "terminals",
    params(("id" = uuid::Uuid, Path), ("tid" = uuid::Uuid, Path)),
    responses((status = 204, description = "It is gone.")))]
pub async fn close_terminal(
    state: State,
    who: SignedIn,
    ids: web::Path<(String, String)>,
) -> Result<HttpResponse, ApiError> {
    let session = authorize_session(&state.db, &who.user, &ids.0).await?.id;
    let terminal = terminal_id(&ids.1)?;
    let sessions = state.sessions.clone();
    state.finish(async move { sessions.close_terminal(session, terminal).await }).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// A terminal's bytes, both ways: WebSocket `carrel.terminal.v1`.
#[utoipa::path(get, path = "/api/v1/sessions/{id}/terminals/{tid}/socket", tag = "sockets",
    params(("id" = uuid::Uuid, Path), ("tid" = uuid::Uuid, Path),
           ("since" = Option<u64>, Query, description = "The first output byte wanted; the oldest kept when absent.")),
    responses((status = 101, description = "Binary frames.")))]
pub async fn terminal_socket(
    request: HttpRequest,
    payload: web::Payload,
    state: State,
    who: SignedIn,
    ids: web::Path<(String, String)>,
) -> Result<HttpResponse, ApiError> {
    let session = authorize_session(&state.db, &who.user, &ids.0).await?.id;
    let terminal = terminal_id(&ids.1)?;
    let Since { since } = query(&request)?;
    let admission = socket::admit(&request, &state, &who, PROTOCOL).await?;
    let attachment = match state.sessions.attach(session, terminal, since).await {
        Ok(attachment) => attachment,
        Err(error) => return elsewhere::instead(error, &request, payload, PROTOCOL),
    };
    let typists = Arc::clone(&state.typists);
    let actor = TerminalSocket::new(session, admission, attachment, typists, &state.config.terminal);
    socket::start(actor, &request, payload, PROTOCOL, MAX_FRAME_BYTES)
}

/// Parameters of a terminal's socket.
#[derive(Deserialize)]
struct Since {
    since: Option<u64>,
}

fn checked(new: CreateTerminal) -> Result<NewTerminal, ApiError> {
    let name = new.name.as_deref().map(checked_name).transpose()?;
    let size = clamped(TerminalSize { cols: new.cols, rows: new.rows });
    let cwd = new.cwd.filter(|cwd| !cwd.is_empty() && cwd != ".").map(workspace_path).transpose()?;
    Ok(NewTerminal { name, size, cwd, command: words(new.command)? })
}

fn checked_name(name: &str) -> Result<String, ApiError> {
    terminal_name(name).map_err(|error| ApiError::because(Code::InvalidName, error))
}

fn words(command: Option<Command>) -> Result<Vec<String>, ApiError> {
    let words = match command {
        None => Vec::new(),
        Some(Command::Line(line)) => vec!["bash".to_owned(), "-lc".to_owned(), line],
        Some(Command::Words(words)) => words,
    };
    let bytes: usize = words.iter().map(String::len).sum();
    if words.len() > MAX_COMMAND_WORDS || bytes > MAX_COMMAND_BYTES {
        return Err(ApiError::because(Code::InvalidCommand, "The command is too long."));
    }
    if words.iter().any(|word| word.contains('\0')) || words.first().is_some_and(String::is_empty) {
        return Err(ApiError::because(
            Code::InvalidCommand,
            "No word of a command may contain NUL, nor the first be empty.",
        ));
    }
    Ok(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_a_line_for_the_shell_or_words() {
        for (json, expected) in [
            ("null", Some(vec![])),
            (r#""echo hi""#, Some(vec!["bash", "-lc", "echo hi"])),
            (r#"["python", "main.py"]"#, Some(vec!["python", "main.py"])),
            (r#"[]"#, Some(vec![])),
            (r#"["a\u0000b"]"#, None),
            (r#"[""]"#, None),
        ] {
            let command: Option<Command> = serde_json::from_str(json).expect(json);
            let result = words(command);
            assert_eq!(result.ok(), expected.map(|words| words.into_iter().map(str::to_owned).collect()), "{json}");
        }
        assert!(words(Some(Command::Words(vec!["x".into(); 257]))).is_err());
        assert!(words(Some(Command::Line("x".repeat(40_000)))).is_err());
    }

    #[test]
    fn a_new_terminal_is_brought_into_range_or_refused() {
        let new = |cwd: Option<&str>, name: Option<&str>| CreateTerminal {
            cols: 0,
            rows: 65_535,
            name: name.map(str::to_owned),
            cwd: cwd.map(str::to_owned),
            command: None,
        };
        let terminal = checked(new(Some("."), None)).expect("legal");
        assert_eq!((terminal.size.cols, terminal.size.rows, terminal.cwd), (1, 1000, None));
        assert_eq!(checked(new(Some("../x"), None)).expect_err("outside").code(), Code::InvalidPath);
        assert_eq!(checked(new(None, Some("a\nb"))).expect_err("two lines").code(), Code::InvalidName);
    }
}
