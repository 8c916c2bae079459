//! How a request is answered: who asks, under which key, and what goes wrong.

use std::sync::{Arc, Mutex};
use std::time::Instant;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::http::{HeaderMap, Response, StatusCode};
use serde_json::Value;

use super::super::{Fault, Faults, broken_off};
use super::answers::{self, Answer};
use super::contract::Contract;
use super::form;
use super::routes::Endpoint;
use super::state::{Kept, Seen, State};

/// Keys may be forgotten once they are 24 hours old.
const KEPT_S: i64 = 24 * 3_600;

/// What all requests share.
pub struct Shared {
    pub state: Mutex<State>,
    pub faults: Faults,
    pub read_faults: Faults,
    /// What happens while the answer of the next read is on its way.
    pub during_read: Mutex<Option<Box<dyn FnOnce() + Send>>>,
    pub contract: Option<&'static Contract>,
    /// Whether charges wait.
    pub holds: tokio::sync::watch::Sender<bool>,
}

/// An answer on its way, and what befalls it there.
struct Sent {
    answer: Answer,
    request_id: String,
    replayed: bool,
    retry_after_s: Option<u64>,
    should_retry: Option<bool>,
    fault: Option<Fault>,
}

impl Sent {
    fn new(answer: Answer, request_id: String) -> Self {
        Self {
            answer,
            request_id,
            replayed: false,
            retry_after_s: None,
            should_retry: None,
            fault: None,
        }
    }

    async fn respond(self) -> Response<Body> {
        let sent = self;
        let builder = Response::builder()
            .header("content-type", "application/json")
            .header("request-id", &sent.request_id)
            .header("stripe-version", super::VERSION);
        match sent.fault {
            Some(Fault::HangAfter) => std::future::pending().await,
            Some(Fault::BrokenOffAfter) => return broken_off(),
            Some(Fault::MalformedAfter) => {
                let body = Body::from("<html>Bad Gateway</html>");
                return builder.body(body).unwrap();
            }
            _ => {}
        }
        let (status, body) = &sent.answer;
        let mut builder = builder.status(StatusCode::from_u16(*status).unwrap());
        if sent.replayed {
            builder = builder.header("idempotent-replayed", "true");
        }
        if let Some(says) = sent.should_retry.filter(|_| *status >= 400) {
            builder = builder.header("stripe-should-retry", says.to_string());
        }
        if let Some(seconds) = sent.retry_after_s {
            builder = builder.header("retry-after", seconds);
        }
        builder.body(Body::from(body.to_string())).unwrap()
    }
}

pub fn router(shared: Arc<Shared>) -> Router {
    Router::new().fallback(move |request: Request| {
        let shared = shared.clone();
        // What was begun is finished, whoever hangs up.
        async move {
            tokio::spawn(prepare(shared, request))
                .await
                .unwrap()
                .respond()
                .await
        }
    })
}

/// Carries a request out and answers it.
pub async fn answer(shared: Arc<Shared>, request: Request) -> Response<Body> {
    prepare(shared, request).await.respond().await
}

/// Carries a request out.
async fn prepare(shared: Arc<Shared>, request: Request) -> Sent {
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, 1 << 20).await.unwrap();
    let query = parts.uri.query().unwrap_or_default().to_owned();
    let method = parts.method.as_str().to_owned();
    let params = if method == "GET" {
        query
    } else {
        String::from_utf8(body.to_vec()).unwrap()
    };
    let path = parts.uri.path().to_owned();
    let is_read = method == "GET";
    let sent = work(shared.clone(), method, path, params, parts.headers).await;
    let happens = shared.during_read.lock().unwrap().take_if(|_| is_read);
    if let Some(happens) = happens {
        tokio::task::spawn_blocking(happens).await.unwrap();
    }
    sent
}

async fn work(
    shared: Arc<Shared>,
    method: String,
    path: String,
    params: String,
    headers: HeaderMap,
) -> Sent {
    let header = |name: &str| {
        let value = headers.get(name)?.to_str().ok()?;
        Some(value.to_owned())
    };
    let (request_id, latency, should_retry, is_forbidden) = {
        let mut state = shared.state.lock().unwrap();
        let headers = headers
            .iter()
            .map(|(name, value)| {
                let value = String::from_utf8_lossy(value.as_bytes());
                (name.as_str().to_owned(), value.into_owned())
            })
            .collect();
        state.seen.push(Seen {
            at: Instant::now(),
            method: method.clone(),
            path: path.clone(),
            params: params.clone(),
            headers,
        });
        let is_forbidden = state
            .forbids_from
            .is_some_and(|from| state.seen.len() > from);
        (
            state.request_id(),
            state.latency,
            state.should_retry,
            is_forbidden,
        )
    };
    let now = |answer| Sent {
        should_retry,
        ..Sent::new(answer, request_id.clone())
    };
    let authorization = format!("Bearer {}", super::SECRET_KEY);
    if header("authorization") != Some(authorization) {
        return now(answers::unauthorized());
    }
    if is_forbidden {
        return now(answers::forbidden());
    }
    if header("stripe-version").is_none() {
        return now(answers::bad("", "Stripe-Version is missing", ""));
    }
    let Some(endpoint) = Endpoint::find(&method, &path) else {
        return now(answers::no_route(&method, &path));
    };
    let params = form::decode(&params);
    if let Some(contract) = shared.contract {
        let errors = contract.request_errors(endpoint.method, endpoint.template, &params);
        if let Some(first) = errors.first() {
            let answer = answers::bad("parameter_unknown", first, "");
            shared.state.lock().unwrap().violations.extend(errors);
            return now(answer);
        }
    }
    let fault = if endpoint.moves_money() {
        shared.faults.next()
    } else {
        shared.read_faults.next()
    };
    match &fault {
        Some(Fault::ErrorBefore) => return now(answers::broken()),
        Some(Fault::TooMany) => {
            let retry_after_s = shared.state.lock().unwrap().retry_after_s;
            return Sent {
                retry_after_s,
                ..now(answers::too_many())
            };
        }
        _ => {}
    }
    let key = header("idempotency-key").filter(|_| method == "POST");
    if let Some(key) = &key {
        let mut state = shared.state.lock().unwrap();
        let now_s = state.now_s;
        let is_kept = |kept: &&Kept| now_s - kept.made_s < KEPT_S;
        match state.keys.get(key).filter(is_kept) {
            Some(kept) if kept.answer.is_none() => return now(answers::key_in_use()),
            Some(kept) if kept.path != path || kept.params != params => {
                return now(answers::other_parameters());
            }
            Some(Kept {
                answer: Some(answer),
                ..
            }) => {
                let answer = spoiled(answer.clone(), fault.as_ref());
                return Sent {
                    replayed: true,
                    fault,
                    ..now(answer)
                };
            }
            _ => {
                let kept = Kept {
                    path: path.clone(),
                    params: params.clone(),
                    made_s: now_s,
                    answer: None,
                };
                state.keys.insert(key.clone(), kept);
            }
        }
    }
    if endpoint.is_charge() {
        let mut holds = shared.holds.subscribe();
        holds.wait_for(|holds| !holds).await.unwrap();
    }
    let mut wait = latency;
    if let Some(Fault::Slow(longer)) = &fault {
        wait += *longer;
    }
    if !wait.is_zero() {
        tokio::time::sleep(wait).await;
    }
    let mut state = shared.state.lock().unwrap();
    let answer = execute(&mut state, &endpoint, &params, fault.as_ref());
    let spoiled = spoiled(answer.clone(), fault.as_ref());
    if let Some(key) = key {
        let kept = if state.keeps_errors {
            &spoiled
        } else {
            &answer
        };
        // Parameters that are wrong are found before anything is done.
        let is_kept = !(kept.0 == 400 && kept.1["error"]["param"].is_string());
        if is_kept {
            if let Some(place) = state.keys.get_mut(&key) {
                place.answer = Some(kept.clone());
            }
        } else {
            state.keys.remove(&key);
        }
    }
    Sent {
        fault,
        ..now(spoiled)
    }
}

fn execute(
    state: &mut State,
    endpoint: &Endpoint,
    params: &Value,
    fault: Option<&Fault>,
) -> Answer {
    if let Some(Fault::Decline(code)) = fault
        && endpoint.is_charge()
    {
        state.decline_next = Some((*code).to_owned());
    }
    let answer = state.carry_out(endpoint, params);
    state.decline_next = None;
    answer
}

/// The answer that is sent instead of the one there is.
fn spoiled(answer: Answer, fault: Option<&Fault>) -> Answer {
    match fault {
        Some(Fault::ErrorAfter) => answers::broken(),
        _ => answer,
    }
}
