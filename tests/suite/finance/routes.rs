//! Every route of the house, asked by whoever should not be let in.

use serde_json::json;

use super::{BY, ask, key};
use crate::api::furnish_api;
use crate::on_both;
use crate::support::{House, Served};

on_both!(nobody_is_let_in_who_should_not_be);

/// An operation that the document describes.
struct Route {
    method: String,
    path: String,
    role: String,
}

/// Every one of them that asks for a key: the handlers are reached by no way that the
/// document does not have.
fn routes(served: &Served) -> Vec<Route> {
    let document = served.send(served.request("GET", "/openapi.json")).json();
    let mut routes = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        let is_ours = path.starts_with("/finance/") || path.starts_with("/ingest/");
        for (method, operation) in item.as_object().unwrap() {
            let what = format!("{method} {path}");
            let role = operation["x-role"].as_str();
            assert_eq!(role.is_some(), is_ours, "{what}");
            let Some(role) = role else { continue };
            assert!(operation["security"][0].get("operator").is_some(), "{what}");
            assert!(operation["summary"].is_string(), "{what}");
            assert_eq!(role == "ingest", path.starts_with("/ingest/"), "{what}");
            routes.push(Route {
                method: method.to_uppercase(),
                path: path.replace("{id}", "1"),
                role: role.to_owned(),
            });
        }
    }
    assert!(!routes.is_empty(), "the document has no route of the house");
    routes
}

fn nobody_is_let_in_who_should_not_be(house: &House) {
    furnish_api(house, 10_000);
    let roles = ["viewer", "operator", "approver", "ingest"];
    let keys = roles.map(|role| (role, key(house, role, role, &[])));
    let revoked = roles.map(|role| key(house, &format!("revoked {role}"), role, &[]));
    for role in roles {
        let name = format!("revoked {role}");
        let mut args = vec!["operator", "revoke", &name];
        args.extend(BY);
        house.run(&args);
    }
    let until = ["--until", "2026-11-02T08:30:00Z"];
    let expired = roles.map(|role| key(house, &format!("expired {role}"), role, &until));
    house.set_now("2026-11-02T08:30:00Z");
    let served = Served::start(house);
    for route in routes(&served) {
        let (method, path) = (route.method.as_str(), route.path.as_str());
        let body = (method != "GET").then(|| json!({ "reason": "r" }));
        let what = format!("{method} {path}");
        let mut request = served.request(method, path);
        if let Some(body) = &body {
            request = request.json(body);
        }
        let nobody = served.send(request);
        assert_eq!(nobody.status, 401, "{what}: {nobody:?}");
        assert_eq!(nobody.json(), json!({ "error": "Authentication required" }));
        for (name, value) in [
            ("cache-control", "no-store"),
            ("x-content-type-options", "nosniff"),
        ] {
            assert_eq!(nobody.headers[name], value, "{what}");
        }
        let wrong = ["x".to_owned(), format!("qt-op-{}", "A".repeat(48))];
        for secret in wrong.iter().chain(&revoked).chain(&expired) {
            let refused = ask(&served, secret, method, path, body.as_ref());
            assert_eq!(refused.status, 401, "{what}: {refused:?}");
            assert_eq!(refused.json(), json!({ "error": "Authentication failed" }));
        }
        for (role, secret) in &keys {
            let may = match route.role.as_str() {
                "viewer" => *role != "ingest",
                "operator" => ["operator", "approver"].contains(role),
                wanted => *role == wanted,
            };
            let reply = ask(&served, secret, method, path, body.as_ref());
            let what = format!("{what} by {role}");
            if may {
                assert!(
                    ![401, 403, 500].contains(&reply.status),
                    "{what}: {reply:?}"
                );
            } else {
                assert_eq!(reply.status, 403, "{what}: {reply:?}");
                let wanted = &route.role;
                assert_eq!(
                    reply.json(),
                    json!({
                        "error": format!("the key is not good for this: it is of the role {role}, not {wanted}"),
                        "code": "forbidden",
                    }),
                    "{what}"
                );
            }
        }
    }
}
