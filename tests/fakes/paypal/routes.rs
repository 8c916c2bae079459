//! What is asked, and what is answered.

use std::sync::{Arc, Mutex};

use axum::body::{Body, Bytes};
use axum::extract::{Request, State as Extract};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use serde_json::{Value, json};

use super::contract::Operation;
use super::events;
use super::state::{Capture, CaptureEnd, Order, Refund, State, minor};
use crate::fakes::{Fault, Faults, broken_off};

/// `Basic` with client-1 and secret-1.
const BASIC: &str = "Basic Y2xpZW50LTE6c2VjcmV0LTE=";

#[derive(Clone)]
pub struct Shared {
    pub state: Arc<Mutex<State>>,
    pub faults: Faults,
    pub read_faults: Faults,
    /// Whether requests to verify wait.
    pub holds: Arc<tokio::sync::watch::Sender<bool>>,
}

struct Answered {
    status: u16,
    body: Value,
}

fn answered(status: u16, body: Value) -> Answered {
    Answered { status, body }
}

fn refuse(status: u16, issue: &str) -> Answered {
    let (name, message) = match status {
        400 => (
            "INVALID_REQUEST",
            "Request is not well-formed, syntactically incorrect, or violates schema.",
        ),
        404 => (
            "RESOURCE_NOT_FOUND",
            "The specified resource does not exist.",
        ),
        _ => (
            "UNPROCESSABLE_ENTITY",
            "The requested action could not be performed, semantically incorrect, or failed business validation.",
        ),
    };
    let body =
        json!({"name": name, "message": message, "debug_id": "d0", "details": [{"issue": issue}]});
    answered(status, body)
}

pub async fn handle(Extract(shared): Extract<Shared>, request: Request) -> Response {
    let method = request.method().as_str().to_lowercase();
    let path = request.uri().path().to_owned();
    let headers = request.headers().clone();
    let body = axum::body::to_bytes(request.into_body(), 1 << 20)
        .await
        .unwrap();
    shared
        .state
        .lock()
        .unwrap()
        .requests
        .push(format!("{method} {path}"));
    if (method.as_str(), path.as_str()) == ("post", "/v1/oauth2/token") {
        return token(&shared, &headers, &body);
    }
    if !is_authorized(&shared, &headers) {
        let body = json!({"name": "AUTHENTICATION_FAILURE", "debug_id": "d0",
            "message": "Authentication failed due to missing authorization header, or invalid authentication credentials.",
            "details": [{"issue": "INVALID_ACCOUNT_STATUS"}]});
        return respond(answered(401, body));
    }
    let parts: Vec<&str> = path.trim_start_matches('/').split('/').collect();
    match (method.as_str(), parts.as_slice()) {
        ("post", ["v2", "checkout", "orders"]) => {
            let operation = operation("post", "/v2/checkout/orders");
            let act = |state: &mut State| create(state, &body);
            moves(&shared, "order", operation, &headers, &body, act).await
        }
        ("post", ["v2", "checkout", "orders", id, "capture"]) => {
            let operation = operation("post", "/v2/checkout/orders/{id}/capture");
            let act = |state: &mut State| capture(state, id);
            moves(&shared, "capture", operation, &headers, &body, act).await
        }
        ("post", ["v2", "payments", "captures", id, "refund"]) => {
            let operation = operation("post", "/v2/payments/captures/{capture_id}/refund");
            let act = |state: &mut State| refund(state, id, &body);
            moves(&shared, "refund", operation, &headers, &body, act).await
        }
        ("get", ["v2", "checkout", "orders", id]) => {
            let read = |state: &State| state.orders.contains_key(*id).then(|| state.order_body(id));
            reads(&shared, operation("get", "/v2/checkout/orders/{id}"), read)
        }
        ("get", ["v2", "payments", "captures", id]) => {
            let read = |state: &State| {
                state
                    .captures
                    .contains_key(*id)
                    .then(|| state.capture_body(id))
            };
            reads(
                &shared,
                operation("get", "/v2/payments/captures/{capture_id}"),
                read,
            )
        }
        ("get", ["v2", "payments", "refunds", id]) => {
            let read = |state: &State| {
                state
                    .refunds
                    .contains_key(*id)
                    .then(|| state.refund_body(id))
            };
            reads(
                &shared,
                operation("get", "/v2/payments/refunds/{refund_id}"),
                read,
            )
        }
        ("get", ["v1", "customer", "disputes", id]) => {
            let found = shared.state.lock().unwrap().disputes.get(*id).cloned();
            respond(found.map_or_else(
                || refuse(404, "INVALID_RESOURCE_ID"),
                |body| answered(200, body),
            ))
        }
        ("post", ["v1", "notifications", "verify-webhook-signature"]) => {
            let mut holds = shared.holds.subscribe();
            holds.wait_for(|holds| !holds).await.unwrap();
            let operation = operation("post", "/v1/notifications/verify-webhook-signature");
            let mut state = shared.state.lock().unwrap();
            state.contract.request(operation, &body);
            let status = if events::verifies(&body) {
                "SUCCESS"
            } else {
                "FAILURE"
            };
            let body = json!({"verification_status": status});
            state.contract.response(operation, 200, &body);
            respond(answered(200, body))
        }
        _ => {
            let mut state = shared.state.lock().unwrap();
            state
                .contract
                .violations
                .push(format!("{method} {path}: no such operation"));
            respond(answered(404, json!({})))
        }
    }
}

const fn operation(method: &'static str, path: &'static str) -> Operation {
    Operation { method, path }
}

fn respond(Answered { status, body }: Answered) -> Response {
    let status = StatusCode::from_u16(status).unwrap();
    let headers = [
        ("content-type", "application/json"),
        ("paypal-debug-id", "d1a9b2c3"),
    ];
    (status, headers, Body::from(body.to_string())).into_response()
}

fn token(shared: &Shared, headers: &HeaderMap, body: &Bytes) -> Response {
    let mut state = shared.state.lock().unwrap();
    let basic = headers
        .get("authorization")
        .and_then(|value| value.to_str().ok());
    if basic != Some(BASIC) || body.as_ref() != b"grant_type=client_credentials" {
        let body =
            json!({"error": "invalid_client", "error_description": "Client Authentication failed"});
        return respond(answered(401, body));
    }
    state.tokens_issued += 1;
    let token = state.id("A21AA");
    state.tokens.insert(token.clone());
    let expires_in = state.token_lifetime_seconds;
    let body = json!({"access_token": token, "token_type": "Bearer", "expires_in": expires_in,
        "scope": "https://uri.paypal.com/services/payments/payment", "app_id": "APP-1", "nonce": "n"});
    respond(answered(200, body))
}

fn is_authorized(shared: &Shared, headers: &HeaderMap) -> bool {
    let bearer = headers
        .get("authorization")
        .and_then(|value| value.to_str().ok());
    let token = bearer.and_then(|bearer| bearer.strip_prefix("Bearer "));
    let state = shared.state.lock().unwrap();
    token.is_some_and(|token| state.tokens.contains(token))
}

fn reads(
    shared: &Shared,
    operation: Operation,
    read: impl Fn(&State) -> Option<Value>,
) -> Response {
    if shared.read_faults.next() == Some(Fault::ErrorBefore) {
        return respond(answered(500, json!({"name": "INTERNAL_SERVER_ERROR"})));
    }
    let mut state = shared.state.lock().unwrap();
    let answer = read(&state).map_or_else(
        || refuse(404, "INVALID_RESOURCE_ID"),
        |body| answered(200, body),
    );
    state
        .contract
        .response(operation, answer.status, &answer.body);
    respond(answer)
}

/// Whether this kind of request is ever declined so.
fn is_told_of(kind: &str, code: &str) -> bool {
    match kind {
        "refund" => code.starts_with("REFUND_"),
        "capture" => !code.starts_with("REFUND_"),
        _ => code != "INSTRUMENT_DECLINED",
    }
}

/// A request that moves money: once per key, and with the next fault.
async fn moves(
    shared: &Shared,
    kind: &'static str,
    operation: Operation,
    headers: &HeaderMap,
    body: &Bytes,
    act: impl FnOnce(&mut State) -> Answered,
) -> Response {
    let fault = shared.faults.next();
    let header = |name: &str| {
        headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .map(str::to_owned)
    };
    let key = header("paypal-request-id");
    let answer = {
        let mut state = shared.state.lock().unwrap();
        state.contract.request(operation, body);
        if key
            .as_ref()
            .is_none_or(|key| key.is_empty() || key.len() > 108)
        {
            state
                .contract
                .violations
                .push(format!("{kind}: no PayPal-Request-Id of 1 to 108"));
        }
        match fault {
            Some(Fault::ErrorBefore) => {
                return respond(answered(500, json!({"name": "INTERNAL_SERVER_ERROR"})));
            }
            Some(Fault::TooMany) => {
                let mut response = respond(answered(429, json!({"name": "RATE_LIMIT_REACHED"})));
                if let Some(seconds) = state.retry_after_s {
                    response.headers_mut().insert("retry-after", seconds.into());
                }
                return response;
            }
            // What was done under the key is told again, whatever its payer's bank says.
            Some(Fault::Decline(code))
                if is_told_of(kind, code)
                    && !key
                        .as_ref()
                        .is_some_and(|key| state.keys.contains_key(&(kind, key.clone()))) =>
            {
                let answer = refuse(422, code);
                state.contract.response(operation, 422, &answer.body);
                return respond(answer);
            }
            _ => {}
        }
        let stored = key.map(|key| (kind, key));
        let known = stored.as_ref().and_then(|key| state.keys.get(key)).cloned();
        let answer = match known {
            // As it was, not as it is.
            Some((_, body)) => answered(if kind == "refund" { 201 } else { 200 }, body),
            None => {
                let answer = act(&mut state);
                if let (Some(key), 200..=299) = (stored, answer.status) {
                    state.keys.insert(key, (answer.status, answer.body.clone()));
                }
                answer
            }
        };
        state
            .contract
            .response(operation, answer.status, &answer.body);
        answer
    };
    let is_full = header("prefer").is_some_and(|prefer| prefer == "return=representation");
    let answer = if is_full || answer.status >= 300 {
        answer
    } else {
        let Answered { status, body } = answer;
        answered(
            status,
            json!({"id": body["id"], "status": body["status"], "links": body["links"]}),
        )
    };
    match fault {
        Some(Fault::ErrorAfter) => respond(answered(500, json!({"name": "INTERNAL_SERVER_ERROR"}))),
        Some(Fault::BrokenOffAfter) => broken_off(),
        Some(Fault::HangAfter) => std::future::pending().await,
        Some(Fault::MalformedAfter) => {
            (StatusCode::OK, "<html>not what you asked for").into_response()
        }
        Some(Fault::Slow(pause)) => {
            tokio::time::sleep(pause).await;
            respond(answer)
        }
        _ => respond(answer),
    }
}

fn create(state: &mut State, body: &Bytes) -> Answered {
    let Ok(body) = serde_json::from_slice::<Value>(body) else {
        return refuse(400, "MALFORMED_REQUEST_JSON");
    };
    let unit = &body["purchase_units"][0];
    let context = &body["payment_source"]["paypal"]["experience_context"];
    if context["return_url"].as_str().is_none_or(str::is_empty) {
        return refuse(400, "MISSING_REQUIRED_PARAMETER");
    }
    let id = state.id("ORDER");
    state.orders.insert(
        id.clone(),
        Order {
            status: "PAYER_ACTION_REQUIRED",
            amount: unit["amount"].clone(),
            custom_id: unit["custom_id"].clone(),
            invoice_id: unit["invoice_id"].clone(),
            captures: Vec::new(),
        },
    );
    answered(201, state.order_body(&id))
}

fn capture(state: &mut State, id: &str) -> Answered {
    let Some(order) = state.orders.get(id) else {
        return refuse(404, "INVALID_RESOURCE_ID");
    };
    match order.status {
        "APPROVED" => {}
        "COMPLETED" => return refuse(422, "ORDER_ALREADY_CAPTURED"),
        _ => return refuse(422, "ORDER_NOT_APPROVED"),
    }
    let invoice = order.invoice_id.clone();
    let is_paid = |capture: &Capture| capture.invoice_id == invoice && capture.status != "DECLINED";
    if !invoice.is_null() && state.captures.values().any(is_paid) {
        return refuse(422, "DUPLICATE_INVOICE_ID");
    }
    let (amount, custom_id) = (order.amount.clone(), order.custom_id.clone());
    let status = match state.ends.pop_front().unwrap_or(CaptureEnd::Completed) {
        CaptureEnd::Completed => "COMPLETED",
        CaptureEnd::Pending => "PENDING",
        CaptureEnd::Declined => "DECLINED",
    };
    let capture = state.id("CAPT");
    let made = Capture {
        order: id.to_owned(),
        status,
        amount,
        custom_id,
        invoice_id: invoice,
    };
    state.captures.insert(capture.clone(), made);
    let order = state.orders.get_mut(id).unwrap();
    order.captures.push(capture.clone());
    order.status = "COMPLETED";
    let kind = match status {
        "COMPLETED" => "PAYMENT.CAPTURE.COMPLETED",
        "PENDING" => "PAYMENT.CAPTURE.PENDING",
        _ => "PAYMENT.CAPTURE.DENIED",
    };
    state.tell(kind, "capture", state.capture_body(&capture));
    answered(201, state.order_body(id))
}

fn refund(state: &mut State, capture: &str, body: &Bytes) -> Answered {
    let Some(paid) = state.captures.get(capture) else {
        return refuse(404, "INVALID_RESOURCE_ID");
    };
    if paid.status == "PENDING" {
        return refuse(422, "PENDING_CAPTURE");
    }
    let body: Value = serde_json::from_slice(body).unwrap();
    let left = minor(&paid.amount) - state.refunded_minor(capture);
    if left == 0 {
        return refuse(422, "CAPTURE_FULLY_REFUNDED");
    }
    if minor(&body["amount"]) > left {
        return refuse(422, "REFUND_AMOUNT_EXCEEDED");
    }
    let status = state.refund_ends.pop_front().unwrap_or("COMPLETED");
    let id = state.id("REF");
    let made = Refund {
        capture: capture.to_owned(),
        status,
        amount: body["amount"].clone(),
        custom_id: body["custom_id"].clone(),
        invoice_id: body["invoice_id"].clone(),
    };
    state.refunds.insert(id.clone(), made);
    state.settle_refunds(capture);
    if status == "COMPLETED" {
        state.tell("PAYMENT.CAPTURE.REFUNDED", "refund", state.refund_body(&id));
    }
    answered(201, state.refund_body(&id))
}
