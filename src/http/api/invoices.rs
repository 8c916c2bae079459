//! `/v1/account/invoices`: what was issued to the account.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use rust_decimal::prelude::ToPrimitive as _;
use serde::Serialize;
use utoipa::ToSchema;

use super::Api;
use super::caller::Caller;
use super::downloads;
use crate::documents::wording::{line_title, resource_group};
use crate::domain::access::{Scope, Touch};
use crate::domain::invoice::InvoiceNumber;
use crate::domain::invoice::document::Document;
use crate::engine::overview::ShownInvoice;
use crate::http::answer::Refused;
use crate::http::page::{Meta, PageParams, Paged};
use crate::http::path::Id;
use crate::store::StoreError;

/// Amounts are integers in the currency's minor units.
#[derive(Serialize, ToSchema)]
pub struct Invoice {
    /// Its number.
    id: String,
    invoice_number: String,
    /// The first day of the month it bills.
    billing_month: String,
    /// `new`, `paid` or `failed`: unpaid shows as failed once nothing is under way.
    state: String,
    currency: String,
    issued_on: String,
    due_on: String,
    /// Without VAT.
    total_price: i64,
    total_price_with_vat: i64,
    /// What is not paid of it.
    open_price: i64,
    /// Per mille: 200 is 20 %.
    vat_rate: i64,
    /// The way to the PDF on this host, for whoever is let in.
    pdf_url: String,
    /// What each kind of resource comes to, and every discount.
    items: Vec<InvoiceItem>,
    detailed_items: Vec<InvoiceDetailedItem>,
}

#[derive(Serialize, ToSchema)]
pub struct InvoiceItem {
    id: String,
    label: String,
    price: i64,
}

#[derive(Serialize, ToSchema)]
pub struct InvoiceDetailedItem {
    id: String,
    label: String,
    price: i64,
    /// The app it was used by; empty for a discount.
    app: String,
    /// Minutes.
    duration: i64,
}

#[derive(Serialize, ToSchema)]
pub struct Invoices {
    invoices: Vec<Invoice>,
    meta: Meta,
}

#[derive(Serialize, ToSchema)]
pub struct InvoiceRoot {
    invoice: Invoice,
}

/// List invoices
///
/// The latest month first.
#[utoipa::path(
    get,
    path = "/v1/account/invoices",
    tag = "invoices",
    security(("bearer" = [])),
    extensions(("x-scope" = json!("invoices:read"))),
    params(PageParams),
    responses((status = 200, body = Invoices), Refused)
)]
pub async fn list(
    State(api): State<Arc<Api>>,
    caller: Caller,
    paged: Paged,
) -> Result<Json<Invoices>, Refused> {
    let caller = caller.allow(Scope::InvoicesRead, Touch::Read)?;
    let page = paged.read()?;
    let listed = api.engine.account_invoices(
        &api.documents,
        caller.account(),
        page.limit(),
        page.offset(),
    );
    let (invoices, of_all) = listed.await.map_err(refused)?;
    Ok(Json(Invoices {
        invoices: invoices.iter().map(invoice).collect(),
        meta: page.meta(of_all),
    }))
}

/// Show an invoice
#[utoipa::path(
    get,
    path = "/v1/account/invoices/{id}",
    tag = "invoices",
    security(("bearer" = [])),
    extensions(("x-scope" = json!("invoices:read"))),
    params(("id" = String, Path, description = "Its number, such as Q-2026-000001")),
    responses((status = 200, body = InvoiceRoot), Refused)
)]
pub async fn show(
    State(api): State<Arc<Api>>,
    caller: Caller,
    Id(id): Id,
) -> Result<Json<InvoiceRoot>, Refused> {
    let caller = caller.allow(Scope::InvoicesRead, Touch::Read)?;
    let found = find(&api, &caller, &id).await?;
    Ok(Json(InvoiceRoot {
        invoice: invoice(&found),
    }))
}

/// Download an invoice
///
/// Leads to the PDF by a link that is good for five minutes, and asks for no token.
#[utoipa::path(
    get,
    path = "/v1/account/invoices/{id}/download",
    tag = "invoices",
    security(("bearer" = [])),
    extensions(("x-scope" = json!("invoices:read"))),
    params(("id" = String, Path, description = "Its number, such as Q-2026-000001")),
    responses((status = 302, description = "To the PDF: see `Location`."), Refused)
)]
pub async fn download(
    State(api): State<Arc<Api>>,
    caller: Caller,
    Id(id): Id,
) -> Result<Response, Refused> {
    let caller = caller.allow(Scope::InvoicesRead, Touch::Read)?;
    let found = find(&api, &caller, &id).await?;
    let link = downloads::link(&api, &found.document.number)?;
    let location = HeaderValue::try_from(link)
        .map_err(|error| Refused::Internal(format!("the link is no header: {error}")))?;
    Ok((StatusCode::FOUND, [(header::LOCATION, location)]).into_response())
}

async fn find(
    api: &Api,
    caller: &super::caller::Allowed,
    id: &str,
) -> Result<ShownInvoice, Refused> {
    let unknown = Refused::NotFound("Invoice");
    let Ok(number) = id.parse::<InvoiceNumber>() else {
        return Err(unknown);
    };
    let found = api
        .engine
        .account_invoice(&api.documents, caller.account(), &number);
    found.await.map_err(refused)?.ok_or(unknown)
}

fn refused(error: StoreError) -> Refused {
    Refused::internal(error)
}

fn invoice(shown: &ShownInvoice) -> Invoice {
    let document = &*shown.document;
    Invoice {
        id: document.number.clone(),
        invoice_number: document.number.clone(),
        billing_month: document.first_day.to_string(),
        state: shown.state.code().to_owned(),
        currency: document.currency.code().to_owned(),
        issued_on: document.issued_on.to_string(),
        due_on: document.due_on.to_string(),
        total_price: document.net_minor,
        total_price_with_vat: document.total_minor,
        open_price: shown.open_minor,
        vat_rate: vat_rate_per_mille(document),
        pdf_url: format!("/v1/account/invoices/{}/download", document.number),
        items: items(document),
        detailed_items: detailed_items(document),
    }
}

/// An invoice has one rate, as a rule; where it has two, that of the larger base.
fn vat_rate_per_mille(document: &Document) -> i64 {
    let main = document.vat.iter().max_by_key(|group| group.base_minor);
    main.and_then(|group| (group.rate * rust_decimal::Decimal::TEN).round().to_i64())
        .unwrap_or(0)
}

fn items(document: &Document) -> Vec<InvoiceItem> {
    let language = document.language;
    let mut sums: BTreeMap<&str, i64> = BTreeMap::new();
    let mut order = Vec::new();
    let mut rest = Vec::new();
    for line in &document.lines {
        match &line.usage {
            Some(usage) => {
                let label = resource_group(usage.kind, language);
                let sum = sums.entry(label).or_insert_with(|| {
                    order.push(label);
                    0
                });
                *sum = sum.saturating_add(line.amount_minor);
            }
            None => rest.push((line_title(line, language), line.amount_minor)),
        }
    }
    let groups = order
        .into_iter()
        .map(|label| (label.to_owned(), sums.get(label).copied().unwrap_or(0)));
    groups
        .chain(rest)
        .zip(1_u32..)
        .map(|((label, price), id)| InvoiceItem {
            id: id.to_string(),
            label,
            price,
        })
        .collect()
}

fn detailed_items(document: &Document) -> Vec<InvoiceDetailedItem> {
    let lines = document.lines.iter().zip(1_u32..);
    lines
        .map(|(line, id)| {
            let usage = line.usage.as_ref();
            InvoiceDetailedItem {
                id: id.to_string(),
                label: line_title(line, document.language),
                price: line.amount_minor,
                app: usage.map(|usage| usage.app.clone()).unwrap_or_default(),
                duration: usage.map(|usage| usage.minutes).unwrap_or_default(),
            }
        })
        .collect()
}
