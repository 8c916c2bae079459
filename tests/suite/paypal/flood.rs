//! Whoever floods the webhook keeps no capture waiting.

use quittance::domain::ids::PurchaseId;
use quittance::domain::money::{Currency, Money};
use quittance::engine::webhook::{Handled, WebhookError};

use super::desk::Desk;
use crate::fakes::paypal::SentEvent;
use crate::on_both;
use crate::support::House;

on_both!(
    forged_events_leave_captures_alone,
    forged_events_wait_for_a_limit_of_their_own,
    what_paypal_can_never_have_sent_costs_no_call,
);

const FORGED: usize = 500;
const VERIFY: &str = "post /v1/notifications/verify-webhook-signature";

/// An event that nobody signed and that looks as if somebody had.
fn forged(event: &SentEvent, no: usize) -> SentEvent {
    let mut forged = event.clone();
    let mut body: serde_json::Value = serde_json::from_slice(&event.body).unwrap();
    body["id"] = format!("WH-FORGED-{no}").into();
    forged.body = serde_json::to_vec(&body).unwrap();
    forged
}

fn forged_events_leave_captures_alone(house: &House) {
    let desk = Desk::open(house);
    let (id, order) = desk.buy("acc-1", "50.00");
    desk.fake.approve(&order);
    let event = desk.fake.take_events().remove(0);
    desk.fake.hold_verifications(true);
    let purchase: PurchaseId = id.parse().unwrap();
    let outcomes = desk.run(async {
        let deliveries = (0..FORGED).map(|no| {
            let event = forged(&event, no);
            let engine = &desk.engine;
            async move {
                engine
                    .handle_paypal_event(&event.header_map(), &event.body)
                    .await
            }
        });
        let flood = futures_util::future::join_all(deliveries);
        let capture = async {
            // Until as many are being verified as ever are.
            while desk.fake.asked(VERIFY) < 8 {
                tokio::task::yield_now().await;
            }
            let progress = desk.engine.advance_purchase(&desk.paypal, purchase).await;
            assert_eq!(progress.unwrap().purchase.state.code(), "succeeded");
            desk.fake.hold_verifications(false);
        };
        tokio::join!(flood, capture).0
    });
    let busy = outcomes
        .iter()
        .filter(|outcome| matches!(outcome, Err(WebhookError::Busy)))
        .count();
    let refused = outcomes
        .iter()
        .filter(|outcome| matches!(outcome, Err(WebhookError::NotTheirs(_))))
        .count();
    assert_eq!((busy, refused), (FORGED - 8, 8));
    assert_eq!(desk.fake.asked(VERIFY), 8);
    let mut watch = house.watch();
    assert_eq!(watch.count("SELECT COUNT(*) FROM provider_event"), 0);
    // The one that was forged comes after all, and is taken.
    assert_eq!(desk.deliver(&event).unwrap(), Handled::Done);
    desk.assert_sound();
}

fn forged_events_wait_for_a_limit_of_their_own(house: &House) {
    crate::support::furnish(house);
    let desk = Desk::limited(house, 20);
    let (id, order) = desk.buy("acc-1", "50.00");
    desk.fake.approve(&order);
    let event = desk.fake.take_events().remove(0);
    let amount = Money::new(5_000, Currency::Eur);
    // The very connections that verifying uses.
    let paypal = desk.engine.providers.paypal(&desk.engine.config).unwrap();
    let read = async || paypal.order(&order, &id, amount).await;
    desk.run(async {
        // The token, so that none is fetched in between.
        read().await.unwrap();
        let before = desk.fake.asked(VERIFY);
        let flood = async {
            for no in 0.. {
                let some = (0..16).map(|more| {
                    let event = forged(&event, no * 16 + more);
                    let engine = &desk.engine;
                    async move {
                        engine
                            .handle_paypal_event(&event.header_map(), &event.body)
                            .await
                    }
                });
                futures_util::future::join_all(some).await;
            }
        };
        let reads = async {
            for _ in 0..10 {
                read().await.unwrap();
            }
            desk.fake.asked(VERIFY) - before
        };
        tokio::select! {
            () = flood => unreachable!(),
            verified = reads => {
                // As many as in the same time by the same limit; sharing one, the
                // ten reads would have waited for eight times as many.
                assert!((1..=30).contains(&verified), "{verified}");
            }
        }
    });
}

fn what_paypal_can_never_have_sent_costs_no_call(house: &House) {
    let desk = Desk::open(house);
    let (_, order) = desk.buy("acc-1", "50.00");
    desk.fake.approve(&order);
    let event = desk.fake.take_events().remove(0);
    assert_eq!(desk.deliver(&event).unwrap(), Handled::Done);
    let asked = desk.fake.asked("");
    // Handled before: whoever sends it now.
    let mut again = event.clone();
    again.body.push(b' ');
    assert_eq!(desk.deliver(&again).unwrap(), Handled::Already);
    for no in 0..FORGED {
        let mut wrong = forged(&event, no);
        match no % 3 {
            0 => wrong.headers.remove(no % 5),
            1 => {
                let other = ("paypal-cert-url", "https://evil.example/cert".to_owned());
                std::mem::replace(&mut wrong.headers[3], other)
            }
            _ => {
                wrong.body.truncate(20);
                wrong.headers[0].clone()
            }
        };
        let refused = desk.deliver(&wrong);
        assert!(
            matches!(refused, Err(WebhookError::NotTheirs(_))),
            "{no}: {refused:?}"
        );
    }
    assert_eq!(desk.fake.asked(""), asked);
    desk.assert_sound();
}
