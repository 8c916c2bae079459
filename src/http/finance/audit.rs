//! `/finance/v1/audit`: what people did.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::access::Role;
use crate::http::answer::Refused;
use crate::http::desk::{Desk, Operator};
use crate::http::page::{Meta, PageParams, Paged};
use crate::http::query::Query;
use crate::views::audit::AuditEntryView;

#[derive(Serialize, ToSchema)]
pub struct AuditTrail {
    audit: Vec<AuditEntryView>,
    meta: Meta,
}

/// List what people did
///
/// The latest first: to one account, or all of it.
#[utoipa::path(
    get,
    path = "/finance/v1/audit",
    tag = "finance",
    security(("operator" = [])),
    extensions(("x-role" = json!("viewer"))),
    params(
        ("account" = Option<String>, Query, description = "Only to this account"),
        PageParams,
    ),
    responses((status = 200, body = AuditTrail), Refused)
)]
pub async fn list(
    State(desk): State<Arc<Desk>>,
    operator: Operator,
    query: Query,
    paged: Paged,
) -> Result<Json<AuditTrail>, Refused> {
    operator.allow(Role::Viewer)?;
    let page = paged.read()?;
    let account = query.value("account")?;
    let listed = desk.engine.audit_trail(account.as_deref(), page.bounds());
    let (entries, of_all) = listed.await?;
    Ok(Json(AuditTrail {
        audit: entries.into_iter().map(AuditEntryView::from).collect(),
        meta: page.meta(of_all),
    }))
}
