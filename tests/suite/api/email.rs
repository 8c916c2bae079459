//! Another address for an account.

use serde_json::{Value, json};

use super::sign_in::{OTHER, PASSWORD, furnish_mailing, furnish_sign_in, give_password, links};
use super::{Client, field, furnish_api, secret};
use crate::fakes::smtp::SmtpFake;
use crate::on_both;
use crate::support::{House, Reply, Served};

on_both!(
    another_address_is_confirmed_by_a_link,
    what_is_asked_for_is_taken_back,
    an_address_is_one_accounts,
    whoever_has_a_password_says_it,
    without_a_place_for_the_link_no_address_is_taken,
);

const NEW: &str = "ada@king.example";

fn ask(client: &Client<'_>, email: &str) -> Reply {
    let body = json!({ "user": { "email": email } });
    client.send("PATCH", "/v1/account/profile", Some(&body))
}

fn confirm(served: &Served, token: &str) -> Reply {
    let request = served.request("POST", "/v1/users/confirm_email");
    served.send(request.json(&json!({ "token": token })))
}

fn addresses(client: &Client<'_>) -> (Value, Value) {
    let user = client.get("/v1/users/self")["user"].clone();
    (user["email"].clone(), user["unconfirmed_email"].clone())
}

/// Whom the mails went to that the server took, and their subjects.
fn mailed(house: &House, smtp: &SmtpFake) -> Vec<String> {
    house.run(&["outbox", "deliver"]);
    let mut mails: Vec<String> = smtp
        .take_received()
        .iter()
        .map(|mail| format!("{}: {}", mail.to, mail.header("Subject")))
        .collect();
    mails.sort();
    mails
}

fn another_address_is_confirmed_by_a_link(house: &House) {
    let smtp = SmtpFake::start();
    furnish_mailing(house, smtp.port());
    let served = Served::start(house);
    let client = Client::of(house, &served, "acc-2");
    let old = json!("jan@example.com");
    assert_eq!(ask(&client, "jan").status, 422);
    let reply = ask(&client, " jan@nowak.example ");
    assert_eq!(reply.status, 200, "{reply:?}");
    let new = json!("jan@nowak.example");
    assert_eq!(reply.json()["user"]["unconfirmed_email"], new);
    assert_eq!(addresses(&client), (old.clone(), new.clone()));
    let [token] = links(house, "email_confirmation").try_into().unwrap();
    let mails = mailed(house, &smtp);
    assert_eq!(mails.len(), 2, "{mails:?}");
    assert!(
        mails[0].starts_with("jan@example.com: The email address of your account"),
        "{mails:?}"
    );
    assert!(
        mails[1].starts_with("jan@nowak.example: Please confirm your email address"),
        "{mails:?}"
    );
    // The link is not kept once it was mailed.
    let kept = house.watch().texts("SELECT payload FROM outbox");
    assert!(kept.iter().all(|row| !row.contains(&token)), "{kept:?}");

    // Looking at the page confirms nothing.
    let path = format!("/email?token={token}");
    let shown = served.send(served.request("GET", &path));
    assert_eq!(shown.status, 200, "{shown:?}");
    assert!(shown.text.contains("Confirm the address"), "{shown:?}");
    assert_eq!(addresses(&client), (old, new.clone()));
    let press = || {
        let request = served.request("POST", "/email");
        served.send(request.body(format!("token={token}")))
    };
    assert_eq!(press().status, 200);
    assert_eq!(addresses(&client), (new, Value::Null));
    let mails = mailed(house, &smtp);
    assert_eq!(mails.len(), 1, "{mails:?}");
    assert!(
        mails[0].starts_with("jan@example.com: The email address of your account"),
        "{mails:?}"
    );
    // It works once.
    assert_eq!(press().status, 404);
    let again = confirm(&served, &token);
    let answer = field("token", "is invalid");
    assert_eq!((again.status, again.json()), (422, answer));
    let versions = house.watch().texts(
        "SELECT CAST(p.version AS TEXT) || ' ' || p.email FROM billing_profile p JOIN account a \
         ON a.id = p.account_id WHERE a.external_id = 'acc-2' ORDER BY p.version",
    );
    assert_eq!(versions, ["1 jan@example.com", "2 jan@nowak.example"]);
    house.run(&["verify"]);
}

fn what_is_asked_for_is_taken_back(house: &House) {
    furnish_sign_in(house);
    let secret = secret(house, "acc-1", &[]);
    let served = Served::start(house);
    let client = Client::with(&served, &secret);
    let standing = json!("ada@example.com");
    assert_eq!(ask(&client, "first@king.example").status, 200);
    let first = links(house, "email_confirmation").pop().unwrap();
    // Strangers are not mailed as often as somebody likes, whatever is taken back.
    let soon = ask(&client, NEW);
    let answer = json!({ "error": "Retry later" });
    assert_eq!((soon.status, soon.json()), (429, answer));
    assert_eq!(soon.headers["retry-after"], "301");
    // The same again is not mailed again, and its link works.
    assert_eq!(ask(&client, "first@king.example").status, 200);
    assert_eq!(
        links(house, "email_confirmation"),
        std::slice::from_ref(&first)
    );
    assert_eq!(ask(&client, "ada@example.com").status, 200);
    assert_eq!(links(house, "email_confirmation"), [""; 0]);
    assert_eq!(ask(&client, "first@king.example").status, 429);
    assert_eq!(confirm(&served, &first).status, 422);

    house.set_now("2026-11-02T08:05:00Z");
    let served = Served::start(house);
    let client = Client::with(&served, &secret);
    assert_eq!(ask(&client, NEW).status, 200);
    let [second] = links(house, "email_confirmation").try_into().unwrap();
    assert_eq!(confirm(&served, &first).status, 422);
    assert_eq!(ask(&client, "ada@example.com").status, 200);
    assert_eq!(addresses(&client), (standing.clone(), Value::Null));
    assert_eq!(links(house, "email_confirmation"), [""; 0]);
    assert_eq!(confirm(&served, &second).status, 422);
    // The same again is another link in time, and what else changes leaves it alone.
    house.set_now("2026-11-02T08:10:00Z");
    let served = Served::start(house);
    let client = Client::with(&served, &secret);
    assert_eq!(ask(&client, NEW).status, 200);
    let first = links(house, "email_confirmation").pop().unwrap();
    house.set_now("2026-11-02T08:15:00Z");
    let served = Served::start(house);
    let client = Client::with(&served, &secret);
    assert_eq!(ask(&client, NEW).status, 200);
    let [third] = links(house, "email_confirmation").try_into().unwrap();
    assert_eq!(confirm(&served, &first).status, 422);
    let body = json!({ "location": "Strasbourg" });
    let reply = client.send("PATCH", "/v1/account/profile", Some(&body));
    assert_eq!(reply.json()["user"]["unconfirmed_email"], NEW);
    assert_eq!(confirm(&served, &third).status, 204);
    assert_eq!(addresses(&client), (json!(NEW), Value::Null));
}

fn an_address_is_one_accounts(house: &House) {
    furnish_sign_in(house);
    let served = Served::start(house);
    let one = Client::of(house, &served, "acc-1");
    let two = Client::of(house, &served, "acc-2");
    let taken = ask(&one, "Jan@example.com");
    let answer = field("email", "has already been taken");
    assert_eq!((taken.status, taken.json()), (422, answer.clone()));
    // Both ask for one that is free: whoever confirms it first has it.
    assert_eq!(ask(&one, NEW).status, 200);
    let [of_one] = links(house, "email_confirmation").try_into().unwrap();
    assert_eq!(ask(&two, NEW).status, 200);
    let mut both = links(house, "email_confirmation");
    both.retain(|token| *token != of_one);
    let [of_two] = both.try_into().unwrap();
    assert_eq!(confirm(&served, &of_two).status, 204);
    let late = confirm(&served, &of_one);
    assert_eq!((late.status, late.json()), (422, answer));
    let request = served.request("POST", "/email");
    let page = served.send(request.body(format!("token={of_one}")));
    assert_eq!(page.status, 409);
    assert_eq!(addresses(&one).0, "ada@example.com");
    assert_eq!(addresses(&two).0, NEW);
}

fn whoever_has_a_password_says_it(house: &House) {
    furnish_sign_in(house);
    let served = Served::start(house);
    give_password(house, &served);
    let client = Client::of(house, &served, "acc-1");
    let id = client.get("/v1/users/self")["user"]["id"].clone();
    let by_id = format!("/v1/users/{}", id.as_str().unwrap());
    let send = |method: &str, path: &str, current: Option<&str>| {
        let body = json!({ "user": { "email": NEW, "current_password": current } });
        client.send(method, path, Some(&body))
    };
    let blank = field("current_password", "can't be blank");
    let invalid = field("current_password", "is invalid");
    for (method, path) in [
        ("PUT", "/v1/users/account"),
        ("PATCH", "/v1/account/profile"),
        ("PATCH", by_id.as_str()),
        ("PUT", by_id.as_str()),
    ] {
        let reply = send(method, path, None);
        assert_eq!((reply.status, reply.json()), (422, blank.clone()), "{path}");
        let reply = send(method, path, Some(OTHER));
        assert_eq!(
            (reply.status, reply.json()),
            (422, invalid.clone()),
            "{path}"
        );
    }
    assert_eq!(addresses(&client).1, Value::Null);
    assert_eq!(links(house, "email_confirmation"), [""; 0]);
    // A client that sends the address that stands asks for nothing.
    assert_eq!(ask(&client, "ada@example.com").status, 200);
    let right = send("PUT", "/v1/users/account", Some(PASSWORD));
    assert_eq!(right.status, 200, "{right:?}");
    assert_eq!(addresses(&client).1, NEW);
    assert_eq!(links(house, "email_confirmation").len(), 1);
    // It is taken back without.
    assert_eq!(ask(&client, "ada@example.com").status, 200);
    assert_eq!(addresses(&client).1, Value::Null);
}

fn without_a_place_for_the_link_no_address_is_taken(house: &House) {
    furnish_api(house, 60);
    let served = Served::start(house);
    let client = Client::of(house, &served, "acc-1");
    let reply = ask(&client, NEW);
    let answer = json!({
        "error": "no link that confirms another address can be mailed: [mail] has no email_url",
    });
    assert_eq!((reply.status, reply.json()), (409, answer));
    assert_eq!(addresses(&client).1, Value::Null);
}
