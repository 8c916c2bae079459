//! What only PayPal does: orders, tokens, ids and events. What every provider
//! promises is in `providers::contract`.

use quittance::domain::calendar::Instant;
use quittance::domain::money::{Currency, Money};
use quittance::domain::payment::DeclineClass;
use quittance::providers::paypal::{EventError, EventSubject, NewOrder, OrderState, read_event};
use quittance::providers::{CallError, Charge, GiveBack, PaymentProvider as _, Standing};

use reqwest::header::{HeaderMap, HeaderValue};

use super::desk::Client;
use crate::fakes::Fault;
use crate::fakes::paypal::{CaptureEnd, PayPalFake, fee_minor};
use crate::providers::contract::lookup;

const KEY: &str = "01a0c4506c00000000000000000000aa";
const REFUND: &str = "01a0c4506c00000000000000000000bb";
const VERIFY: &str = "post /v1/notifications/verify-webhook-signature";
const CREATE: &str = "post /v2/checkout/orders";

const fn eur(minor: i64) -> Money {
    Money::new(minor, Currency::Eur)
}

fn charge<'a>(order: &'a str, key: &'a str) -> Charge<'a> {
    Charge {
        key,
        amount: eur(5_000),
        customer: None,
        instrument: order,
        description: "Prepaid credit",
        made_at: Instant(1_790_000_000_000_000),
    }
}

const fn give_back(payment: &str, minor: i64) -> GiveBack<'_> {
    GiveBack {
        key: REFUND,
        payment,
        amount: eur(minor),
    }
}

fn new_order(key: &str) -> NewOrder<'_> {
    NewOrder {
        purchase: key,
        amount: eur(5_000),
        description: "Prepaid credit",
    }
}

/// A fake and a client that tries so often.
fn both(tries: u32) -> (PayPalFake, Client) {
    let fake = PayPalFake::start();
    let client = Client::new(&fake.url(), tries);
    (fake, client)
}

fn approved(fake: &PayPalFake, client: &Client, key: &str) -> String {
    let order = client
        .run(client.paypal.create_order(&new_order(key)))
        .unwrap();
    assert_eq!(order.state, OrderState::WaitsForPayer);
    assert!(order.approve_url.unwrap().contains(&order.id));
    fake.approve(&order.id);
    order.id
}

fn succeeded() -> Standing {
    Standing::Succeeded {
        fee_minor: fee_minor(5_000),
    }
}

#[test]
fn the_same_key_takes_once() {
    let (fake, client) = both(3);
    let order = approved(&fake, &client, KEY);
    let first = client
        .run(client.paypal.take(&charge(&order, KEY)))
        .unwrap();
    assert_eq!(first.standing, succeeded());
    for _ in 0..3 {
        let again = client
            .run(client.paypal.take(&charge(&order, KEY)))
            .unwrap();
        assert_eq!(again, first);
    }
    assert_eq!(fake.captured_minor(), 5_000);
    // And the same order, for the same key.
    let same = client
        .run(client.paypal.create_order(&new_order(KEY)))
        .unwrap();
    assert_eq!(same.id, order);
    fake.assert_contract_kept();
}

#[test]
fn a_payment_is_found_with_and_without_its_reference() {
    let (fake, client) = both(2);
    let order = approved(&fake, &client, KEY);
    let find = |reference: Option<&str>| {
        let charge = charge(&order, KEY);
        client
            .run(client.paypal.find(&lookup(&charge, reference)))
            .unwrap()
    };
    assert_eq!(find(None), None);
    assert_eq!(find(Some("NEVERTHERE0000000")), None);
    let taken = client
        .run(client.paypal.take(&charge(&order, KEY)))
        .unwrap();
    fake.forget_keys();
    assert_eq!(find(None).as_ref(), Some(&taken));
    assert_eq!(find(Some(&taken.reference)).as_ref(), Some(&taken));
    let gone = charge("NEVERTHERE0000000", KEY);
    assert_eq!(
        client
            .run(client.paypal.find(&lookup(&gone, None)))
            .unwrap(),
        None
    );
    fake.assert_contract_kept();
}

#[test]
fn an_order_is_captured_once_though_every_key_is_forgotten() {
    let (fake, client) = both(2);
    let order = approved(&fake, &client, KEY);
    let taken = client
        .run(client.paypal.take(&charge(&order, KEY)))
        .unwrap();
    fake.forget_keys();
    let again = client
        .run(client.paypal.take(&charge(&order, KEY)))
        .unwrap();
    assert_eq!(again, taken);
    // Nor is another order of the same purchase.
    let second = client
        .run(client.paypal.create_order(&new_order(KEY)))
        .unwrap();
    assert_ne!(second.id, order);
    fake.approve(&second.id);
    fake.forget_keys();
    let refused = client.run(client.paypal.take(&charge(&second.id, KEY)));
    assert!(
        matches!(refused, Err(CallError::Unbookable { .. })),
        "{refused:?}"
    );
    assert_eq!(fake.captured_minor(), 5_000);
    fake.assert_contract_kept();
}

#[test]
fn each_end_of_a_capture_is_told() {
    let (fake, client) = both(2);
    let order = client
        .run(client.paypal.create_order(&new_order(KEY)))
        .unwrap()
        .id;
    let take = || client.run(client.paypal.take(&charge(&order, KEY)));
    // Nobody approved it.
    let waits = take().unwrap();
    assert_eq!(waits.standing, Standing::Pending);
    assert_eq!(waits.reference, order);
    fake.approve(&order);
    fake.faults().push(Fault::Decline("INSTRUMENT_DECLINED"));
    let Standing::Declined(decline) = take().unwrap().standing else {
        panic!("not declined");
    };
    assert_eq!(decline.code, "INSTRUMENT_DECLINED");
    assert_eq!(decline.class, DeclineClass::Soft);
    fake.faults()
        .push(Fault::Decline("PAYEE_FX_RATE_ID_EXPIRED"));
    let refused = take();
    assert!(
        matches!(&refused, Err(CallError::Refused { code, .. }) if code == "PAYEE_FX_RATE_ID_EXPIRED"),
        "{refused:?}"
    );
    assert_eq!(fake.captured_minor(), 0);
    fake.next_capture(CaptureEnd::Pending);
    let pending = take().unwrap();
    assert_eq!(pending.standing, Standing::Pending);
    fake.settle(&pending.reference, false);
    let charge = charge(&order, KEY);
    let found = client.run(
        client
            .paypal
            .find(&lookup(&charge, Some(&pending.reference))),
    );
    assert!(
        matches!(found.unwrap().unwrap().standing, Standing::Declined(_)),
        "the denied capture"
    );
    fake.assert_contract_kept();
}

#[test]
fn another_amount_or_purchase_is_no_answer() {
    let (fake, client) = both(2);
    let order = approved(&fake, &client, KEY);
    let other = client.run(client.paypal.take(&charge(&order, REFUND)));
    assert!(
        matches!(other, Err(CallError::Unbookable { .. })),
        "{other:?}"
    );
    fake.change_amount(&order, 4_999);
    let read = client.run(client.paypal.order(&order, KEY, eur(5_000)));
    let Err(CallError::Unbookable { reason, .. }) = read else {
        panic!("{read:?}");
    };
    assert_eq!(reason, "50.00 EUR was asked, and it is 49.99 EUR");
}

#[test]
fn what_cannot_be_given_back_is_declined() {
    let (fake, client) = both(2);
    let order = approved(&fake, &client, KEY);
    let paid = client
        .run(client.paypal.take(&charge(&order, KEY)))
        .unwrap();
    let refused = |minor| {
        let answer = client.run(client.paypal.give_back(&give_back(&paid.reference, minor)));
        match answer.unwrap().standing {
            Standing::Declined(decline) => decline.code,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(refused(5_001), "REFUND_AMOUNT_EXCEEDED");
    fake.next_refund("FAILED");
    assert_eq!(refused(1_000), "FAILED");
    assert_eq!(fake.refunded_minor(), 0);
    // Under the same key the same is answered, whatever is asked.
    let other = client.run(client.paypal.give_back(&give_back(&paid.reference, 1)));
    assert!(
        matches!(other, Err(CallError::Unbookable { .. })),
        "{other:?}"
    );
    fake.forget_keys();
    let gone = client.run(client.paypal.give_back(&give_back("NEVERTHERE0000000", 1)));
    assert!(matches!(gone, Err(CallError::Refused { .. })), "{gone:?}");
    fake.assert_contract_kept();
}

#[test]
fn wrong_credentials_are_denied_and_not_told() {
    let fake = PayPalFake::start();
    let client = Client::with_secret(&fake.url(), 3, "hunter2");
    let denied = client.run(client.paypal.create_order(&new_order(KEY)));
    let Err(CallError::Denied { .. }) = &denied else {
        panic!("{denied:?}");
    };
    let told = format!("{denied:?} {}", denied.as_ref().unwrap_err());
    assert!(!told.contains("hunter2"), "{told}");
    assert_eq!(fake.asked(CREATE), 0);
    // Of one client, one secret is wrong: it is not asked again and again.
    assert_eq!(fake.asked("post /v1/oauth2/token"), 1);
}

#[test]
fn a_token_is_fetched_once_for_everyone_and_anew_when_refused() {
    let (fake, client) = both(2);
    let many = (0..20).map(|_| client.paypal.order("NEVERTHERE0000000", KEY, eur(5_000)));
    for read in client.run(futures_util::future::join_all(many)) {
        assert_eq!(read.unwrap(), None);
    }
    assert_eq!(fake.tokens_issued(), 1);
    fake.expire_tokens();
    let order = approved(&fake, &client, KEY);
    assert_eq!(fake.tokens_issued(), 2);
    client
        .run(client.paypal.take(&charge(&order, KEY)))
        .unwrap();
    assert_eq!(fake.tokens_issued(), 2);
    fake.assert_contract_kept();
}

#[test]
fn a_token_is_not_used_in_its_last_minute() {
    let (fake, client) = both(2);
    fake.set_token_lifetime(60);
    for issued in 1..4 {
        client
            .run(client.paypal.order("NEVERTHERE0000000", KEY, eur(5_000)))
            .unwrap();
        assert_eq!(fake.tokens_issued(), issued);
    }
}

#[test]
fn an_id_that_is_none_is_not_sent() {
    let (fake, client) = both(2);
    for id in ["", "../../v1/oauth2/token", "A B", "A?x=1", "Ä"] {
        let read = client.run(client.paypal.order(id, KEY, eur(5_000)));
        assert!(
            matches!(read, Err(CallError::Refused { .. })),
            "{id}: {read:?}"
        );
    }
    assert_eq!(fake.asked(""), 0);
}

#[test]
fn only_what_paypal_sent_is_an_event() {
    let (fake, client) = both(2);
    let order = approved(&fake, &client, KEY);
    let events = fake.take_events();
    let [event] = events.as_slice() else {
        panic!("{events:?}");
    };
    let headers = event.header_map();
    let receive = |headers: &HeaderMap, body: &[u8]| {
        let unverified = read_event(headers, body)?;
        client.run(client.paypal.verify(unverified))
    };
    let received = receive(&headers, &event.body).unwrap();
    assert_eq!(received.subject, EventSubject::Order(order));
    assert_eq!(received.kind, "CHECKOUT.ORDER.APPROVED");
    let mut changed = event.body.clone();
    let at = changed.iter().position(|byte| *byte == b'E').unwrap();
    changed[at] = b'F';
    let mut blank = event.body.clone();
    blank.push(b' ');
    for body in [changed, blank] {
        let forged = receive(&headers, &body);
        assert!(matches!(forged, Err(EventError::NotSigned)), "{forged:?}");
    }
    let asked = fake.asked(VERIFY);
    assert_eq!(asked, 3);
    // What PayPal can never have sent is not asked about.
    let broken = read_event(&headers, b"{\"id\": 1}, {").err();
    assert!(
        matches!(broken, Some(EventError::Unreadable(_))),
        "{broken:?}"
    );
    for (name, _) in &event.headers {
        let mut without = headers.clone();
        without.remove(*name);
        let unsigned = read_event(&without, &event.body).err();
        assert!(
            matches!(unsigned, Some(EventError::Unreadable(_))),
            "{name}: {unsigned:?}"
        );
    }
    for (name, value) in [
        (
            "paypal-cert-url",
            "https://api.paypal.com.evil.example/cert",
        ),
        ("paypal-cert-url", "http://api.paypal.com/cert"),
        ("paypal-transmission-time", "yesterday"),
        ("paypal-transmission-id", ""),
        ("paypal-transmission-id", "a b"),
        ("paypal-auth-algo", "SHA256 with RSA"),
    ] {
        let mut wrong = headers.clone();
        wrong.insert(name, HeaderValue::from_static(value));
        let refused = read_event(&wrong, &event.body).err();
        assert!(
            matches!(refused, Some(EventError::Unreadable(_))),
            "{name} {value}: {refused:?}"
        );
    }
    for (name, length) in [
        ("paypal-transmission-id", 51),
        ("paypal-transmission-sig", 501),
        ("paypal-auth-algo", 101),
    ] {
        let long = HeaderValue::from_str(&"a".repeat(length)).unwrap();
        let mut wrong = headers.clone();
        wrong.insert(name, long);
        assert!(read_event(&wrong, &event.body).is_err(), "{name}");
    }
    assert_eq!(fake.asked(VERIFY), asked);
    fake.assert_contract_kept();
}
