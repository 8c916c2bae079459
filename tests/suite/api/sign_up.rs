//! Accounts that customers make for themselves, and free trials that they end.

use serde_json::{Value, json};

use super::sign_in::{OTHER, PASSWORD, furnish_sign_in, links};
use super::{Client, field, secret};
use crate::on_both;
use crate::support::{House, Reply, Served};

on_both!(
    somebody_signs_up_and_is_billed,
    nobody_is_told_whose_an_address_is,
    a_name_is_one_accounts,
    every_wrong_field_is_named,
    a_trial_ends_when_its_customer_says,
    what_was_issued_stays_as_it_was,
);

fn grace() -> Value {
    json!({
        "username": "grace", "email": "grace@navy.example", "password": PASSWORD,
        "password_confirmation": PASSWORD, "fullname": "Grace Hopper", "country": "FR",
        "currency": "EUR", "address_zip": "67000", "tos_accepted": true,
    })
}

/// What Grace says, with other words for some of it.
fn but(others: &Value) -> Value {
    let mut said = grace();
    for (field, value) in others.as_object().unwrap() {
        said[field] = value.clone();
    }
    said
}

fn sign_up(served: &Served, said: &Value) -> Reply {
    let request = served.request("POST", "/v1/users");
    served.send(request.json(&json!({ "user": said })))
}

/// Signs in; the client, where somebody is let in.
fn sign_in<'a>(served: &'a Served, name: &str, password: &str) -> Option<Client<'a>> {
    let request = served
        .request("POST", "/v1/tokens")
        .basic_auth(name, Some(password));
    let reply = served.send(request.json(&json!({ "token": { "name": "session" } })));
    let token = (reply.status == 201).then(|| reply.json()["token"]["token"].clone())?;
    Some(Client::with(served, token.as_str().unwrap()))
}

fn confirm(served: &Served, token: &str) -> u16 {
    let request = served.request("POST", "/v1/users/confirm_email");
    served.send(request.json(&json!({ "token": token }))).status
}

fn somebody_signs_up_and_is_billed(house: &House) {
    furnish_sign_in(house);
    let served = Served::start(house);
    let made = sign_up(&served, &grace());
    assert_eq!(made.status, 201, "{made:?}");
    let user = made.json()["user"].clone();
    let id = user["id"].as_str().unwrap().to_owned();
    assert!(id.starts_with("us-") && id.len() == 39, "{id}");
    for (field, value) in [
        ("username", json!("grace")),
        ("fullname", json!("Grace Hopper")),
        ("email", json!("")),
        ("unconfirmed_email", json!("grace@navy.example")),
        ("created_at", json!("2026-11-02T08:00:00.000Z")),
        ("free_trial_end_time", json!("2026-12-02T08:00:00.000Z")),
    ] {
        assert_eq!(user[field], value, "{field}");
    }
    // The address is nobody's before its link is used.
    assert!(sign_in(&served, "grace@navy.example", PASSWORD).is_none());
    assert!(sign_in(&served, "grace", OTHER).is_none());
    let client = sign_in(&served, "grace", PASSWORD).unwrap();
    let [token] = links(house, "email_confirmation").try_into().unwrap();
    assert_eq!(confirm(&served, &token), 204);
    assert_eq!(confirm(&served, &token), 422);
    assert_eq!(
        client.get("/v1/users/self")["user"]["email"],
        "grace@navy.example"
    );
    assert!(sign_in(&served, "Grace@Navy.example", PASSWORD).is_some());
    // Nobody was told at no address.
    let told = "SELECT COUNT(*) FROM outbox WHERE topic = 'email_changed'";
    assert_eq!(house.watch().count(told), 0);
    let audited = house
        .watch()
        .texts("SELECT actor || ' ' || reason FROM audit_entry WHERE action = 'signed_up'");
    assert_eq!(audited, ["customer signed up"]);
    // The platform reports its usage as of any other.
    house.import_usage(&format!(
        "g1,{id},lab,container,web,S,1,2026-11-03T00:00:00Z,2026-12-04T00:00:00Z\n"
    ));
    house.set_now("2027-01-02T08:00:00Z");
    for month in ["2026-10", "2026-11", "2026-12"] {
        house.run(&["run", month]);
    }
    let invoices = house.invoices("2026-12");
    let hers = invoices
        .iter()
        .find(|invoice| invoice["account"] == id.as_str());
    assert!(hers.unwrap()["net_minor"].as_i64().unwrap() > 0, "{hers:?}");
    house.run(&["verify"]);
}

fn nobody_is_told_whose_an_address_is(house: &House) {
    furnish_sign_in(house);
    let served = Served::start(house);
    let free = sign_up(&served, &grace()).json();
    let keys = |answer: &Value| -> Vec<String> {
        answer["user"]
            .as_object()
            .unwrap()
            .keys()
            .cloned()
            .collect()
    };
    let [_] = links(house, "email_confirmation").try_into().unwrap();
    for name in ["mallory", "mallet"] {
        let said = but(&json!({ "username": name, "email": "ADA@example.com" }));
        let taken = sign_up(&served, &said);
        assert_eq!(taken.status, 201, "{taken:?}");
        assert_eq!(keys(&taken.json()), keys(&free));
        assert_eq!(taken.json()["user"]["unconfirmed_email"], "ADA@example.com");
    }
    // Ada alone is told, once, and there is no link to her address.
    assert_eq!(links(house, "email_confirmation").len(), 1);
    let told = house.watch().texts(
        "SELECT a.external_id FROM outbox o JOIN account a ON a.id = o.account_id WHERE o.topic = 'email_in_use'",
    );
    assert_eq!(told, ["acc-1"]);
    // Nor is a stranger mailed as often as somebody signs up with its address.
    let again = sign_up(&served, &but(&json!({ "username": "grace2" })));
    assert_eq!(again.status, 201, "{again:?}");
    assert_eq!(links(house, "email_confirmation").len(), 1);
    // What is hers lets nobody else in.
    assert!(sign_in(&served, "ada@example.com", PASSWORD).is_none());
    assert!(sign_in(&served, "mallory", PASSWORD).is_some());
}

fn a_name_is_one_accounts(house: &House) {
    furnish_sign_in(house);
    let served = Served::start(house);
    let taken = sign_up(&served, &but(&json!({ "username": "ADA" })));
    let answer = field("username", "has already been taken");
    assert_eq!((taken.status, taken.json()), (422, answer.clone()));
    assert_eq!(sign_up(&served, &grace()).status, 201);
    assert_eq!(sign_up(&served, &grace()).json(), answer);
    let accounts = "SELECT COUNT(*) FROM account";
    assert_eq!(house.watch().count(accounts), 4);
}

fn every_wrong_field_is_named(house: &House) {
    furnish_sign_in(house);
    let served = Served::start(house);
    let empty = sign_up(&served, &json!({}));
    assert_eq!(empty.status, 422, "{empty:?}");
    let errors = empty.json()["errors"].clone();
    let named: Vec<&String> = errors.as_object().unwrap().keys().collect();
    let expected = [
        "country",
        "currency",
        "email",
        "fullname",
        "password",
        "tos_accepted",
        "username",
    ];
    assert_eq!(named, expected);
    for (others, answer) in [
        (
            json!({ "tos_accepted": false }),
            field("tos_accepted", "must be accepted"),
        ),
        (
            json!({ "password_confirmation": OTHER }),
            field("password_confirmation", "doesn't match password"),
        ),
        (
            json!({ "username": "a@b" }),
            field(
                "username",
                "may have letters without accents, digits, hyphens, underscores and dots",
            ),
        ),
    ] {
        let reply = sign_up(&served, &but(&others));
        assert_eq!((reply.status, reply.json()), (422, answer));
    }
    let wrong = sign_up(&served, &but(&json!({ "tos_accepted": "yes" })));
    assert_eq!(wrong.status, 422, "{wrong:?}");
    assert_eq!(house.watch().count("SELECT COUNT(*) FROM account"), 3);
    let log = house.watch().texts("SELECT reason FROM audit_entry");
    assert!(log.iter().all(|line| !line.contains("horse")), "{log:?}");
}

/// An account that came on the fifteenth of October.
const COMER: &str =
    "acc-9,nina,nina@example.com,Nina,,FR,1 rue,67000,Strasbourg,,EUR,2026-10-15T00:00:00Z\n";

fn stop(client: &Client<'_>) -> Reply {
    client.post("/v1/users/stop_free_trial", &json!({}))
}

/// The amounts of an account's lines in a month, and what its trial says.
fn lines(house: &House, period: &str, account: &str) -> (Vec<i64>, Value) {
    let invoices = house.invoices(period);
    let invoice = invoices
        .iter()
        .find(|invoice| invoice["account"] == account);
    let lines = invoice.unwrap()["lines"].as_array().unwrap();
    let amounts = lines
        .iter()
        .map(|line| line["amount_minor"].as_i64().unwrap());
    let trial = lines.iter().find(|line| line["kind"] == "free_trial");
    let label = trial.map_or(Value::Null, |trial| trial["label"].clone());
    (amounts.collect(), label)
}

fn a_trial_ends_when_its_customer_says(house: &House) {
    furnish_sign_in(house);
    house.import_accounts(COMER);
    // Twenty days, of which ten are before it is ended, and three before that.
    house.import_usage(
        "n1,acc-9,lab,container,web,S,1,2026-11-02T00:00:00Z,2026-11-10T00:00:00Z\n\
         n2,acc-9,lab,container,web,S,1,2026-11-10T00:00:00Z,\n",
    );
    let secret = secret(house, "acc-9", &[]);
    house.set_now("2026-11-12T00:00:00Z");
    let served = Served::start(house);
    let client = Client::with(&served, &secret);
    let until = client.get("/v1/users/self")["user"]["free_trial_end_time"].clone();
    assert_eq!(until, "2026-11-14T00:00:00.000Z");
    let stopped = stop(&client);
    assert_eq!(stopped.status, 200, "{stopped:?}");
    let until = stopped.json()["user"]["free_trial_end_time"].clone();
    assert_eq!(until, "2026-11-12T00:00:00.000Z");
    let again = stop(&client);
    let answer = json!({ "error": "no free trial is running" });
    assert_eq!((again.status, again.json()), (409, answer));
    // Whoever came long ago has none.
    let old = Client::of(house, &served, "acc-1");
    assert_eq!(stop(&old).status, 409);
    house
        .import_usage("n2,acc-9,lab,container,web,S,1,2026-11-10T00:00:00Z,2026-11-22T00:00:00Z\n");
    house.set_now("2026-12-02T08:00:00Z");
    house.run(&["run", "2026-10"]);
    house.run(&["run", "2026-11"]);
    let (amounts, label) = lines(house, "2026-11", "acc-9");
    let [usage, trial] = amounts.try_into().unwrap();
    assert_eq!(usage, -2 * trial);
    assert_eq!(label, "2026-10-15 -> 2026-11-12");
    house.run(&["verify"]);
    let audited = "SELECT COUNT(*) FROM audit_entry WHERE action = 'free_trial_stopped'";
    assert_eq!(house.watch().count(audited), 1);
}

fn what_was_issued_stays_as_it_was(house: &House) {
    furnish_sign_in(house);
    house.import_accounts(COMER);
    house
        .import_usage("n1,acc-9,lab,container,web,S,1,2026-10-20T00:00:00Z,2026-11-22T00:00:00Z\n");
    let secret = secret(house, "acc-9", &[]);
    house.set_now("2026-11-02T08:00:00Z");
    house.run(&["run", "2026-10"]);
    let before = house.invoices("2026-10");
    let (amounts, label) = lines(house, "2026-10", "acc-9");
    assert_eq!(amounts.iter().sum::<i64>(), 0);
    assert_eq!(label, "2026-10-15 -> 2026-11-14");
    house.set_now("2026-11-05T00:00:00Z");
    let served = Served::start(house);
    assert_eq!(stop(&Client::with(&served, &secret)).status, 200);
    assert_eq!(house.invoices("2026-10"), before);
    house.run(&["verify"]);
    // Usage of October that is told late is still of the trial.
    house.import_usage(
        "n3,acc-9,late,container,web,S,1,2026-10-25T00:00:00Z,2026-10-26T00:00:00Z\n",
    );
    house.set_now("2026-12-02T08:00:00Z");
    house.run(&["run", "2026-11"]);
    let (_, label) = lines(house, "2026-11", "acc-9");
    assert_eq!(label, "2026-10-15 -> 2026-11-05");
    let invoices = house.invoices("2026-11");
    let invoice = invoices
        .iter()
        .find(|invoice| invoice["account"] == "acc-9");
    let late = invoice.unwrap()["lines"].as_array().unwrap().iter();
    let late = late.filter(|line| line["late_period"] == "2026-10").count();
    assert_eq!(late, 1);
    house.run(&["verify"]);
}
