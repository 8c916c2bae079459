//! `/finance/v1/self`: whose key asks.

use axum::Json;
use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::access::Role;
use crate::http::answer::Refused;
use crate::http::desk::Operator;
use crate::http::time::Time;

/// A key of the house.
#[derive(Serialize, ToSchema)]
pub struct OperatorKey {
    id: String,
    /// Who it is in the audit trail.
    name: String,
    /// `viewer`, `operator` or `approver`.
    role: &'static str,
    created_at: Time,
    /// `null` until it is revoked.
    expires_at: Option<Time>,
}

#[derive(Serialize, ToSchema)]
pub struct OperatorKeyRoot {
    key: OperatorKey,
}

/// Show the key that asks
#[utoipa::path(
    get,
    path = "/finance/v1/self",
    tag = "finance",
    security(("operator" = [])),
    extensions(("x-role" = json!("viewer"))),
    responses((status = 200, body = OperatorKeyRoot), Refused)
)]
pub async fn show(operator: Operator) -> Result<Json<OperatorKeyRoot>, Refused> {
    let operator = operator.allow(Role::Viewer)?;
    let key = operator.key();
    Ok(Json(OperatorKeyRoot {
        key: OperatorKey {
            id: key.id.clone(),
            name: key.name.clone(),
            role: key.role.code(),
            created_at: Time::of(key.created_at)?,
            expires_at: Time::of_any(key.expires_at)?,
        },
    }))
}
