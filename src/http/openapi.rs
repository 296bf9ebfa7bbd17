//! The API's description, generated from its handlers.

use utoipa::openapi::security::{ApiKey, ApiKeyValue, SecurityScheme};
use utoipa::openapi::{ContentBuilder, Ref, RefOr, ResponseBuilder};
use utoipa::{Modify, OpenApi};

use super::error::{Code, Problem};
use super::handlers::{
    accounts, admin, archive, comments, deleted, files, history, import, operations, processes, reading, reviewers,
    reviews, running, search, sessions, snapshots, templates, terminals, unkept, upload,
};
use super::wire::ArchiveKind;

/// The OpenAPI document of this version of Carrel.
#[must_use]
pub fn openapi() -> utoipa::openapi::OpenApi {
    Document::openapi()
}

#[derive(OpenApi)]
#[openapi(
    info(title = "Carrel", description = "Isolated Python workspaces. Unsafe requests from a browser need its own `Origin`."),
    paths(
        accounts::register,
        accounts::login,
        accounts::logout,
        accounts::me,
        sessions::list_sessions,
        sessions::create_session,
        sessions::get_session,
        sessions::rename_session,
        sessions::delete_session,
        sessions::start_session,
        sessions::stop_session,
        sessions::restart_session,
        sessions::extend_session,
        deleted::undelete_session,
        sessions::session_socket,
        processes::list_processes,
        processes::stop_process,
        files::tree,
        files::get_file,
        files::put_file,
        files::delete_item,
        import::import_archive,
        search::search_files,
        search::replace_in_files,
        archive::get_archive,
        upload::begin_upload,
        upload::get_upload,
        upload::put_chunk,
        upload::give_upload_up,
        files::create_folder,
        files::move_item,
        unkept::list_unkept,
        history::copy_item,
        history::delete_items,
        history::restore,
        history::list_versions,
        reviewers::get_my_reviewing,
        reviewers::change_my_reviewing,
        reviewers::list_reviewers,
        reviewers::list_level_requests,
        reviewers::decide_level_request,
        reviews::list_reviews,
        reviews::create_review,
        reviews::get_review,
        reviews::change_review,
        reviews::list_rounds,
        reviews::submit_round,
        reviews::list_steps,
        reviews::take_step,
        reading::get_diff,
        reading::get_round_tree,
        reading::get_round_file,
        reading::mark_viewed,
        reading::unmark_viewed,
        reading::see_round,
        comments::list_threads,
        comments::add_comment,
        comments::edit_comment,
        comments::discard_draft,
        comments::list_former,
        comments::settle_thread,
        comments::publish_drafts,
        comments::apply_suggestions,
        running::get_run,
        running::run_round,
        running::end_run,
        snapshots::list_snapshots,
        snapshots::create_snapshot,
        snapshots::delete_snapshot,
        templates::list_templates,
        templates::publish_template,
        templates::delete_template,
        templates::update_from_template,
        terminals::list_terminals,
        terminals::create_terminal,
        terminals::rename_terminal,
        terminals::close_terminal,
        terminals::terminal_socket,
        operations::healthz,
        operations::readyz,
        operations::metrics,
        operations::openapi_document,
        operations::list_actors,
        admin::list_users,
        admin::change_user
    ),
    components(schemas(Problem, Code, ArchiveKind)),
    modifiers(&Problems, &LoginCookie)
)]
struct Document;

/// Every operation may answer with a problem.
struct Problems;

impl Modify for Problems {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let schema = RefOr::Ref(Ref::from_schema_name("Problem"));
        let content = ContentBuilder::new().schema(Some(schema)).build();
        let problem = ResponseBuilder::new()
            .description("What went wrong, under a stable code.")
            .content("application/problem+json", content)
            .build();
        for item in document.paths.paths.values_mut() {
            let operations = [&mut item.get, &mut item.put, &mut item.post, &mut item.delete, &mut item.patch];
            for operation in operations.into_iter().flatten() {
                operation.responses.responses.insert("default".to_owned(), RefOr::T(problem.clone()));
            }
        }
    }
}

/// How clients show who they are.
struct LoginCookie;

impl Modify for LoginCookie {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let cookie = SecurityScheme::ApiKey(ApiKey::Cookie(ApiKeyValue::new("carrel_login")));
        document.components.get_or_insert_default().add_security_scheme("login", cookie);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::http::routes::ROUTES;

    #[test]
    fn the_page_is_built_from_this_document() {
        let committed: serde_json::Value =
            serde_json::from_str(include_str!("../../static/openapi.json")).expect("static/openapi.json is JSON");
        let generated = serde_json::to_value(openapi()).expect("JSON");
        assert!(committed == generated, "static/openapi.json is out of date: run `make api`");
    }

    #[test]
    fn the_document_and_the_route_table_agree() {
        let document = serde_json::to_value(openapi()).expect("JSON");
        let mut described = BTreeSet::new();
        for (path, item) in document["paths"].as_object().expect("paths") {
            for method in item.as_object().expect("operations").keys() {
                described.insert(format!("{} {path}", method.to_uppercase()));
            }
        }
        let routed: BTreeSet<_> = ROUTES.iter().map(|route| format!("{} {}", route.method, route.path)).collect();
        assert_eq!(described, routed);
    }

    #[test]
    fn every_schema_that_is_referred_to_is_there() {
        let document = serde_json::to_string(&openapi()).expect("JSON");
        let value: serde_json::Value = serde_json::from_str(&document).expect("JSON");
        let schemas = value["components"]["schemas"].as_object().expect("schemas");
        for part in document.split("#/components/schemas/").skip(1) {
            let name = part.split('"').next().expect("name");
            assert!(schemas.contains_key(name), "{name}");
        }
    }
}
