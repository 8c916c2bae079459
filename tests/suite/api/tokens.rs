//! API tokens: shown once, exchanged, renewed, deleted.

use serde_json::json;

use super::{Client, exchange, field, furnish_api, secret};
use crate::on_both;
use crate::support::{House, Served};

on_both!(
    a_token_is_exchanged_until_it_is_deleted,
    a_renewed_token_opens_nothing_any_more,
    nobody_hands_on_more_than_it_has,
    what_is_no_token_is_refused,
    a_token_ends_when_it_was_said_to,
    who_tries_too_often_is_told_to_wait,
    nothing_in_the_database_lets_anybody_in,
);

fn a_token_is_exchanged_until_it_is_deleted(house: &House) {
    furnish_api(house, 60);
    let served = Served::start(house);
    let first = Client::of(house, &served, "acc-1");
    let created = first.post("/v1/tokens", &json!({ "token": { "name": " laptop " } }));
    assert_eq!(created.status, 201);
    let created = created.json()["token"].clone();
    let laptop_secret = created["token"].as_str().unwrap();
    assert!(laptop_secret.starts_with("tk-us-"));
    assert_eq!(laptop_secret.len(), "tk-us-".len() + 48);
    assert_eq!(created["name"], "laptop");
    assert_eq!(created["created_at"], "2026-11-02T08:00:00.000Z");
    assert_eq!(created["issued_at"], "2026-11-02T08:00:00.000Z");
    assert_eq!(created["last_used_at"], json!(null));

    let laptop = Client::with(&served, laptop_secret);
    let listed = laptop.get("/v1/tokens")["tokens"].clone();
    assert_eq!(listed.as_array().unwrap().len(), 2);
    let shown = listed.as_array().unwrap().iter();
    let shown = shown
        .clone()
        .find(|token| token["id"] == created["id"])
        .unwrap();
    assert_eq!(shown["last_used_at"], "2026-11-02T08:00:00.000Z");
    assert_eq!(shown["token"], json!(null), "a secret is shown once");

    // The npm client sends no root.
    assert_eq!(
        laptop.post("/v1/tokens", &json!({ "name": "ci" })).status,
        201
    );

    let path = format!("/v1/tokens/{}", created["id"].as_str().unwrap());
    assert_eq!(first.send("DELETE", &path, None).status, 204);
    // At once, though the hour is not over.
    assert_eq!(laptop.send("GET", "/v1/tokens", None).status, 401);
    assert_eq!(exchange(&served, laptop_secret).status, 401);
    assert_eq!(first.send("DELETE", &path, None).status, 404);
    let audit = "SELECT COUNT(*) FROM audit_entry WHERE action LIKE 'token_%'";
    assert_eq!(house.watch().count(audit), 4);
}

fn a_renewed_token_opens_nothing_any_more(house: &House) {
    furnish_api(house, 60);
    let served = Served::start(house);
    let old = secret(house, "acc-1", &["--scope", "tokens:write"]);
    let client = Client::with(&served, &old);
    let tokens = client.get("/v1/tokens");
    let id = tokens["tokens"][0]["id"].as_str().unwrap().to_owned();
    let path = format!("/v1/tokens/{id}/renew");
    // The Go client sends an empty object.
    let shown = client.get(&format!("/v1/tokens/{id}"));
    assert_eq!(shown["token"]["id"], id);
    assert_eq!(shown["token"].get("token"), None, "{shown}");
    let renewed = client.send("PUT", &path, Some(&json!({})));
    assert_eq!(renewed.status, 200, "{renewed:?}");
    let renewed = renewed.json()["token"].clone();
    assert_ne!(renewed["id"], json!(id));
    assert_eq!(renewed["scopes"], json!(["tokens:write"]));
    assert_eq!(exchange(&served, &old).status, 401);
    assert_eq!(client.send("GET", "/v1/tokens", None).status, 401);
    let new = Client::with(&served, renewed["token"].as_str().unwrap());
    assert_eq!(new.get("/v1/tokens")["tokens"][0]["id"], renewed["id"]);
    assert_eq!(new.send("PATCH", &path, None).status, 404);
}

fn nobody_hands_on_more_than_it_has(house: &House) {
    furnish_api(house, 60);
    let served = Served::start(house);
    let whole = Client::of(house, &served, "acc-1");
    let all = whole.get("/v1/tokens")["tokens"][0]["id"].clone();
    let scopes = ["--scope", "tokens:write", "--scope", "billing:read"];
    let some = Client::with(&served, &secret(house, "acc-1", &scopes));
    for (asked, status) in [
        (json!(["billing:read"]), 201),
        (json!(["tokens:read", "billing:read"]), 201),
        (json!(["billing:write"]), 403),
        (json!(["keys:read", "billing:read"]), 403),
    ] {
        let body = json!({ "token": { "name": "x", "scopes": asked } });
        let reply = some.post("/v1/tokens", &body);
        assert_eq!(reply.status, status, "{asked}: {reply:?}");
    }
    // Whoever names none gets what the other has, and no more.
    let same = some.post("/v1/tokens", &json!({ "token": { "name": "y" } }));
    let scopes = same.json()["token"]["scopes"].clone();
    assert_eq!(scopes, json!(["billing:read", "tokens:write"]));
    // Renewing another's would show its secret.
    let path = format!("/v1/tokens/{}/renew", all.as_str().unwrap());
    assert_eq!(some.send("PUT", &path, None).status, 403);
    assert_eq!(
        whole.get("/v1/tokens")["tokens"].as_array().unwrap().len(),
        5
    );
}

fn what_is_no_token_is_refused(house: &House) {
    furnish_api(house, 60);
    let served = Served::start(house);
    let client = Client::of(house, &served, "acc-1");
    let long = "x".repeat(256);
    for (body, status, answer) in [
        (json!({ "token": {} }), 422, field("name", "can't be blank")),
        (
            json!({ "token": { "name": " " } }),
            422,
            field("name", "can't be blank"),
        ),
        (
            json!({ "token": { "name": 7 } }),
            422,
            field("name", "invalid type: integer `7`, expected a string"),
        ),
        (
            json!({ "token": { "name": long } }),
            422,
            field("name", "is too long (maximum is 255 characters)"),
        ),
        (
            json!({ "token": { "name": "x", "scopes": [] } }),
            422,
            field(
                "scopes",
                "a token without any scope would be good for nothing",
            ),
        ),
        (
            json!({ "token": { "name": "x", "scopes": ["all"] } }),
            422,
            field(
                "scopes",
                "\"all\" is not a scope: account, billing, keys or tokens, then :read or :write; or invoices:read",
            ),
        ),
        (
            json!({ "token": { "name": "x", "expires_at": "tomorrow" } }),
            422,
            field("expires_at", "is not a time such as 2026-11-30T12:00:00Z"),
        ),
        (
            json!({ "token": { "name": "x", "expires_at": "2026-11-02T08:00:00Z" } }),
            422,
            field("expires_at", "is in the past"),
        ),
        (
            json!({ "token": "x" }),
            400,
            json!({ "error": "\"token\" is no JSON object", "code": "bad_request" }),
        ),
    ] {
        let reply = client.post("/v1/tokens", &body);
        assert_eq!((reply.status, reply.json()), (status, answer), "{body}");
    }
    assert_eq!(
        client.get("/v1/tokens")["tokens"].as_array().unwrap().len(),
        1
    );
    let unknown = house.refuse(&[
        "account", "token", "acc-9", "--name", "x", "--by", "ada", "--reason", "r",
    ]);
    assert!(unknown.stderr.contains("acc-9"), "{unknown:?}");
}

fn a_token_ends_when_it_was_said_to(house: &House) {
    furnish_api(house, 60);
    let secret = secret(house, "acc-1", &["--until", "2026-11-02T08:30:00Z"]);
    let bearer = {
        let served = Served::start(house);
        exchange(&served, &secret).json()["token"].clone()
    };
    house.set_now("2026-11-02T08:30:00Z");
    let served = Served::start(house);
    assert_eq!(exchange(&served, &secret).status, 401);
    // What it was exchanged for would be good until nine.
    let request = served
        .request("GET", "/v1/tokens")
        .bearer_auth(bearer.as_str().unwrap());
    assert_eq!(served.send(request).status, 401);
}

fn who_tries_too_often_is_told_to_wait(house: &House) {
    furnish_api(house, 3);
    let served = Served::start(house);
    let one = secret(house, "acc-1", &[]);
    let client = Client::with(&served, &one);
    let two = secret(house, "acc-2", &[]);
    let other = Client::with(&served, &two);
    for _ in 0..3 {
        client.get("/v1/tokens");
    }
    let reply = client.send("GET", "/v1/tokens", None);
    assert_eq!(reply.status, 429);
    assert_eq!(reply.json(), json!({ "error": "Retry later" }));
    let seconds: u64 = reply.headers["retry-after"]
        .to_str()
        .unwrap()
        .parse()
        .unwrap();
    assert!((1..=60).contains(&seconds), "{seconds}");
    // Another account is not held up by it.
    other.get("/v1/tokens");
    // A guess counts of the address, whatever it guesses; a word of a proxy that is not
    // there counts for nothing.
    assert_eq!(exchange(&served, "tk-us-guess").status, 401);
    let forged = served
        .request("POST", "/v1/tokens/exchange")
        .header("x-forwarded-for", "192.0.2.7")
        .basic_auth("", Some(&one));
    assert_eq!(served.send(forged).status, 429);
}

fn nothing_in_the_database_lets_anybody_in(house: &House) {
    furnish_api(house, 60);
    let secret = secret(house, "acc-1", &[]);
    let mut watch = house.watch();
    let mut kept = watch.texts("SELECT id || ' ' || name FROM api_token");
    kept.extend(watch.texts(
        "SELECT actor || ' ' || action || ' ' || subject || ' ' || reason FROM audit_entry",
    ));
    assert_eq!(kept.len(), 2, "{kept:?}");
    assert!(!kept.iter().any(|text| text.contains(&secret)), "{kept:?}");
    // It is a digest: as long as one, and shorter than the secret.
    let digests = "SELECT COUNT(*) FROM api_token WHERE length(digest) = 32";
    assert_eq!(watch.count(digests), 1);
    let served = Served::start(house);
    for guess in ["", "tk-us-", &secret[..53], &format!("{secret}x")] {
        let reply = exchange(&served, guess);
        assert_eq!(reply.status, 401, "{guess}");
        assert_eq!(reply.json(), json!({ "error": "Authentication failed" }));
    }
    let with_user = served
        .request("POST", "/v1/tokens/exchange")
        .basic_auth("acc-1", Some(&secret));
    assert_eq!(served.send(with_user).status, 401);
}
