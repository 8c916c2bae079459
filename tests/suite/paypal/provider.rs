//! What every provider promises, of PayPal.

use std::time::Duration;

use proptest::prelude::*;
use quittance::domain::calendar::Instant;
use quittance::domain::money::{Currency, Money};
use quittance::domain::payment::DeclineClass;
use quittance::providers::paypal::{EventError, EventSubject, NewOrder, OrderState};
use quittance::providers::{Answer, CallError, Charge, GiveBack, PaymentProvider as _, Standing};

use super::desk::{Client, headers_of};
use crate::fakes::Fault;
use crate::fakes::paypal::{CaptureEnd, PayPalFake, fee_minor};

const KEY: &str = "01a0c4506c00000000000000000000aa";
const REFUND: &str = "01a0c4506c00000000000000000000bb";
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

/// Each fault that lets an answer be lost, or comes before anything is done.
fn faults() -> Vec<Fault> {
    vec![
        Fault::ErrorBefore,
        Fault::ErrorAfter,
        Fault::BrokenOffAfter,
        Fault::HangAfter,
        Fault::MalformedAfter,
        Fault::Slow(Duration::from_millis(5)),
        Fault::TooMany,
    ]
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
fn every_fault_takes_once_or_says_that_it_may_have() {
    for fault in faults() {
        for tries in [1, 3] {
            let (fake, client) = both(tries);
            let order = approved(&fake, &client, KEY);
            fake.faults().push(fault.clone());
            let taken = client.run(client.paypal.take(&charge(&order, KEY)));
            let has_taken = fake.captured_minor() > 0;
            match &taken {
                Ok(answer) => assert!(has_taken && answer.standing == succeeded(), "{fault:?}"),
                Err(CallError::Lost { .. }) => {}
                Err(CallError::NotSent { .. }) => assert!(!has_taken, "{fault:?}"),
                Err(error) => panic!("{fault:?}: {error}"),
            }
            if tries > 1 && fault != Fault::MalformedAfter {
                assert!(taken.is_ok(), "{fault:?}: {taken:?}");
            }
            let found = client
                .run(client.paypal.find(&charge(&order, KEY), None))
                .unwrap();
            assert_eq!(found.is_some(), has_taken, "{fault:?}");
            let again = client
                .run(client.paypal.take(&charge(&order, KEY)))
                .unwrap();
            assert_eq!(again.standing, succeeded(), "{fault:?}");
            assert_eq!(fake.captured_minor(), 5_000, "{fault:?}");
            fake.assert_contract_kept();
        }
    }
}

#[test]
fn a_payment_is_found_with_and_without_its_reference() {
    let (fake, client) = both(2);
    let order = approved(&fake, &client, KEY);
    let find = |reference: Option<&str>| {
        let charge = charge(&order, KEY);
        client.run(client.paypal.find(&charge, reference)).unwrap()
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
    assert_eq!(client.run(client.paypal.find(&gone, None)).unwrap(), None);
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
        matches!(refused, Err(CallError::Lost { .. })),
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
    let found = client.run(client.paypal.find(&charge, Some(&pending.reference)));
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
    assert!(matches!(other, Err(CallError::Lost { .. })), "{other:?}");
    fake.change_amount(&order, 4_999);
    let read = client.run(client.paypal.order(&order, KEY, eur(5_000)));
    let Err(CallError::Lost { reason, .. }) = read else {
        panic!("{read:?}");
    };
    assert_eq!(reason, "50.00 EUR was asked, and it is 49.99 EUR");
}

#[test]
fn money_is_given_back_once() {
    for fault in faults() {
        let (fake, client) = both(1);
        let order = approved(&fake, &client, KEY);
        let paid = client
            .run(client.paypal.take(&charge(&order, KEY)))
            .unwrap();
        let back = give_back(&paid.reference, 2_000);
        assert_eq!(
            client.run(client.paypal.find_refund(&back, None)).unwrap(),
            None
        );
        fake.faults().push(fault.clone());
        let given = client.run(client.paypal.give_back(&back));
        let is_given = fake.refunded_minor() > 0;
        match &given {
            Ok(_) => assert!(is_given, "{fault:?}"),
            Err(CallError::NotSent { .. }) => assert!(!is_given, "{fault:?}"),
            Err(CallError::Lost { .. }) => {}
            Err(error) => panic!("{fault:?}: {error}"),
        }
        let found = client.run(client.paypal.find_refund(&back, None)).unwrap();
        assert_eq!(found.is_some(), is_given, "{fault:?}");
        let again = client.run(client.paypal.give_back(&back)).unwrap();
        assert_eq!(again.standing, Standing::Succeeded { fee_minor: 0 });
        assert_eq!(fake.refunded_minor(), 2_000, "{fault:?}");
        fake.forget_keys();
        for reference in [None, Some(again.reference.as_str())] {
            let found = client
                .run(client.paypal.find_refund(&back, reference))
                .unwrap();
            assert_eq!(found.as_ref(), Some(&again), "{fault:?}");
        }
        fake.assert_contract_kept();
    }
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
    assert!(matches!(other, Err(CallError::Lost { .. })), "{other:?}");
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
fn nobody_there_is_not_sent() {
    let fake = PayPalFake::start();
    let client = Client::new(&fake.url(), 2);
    drop(fake);
    let sent = client.run(client.paypal.create_order(&new_order(KEY)));
    assert!(matches!(sent, Err(CallError::NotSent { .. })), "{sent:?}");
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
    let headers = headers_of(event);
    let received = client
        .run(client.paypal.receive(&headers, &event.body))
        .unwrap();
    assert_eq!(received.subject, EventSubject::Order(order));
    assert_eq!(received.kind, "CHECKOUT.ORDER.APPROVED");
    let mut changed = event.body.clone();
    let at = changed.iter().position(|byte| *byte == b'E').unwrap();
    changed[at] = b'F';
    let mut blank = event.body.clone();
    blank.push(b' ');
    for body in [changed, blank] {
        let forged = client.run(client.paypal.receive(&headers, &body));
        assert!(matches!(forged, Err(EventError::NotSigned)), "{forged:?}");
    }
    for (name, _) in &event.headers {
        let mut without = headers.clone();
        without.remove(*name);
        let unsigned = client.run(client.paypal.receive(&without, &event.body));
        assert!(
            matches!(unsigned, Err(EventError::Unreadable(_))),
            "{name}: {unsigned:?}"
        );
    }
    let broken = client.run(client.paypal.receive(&headers, b"{\"id\": 1}, {"));
    assert!(
        matches!(broken, Err(EventError::Unreadable(_))),
        "{broken:?}"
    );
    fake.assert_contract_kept();
}

fn some_fault() -> impl Strategy<Value = Option<Fault>> {
    prop_oneof![
        2 => Just(None),
        1 => Just(Some(Fault::ErrorBefore)),
        1 => Just(Some(Fault::ErrorAfter)),
        1 => Just(Some(Fault::BrokenOffAfter)),
        1 => Just(Some(Fault::MalformedAfter)),
        1 => Just(Some(Fault::TooMany)),
        1 => Just(Some(Fault::Decline("INSTRUMENT_DECLINED"))),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, ..ProptestConfig::default() })]

    /// Whatever goes wrong in whatever order, and though every key is forgotten:
    /// the money is taken once, and never told otherwise.
    #[test]
    fn any_sequence_of_faults_takes_once(
        tries in 1_u32..3,
        faults in prop::collection::vec(some_fault(), 0..8),
        forget in any::<bool>(),
    ) {
        let (fake, client) = both(tries);
        let order = approved(&fake, &client, KEY);
        for fault in faults {
            fake.faults().push(fault);
            match client.run(client.paypal.take(&charge(&order, KEY))) {
                Ok(Answer { standing: Standing::Succeeded { .. }, .. }) => {
                    prop_assert_eq!(fake.captured_minor(), 5_000);
                }
                Ok(Answer { standing: Standing::Declined(_), .. }) => {
                    // Told only while nothing is taken, or found out first.
                }
                Ok(other) => prop_assert!(false, "{:?}", other),
                Err(CallError::NotSent { .. } | CallError::Lost { .. }) => {}
                Err(error) => prop_assert!(false, "{}", error),
            }
            if forget {
                fake.forget_keys();
            }
        }
        // What tries did not use up.
        fake.faults().clear();
        let last = client.run(client.paypal.take(&charge(&order, KEY))).unwrap();
        prop_assert_eq!(last.standing, succeeded());
        prop_assert_eq!(fake.captured_minor(), 5_000);
        fake.assert_contract_kept();
    }
}
