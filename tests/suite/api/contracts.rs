//! What customers accept, and whom they name about health data.

use serde_json::{Value, json};

use super::events::told;
use super::sign_in::{furnish_mailing, furnish_sign_in};
use super::{Client, field, secret};
use crate::fakes::smtp::SmtpFake;
use crate::on_both;
use crate::support::{House, Reply, Served};

on_both!(
    a_contract_is_accepted_once,
    a_newer_version_is_accepted_anew,
    a_contact_is_named_and_looked_at_again,
    a_wrong_contact_says_what_is_wrong,
);

/// A contract of the settings.
fn contract(id: &str, published_at: &str, more: &str) -> String {
    let (contract, version) = id.split_once('-').unwrap();
    format!(
        "[[contracts]]\nid = \"{id}\"\ncontract = \"{contract}\"\nversion = \"{version}\"\n\
         published_at = \"{published_at}\"\nrequired_for = [\"platform\"]\n{more}\n\
         name = {{ en = \"Terms {id}\", fr = \"Conditions {id}\" }}\nshort = {{ en = \"T\", fr = \"C\" }}\n\
         [[contracts.documents]]\nname = {{ en = \"Annex\", fr = \"Annexe\" }}\nshort = {{ en = \"A\", fr = \"A\" }}\n\
         web = {{ en = \"https://nuage.example/en\", fr = \"https://nuage.example/fr\" }}\n\
         pdf = {{ en = \"https://nuage.example/en.pdf\", fr = \"https://nuage.example/fr.pdf\" }}\n\n"
    )
}

/// Two versions of the terms, the second from the tenth of November on, and an annex.
fn furnish_contracts(house: &House) {
    furnish_sign_in(house);
    let settings = std::fs::read_to_string(house.path("quittance.toml")).unwrap();
    let all = [
        contract("tos-1", "2026-01-01T00:00:00Z", ""),
        contract(
            "tos-2",
            "2026-11-10T00:00:00Z",
            "enroll_at = \"2026-12-10T00:00:00Z\"",
        ),
        contract("hds-1", "2026-02-01T00:00:00Z", "depends_on = \"tos\""),
    ];
    house.file("quittance.toml", format!("{settings}\n{}", all.concat()));
}

fn accept(client: &Client<'_>, id: &str, locale: &str) -> Reply {
    let path = format!("/v1/contracts/{id}/accept");
    client.post(&path, &json!({ "locale": locale }))
}

fn ids(client: &Client<'_>, path: &str) -> Vec<String> {
    let listed = client.get(path)["contracts"].clone();
    let ids = listed.as_array().unwrap().iter();
    ids.map(|found| found["id"].as_str().unwrap().to_owned())
        .collect()
}

fn a_contract_is_accepted_once(house: &House) {
    furnish_contracts(house);
    let served = Served::start(house);
    let client = Client::of(house, &served, "acc-1");
    assert_eq!(ids(&client, "/v1/contracts"), ["tos-1", "hds-1"]);
    assert_eq!(ids(&client, "/v1/contracts/history"), [""; 0]);
    let shown = client.get("/v1/contracts/tos-1")["contract"].clone();
    let expected = json!({
        "id": "tos-1", "version": "1", "latest": true, "required_for": ["platform"],
        "published_at": "2026-01-01T00:00:00.000Z", "enroll_at": null, "next_version_id": null,
        "depends_on_id": null, "name": { "en": "Terms tos-1", "fr": "Conditions tos-1" },
        "short": { "en": "T", "fr": "C" },
        "documents": [{
            "name": { "en": "Annex", "fr": "Annexe" }, "short": { "en": "A", "fr": "A" },
            "web": { "en": "https://nuage.example/en", "fr": "https://nuage.example/fr" },
            "pdf": { "en": "https://nuage.example/en.pdf", "fr": "https://nuage.example/fr.pdf" },
        }],
        "accepted": null, "refused": null,
    });
    assert_eq!(shown, expected);
    let wrong = accept(&client, "tos-1", "de");
    assert_eq!(
        (wrong.status, wrong.json()),
        (422, field("locale", "is neither en nor fr"))
    );
    let early = accept(&client, "hds-1", "fr");
    let answer = json!({ "error": "the contract that it depends on is to be accepted before" });
    assert_eq!((early.status, early.json()), (409, answer));
    // What is not published yet is not there.
    assert_eq!(accept(&client, "tos-2", "fr").status, 404);
    for locale in ["fr", "en"] {
        let accepted = accept(&client, "tos-1", locale);
        assert_eq!(accepted.status, 200, "{accepted:?}");
        let on = json!({ "on": "2026-11-02T08:00:00.000Z", "locale": "fr" });
        assert_eq!(accepted.json()["contract"]["accepted"], on);
    }
    let annex = accept(&client, "hds-1", "en");
    assert_eq!(annex.status, 200, "{annex:?}");
    assert_eq!(annex.json()["contract"]["depends_on_id"], "tos-1");
    // Others accepted nothing by it.
    let other = Client::of(house, &served, "acc-2");
    assert_eq!(
        other.get("/v1/contracts/tos-1")["contract"]["accepted"],
        Value::Null
    );
    let audited = house.watch().texts(
        "SELECT actor || ' ' || subject FROM audit_entry WHERE action = 'contract_accepted' ORDER BY id",
    );
    assert_eq!(
        audited,
        ["customer contract tos-1 fr", "customer contract hds-1 en"]
    );
}

fn a_newer_version_is_accepted_anew(house: &House) {
    furnish_contracts(house);
    let secret = secret(house, "acc-1", &[]);
    let served = Served::start(house);
    assert_eq!(
        accept(&Client::with(&served, &secret), "tos-1", "fr").status,
        200
    );
    house.set_now("2026-11-10T00:00:00Z");
    let served = Served::start(house);
    let client = Client::with(&served, &secret);
    assert_eq!(ids(&client, "/v1/contracts"), ["hds-1", "tos-2"]);
    assert_eq!(ids(&client, "/v1/contracts/history"), ["tos-1"]);
    let old = client.get("/v1/contracts/tos-1")["contract"].clone();
    assert_eq!(
        (&old["latest"], &old["next_version_id"]),
        (&json!(false), &json!("tos-2"))
    );
    assert_eq!(old["accepted"]["locale"], "fr");
    let new = client.get("/v1/contracts/tos-2")["contract"].clone();
    assert_eq!(new["accepted"], Value::Null);
    assert_eq!(new["enroll_at"], "2026-12-10T00:00:00.000Z");
    assert_eq!(accept(&client, "tos-1", "fr").status, 409);
    // The annex is of the terms that stand.
    assert_eq!(accept(&client, "hds-1", "fr").status, 409);
    assert_eq!(accept(&client, "tos-2", "en").status, 200);
    assert_eq!(accept(&client, "hds-1", "fr").status, 200);
}

#[test]
fn every_wrong_contract_is_named() {
    let house = House::sqlite();
    let right = contract("tos-1", "2026-01-01T00:00:00Z", "");
    let settings = include_str!("../../../deploy/quittance.toml");
    for (wrong, problem) in [
        (
            right.replace("tos-1\"\ncontract", "t s\"\ncontract"),
            "contracts[0].id: \"t s\" is not of letters",
        ),
        (right.repeat(2), "contracts[1].id: \"tos-1\" is another's"),
        (
            right.repeat(2),
            "contracts[1].version: \"tos\" has a version \"1\" already",
        ),
        (
            right.repeat(2),
            "contracts[1].published_at: another version of it is published at the same time",
        ),
        (
            right.replace("2026-01-01T00:00:00Z", "soon"),
            "contracts[0].published_at: \"soon\" is not a time",
        ),
        (
            right.replace("\"platform\"", "\"platform\", \"x\""),
            "contracts[0].required_for[1]: \"x\" is neither",
        ),
        (
            right.replace("fr = \"C\"", "fr = \" \""),
            "contracts[0].short.fr: must not be empty",
        ),
        (
            right.replace("https://nuage.example/fr.pdf", "http://nuage.example"),
            "contracts[0].documents[0].pdf.fr: \"http://nuage.example\" is not an https:// address",
        ),
        (
            contract("tos-1", "2026-01-01T00:00:00Z", "depends_on = \"x\""),
            "contracts[0].depends_on: there is no contract \"x\"",
        ),
        (
            contract("tos-1", "2026-01-01T00:00:00Z", "depends_on = \"tos\""),
            "contracts[0].depends_on: \"tos\" depends on \"tos\" itself",
        ),
        (
            contract(
                "tos-1",
                "2026-01-01T00:00:00Z",
                "enroll_at = \"2025-01-01T00:00:00Z\"",
            ),
            "contracts[0].enroll_at: is before it is published",
        ),
    ] {
        house.file("quittance.toml", format!("{settings}\n{wrong}"));
        let refused = house.refuse(&["run", "status"]);
        assert!(refused.stderr.contains(problem), "{problem}: {refused:?}");
    }
}

fn contact() -> Value {
    json!({
        "org_type": "company", "name": "Dr. Ada", "email": "dpo@clinic.example",
        "phone_number": "+33 3 88 00 00 00", "company": "Clinic SAS", "address_line1": "1 rue du Pont",
        "address_city": "Strasbourg", "address_zip": "67000", "address_country": "FR",
    })
}

fn name(client: &Client<'_>, app: &str, contact: &Value) -> Reply {
    let path = format!("/v1/apps/{app}/hds_contact");
    client.send("PUT", &path, Some(&json!({ "hds_contact": contact })))
}

fn a_contact_is_named_and_looked_at_again(house: &House) {
    let smtp = SmtpFake::start();
    furnish_mailing(house, smtp.port());
    let secret = secret(house, "acc-1", &[]);
    let served = Served::start(house);
    let client = Client::with(&served, &secret);
    // An app of its own, as usage knows it.
    assert_eq!(name(&client, "nothing", &contact()).status, 404);
    assert_eq!(name(&client, "blog", &contact()).status, 404);
    assert_eq!(
        client.send("GET", "/v1/apps/shop/hds_contact", None).status,
        404
    );
    let named = name(&client, "shop", &contact());
    assert_eq!(named.status, 200, "{named:?}");
    let first = named.json()["hds_contact"].clone();
    assert_eq!(first["updated_at"], "2026-11-02T08:00:00.000Z");
    assert_eq!(
        (&first["up_to_date"], &first["notes"]),
        (&json!(true), &json!(""))
    );
    let happened = told(&client);
    assert_eq!(
        happened.last().unwrap(),
        &(
            "edit_hds_contact".to_owned(),
            json!({ "app_name": "shop", "name": contact()["name"] })
        )
    );
    let newest = client.get("/v1/events")["events"][0].clone();
    assert_eq!(newest["app_name"], "shop");
    let tick = |now: &str| {
        house.set_now(now);
        house.run(&["tick", "--job", "cards", "--job", "deliver"]);
        let mails = smtp.take_received();
        mails.iter().map(|mail| mail.to.clone()).collect::<Vec<_>>()
    };
    assert_eq!(tick("2027-11-02T07:59:59Z"), [""; 0]);
    assert_eq!(tick("2027-11-02T08:00:00Z"), ["ada@example.com"]);
    let served = Served::start(house);
    let client = Client::with(&served, &secret);
    let shown = client.get("/v1/apps/shop/hds_contact")["hds_contact"].clone();
    assert_eq!(shown["up_to_date"], false);
    // Once in 12 months, until it is looked at.
    assert_eq!(tick("2028-11-01T08:00:00Z"), [""; 0]);
    assert_eq!(tick("2028-11-02T08:00:00Z"), ["ada@example.com"]);
    house.set_now("2028-11-03T08:00:00Z");
    let served = Served::start(house);
    let again = name(&Client::with(&served, &secret), "shop", &contact());
    let again = again.json()["hds_contact"].clone();
    assert_eq!(
        (&again["id"], &again["up_to_date"]),
        (&first["id"], &json!(true))
    );
    // Keys outlive the account, and the app's name is its customer's.
    let keys = house
        .watch()
        .texts("SELECT key FROM outbox WHERE topic = 'hds_review'");
    assert!(
        !keys.is_empty() && keys.iter().all(|key| !key.contains("shop")),
        "{keys:?}"
    );
    assert_eq!(tick("2029-11-02T08:00:00Z"), [""; 0]);
    assert_eq!(tick("2029-11-03T08:00:00Z"), ["ada@example.com"]);
}

fn a_wrong_contact_says_what_is_wrong(house: &House) {
    furnish_sign_in(house);
    let served = Served::start(house);
    let client = Client::of(house, &served, "acc-1");
    let mut wrong = contact();
    wrong["org_type"] = json!("club");
    let reply = name(&client, "shop", &wrong);
    let answer = field(
        "org_type",
        "is none of company, non-profit and administration",
    );
    assert_eq!((reply.status, reply.json()), (422, answer));
    wrong["org_type"] = json!(5);
    assert_eq!(name(&client, "shop", &wrong).status, 422);
    assert_eq!(house.watch().count("SELECT COUNT(*) FROM hds_contact"), 0);
}
