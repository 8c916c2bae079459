//! `/v1/account/usage`: what was used, priced as the invoice will be.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use chrono::NaiveDate;
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};

use super::Api;
use super::caller::Caller;
use crate::documents::wording::line_title;
use crate::domain::access::{Scope, Touch};
use crate::domain::account::Language;
use crate::domain::invoice::document::DocumentLine;
use crate::engine::run::{Estimate, EstimateError, Span};
use crate::http::answer::Refused;
use crate::http::query::Query;
use crate::http::time::Time;

#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "it describes what `span` reads")]
pub struct UsageParams {
    /// The first day, such as 2026-11-01, in the issuer's zone. Without it, the current
    /// month so far, as its invoice would be.
    #[param(value_type = Option<String>, format = Date)]
    from: Option<NaiveDate>,
    /// The last day; up to now at most.
    #[param(value_type = Option<String>, format = Date)]
    to: Option<NaiveDate>,
}

/// Amounts are integers in the currency's minor units.
#[derive(Serialize, ToSchema)]
pub struct Usage {
    from: Time,
    /// Up to when it is counted, which is now at most.
    to: Time,
    currency: String,
    items: Vec<UsageItem>,
    /// Without VAT.
    total_price: i64,
    vat: i64,
    total_price_with_vat: i64,
}

#[derive(Serialize, ToSchema)]
pub struct UsageItem {
    /// In the account's language.
    label: String,
    price: i64,
    /// Empty for a free trial, a discount or a voucher.
    app: String,
    minutes: i64,
    /// Per minute, in major units, as a decimal number.
    unit_price: Option<String>,
}

#[derive(Serialize, ToSchema)]
pub struct UsageRoot {
    usage: Usage,
}

/// Show usage and its price
///
/// Of the current month so far: what its invoice would be, discounts, vouchers and late
/// usage included. Of days: their usage, priced in the same way, without what is
/// granted by the month.
#[utoipa::path(
    get,
    path = "/v1/account/usage",
    tag = "billing",
    security(("bearer" = [])),
    extensions(("x-scope" = json!("billing:read"))),
    params(UsageParams),
    responses((status = 200, body = UsageRoot), Refused)
)]
pub async fn show(
    State(api): State<Arc<Api>>,
    caller: Caller,
    query: Query,
) -> Result<Json<UsageRoot>, Refused> {
    let caller = caller.allow(Scope::BillingRead, Touch::Read)?;
    let account = caller.account();
    let span = match days(&query)? {
        None => Span::MonthSoFar,
        Some((first, last)) => api.engine.days(first, last).map_err(refused)?,
    };
    let profile = api.engine.profile(account).await;
    let profile = profile.map_err(Refused::internal)?;
    let estimate = api.engine.estimate(account, span).await.map_err(refused)?;
    let usage = shown(&estimate, profile.language)?;
    Ok(Json(UsageRoot { usage }))
}

fn days(query: &Query) -> Result<Option<(NaiveDate, NaiveDate)>, Refused> {
    let (from, to) = (day(query, "from")?, day(query, "to")?);
    match (from, to) {
        (None, None) => Ok(None),
        (Some(first), Some(last)) => Ok(Some((first, last))),
        (Some(_), None) => Err(Refused::field("to", "can't be blank")),
        (None, Some(_)) => Err(Refused::field("from", "can't be blank")),
    }
}

fn day(query: &Query, name: &'static str) -> Result<Option<NaiveDate>, Refused> {
    let Some(value) = query.value(name)? else {
        return Ok(None);
    };
    let day = NaiveDate::parse_from_str(&value, "%Y-%m-%d");
    day.map(Some)
        .map_err(|_| Refused::field(name, "is not a day such as 2026-11-01"))
}

fn refused(error: EstimateError) -> Refused {
    match error {
        EstimateError::Reversed | EstimateError::TooLong => Refused::field("to", error.to_string()),
        EstimateError::Period(_) | EstimateError::Date => Refused::field("from", error.to_string()),
        EstimateError::HeldBack(reason) => Refused::Conflict(reason.to_string()),
        EstimateError::Store(error) => Refused::internal(error),
    }
}

fn shown(estimate: &Estimate, language: Language) -> Result<Usage, Refused> {
    Ok(Usage {
        from: Time::of(estimate.start)?,
        to: Time::of(estimate.end)?,
        currency: estimate.currency.code().to_owned(),
        items: estimate
            .lines
            .iter()
            .map(|line| item(line, language))
            .collect(),
        total_price: estimate.net_minor,
        vat: estimate.vat_minor,
        total_price_with_vat: estimate.total_minor,
    })
}

fn item(line: &DocumentLine, language: Language) -> UsageItem {
    let usage = line.usage.as_ref();
    UsageItem {
        label: line_title(line, language),
        price: line.amount_minor,
        app: usage.map(|usage| usage.app.clone()).unwrap_or_default(),
        minutes: usage.map(|usage| usage.minutes).unwrap_or_default(),
        unit_price: usage.map(|usage| usage.unit_price.normalize().to_string()),
    }
}
