//! An account that leaves by the API: the same steps as by the page and by the
//! command line.

use serde_json::{Value, json};

use super::{Client, field};
use crate::lifecycle::leaving::{BY, Leaver};
use crate::on_both;
use crate::support::direct_debit::KEY_A;
use crate::support::{House, Reply, Served};

on_both!(
    an_account_leaves_and_says_why,
    what_keeps_it_is_said,
    whoever_is_suspended_may_leave,
);

const VAULT: &str = "[vault]\nkeys = [{ id = \"a\", key = \"file:a.key\" }]";

fn leaver(house: &House) -> Leaver<'_> {
    house.file("a.key", KEY_A);
    Leaver::with(house, VAULT)
}

fn confirm(served: &Served, id: &str, body: &Value) -> Reply {
    let path = format!("/v1/users/delete/{id}/confirm");
    let body = json!({ "deletion": body });
    served.send(served.request("POST", &path).json(&body))
}

fn an_account_leaves_and_says_why(house: &House) {
    let leaver = leaver(house);
    let served = Served::start(house);
    let client = Client::of(house, &served, "acc-2");
    let asked = client.post("/v1/users/delete", &json!({}));
    assert_eq!(asked.status, 201, "{asked:?}");
    let first = leaver.token();
    let deletion = asked.json()["deletion"].clone();
    let expected = json!({
        "id": "1", "state": "asked", "expires_at": "2026-11-11T09:00:00.000Z", "final_invoice": null,
    });
    assert_eq!(deletion, expected);
    // Asked again, the link before works no more.
    let again = client.post("/v1/users/delete", &json!({}));
    assert_eq!(again.json()["deletion"]["id"], "1");
    let token = leaver.token();
    assert_ne!(token, first);

    let invalid = field("token", "is invalid");
    for (id, token) in [
        ("1", first.as_str()),
        ("1", "00ff"),
        ("1", ""),
        ("2", token.as_str()),
        ("x", token.as_str()),
    ] {
        let reply = confirm(&served, id, &json!({ "token": token }));
        assert_eq!(
            (reply.status, reply.json()),
            (422, invalid.clone()),
            "{id} {token}"
        );
    }
    let long = confirm(
        &served,
        "1",
        &json!({ "token": token, "reason": "é".repeat(256) }),
    );
    let answer = field("reason", "is too long (maximum is 255 characters)");
    assert_eq!((long.status, long.json()), (422, answer));
    let odd = confirm(&served, "1", &json!({ "token": token, "details": "\u{0}" }));
    let answer = field("details", "has control characters");
    assert_eq!((odd.status, odd.json()), (422, answer));
    assert_eq!(client.get("/v1/users/self")["user"]["id"], "acc-2");

    let why = json!({ "token": token, "reason": "too dear", "details": "We move.\nThanks" });
    let done = confirm(&served, "1", &why);
    assert_eq!(done.status, 200, "{done:?}");
    let deletion = done.json()["deletion"].clone();
    let expected = json!({
        "id": "1", "state": "settling", "expires_at": null, "final_invoice": "Q-2026-000002",
    });
    assert_eq!(deletion, expected);
    assert_eq!(confirm(&served, "1", &why).json(), invalid);
    let audited = house.watch().texts(
        "SELECT actor || ' ' || subject || ' ' || reason FROM audit_entry WHERE action = 'deletion_confirmed'",
    );
    let expected = "customer deletion 1 by a link that was mailed to it; reason: too dear; details: We move.\nThanks";
    assert_eq!(audited, [expected]);
    // It leaves already, and may look at that.
    let again = client.post("/v1/users/delete", &json!({}));
    assert_eq!(again.status, 409, "{again:?}");
    assert_eq!(client.get("/v1/users/self")["user"]["id"], "acc-2");
    house.run(&["verify"]);
}

fn what_keeps_it_is_said(house: &House) {
    let leaver = leaver(house);
    leaver.grant(500);
    house.import_usage("u3,acc-2,shop,container,web,S,1,2026-11-09T00:00:00Z,\n");
    let served = Served::start(house);
    let client = Client::of(house, &served, "acc-2");
    let refused = client.post("/v1/users/delete", &json!({}));
    let answer = field(
        "base",
        "The app shop still runs: delete it or hand it over first.",
    );
    assert_eq!((refused.status, refused.json()), (422, answer));
    let count = "SELECT COUNT(*) FROM account_deletion";
    assert_eq!(house.watch().count(count), 0);
    let wrong = client.post(
        "/v1/users/delete",
        &json!({ "deletion": { "give_up_credit": 1 } }),
    );
    assert_eq!(wrong.status, 422, "{wrong:?}");
    assert!(
        wrong.json()["errors"]["give_up_credit"].is_array(),
        "{wrong:?}"
    );
}

fn whoever_is_suspended_may_leave(house: &House) {
    let leaver = leaver(house);
    let served = Served::start(house);
    let client = Client::of(house, &served, "acc-2");
    let mut suspend = vec!["account", "suspend", "acc-2"];
    suspend.extend(BY);
    house.run(&suspend);
    let asked = client.post("/v1/users/delete", &json!({}));
    assert_eq!(asked.status, 201, "{asked:?}");
    assert_eq!(
        confirm(&served, "1", &json!({ "token": leaver.token() })).status,
        200
    );
}
