//! What the house looks at over the finance API is what its commands print.

use serde_json::{Value, json};

use super::{ask, card_house, get, key};
use crate::on_both;
use crate::support::{House, Served, furnish};

on_both!(
    runs_and_invoices_are_what_commands_print,
    outcomes_are_told_a_page_at_a_time,
    payments_are_what_commands_print,
    who_does_not_pay_is_what_a_command_prints,
    what_people_did_is_told_the_latest_first,
    what_is_not_there_is_not_found,
);

fn runs_and_invoices_are_what_commands_print(house: &House) {
    furnish(house);
    house.run(&["run", "2026-10"]);
    let secret = key(house, "eve", "viewer", &[]);
    let served = Served::start(house);
    let run = house.run(&["run", "status", "2026-10", "--json"]).json();
    assert_eq!(
        get(&served, &secret, "/finance/v1/runs"),
        json!({ "runs": [run] })
    );
    assert_eq!(
        get(&served, &secret, "/finance/v1/runs/2026-10"),
        json!({ "run": run })
    );
    let invoices = house.invoices("2026-10");
    let listed = get(&served, &secret, "/finance/v1/invoices?period=2026-10");
    let heads = listed["invoices"].as_array().unwrap();
    assert_eq!(heads.len(), invoices.len());
    for (head, invoice) in heads.iter().zip(&invoices) {
        for (field, value) in head.as_object().unwrap() {
            assert_eq!(value, &invoice[field], "{field}");
        }
        let number = invoice["number"].as_str().unwrap();
        let shown = get(&served, &secret, &format!("/finance/v1/invoices/{number}"));
        assert_eq!(shown, json!({ "invoice": invoice }));
        let path = format!("/finance/v1/invoices/{number}/download");
        let pdf = ask(&served, &secret, "GET", &path, None);
        assert_eq!(pdf.status, 200, "{pdf:?}");
        assert_eq!(pdf.headers["content-type"], "application/pdf");
        let name = format!("attachment; filename=\"{number}.pdf\"");
        assert_eq!(pdf.headers["content-disposition"], name);
        assert!(pdf.text.starts_with("%PDF"));
    }
    let own = get(&served, &secret, "/finance/v1/invoices?account=acc-2");
    let accounts: Vec<&Value> = own["invoices"]
        .as_array()
        .unwrap()
        .iter()
        .map(|head| &head["account"])
        .collect();
    assert_eq!(accounts, [&json!("acc-2")]);
    assert_eq!(own["meta"]["pagination"]["total_count"], 1);
    let none = get(&served, &secret, "/finance/v1/invoices?period=2026-09");
    assert_eq!(none["meta"]["pagination"]["total_count"], 0);
}

fn outcomes_are_told_a_page_at_a_time(house: &House) {
    furnish(house);
    // More than any bound lets through.
    house.import_usage(
        "odd,acc-2,blog,container,worker,3XL,900,2026-10-01T12:00:00Z,2026-10-31T12:00:00Z\n",
    );
    house.import_accounts(
        "acc-4,nina,n@example.com,Nina Nine,,FR,1 rue,67000,Strasbourg,,EUR,2025-01-05T10:00:00Z\n",
    );
    house.run(&["run", "2026-10"]);
    let secret = key(house, "eve", "viewer", &[]);
    let served = Served::start(house);
    let path = "/finance/v1/runs/2026-10/outcomes";
    let mut seen = Vec::new();
    for page in 1..=2 {
        let listed = get(&served, &secret, &format!("{path}?per_page=2&page={page}"));
        assert_eq!(listed["meta"]["pagination"]["total_count"], 4);
        for outcome in listed["outcomes"].as_array().unwrap() {
            let word = |field: &str| outcome[field].as_str().unwrap_or("-").to_owned();
            seen.push(format!("{} {}", word("account"), word("outcome")));
        }
    }
    let expected = [
        "acc-1 invoiced",
        "acc-2 parked",
        "acc-3 invoiced",
        "acc-4 nothing_due",
    ];
    seen.sort_unstable();
    assert_eq!(seen, expected);
    let parked = get(&served, &secret, &format!("{path}?outcome=parked"));
    assert_eq!(parked["meta"]["pagination"]["total_count"], 1);
    let parked = &parked["outcomes"][0];
    let status = house.run(&["run", "status", "2026-10", "--json"]).json();
    assert_eq!(parked["reason"], status["parked"][0]["reason"]);
    assert_eq!(parked["released"], false);
    assert_eq!(parked["invoice"], Value::Null);
    let invoiced = get(&served, &secret, &format!("{path}?outcome=invoiced"));
    let invoices = house.invoices("2026-10");
    for outcome in invoiced["outcomes"].as_array().unwrap() {
        let is_its = |invoice: &&Value| invoice["number"] == outcome["invoice"];
        let invoice = invoices.iter().find(is_its).unwrap();
        assert_eq!(outcome["account"], invoice["account"]);
        assert_eq!(outcome["total_minor"], invoice["total_minor"]);
    }
    let wrong = ask(
        &served,
        &secret,
        "GET",
        &format!("{path}?outcome=paid"),
        None,
    );
    assert_eq!(wrong.status, 422, "{wrong:?}");
    assert_eq!(
        wrong.json(),
        json!({ "errors": { "outcome": ["is none of invoiced, nothing_due, parked"] } })
    );
}

fn payments_are_what_commands_print(house: &House) {
    let stripe = card_house(house);
    house.run(&["collect", "--yes"]);
    let secret = key(house, "eve", "viewer", &[]);
    let served = Served::start(house);
    let mut printed = crate::collect::payments(house);
    printed.reverse();
    assert_eq!(printed.len(), 1);
    let listed = get(&served, &secret, "/finance/v1/payments");
    assert_eq!(listed["payments"], json!(printed));
    let id = printed[0]["id"].as_str().unwrap();
    let shown = house.run(&["payment", "show", id, "--json"]).json();
    let told = get(&served, &secret, &format!("/finance/v1/payments/{id}"));
    assert_eq!(told, json!({ "payment": shown }));
    let number = printed[0]["invoice"].as_str().unwrap();
    let of_it = get(
        &served,
        &secret,
        &format!("/finance/v1/payments?invoice={number}"),
    );
    assert_eq!(of_it["payments"], json!(printed));
    let none = get(&served, &secret, "/finance/v1/payments?account=acc-1");
    assert_eq!(none["payments"], json!([]));
    let facts = get(&served, &secret, "/finance/v1/bank-facts");
    assert_eq!(facts, json!({ "bank_facts": [] }));
    stripe.assert_contract_kept();
}

fn who_does_not_pay_is_what_a_command_prints(house: &House) {
    furnish(house);
    house.run(&["run", "2026-10"]);
    house.set_now("2026-12-24T08:00:00Z");
    let operator = key(house, "otto", "operator", &[]);
    let served = Served::start(house);
    let printed = house.run(&["dunning", "list", "--json"]).json();
    assert!(!printed.as_array().unwrap().is_empty());
    let listed = get(&served, &operator, "/finance/v1/unpaid");
    assert_eq!(listed["unpaid"], printed);
    let next = listed["next"].as_str().unwrap();
    let rest = get(
        &served,
        &operator,
        &format!("/finance/v1/unpaid?after={next}"),
    );
    assert_eq!(rest, json!({ "unpaid": [], "next": null }));
    let held_until = |account: &str| {
        let path = format!("/finance/v1/unpaid?account={account}");
        get(&served, &operator, &path)["unpaid"][0]["held_until"].clone()
    };
    assert_eq!(held_until("acc-2"), Value::Null);
    let hold = |body: Value| {
        ask(
            &served,
            &operator,
            "PUT",
            "/finance/v1/unpaid/acc-2/hold",
            Some(&body),
        )
    };
    let held = hold(json!({ "until": "2027-01-10", "reason": "pays in January" }));
    assert_eq!(held.status, 204, "{held:?}");
    assert_eq!(held_until("acc-2"), "2027-01-10");
    for (body, status, error) in [
        (
            json!({ "reason": "r" }),
            422,
            json!({ "errors": { "until": ["can't be blank"] } }),
        ),
        (
            json!({ "until": "soon", "reason": "r" }),
            422,
            json!({ "errors": { "until": ["is not a day such as 2026-11-30"] } }),
        ),
        (
            json!({ "until": "2026-12-24", "reason": "r" }),
            409,
            json!({ "error": "2026-12-24 is not later than today" }),
        ),
        (
            json!({ "until": "2027-01-10" }),
            422,
            json!({ "errors": { "reason": ["can't be blank"] } }),
        ),
        (
            json!({ "until": "2027-01-10", "reason": "a\nb" }),
            422,
            json!({ "errors": { "reason": ["must be 1 to 200 bytes of plain text"] } }),
        ),
    ] {
        let refused = hold(body);
        assert_eq!((refused.status, refused.json()), (status, error));
    }
    let lift = || {
        let body = json!({ "reason": "does not" });
        ask(
            &served,
            &operator,
            "POST",
            "/finance/v1/unpaid/acc-2/lift",
            Some(&body),
        )
    };
    assert_eq!(lift().status, 204);
    let refused = lift();
    assert_eq!(refused.status, 409);
    assert_eq!(refused.json(), json!({ "error": "its steps are not held" }));
    let trail = get(&served, &operator, "/finance/v1/audit?account=acc-2");
    let actions: Vec<(&Value, &Value, &Value)> = trail["audit"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| (&entry["action"], &entry["by"], &entry["reason"]))
        .collect();
    let (otto, held) = (json!("otto"), json!("hold_dunning"));
    assert_eq!(
        actions,
        [
            (&json!("lift_dunning_hold"), &otto, &json!("does not")),
            (&held, &otto, &json!("pays in January")),
        ]
    );
}

fn what_people_did_is_told_the_latest_first(house: &House) {
    furnish(house);
    let secret = key(house, "eve", "viewer", &[]);
    let deeds = [
        ("acc-1", "2026-11-03T08:00:00Z"),
        ("acc-2", "2026-11-05T08:00:00Z"),
        ("acc-1", "2026-11-04T08:00:00Z"),
    ];
    for (account, now) in deeds {
        house.set_now(now);
        let mut args = vec!["account", "suspend", account];
        if now.starts_with("2026-11-04") {
            args[1] = "resume";
        }
        args.extend(super::BY);
        house.run(&args);
    }
    house.set_now("2026-11-05T09:00:00Z");
    key(house, "late", "viewer", &[]);
    let served = Served::start(house);
    let trail = |query: &str| -> Vec<String> {
        let told = get(&served, &secret, &format!("/finance/v1/audit{query}"));
        let entries = told["audit"].as_array().unwrap();
        let word = |entry: &Value, field: &str| entry[field].as_str().unwrap_or("-").to_owned();
        let each = entries.iter();
        each.map(|entry| format!("{} {}", word(entry, "account"), word(entry, "action")))
            .collect()
    };
    let expected = [
        "- operator_added",
        "acc-2 suspend_account",
        "acc-1 resume_account",
        "acc-1 suspend_account",
        "- operator_added",
    ];
    assert_eq!(trail(""), expected);
    let mut paged = trail("?per_page=2");
    paged.extend(trail("?per_page=2&page=2"));
    paged.extend(trail("?per_page=2&page=3"));
    assert_eq!(paged, expected);
    assert_eq!(trail("?account=acc-1"), expected[2..4]);
    assert_eq!(trail("?account=acc-3"), [""; 0]);
}

fn what_is_not_there_is_not_found(house: &House) {
    furnish(house);
    let secret = key(house, "eve", "viewer", &[]);
    let served = Served::start(house);
    for (path, resource) in [
        ("runs/2026-10", "Run"),
        ("runs/october", "Run"),
        ("runs/2026-10/outcomes", "Run"),
        ("invoices/Q-2026-000001", "Invoice"),
        ("invoices/x/download", "Invoice"),
        ("invoices?account=acc-9", "Account"),
        ("payments/00000000000000000000000000000000", "Payment"),
        ("payments/x", "Payment"),
        ("payments?invoice=Q-2026-000001", "Invoice"),
        ("sepa-files/x", "SepaFile"),
        ("unpaid?account=acc-9", "Account"),
        ("audit?account=acc-9", "Account"),
    ] {
        let reply = ask(
            &served,
            &secret,
            "GET",
            &format!("/finance/v1/{path}"),
            None,
        );
        assert_eq!(reply.status, 404, "{path}: {reply:?}");
        let expected = json!({ "resource": resource, "error": "not found" });
        assert_eq!(reply.json(), expected, "{path}");
    }
    for (path, field) in [
        ("invoices?period=october", "period"),
        ("payments?invoice=x", "invoice"),
        ("unpaid?after=x", "after"),
        ("audit?page=x", "page"),
    ] {
        let reply = ask(
            &served,
            &secret,
            "GET",
            &format!("/finance/v1/{path}"),
            None,
        );
        assert_eq!(reply.status, 422, "{path}: {reply:?}");
        assert!(reply.json()["errors"][field][0].is_string(), "{path}");
    }
}
