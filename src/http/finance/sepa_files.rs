//! `/finance/v1/sepa-files`: direct debits on their way to the bank.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderValue, StatusCode};
use axum::response::Response;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::domain::access::Role;
use crate::http::answer::Refused;
use crate::http::body::Body;
use crate::http::desk::{AllowedOperator, Desk, Operator, ReasonGiven};
use crate::http::path::Id;
use crate::http::pdf::attachment;
use crate::http::time::Day;
use crate::views::sepa::{self, SepaFileMadeView, SepaFileStoryView, SepaFileView};

#[derive(Serialize, ToSchema)]
pub struct SepaFiles {
    sepa_files: Vec<SepaFileView>,
}

#[derive(Serialize, ToSchema)]
pub struct SepaFileRoot {
    sepa_file: SepaFileStoryView,
}

#[derive(Serialize, ToSchema)]
pub struct SepaFileMadeRoot {
    sepa_file: SepaFileMadeView,
}

/// Which file is made, and why.
#[derive(Deserialize, ToSchema)]
pub struct SepaFileAsked {
    /// Collect on this day at the earliest; as early as possible where it is left out.
    collect_on: Option<Day>,
    /// Whether it is only told what would be in it.
    dry_run: Option<bool>,
    /// Wanted where a file is made.
    reason: Option<String>,
}

/// List the files for the bank
///
/// The newest first.
#[utoipa::path(
    get,
    path = "/finance/v1/sepa-files",
    tag = "finance",
    security(("operator" = [])),
    extensions(("x-role" = json!("viewer"))),
    responses((status = 200, body = SepaFiles), Refused)
)]
pub async fn list(
    State(desk): State<Arc<Desk>>,
    operator: Operator,
) -> Result<Json<SepaFiles>, Refused> {
    operator.allow(Role::Viewer)?;
    let batches = desk.engine.batches().await?;
    Ok(Json(SepaFiles {
        sepa_files: batches.iter().map(SepaFileView::from).collect(),
    }))
}

/// Make a file for the bank
///
/// Of every direct debit that waits; nothing is sent before it is released. Asked for
/// again, nothing waits any more, and there is no second file of the same debits.
#[utoipa::path(
    post,
    path = "/finance/v1/sepa-files",
    tag = "finance",
    security(("operator" = [])),
    extensions(("x-role" = json!("operator"))),
    request_body = SepaFileAsked,
    responses(
        (status = 200, body = SepaFileMadeRoot, description = "What would be in it, or that nothing waits."),
        (status = 201, body = SepaFileMadeRoot),
        Refused
    )
)]
pub async fn make(
    State(desk): State<Arc<Desk>>,
    operator: Operator,
    body: Body,
) -> Result<(StatusCode, Json<SepaFileMadeRoot>), Refused> {
    let operator = operator.allow(Role::Operator)?;
    let asked: SepaFileAsked = body.read("sepa_file")?;
    let collect_from = asked.collect_on.map(|day| day.0);
    let made = if asked.dry_run == Some(true) {
        desk.engine.plan_batch(collect_from).await?
    } else {
        let decider = operator.decides(asked.reason.as_deref())?;
        let engine = Arc::clone(&desk.engine);
        let made = desk.shutdown.unbroken(async move {
            let written = engine.write_deed(decider.person(), "sepa_made", "whatever waits");
            written.await.map_err(Refused::internal)?;
            Ok::<_, Refused>(engine.make_batch(collect_from, None).await?)
        });
        made.await??
    };
    let status = match (&made.id, asked.dry_run) {
        (Some(_), None | Some(false)) => StatusCode::CREATED,
        _ => StatusCode::OK,
    };
    let sepa_file = sepa::made(&made, None).map_err(Refused::internal)?;
    Ok((status, Json(SepaFileMadeRoot { sepa_file })))
}

/// Show a file for the bank
///
/// Its blocks, and where its debits stand.
#[utoipa::path(
    get,
    path = "/finance/v1/sepa-files/{id}",
    tag = "finance",
    security(("operator" = [])),
    extensions(("x-role" = json!("viewer"))),
    params(("id" = String, Path)),
    responses((status = 200, body = SepaFileRoot), Refused)
)]
pub async fn show(
    State(desk): State<Arc<Desk>>,
    operator: Operator,
    Id(id): Id,
) -> Result<Json<SepaFileRoot>, Refused> {
    operator.allow(Role::Viewer)?;
    let shown = desk.engine.show_batch(&id).await?;
    Ok(Json(SepaFileRoot {
        sepa_file: SepaFileStoryView::from(&shown),
    }))
}

/// Get a file for the bank
///
/// It is full of account numbers.
#[utoipa::path(
    get,
    path = "/finance/v1/sepa-files/{id}/download",
    tag = "finance",
    security(("operator" = [])),
    extensions(("x-role" = json!("operator"))),
    params(("id" = String, Path)),
    responses(
        (status = 200, content_type = "application/xml", body = Vec<u8>, description = "A pain.008."),
        Refused
    )
)]
pub async fn download(
    State(desk): State<Arc<Desk>>,
    operator: Operator,
    Id(id): Id,
) -> Result<Response, Refused> {
    operator.allow(Role::Operator)?;
    let file = desk.engine.batch_content(&id).await?;
    let kind = HeaderValue::from_static("application/xml");
    attachment(&format!("{id}.xml"), kind, file)
}

/// Let a file go to the bank
///
/// From now on its debits are on their way. Released once, it is 409 to release it
/// again.
#[utoipa::path(
    post,
    path = "/finance/v1/sepa-files/{id}/release",
    tag = "finance",
    security(("operator" = [])),
    extensions(("x-role" = json!("approver"))),
    params(("id" = String, Path)),
    request_body = ReasonGiven,
    responses((status = 200, body = SepaFileRoot), Refused)
)]
pub async fn release(
    State(desk): State<Arc<Desk>>,
    operator: Operator,
    Id(id): Id,
    body: Body,
) -> Result<Json<SepaFileRoot>, Refused> {
    decide(&desk, operator.allow(Role::Approver)?, id, &body, true).await
}

/// Take a file back that never went to the bank
///
/// Its debits are withdrawn.
#[utoipa::path(
    post,
    path = "/finance/v1/sepa-files/{id}/cancel",
    tag = "finance",
    security(("operator" = [])),
    extensions(("x-role" = json!("operator"))),
    params(("id" = String, Path)),
    request_body = ReasonGiven,
    responses((status = 200, body = SepaFileRoot), Refused)
)]
pub async fn cancel(
    State(desk): State<Arc<Desk>>,
    operator: Operator,
    Id(id): Id,
    body: Body,
) -> Result<Json<SepaFileRoot>, Refused> {
    decide(&desk, operator.allow(Role::Operator)?, id, &body, false).await
}

async fn decide(
    desk: &Desk,
    operator: AllowedOperator,
    id: String,
    body: &Body,
    goes: bool,
) -> Result<Json<SepaFileRoot>, Refused> {
    let decider = operator.decides_in(body, "decision")?;
    let engine = Arc::clone(&desk.engine);
    let shown = desk.shutdown.unbroken(async move {
        let by = decider.person();
        if goes {
            engine.release_batch(&id, by).await
        } else {
            engine.cancel_batch(&id, by).await
        }
    });
    let shown = shown.await??;
    Ok(Json(SepaFileRoot {
        sepa_file: SepaFileStoryView::from(&shown),
    }))
}
