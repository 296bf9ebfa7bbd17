//! Every route there is, in one table. The router, the answers to wrong methods and the tests that go through all routes are made of it.

use actix_web::http::Method;
use actix_web::middleware::Compress;
use actix_web::{HttpRequest, HttpResponse, Resource, Route, web};

use super::error::ApiError;
use super::handlers::{
    accounts, admin, archive, comments, deleted, files, history, import, operations, processes, reading, reviewers,
    reviews, running, search, sessions, snapshots, templates, terminals, unkept, upload,
};
use super::page;

/// One route: a method on a path.
#[derive(Debug)]
pub struct RouteInfo {
    /// The method; `GET` stands for `HEAD`, too, unless it opens a WebSocket.
    pub method: Method,
    /// The path as OpenAPI writes it.
    pub path: &'static str,
    /// Who may use it.
    pub access: Access,
    /// What its answers are made of.
    pub kind: Kind,
    handler: fn(Method) -> Route,
}

/// Who may use a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Anybody.
    Public,
    /// Users, for what is their own.
    User,
    /// Operators; it does not exist for others.
    Operator,
}

/// What a route's answers are made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// JSON or text, compressed for those who like.
    Text,
    /// A file's content, sent as it is.
    Raw,
    /// A WebSocket's frames.
    Socket,
}

macro_rules! routes {
    ($($method:ident $path:literal $access:ident $kind:ident $handler:path;)*) => {
        /// The table. Methods of one path stand together; a path with a tail comes after those it would swallow.
        pub static ROUTES: &[RouteInfo] = &[$(RouteInfo {
            method: Method::$method,
            path: $path,
            access: Access::$access,
            kind: Kind::$kind,
            handler: |method| web::method(method).to($handler),
        },)*];
    };
}

routes! {
    GET    "/healthz"                                     Public   Text   operations::healthz;
    GET    "/readyz"                                      Public   Text   operations::readyz;
    GET    "/metrics"                                     Operator Text   operations::metrics;
    GET    "/api/v1/openapi.json"                         Public   Text   operations::openapi_document;
    POST   "/api/v1/auth/register"                        Public   Text   accounts::register;
    POST   "/api/v1/auth/login"                           Public   Text   accounts::login;
    POST   "/api/v1/auth/logout"                          Public   Text   accounts::logout;
    GET    "/api/v1/me"                                   User     Text   accounts::me;
    GET    "/api/v1/sessions"                             User     Text   sessions::list_sessions;
    POST   "/api/v1/sessions"                             User     Text   sessions::create_session;
    GET    "/api/v1/sessions/{id}"                        User     Text   sessions::get_session;
    PATCH  "/api/v1/sessions/{id}"                        User     Text   sessions::rename_session;
    DELETE "/api/v1/sessions/{id}"                        User     Text   sessions::delete_session;
    POST   "/api/v1/sessions/{id}/start"                  User     Text   sessions::start_session;
    POST   "/api/v1/sessions/{id}/stop"                   User     Text   sessions::stop_session;
    POST   "/api/v1/sessions/{id}/restart"                User     Text   sessions::restart_session;
    POST   "/api/v1/sessions/{id}/extend"                 User     Text   sessions::extend_session;
    POST   "/api/v1/sessions/{id}/undelete"               User     Text   deleted::undelete_session;
    GET    "/api/v1/sessions/{id}/socket"                 User     Socket sessions::session_socket;
    GET    "/api/v1/sessions/{id}/processes"              User     Text   processes::list_processes;
    DELETE "/api/v1/sessions/{id}/processes/{pid}"        User     Text   processes::stop_process;
    GET    "/api/v1/sessions/{id}/tree"                   User     Text   files::tree;
    GET    "/api/v1/sessions/{id}/files/{path}"           User     Raw    files::get_file;
    PUT    "/api/v1/sessions/{id}/files/{path}"           User     Raw    files::put_file;
    DELETE "/api/v1/sessions/{id}/files/{path}"           User     Raw    files::delete_item;
    POST   "/api/v1/sessions/{id}/upload"                 User     Text   upload::begin_upload;
    GET    "/api/v1/sessions/{id}/upload/{uid}"           User     Raw    upload::get_upload;
    PUT    "/api/v1/sessions/{id}/upload/{uid}"           User     Raw    upload::put_chunk;
    DELETE "/api/v1/sessions/{id}/upload/{uid}"           User     Raw    upload::give_upload_up;
    POST   "/api/v1/sessions/{id}/import"                 User     Text   import::import_archive;
    GET    "/api/v1/sessions/{id}/search"                 User     Text   search::search_files;
    POST   "/api/v1/sessions/{id}/replace"                User     Text   search::replace_in_files;
    GET    "/api/v1/sessions/{id}/archive.zip"            User     Raw    archive::get_archive;
    POST   "/api/v1/sessions/{id}/folders"                User     Text   files::create_folder;
    GET    "/api/v1/sessions/{id}/unkept"                 User     Text   unkept::list_unkept;
    POST   "/api/v1/sessions/{id}/move"                   User     Text   files::move_item;
    POST   "/api/v1/sessions/{id}/copy"                   User     Text   history::copy_item;
    POST   "/api/v1/sessions/{id}/delete"                 User     Text   history::delete_items;
    POST   "/api/v1/sessions/{id}/restore"                User     Text   history::restore;
    GET    "/api/v1/sessions/{id}/versions/{path}"        User     Raw    history::list_versions;
    GET    "/api/v1/sessions/{id}/snapshots"              User     Text   snapshots::list_snapshots;
    POST   "/api/v1/sessions/{id}/snapshots"              User     Text   snapshots::create_snapshot;
    DELETE "/api/v1/sessions/{id}/snapshots/{sid}"        User     Text   snapshots::delete_snapshot;
    POST   "/api/v1/sessions/{id}/template/update"        User     Text   templates::update_from_template;
    GET    "/api/v1/sessions/{id}/terminals"              User     Text   terminals::list_terminals;
    POST   "/api/v1/sessions/{id}/terminals"              User     Text   terminals::create_terminal;
    PATCH  "/api/v1/sessions/{id}/terminals/{tid}"        User     Text   terminals::rename_terminal;
    DELETE "/api/v1/sessions/{id}/terminals/{tid}"        User     Text   terminals::close_terminal;
    GET    "/api/v1/sessions/{id}/terminals/{tid}/socket" User     Socket terminals::terminal_socket;
    GET    "/api/v1/templates"                            User     Text   templates::list_templates;
    POST   "/api/v1/admin/templates"                      Operator Text   templates::publish_template;
    DELETE "/api/v1/admin/templates/{id}"                 Operator Text   templates::delete_template;
    GET    "/api/v1/me/reviewer"                          User     Text   reviewers::get_my_reviewing;
    PATCH  "/api/v1/me/reviewer"                          User     Text   reviewers::change_my_reviewing;
    GET    "/api/v1/reviewers"                            User     Text   reviewers::list_reviewers;
    GET    "/api/v1/reviews"                              User     Text   reviews::list_reviews;
    POST   "/api/v1/reviews"                              User     Text   reviews::create_review;
    GET    "/api/v1/reviews/{id}"                         User     Text   reviews::get_review;
    PATCH  "/api/v1/reviews/{id}"                         User     Text   reviews::change_review;
    GET    "/api/v1/reviews/{id}/rounds"                  User     Text   reviews::list_rounds;
    POST   "/api/v1/reviews/{id}/rounds"                  User     Text   reviews::submit_round;
    GET    "/api/v1/reviews/{id}/events"                  User     Text   reviews::list_steps;
    POST   "/api/v1/reviews/{id}/events"                  User     Text   reviews::take_step;
    GET    "/api/v1/reviews/{id}/diff"                    User     Text   reading::get_diff;
    GET    "/api/v1/reviews/{id}/tree"                    User     Text   reading::get_round_tree;
    GET    "/api/v1/reviews/{id}/files/{path}"            User     Raw    reading::get_round_file;
    PUT    "/api/v1/reviews/{id}/viewed/{path}"           User     Text   reading::mark_viewed;
    DELETE "/api/v1/reviews/{id}/viewed/{path}"           User     Text   reading::unmark_viewed;
    POST   "/api/v1/reviews/{id}/seen"                    User     Text   reading::see_round;
    GET    "/api/v1/reviews/{id}/comments"                User     Text   comments::list_threads;
    POST   "/api/v1/reviews/{id}/comments"                User     Text   comments::add_comment;
    PATCH  "/api/v1/reviews/{id}/comments/{cid}"          User     Text   comments::edit_comment;
    DELETE "/api/v1/reviews/{id}/comments/{cid}"          User     Text   comments::discard_draft;
    GET    "/api/v1/reviews/{id}/comments/{cid}/history"  User     Text   comments::list_former;
    POST   "/api/v1/reviews/{id}/threads/{tid}"           User     Text   comments::settle_thread;
    POST   "/api/v1/reviews/{id}/publish"                 User     Text   comments::publish_drafts;
    POST   "/api/v1/reviews/{id}/apply"                   User     Text   comments::apply_suggestions;
    GET    "/api/v1/reviews/{id}/run"                     User     Text   running::get_run;
    POST   "/api/v1/reviews/{id}/run"                     User     Text   running::run_round;
    DELETE "/api/v1/reviews/{id}/run"                     User     Text   running::end_run;
    GET    "/api/v1/admin/reviewer-requests"              Operator Text   reviewers::list_level_requests;
    PATCH  "/api/v1/admin/reviewer-requests/{id}"         Operator Text   reviewers::decide_level_request;
    GET    "/api/v1/admin/actors"                         Operator Text   operations::list_actors;
    GET    "/api/v1/admin/users"                          Operator Text   admin::list_users;
    PATCH  "/api/v1/admin/users/{id}"                     Operator Text   admin::change_user;
}

/// Registers every route, and the page for everything else.
pub fn configure(config: &mut web::ServiceConfig) {
    for routes in ROUTES.chunk_by(|one, next| one.path == next.path) {
        let resource = resource(routes);
        // Contents and frames are never touched; JSON holds no secret a compressed length could give away.
        if routes.iter().all(|route| route.kind == Kind::Text) {
            config.service(resource.wrap(Compress::default()));
        } else {
            config.service(resource);
        }
    }
    let page = web::resource("/{page:.*}").wrap(Compress::default());
    let page = page.route(web::get().to(page::serve)).route(web::head().to(page::serve));
    config.service(page.default_service(web::to(no_page)));
}

fn resource(routes: &'static [RouteInfo]) -> Resource {
    let Some(first) = routes.first() else { return web::resource("") };
    let pattern = first.path.replace("{path}", "{path:.*}");
    let mut resource = web::resource(pattern).name(first.path);
    let mut allowed = Vec::new();
    for route in routes {
        for method in methods(route) {
            resource = resource.route((route.handler)(method.clone()));
            allowed.push(method);
        }
    }
    resource.default_service(web::to(move || {
        let error = ApiError::method_not_allowed(&allowed);
        async move { Err::<HttpResponse, _>(error) }
    }))
}

/// A route's method, and `HEAD` beside `GET`; the connection leaves the body out.
fn methods(route: &RouteInfo) -> Vec<Method> {
    match route.method {
        Method::GET if route.kind != Kind::Socket => vec![Method::GET, Method::HEAD],
        _ => vec![route.method.clone()],
    }
}

/// An unsafe method on what is no route.
async fn no_page(request: HttpRequest) -> Result<HttpResponse, ApiError> {
    if request.path().starts_with("/api/") {
        Err(ApiError::not_found())
    } else {
        Err(ApiError::method_not_allowed(&[Method::GET, Method::HEAD]))
    }
}
