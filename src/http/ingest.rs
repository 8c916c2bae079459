//! `/ingest/v1/events`: usage as it happens, as CloudEvents 1.0 over HTTP.
//!
//! So many batches are in hand at once: whoever comes then is told to come again, and
//! nothing of its batch was taken. A body is read only once its batch is in hand.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::{DefaultBodyLimit, FromRequest as _, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use serde::Serialize;
use tokio::sync::Semaphore;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::answer::Refused;
use super::body::Body;
use super::desk::{Desk, Operator};
use crate::domain::access::Role;
use crate::engine::import::{BadEvent, Batch, BatchError};

/// Some 25,000 events.
const BATCH_BYTES_MAX: usize = 8 << 20;
/// Whoever sends more slowly than that would keep a hand from the others.
const BODY_WITHIN: Duration = Duration::from_secs(30);
/// A batch takes some hundredths of a second.
const AGAIN_AFTER_S: u64 = 1;

/// The batches in hand.
pub struct Hands(Arc<Semaphore>);

impl Hands {
    pub fn new(batches_max: u32) -> Self {
        let permits = usize::try_from(batches_max).unwrap_or(Semaphore::MAX_PERMITS);
        let permits = permits.min(Semaphore::MAX_PERMITS);
        Self(Arc::new(Semaphore::new(permits)))
    }
}

/// The routes of ingestion.
pub fn router(desk: Arc<Desk>) -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(take))
        .layer(DefaultBodyLimit::max(BATCH_BYTES_MAX))
        .with_state(desk)
}

/// A batch that was taken whole.
#[derive(Serialize, ToSchema)]
pub struct TakenBatch {
    /// New events, and ends of events that were running.
    accepted: u64,
    /// Events that were known, as they are.
    duplicates: u64,
}

/// Report usage
///
/// One CloudEvent 1.0, or an array of them: its `id` is the usage id, its `data` has
/// the columns of the usage file. A batch is taken whole or not at all, by the rules
/// of `quittance import usage`, and taking it again changes nothing: send it again
/// whenever its answer is lost. 409 says that events are known with other content, 422
/// names every event that is wrong, 429 that too many batches are in hand.
#[utoipa::path(
    post,
    path = "/ingest/v1/events",
    tag = "ingestion",
    security(("operator" = [])),
    extensions(("x-role" = json!("ingest"))),
    request_body(
        description = "One CloudEvent, or an array of them",
        content(
            (serde_json::Value = "application/cloudevents+json"),
            (Vec<serde_json::Value> = "application/cloudevents-batch+json"),
            (serde_json::Value = "application/json"),
        )
    ),
    responses((status = 202, body = TakenBatch), Refused)
)]
pub async fn take(
    State(desk): State<Arc<Desk>>,
    operator: Operator,
    request: Request,
) -> Result<(StatusCode, Json<TakenBatch>), Refused> {
    operator.allow(Role::Ingest)?;
    let format = Format::of(request.headers())?;
    let Ok(in_hand) = Arc::clone(&desk.hands.0).try_acquire_owned() else {
        return Err(Refused::TooOften(AGAIN_AFTER_S));
    };
    let body = tokio::time::timeout(BODY_WITHIN, Body::from_request(request, &()));
    let body = body.await.map_err(|_| {
        let seconds = BODY_WITHIN.as_secs();
        Refused::Malformed(format!("the body did not come within {seconds} seconds"))
    })??;
    let body = body.bytes();
    // Off the threads that answer: a large one takes a while.
    let read = tokio::task::spawn_blocking(move || {
        if format.is_batch(&body) {
            Batch::many(&body)
        } else {
            Ok(Batch::one(&body))
        }
    });
    let batch = read
        .await
        .map_err(Refused::internal)?
        .map_err(|error| Refused::Malformed(format!("the body is no array of events: {error}")))?;
    // Whoever hangs up in the middle of a COPY would leave a connection behind that
    // answers the next one wrongly.
    let engine = Arc::clone(&desk.engine);
    let taken = desk.shutdown.unbroken(async move {
        let taken = engine.take_batch(batch).await;
        drop(in_hand);
        taken
    });
    let taken = taken.await?.map_err(refused)?;
    let taken = TakenBatch {
        accepted: taken.accepted,
        duplicates: taken.duplicates,
    };
    Ok((StatusCode::ACCEPTED, Json(taken)))
}

/// How a body says what it holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    One,
    Many,
    /// Either: an array begins with its bracket.
    Json,
}

impl Format {
    fn of(headers: &HeaderMap) -> Result<Self, Refused> {
        let said = headers.get(header::CONTENT_TYPE);
        let said = said.and_then(|value| value.to_str().ok()).unwrap_or("");
        let kind = said.split(';').next().unwrap_or("").trim();
        match kind.to_ascii_lowercase().as_str() {
            "application/cloudevents+json" => Ok(Self::One),
            "application/cloudevents-batch+json" => Ok(Self::Many),
            "application/json" => Ok(Self::Json),
            _ => Err(Refused::MediaType(
                "the content type is none of application/cloudevents+json, \
                 application/cloudevents-batch+json, application/json",
            )),
        }
    }

    fn is_batch(self, body: &[u8]) -> bool {
        match self {
            Self::One => false,
            Self::Many => true,
            Self::Json => body.trim_ascii_start().starts_with(b"["),
        }
    }
}

fn refused(error: BatchError) -> Refused {
    match error {
        BatchError::Bad(events) => Refused::Fields(events.iter().flat_map(fields).collect()),
        BatchError::Conflict(events) => {
            let each = events.iter().flat_map(fields);
            let each: Vec<String> = each.map(|(field, why)| format!("{field} {why}")).collect();
            Refused::Conflict(each.join("; "))
        }
        BatchError::Import(error) => Refused::internal(error),
    }
}

fn fields(event: &BadEvent) -> impl Iterator<Item = (std::borrow::Cow<'static, str>, String)> {
    event.problems.iter().map(|problem| {
        let place = match problem.column.as_str() {
            "-" => format!("events[{}]", event.index),
            column => format!("events[{}].{column}", event.index),
        };
        let why = match problem.value.as_str() {
            "" => problem.reason.clone(),
            value => format!("{value:?}: {}", problem.reason),
        };
        (place.into(), why)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_content_type_says_what_a_body_holds() {
        for (said, format) in [
            ("application/cloudevents+json", Some(Format::One)),
            (
                "application/cloudevents+json; charset=utf-8",
                Some(Format::One),
            ),
            ("Application/CloudEvents-Batch+JSON", Some(Format::Many)),
            ("application/json", Some(Format::Json)),
            ("text/plain", None),
            ("", None),
        ] {
            let headers = HeaderMap::from_iter([(header::CONTENT_TYPE, said.parse().unwrap())]);
            assert_eq!(Format::of(&headers).ok(), format, "{said}");
        }
        assert!(Format::of(&HeaderMap::new()).is_err());
        assert!(Format::Json.is_batch(b" \n[{}]") && !Format::Json.is_batch(b"{}"));
    }
}
