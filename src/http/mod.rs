//! What is served over HTTP: the account API, the finance API, the ingestion of usage, the webhooks of payment providers and of
//! the platform, the page on which a customer confirms that its account is to be deleted, and
//! how the service is.
//!
//! - [`answer`]: what is answered, and every error in its shape
//! - [`body`], [`path`], [`time`], [`credentials`]: what is asked
//! - [`desk`]: who of the house asks
//! - [`pdf`]: invoices as PDFs
//! - [`page`]: lists, a page at a time
//! - [`limit`]: how often
//! - [`link_page`]: the pages that links in mails lead to
//! - [`document`]: the description of it all
//! - [`ready`], [`metrics`]: for whoever watches over it
//! - [`serve`], [`timely`], [`shutdown`]: how long it waits, and how it ends

mod answer;
mod api;
mod body;
mod credentials;
mod deletion;
mod desk;
mod document;
mod finance;
mod ingest;
mod limit;
mod link_page;
mod mailed;
mod metrics;
mod page;
mod path;
mod pdf;
mod query;
mod ready;
mod serve;
mod shutdown;
mod time;
mod timely;
mod webhooks;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::{HeaderValue, header};
use axum::middleware::{from_fn_with_state, map_response};
use axum::response::Response;
use axum::routing::{get, post};
use utoipa_axum::router::OpenApiRouter;

use crate::documents::DocumentError;
use crate::engine::access::AccessKeys;
use crate::engine::run::Engine;

use answer::Refused;
use desk::Desk;
use ingest::Hands;
use limit::Limits;
use mailed::Errand;
use metrics::Metrics;
use pdf::Pdfs;
use ready::Ready;
use shutdown::turn_away;
use timely::timely;

pub use serve::serve;
pub use shutdown::Shutdown;

/// A provider's event is a few KiB.
const BODY_BYTES_MAX: usize = 512 << 10;

/// What is served cannot be put together.
#[derive(Debug, thiserror::Error)]
pub enum RouterError {
    #[error("the description of the routes cannot be written: {0}")]
    Document(#[from] serde_json::Error),
    #[error(transparent)]
    Font(#[from] DocumentError),
    #[error("what is counted cannot be set up: {0}")]
    Metrics(#[from] prometheus::Error),
}

/// Every route. Without keys to sign with there is no account API; those of the house
/// need none.
///
/// # Errors
/// When the description of the routes cannot be written, or a font is broken.
pub fn router(
    engine: Arc<Engine>,
    keys: Option<AccessKeys>,
    shutdown: &Shutdown,
) -> Result<Router, RouterError> {
    let ready = Ready {
        engine: Arc::clone(&engine),
        shutdown: shutdown.clone(),
    };
    let metrics = Arc::new(Metrics::new(Arc::clone(&engine))?);
    // What is answered to the last.
    let health = Router::new()
        .route("/metrics", get(metrics::show))
        .with_state(Arc::clone(&metrics))
        .route("/readyz", get(ready::show))
        .with_state(ready)
        .route("/healthz", get(async || "ok\n"));
    let rest = Router::new()
        .route("/webhooks/stripe", post(webhooks::stripe))
        .route("/webhooks/paypal", post(webhooks::paypal))
        .route("/webhooks/platform", post(webhooks::platform))
        .route("/deletion/confirm", mailed::route(Errand::Delete, shutdown))
        .route("/unlock", mailed::route(Errand::Unlock, shutdown))
        .route("/email", mailed::route(Errand::ConfirmEmail, shutdown))
        .with_state(Arc::clone(&engine));
    let limits = Arc::new(Limits::new(engine.config.api));
    let pdfs = Pdfs::new()?;
    let desk = Arc::new(Desk {
        engine: Arc::clone(&engine),
        limits: Arc::clone(&limits),
        hands: Hands::new(engine.config.api.batches_in_hand),
        pdfs: pdfs.clone(),
        shutdown: shutdown.clone(),
    });
    let mut described = OpenApiRouter::with_openapi(document::base())
        .merge(finance::router(Arc::clone(&desk)))
        .merge(ingest::router(desk));
    if let Some(keys) = keys {
        let within = Duration::from_secs(engine.config.api.request_timeout_seconds.into());
        let api = api::router(engine, keys, limits, shutdown.clone(), pdfs);
        described = described.merge(api.layer(from_fn_with_state(within, timely)));
    }
    let (router, document) = described.split_for_parts();
    let router = router
        .fallback(async || Refused::NotFound("Route"))
        .method_not_allowed_fallback(async || Refused::Method)
        .merge(document::router(document)?)
        .layer(map_response(guard));
    Ok(rest
        .merge(router)
        .layer(from_fn_with_state(shutdown.clone(), turn_away))
        .merge(health)
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .layer(from_fn_with_state(metrics, metrics::observe)))
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
