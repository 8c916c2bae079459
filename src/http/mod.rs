//! What is served over HTTP: the webhooks of payment providers and of the platform,
//! the page on which a customer confirms that its account is to be deleted, and
//! whether the service is alive.

mod deletion;
mod webhooks;

use std::future::Future;
use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::{get, post};
use tokio::net::TcpListener;

use crate::engine::run::Engine;

/// A provider's event is a few KiB.
const BODY_BYTES_MAX: usize = 512 << 10;

/// Every route.
pub fn router(engine: Arc<Engine>) -> Router {
    Router::new()
        .route("/healthz", get(async || "ok\n"))
        .route("/webhooks/stripe", post(webhooks::stripe))
        .route("/webhooks/paypal", post(webhooks::paypal))
        .route("/webhooks/platform", post(webhooks::platform))
        .route(
            "/deletion/confirm",
            get(deletion::show).post(deletion::confirm),
        )
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .with_state(engine)
}

/// Serves until `stop` comes, and then ends what was begun.
///
/// # Errors
/// When the connection to the network is lost.
pub async fn serve(
    listener: TcpListener,
    engine: Arc<Engine>,
    stop: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    axum::serve(listener, router(engine))
        .with_graceful_shutdown(stop)
        .await
}
