//! Providers' events. The answer is all they hear: 200 when the event is done
//! with, 400 when it is not theirs, 404 when the settings do not have them, 429
//! when too many came at once, 500 to have it sent again later.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};

use crate::engine::deletion::{StepError, StepOutcome};
use crate::engine::providers::ProviderError;
use crate::engine::run::Engine;
use crate::engine::webhook::{Handled, WebhookError};
use crate::providers::platform::Delivery;

pub async fn stripe(
    State(engine): State<Arc<Engine>>,
    headers: HeaderMap,
    body: Bytes,
) -> StatusCode {
    let signature = headers
        .get("stripe-signature")
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    answer("Stripe", engine.handle_stripe_event(signature, &body).await)
}

pub async fn paypal(
    State(engine): State<Arc<Engine>>,
    headers: HeaderMap,
    body: Bytes,
) -> StatusCode {
    answer("PayPal", engine.handle_paypal_event(&headers, &body).await)
}

/// The platform says that a step of a deletion is done. Beside the status it is told
/// what is wrong, and where: 200 when it is recorded, now or before, 400 when it is
/// not signed rightly, 404 when there is nothing of the kind, 409 when it is out of
/// order, 422 when it cannot be read, 500 to have it sent again.
pub async fn platform(
    State(engine): State<Arc<Engine>>,
    headers: HeaderMap,
    body: Bytes,
) -> (StatusCode, String) {
    let text = |name: &str| {
        let value = headers.get(name).and_then(|value| value.to_str().ok());
        value.unwrap_or_default()
    };
    let delivery = Delivery {
        id: text("webhook-id"),
        timestamp: text("webhook-timestamp"),
        signature: text("webhook-signature"),
        body: &body,
    };
    match engine.handle_platform_webhook(&delivery).await {
        Ok(outcome) => {
            tracing::info!(provider = "platform", ?outcome, "event");
            let told = match outcome {
                StepOutcome::Recorded => "recorded\n",
                StepOutcome::Again => "recorded before\n",
            };
            (StatusCode::OK, told.to_owned())
        }
        Err(error @ (StepError::Store(_) | StepError::Open(_))) => {
            tracing::error!(provider = "platform", %error, "event not handled");
            (StatusCode::INTERNAL_SERVER_ERROR, String::new())
        }
        Err(error) => {
            tracing::warn!(provider = "platform", %error, "event refused");
            let status = match error {
                StepError::NotTheirs(_) => StatusCode::BAD_REQUEST,
                StepError::NotSet | StepError::Account(_) | StepError::Deletion { .. } => {
                    StatusCode::NOT_FOUND
                }
                StepError::NotAsked(_) => StatusCode::CONFLICT,
                _ => StatusCode::UNPROCESSABLE_ENTITY,
            };
            (status, format!("{error}\n"))
        }
    }
}

fn answer(provider: &'static str, handled: Result<Handled, WebhookError>) -> StatusCode {
    match handled {
        Ok(handled) => {
            tracing::info!(provider, ?handled, "event");
            StatusCode::OK
        }
        Err(error @ WebhookError::NotTheirs(_)) => {
            tracing::warn!(provider, %error, "event refused");
            StatusCode::BAD_REQUEST
        }
        Err(WebhookError::Busy) => {
            tracing::warn!(provider, "too many events at once");
            StatusCode::TOO_MANY_REQUESTS
        }
        // Nobody takes this provider's events here.
        Err(WebhookError::Provider(ProviderError::NotSet(_))) => StatusCode::NOT_FOUND,
        Err(error) => {
            tracing::error!(provider, %error, "event not handled");
            StatusCode::INTERNAL_SERVER_ERROR
        }
    }
}
