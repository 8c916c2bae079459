//! `/v1/account/payment-methods`: the cards and mandates on file.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;

use super::Api;
use super::caller::{Allowed, Caller};
use super::refusal::provider_refused;
use crate::domain::access::{Barred, Scope, Touch};
use crate::domain::ids::PaymentMethodId;
use crate::engine::collect::InvoiceOutcome;
use crate::engine::methods::{MethodError, OwnMethod};
use crate::http::answer::Refused;
use crate::http::path::Id;
use crate::http::time::Time;
use crate::store::rows::{FileState, MethodDetails};

/// A card or mandate. Of several of a kind, the one that was preferred last is charged.
#[derive(Serialize, ToSchema)]
pub struct PaymentMethod {
    id: String,
    /// `card` or `sepa`.
    #[serde(rename = "type")]
    kind: &'static str,
    /// `usable`, `hard_declined`, `action_required`, ...: whether it can be charged.
    state: &'static str,
    /// Whether it is the one of its kind that is charged.
    is_preferred: bool,
    created_at: Time,
    card: Option<Card>,
    mandate: Option<Mandate>,
}

#[derive(Serialize, ToSchema)]
pub struct Card {
    brand: String,
    last4: String,
    /// The last month in which it is good, such as `2028-10`.
    good_until: String,
}

#[derive(Serialize, ToSchema)]
pub struct Mandate {
    /// The unique mandate reference.
    reference: String,
    debtor_name: String,
    /// Masked, but for its ends.
    iban: String,
    signed_at: Time,
    /// What was signed.
    text: String,
}

#[derive(Serialize, ToSchema)]
pub struct PaymentMethods {
    payment_methods: Vec<PaymentMethod>,
}

#[derive(Serialize, ToSchema)]
pub struct PaymentMethodRoot {
    payment_method: PaymentMethod,
}

/// A card or mandate that was put on file, and what was charged by it right away.
#[derive(Serialize, ToSchema)]
pub struct AddedPaymentMethod {
    payment_method: PaymentMethod,
    invoices: Vec<ChargedInvoice>,
}

/// An invoice that was unpaid, and what came of charging it.
#[derive(Serialize, ToSchema)]
pub struct ChargedInvoice {
    /// Its number.
    id: String,
    /// `paid`, `pending`, `waits_for_file`, `declined_soft`, `declined_hard`,
    /// `action_required`, `unknown`, `not_sent`, or `open` for what was not charged.
    state: &'static str,
    /// What was charged, in minor units, whatever came of it.
    amount: i64,
}

impl From<&InvoiceOutcome> for ChargedInvoice {
    fn from(outcome: &InvoiceOutcome) -> Self {
        let last = outcome.parts.last();
        Self {
            id: outcome.number.to_string(),
            state: last.map_or("open", |part| part.fate.code()),
            amount: last.map_or(0, |part| part.amount_minor),
        }
    }
}

/// List payment methods
#[utoipa::path(
    get,
    path = "/v1/account/payment-methods",
    tag = "billing",
    security(("bearer" = [])),
    extensions(("x-scope" = json!("billing:read"))),
    responses((status = 200, body = PaymentMethods), Refused)
)]
pub async fn list(
    State(api): State<Arc<Api>>,
    caller: Caller,
) -> Result<Json<PaymentMethods>, Refused> {
    let caller = caller.allow(Scope::BillingRead, Touch::Read)?;
    let payment_methods = on_file(&api, &caller).await?;
    let payment_methods = payment_methods
        .iter()
        .map(method)
        .collect::<Result<_, _>>()?;
    Ok(Json(PaymentMethods { payment_methods }))
}

/// Charge a card or mandate before every other of its kind
#[utoipa::path(
    put,
    path = "/v1/account/payment-methods/{id}/preferred",
    tag = "billing",
    security(("bearer" = [])),
    extensions(("x-scope" = json!("billing:write")), ("x-touch" = json!("payment"))),
    params(("id" = String, Path)),
    responses((status = 200, body = PaymentMethodRoot), Refused)
)]
pub async fn prefer(
    State(api): State<Arc<Api>>,
    caller: Caller,
    Id(id): Id,
) -> Result<Json<PaymentMethodRoot>, Refused> {
    let caller = caller.allow(Scope::BillingWrite, Touch::Payment)?;
    let id = number(&id)?;
    let preferred = api
        .engine
        .prefer_method(caller.account(), id, caller.person());
    preferred.await.map_err(refused)?;
    let payment_method = one(&api, &caller, id).await?;
    Ok(Json(PaymentMethodRoot { payment_method }))
}

/// Take a card or mandate off file
///
/// What the bank or the provider was told of before goes on.
#[utoipa::path(
    delete,
    path = "/v1/account/payment-methods/{id}",
    tag = "billing",
    security(("bearer" = [])),
    extensions(("x-scope" = json!("billing:write")), ("x-touch" = json!("payment"))),
    params(("id" = String, Path)),
    responses((status = 204), Refused)
)]
pub async fn remove(
    State(api): State<Arc<Api>>,
    caller: Caller,
    Id(id): Id,
) -> Result<StatusCode, Refused> {
    let caller = caller.allow(Scope::BillingWrite, Touch::Payment)?;
    let id = number(&id)?;
    let removed = api
        .engine
        .remove_method(caller.account(), id, caller.person());
    removed.await.map_err(refused)?;
    Ok(StatusCode::NO_CONTENT)
}

fn number(id: &str) -> Result<PaymentMethodId, Refused> {
    let number = id.parse().map_err(|_| Refused::NotFound("PaymentMethod"))?;
    Ok(PaymentMethodId(number))
}

/// What is on file and was not removed.
pub async fn on_file(api: &Api, caller: &Allowed) -> Result<Vec<OwnMethod>, Refused> {
    let mut methods = api
        .engine
        .methods(caller.account())
        .await
        .map_err(refused)?;
    methods.retain(|method| method.stored.state != FileState::Removed);
    Ok(methods)
}

/// One that is on file.
pub async fn one(
    api: &Api,
    caller: &Allowed,
    id: PaymentMethodId,
) -> Result<PaymentMethod, Refused> {
    let methods = on_file(api, caller).await?;
    let own = methods.iter().find(|own| own.stored.id == id);
    method(own.ok_or(Refused::NotFound("PaymentMethod"))?)
}

/// What was put on file, and what was charged by it.
pub async fn added(
    api: &Api,
    caller: &Allowed,
    id: PaymentMethodId,
    charged: &[InvoiceOutcome],
) -> Result<Json<AddedPaymentMethod>, Refused> {
    Ok(Json(AddedPaymentMethod {
        payment_method: one(api, caller, id).await?,
        invoices: charged.iter().map(ChargedInvoice::from).collect(),
    }))
}

fn method(OwnMethod { stored, is_used }: &OwnMethod) -> Result<PaymentMethod, Refused> {
    let (mut card, mut mandate) = (None, None);
    match &stored.details {
        MethodDetails::Card(told) => {
            card = Some(Card {
                brand: told.brand.clone(),
                last4: told.last4.clone(),
                good_until: told.good_until(),
            });
        }
        MethodDetails::Mandate(told) => {
            mandate = Some(Mandate {
                reference: told.reference.clone(),
                debtor_name: told.debtor_name.clone(),
                iban: told.iban_masked.clone(),
                signed_at: Time::of(told.signed_at)?,
                text: told.signed_text.clone(),
            });
        }
    }
    Ok(PaymentMethod {
        id: stored.id.to_string(),
        kind: stored.method().code(),
        state: stored.state.code(),
        is_preferred: *is_used,
        created_at: Time::of(stored.added_at)?,
        card,
        mandate,
    })
}

/// What is refused about a card or mandate, in the contract's words.
pub fn refused(error: MethodError) -> Refused {
    match error {
        MethodError::Unknown(_) | MethodError::Removed => Refused::NotFound("PaymentMethod"),
        MethodError::Leaving => Refused::Barred(Barred::Leaving),
        MethodError::Name(reason) => Refused::field("name", reason.to_string()),
        MethodError::Bic(reason) => Refused::field("bic", reason.to_string()),
        MethodError::OtherReference { .. } => Refused::field(
            "reference",
            "is not the next mandate's any more: show the text again",
        ),
        error @ MethodError::NotInEuros(_) => Refused::Conflict(error.to_string()),
        MethodError::NoSepa(error) => provider_refused("direct debits are not taken here", &error),
        error @ (MethodError::Store(_)
        | MethodError::Vault(_)
        | MethodError::Attempt(_)
        | MethodError::NotAMandate(..)
        | MethodError::SameAccount
        | MethodError::Reference(..)
        | MethodError::SignedInFuture { .. }
        | MethodError::Lapsed(_)
        | MethodError::Date) => Refused::internal(error),
    }
}
