//! The account API: one server answers as the platform's auth, regional and billing
//! host, in the words that its public clients speak.
//!
//! - [`caller`]: who asks, and whether they may
//! - [`refusal`]: what the engine refuses, in the contract's words
//! - [`exchange`], [`tokens`], [`keys`], [`users`], [`events`]: a file a resource

mod caller;
mod events;
mod exchange;
mod keys;
mod refusal;
mod tokens;
mod users;

use std::sync::Arc;

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::engine::access::AccessKeys;
use crate::engine::run::Engine;
use crate::http::limit::Limits;

/// What every handler needs.
pub struct Api {
    engine: Arc<Engine>,
    keys: AccessKeys,
    limits: Limits,
}

/// Every route of the account API.
pub fn router(engine: Arc<Engine>, keys: AccessKeys) -> OpenApiRouter {
    let api = Api {
        limits: Limits::new(engine.config.api),
        engine,
        keys,
    };
    OpenApiRouter::new()
        .routes(routes!(exchange::exchange))
        .routes(routes!(tokens::list, tokens::create))
        .routes(routes!(tokens::delete))
        .routes(routes!(tokens::renew))
        .routes(routes!(keys::list, keys::create))
        .routes(routes!(keys::show, keys::delete))
        .routes(routes!(users::show))
        .routes(routes!(users::update_profile))
        .routes(routes!(users::update_account))
        .routes(routes!(users::update))
        .routes(routes!(events::list))
        .with_state(Arc::new(api))
}
