//! Errors as Stripe tells them.

use serde_json::{Value, json};

/// A status and a body.
pub type Answer = (u16, Value);

fn error(status: u16, fields: &Value) -> Answer {
    (status, json!({ "error": fields }))
}

/// 400: the request is wrong. An empty code is none, as Stripe sometimes has it.
pub fn bad(code: &str, message: &str, param: &str) -> Answer {
    let mut fields = json!({ "message": message, "type": "invalid_request_error" });
    if !code.is_empty() {
        fields["code"] = code.into();
    }
    if !param.is_empty() {
        fields["param"] = param.into();
    }
    error(400, &fields)
}

/// 404: there is no such object.
pub fn missing(kind: &str, id: &str) -> Answer {
    let message = format!("No such {}: '{id}'", kind.to_lowercase());
    let fields = json!({ "code": "resource_missing", "message": message, "param": "id",
        "type": "invalid_request_error" });
    error(404, &fields)
}

/// 404: there is no such address.
pub fn no_route(method: &str, path: &str) -> Answer {
    let message = format!("Unrecognized request URL ({method}: {path}).");
    error(
        404,
        &json!({ "message": message, "type": "invalid_request_error" }),
    )
}

/// 400: not in the state it is in. The object comes along.
pub fn unexpected_state(kind: &str, object: &Value) -> Answer {
    let status = object["status"].as_str().unwrap_or_default();
    let message = format!("This {kind} has a status of {status}.");
    let code = format!("{kind}_unexpected_state");
    let mut fields = json!({ "code": code, "message": message, "type": "invalid_request_error" });
    fields[kind] = object.clone();
    error(400, &fields)
}

/// 402: the card was refused. The intent comes along.
pub fn card_error(cause: &Value, intent: &Value) -> Answer {
    let mut fields = cause.clone();
    fields["payment_intent"] = intent.clone();
    error(402, &fields)
}

pub fn unauthorized() -> Answer {
    let fields = json!({ "message": "Invalid API Key provided: sk_test_****",
        "type": "invalid_request_error" });
    error(401, &fields)
}

pub fn forbidden() -> Answer {
    let fields = json!({ "code": "more_permissions_required",
        "message": "The provided key does not have the required permissions.",
        "type": "invalid_request_error" });
    error(403, &fields)
}

pub fn other_parameters() -> Answer {
    let fields = json!({ "message": "Keys for idempotent requests can only be used with the \
        same parameters they were first used with.", "type": "idempotency_error" });
    error(400, &fields)
}

pub fn key_in_use() -> Answer {
    let fields = json!({ "code": "idempotency_key_in_use",
        "message": "There is currently another in-progress request using this key.",
        "type": "idempotency_error" });
    error(409, &fields)
}

pub fn too_many() -> Answer {
    let fields = json!({ "code": "rate_limit", "message": "Request rate limit exceeded.",
        "type": "invalid_request_error" });
    error(429, &fields)
}

pub fn broken() -> Answer {
    let fields = json!({ "message": "An unknown error occurred", "type": "api_error" });
    error(500, &fields)
}
