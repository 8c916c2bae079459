//! The billing profile, as the regional host shows it and the billing host changes it.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Api;
use super::caller::{Allowed, Caller};
use super::payment_methods::on_file;
use super::refusal::refused;
use crate::domain::access::billing::BillingChange;
use crate::domain::access::{Scope, Touch};
use crate::engine::methods::OwnMethod;
use crate::http::answer::Refused;
use crate::http::body::Body;
use crate::http::path::Id;
use crate::store::rows::{MethodDetails, StoredCard, StoredMandate};

#[derive(Serialize, ToSchema)]
pub struct Profile {
    /// The account's: it has one profile.
    id: String,
    name: String,
    email: String,
    company: String,
    address_line1: String,
    address_line2: String,
    address_city: String,
    address_zip: String,
    address_state: String,
    address_country: String,
    vat_number: String,
    invoice_additional_info: String,
    /// Unused prepaid credit, such as `19.20`.
    credit: String,
    /// `stripe` once a card or mandate is on file, else `paypal` where there is credit.
    payment_method: Option<&'static str>,
    /// The card and the mandate that are charged.
    stripe_payment_method: Option<StripePaymentMethod>,
    paypal_payment_method: Option<PayPalPaymentMethod>,
    flags: Vec<String>,
}

#[derive(Default, Serialize, ToSchema)]
pub struct StripePaymentMethod {
    id: String,
    default_card_last4: Option<String>,
    /// The last month in which it is good, such as `10/2028`.
    default_card_exp: Option<String>,
    default_card_brand: Option<String>,
    /// Not known here: only the provider has it.
    default_card_name: Option<String>,
    sepa_mandate_reference: Option<String>,
    /// Not public: the text stands with the payment method.
    sepa_mandate_url: Option<String>,
    sepa_last4: Option<String>,
    /// Sealed with the rest of the number.
    sepa_bank_code: Option<String>,
    sepa_country: Option<String>,
}

#[derive(Serialize, ToSchema)]
pub struct PayPalPaymentMethod {
    id: String,
}

/// As the regional host has it.
#[derive(Serialize, ToSchema)]
pub struct BillingProfileRoot {
    billing_profile: Profile,
}

/// As the billing host has it.
#[derive(Serialize, ToSchema)]
pub struct ProfileRoot {
    profile: Profile,
}

/// What is left out stays as it is.
#[derive(Deserialize, ToSchema)]
pub struct BillingProfileChange {
    name: Option<String>,
    /// The account's: another one has to be confirmed, and is asked for there.
    email: Option<String>,
    company: Option<String>,
    address_line1: Option<String>,
    address_line2: Option<String>,
    address_city: Option<String>,
    address_zip: Option<String>,
    address_state: Option<String>,
    /// ISO 3166-1, of two letters.
    address_country: Option<String>,
    /// Empty for a consumer.
    vat_number: Option<String>,
    invoice_additional_info: Option<String>,
}

/// Show the billing profile
#[utoipa::path(
    get,
    path = "/v1/account/billing/profile",
    tag = "billing",
    security(("bearer" = [])),
    extensions(("x-scope" = json!("billing:read"))),
    responses((status = 200, body = BillingProfileRoot), Refused)
)]
pub async fn show(
    State(api): State<Arc<Api>>,
    caller: Caller,
) -> Result<Json<BillingProfileRoot>, Refused> {
    let caller = caller.allow(Scope::BillingRead, Touch::Read)?;
    let billing_profile = profile(&api, &caller).await?;
    Ok(Json(BillingProfileRoot { billing_profile }))
}

/// Show the billing profile, on the billing host
#[utoipa::path(
    get,
    path = "/profile",
    tag = "billing",
    security(("bearer" = [])),
    extensions(("x-scope" = json!("billing:read"))),
    responses((status = 200, body = ProfileRoot), Refused)
)]
pub async fn show_on_billing_host(
    State(api): State<Arc<Api>>,
    caller: Caller,
) -> Result<Json<ProfileRoot>, Refused> {
    let caller = caller.allow(Scope::BillingRead, Touch::Read)?;
    let profile = profile(&api, &caller).await?;
    Ok(Json(ProfileRoot { profile }))
}

/// Fill in the billing profile
///
/// Once, while it has no address yet.
#[utoipa::path(
    post,
    path = "/profiles",
    tag = "billing",
    security(("bearer" = [])),
    extensions(("x-scope" = json!("billing:write")), ("x-touch" = json!("payment"))),
    request_body = BillingProfileChange,
    responses((status = 201, body = ProfileRoot), Refused)
)]
pub async fn create(
    State(api): State<Arc<Api>>,
    caller: Caller,
    body: Body,
) -> Result<(StatusCode, Json<ProfileRoot>), Refused> {
    let caller = caller.allow(Scope::BillingWrite, Touch::Payment)?;
    let asked: BillingProfileChange = body.read("profile")?;
    let known = api.engine.profile(caller.account()).await;
    let known = known.map_err(|error| refused("Profile", error))?;
    if !known.address_line1.is_empty() {
        let error = "there is a billing profile: change that one";
        return Err(Refused::Conflict(error.to_owned()));
    }
    let profile = change(&api, &caller, &asked).await?;
    Ok((StatusCode::CREATED, Json(ProfileRoot { profile })))
}

/// Change the billing profile
///
/// The next invoice prints it and is taxed by it; those that are issued stay as they are.
#[utoipa::path(
    put,
    path = "/profiles/{id}",
    tag = "billing",
    security(("bearer" = [])),
    extensions(("x-scope" = json!("billing:write")), ("x-touch" = json!("payment"))),
    params(("id" = String, Path)),
    request_body = BillingProfileChange,
    responses((status = 200, body = ProfileRoot), Refused)
)]
pub async fn update(
    State(api): State<Arc<Api>>,
    caller: Caller,
    Id(id): Id,
    body: Body,
) -> Result<Json<ProfileRoot>, Refused> {
    let caller = caller.allow(Scope::BillingWrite, Touch::Payment)?;
    if id != caller.external_id() {
        return Err(Refused::NotFound("Profile"));
    }
    let asked: BillingProfileChange = body.read("profile")?;
    let profile = change(&api, &caller, &asked).await?;
    Ok(Json(ProfileRoot { profile }))
}

async fn change(
    api: &Api,
    caller: &Allowed,
    asked: &BillingProfileChange,
) -> Result<Profile, Refused> {
    let known = api.engine.profile(caller.account()).await;
    let known = known.map_err(|error| refused("Profile", error))?;
    if asked
        .email
        .as_ref()
        .is_some_and(|email| *email != known.email)
    {
        let reason = "is the account's: change it there, it has to be confirmed";
        return Err(Refused::field("email", reason));
    }
    let wanted = BillingChange {
        full_name: asked.name.as_deref(),
        company: asked.company.as_deref(),
        address_line1: asked.address_line1.as_deref(),
        address_line2: asked.address_line2.as_deref(),
        postal_code: asked.address_zip.as_deref(),
        city: asked.address_city.as_deref(),
        state: asked.address_state.as_deref(),
        country: asked.address_country.as_deref(),
        vat_number: asked.vat_number.as_deref(),
        invoice_note: asked.invoice_additional_info.as_deref(),
    };
    let changed = api
        .engine
        .change_billing(caller.account(), &wanted, caller.person());
    changed.await.map_err(|error| refused("Profile", error))?;
    profile(api, caller).await
}

async fn profile(api: &Api, caller: &Allowed) -> Result<Profile, Refused> {
    let (engine, account) = (&api.engine, caller.account());
    let profile = engine.profile(account).await;
    let profile = profile.map_err(|error| refused("Profile", error))?;
    let credit = engine.credit(account).await;
    let credit = credit.map_err(Refused::internal)?;
    let stripe = stripe(&on_file(api, caller).await?);
    let paypal = (credit.minor > 0).then(|| PayPalPaymentMethod {
        id: profile.account.clone(),
    });
    Ok(Profile {
        id: profile.account,
        name: profile.full_name,
        email: profile.email,
        company: profile.company,
        address_line1: profile.address_line1,
        address_line2: profile.address_line2,
        address_city: profile.city,
        address_zip: profile.postal_code,
        address_state: profile.state,
        address_country: profile.country.code().to_owned(),
        vat_number: profile.vat_number,
        invoice_additional_info: profile.invoice_note,
        credit: credit.to_decimal().to_string(),
        payment_method: match (&stripe, &paypal) {
            (Some(_), _) => Some("stripe"),
            (None, Some(_)) => Some("paypal"),
            (None, None) => None,
        },
        stripe_payment_method: stripe,
        paypal_payment_method: paypal,
        flags: Vec::new(),
    })
}

/// The card and the mandate that are charged.
fn stripe(methods: &[OwnMethod]) -> Option<StripePaymentMethod> {
    let mut used = methods.iter().filter(|method| method.is_used).peekable();
    let id = used.peek()?.stored.id.to_string();
    let none = StripePaymentMethod {
        id,
        ..StripePaymentMethod::default()
    };
    Some(
        used.fold(none, |told, method| match &method.stored.details {
            MethodDetails::Card(card) => with_card(told, card),
            MethodDetails::Mandate(mandate) => with_mandate(told, mandate),
        }),
    )
}

fn with_card(told: StripePaymentMethod, card: &StoredCard) -> StripePaymentMethod {
    StripePaymentMethod {
        default_card_last4: Some(card.last4.clone()),
        default_card_exp: Some(format!(
            "{:02}/{:04}",
            card.expires % 100,
            card.expires / 100
        )),
        default_card_brand: Some(card.brand.clone()),
        ..told
    }
}

fn with_mandate(told: StripePaymentMethod, mandate: &StoredMandate) -> StripePaymentMethod {
    let ends = mandate.iban_masked.split_once('…');
    StripePaymentMethod {
        sepa_mandate_reference: Some(mandate.reference.clone()),
        sepa_last4: ends.map(|(_, last4)| last4.to_owned()),
        sepa_country: ends.map(|(country, _)| country.to_owned()),
        ..told
    }
}
