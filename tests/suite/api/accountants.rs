//! Accountants: whom a customer invites to look at its invoices, and at nothing else.

use serde_json::{Value, json};

use super::sign_in::links;
use super::{Client, field, furnish_api, secret};
use crate::fakes::smtp::SmtpFake;
use crate::on_both;
use crate::outbox::mail_section;
use crate::support::{House, Reply, Served};

on_both!(
    an_accountant_looks_at_invoices_until_it_is_taken_back,
    a_wrong_invitation_is_refused,
    a_token_for_invoices_shows_nothing_else,
);

const PATH: &str = "/v1/account/accountants";

fn furnish_inviting(house: &House, port: u16) {
    furnish_api(house, 6_000);
    let settings = std::fs::read_to_string(house.path("quittance.toml")).unwrap();
    let link = "accountant_url = \"https://billing.example/accountant?token={token}\"";
    let mail = mail_section(port, "none", link);
    house.file("quittance.toml", format!("{settings}\n{mail}"));
}

fn invite(client: &Client<'_>, email: &str) -> Reply {
    client.post(PATH, &json!({ "accountant": { "email": email } }))
}

fn page(served: &Served, token: &str, language: &str) -> Reply {
    let request = served.request("GET", &format!("/accountant?token={token}"));
    served.send(request.header("Accept-Language", language))
}

fn an_accountant_looks_at_invoices_until_it_is_taken_back(house: &House) {
    let smtp = SmtpFake::start();
    furnish_inviting(house, smtp.port());
    house.run(&["run", "2026-10"]);
    let invoices = house.invoices("2026-10");
    let number_of = |account: &str| {
        let own = invoices
            .iter()
            .find(|invoice| invoice["account"] == account);
        own.unwrap()["number"].as_str().unwrap().to_owned()
    };
    let (own, other) = (number_of("acc-3"), number_of("acc-1"));
    let secret = secret(house, "acc-3", &[]);
    let served = Served::start(house);
    let client = Client::with(&served, &secret);
    let invited = invite(&client, "Books@Example.org");
    assert_eq!(invited.status, 201, "{invited:?}");
    let invited = invited.json()["accountant"].clone();
    let email = invited["email"].as_str().unwrap().to_owned();
    assert_eq!(invited["last_seen_at"], Value::Null);
    assert_eq!(client.get(PATH), json!({ "accountants": [invited] }));
    let [token] = links(house, "accountant_invited").try_into().unwrap();
    house.run(&["outbox", "deliver"]);
    let mails = smtp.take_received();
    let mail = mails.iter().find(|mail| mail.to == email).unwrap();
    // Not the customer's name: it is somebody else.
    assert!(!mail.header("To").contains("Br"), "{}", mail.header("To"));
    // What let it in is not kept once it was told.
    let kept = house
        .watch()
        .texts("SELECT payload FROM outbox WHERE topic = 'accountant_invited'");
    assert!(!kept[0].contains(&token), "{kept:?}");

    let shown = page(&served, &token, "en");
    assert_eq!(shown.status, 200, "{shown:?}");
    for (name, value) in [
        ("cache-control", "no-store"),
        ("referrer-policy", "no-referrer"),
        ("x-content-type-options", "nosniff"),
    ] {
        assert_eq!(shown.headers[name], value);
    }
    assert!(
        shown.text.contains(&own) && shown.text.contains("Brückner GmbH"),
        "{}",
        shown.text
    );
    assert!(!shown.text.contains(&other), "{}", shown.text);
    let french = page(&served, &token, "fr-FR").text;
    assert!(
        french.contains("Factures") && french.contains("à payer"),
        "{french}"
    );
    let href = shown.text.split("href=\"").nth(1).unwrap();
    let href = href.split('"').next().unwrap().replace("&amp;", "&");
    let file = served.send(served.request("GET", &href));
    assert_eq!(file.status, 200, "{file:?}");
    assert_eq!(file.headers["content-type"], "application/pdf");
    // Another's by the same link is not signed.
    let forged = served.send(served.request("GET", &href.replace(&own, &other)));
    assert_eq!(forged.status, 403, "{forged:?}");
    let seen = client.get(PATH)["accountants"][0]["last_seen_at"].clone();
    assert_eq!(seen, "2026-11-02T08:00:00.000Z");

    for wrong in ["", "00ff", "x"] {
        assert_eq!(page(&served, wrong, "en").status, 404, "{wrong}");
    }
    let id = invited["id"].as_str().unwrap();
    let path = format!("{PATH}/{id}");
    assert_eq!(client.send("DELETE", &path, None).status, 204);
    let again = client.send("DELETE", &path, None);
    assert_eq!(again.status, 404, "{again:?}");
    assert_eq!(page(&served, &token, "en").status, 404);
    let audited = house.watch().texts(
        "SELECT e.action FROM audit_entry e WHERE e.action LIKE 'accountant%' ORDER BY e.id",
    );
    assert_eq!(audited, ["accountant_invited", "accountant_removed"]);
}

fn a_wrong_invitation_is_refused(house: &House) {
    let smtp = SmtpFake::start();
    furnish_inviting(house, smtp.port());
    let served = Served::start(house);
    let client = Client::of(house, &served, "acc-1");
    for email in ["", "books", "a b@example.org"] {
        let refused = invite(&client, email);
        assert_eq!(refused.status, 422, "{refused:?}");
        assert!(
            refused.json()["errors"]["email"][0].is_string(),
            "{refused:?}"
        );
    }
    assert_eq!(invite(&client, "books@example.org").status, 201);
    let twice = invite(&client, "BOOKS@example.org");
    assert_eq!(twice.json(), field("email", "has already been taken"));
    // Another customer may have the same accountant.
    let other = Client::of(house, &served, "acc-2");
    assert_eq!(invite(&other, "books@example.org").status, 201);
    let theirs = other.get(PATH)["accountants"][0]["id"].clone();
    let path = format!("{PATH}/{}", theirs.as_str().unwrap());
    assert_eq!(client.send("DELETE", &path, None).status, 404);
    assert_eq!(other.get(PATH)["accountants"].as_array().unwrap().len(), 1);
    // One that was taken back before its mail went out gets none.
    assert_eq!(other.send("DELETE", &path, None).status, 204);
    drop(served);
    house.run(&["outbox", "deliver"]);
    assert_eq!(smtp.take_received().len(), 1);
    // Where no link can be mailed, nobody is invited.
    furnish_api_again(house);
    let served = Served::start(house);
    let client = Client::of(house, &served, "acc-3");
    let refused = invite(&client, "books@example.org");
    assert_eq!(refused.status, 409, "{refused:?}");
    let told = "nobody can be invited: [mail] has no accountant_url";
    assert_eq!(refused.json(), json!({ "error": told }));
}

/// The settings without a mail server.
fn furnish_api_again(house: &House) {
    let settings = std::fs::read_to_string(house.path("quittance.toml")).unwrap();
    let (before, _) = settings.split_once("[mail]\nfrom = \"Nuage").unwrap();
    house.file("quittance.toml", before);
}

fn a_token_for_invoices_shows_nothing_else(house: &House) {
    furnish_api(house, 6_000);
    house.run(&["run", "2026-10"]);
    let served = Served::start(house);
    let narrow = secret(house, "acc-1", &["--scope", "invoices:read"]);
    let client = Client::with(&served, &narrow);
    let listed = client.get("/v1/account/invoices");
    let number = listed["invoices"][0]["id"].as_str().unwrap();
    client.get(&format!("/v1/account/invoices/{number}"));
    let path = format!("/v1/account/invoices/{number}/download");
    assert_eq!(client.send("GET", &path, None).status, 302);
    for path in [
        "/v1/account/usage",
        "/v1/account/billing/operations",
        "/v1/account/billing/profile",
        "/v1/account/payment-methods",
        "/v1/users/self",
        "/v1/events",
        PATH,
    ] {
        let refused = client.send("GET", path, None);
        assert_eq!(refused.status, 403, "{path}: {refused:?}");
    }
}
