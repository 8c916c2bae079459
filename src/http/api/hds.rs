//! `/v1/apps/{id}/hds_contact`: whom to turn to about the health data of an app.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Api;
use super::caller::Caller;
use super::refusal::refused;
use crate::domain::access::{Scope, Touch};
use crate::domain::hds::HdsContactAsked;
use crate::http::answer::Refused;
use crate::http::body::Body;
use crate::http::path::Id;
use crate::http::time::Time;
use crate::store::rows::StoredHdsContact;

#[derive(Serialize, ToSchema)]
pub struct HdsContact {
    id: String,
    /// `company`, `non-profit` or `administration`.
    org_type: &'static str,
    name: String,
    email: String,
    phone_number: String,
    company: String,
    address_line1: String,
    address_line2: String,
    address_city: String,
    address_zip: String,
    address_country: String,
    notes: String,
    updated_at: Time,
    /// Not any more after 12 months.
    up_to_date: bool,
}

#[derive(Serialize, ToSchema)]
pub struct HdsContactRoot {
    hds_contact: HdsContact,
}

#[derive(Default, Deserialize, ToSchema)]
#[serde(default)]
pub struct NewHdsContact {
    /// `company`, `non-profit` or `administration`.
    org_type: String,
    name: String,
    email: String,
    phone_number: String,
    /// A company's name.
    company: String,
    address_line1: String,
    address_line2: String,
    address_city: String,
    address_zip: String,
    /// ISO 3166-1, such as `FR`.
    address_country: String,
    notes: String,
}

/// Show the contact about health data of an app
#[utoipa::path(
    get,
    path = "/v1/apps/{id}/hds_contact",
    tag = "contracts",
    security(("bearer" = [])),
    extensions(("x-scope" = json!("account:read"))),
    params(("id" = String, Path)),
    responses((status = 200, body = HdsContactRoot), Refused)
)]
pub async fn show(
    State(api): State<Arc<Api>>,
    caller: Caller,
    Id(id): Id,
) -> Result<Json<HdsContactRoot>, Refused> {
    let caller = caller.allow(Scope::AccountRead, Touch::Read)?;
    let found = api.engine.hds_contact(caller.account(), &id).await;
    answer(found.map_err(|error| refused("App", error))?)
}

/// Name the contact about health data of an app
///
/// In place of whom was named before; the app is one that usage was reported of.
#[utoipa::path(
    put,
    path = "/v1/apps/{id}/hds_contact",
    tag = "contracts",
    security(("bearer" = [])),
    extensions(("x-scope" = json!("account:write"))),
    params(("id" = String, Path)),
    request_body = NewHdsContact,
    responses((status = 200, body = HdsContactRoot), Refused)
)]
pub async fn update(
    State(api): State<Arc<Api>>,
    caller: Caller,
    Id(id): Id,
    body: Body,
) -> Result<Json<HdsContactRoot>, Refused> {
    let caller = caller.allow(Scope::AccountWrite, Touch::Change)?;
    let said: NewHdsContact = body.read("hds_contact")?;
    let asked = HdsContactAsked {
        org_type: &said.org_type,
        name: &said.name,
        email: &said.email,
        phone_number: &said.phone_number,
        company: &said.company,
        address_line1: &said.address_line1,
        address_line2: &said.address_line2,
        address_city: &said.address_city,
        address_zip: &said.address_zip,
        address_country: &said.address_country,
        notes: &said.notes,
    };
    let set = api
        .engine
        .set_hds_contact(caller.account(), &id, &asked, caller.person());
    answer(set.await.map_err(|error| refused("App", error))?)
}

fn answer((stored, up_to_date): (StoredHdsContact, bool)) -> Result<Json<HdsContactRoot>, Refused> {
    let contact = stored.contact;
    let hds_contact = HdsContact {
        id: stored.id,
        org_type: contact.org_type.code(),
        name: contact.name,
        email: contact.email,
        phone_number: contact.phone_number,
        company: contact.company,
        address_line1: contact.address_line1,
        address_line2: contact.address_line2,
        address_city: contact.address_city,
        address_zip: contact.address_zip,
        address_country: contact.address_country.code().to_owned(),
        notes: contact.notes,
        updated_at: Time::of(stored.updated_at)?,
        up_to_date,
    };
    Ok(Json(HdsContactRoot { hds_contact }))
}
