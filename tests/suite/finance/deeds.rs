//! What the house decides over the finance API.

use serde_json::{Value, json};

use super::{ask, card_house, get, key};
use crate::fakes::Fault;
use crate::lifecycle::Diary;
use crate::on_both;
use crate::support::direct_debit::{IBAN, add_mandate, attempt_debits, furnish_sepa};
use crate::support::{House, Reply, Served, furnish};

on_both!(
    money_is_taken_once_and_it_is_said_why,
    a_refund_is_made_once_under_its_name,
    what_is_out_is_finished,
    a_debt_is_given_up_by_an_approver,
    a_file_for_the_bank_goes_once,
    what_is_held_back_is_released_by_an_approver,
    a_deletion_is_approved_once,
);

/// What was done, by whom and why; the latest first.
fn trail(served: &Served, secret: &str, query: &str) -> Vec<String> {
    let told = get(served, secret, &format!("/finance/v1/audit{query}"));
    let word = |entry: &Value, field: &str| entry[field].as_str().unwrap_or("-").to_owned();
    let entries = told["audit"].as_array().unwrap().iter();
    entries
        .map(|entry| {
            let [action, by, subject, reason] =
                ["action", "by", "subject", "reason"].map(|field| word(entry, field));
            format!("{action} by {by} of {subject}: {reason}")
        })
        .collect()
}

fn money_is_taken_once_and_it_is_said_why(house: &House) {
    let stripe = card_house(house);
    let secret = key(house, "otto", "operator", &[]);
    let served = Served::start(house);
    let collect = |body: Value| {
        ask(
            &served,
            &secret,
            "POST",
            "/finance/v1/collections",
            Some(&body),
        )
    };
    let charges = || stripe.requests("POST /v1/payment_intents");
    let planned = collect(json!({ "period": "2026-10", "dry_run": true }));
    assert_eq!(planned.status, 200, "{planned:?}");
    let printed = house.run(&["collect", "--period", "2026-10", "--dry-run", "--json"]);
    assert_eq!(planned.json()["collection"], printed.json());
    // Nothing is charged that nobody gives a reason for, or that is named wrongly.
    for (body, field) in [
        (json!({ "period": "2026-10" }), "reason"),
        (json!({ "period": "october", "reason": "r" }), "period"),
        (json!({ "invoice": "x", "reason": "r" }), "invoice"),
        (json!({ "method": "cash", "reason": "r" }), "method"),
        (
            json!({ "failed_since": "soon", "reason": "r" }),
            "failed_since",
        ),
        (
            json!({ "account": "acc-2", "invoice": "Q-2026-000001", "reason": "r" }),
            "invoice",
        ),
    ] {
        let refused = collect(body);
        assert_eq!(refused.status, 422, "{refused:?}");
        assert!(
            refused.json()["errors"][field][0].is_string(),
            "{refused:?}"
        );
    }
    let unknown = collect(json!({ "account": "acc-9", "reason": "r" }));
    assert_eq!(unknown.status, 404, "{unknown:?}");
    assert_eq!(charges(), 0);
    let body = json!({ "account": "acc-2", "period": "2026-10", "reason": "asked by phone" });
    let charged = collect(body.clone());
    assert_eq!(charged.status, 200, "{charged:?}");
    let charged = &charged.json()["collection"]["outcome"]["charged"];
    assert_eq!(charged[0]["method"], "card");
    assert_eq!(charged[0]["outcome"], "paid");
    assert_eq!(charged[0]["invoices"], 1);
    let again = collect(body);
    let outcome = &again.json()["collection"]["outcome"];
    assert_eq!(outcome["charged"], json!([]), "{again:?}");
    assert_eq!(outcome["left_out"][0]["code"], "already_paid", "{again:?}");
    assert_eq!(charges(), 1);
    let expected = "collect by otto of account acc-2, month 2026-10: asked by phone";
    let told = trail(&served, &secret, "");
    assert_eq!(
        told.iter().filter(|entry| *entry == expected).count(),
        2,
        "{told:?}"
    );
    house.run(&["verify"]);
    stripe.assert_contract_kept();
}

fn a_refund_is_made_once_under_its_name(house: &House) {
    let stripe = card_house(house);
    house.run(&["collect", "--yes"]);
    let payments = crate::collect::payments(house);
    let payment = payments[0]["id"].as_str().unwrap();
    let [otto, anna] = [("otto", "operator"), ("anna", "approver")]
        .map(|(name, role)| key(house, name, role, &[]));
    let served = Served::start(house);
    let refund = |secret: &str, name: Option<&str>, body: Value| -> Reply {
        let path = format!("/finance/v1/payments/{payment}/refunds");
        let mut request = served
            .request("POST", &path)
            .bearer_auth(secret)
            .json(&body);
        if let Some(name) = name {
            request = request.header("Idempotency-Key", name);
        }
        served.send(request)
    };
    let made = || stripe.requests("POST /v1/refunds");
    let body = |minor: i64| json!({ "refund": { "amount_minor": minor, "reason": "outage" } });
    for (name, body, field) in [
        (None, body(100), "idempotency-key"),
        (Some(""), body(100), "idempotency-key"),
        (Some("a"), body(0), "amount_minor"),
        (Some("a"), body(-5), "amount_minor"),
        (Some("a"), json!({ "reason": "r" }), "amount_minor"),
        (Some("a"), json!({ "amount_minor": 100 }), "reason"),
        (
            Some("a"),
            json!({ "amount_minor": "all", "reason": "r" }),
            "amount_minor",
        ),
    ] {
        let refused = refund(&otto, name, body);
        assert_eq!(refused.status, 422, "{refused:?}");
        assert!(
            refused.json()["errors"][field][0].is_string(),
            "{refused:?}"
        );
    }
    assert_eq!(made(), 0);
    let first = refund(&otto, Some("ticket 7"), body(100));
    assert_eq!(first.status, 201, "{first:?}");
    let first = first.json()["refund"].clone();
    assert_eq!(first["amount_minor"], 100);
    assert_eq!(first["state"], "succeeded");
    assert_eq!(first["by"], "otto");
    assert_eq!(first["reason"], "outage");
    // Whoever lost the answer asks again.
    let again = refund(&otto, Some("ticket 7"), body(100));
    assert_eq!((again.status, &again.json()["refund"]), (201, &first));
    assert_eq!(made(), 1);
    let other = refund(&otto, Some("ticket 7"), body(101));
    assert_eq!(other.status, 409, "{other:?}");
    assert_eq!(
        other.json(),
        json!({ "error": "that key was used for another refund" })
    );
    let reopened = json!({ "amount_minor": 100, "reopen": true, "reason": "outage" });
    assert_eq!(refund(&otto, Some("ticket 7"), reopened).status, 409);
    assert_eq!(made(), 1);
    // Another name is another refund, and so is the same of another key of the house.
    assert_eq!(refund(&otto, Some("ticket 8"), body(100)).status, 201);
    assert_eq!(refund(&anna, Some("ticket 7"), body(100)).status, 201);
    assert_eq!(made(), 3);
    // Stripe makes one and does not answer: it stands, and asking again finishes it.
    stripe.faults().push(Fault::BrokenOffAfter);
    let open = refund(&otto, Some("ticket 10"), body(50));
    assert_eq!(open.status, 202, "{open:?}");
    assert_eq!(open.json()["refund"]["state"], "unknown");
    let finished = refund(&otto, Some("ticket 10"), body(50));
    assert_eq!(finished.status, 201, "{finished:?}");
    let refund_id = |reply: &Reply| reply.json()["refund"]["id"].clone();
    assert_eq!(refund_id(&finished), refund_id(&open));
    assert_eq!(finished.json()["refund"]["state"], "succeeded");
    let too_much = refund(&otto, Some("ticket 9"), body(100_000_000));
    assert_eq!(too_much.status, 409, "{too_much:?}");
    let shown = get(&served, &otto, &format!("/finance/v1/payments/{payment}"));
    assert_eq!(shown["payment"]["refunds"].as_array().unwrap().len(), 4);
    let given_back: i64 = shown["payment"]["refunds"]
        .as_array()
        .unwrap()
        .iter()
        .map(|refund| stripe.refunded(refund["id"].as_str().unwrap()))
        .sum();
    assert_eq!(given_back, 350);
    drop(served);
    house.run(&["verify"]);
    stripe.assert_contract_kept();
}

fn what_is_out_is_finished(house: &House) {
    let stripe = card_house(house);
    let secret = key(house, "otto", "operator", &[]);
    stripe.faults().push(Fault::BrokenOffAfter);
    let charged = house.try_run(&["collect", "--yes", "--json"]).json();
    assert_eq!(
        charged["outcome"]["charged"][0]["outcome"], "unknown",
        "{charged}"
    );
    let served = Served::start(house);
    let reconcile = |body: Value| {
        ask(
            &served,
            &secret,
            "POST",
            "/finance/v1/reconciliations",
            Some(&body),
        )
    };
    assert_eq!(reconcile(json!({})).status, 422);
    let done = reconcile(json!({ "reason": "bank holiday" }));
    assert_eq!(done.status, 200, "{done:?}");
    assert_eq!(
        done.json()["reconciliation"],
        json!({
            "payments": [{ "outcome": "paid", "payments": 1 }], "refunds": [],
            "purchases": { "asked": 0, "finished": 0 }, "disputes": 0, "problems": [],
        })
    );
    let printed = house.run(&["reconcile", "--json"]).json();
    let again = reconcile(json!({ "reason": "once more" }));
    assert_eq!(again.json()["reconciliation"], printed);
    assert_eq!(
        stripe.charged_in_all(),
        crate::collect::payments(house)[0]["amount_minor"]
    );
    assert!(
        trail(&served, &secret, "")
            .contains(&"reconcile by otto of whatever is out: bank holiday".to_owned())
    );
    house.run(&["verify"]);
    stripe.assert_contract_kept();
}

fn a_debt_is_given_up_by_an_approver(house: &House) {
    furnish(house);
    house.run(&["run", "2026-10"]);
    let secret = key(house, "anna", "approver", &[]);
    let served = Served::start(house);
    let invoice = &house.invoices("2026-10")[0];
    let (number, account) = (
        invoice["number"].as_str().unwrap(),
        invoice["account"].as_str().unwrap(),
    );
    let path = format!("/finance/v1/invoices/{number}/write-off");
    let write_off = |body: Value| ask(&served, &secret, "POST", &path, Some(&body));
    assert_eq!(write_off(json!({})).status, 422);
    let done = write_off(json!({ "reason": "a mistake of ours" }));
    assert_eq!(done.status, 201, "{done:?}");
    assert_eq!(
        done.json(),
        json!({ "write_off": {
            "invoice": number, "currency": "EUR", "amount_minor": invoice["total_minor"],
        } })
    );
    let again = write_off(json!({ "reason": "a mistake of ours" }));
    assert_eq!(again.status, 409, "{again:?}");
    assert_eq!(
        again.json(),
        json!({ "error": format!("nothing of {number} is open") })
    );
    let told = trail(&served, &secret, &format!("?account={account}"));
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(
        told[0].contains("by anna") && told[0].ends_with("a mistake of ours"),
        "{told:?}"
    );
    drop(served);
    house.run(&["verify"]);
}

fn a_file_for_the_bank_goes_once(house: &House) {
    furnish_sepa(house);
    add_mandate(house, "acc-2", IBAN);
    house.run(&["run", "2026-10"]);
    attempt_debits(house, 1);
    let [otto, anna] = [("otto", "operator"), ("anna", "approver")]
        .map(|(name, role)| key(house, name, role, &[]));
    let served = Served::start(house);
    let files = "/finance/v1/sepa-files";
    let make = |body: Value| ask(&served, &otto, "POST", files, Some(&body));
    assert_eq!(
        make(json!({ "collect_on": "soon", "dry_run": true })).status,
        422
    );
    let planned = make(json!({ "dry_run": true }));
    assert_eq!(planned.status, 200, "{planned:?}");
    assert_eq!(planned.json()["sepa_file"]["debits"], 1);
    assert_eq!(get(&served, &otto, files), json!({ "sepa_files": [] }));
    assert_eq!(make(json!({})).status, 422);
    let made = make(json!({ "reason": "the 2nd" }));
    assert_eq!(made.status, 201, "{made:?}");
    let id = made.json()["sepa_file"]["id"].as_str().unwrap().to_owned();
    // There is no second file of the same debits.
    let again = make(json!({ "reason": "the 2nd" }));
    assert_eq!(again.status, 200, "{again:?}");
    assert_eq!(again.json()["sepa_file"]["id"], Value::Null);
    let printed = house.run(&["sepa", "list", "--json"]).json();
    assert_eq!(get(&served, &otto, files), json!({ "sepa_files": printed }));
    let file = format!("{files}/{id}");
    let shown = house.run(&["sepa", "show", &id, "--json"]).json();
    assert_eq!(get(&served, &otto, &file), json!({ "sepa_file": shown }));
    let download = || ask(&served, &otto, "GET", &format!("{file}/download"), None);
    let content = download();
    assert_eq!(content.status, 200, "{content:?}");
    assert_eq!(content.headers["content-type"], "application/xml");
    let out = house.path("out.xml");
    house.run(&["sepa", "file", &id, "--out", out.to_str().unwrap()]);
    assert_eq!(content.text, std::fs::read_to_string(out).unwrap());
    let decide = |secret: &str, what: &str| {
        let body = json!({ "reason": "looked at" });
        ask(
            &served,
            secret,
            "POST",
            &format!("{file}/{what}"),
            Some(&body),
        )
    };
    assert_eq!(decide(&otto, "release").status, 403);
    let released = decide(&anna, "release");
    assert_eq!(released.status, 200, "{released:?}");
    assert_eq!(released.json()["sepa_file"]["state"], "released");
    for what in ["release", "cancel"] {
        let refused = decide(&anna, what);
        assert_eq!(refused.status, 409, "{what}: {refused:?}");
    }
    let told = trail(&served, &otto, "");
    for expected in [
        format!("sepa_released by anna of {id}: looked at"),
        "sepa_made by otto of whatever waits: the 2nd".to_owned(),
    ] {
        assert!(told.contains(&expected), "{told:?}");
    }
    drop(served);
    house.run(&["verify"]);
}

fn what_is_held_back_is_released_by_an_approver(house: &House) {
    furnish(house);
    house.import_usage(
        "odd,acc-2,blog,container,worker,3XL,900,2026-10-01T12:00:00Z,2026-10-31T12:00:00Z\n",
    );
    house.run(&["run", "2026-10"]);
    let secret = key(house, "anna", "approver", &[]);
    let served = Served::start(house);
    let waiting = || get(&served, &secret, "/finance/v1/approvals")["approvals"].clone();
    let held = waiting();
    assert_eq!(held["parked"][0]["account"], "acc-2");
    assert_eq!(held["parked"][0]["period"], "2026-10");
    assert_eq!(held["deletions"], json!([]));
    let release = |account: &str, body: Value| {
        let path = format!("/finance/v1/approvals/parked/{account}");
        ask(&served, &secret, "POST", &path, Some(&body))
    };
    let body = json!({ "period": "2026-10", "reason": "it is right" });
    assert_eq!(release("acc-2", json!({ "reason": "r" })).status, 422);
    assert_eq!(release("acc-2", json!({ "period": "2026-10" })).status, 422);
    assert_eq!(release("acc-9", body.clone()).status, 404);
    assert_eq!(release("acc-1", body.clone()).status, 409);
    let released = release("acc-2", body.clone());
    assert_eq!(released.status, 201, "{released:?}");
    let number = released.json()["release"]["invoice"].clone();
    let invoices = house.invoices("2026-10");
    assert!(
        invoices.iter().any(|invoice| invoice["number"] == number),
        "{released:?}"
    );
    assert_eq!(waiting()["parked"], json!([]));
    assert_eq!(release("acc-2", body).status, 409);
    let told = trail(&served, &secret, "?account=acc-2");
    assert_eq!(told, ["release_parked by anna of 2026-10: it is right"]);
    drop(served);
    house.run(&["verify"]);
}

fn a_deletion_is_approved_once(house: &House) {
    let diary = Diary::open(house);
    let settings = include_str!("../../../deploy/quittance.toml");
    house.file(
        "quittance.toml",
        settings.replace("approval_above = \"500\"", "approval_above = \"0\""),
    );
    let secret = key(house, "anna", "approver", &[]);
    let approve = |served: &Served, account: &str| {
        let path = format!("/finance/v1/approvals/deletions/{account}");
        let body = json!({ "reason": "gone bankrupt" });
        ask(served, &secret, "POST", &path, Some(&body))
    };
    let waiting =
        |served: &Served| get(served, &secret, "/finance/v1/approvals")["approvals"].clone();
    let served = Served::start(house);
    assert_eq!(approve(&served, "acc-9").status, 404);
    let early = approve(&served, "acc-2");
    assert_eq!(early.status, 409, "{early:?}");
    assert_eq!(waiting(&served)["deletions"], json!([]));
    drop(served);
    diary.rounds("2026-11-02", "2027-02-28");
    let served = Served::start(house);
    let printed = house.run(&["dunning", "list", "--json"]).json();
    assert_eq!(printed[0]["blocked"], "needs_approval", "{printed}");
    assert_eq!(waiting(&served)["deletions"], printed);
    let approved = approve(&served, "acc-2");
    assert_eq!(approved.status, 201, "{approved:?}");
    assert_eq!(
        approved.json(),
        json!({ "deletion": {
            "account": "acc-2", "owed_minor": printed[0]["owed_minor"], "currency": "EUR",
        } })
    );
    assert_eq!(waiting(&served)["deletions"], json!([]));
    let again = approve(&served, "acc-2");
    assert_eq!(again.status, 409, "{again:?}");
    assert_eq!(
        again.json(),
        json!({ "error": "its deletion is approved already" })
    );
    let told = trail(&served, &secret, "?account=acc-2");
    assert!(told[0].starts_with("approve_deletion by anna"), "{told:?}");
}
