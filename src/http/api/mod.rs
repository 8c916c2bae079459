//! The account API: one server answers as the platform's auth, regional and billing
//! host, in the words that its public clients speak.
//!
//! - [`answer`]: what is answered, and every error in its shape
//! - [`body`], [`path`]: what is asked, rooted or not
//! - [`caller`]: who asks, and whether they may
//! - [`limit`]: how often
//! - [`exchange`], [`tokens`], [`keys`], [`users`]: a file a resource

mod answer;
mod body;
mod caller;
mod exchange;
mod keys;
mod limit;
mod path;
mod tokens;
mod users;

use std::sync::Arc;

use axum::Router;
use axum::http::{HeaderValue, header};
use axum::response::Response;
use axum::routing::{get, patch, post};

use crate::engine::access::AccessKeys;
use crate::engine::run::Engine;

use answer::Refused;
use limit::Limits;

/// What every handler needs.
pub struct Api {
    engine: Arc<Engine>,
    keys: AccessKeys,
    limits: Limits,
}

/// Every route of the account API.
pub fn router(engine: Arc<Engine>, keys: AccessKeys) -> Router {
    let api = Api {
        limits: Limits::new(engine.config.api),
        engine,
        keys,
    };
    Router::new()
        .route("/v1/tokens/exchange", post(exchange::exchange))
        .route("/v1/tokens", get(tokens::list).post(tokens::create))
        .route("/v1/tokens/{id}", axum::routing::delete(tokens::delete))
        .route(
            "/v1/tokens/{id}/renew",
            patch(tokens::renew).put(tokens::renew),
        )
        .route("/v1/keys", get(keys::list).post(keys::create))
        .route("/v1/keys/{id}", get(keys::show).delete(keys::delete))
        .route("/v1/users/self", get(users::show))
        .fallback(async || Refused::NotFound("Route"))
        .method_not_allowed_fallback(async || Refused::Method)
        .layer(axum::middleware::map_response(guard))
        .with_state(Arc::new(api))
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
