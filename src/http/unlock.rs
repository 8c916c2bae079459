//! Where the link in a mail leads that unlocks an account.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;

use super::link_page::{Button, Content, page, pick, token_in, wanted};
use crate::domain::account::Language;
use crate::engine::access::AccessError;
use crate::engine::run::Engine;

/// The page with the button.
pub async fn show(
    State(engine): State<Arc<Engine>>,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Response {
    let asked_for = wanted(&headers);
    let Some(token) = query.as_deref().and_then(token_in) else {
        return no_link(asked_for);
    };
    match engine.unlock_link(token).await {
        Ok(language) => page(StatusCode::OK, language, &question(language, token)),
        Err(error) => problem(asked_for, &error),
    }
}

/// The button was pressed.
pub async fn unlock(
    State(engine): State<Arc<Engine>>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let asked_for = wanted(&headers);
    let form = std::str::from_utf8(&body).ok();
    let Some(token) = form.and_then(token_in) else {
        return no_link(asked_for);
    };
    let language = engine.unlock_link(token).await.unwrap_or(asked_for);
    match engine.unlock(token).await {
        Ok(()) => page(StatusCode::OK, language, &done(language)),
        Err(error) => problem(language, &error),
    }
}

fn question(language: Language, token: &str) -> Content<'_> {
    Content {
        title: pick(
            language,
            "Unlock your account?",
            "Déverrouiller votre compte ?",
        ),
        paragraphs: vec![
            pick(
                language,
                "You can sign in with your password again afterwards.",
                "Vous pourrez ensuite vous reconnecter avec votre mot de passe.",
            )
            .to_owned(),
        ],
        button: Some(Button {
            label: pick(language, "Unlock my account", "Déverrouiller mon compte"),
            action: "unlock",
            token,
        }),
    }
}

fn done(language: Language) -> Content<'static> {
    Content {
        title: pick(language, "Thank you", "Merci"),
        paragraphs: vec![
            pick(
                language,
                "Your account is unlocked.",
                "Votre compte est déverrouillé.",
            )
            .to_owned(),
        ],
        button: None,
    }
}

fn no_link(language: Language) -> Response {
    let content = Content {
        title: pick(
            language,
            "This link does not work",
            "Ce lien ne fonctionne pas",
        ),
        paragraphs: vec![
            pick(
                language,
                "It was used already, was replaced by a newer one, or has run out. Asking for a new password unlocks \
                 your account as well.",
                "Il a déjà été utilisé, a été remplacé par un lien plus récent, ou a expiré. Demander un nouveau mot \
                 de passe déverrouille aussi votre compte.",
            )
            .to_owned(),
        ],
        button: None,
    };
    page(StatusCode::NOT_FOUND, language, &content)
}

fn problem(language: Language, error: &AccessError) -> Response {
    if matches!(error, AccessError::Link) {
        return no_link(language);
    }
    tracing::error!(%error, "an account is not unlocked");
    let content = Content {
        title: pick(language, "That did not work", "L’opération n’a pas abouti"),
        paragraphs: vec![
            pick(
                language,
                "Something is wrong on our side, and nothing was done. Please try again later: the link still works.",
                "Un problème est survenu de notre côté et rien n’a été fait. Merci de réessayer plus tard : le lien \
                 reste valable.",
            )
            .to_owned(),
        ],
        button: None,
    };
    page(StatusCode::INTERNAL_SERVER_ERROR, language, &content)
}
