//! `/v1/downloads`: what a signed link leads to. The link is in no log, no cache and no
//! referrer; whoever has it may use it for five minutes.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{Extensions, HeaderMap};
use axum::response::Response;

use super::Api;
use super::refusal::refused;
use crate::engine::access::AccessError;
use crate::engine::access::link::Signature;
use crate::http::answer::Refused;
use crate::http::path::Id;
use crate::http::query::Query;

/// The link to an invoice's PDF.
pub fn link(api: &Api, number: &str) -> Result<String, Refused> {
    signed(api, number).map_err(|error| refused("Invoice", error))
}

/// The same.
pub fn signed(api: &Api, number: &str) -> Result<String, AccessError> {
    let path = path(number);
    let signed = api.keys.downloads.sign(&path, api.engine.clock.now());
    let Signature {
        expires,
        key,
        signature,
    } = signed?;
    Ok(format!(
        "{path}?expires={expires}&key={key}&signature={signature}"
    ))
}

fn path(number: &str) -> String {
    format!("/v1/downloads/{number}")
}

/// Get the PDF of an invoice by a signed link
#[utoipa::path(
    get,
    path = "/v1/downloads/{id}",
    tag = "invoices",
    security(()),
    params(
        ("id" = String, Path, description = "The invoice's number"),
        ("expires" = Option<i64>, Query),
        ("key" = Option<String>, Query),
        ("signature" = Option<String>, Query),
    ),
    responses(
        (status = 200, content_type = "application/pdf", body = Vec<u8>, description = "PDF/A-3 with the Factur-X XML in it."),
        Refused
    )
)]
pub async fn invoice(
    State(api): State<Arc<Api>>,
    headers: HeaderMap,
    extensions: Extensions,
    Id(id): Id,
    query: Query,
) -> Result<Response, Refused> {
    api.limits.address(&headers, &extensions)?;
    let link = signature_in(&query);
    let is_good = link.is_some_and(|link| {
        let keys = &api.keys.downloads;
        keys.is_good(&path(&id), &link, api.engine.clock.now())
    });
    if !is_good {
        return Err(Refused::Forbidden(
            "the link has expired, or is not ours".to_owned(),
        ));
    }
    api.pdfs.answer(&api.engine.store, &id).await
}

fn signature_in(query: &Query) -> Option<Signature> {
    let value = |name| query.value(name).ok().flatten();
    Some(Signature {
        expires: value("expires")?.parse().ok()?,
        key: value("key")?.into_owned(),
        signature: value("signature")?.into_owned(),
    })
}
