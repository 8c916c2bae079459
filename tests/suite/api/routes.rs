//! Every route, asked by whoever should not be let in, and in ways that no client
//! should ask: each is answered in the contract's shape.

use serde_json::{Value, json};

use super::{Client, furnish_api};
use crate::on_both;
use crate::support::{House, Reply, Served};

on_both!(
    nobody_is_let_in_who_should_not_be,
    bad_requests_are_answered_in_the_contracts_shape,
    without_a_vault_there_is_no_account_api,
);

/// An operation that the document describes.
struct Route {
    method: String,
    path: String,
    scope: String,
    /// Whether it is how one pays: whoever is suspended has to be able to.
    pays: bool,
    has_body: bool,
    needs_body: bool,
}

/// Every one of them that asks for a bearer token: the handlers are reached by no way
/// that the document does not have.
fn routes(served: &Served) -> Vec<Route> {
    let reply = served.send(served.request("GET", "/openapi.json"));
    let document = check(&reply, 200, "document");
    let mut routes = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let what = format!("{method} {path}");
            if operation["x-role"].is_string() {
                // The house's own: `finance` walks those.
                continue;
            }
            let open = [
                "post /v1/tokens/exchange",
                "get /v1/downloads/{id}",
                "post /v1/users/password",
                "put /v1/users/password",
                "post /v1/users/unlock",
                "post /v1/users",
                "get /v1/regions",
                "post /v1/users/confirm_email",
                "post /v1/users/delete/{id}/confirm",
            ];
            assert_eq!(
                operation["security"][0].get("bearer").is_none(),
                open.contains(&what.as_str()),
                "{what}"
            );
            let Some(scope) = operation["x-scope"].as_str() else {
                assert!(open.contains(&what.as_str()), "{what} has no scope");
                continue;
            };
            assert!(operation["summary"].is_string(), "{what}");
            routes.push(Route {
                method: method.to_uppercase(),
                path: path.clone(),
                scope: scope.to_owned(),
                pays: operation["x-touch"] == "payment",
                has_body: operation.get("requestBody").is_some(),
                needs_body: operation["requestBody"]["required"] == true,
            });
        }
    }
    assert!(routes.len() >= 10, "the document has too few routes");
    routes
}

impl Route {
    fn of(&self, id: &str) -> String {
        self.path.replace("{id}", id)
    }

    fn names_one(&self) -> bool {
        self.path.contains("{id}")
    }
}

#[track_caller]
fn check(reply: &Reply, status: u16, what: &str) -> Value {
    assert_eq!(reply.status, status, "{what}: {reply:?}");
    for (name, value) in [
        ("cache-control", "no-store"),
        ("x-content-type-options", "nosniff"),
        ("x-frame-options", "DENY"),
        ("referrer-policy", "no-referrer"),
    ] {
        assert_eq!(reply.headers[name], value, "{what}: {name}");
    }
    assert!(!reply.headers.contains_key("access-control-allow-origin"));
    reply.json()
}

/// Whatever another account has, asked for by its id.
fn ids(client: &Client<'_>) -> Vec<String> {
    let key = client.post(
        "/v1/keys",
        &json!({ "name": "k", "content": super::keys::KEY }),
    );
    let token = client.get("/v1/tokens")["tokens"][0]["id"].clone();
    [key.json()["key"]["id"].clone(), token]
        .iter()
        .map(|id| id.as_str().unwrap().to_owned())
        .collect()
}

/// What a token may be good for.
const SCOPES: [&str; 9] = [
    "account:read",
    "account:write",
    "billing:read",
    "billing:write",
    "invoices:read",
    "keys:read",
    "keys:write",
    "tokens:read",
    "tokens:write",
];

fn nobody_is_let_in_who_should_not_be(house: &House) {
    furnish_api(house, 10_000);
    let served = Served::start(house);
    let theirs = ids(&Client::of(house, &served, "acc-1"));
    let other = Client::of(house, &served, "acc-2");
    let all = routes(&served);
    let narrow = SCOPES.map(|scope| {
        let mut args = vec![
            "account", "token", "acc-3", "--name", scope, "--scope", scope,
        ];
        args.extend(super::BY);
        let secret = house.run(&args).stdout.trim().to_owned();
        (scope, Client::with(&served, &secret))
    });
    for route in &all {
        let (method, scope) = (route.method.as_str(), route.scope.as_str());
        let what = format!("{method} {}", route.path);
        let path = route.of(&theirs[0]);
        let body = json!({ "name": "n", "content": "c" });

        let nobody = served.send(served.request(method, &path).json(&body));
        let answer = check(&nobody, 401, &what);
        assert_eq!(
            answer,
            json!({ "error": "Authentication required" }),
            "{what}"
        );
        for bearer in ["x", "a.b.c", "eyJhbGciOiJub25lIn0.e30."] {
            let request = served.request(method, &path).bearer_auth(bearer);
            let answer = check(&served.send(request.json(&body)), 401, &what);
            assert_eq!(
                answer,
                json!({ "error": "Authentication failed" }),
                "{what}"
            );
        }

        if route.names_one() {
            for id in &theirs {
                let path = route.of(id);
                let answer = check(&other.send(method, &path, Some(&body)), 404, &what);
                assert_eq!(answer["error"], "not found", "{what}");
            }
        }

        // Every scope but the one it needs, and those that cover it.
        for (lacking, client) in &narrow {
            let (resource, _) = scope.split_once(':').unwrap();
            let covers_invoices = scope == "invoices:read" && lacking.starts_with("billing:");
            if *lacking == scope || *lacking == format!("{resource}:write") || covers_invoices {
                continue;
            }
            let answer = check(&client.send(method, &path, Some(&body)), 403, &what);
            assert_eq!(
                answer["error"],
                format!("the token is not good for this: it lacks {scope}")
            );
            assert_eq!(answer["code"], "forbidden");
        }
    }

    let suspended = Client::of(house, &served, "acc-3");
    house.run(&[
        "account", "suspend", "acc-3", "--by", "ada", "--reason", "abuse",
    ]);
    for route in &all {
        let what = format!("{} {}", route.method, route.path);
        let reply = suspended.send(&route.method, &route.of("x"), Some(&json!({ "name": "n" })));
        if what == "POST /v1/users/delete" {
            // Whoever is suspended may leave; here nobody could be mailed.
            check(&reply, 409, &what);
        } else if route.pays {
            assert!(matches!(reply.status, 404 | 409 | 422), "{what}: {reply:?}");
        } else if route.scope.ends_with(":write") {
            let answer = check(&reply, 403, &what);
            assert_eq!(answer["code"], "account_suspended", "{what}");
        } else {
            assert!(matches!(reply.status, 200 | 404), "{what}: {reply:?}");
        }
    }
    // Whoever is gone is let in nowhere, though its token says when it ends.
    house.edit(
        "INSERT INTO account_deletion (account_id, no, cause, state, asked_at, confirmed_at, ended_at, \
         gives_up_credit) SELECT id, 1, 'request', 'done', 1, 1, 1, 0 FROM account WHERE external_id = 'acc-3'",
    );
    for route in &all {
        let what = format!("{} {}", route.method, route.path);
        let reply = suspended.send(&route.method, &route.of("x"), Some(&json!({ "name": "n" })));
        check(&reply, 401, &what);
    }
    // Nothing of the others' was touched by any of it.
    assert_eq!(house.watch().count("SELECT COUNT(*) FROM ssh_key"), 1);
    let tokens = "SELECT COUNT(*) FROM api_token";
    let made = i64::try_from(SCOPES.len()).unwrap() + 3;
    assert_eq!(house.watch().count(tokens), made);
}

fn bad_requests_are_answered_in_the_contracts_shape(house: &House) {
    furnish_api(house, 10_000);
    let served = Served::start(house);
    let client = Client::of(house, &served, "acc-1");
    let (_, bearer) = (&client, client.bearer.clone());
    let all = routes(&served);
    assert!(all.iter().filter(|route| route.needs_body).count() > 10);
    for route in all {
        if !route.has_body {
            continue;
        }
        let needs_body = route.needs_body;
        let (method, path) = (route.method.as_str(), route.of("acc-1"));
        let route = path.as_str();
        for body in ["", "{", "[]", "null", "\"x\"", "{\"name\":", "\u{0}"] {
            if !needs_body && ["", "null"].contains(&body) {
                continue;
            }
            let request = served
                .request(method, route)
                .bearer_auth(&bearer)
                .body(body);
            let answer = check(&served.send(request), 400, route);
            assert_eq!(answer["code"], "bad_request", "{body}");
            assert!(answer["error"].is_string(), "{body}");
        }
        let large = served
            .request(method, route)
            .bearer_auth(&bearer)
            .body(vec![b' '; 600 << 10]);
        check(&served.send(large), 413, route);
    }
    for (method, path, status, answer) in [
        (
            "GET",
            "/v1/nothing",
            404,
            json!({ "resource": "Route", "error": "not found" }),
        ),
        (
            "GET",
            "/v1/keys/%ff",
            400,
            json!({ "error": "Invalid URL: Invalid UTF-8 in `id`", "code": "bad_request" }),
        ),
        (
            "PATCH",
            "/v1/keys",
            405,
            json!({ "error": "method not allowed" }),
        ),
        (
            "GET",
            "/v1/tokens/exchange",
            405,
            json!({ "error": "method not allowed" }),
        ),
    ] {
        let what = format!("{method} {path}");
        assert_eq!(
            check(&client.send(method, path, None), status, &what),
            answer
        );
    }
}

fn without_a_vault_there_is_no_account_api(house: &House) {
    crate::support::furnish(house);
    let served = Served::start(house);
    let reply = served.send(served.request("GET", "/v1/users/self"));
    assert_eq!(reply.status, 404);
}
