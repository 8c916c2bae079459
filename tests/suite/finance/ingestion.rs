//! Usage that a platform reports as it happens.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use serde_json::{Value, json};

use super::{ask, key};
use crate::api::furnish_api;
use crate::on_both;
use crate::support::{House, Reply, Served, furnish};

on_both!(
    events_are_billed_as_imported_ones_are,
    a_batch_is_taken_once,
    a_batch_is_taken_whole_or_not_at_all,
    what_was_imported_meanwhile_is_known,
    usage_of_a_billed_month_is_late,
    what_is_no_batch_is_refused,
    who_comes_while_all_hands_are_full_comes_again,
);

const PATH: &str = "/ingest/v1/events";
const COUNT: &str = "SELECT COUNT(*) FROM usage_interval WHERE event_id LIKE 'e%'";

fn event(id: &str, account: &str, plan: &str) -> Value {
    json!({
        "specversion": "1.0", "id": id, "source": "/platform", "type": "usage",
        "time": "2026-11-02T08:00:00Z",
        "data": {
            "account": account, "app": "shop", "kind": "container", "type": "worker", "plan": plan,
            "quantity": 1, "started_at": "2026-11-01T10:00:00Z", "ended_at": "2026-11-01T12:00:00Z",
        },
    })
}

fn running(id: &str) -> Value {
    let mut event = event(id, "acc-1", "M");
    event["data"].as_object_mut().unwrap().remove("ended_at");
    event
}

fn taken(reply: &Reply) -> (u64, u64) {
    assert_eq!(reply.status, 202, "{reply:?}");
    let taken = reply.json();
    (
        taken["accepted"].as_u64().unwrap(),
        taken["duplicates"].as_u64().unwrap(),
    )
}

fn post(served: &Served, secret: &str, body: &Value) -> Reply {
    ask(served, secret, "POST", PATH, Some(body))
}

/// The same events, by a file in one house and by batches in the other.
fn events_are_billed_as_imported_ones_are(house: &House) {
    furnish(house);
    let other = house.sibling();
    furnish(&other);
    let events: Vec<Value> = (0..30)
        .map(|n| {
            let account = ["acc-1", "acc-2", "acc-3"][n % 3];
            let mut event = event(&format!("e{n}"), account, ["S", "M"][n % 2]);
            event["data"]["started_at"] = json!(format!("2026-10-{:02}T10:00:00Z", n % 28 + 1));
            event["data"]["ended_at"] = json!(format!("2026-10-{:02}T12:34:56Z", n % 28 + 2));
            event
        })
        .collect();
    let lines: Vec<String> = events.iter().map(Value::to_string).collect();
    let file = other.file("events.jsonl", lines.join("\n"));
    other.run(&["import", "usage", file.to_str().unwrap()]);
    let secret = key(house, "platform", "ingest", &[]);
    let served = Served::start(house);
    for batch in events.chunks(7) {
        let (accepted, _) = taken(&post(&served, &secret, &json!(batch)));
        assert_eq!(usize::try_from(accepted).unwrap(), batch.len());
    }
    drop(served);
    for house in [house, &other] {
        house.run(&["run", "2026-10"]);
        house.run(&["verify"]);
    }
    assert_eq!(house.invoices("2026-10"), other.invoices("2026-10"));
}

fn a_batch_is_taken_once(house: &House) {
    furnish(house);
    let secret = key(house, "platform", "ingest", &[]);
    let served = Served::start(house);
    let batch = json!([
        event("e1", "acc-1", "M"),
        running("e2"),
        event("e1", "acc-1", "M")
    ]);
    assert_eq!(taken(&post(&served, &secret, &batch)), (2, 1));
    assert_eq!(taken(&post(&served, &secret, &batch)), (0, 3));
    assert_eq!(taken(&post(&served, &secret, &json!([]))), (0, 0));
    // Alone, and the end of one that ran.
    assert_eq!(
        taken(&post(&served, &secret, &event("e1", "acc-1", "M"))),
        (0, 1)
    );
    assert_eq!(
        taken(&post(&served, &secret, &event("e2", "acc-1", "M"))),
        (1, 0)
    );
    assert_eq!(taken(&post(&served, &secret, &running("e2"))), (0, 1));
    assert_eq!(house.watch().count(COUNT), 2);
    let running =
        "SELECT COUNT(*) FROM usage_interval WHERE event_id LIKE 'e%' AND ended_at IS NULL";
    assert_eq!(house.watch().count(running), 0);
}

fn a_batch_is_taken_whole_or_not_at_all(house: &House) {
    furnish(house);
    let secret = key(house, "platform", "ingest", &[]);
    let served = Served::start(house);
    assert_eq!(
        taken(&post(&served, &secret, &event("e1", "acc-1", "M"))),
        (1, 0)
    );
    let mut wrong = event("e3", "acc-1", "Q");
    wrong["data"]["quantity"] = json!(0);
    let batch = json!([
        event("e2", "acc-1", "M"),
        event("e9", "nobody", "M"),
        wrong,
        5
    ]);
    let reply = post(&served, &secret, &batch);
    assert_eq!(reply.status, 422, "{reply:?}");
    assert_eq!(
        reply.json(),
        json!({ "errors": {
            "events[1].account": ["\"nobody\": is no known account"],
            "events[2].plan": ["\"Q\": is no known container plan with a price in EUR"],
            "events[2].quantity": ["\"0\": is not a whole number from 1 to 100000"],
            "events[3]": [reply.json()["errors"]["events[3]"][0]],
        } })
    );
    let conflict = json!([event("e2", "acc-1", "M"), event("e1", "acc-1", "S")]);
    let reply = post(&served, &secret, &conflict);
    assert_eq!(reply.status, 409, "{reply:?}");
    let told = "events[1].id \"e1\": is known already, with different content";
    assert_eq!(reply.json(), json!({ "error": told }));
    // Within one batch as well.
    let conflict = json!([event("e5", "acc-1", "M"), event("e5", "acc-2", "M")]);
    assert_eq!(post(&served, &secret, &conflict).status, 409);
    assert_eq!(house.watch().count(COUNT), 1);
    // Nothing of it stayed behind: a plan type that only a refused batch had.
    let types = "SELECT COUNT(*) FROM sku WHERE resource_type = 'worker'";
    assert_eq!(house.watch().count(types), 1);
    let mut odd = event("e6", "acc-1", "M");
    odd["data"]["type"] = json!("odd");
    let refused = post(&served, &secret, &json!([odd, event("e9", "nobody", "M")]));
    assert_eq!(refused.status, 422, "{refused:?}");
    assert_eq!(taken(&post(&served, &secret, &odd)), (1, 0));
    house.run(&["verify"]);
}

/// The service keeps what it compares with: others import beside it.
fn what_was_imported_meanwhile_is_known(house: &House) {
    furnish(house);
    let secret = key(house, "platform", "ingest", &[]);
    let served = Served::start(house);
    assert_eq!(
        taken(&post(&served, &secret, &event("e1", "acc-1", "M"))),
        (1, 0)
    );
    assert_eq!(
        post(&served, &secret, &event("e2", "acc-9", "M")).status,
        422
    );
    house.import_accounts(
        "acc-9,nina,n@example.com,Nina Nine,,FR,1 rue,67000,Strasbourg,,EUR,2025-01-05T10:00:00Z\n",
    );
    assert_eq!(
        taken(&post(&served, &secret, &event("e2", "acc-9", "M"))),
        (1, 0)
    );
    // A new kind of thing by a file, then another by a batch: neither takes the other's key.
    house.import_usage(
        "e3,acc-1,shop,container,filed,M,1,2026-11-01T10:00:00Z,2026-11-01T11:00:00Z\n",
    );
    let mut new = event("e4", "acc-1", "M");
    new["data"]["type"] = json!("reported");
    assert_eq!(taken(&post(&served, &secret, &new)), (1, 0));
    let types = "SELECT COUNT(*) FROM sku WHERE resource_type IN ('filed', 'reported', 'worker')";
    assert_eq!(house.watch().count(types), 3);
    house.run(&["verify"]);
}

fn usage_of_a_billed_month_is_late(house: &House) {
    furnish(house);
    house.run(&["run", "2026-10"]);
    let secret = key(house, "platform", "ingest", &[]);
    let served = Served::start(house);
    let mut late = event("e1", "acc-1", "M");
    late["data"]["started_at"] = json!("2026-10-30T10:00:00Z");
    for expected in [(1, 0), (0, 1)] {
        assert_eq!(taken(&post(&served, &secret, &late)), expected);
        let kept = "SELECT COUNT(*) FROM usage_late WHERE event_id = 'e1'";
        assert_eq!(house.watch().count(kept), 1);
    }
    house.run(&["verify"]);
}

fn what_is_no_batch_is_refused(house: &House) {
    furnish(house);
    let secret = key(house, "platform", "ingest", &[]);
    let served = Served::start(house);
    let send = |kind: &str, body: Vec<u8>| {
        let request = served.request("POST", PATH).bearer_auth(&secret);
        served.send(request.header("content-type", kind).body(body))
    };
    let (one, many) = (
        "application/cloudevents+json",
        "application/cloudevents-batch+json",
    );
    let good = event("e1", "acc-1", "M").to_string();
    for (kind, body, status) in [
        (one, good.clone(), 202),
        (many, format!("[{good}]"), 202),
        ("application/json", format!(" [{good}]"), 202),
        (one, format!("[{good}]"), 422),
        (many, good.clone(), 400),
        (many, format!("[{good}"), 400),
        (one, String::new(), 422),
        ("text/plain", good.clone(), 415),
        ("application/xml", good, 415),
    ] {
        let reply = send(kind, body.clone().into_bytes());
        assert_eq!(reply.status, status, "{kind} {body}: {reply:?}");
        reply.json();
    }
    // More than any other route takes, up to its own limit.
    let mut spaces = vec![b' '; 7 << 20];
    spaces.extend(b"[]");
    assert_eq!(send(many, spaces).status, 202);
    assert_eq!(send(many, vec![b' '; (8 << 20) + 1]).status, 413);
}

fn who_comes_while_all_hands_are_full_comes_again(house: &House) {
    furnish_api(house, 10_000);
    let settings = std::fs::read_to_string(house.path("quittance.toml")).unwrap();
    let hands = "batches_in_hand = 16 ";
    assert!(settings.contains(hands));
    house.file(
        "quittance.toml",
        settings.replace(hands, "batches_in_hand = 1 "),
    );
    let secret = key(house, "platform", "ingest", &[]);
    let served = Served::start(house);
    let body = json!([event("e1", "acc-1", "M")]).to_string();
    let address = served.url("").replace("http://", "");
    let mut slow = TcpStream::connect(&address).unwrap();
    let head = format!(
        "POST {PATH} HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {secret}\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\
         Expect: 100-continue\r\n\r\n",
        body.len()
    );
    slow.write_all(head.as_bytes()).unwrap();
    // It is told to go on once it is in hand, and then does not come to its end.
    let go_on = "HTTP/1.1 100 Continue\r\n\r\n";
    let mut told = vec![0; go_on.len()];
    slow.read_exact(&mut told).unwrap();
    assert_eq!(String::from_utf8(told).unwrap(), go_on);
    slow.write_all(&body.as_bytes()[..10]).unwrap();
    let third = event("e3", "acc-1", "M");
    let refused = post(&served, &secret, &third);
    assert_eq!(refused.status, 429, "{refused:?}");
    assert_eq!(refused.headers["retry-after"], "1");
    assert_eq!(refused.json(), json!({ "error": "Retry later" }));
    assert_eq!(
        house
            .watch()
            .count("SELECT COUNT(*) FROM usage_interval WHERE event_id = 'e3'"),
        0
    );
    slow.write_all(&body.as_bytes()[10..]).unwrap();
    let mut answer = String::new();
    slow.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 202"), "{answer}");
    assert!(
        answer.ends_with("{\"accepted\":1,\"duplicates\":0}"),
        "{answer}"
    );
    assert_eq!(taken(&post(&served, &secret, &third)), (1, 0));
}
