//! Customers who sign in with a password, forget it, or are locked out.

use serde_json::{Value, json};

use super::events::told;
use super::{Client, field, furnish_api, secret};
use crate::on_both;
use crate::outbox::mail_section;
use crate::support::{House, Reply, Served};

on_both!(
    a_forgotten_password_is_set_by_a_link,
    a_link_that_ran_out_sets_nothing,
    a_password_signs_in,
    ten_wrong_passwords_lock_until_a_link_is_used,
    a_new_password_unlocks,
    another_password_ends_every_session,
    a_change_is_whole_or_nothing,
    nothing_in_the_database_signs_in,
);

pub const PASSWORD: &str = "correct horse battery";
pub const OTHER: &str = "staple of the stable";

/// A house that answers, and mails links.
pub fn furnish_sign_in(house: &House) {
    furnish_mailing(house, 9);
}

/// The same, by a mail server of this machine.
pub fn furnish_mailing(house: &House, port: u16) {
    furnish_api(house, 6_000);
    let settings = std::fs::read_to_string(house.path("quittance.toml")).unwrap();
    let links = "email_url = \"https://billing.example/email?token={token}\"\n\
         unlock_url = \"https://billing.example/unlock?token={token}\"\n\
         password_url = \"https://console.example/password/{token}\"";
    let mail = mail_section(port, "none", links);
    house.file("quittance.toml", format!("{settings}\n{mail}"));
}

/// The tokens in the links of a topic that wait to be mailed.
pub fn links(house: &House, topic: &str) -> Vec<String> {
    let waiting = house.watch().texts(
        "SELECT topic || ' ' || payload FROM outbox WHERE state = 'waiting' ORDER BY created_at, key",
    );
    let payloads = waiting
        .iter()
        .filter_map(|row| row.strip_prefix(topic)?.strip_prefix(' '));
    payloads
        .map(|payload| {
            let payload: Value = serde_json::from_str(payload).unwrap();
            payload["token"].as_str().unwrap().to_owned()
        })
        .collect()
}

fn ask(served: &Served, email: &str) -> Reply {
    let body = json!({ "user": { "email": email } });
    served.send(served.request("POST", "/v1/users/password").json(&body))
}

fn reset(served: &Served, token: &str, password: &str, again: &str) -> Reply {
    let body = json!({ "user": {
        "reset_password_token": token, "password": password, "password_confirmation": again,
    } });
    served.send(served.request("PUT", "/v1/users/password").json(&body))
}

/// Gives acc-1 its password.
pub fn give_password(house: &House, served: &Served) {
    assert_eq!(ask(served, "ada@example.com").status, 204);
    let token = links(house, "password_reset").pop().unwrap();
    let reply = reset(served, &token, PASSWORD, PASSWORD);
    assert_eq!(reply.status, 204, "{reply:?}");
}

fn sign_in(served: &Served, name: &str, password: &str) -> Reply {
    let request = served
        .request("POST", "/v1/tokens")
        .basic_auth(name, Some(password));
    served.send(request.json(&json!({ "token": { "name": "session" } })))
}

#[track_caller]
fn is_refused(reply: &Reply) {
    let answer = json!({ "error": "Authentication failed" });
    assert_eq!((reply.status, reply.json()), (401, answer));
}

fn kinds(client: &Client<'_>) -> Vec<String> {
    told(client).into_iter().map(|(kind, _)| kind).collect()
}

fn a_forgotten_password_is_set_by_a_link(house: &House) {
    furnish_sign_in(house);
    let served = Served::start(house);
    let client = Client::of(house, &served, "acc-1");
    // Nobody is told whether anybody has that address.
    assert_eq!(ask(&served, "nobody@example.com").status, 204);
    assert_eq!(links(house, "password_reset"), [""; 0]);
    assert_eq!(ask(&served, " ADA@example.com").status, 204);
    // Nobody is mailed the same again at once.
    assert_eq!(ask(&served, "ada@example.com").status, 204);
    let [token] = links(house, "password_reset").try_into().unwrap();
    for (token, password, again, answer) in [
        (
            "00ff",
            PASSWORD,
            PASSWORD,
            field("reset_password_token", "is invalid"),
        ),
        (
            &token,
            "short",
            "short",
            field("password", "is too short (minimum is 12 characters)"),
        ),
        (
            &token,
            PASSWORD,
            OTHER,
            field("password_confirmation", "doesn't match password"),
        ),
    ] {
        let reply = reset(&served, token, password, again);
        assert_eq!((reply.status, reply.json()), (422, answer));
    }
    is_refused(&sign_in(&served, "ada", PASSWORD));
    assert_eq!(reset(&served, &token, PASSWORD, PASSWORD).status, 204);
    // It works once.
    let reply = reset(&served, &token, OTHER, OTHER);
    let answer = field("reset_password_token", "is invalid");
    assert_eq!((reply.status, reply.json()), (422, answer));
    assert_eq!(sign_in(&served, "ada", PASSWORD).status, 201);
    let changed = "SELECT COUNT(*) FROM outbox WHERE topic = 'password_changed'";
    assert_eq!(house.watch().count(changed), 1);
    // What it had before is worth nothing; its API token still is.
    assert_eq!(client.send("GET", "/v1/events", None).status, 401);
    let expected = [
        "new_token",
        "password_reset_query",
        "password_reset_success",
        "login_success",
        "new_token",
        "new_token",
    ];
    let client = Client::of(house, &served, "acc-1");
    assert_eq!(kinds(&client), expected);
    // Where from, too.
    let here = json!({ "remote_ip": "127.0.0.1" });
    let known: Vec<_> = told(&client);
    let known = known.iter().filter(|(_, data)| *data == here);
    let known: Vec<&str> = known.map(|(kind, _)| kind.as_str()).collect();
    assert_eq!(known, &expected[1..4]);
    let blank = ask(&served, " ");
    assert_eq!(blank.json(), field("email", "can't be blank"));
}

fn a_link_that_ran_out_sets_nothing(house: &House) {
    furnish_sign_in(house);
    let served = Served::start(house);
    assert_eq!(ask(&served, "ada@example.com").status, 204);
    let first = links(house, "password_reset").pop().unwrap();
    house.set_now("2026-11-02T08:01:00Z");
    let served = Served::start(house);
    // Another one replaces it.
    assert_eq!(ask(&served, "ada@example.com").status, 204);
    let [token] = links(house, "password_reset").try_into().unwrap();
    assert_ne!(token, first);
    assert_eq!(reset(&served, &first, PASSWORD, PASSWORD).status, 422);
    house.set_now("2026-11-03T08:01:00Z");
    let served = Served::start(house);
    assert_eq!(reset(&served, &token, PASSWORD, PASSWORD).status, 422);
    house.set_now("2026-11-03T08:00:59Z");
    let served = Served::start(house);
    assert_eq!(reset(&served, &token, PASSWORD, PASSWORD).status, 204);
}

fn a_password_signs_in(house: &House) {
    furnish_sign_in(house);
    let served = Served::start(house);
    give_password(house, &served);
    for name in ["ada", "ADA", "ada@example.com", " Ada@Example.com "] {
        let reply = sign_in(&served, name, PASSWORD);
        assert_eq!(reply.status, 201, "{name}: {reply:?}");
        let token = reply.json()["token"]["token"].as_str().unwrap().to_owned();
        let user = Client::with(&served, &token).get("/v1/users/self");
        assert_eq!(user["user"]["id"], "acc-1");
    }
    for (name, password) in [
        ("ada", OTHER),
        ("ada", ""),
        ("", PASSWORD),
        ("nobody", PASSWORD),
        ("nobody@example.com", PASSWORD),
        // Who never set one has none.
        ("jan", PASSWORD),
        ("jan", ""),
    ] {
        is_refused(&sign_in(&served, name, password));
    }
    let nonsense = served.request("POST", "/v1/tokens");
    is_refused(&served.send(nonsense.header("authorization", "Basic %%%")));
    // Who is suspended signs in to see why, and to pay.
    house.run(&[
        "account", "suspend", "acc-1", "--by", "ada", "--reason", "abuse",
    ]);
    assert_eq!(sign_in(&served, "ada", PASSWORD).status, 201);
    let audited = house.watch().texts(
        "SELECT actor || ' ' || action || ' ' || reason FROM audit_entry WHERE reason = 'by password'",
    );
    assert_eq!(audited.len(), 5);
    assert_eq!(audited[0], "customer token_created by password");
}

fn ten_wrong_passwords_lock_until_a_link_is_used(house: &House) {
    furnish_sign_in(house);
    let served = Served::start(house);
    give_password(house, &served);
    let client = Client::of(house, &served, "acc-1");
    // One that is right in between begins to count anew.
    for wrong in [9, 9] {
        for _ in 0..wrong {
            is_refused(&sign_in(&served, "ada", OTHER));
        }
        assert_eq!(sign_in(&served, "ada", PASSWORD).status, 201);
    }
    for _ in 0..10 {
        assert_eq!(links(house, "login_locked"), [""; 0]);
        is_refused(&sign_in(&served, "ada", OTHER));
    }
    let [token] = links(house, "login_locked").try_into().unwrap();
    for _ in 0..2 {
        is_refused(&sign_in(&served, "ada", PASSWORD));
        is_refused(&sign_in(&served, "ada", OTHER));
    }
    // Its API tokens still work.
    let happened = kinds(&client);
    let count = |kind: &str| happened.iter().filter(|known| *known == kind).count();
    assert_eq!(count("login_failure"), 28);
    assert_eq!(count("login_lock"), 1);
    assert_eq!(happened.last().unwrap(), "login_lock");

    let page = |method: &str, token: &str| {
        let request = match method {
            "GET" => served.request(method, &format!("/unlock?token={token}")),
            _ => served
                .request(method, "/unlock")
                .body(format!("token={token}")),
        };
        served.send(request)
    };
    // Looking at the page unlocks nothing.
    let shown = page("GET", &token);
    assert_eq!(shown.status, 200);
    assert!(shown.text.contains("Déverrouiller mon compte"), "{shown:?}");
    assert!(shown.text.contains(&token));
    is_refused(&sign_in(&served, "ada", PASSWORD));
    assert_eq!(page("POST", "00").status, 404);
    let done = page("POST", &token);
    assert_eq!(done.status, 200, "{done:?}");
    assert_eq!(sign_in(&served, "ada", PASSWORD).status, 201);
    for method in ["GET", "POST"] {
        assert_eq!(page(method, &token).status, 404);
    }
    let reply = served.send(
        served
            .request("POST", "/v1/users/unlock")
            .json(&json!({ "user": { "token": token } })),
    );
    assert_eq!(reply.json(), field("token", "is invalid"));
    let happened = kinds(&client);
    let tail = &happened[happened.len() - 3..];
    assert_eq!(tail, ["login_unlock_success", "login_success", "new_token"]);
}

fn a_new_password_unlocks(house: &House) {
    furnish_sign_in(house);
    let served = Served::start(house);
    give_password(house, &served);
    for _ in 0..10 {
        is_refused(&sign_in(&served, "ada", OTHER));
    }
    let [unlock] = links(house, "login_locked").try_into().unwrap();
    assert_eq!(ask(&served, "ada@example.com").status, 204);
    let token = links(house, "password_reset").pop().unwrap();
    assert_eq!(reset(&served, &token, OTHER, OTHER).status, 204);
    is_refused(&sign_in(&served, "ada", PASSWORD));
    assert_eq!(sign_in(&served, "ada", OTHER).status, 201);
    let reply = served.send(
        served
            .request("POST", "/v1/users/unlock")
            .json(&json!({ "token": unlock })),
    );
    assert_eq!(reply.status, 422);
}

fn another_password_ends_every_session(house: &House) {
    furnish_sign_in(house);
    let served = Served::start(house);
    give_password(house, &served);
    let api_token = secret(house, "acc-1", &[]);
    let client = Client::with(&served, &api_token);
    let change = |current: &str, new: &str, again: &str| {
        let body = json!({ "user": {
            "current_password": current, "password": new, "password_confirmation": again,
        } });
        client.send("PUT", "/v1/users/account", Some(&body))
    };
    for (current, new, again, answer) in [
        (OTHER, OTHER, OTHER, field("current_password", "is invalid")),
        ("", OTHER, OTHER, field("current_password", "is invalid")),
        (
            PASSWORD,
            "short",
            "short",
            field("password", "is too short (minimum is 12 characters)"),
        ),
        (
            PASSWORD,
            OTHER,
            "",
            field("password_confirmation", "doesn't match password"),
        ),
    ] {
        let reply = change(current, new, again);
        assert_eq!((reply.status, reply.json()), (422, answer));
    }
    let reply = change(PASSWORD, OTHER, OTHER);
    assert_eq!(reply.status, 200, "{reply:?}");
    assert_eq!(reply.json()["user"]["username"], "ada");
    is_refused(&client.send("GET", "/v1/users/self", None));
    is_refused(&sign_in(&served, "ada", PASSWORD));
    assert_eq!(sign_in(&served, "ada", OTHER).status, 201);
    let again = Client::with(&served, &api_token);
    assert_eq!(again.get("/v1/users/self")["user"]["id"], "acc-1");
    // Whoever has none asks for one by the other way.
    let jan = Client::of(house, &served, "acc-2");
    let body = json!({ "current_password": "", "password": OTHER, "password_confirmation": OTHER });
    let reply = jan.send("PUT", "/v1/users/account", Some(&body));
    let answer = field(
        "current_password",
        "is not there yet: ask for a new password as if it were forgotten",
    );
    assert_eq!((reply.status, reply.json()), (422, answer));
}

fn a_change_is_whole_or_nothing(house: &House) {
    furnish_sign_in(house);
    let served = Served::start(house);
    give_password(house, &served);
    let client = Client::of(house, &served, "acc-1");
    let change = |username: &str, current: &str| {
        let body = json!({ "user": {
            "username": username, "current_password": current,
            "password": OTHER, "password_confirmation": OTHER,
        } });
        client.send("PUT", "/v1/users/account", Some(&body)).status
    };
    assert_eq!(change("jan", PASSWORD), 422);
    assert_eq!(sign_in(&served, "ada", PASSWORD).status, 201);
    assert_eq!(change("countess", OTHER), 422);
    assert_eq!(client.get("/v1/users/self")["user"]["username"], "ada");
    assert_eq!(change("countess", PASSWORD), 200);
    assert_eq!(sign_in(&served, "countess", OTHER).status, 201);
    is_refused(&sign_in(&served, "ada", OTHER));
}

fn nothing_in_the_database_signs_in(house: &House) {
    furnish_sign_in(house);
    let served = Served::start(house);
    give_password(house, &served);
    let mut watch = house.watch();
    let hashes = watch.texts("SELECT password_hash FROM account_credential");
    assert_eq!(hashes.len(), 1);
    assert!(
        hashes[0].starts_with("$argon2id$v=19$m=19456,t=2,p=1$"),
        "{hashes:?}"
    );
    assert!(!hashes[0].contains("horse"));
    is_refused(&sign_in(&served, "ada", &hashes[0]));
    assert_eq!(ask(&served, "jan@example.com").status, 204);
    let digests = "SELECT COUNT(*) FROM account_link WHERE length(digest) = 32";
    assert_eq!(watch.count(digests), 1);
    let log = watch.texts("SELECT action || reason || COALESCE(subject, '') FROM audit_entry");
    assert!(log.iter().all(|line| !line.contains("horse")), "{log:?}");
}
