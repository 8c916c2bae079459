//! What is served over HTTP: the account API, the webhooks of payment providers and of
//! the platform, the page on which a customer confirms that its account is to be deleted, and
//! whether the service is alive.

mod api;
mod deletion;
mod webhooks;

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::{get, post};
use tokio::net::TcpListener;

use crate::engine::access::AccessKeys;
use crate::engine::run::Engine;

/// A provider's event is a few KiB.
const BODY_BYTES_MAX: usize = 512 << 10;

/// Every route. Without keys to sign with there is no account API.
pub fn router(engine: Arc<Engine>, keys: Option<AccessKeys>) -> Router {
    let rest = Router::new()
        .route("/healthz", get(async || "ok\n"))
        .route("/webhooks/stripe", post(webhooks::stripe))
        .route("/webhooks/paypal", post(webhooks::paypal))
        .route("/webhooks/platform", post(webhooks::platform))
        .route(
            "/deletion/confirm",
            get(deletion::show).post(deletion::confirm),
        )
        .with_state(Arc::clone(&engine));
    let all = match keys {
        Some(keys) => rest.merge(api::router(engine, keys)),
        None => rest,
    };
    all.layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
}

/// Serves until `stop` comes, and then ends what was begun.
///
/// # Errors
/// When the connection to the network is lost.
pub async fn serve(
    listener: TcpListener,
    engine: Arc<Engine>,
    keys: Option<AccessKeys>,
    stop: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    let router = router(engine, keys).into_make_service_with_connect_info::<SocketAddr>();
    axum::serve(listener, router)
        .with_graceful_shutdown(stop)
        .await
}
