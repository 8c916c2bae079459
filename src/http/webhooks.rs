//! Providers' events. The answer is all they hear: 200 when the event is done
//! with, 400 when it is not theirs, 404 when the settings do not have them, 429
//! when too many came at once, 500 to have it sent again later.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};

use crate::engine::providers::ProviderError;
use crate::engine::run::Engine;
use crate::engine::webhook::{Handled, WebhookError};

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
