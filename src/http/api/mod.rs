//! The account API: one server answers as the platform's auth, regional and billing
//! host, in the words that its public clients speak.
//!
//! - [`caller`]: who asks, and whether they may
//! - [`refusal`]: what the engine refuses, in the contract's words
//! - [`exchange`], [`tokens`], [`keys`], [`users`], [`invoices`], [`downloads`],
//!   [`operations`], [`usage`], [`events`], [`passwords`], [`tfa`], [`sign_ups`],
//!   [`deletions`], [`contracts`], [`hds`], [`payment_methods`], [`cards`],
//!   [`mandates`], [`credit`], [`budget`], [`accountants`], [`billing_profile`], [`focus`], [`features`]: a file a
//!   resource

mod accountants;
mod billing_profile;
mod budget;
mod caller;
mod cards;
mod contracts;
mod credit;
mod deletions;
mod downloads;
mod events;
mod exchange;
mod features;
mod focus;
mod hds;
mod invoices;
mod keys;
mod mandates;
mod operations;
mod passwords;
mod payment_methods;
mod refusal;
mod sign_ups;
mod tfa;
mod tokens;
mod usage;
mod users;

use std::sync::Arc;
use std::time::Duration;

use axum::routing::get;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::engine::access::AccessKeys;
use crate::engine::overview::Documents;
use crate::engine::run::Engine;
use crate::http::limit::Limits;
use crate::http::pdf::Pdfs;
use crate::http::shutdown::Shutdown;

/// What every handler needs.
pub struct Api {
    engine: Arc<Engine>,
    keys: AccessKeys,
    limits: Arc<Limits>,
    shutdown: Shutdown,
    documents: Documents,
    pdfs: Pdfs,
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
pub fn router(
    engine: Arc<Engine>,
    keys: AccessKeys,
    limits: Arc<Limits>,
    shutdown: Shutdown,
    pdfs: Pdfs,
) -> OpenApiRouter {
    let api = Api {
        limits,
        shutdown,
        documents: Documents::default(),
        pdfs,
        engine,
        keys,
    };
    OpenApiRouter::new()
        .routes(routes!(exchange::exchange))
        .routes(routes!(tokens::list, tokens::create))
        .routes(routes!(tokens::show, tokens::delete))
        .routes(routes!(tokens::renew))
        .routes(routes!(keys::list, keys::create))
        .routes(routes!(keys::show, keys::delete))
        .routes(routes!(users::show))
        .routes(routes!(invoices::list))
        .routes(routes!(invoices::show))
        .routes(routes!(invoices::download))
        .routes(routes!(downloads::invoice))
        .routes(routes!(operations::list))
        .routes(routes!(usage::show))
        .routes(routes!(focus::export))
        .routes(routes!(features::regions))
        .routes(routes!(features::container_sizes))
        .routes(routes!(users::update_profile))
        .routes(routes!(users::update_account))
        .routes(routes!(users::update))
        .routes(routes!(events::list))
        .routes(routes!(passwords::ask, passwords::reset))
        .routes(routes!(passwords::unlock))
        .routes(routes!(payment_methods::list))
        .routes(routes!(payment_methods::prefer))
        .routes(routes!(payment_methods::remove))
        .routes(routes!(cards::begin))
        .routes(routes!(cards::finish))
        .routes(routes!(mandates::offer))
        .routes(routes!(mandates::sign))
        .routes(routes!(credit::list, credit::buy))
        .routes(routes!(credit::capture))
        .routes(routes!(accountants::list, accountants::invite))
        .routes(routes!(accountants::remove))
        .route("/accountant", get(accountants::show))
        .routes(routes!(budget::show, budget::set, budget::remove))
        .routes(routes!(billing_profile::show))
        .routes(routes!(billing_profile::show_on_billing_host))
        .routes(routes!(billing_profile::create))
        .routes(routes!(billing_profile::update))
        .routes(routes!(passwords::confirm_email))
        .routes(routes!(tfa::show, tfa::create, tfa::delete))
        .routes(routes!(tfa::validate))
        .routes(routes!(contracts::list))
        .routes(routes!(contracts::history))
        .routes(routes!(contracts::show))
        .routes(routes!(contracts::accept))
        .routes(routes!(hds::show, hds::update))
        .routes(routes!(sign_ups::create))
        .routes(routes!(sign_ups::stop_free_trial))
        .routes(routes!(deletions::create))
        .routes(routes!(deletions::confirm))
        .with_state(Arc::new(api))
}
