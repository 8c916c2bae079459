//! Keys of the house: made, used, limited, expired, revoked.

use serde_json::json;

use super::{BY, ask, key};
use crate::api::furnish_api;
use crate::on_both;
use crate::support::{House, Served, furnish};

on_both!(
    a_key_is_shown_once_and_kept_as_a_digest,
    a_key_that_is_revoked_or_expired_opens_nothing,
    a_name_is_given_once,
    the_use_of_a_key_is_remembered_within_a_minute,
    a_key_asks_so_often_in_a_minute,
);

const MYSELF: &str = "/finance/v1/self";

fn a_key_is_shown_once_and_kept_as_a_digest(house: &House) {
    // There is no vault: these keys need none.
    furnish(house);
    let secret = key(house, "ada's desk", "viewer", &[]);
    assert!(secret.starts_with("qt-op-"), "{secret}");
    assert_eq!(secret.len(), "qt-op-".len() + 48);
    let mut watch = house.watch();
    assert!(!watch.rows_as_text("operator_key").contains(&secret[6..]));
    let audits = "SELECT COUNT(*) FROM house_audit_entry WHERE action = 'operator_added' \
                  AND actor = 'ada' AND reason = 'asked by phone' AND subject LIKE 'key % ada''s desk, viewer'";
    assert_eq!(watch.count(audits), 1);
    let served = Served::start(house);
    let reply = ask(&served, &secret, "GET", MYSELF, None);
    assert_eq!(reply.status, 200, "{reply:?}");
    let shown = &reply.json()["key"];
    assert_eq!(shown["name"], "ada's desk");
    assert_eq!(shown["role"], "viewer");
    let listed = house.run(&["operator", "list", "--json"]);
    assert!(!listed.stdout.contains(&secret[6..]), "{listed:?}");
    let listed = &listed.json()[0];
    assert_eq!(listed["id"], shown["id"]);
    assert_eq!(listed["revoked_at"], json!(null));
    let table = house.run(&["operator", "list"]).stdout;
    assert!(table.contains("ada's desk"), "{table}");
}

fn a_key_that_is_revoked_or_expired_opens_nothing(house: &House) {
    furnish(house);
    let until = ["--until", "2026-11-02T09:00:00Z"];
    let expiring = key(house, "temp", "viewer", &until);
    let revoked = key(house, "gone", "viewer", &[]);
    let served = Served::start(house);
    for secret in [&expiring, &revoked] {
        assert_eq!(ask(&served, secret, "GET", MYSELF, None).status, 200);
    }
    let mut revoke = vec!["operator", "revoke", "gone"];
    revoke.extend(BY);
    house.run(&revoke);
    // While the service runs.
    let refused = ask(&served, &revoked, "GET", MYSELF, None);
    assert_eq!(refused.status, 401);
    assert_eq!(refused.json(), json!({ "error": "Authentication failed" }));
    // Twice changes nothing, and is no second entry.
    house.run(&revoke);
    let audits = "SELECT COUNT(*) FROM house_audit_entry WHERE action = 'operator_revoked'";
    assert_eq!(house.watch().count(audits), 1);
    drop(served);
    house.set_now("2026-11-02T08:59:59Z");
    let served = Served::start(house);
    assert_eq!(ask(&served, &expiring, "GET", MYSELF, None).status, 200);
    drop(served);
    house.set_now("2026-11-02T09:00:00Z");
    let served = Served::start(house);
    assert_eq!(ask(&served, &expiring, "GET", MYSELF, None).status, 401);
}

fn a_name_is_given_once(house: &House) {
    furnish(house);
    key(house, "desk", "viewer", &[]);
    let add = |name: &str, more: &[&str]| {
        let mut args = vec!["operator", "add", name, "--role", "approver"];
        args.extend(BY);
        args.extend(more);
        house.refuse(&args).stderr
    };
    assert!(add("desk", &[]).contains("name has already been taken"));
    let mut revoke = vec!["operator", "revoke", "desk"];
    revoke.extend(BY);
    house.run(&revoke);
    assert!(add("desk", &[]).contains("name has already been taken"));
    assert!(add(" ", &[]).contains("name can't be blank"));
    let past = ["--until", "2026-11-02T08:00:00Z"];
    assert!(add("late", &past).contains("expires_at is in the past"));
    let mut unknown = vec!["operator", "revoke", "nobody"];
    unknown.extend(BY);
    assert!(house.refuse(&unknown).stderr.contains("there is none"));
    let keys = "SELECT COUNT(*) FROM operator_key";
    assert_eq!(house.watch().count(keys), 1);
}

fn the_use_of_a_key_is_remembered_within_a_minute(house: &House) {
    furnish(house);
    let secret = key(house, "desk", "viewer", &[]);
    let used = || {
        let listed = house.run(&["operator", "list", "--json"]).json();
        listed[0]["last_used_at"].as_str().map(str::to_owned)
    };
    assert_eq!(used(), None);
    for (now, expected) in [
        ("2026-11-02T08:00:00Z", "2026-11-02T08:00:00Z"),
        ("2026-11-02T08:00:59Z", "2026-11-02T08:00:00Z"),
        ("2026-11-02T08:01:00Z", "2026-11-02T08:01:00Z"),
    ] {
        house.set_now(now);
        let served = Served::start(house);
        assert_eq!(ask(&served, &secret, "GET", MYSELF, None).status, 200);
        assert_eq!(used().as_deref(), Some(expected), "at {now}");
    }
}

fn a_key_asks_so_often_in_a_minute(house: &House) {
    furnish_api(house, 3);
    let one = key(house, "one", "viewer", &[]);
    let other = key(house, "other", "viewer", &[]);
    let served = Served::start(house);
    for _ in 0..3 {
        assert_eq!(ask(&served, &one, "GET", MYSELF, None).status, 200);
    }
    let refused = ask(&served, &one, "GET", MYSELF, None);
    assert_eq!(refused.status, 429);
    assert_eq!(refused.json(), json!({ "error": "Retry later" }));
    let wait = refused.headers["retry-after"].to_str().unwrap();
    assert!((1..=60).contains(&wait.parse::<u64>().unwrap()), "{wait}");
    assert_eq!(ask(&served, &other, "GET", MYSELF, None).status, 200);
    // Guesses are counted by their address.
    for expected in [401, 401, 401, 429] {
        assert_eq!(
            ask(&served, "qt-op-x", "GET", MYSELF, None).status,
            expected
        );
    }
    assert_eq!(ask(&served, &other, "GET", MYSELF, None).status, 200);
}
