//! `/v1/account/payment-methods/cards`: a card is entered at its provider; its number
//! never comes near us.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use secrecy::ExposeSecret as _;
use serde::Serialize;
use utoipa::ToSchema;

use super::Api;
use super::caller::Caller;
use super::payment_methods::{AddedPaymentMethod, added};
use super::refusal::{call_refused, provider_refused};
use crate::domain::access::{Barred, Scope, Touch};
use crate::engine::methods::{CardAdded, CardError};
use crate::http::answer::Refused;
use crate::http::path::Id;

/// What the page needs on which the customer enters a card.
#[derive(Serialize, ToSchema)]
pub struct CardSetup {
    id: String,
    /// For the provider's form in the customer's own browser, and nowhere else.
    client_secret: String,
}

#[derive(Serialize, ToSchema)]
pub struct CardSetupRoot {
    card_setup: CardSetup,
}

/// Begin to put a card on file
#[utoipa::path(
    post,
    path = "/v1/account/payment-methods/cards",
    tag = "billing",
    security(("bearer" = [])),
    extensions(("x-scope" = json!("billing:write")), ("x-touch" = json!("payment"))),
    responses((status = 201, body = CardSetupRoot), Refused)
)]
pub async fn begin(
    State(api): State<Arc<Api>>,
    caller: Caller,
) -> Result<(StatusCode, Json<CardSetupRoot>), Refused> {
    let caller = caller.allow(Scope::BillingWrite, Touch::Payment)?;
    let setup = api
        .engine
        .begin_card(caller.account())
        .await
        .map_err(refused)?;
    let card_setup = CardSetup {
        id: setup.setup_intent,
        client_secret: setup.client_secret.expose_secret().to_owned(),
    };
    Ok((StatusCode::CREATED, Json(CardSetupRoot { card_setup })))
}

/// Put a card on file that was entered
///
/// What is unpaid is charged by it right away. To ask again changes nothing: the card is
/// also put on file when its provider tells of it first.
#[utoipa::path(
    post,
    path = "/v1/account/payment-methods/cards/{id}/finish",
    tag = "billing",
    security(("bearer" = [])),
    extensions(("x-scope" = json!("billing:write")), ("x-touch" = json!("payment"))),
    params(("id" = String, Path, description = "Of the setup")),
    responses((status = 200, body = AddedPaymentMethod), Refused)
)]
pub async fn finish(
    State(api): State<Arc<Api>>,
    caller: Caller,
    Id(id): Id,
) -> Result<Json<AddedPaymentMethod>, Refused> {
    let caller = caller.allow(Scope::BillingWrite, Touch::Payment)?;
    let (engine, account) = (Arc::clone(&api.engine), caller.account());
    let done = api
        .shutdown
        .unbroken(async move { engine.finish_own_card(account, &id).await })
        .await?;
    match done.map_err(refused)? {
        CardAdded::NotYet(reason) => Err(Refused::Conflict(format!("not on file: {reason}"))),
        CardAdded::TakenOff => Err(Refused::Barred(Barred::Leaving)),
        CardAdded::Already(id) => added(&api, &caller, id, &[]).await,
        CardAdded::Added { id, invoices } => added(&api, &caller, id, &invoices).await,
    }
}

fn refused(error: CardError) -> Refused {
    match error {
        CardError::Leaving => Refused::Barred(Barred::Leaving),
        CardError::NoSetup(_) => Refused::NotFound("CardSetup"),
        CardError::Provider(error) => provider_refused("cards are not taken here", &error),
        CardError::Call(error) => call_refused(&error),
        error @ (CardError::Store(_)
        | CardError::Collect(_)
        | CardError::Chance(_)
        | CardError::Expiry(_)
        | CardError::NoCustomer(_)) => Refused::internal(error),
    }
}
