//! `/v1/account/accountants`: whom the customer invited to look at its invoices; and
//! the page that their link leads to. The link is in no log, no cache and no referrer.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::caller::Caller;
use super::refusal::refused;
use super::{Api, downloads};
use crate::documents::wording::{amount, date};
use crate::domain::access::{Scope, Touch};
use crate::domain::account::Language;
use crate::domain::invoice::InvoiceState;
use crate::engine::access::AccessError;
use crate::engine::overview::ShownInvoice;
use crate::http::answer::Refused;
use crate::http::body::Body;
use crate::http::link_page::{Content, Link, page, pick, token_in, wanted};
use crate::http::path::Id;
use crate::http::query::Query;
use crate::http::time::Time;
use crate::store::rows::StoredAccountant;

/// More than eight years of them.
const LISTED_MAX: i64 = 100;

/// Who is to be invited.
#[derive(Deserialize, ToSchema)]
pub struct NewAccountant {
    email: Option<String>,
}

/// Somebody who may look at invoices, and at nothing else.
#[derive(Serialize, ToSchema)]
pub struct Accountant {
    id: String,
    email: String,
    invited_at: Time,
    /// When it last looked; `null` until it does.
    last_seen_at: Option<Time>,
}

#[derive(Serialize, ToSchema)]
pub struct Accountants {
    accountants: Vec<Accountant>,
}

#[derive(Serialize, ToSchema)]
pub struct AccountantRoot {
    accountant: Accountant,
}

/// List accountants
#[utoipa::path(
    get,
    path = "/v1/account/accountants",
    tag = "account",
    security(("bearer" = [])),
    extensions(("x-scope" = json!("account:read"))),
    responses((status = 200, body = Accountants), Refused)
)]
pub async fn list(
    State(api): State<Arc<Api>>,
    caller: Caller,
) -> Result<Json<Accountants>, Refused> {
    let caller = caller.allow(Scope::AccountRead, Touch::Read)?;
    let all = api.engine.accountants(caller.account()).await;
    let all = all.map_err(|error| refused("Accountant", error))?;
    let accountants = all.into_iter().map(accountant).collect::<Result<_, _>>()?;
    Ok(Json(Accountants { accountants }))
}

/// Invite an accountant
///
/// A link is mailed that shows the invoices, new ones included, until the invitation is
/// taken back.
#[utoipa::path(
    post,
    path = "/v1/account/accountants",
    tag = "account",
    security(("bearer" = [])),
    extensions(("x-scope" = json!("account:write"))),
    request_body = NewAccountant,
    responses((status = 201, body = AccountantRoot), Refused)
)]
pub async fn invite(
    State(api): State<Arc<Api>>,
    caller: Caller,
    body: Body,
) -> Result<(StatusCode, Json<AccountantRoot>), Refused> {
    let caller = caller.allow(Scope::AccountWrite, Touch::Change)?;
    let new: NewAccountant = body.read("accountant")?;
    let email = new.email.unwrap_or_default();
    let invited = api
        .engine
        .invite_accountant(caller.account(), &email, caller.person());
    let invited = invited
        .await
        .map_err(|error| refused("Accountant", error))?;
    let accountant = accountant(invited)?;
    Ok((StatusCode::CREATED, Json(AccountantRoot { accountant })))
}

/// Take an invitation back
#[utoipa::path(
    delete,
    path = "/v1/account/accountants/{id}",
    tag = "account",
    security(("bearer" = [])),
    extensions(("x-scope" = json!("account:write"))),
    params(("id" = String, Path)),
    responses((status = 204), Refused)
)]
pub async fn remove(
    State(api): State<Arc<Api>>,
    caller: Caller,
    Id(id): Id,
) -> Result<StatusCode, Refused> {
    let caller = caller.allow(Scope::AccountWrite, Touch::Change)?;
    let removed = api
        .engine
        .remove_accountant(caller.account(), &id, caller.person());
    removed
        .await
        .map_err(|error| refused("Accountant", error))?;
    Ok(StatusCode::NO_CONTENT)
}

/// The page that an accountant's link leads to. Opening it changes nothing but when it
/// was last seen.
pub async fn show(State(api): State<Arc<Api>>, headers: HeaderMap, query: Query) -> Response {
    let language = wanted(&headers);
    let listed = match token_in(&query.0) {
        Some(token) => invoices(&api, token, language).await,
        None => Err(AccessError::Link),
    };
    match listed {
        Ok(content) => page(StatusCode::OK, language, &content),
        Err(AccessError::Link) => {
            let words = pick(
                language,
                "It was taken back, or is not whole. Please ask whoever invited you.",
                "Il a été retiré, ou est incomplet. Adressez-vous à la personne qui vous a invité.",
            );
            let title = pick(
                language,
                "This link does not work",
                "Ce lien ne fonctionne pas",
            );
            page(
                StatusCode::NOT_FOUND,
                language,
                &Content::said(title, words),
            )
        }
        Err(error) => {
            tracing::error!(%error, "invoices are not shown to an accountant");
            let words = pick(
                language,
                "Something is wrong on our side. Please try again later: the link still works.",
                "Un problème est survenu de notre côté. Merci de réessayer plus tard : le lien reste valable.",
            );
            let title = pick(language, "That did not work", "L’opération n’a pas abouti");
            let content = Content::said(title, words);
            page(StatusCode::INTERNAL_SERVER_ERROR, language, &content)
        }
    }
}

async fn invoices(
    api: &Api,
    token: &str,
    language: Language,
) -> Result<Content<'static>, AccessError> {
    let (account, profile) = api.engine.customer_of_accountant(token).await?;
    let listed = api
        .engine
        .account_invoices(&api.documents, account, LISTED_MAX, 0);
    let (invoices, _) = listed.await?;
    let words = if invoices.is_empty() {
        pick(
            language,
            "There are no invoices yet.",
            "Il n’y a pas encore de facture.",
        )
    } else {
        pick(
            language,
            "The links to the files work for five minutes: open this page again for new ones.",
            "Les liens vers les fichiers sont valables cinq minutes : rouvrez cette page pour en obtenir de nouveaux.",
        )
    };
    let mut content = Content::said(pick(language, "Invoices", "Factures"), words);
    content
        .paragraphs
        .insert(0, profile.legal_name().to_owned());
    for invoice in &invoices {
        content.links.push(Link {
            label: label(invoice, language),
            href: downloads::signed(api, &invoice.document.number)?,
        });
    }
    Ok(content)
}

fn label(invoice: &ShownInvoice, language: Language) -> String {
    let document = &*invoice.document;
    let state = match invoice.state {
        InvoiceState::Paid => pick(language, "paid", "payée"),
        InvoiceState::New | InvoiceState::Failed => pick(language, "to be paid", "à payer"),
    };
    format!(
        "{}, {}, {}, {state}",
        document.number,
        date(document.issued_on, language),
        amount(document.total_minor, document.currency, language),
    )
}

fn accountant(stored: StoredAccountant) -> Result<Accountant, Refused> {
    Ok(Accountant {
        id: stored.id,
        email: stored.email,
        invited_at: Time::of(stored.invited_at)?,
        last_seen_at: Time::of_any(stored.seen_at)?,
    })
}
