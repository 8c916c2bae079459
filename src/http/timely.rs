//! How long a request may take.

use std::time::Duration;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};

use super::answer::Refused;

/// Puts a request off that is not answered in time. What it was at is dropped, and what
/// it had not committed with it; money goes on moving ([`super::Shutdown::unbroken`]).
pub async fn timely(State(within): State<Duration>, request: Request, next: Next) -> Response {
    let answer = tokio::time::timeout(within, next.run(request)).await;
    answer.unwrap_or_else(|_| {
        let reason = format!("no answer within {} seconds", within.as_secs());
        Refused::Unavailable(reason).into_response()
    })
}
