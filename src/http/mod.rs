//! What is served over HTTP: the account API, the webhooks of payment providers and of
//! the platform, the page on which a customer confirms that its account is to be deleted, and
//! whether the service is alive.
//!
//! - [`answer`]: what is answered, and every error in its shape
//! - [`body`], [`path`], [`time`]: what is asked
//! - [`page`]: lists, a page at a time
//! - [`limit`]: how often
//! - [`link_page`]: the pages that links in mails lead to
//! - [`document`]: the description of it all

mod answer;
mod api;
mod body;
mod deletion;
mod document;
mod limit;
mod link_page;
mod mailed;
mod page;
mod path;
mod time;
mod webhooks;

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::{HeaderValue, header};
use axum::response::Response;
use axum::routing::{get, post};
use tokio::net::TcpListener;
use utoipa_axum::router::OpenApiRouter;

use crate::documents::DocumentError;
use crate::engine::access::AccessKeys;
use crate::engine::run::Engine;

use answer::Refused;

/// A provider's event is a few KiB.
const BODY_BYTES_MAX: usize = 512 << 10;

/// What is served cannot be put together.
#[derive(Debug, thiserror::Error)]
pub enum RouterError {
    #[error("the description of the routes cannot be written: {0}")]
    Document(#[from] serde_json::Error),
    #[error(transparent)]
    Font(#[from] DocumentError),
}

/// Every route. Without keys to sign with there is no account API.
///
/// # Errors
/// When the description of the routes cannot be written, or a font is broken.
pub fn router(engine: Arc<Engine>, keys: Option<AccessKeys>) -> Result<Router, RouterError> {
    let rest = Router::new()
        .route("/healthz", get(async || "ok\n"))
        .route("/webhooks/stripe", post(webhooks::stripe))
        .route("/webhooks/paypal", post(webhooks::paypal))
        .route("/webhooks/platform", post(webhooks::platform))
        .route(
            "/deletion/confirm",
            get(deletion::show).post(deletion::confirm),
        )
        .route("/unlock", mailed::route(mailed::Errand::Unlock))
        .route("/email", mailed::route(mailed::Errand::ConfirmEmail))
        .with_state(Arc::clone(&engine));
    let all = match keys {
        Some(keys) => {
            let described = OpenApiRouter::with_openapi(document::base());
            let (router, document) = described
                .merge(api::router(engine, keys)?)
                .split_for_parts();
            let router = router
                .fallback(async || Refused::NotFound("Route"))
                .method_not_allowed_fallback(async || Refused::Method)
                .merge(document::router(document)?)
                .layer(axum::middleware::map_response(guard));
            rest.merge(router)
        }
        None => rest,
    };
    Ok(all.layer(DefaultBodyLimit::max(BODY_BYTES_MAX)))
}

/// What is answered is for whoever asked, and for nothing that stands between.
async fn guard(mut response: Response) -> Response {
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CACHE_CONTROL, "no-store"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (
            header::CONTENT_SECURITY_POLICY,
            "default-src 'none'; frame-ancestors 'none'",
        ),
        (header::REFERRER_POLICY, "no-referrer"),
    ] {
        headers
            .entry(name)
            .or_insert(HeaderValue::from_static(value));
    }
    response
}

/// Serves until `stop` comes, and then ends what was begun.
///
/// # Errors
/// When the connection to the network is lost.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    stop: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    axum::serve(listener, service)
        .with_graceful_shutdown(stop)
        .await
}
