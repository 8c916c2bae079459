//! What a customer means to spend in a month.

use serde_json::{Value, json};

use super::sign_in::furnish_mailing;
use super::{Client, field, secret};
use crate::fakes::smtp::SmtpFake;
use crate::on_both;
use crate::support::{House, Served};

on_both!(
    each_part_of_a_budget_is_mailed_once,
    a_wrong_budget_is_refused
);

const PATH: &str = "/v1/account/budget";

fn set(client: &Client<'_>, amount: Value) -> Value {
    let body = json!({ "budget": { "amount": amount } });
    let reply = client.send("PUT", PATH, Some(&body));
    assert_eq!(reply.status, 200, "{reply:?}");
    reply.json()["budget"].clone()
}

fn each_part_of_a_budget_is_mailed_once(house: &House) {
    let smtp = SmtpFake::start();
    furnish_mailing(house, smtp.port());
    // One container from the 1st on: the same each hour.
    house.import_usage("on,acc-3,shop,container,web,M,1,2026-11-01T00:00:00+01:00,\n");
    let secret = secret(house, "acc-3", &[]);
    let tick = |now: &str| -> Vec<String> {
        house.set_now(now);
        house.run(&["tick", "--job", "cards", "--job", "deliver"]);
        let mails = smtp.take_received();
        let about = mails.iter().filter(|mail| mail.to == "j@example.com");
        about.map(|mail| mail.header("Subject")).collect()
    };
    // What ten days come to.
    house.set_now("2026-11-11T00:00:00+01:00");
    let (usage, unset) = {
        let served = Served::start(house);
        let client = Client::with(&served, &secret);
        let usage = client.get("/v1/account/usage");
        (usage, client.send("GET", PATH, None))
    };
    assert_eq!(unset.status, 404, "{unset:?}");
    assert_eq!(
        unset.json(),
        json!({ "resource": "Budget", "error": "not found" })
    );
    let ten_days = usage["usage"]["total_price_with_vat"]
        .as_i64()
        .unwrap_or_else(|| panic!("{usage}"));
    assert!(ten_days > 100, "{usage}");
    let budget = ten_days * 2;
    {
        let served = Served::start(house);
        let client = Client::with(&served, &secret);
        let shown = set(&client, json!(budget));
        let expected = json!({
            "amount": budget, "currency": "EUR", "period": "2026-11", "spent": ten_days,
            "reached_percent": 50,
        });
        assert_eq!(shown, expected);
        assert_eq!(client.get(PATH), json!({ "budget": expected }));
    }
    assert_eq!(tick("2026-11-09T12:00:00+01:00"), [""; 0]);
    assert_eq!(
        tick("2026-11-11T12:00:00+01:00"),
        ["50% of your budget for November 2026 is used"]
    );
    assert_eq!(tick("2026-11-12T12:00:00+01:00"), [""; 0]);
    // Off for days: only the largest part that was passed.
    assert_eq!(
        tick("2026-11-25T12:00:00+01:00"),
        ["100% of your budget for November 2026 is used"]
    );
    assert_eq!(tick("2026-11-26T12:00:00+01:00"), [""; 0]);
    // A new month begins anew, and a budget that is set anew is told of by itself.
    assert_eq!(
        tick("2026-12-17T12:00:00+01:00"),
        ["80% of your budget for December 2026 is used"]
    );
    house.set_now("2026-12-17T13:00:00+01:00");
    {
        let served = Served::start(house);
        let client = Client::with(&served, &secret);
        set(&client, json!(budget));
    }
    assert_eq!(
        tick("2026-12-17T14:00:00+01:00"),
        ["80% of your budget for December 2026 is used"]
    );
    {
        let served = Served::start(house);
        let client = Client::with(&served, &secret);
        assert_eq!(client.send("DELETE", PATH, None).status, 204);
        assert_eq!(client.send("DELETE", PATH, None).status, 404);
    }
    assert_eq!(tick("2026-12-30T12:00:00+01:00"), [""; 0]);
    let audited = house
        .watch()
        .texts("SELECT e.action FROM audit_entry e WHERE e.action LIKE 'budget%' ORDER BY e.id");
    assert_eq!(audited, ["budget_set", "budget_set", "budget_removed"]);
}

fn a_wrong_budget_is_refused(house: &House) {
    super::furnish_api(house, 600);
    let served = Served::start(house);
    let client = Client::of(house, &served, "acc-1");
    for (amount, message) in [
        (Value::Null, "can't be blank"),
        (json!(0), "must be above 0 and at most 100000000000"),
        (json!(-5), "must be above 0 and at most 100000000000"),
        (
            json!(100_000_000_001_i64),
            "must be above 0 and at most 100000000000",
        ),
        (json!("ten"), "invalid type: string \"ten\", expected i64"),
        (
            json!(1.5),
            "invalid type: floating point `1.5`, expected i64",
        ),
    ] {
        let body = json!({ "budget": { "amount": amount } });
        let refused = client.send("PUT", PATH, Some(&body));
        assert_eq!(
            (refused.status, refused.json()),
            (422, field("amount", message))
        );
    }
    assert_eq!(client.send("GET", PATH, None).status, 404);
}
