//! The page: the export of `static/`, embedded at release, read from disk while developing.

use std::borrow::Cow;

use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderValue, IfNoneMatch};
use actix_web::http::header::{EntityTag, Header};
use actix_web::{HttpRequest, HttpResponse};
use rust_embed::{Embed, EmbeddedFile};
use uuid::Uuid;

use super::error::ApiError;
use super::observe::PAGE_POLICY;
use super::paths::percent_decoded;

/// Routes with an id in them, of which the export has one page each, and the folder that is in: `/s/{uuid}/` is `s/index.html`.
const PAGES_BY_ID: &[(&str, &str)] = &[("s", "s"), ("reviews", "reviews/review")];

/// Folders whose files have their content's hash in their name.
const HASHED: &[&str] = &["_next/static/chunks/", "_next/static/css/", "_next/static/inline/", "_next/static/media/"];

/// May be kept for good.
const FOREVER: &str = "public, max-age=31536000, immutable";
/// May be kept, but asked about before each use.
const ASK_FIRST: &str = "no-cache";

/// When the page was not built with the server.
const NOT_BUILT: &str = "<!doctype html><meta charset=\"utf-8\"><title>Carrel</title><p>Carrel is running, but its page has not been \
     built: run <code>make web</code> and reload.";

#[derive(Embed)]
#[folder = "$CARGO_MANIFEST_DIR/static/out"]
#[allow_missing = true]
struct Export;

/// Where a URL's path leads.
#[derive(Debug, PartialEq, Eq)]
enum Target<F> {
    /// To this file of the export.
    File(String, F),
    /// To the same with a slash at the end.
    Slash,
    /// Nowhere.
    Nothing,
}

/// Answers whatever is no route of the API. Knows only safe methods; others have been refused before.
pub async fn serve(request: HttpRequest) -> Result<HttpResponse, ApiError> {
    if request.path().starts_with("/api/") || request.path() == "/api" {
        return Err(ApiError::not_found());
    }
    match target(request.uri().path(), Export::get) {
        Target::File(path, found) => Ok(file(&request, &path, found, StatusCode::OK)),
        Target::Slash => Ok(redirect(&request)),
        Target::Nothing => Ok(nothing(&request)),
    }
}

fn target<F>(raw: &str, find: impl Fn(&str) -> Option<F>) -> Target<F> {
    let Ok(path) = percent_decoded(raw.strip_prefix('/').unwrap_or(raw)) else { return Target::Nothing };
    let (folder, inner) = match path.strip_suffix('/') {
        Some(inner) => (true, inner),
        None => (path.is_empty(), path.as_str()),
    };
    if !inner.is_empty() && !inner.split('/').all(is_plain) {
        return Target::Nothing;
    }
    let inner = without_id(inner);
    let index = if inner.is_empty() { "index.html".to_owned() } else { format!("{inner}/index.html") };
    if folder {
        return find(&index).map_or(Target::Nothing, |found| Target::File(index, found));
    }
    match find(&inner) {
        Some(found) => Target::File(inner.into_owned(), found),
        None if find(&index).is_some() => Target::Slash,
        None => Target::Nothing,
    }
}

/// Components are compared, not searched: the export has folders named `[[...slug]]`.
fn is_plain(component: &str) -> bool {
    !component.is_empty() && !component.starts_with('.') && !component.contains(['\0', '\\', '/'])
}

/// The path without the id of a page that has one: where the export has it.
fn without_id(path: &str) -> Cow<'_, str> {
    let mut parts = path.splitn(3, '/');
    let (Some(page), Some(Ok(_)), rest) = (parts.next(), parts.next().map(Uuid::try_parse), parts.next()) else {
        return Cow::Borrowed(path);
    };
    match PAGES_BY_ID.iter().find(|(route, _)| *route == page) {
        Some((_, folder)) => Cow::Owned(rest.map_or_else(|| (*folder).to_owned(), |rest| format!("{folder}/{rest}"))),
        None => Cow::Borrowed(path),
    }
}

fn file(request: &HttpRequest, path: &str, found: EmbeddedFile, status: StatusCode) -> HttpResponse {
    let etag = EntityTag::new_strong(hex::encode(&found.metadata.sha256_hash()[..16]));
    let mut response = HttpResponse::build(status);
    response.insert_header((header::CACHE_CONTROL, if is_hashed(path) { FOREVER } else { ASK_FIRST }));
    response.insert_header((header::ETAG, etag.to_string()));
    // Also on a 304, whose headers replace those of the browser's copy.
    response.insert_header((header::CONTENT_SECURITY_POLICY, PAGE_POLICY));
    if is_known(request, &etag) && status == StatusCode::OK {
        return response.status(StatusCode::NOT_MODIFIED).finish();
    }
    response.content_type(content_type(path)).body(content(found))
}

fn content(file: EmbeddedFile) -> bytes::Bytes {
    match file.data {
        Cow::Borrowed(data) => bytes::Bytes::from_static(data),
        Cow::Owned(data) => data.into(),
    }
}

fn is_known(request: &HttpRequest, etag: &EntityTag) -> bool {
    match IfNoneMatch::parse(request) {
        Ok(IfNoneMatch::Any) => request.headers().contains_key(header::IF_NONE_MATCH),
        Ok(IfNoneMatch::Items(tags)) => tags.iter().any(|tag| tag.weak_eq(etag)),
        Err(_) => false,
    }
}

fn redirect(request: &HttpRequest) -> HttpResponse {
    let query = request.uri().query().map(|query| format!("?{query}")).unwrap_or_default();
    // The path is one of the export's, so it cannot begin with `//` and lead elsewhere.
    let location = format!("{}/{query}", request.uri().path());
    let mut response = HttpResponse::PermanentRedirect();
    if let Ok(location) = HeaderValue::from_str(&location) {
        response.insert_header((header::LOCATION, location));
    }
    response.insert_header((header::CACHE_CONTROL, ASK_FIRST)).finish()
}

/// The export's own page for what is not there; without any export, at least a word about that.
fn nothing(request: &HttpRequest) -> HttpResponse {
    if let Some(found) = Export::get("404.html") {
        return file(request, "404.html", found, StatusCode::NOT_FOUND);
    }
    let status = if request.path() == "/" { StatusCode::OK } else { StatusCode::NOT_FOUND };
    let mut response = HttpResponse::build(status);
    response.insert_header((header::CONTENT_SECURITY_POLICY, PAGE_POLICY));
    response.content_type("text/html; charset=utf-8").body(NOT_BUILT)
}

/// Whether the file's URL changes with its content: by Next's word, or by a hash in its name as vite writes it.
fn is_hashed(path: &str) -> bool {
    HASHED.iter().any(|folder| path.starts_with(folder)) || (path.starts_with("vendor/") && has_hash(path))
}

fn has_hash(path: &str) -> bool {
    let stem = path.rsplit_once('.').map_or(path, |(stem, _)| stem);
    let Some((_, hash)) = stem.split_at_checked(stem.len().saturating_sub(9)) else { return false };
    let Some(hash) = hash.strip_prefix('-') else { return false };
    // Eight characters of base64url; a word would have neither digits nor capitals inside.
    hash.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-')
        && hash.chars().any(|c| c.is_ascii_digit() || c.is_ascii_uppercase())
}

fn content_type(path: &str) -> &'static str {
    match path.rsplit_once('.').map(|(_, extension)| extension) {
        Some("html") => "text/html; charset=utf-8",
        Some("js" | "mjs") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("json" | "map") => "application/json",
        Some("webmanifest") => "application/manifest+json",
        Some("txt") => "text/plain; charset=utf-8",
        Some("svg") => "image/svg+xml",
        Some("png") => "image/png",
        Some("jpg" | "jpeg") => "image/jpeg",
        Some("webp") => "image/webp",
        Some("ico") => "image/x-icon",
        Some("woff2") => "font/woff2",
        Some("woff") => "font/woff",
        Some("ttf") => "font/ttf",
        Some("wasm") => "application/wasm",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILES: &[&str] = &[
        "index.html",
        "404.html",
        "login/index.html",
        "s/index.html",
        "s/index.txt",
        "reviews/index.html",
        "reviews/review/index.html",
        "reviews/review/index.txt",
        CHUNK,
        "favicon.ico",
    ];
    const CHUNK: &str = "_next/static/chunks/app/s/[[...slug]]/page-0123456789abcdef.js";
    const ID: &str = "0190a5e0-0000-7000-8000-000000000000";

    #[test]
    fn urls_lead_to_files_of_the_export_and_nowhere_else() {
        let file = |path: &str| Target::File(path.to_owned(), ());
        for (raw, expected) in [
            ("/", file("index.html")),
            ("/login/", file("login/index.html")),
            ("/login", Target::Slash),
            ("/favicon.ico", file("favicon.ico")),
            ("/favicon.ico/", Target::Nothing),
            ("/s/", file("s/index.html")),
            (&format!("/s/{ID}/"), file("s/index.html")),
            (&format!("/s/{ID}"), Target::Slash),
            (&format!("/s/{ID}/index.txt"), file("s/index.txt")),
            ("/reviews/", file("reviews/index.html")),
            ("/reviews", Target::Slash),
            (&format!("/reviews/{ID}/"), file("reviews/review/index.html")),
            (&format!("/reviews/{ID}"), Target::Slash),
            (&format!("/reviews/{ID}/index.txt"), file("reviews/review/index.txt")),
            (&format!("/reviews/{ID}/review/"), Target::Nothing),
            (&format!("/reviews/review/{ID}/"), Target::Nothing),
            ("/reviews/not-an-id/", Target::Nothing),
            (&format!("/login/{ID}/"), Target::Nothing),
            ("/s/not-an-id/", Target::Nothing),
            ("/_next/static/chunks/app/s/%5B%5B...slug%5D%5D/page-0123456789abcdef.js", file(CHUNK)),
            ("/../Cargo.toml", Target::Nothing),
            ("/%2e%2e/Cargo.toml", Target::Nothing),
            ("/..%2fCargo.toml", Target::Nothing),
            ("/login/../../x", Target::Nothing),
            ("/login%00", Target::Nothing),
            ("/..%5cx", Target::Nothing),
            ("//evil.example", Target::Nothing),
            ("//login", Target::Nothing),
            ("/.git/config", Target::Nothing),
            ("/%", Target::Nothing),
        ] {
            assert_eq!(target(raw, |path| FILES.contains(&path).then_some(())), expected, "{raw}");
        }
    }

    #[test]
    fn only_names_with_a_hash_are_kept_for_good() {
        for (path, hashed) in [
            (CHUNK, true),
            ("_next/static/css/0123456789abcdef.css", true),
            ("_next/static/carrel/_buildManifest.js", false),
            ("vendor/monaco/chunks/editor.api-Dk3f_aXz.js", true),
            ("vendor/monaco/chunks/css-DIMkf-bt.js", true),
            ("vendor/monaco/editor.worker.js", false),
            ("vendor/monaco/editor.js", false),
            ("vendor/monaco/editor-features.js", false),
            ("index.html", false),
        ] {
            assert_eq!(is_hashed(path), hashed, "{path}");
        }
    }
}
