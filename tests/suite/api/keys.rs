//! SSH keys.

use serde_json::json;

use super::{Client, field, furnish_api};
use crate::on_both;
use crate::support::{House, Served};

on_both!(a_key_is_kept_with_its_fingerprint, a_key_is_of_one_account);

// Made by ssh-keygen.
pub const KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKPIcaZ/q3UgZNVuqmZxT98ujry/kDOF4AyYTbmwhpuS ada@example.org";
const FINGERPRINT: &str = "3f:69:00:28:8b:70:35:3b:d7:49:41:04:c9:8a:8f:67";
const OTHER: &str = "ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBFGiBE2Fu/GPZRYoTUB75sQK/4n4nkAJRvih75444+kHNzQTC5LhoqzVHWoa5OobgNKEauOrDYT5p+Yz8r3jGHc= ada";

fn a_key_is_kept_with_its_fingerprint(house: &House) {
    furnish_api(house, 60);
    let served = Served::start(house);
    let client = Client::of(house, &served, "acc-1");
    assert_eq!(client.get("/v1/keys"), json!({ "keys": [] }));
    let body = json!({ "key": { "name": "laptop", "content": format!("{KEY}\n") } });
    let created = client.post("/v1/keys", &body);
    assert_eq!(created.status, 201, "{created:?}");
    let key = created.json()["key"].clone();
    let expected = json!({
        "id": key["id"],
        "name": "laptop",
        "content": KEY,
        "fingerprint": FINGERPRINT,
        "created_at": "2026-11-02T08:00:00.000Z",
        "owner": { "id": "acc-1", "email": "ada@example.com", "username": "ada" },
    });
    assert_eq!(key, expected);
    assert_eq!(client.get("/v1/keys"), json!({ "keys": [expected] }));
    // The Go client sends a question mark behind it.
    let path = format!("/v1/keys/{}", key["id"].as_str().unwrap());
    assert_eq!(client.get(&format!("{path}?")), json!({ "key": expected }));
    for (name, content, answer) in [
        ("laptop", OTHER, field("name", "has already been taken")),
        ("desk", KEY, field("content", "has already been taken")),
        ("", OTHER, field("name", "can't be blank")),
        (
            "desk",
            "ssh-rsa nonsense",
            field(
                "content",
                "is no public SSH key: one line such as \"ssh-ed25519 AAAA...\"",
            ),
        ),
    ] {
        let reply = client.post("/v1/keys", &json!({ "name": name, "content": content }));
        assert_eq!((reply.status, reply.json()), (422, answer), "{name}");
    }
    assert_eq!(client.send("DELETE", &path, None).status, 204);
    let gone = client.send("DELETE", &path, None);
    let not_found = json!({ "resource": "Key", "error": "not found" });
    assert_eq!((gone.status, gone.json()), (404, not_found));
    assert_eq!(client.get("/v1/keys"), json!({ "keys": [] }));
}

fn a_key_is_of_one_account(house: &House) {
    furnish_api(house, 60);
    let served = Served::start(house);
    let one = Client::of(house, &served, "acc-1");
    let two = Client::of(house, &served, "acc-2");
    let created = one.post("/v1/keys", &json!({ "name": "laptop", "content": KEY }));
    let path = format!("/v1/keys/{}", created.json()["key"]["id"].as_str().unwrap());
    assert_eq!(two.send("GET", &path, None).status, 404);
    assert_eq!(two.send("DELETE", &path, None).status, 404);
    assert_eq!(two.get("/v1/keys"), json!({ "keys": [] }));
    let again = two.post("/v1/keys", &json!({ "name": "laptop", "content": KEY }));
    assert_eq!(again.json(), field("content", "has already been taken"));
    // Its name is of the account's own.
    let other = two.post("/v1/keys", &json!({ "name": "laptop", "content": OTHER }));
    assert_eq!(other.status, 201);
}
