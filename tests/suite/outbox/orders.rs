//! Orders to the platform.

use std::process::{Command, Stdio};

use serde_json::json;

use super::{Office, SECRET};
use crate::fakes::platform::{PlatformFake, Reply, Webhook};
use crate::on_both;
use crate::support::{House, checkers};

on_both!(
    an_order_is_signed_so_that_others_can_check_it,
    orders_go_in_each_accounts_order,
    an_order_that_fails_holds_up_its_account_alone,
    a_platform_that_is_down_is_asked_no_further,
    what_the_platform_does_not_want_is_refused,
    an_order_that_was_overtaken_is_not_given_again,
    patience_is_kept,
);

/// By Python's own HMAC.
fn check(webhook: &Webhook) {
    let script =
        std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/checkers/standard_webhook.py");
    let mut child = Command::new(checkers().join("venv/bin/python"))
        .arg(script)
        .args([SECRET, &webhook.id, &webhook.timestamp, &webhook.signature])
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    use std::io::Write as _;
    child
        .stdin
        .take()
        .unwrap()
        .write_all(webhook.body.as_bytes())
        .unwrap();
    assert!(child.wait().unwrap().success(), "{webhook:?}");
}

fn an_order_is_signed_so_that_others_can_check_it(house: &House) {
    let office = Office::open(house);
    office.order("acc-1", "suspend:1", "account.suspend");
    let step = json!({"deletion": 1, "step": "aliases"});
    office.tell(
        "acc-2",
        "platform",
        "deletion:1:3",
        "account.deletion.step",
        &step,
    );
    office.platform.reply([Reply::Status(500)]);
    assert_eq!(office.deliver(), "1 sent, 1 retried, 0 refused, 0 obsolete");
    office.minutes_later(2);
    assert_eq!(office.deliver(), "1 sent, 0 retried, 0 refused, 0 obsolete");
    let came = office.platform.came();
    assert_eq!(came.len(), 3);
    came.iter().for_each(check);
    // Twice under one id, at the time it was sent.
    assert_eq!(
        came.iter()
            .filter(|webhook| webhook.id == came[2].id)
            .count(),
        2
    );
    assert_eq!(came[2].timestamp, "1793606520");
    assert_ne!(came[0].id, came[1].id);
    let mut told: Vec<String> = came[..2]
        .iter()
        .map(|webhook| webhook.json()["data"].to_string())
        .collect();
    told.sort();
    assert_eq!(
        told,
        [
            r#"{"account":"acc-1","reason":"unpaid"}"#,
            r#"{"account":"acc-2","deletion":1,"step":"aliases"}"#
        ]
    );
    assert_eq!(
        came[0].json()["timestamp"].as_str().unwrap().get(..19),
        Some("2026-11-02T08:00:00")
    );
}

fn orders_go_in_each_accounts_order(house: &House) {
    let office = Office::open(house);
    // Their keys are in another order.
    for no in 0..4 {
        for account in ["acc-1", "acc-2"] {
            let (topic, key) = if no % 2 == 0 {
                ("account.suspend", format!("z-suspend:{no}"))
            } else {
                ("account.resume", format!("a-resume:{no}"))
            };
            office.order(account, &key, topic);
        }
    }
    assert_eq!(office.deliver(), "8 sent, 0 retried, 0 refused, 0 obsolete");
    for account in ["acc-1", "acc-2"] {
        let told = office.platform.told();
        let told: Vec<&str> = told
            .iter()
            .filter_map(|told| told.strip_suffix(&format!(" {account}")))
            .collect();
        let expected = [
            "account.suspend",
            "account.resume",
            "account.suspend",
            "account.resume",
        ];
        assert_eq!(told, expected);
    }
}

fn an_order_that_fails_holds_up_its_account_alone(house: &House) {
    let office = Office::open(house);
    office.order("acc-1", "suspend:1", "account.suspend");
    office.platform.reply([Reply::Hang]);
    assert_eq!(office.deliver(), "0 sent, 1 retried, 0 refused, 0 obsolete");
    office.order("acc-1", "resume:1", "account.resume");
    office.order("acc-2", "suspend:1", "account.suspend");
    // The first of acc-1 is put off, so the second waits too.
    assert_eq!(office.deliver(), "1 sent, 0 retried, 0 refused, 0 obsolete");
    office.minutes_later(1);
    office.platform.reply([Reply::Status(503)]);
    assert_eq!(office.deliver(), "0 sent, 1 retried, 0 refused, 0 obsolete");
    office.minutes_later(3);
    // It may have been taken; the platform knows it by its id.
    office.platform.reply([Reply::BrokenOff]);
    assert_eq!(office.deliver(), "0 sent, 1 retried, 0 refused, 0 obsolete");
    office.minutes_later(7);
    assert_eq!(office.deliver(), "2 sent, 0 retried, 0 refused, 0 obsolete");
    assert_eq!(
        office.platform.told(),
        [
            "account.suspend acc-1",
            "account.suspend acc-2",
            "account.suspend acc-1",
            "account.suspend acc-1",
            "account.suspend acc-1",
            "account.resume acc-1"
        ]
    );
}

fn a_platform_that_is_down_is_asked_no_further(house: &House) {
    let mut office = Office::open(house);
    office.platform = PlatformFake::start();
    for account in ["acc-1", "acc-2", "acc-3"] {
        office.order(account, "suspend:1", "account.suspend");
    }
    // Mail does not wait for it.
    office.restored("acc-1", 1);
    let answer = office.try_deliver();
    assert_eq!(answer.code, Some(1), "{answer:?}");
    let json = answer.json();
    assert_eq!((&json["sent"], &json["retried"]), (&json!(1), &json!(0)));
    assert_eq!(json["stopped"][0]["channel"], "platform");
    for row in office.rows("waiting") {
        assert_eq!(row["tries"], 0, "{row}");
    }
    office.settings(office.smtp.port(), "none", "");
    assert_eq!(office.deliver(), "3 sent, 0 retried, 0 refused, 0 obsolete");
}

fn what_the_platform_does_not_want_is_refused(house: &House) {
    let office = Office::open(house);
    let elsewhere = PlatformFake::start();
    for (no, reply) in [
        Reply::Status(410),
        Reply::Status(400),
        Reply::Redirect(elsewhere.url()),
        Reply::Status(204),
    ]
    .into_iter()
    .enumerate()
    {
        let key = format!("suspend:{no}");
        office.order("acc-1", &key, "account.suspend");
        office.platform.reply([reply]);
    }
    assert_eq!(office.deliver(), "1 sent, 0 retried, 3 refused, 0 obsolete");
    for (key, expected) in [
        ("suspend:0", "refused after 1: status 410"),
        ("suspend:1", "refused after 1: status 400"),
        ("suspend:2", "refused after 1: status 307"),
        ("suspend:3", "delivered after 1: no problem"),
    ] {
        assert_eq!(office.standing(key), expected);
    }
    assert!(elsewhere.came().is_empty());
}

fn an_order_that_was_overtaken_is_not_given_again(house: &House) {
    let office = Office::open(house);
    office.order("acc-1", "suspend:1", "account.suspend");
    office.platform.reply([Reply::Status(404)]);
    assert_eq!(office.deliver(), "0 sent, 0 retried, 1 refused, 0 obsolete");
    let by = ["--by", "ada", "--reason", "the address was wrong"];
    let retry = |key: &str| house.try_run(&[&["outbox", "retry", key][..], &by].concat());
    assert_eq!(retry("suspend:1").code, Some(0));
    office.platform.reply([Reply::Status(404)]);
    assert_eq!(office.deliver(), "0 sent, 0 retried, 1 refused, 0 obsolete");
    office.order("acc-1", "resume:1", "account.resume");
    assert_eq!(office.deliver(), "1 sent, 0 retried, 0 refused, 0 obsolete");
    // Suspended again, the account would be down although it paid.
    let answer = retry("suspend:1");
    assert_eq!(answer.code, Some(1), "{answer:?}");
    assert!(answer.stderr.contains("overtaken"), "{answer:?}");
}

fn patience_is_kept(house: &House) {
    let office = Office::open(house);
    office.order("acc-1", "suspend:1", "account.suspend");
    office
        .platform
        .reply([Reply::Later(429, "600"), Reply::Later(503, "1")]);
    for (minutes, came, next) in [
        (0, "0 sent, 1 retried", "08:10:00"),
        (9, "0 sent, 0 retried", "08:10:00"),
        (10, "0 sent, 1 retried", "08:12:00"),
    ] {
        office.minutes_later(minutes);
        assert_eq!(office.deliver(), format!("{came}, 0 refused, 0 obsolete"));
        let row = office.row("suspend:1");
        assert!(row["next_try_at"].as_str().unwrap().contains(next), "{row}");
    }
}
