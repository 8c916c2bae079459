//! Where the links in mails lead that unlock an account, or confirm its address.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use axum::routing::{MethodRouter, get};

use super::link_page::{Button, Content, page, pick, token_in, wanted};
use crate::domain::account::Language;
use crate::engine::access::AccessError;
use crate::engine::run::Engine;
use crate::store::rows::LinkPurpose;

/// What a link does.
#[derive(Clone, Copy)]
pub enum Errand {
    Unlock,
    ConfirmEmail,
}

/// The page of an errand, and its button.
pub fn route(errand: Errand) -> MethodRouter<Arc<Engine>> {
    get(
        async move |State(engine): State<Arc<Engine>>,
                    headers: HeaderMap,
                    RawQuery(query): RawQuery| {
            show(errand, &engine, &headers, query.as_deref()).await
        },
    )
    .post(
        async move |State(engine): State<Arc<Engine>>, headers: HeaderMap, body: Bytes| {
            done(errand, &engine, &headers, &body).await
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
        return no_link(errand, asked_for);
    };
    match engine.link_language(errand.purpose(), token).await {
        Ok(language) => {
            let content = errand.question(language, token);
            page(StatusCode::OK, language, &content)
        }
        Err(error) => problem(errand, asked_for, &error),
    }
}

/// The button was pressed.
async fn done(errand: Errand, engine: &Engine, headers: &HeaderMap, body: &[u8]) -> Response {
    let asked_for = wanted(headers);
    let form = std::str::from_utf8(body).ok();
    let Some(token) = form.and_then(token_in) else {
        return no_link(errand, asked_for);
    };
    let language = engine.link_language(errand.purpose(), token).await;
    let language = language.unwrap_or(asked_for);
    let done = match errand {
        Errand::Unlock => engine.unlock(token).await,
        Errand::ConfirmEmail => engine.confirm_email(token).await,
    };
    match done {
        Ok(()) => {
            let content = said(pick(language, "Thank you", "Merci"), errand.done(language));
            page(StatusCode::OK, language, &content)
        }
        Err(error) => problem(errand, language, &error),
    }
}

impl Errand {
    const fn purpose(self) -> LinkPurpose {
        match self {
            Self::Unlock => LinkPurpose::Unlock,
            Self::ConfirmEmail => LinkPurpose::EmailChange,
        }
    }

    fn question(self, language: Language, token: &str) -> Content<'_> {
        let (title, words, label, action) = match self {
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
            button: Some(Button {
                label,
                action,
                token,
            }),
            ..said(title, words)
        }
    }

    const fn done(self, language: Language) -> &'static str {
        match self {
            Self::Unlock => pick(
                language,
                "Your account is unlocked.",
                "Votre compte est déverrouillé.",
            ),
            Self::ConfirmEmail => pick(
                language,
                "The address of your account is changed.",
                "L’adresse de votre compte est modifiée.",
            ),
        }
    }

    const fn otherwise(self, language: Language) -> &'static str {
        match self {
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

fn said(title: &'static str, words: &str) -> Content<'static> {
    Content {
        title,
        paragraphs: vec![words.to_owned()],
        button: None,
    }
}

fn no_link(errand: Errand, language: Language) -> Response {
    let title = pick(
        language,
        "This link does not work",
        "Ce lien ne fonctionne pas",
    );
    let content = said(title, errand.otherwise(language));
    page(StatusCode::NOT_FOUND, language, &content)
}

fn problem(errand: Errand, language: Language, error: &AccessError) -> Response {
    let title = pick(language, "That did not work", "L’opération n’a pas abouti");
    match error {
        AccessError::Link => no_link(errand, language),
        AccessError::EmailTaken => {
            let words = pick(
                language,
                "The address belongs to another account meanwhile.",
                "L’adresse appartient désormais à un autre compte.",
            );
            page(StatusCode::CONFLICT, language, &said(title, words))
        }
        error => {
            tracing::error!(%error, "a link is not used");
            let words = pick(
                language,
                "Something is wrong on our side, and nothing was done. Please try again later: the link still works.",
                "Un problème est survenu de notre côté et rien n’a été fait. Merci de réessayer plus tard : le lien \
                 reste valable.",
            );
            page(
                StatusCode::INTERNAL_SERVER_ERROR,
                language,
                &said(title, words),
            )
        }
    }
}
