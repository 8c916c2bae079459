//! Which events are taken for Stripe's.

use quittance::domain::calendar::Instant;
use quittance::providers::stripe::webhook::{
    EventObject, StripeEvent, TOLERANCE_S, WebhookError, verify,
};
use secrecy::SecretString;

use crate::fakes::stripe::{CardScript, NOW_S, StripeFake};

const SECRET: &str = "whsec_of_the_house";
const PAYLOAD: &str = r#"{"id":"evt_1","object":"event","type":"payment_intent.succeeded",
    "livemode":true,"data":{"object":{"id":"pi_1","object":"payment_intent","amount":1200}}}"#;

fn at(second: i64) -> Instant {
    Instant(second * 1_000_000)
}

fn check(payload: &str, signature: &str, now: Instant) -> Result<StripeEvent, WebhookError> {
    let secret = SecretString::from(SECRET);
    verify(payload.as_bytes(), signature, &secret, now)
}

fn signed(payload: &str, second: i64) -> String {
    StripeFake::sign(payload.as_bytes(), SECRET, second)
}

/// The signature's digest, without its time.
fn digest(signature: &str) -> &str {
    signature.rsplit_once("v1=").unwrap().1
}

#[test]
fn a_signed_event_is_read() {
    let event = check(PAYLOAD, &signed(PAYLOAD, NOW_S), at(NOW_S)).unwrap();
    let expected = StripeEvent {
        id: "evt_1".to_owned(),
        kind: "payment_intent.succeeded".to_owned(),
        object: EventObject {
            kind: "payment_intent".to_owned(),
            id: "pi_1".to_owned(),
        },
        livemode: true,
    };
    assert_eq!(event, expected);
}

/// Computed by another program: `hmac.new(b"whsec_test", b"1492774577.{}",
/// "sha256")` in Python.
#[test]
fn signatures_are_those_of_others() {
    let signature =
        "t=1492774577,v1=0d0602f6611bd2252dd4b74b58a4528355a7380639a15e6cc21e3059d56d5b8b";
    let secret = SecretString::from("whsec_test");
    let answer = verify(b"{}", signature, &secret, at(1_492_774_577));
    // The signature is right, and the payload no event.
    assert!(
        matches!(answer, Err(WebhookError::Payload(_))),
        "{answer:?}"
    );
}

#[test]
fn a_signature_is_whole_fresh_and_of_this_payload_and_secret() {
    use WebhookError::{Expired, Incomplete, Signature, Time};
    let right = signed(PAYLOAD, NOW_S);
    let digest = digest(&right);
    let of_other_secret = StripeFake::sign(PAYLOAD.as_bytes(), "whsec_of_another", NOW_S);
    let zeros = "0".repeat(64);
    let expired = |signed_s| {
        Err(Expired {
            signed_s,
            now_s: NOW_S,
        })
    };
    let is_right = || Ok(());
    let old = NOW_S - TOLERANCE_S;
    let ahead = NOW_S + TOLERANCE_S;
    let (altered, longer) = (PAYLOAD.replace("1200", "1201"), format!("{PAYLOAD} "));
    // (what, payload, signature, answer)
    let table: Vec<(&str, &str, String, Result<(), WebhookError>)> = vec![
        ("right", PAYLOAD, right.clone(), is_right()),
        ("oldest", PAYLOAD, signed(PAYLOAD, old), is_right()),
        (
            "too old",
            PAYLOAD,
            signed(PAYLOAD, old - 1),
            expired(old - 1),
        ),
        ("most ahead", PAYLOAD, signed(PAYLOAD, ahead), is_right()),
        (
            "too far ahead",
            PAYLOAD,
            signed(PAYLOAD, ahead + 1),
            expired(ahead + 1),
        ),
        (
            "another secret",
            PAYLOAD,
            of_other_secret.clone(),
            Err(Signature),
        ),
        ("altered payload", &altered, right.clone(), Err(Signature)),
        ("a byte more", &longer, right.clone(), Err(Signature)),
        (
            "altered time",
            PAYLOAD,
            format!("t={},v1={digest}", NOW_S + 1),
            Err(Signature),
        ),
        (
            "the last of several",
            PAYLOAD,
            format!("{of_other_secret},v1={digest}"),
            is_right(),
        ),
        (
            "the first of several",
            PAYLOAD,
            format!("{right},v1={zeros}"),
            is_right(),
        ),
        (
            "none of several",
            PAYLOAD,
            format!("{of_other_secret},v1={zeros}"),
            Err(Signature),
        ),
        (
            "another scheme",
            PAYLOAD,
            format!("t={NOW_S},v0={digest}"),
            Err(Incomplete("v1 signature")),
        ),
        (
            "another scheme beside it",
            PAYLOAD,
            format!("{right},v0={zeros}"),
            is_right(),
        ),
        (
            "no time",
            PAYLOAD,
            format!("v1={digest}"),
            Err(Incomplete("time")),
        ),
        (
            "no signature",
            PAYLOAD,
            format!("t={NOW_S}"),
            Err(Incomplete("v1 signature")),
        ),
        ("nothing", PAYLOAD, String::new(), Err(Incomplete("time"))),
        (
            "no number",
            PAYLOAD,
            format!("t=now,v1={digest}"),
            Err(Time("now".to_owned())),
        ),
        (
            "cut short",
            PAYLOAD,
            format!("t={NOW_S},v1={}", &digest[..62]),
            Err(Signature),
        ),
        (
            "no hex",
            PAYLOAD,
            format!("t={NOW_S},v1={}", "+f".repeat(32)),
            Err(Signature),
        ),
        ("empty", PAYLOAD, format!("t={NOW_S},v1="), Err(Signature)),
    ];
    for (what, payload, signature, expected) in table {
        let answer = check(payload, &signature, at(NOW_S)).map(|_| ());
        assert_eq!(answer, expected, "{what}");
    }
}

#[test]
fn what_is_signed_but_no_event_is_said_to_be_none() {
    for payload in [
        "",
        "{}",
        "[]",
        r#"{"id":"evt_1","type":"x","livemode":false}"#,
        r#"{"id":"evt_1","type":"x","livemode":false,"data":{"object":{}}}"#,
        r#"{"id":1,"type":"x","livemode":false,"data":{"object":{"id":"a","object":"b"}}}"#,
    ] {
        let answer = check(payload, &signed(payload, NOW_S), at(NOW_S));
        assert!(
            matches!(answer, Err(WebhookError::Payload(_))),
            "{payload}: {answer:?}"
        );
    }
}

#[test]
fn the_events_of_the_fake_are_read() {
    let fake = StripeFake::start();
    let customer = fake.customer();
    fake.card(&customer, CardScript::succeeds());
    assert!(fake.take_events().is_empty());
    let setup = fake.new_setup(&customer);
    let card = fake.confirm_setup(&setup, CardScript::succeeds());
    assert_eq!(fake.object(&setup)["payment_method"], card.as_str());
    let events = fake.take_events();
    assert_eq!(events.len(), 1);
    let payload = events[0].to_string();
    let event = check(&payload, &signed(&payload, NOW_S), at(NOW_S)).unwrap();
    assert_eq!(event.kind, "setup_intent.succeeded");
    assert_eq!(event.object.id, setup);
    assert!(!event.livemode);
}
