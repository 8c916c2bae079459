//! Where the links in mails lead that unlock an account, confirm its address, or
//! confirm that it is to be deleted. Looking at a page does nothing, so that whatever
//! follows links in mails does no harm: only the button on it does.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use axum::routing::{MethodRouter, get};

use super::deletion;
use super::link_page::{Button, Content, page, pick, token_in, wanted};
use super::shutdown::Shutdown;
use crate::domain::account::Language;
use crate::engine::access::AccessError;
use crate::engine::deletion::Consent;
use crate::engine::run::Engine;
use crate::store::rows::LinkPurpose;

/// What a link does.
#[derive(Clone, Copy)]
pub enum Errand {
    Unlock,
    ConfirmEmail,
    Delete,
}

/// What keeps a link from being used.
pub(super) enum Trouble {
    /// It does not work.
    Link,
    /// Something is to be settled before.
    Conflict(Content<'static>),
    /// It is our fault; the link still works.
    Ours(String),
}

/// The page of an errand, and its button. What the button does goes on though whoever
/// pressed it went away: money may move.
pub fn route(errand: Errand, shutdown: &Shutdown) -> MethodRouter<Arc<Engine>> {
    let shutdown = shutdown.clone();
    get(
        async move |State(engine): State<Arc<Engine>>,
                    headers: HeaderMap,
                    RawQuery(query): RawQuery| {
            show(errand, &engine, &headers, query.as_deref()).await
        },
    )
    .post(
        async move |State(engine): State<Arc<Engine>>, headers: HeaderMap, body: Bytes| {
            let done = async move { done(errand, &engine, &headers, &body).await };
            shutdown.unbroken(done).await
        },
    )
}

async fn show(
    errand: Errand,
    engine: &Engine,
    headers: &HeaderMap,
    query: Option<&str>,
) -> Response {
    let asked_for = wanted(headers);
    let Some(token) = query.and_then(token_in) else {
        return problem(errand, asked_for, Trouble::Link);
    };
    match language_of(errand, engine, token, asked_for).await {
        Ok(language) => {
            let content = errand.question(language, token);
            page(StatusCode::OK, language, &content)
        }
        Err(trouble) => problem(errand, asked_for, trouble),
    }
}

/// The button was pressed.
async fn done(errand: Errand, engine: &Engine, headers: &HeaderMap, body: &[u8]) -> Response {
    let asked_for = wanted(headers);
    let form = std::str::from_utf8(body).ok();
    let Some(token) = form.and_then(token_in) else {
        let content = no_link(errand, asked_for);
        return page(StatusCode::BAD_REQUEST, asked_for, &content);
    };
    let language = language_of(errand, engine, token, asked_for).await;
    let language = language.unwrap_or(asked_for);
    match run(errand, engine, token, language).await {
        Ok(content) => page(StatusCode::OK, language, &content),
        Err(trouble) => problem(errand, language, trouble),
    }
}

/// The language of whose link it is, where it works.
async fn language_of(
    errand: Errand,
    engine: &Engine,
    token: &str,
    asked_for: Language,
) -> Result<Language, Trouble> {
    let purpose = match errand {
        Errand::Unlock => LinkPurpose::Unlock,
        Errand::ConfirmEmail => LinkPurpose::EmailChange,
        Errand::Delete => {
            let language = engine.deletion_link(token).await;
            return language.map_err(|error| deletion::trouble(asked_for, &error));
        }
    };
    let language = engine.link_language(purpose, token).await;
    language.map_err(|error| trouble(asked_for, &error))
}

/// Does what the link is for. What is said of it then.
async fn run(
    errand: Errand,
    engine: &Engine,
    token: &str,
    language: Language,
) -> Result<Content<'static>, Trouble> {
    let (done, words) = match errand {
        Errand::Unlock => (
            engine.unlock(token, None).await,
            pick(
                language,
                "Your account is unlocked.",
                "Votre compte est déverrouillé.",
            ),
        ),
        Errand::ConfirmEmail => (
            engine.confirm_email(token).await,
            pick(
                language,
                "The address of your account is changed.",
                "L’adresse de votre compte est modifiée.",
            ),
        ),
        Errand::Delete => {
            // Every way that money moves lies behind it: kept on the heap, as events are.
            let confirmed = Box::pin(engine.confirm_deletion(Consent::by(token))).await;
            let confirmed = confirmed.map_err(|error| deletion::trouble(language, &error))?;
            tracing::info!(account = %confirmed.account, state = %confirmed.state, "deletion confirmed");
            return Ok(deletion::done(language, &confirmed));
        }
    };
    done.map_err(|error| trouble(language, &error))?;
    Ok(Content::said(pick(language, "Thank you", "Merci"), words))
}

impl Errand {
    fn question(self, language: Language, token: &str) -> Content<'_> {
        let (title, words, label, action) = match self {
            Self::Delete => return deletion::question(language, token),
            Self::Unlock => (
                pick(
                    language,
                    "Unlock your account?",
                    "Déverrouiller votre compte ?",
                ),
                pick(
                    language,
                    "You can sign in with your password again afterwards.",
                    "Vous pourrez ensuite vous reconnecter avec votre mot de passe.",
                ),
                pick(language, "Unlock my account", "Déverrouiller mon compte"),
                "unlock",
            ),
            Self::ConfirmEmail => (
                pick(language, "Use this address?", "Utiliser cette adresse ?"),
                pick(
                    language,
                    "From then on, everything about your account goes to the address that this link was sent to.",
                    "Tout ce qui concerne votre compte sera alors envoyé à l’adresse qui a reçu ce lien.",
                ),
                pick(language, "Confirm the address", "Confirmer l’adresse"),
                "email",
            ),
        };
        Content {
            links: Vec::new(),
            button: Some(Button {
                label,
                action,
                token,
            }),
            ..Content::said(title, words)
        }
    }

    const fn otherwise(self, language: Language) -> &'static str {
        match self {
            Self::Delete => deletion::otherwise(language),
            Self::Unlock => pick(
                language,
                "It was used already, was replaced by a newer one, or has run out. Asking for a new password unlocks \
                 your account as well.",
                "Il a déjà été utilisé, a été remplacé par un lien plus récent, ou a expiré. Demander un nouveau mot \
                 de passe déverrouille aussi votre compte.",
            ),
            Self::ConfirmEmail => pick(
                language,
                "It was used already, was replaced by a newer one, or has run out. Ask for the change again if it is \
                 not done.",
                "Il a déjà été utilisé, a été remplacé par un lien plus récent, ou a expiré. Si l’adresse n’a pas \
                 changé, demandez-le de nouveau.",
            ),
        }
    }
}

fn no_link(errand: Errand, language: Language) -> Content<'static> {
    let title = pick(
        language,
        "This link does not work",
        "Ce lien ne fonctionne pas",
    );
    Content::said(title, errand.otherwise(language))
}

fn trouble(language: Language, error: &AccessError) -> Trouble {
    match error {
        AccessError::Link => Trouble::Link,
        AccessError::EmailTaken => {
            let words = pick(
                language,
                "The address belongs to another account meanwhile.",
                "L’adresse appartient désormais à un autre compte.",
            );
            Trouble::Conflict(Content::said(did_not_work(language), words))
        }
        error => Trouble::Ours(error.to_string()),
    }
}

const fn did_not_work(language: Language) -> &'static str {
    pick(language, "That did not work", "L’opération n’a pas abouti")
}

fn problem(errand: Errand, language: Language, trouble: Trouble) -> Response {
    let (status, content) = match trouble {
        Trouble::Link => (StatusCode::NOT_FOUND, no_link(errand, language)),
        Trouble::Conflict(content) => (StatusCode::CONFLICT, content),
        Trouble::Ours(error) => {
            tracing::error!(error, "a link is not used");
            let words = pick(
                language,
                "Something is wrong on our side, and nothing was done. Please try again later: the link still works.",
                "Un problème est survenu de notre côté et rien n’a été fait. Merci de réessayer plus tard : le lien \
                 reste valable.",
            );
            let content = Content::said(did_not_work(language), words);
            (StatusCode::INTERNAL_SERVER_ERROR, content)
        }
    };
    page(status, language, &content)
}
