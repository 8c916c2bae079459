//! `/finance/v1/invoices`: what was issued, to whomever.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::access::Role;
use crate::domain::invoice::InvoiceNumber;
use crate::engine::desk::asked::ScopeAsked;
use crate::engine::issued::load_document;
use crate::http::answer::Refused;
use crate::http::body::Body;
use crate::http::desk::{Desk, Operator, ReasonGiven};
use crate::http::page::{Meta, PageParams, Paged};
use crate::http::path::Id;
use crate::http::query::Query;
use crate::views::invoice::{InvoiceHeadView, InvoiceView};

#[derive(Serialize, ToSchema)]
pub struct IssuedInvoices {
    invoices: Vec<InvoiceHeadView>,
    meta: Meta,
}

#[derive(Serialize, ToSchema)]
pub struct IssuedInvoiceRoot {
    invoice: InvoiceView,
}

#[derive(Serialize, ToSchema)]
pub struct WriteOffRoot {
    write_off: WriteOff,
}

#[derive(Serialize, ToSchema)]
pub struct WriteOff {
    invoice: String,
    currency: &'static str,
    /// What was open of it.
    amount_minor: i64,
}

/// List invoices of every account
///
/// By number.
#[utoipa::path(
    get,
    path = "/finance/v1/invoices",
    tag = "finance",
    security(("operator" = [])),
    extensions(("x-role" = json!("viewer"))),
    params(
        ("period" = Option<String>, Query, description = "Only of this month, such as 2026-10"),
        ("account" = Option<String>, Query, description = "Only of this account"),
        PageParams,
    ),
    responses((status = 200, body = IssuedInvoices), Refused)
)]
pub async fn list(
    State(desk): State<Arc<Desk>>,
    operator: Operator,
    query: Query,
    paged: Paged,
) -> Result<Json<IssuedInvoices>, Refused> {
    operator.allow(Role::Viewer)?;
    let page = paged.read()?;
    let asked = ScopeAsked {
        account: query.parsed("account")?,
        invoice: None,
        period: query.parsed("period")?,
    };
    let (heads, of_all) = desk.engine.invoice_heads(&asked, page.bounds()).await?;
    Ok(Json(IssuedInvoices {
        invoices: heads.into_iter().map(InvoiceHeadView::from).collect(),
        meta: page.meta(of_all),
    }))
}

/// Show an invoice of any account
#[utoipa::path(
    get,
    path = "/finance/v1/invoices/{id}",
    tag = "finance",
    security(("operator" = [])),
    extensions(("x-role" = json!("viewer"))),
    params(("id" = String, Path, description = "Its number")),
    responses((status = 200, body = IssuedInvoiceRoot), Refused)
)]
pub async fn show(
    State(desk): State<Arc<Desk>>,
    operator: Operator,
    Id(id): Id,
) -> Result<Json<IssuedInvoiceRoot>, Refused> {
    operator.allow(Role::Viewer)?;
    let document = load_document(&desk.engine.store, &number(&id)?).await;
    let document = document.map_err(Refused::internal)?;
    let document = document.ok_or(Refused::NotFound("Invoice"))?;
    Ok(Json(IssuedInvoiceRoot {
        invoice: InvoiceView::from(document),
    }))
}

/// Get the PDF of an invoice of any account
#[utoipa::path(
    get,
    path = "/finance/v1/invoices/{id}/download",
    tag = "finance",
    security(("operator" = [])),
    extensions(("x-role" = json!("viewer"))),
    params(("id" = String, Path, description = "Its number")),
    responses(
        (status = 200, content_type = "application/pdf", body = Vec<u8>, description = "PDF/A-3 with the Factur-X XML in it."),
        Refused
    )
)]
pub async fn download(
    State(desk): State<Arc<Desk>>,
    operator: Operator,
    Id(id): Id,
) -> Result<Response, Refused> {
    operator.allow(Role::Viewer)?;
    desk.pdfs.answer(&desk.engine.store, &id).await
}

/// Give up what is open of an invoice
///
/// It is not charged any more. Asked for again, nothing is open: 409.
#[utoipa::path(
    post,
    path = "/finance/v1/invoices/{id}/write-off",
    tag = "finance",
    security(("operator" = [])),
    extensions(("x-role" = json!("approver"))),
    params(("id" = String, Path, description = "Its number")),
    request_body = ReasonGiven,
    responses((status = 201, body = WriteOffRoot), Refused)
)]
pub async fn write_off(
    State(desk): State<Arc<Desk>>,
    operator: Operator,
    Id(id): Id,
    body: Body,
) -> Result<(StatusCode, Json<WriteOffRoot>), Refused> {
    let operator = operator.allow(Role::Approver)?;
    let decider = operator.decides_in(&body, "write_off")?;
    let number = number(&id)?;
    let engine = Arc::clone(&desk.engine);
    let given_up = desk
        .shutdown
        .unbroken(async move { engine.write_off(&number, decider.person()).await })
        .await??;
    let write_off = WriteOff {
        invoice: id,
        currency: given_up.currency.code(),
        amount_minor: given_up.minor,
    };
    Ok((StatusCode::CREATED, Json(WriteOffRoot { write_off })))
}

fn number(id: &str) -> Result<InvoiceNumber, Refused> {
    id.parse().map_err(|_| Refused::NotFound("Invoice"))
}
