//! The account API: one server answers as the platform's auth, regional and billing
//! host, in the words that its public clients speak.
//!
//! - [`caller`]: who asks, and whether they may
//! - [`refusal`]: what the engine refuses, in the contract's words
//! - [`exchange`], [`tokens`], [`keys`], [`users`], [`events`], [`passwords`]: a file a resource

mod caller;
mod events;
mod exchange;
mod keys;
mod passwords;
mod refusal;
mod tokens;
mod users;

use std::sync::Arc;
use std::time::Duration;

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

/// What a guess is refused after: longer than it takes to see that it is wrong, in
/// whichever way it is.
const FLOOR: Duration = Duration::from_millis(300);

/// Takes as long to refuse whatever the reason, so that nobody learns from it which
/// names somebody has.
async fn evenly<T, E>(work: impl Future<Output = Result<T, E>>) -> Result<T, E> {
    let floor = tokio::time::sleep(FLOOR);
    let done = work.await;
    if done.is_err() {
        floor.await;
    }
    done
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
        .routes(routes!(passwords::ask, passwords::reset))
        .routes(routes!(passwords::unlock))
        .routes(routes!(passwords::confirm_email))
        .with_state(Arc::new(api))
}
