//! The description of everything served over HTTP: `/openapi.json` (OpenAPI 3.1) and
//! the page that shows it.
//!
//! It is put together from the handlers themselves, which are reached by no other way
//! than the one written above them.

mod error;
mod page;

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::Router;
use axum::response::Html;
use axum::routing::get;
use utoipa::OpenApi as _;
use utoipa::openapi::OpenApi;
use utoipa::openapi::path::{Operation, PathItem};
use utoipa::openapi::security::{Http, HttpAuthScheme, HttpBuilder, SecurityScheme};

/// An operation's extension that names the scope a token needs for it.
pub const SCOPE: &str = "x-scope";
/// And the one that names the role a key of the house needs.
pub const ROLE: &str = "x-role";

#[derive(utoipa::OpenApi)]
#[openapi(info(
    title = "Quittance",
    description = "Monthly billing for a hosting platform: the customer's account API, and the house's own."
))]
struct Base;

/// What every route's description is added to.
pub fn base() -> OpenApi {
    let mut document = Base::openapi();
    let components = document.components.get_or_insert_default();
    components.responses.extend(error::responses());
    components.schemas.extend(error::schemas());
    components.add_security_scheme(
        "bearer",
        SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer)),
    );
    components.add_security_scheme(
        "basic",
        SecurityScheme::Http(Http::new(HttpAuthScheme::Basic)),
    );
    components.add_security_scheme(
        "operator",
        SecurityScheme::Http(
            HttpBuilder::new()
                .scheme(HttpAuthScheme::Bearer)
                .description(Some("A key of the house: `quittance operator add`."))
                .build(),
        ),
    );
    document
}

/// Serves the description.
///
/// # Errors
/// When it cannot be written as JSON.
pub fn router(mut document: OpenApi) -> Result<Router, serde_json::Error> {
    name_operations(&mut document);
    let json: Arc<str> = document.to_json()?.into();
    let page: Arc<str> = page::render(&serde_json::to_value(&document)?).into();
    let json_type = [(axum::http::header::CONTENT_TYPE, "application/json")];
    // It has its looks with it.
    let page_policy = [(
        axum::http::header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'",
    )];
    Ok(Router::new()
        .route(
            "/openapi.json",
            get(async move || (json_type, json.to_string())),
        )
        .route(
            "/docs",
            get(async move || (page_policy, Html(page.to_string()))),
        ))
}

/// Handlers are named alike in each resource's file: their tag tells them apart. One
/// that answers two methods has the second one's in its name.
fn name_operations(document: &mut OpenApi) {
    let mut taken = BTreeSet::new();
    for item in document.paths.paths.values_mut() {
        for (method, operation) in operations(item) {
            let tag = operation.tags.as_ref().and_then(|tags| tags.first());
            if let (Some(tag), Some(id)) = (tag, &operation.operation_id) {
                let mut name = format!("{tag}.{id}");
                if !taken.insert(name.clone()) {
                    name = format!("{name}.{method}");
                }
                operation.operation_id = Some(name);
            }
        }
    }
}

fn operations(item: &mut PathItem) -> impl Iterator<Item = (&'static str, &mut Operation)> {
    [
        ("get", &mut item.get),
        ("post", &mut item.post),
        ("put", &mut item.put),
        ("patch", &mut item.patch),
        ("delete", &mut item.delete),
    ]
    .into_iter()
    .filter_map(|(method, operation)| Some((method, operation.as_mut()?)))
}
