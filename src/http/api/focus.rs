//! `/v1/account/usage/focus.csv`: a month's charges for cost tools.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use utoipa::IntoParams;

use super::Api;
use super::caller::Caller;
use crate::documents::focus::{Charges, focus_csv};
use crate::domain::access::{Scope, Touch};
use crate::domain::calendar::PeriodKey;
use crate::engine::overview::{MonthCharges, MonthError};
use crate::engine::run::EstimateError;
use crate::http::answer::Refused;
use crate::http::query::Query;

#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "it describes what the handler reads")]
pub struct FocusParams {
    /// Such as `2026-10`; the current month, as far as it is, by default.
    month: Option<String>,
}

/// Export a month's charges as `FinOps` FOCUS
///
/// As the month's invoice bills them; of the current month, what its invoice would be.
#[utoipa::path(
    get,
    path = "/v1/account/usage/focus.csv",
    tag = "billing",
    security(("bearer" = [])),
    extensions(("x-scope" = json!("billing:read"))),
    params(FocusParams),
    responses(
        (status = 200, content_type = "text/csv", body = String, description = "A header, and a row a charge."),
        Refused
    )
)]
pub async fn export(
    State(api): State<Arc<Api>>,
    caller: Caller,
    query: Query,
) -> Result<Response, Refused> {
    let caller = caller.allow(Scope::BillingRead, Touch::Read)?;
    let month = query.value("month")?.map(|text| text.parse::<PeriodKey>());
    let month = month
        .transpose()
        .map_err(|_| Refused::field("month", "is no month such as 2026-10"))?;
    let (engine, account) = (&api.engine, caller.account());
    let profile = engine.profile(account).await;
    let profile = profile.map_err(Refused::internal)?;
    let charged = engine.month_charges(&api.documents, account, month).await;
    let charged = charged.map_err(refused)?;
    let now = Charges {
        account: &profile.account,
        account_name: profile.legal_name(),
        issuer: &engine.config.issuer.name,
        invoice: None,
        currency: match &charged {
            MonthCharges::Issued(_, document) => document.currency,
            MonthCharges::SoFar(_, estimate) => estimate.currency,
        },
        period: match &charged {
            MonthCharges::Issued(period, _) | MonthCharges::SoFar(period, _) => *period,
        },
        lines: &[],
        vat: &[],
        zone: engine.config.zone(),
    };
    let table = match &charged {
        MonthCharges::Issued(_, document) => focus_csv(&Charges {
            account_name: document.customer.legal_name(),
            issuer: &document.issuer.name,
            invoice: Some(&document.number),
            lines: &document.lines,
            vat: &document.vat,
            ..now
        }),
        MonthCharges::SoFar(_, estimate) => focus_csv(&Charges {
            lines: &estimate.lines,
            vat: estimate.vat.as_slice(),
            ..now
        }),
    };
    let table = table.map_err(Refused::internal)?;
    let csv = HeaderValue::from_static("text/csv; charset=utf-8");
    Ok(([(header::CONTENT_TYPE, csv)], table).into_response())
}

fn refused(error: MonthError) -> Refused {
    match error {
        MonthError::NoInvoice(_) => Refused::NotFound("Invoice"),
        MonthError::Estimate(EstimateError::HeldBack(reason)) => {
            Refused::Conflict(reason.to_string())
        }
        error @ (MonthError::Store(_) | MonthError::Period(_) | MonthError::Estimate(_)) => {
            Refused::internal(error)
        }
    }
}
