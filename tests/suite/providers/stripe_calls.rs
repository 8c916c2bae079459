//! What only Stripe does: customers, cards, authentication, refunds, disputes.

use proptest::prelude::*;
use quittance::config::{SecretSource, StripeSettings};
use quittance::domain::money::{Currency, Money};
use quittance::domain::payment::Decline;
use quittance::domain::payment::dispute::{DisputeNews, DisputeStanding};
use quittance::providers::http::Way;
use quittance::providers::stripe::{CardOnFile, Setup, SetupError, SetupStanding, Stripe};
use quittance::providers::{CallError, Dispute, PaymentProvider as _, Standing};
use secrecy::ExposeSecret as _;
use serde_json::json;

use super::contract::{EUR_12, KEY, OTHER_KEY, Payable, calls, charge, give_back, kind, lookup};
use super::stripe::{declined, house, succeeded};
use crate::fakes::stripe::{CardScript, Outcome, SECRET_KEY, StripeFake};

fn kinds(fake: &StripeFake) -> Vec<String> {
    let events = fake.take_events();
    let kinds = events.iter().map(|event| event["type"].as_str().unwrap());
    kinds.map(str::to_owned).collect()
}

#[tokio::test]
async fn a_charge_says_all_that_stripe_needs() {
    let (fake, stripe, payable) = house(CardScript::succeeds());
    stripe.take(&charge(KEY, EUR_12, &payable)).await.unwrap();
    let seen = fake.seen().remove(0);
    assert_eq!(
        seen.headers["authorization"],
        format!("Bearer {SECRET_KEY}")
    );
    assert_eq!(seen.headers["stripe-version"], "2026-09-30.endive");
    assert_eq!(seen.headers["idempotency-key"], KEY);
    let form = "application/x-www-form-urlencoded";
    assert_eq!(seen.headers["content-type"], form);
    let expected = json!({
        "allowed_payment_method_types": ["card"],
        "amount": "1200",
        "capture_method": "automatic",
        "confirm": "true",
        "currency": "eur",
        "customer": payable.customer,
        "description": "Invoice 2026-10-000001",
        "expand": ["latest_charge.balance_transaction"],
        "metadata": { "attempt": KEY },
        "off_session": "true",
        "payment_method": payable.instrument,
    });
    assert_eq!(crate::fakes::stripe::form::decode(&seen.params), expected);
    fake.assert_contract_kept();
}

#[tokio::test]
async fn a_card_is_entered_charged_and_taken_off() {
    let (fake, stripe, _) = house(CardScript::succeeds());
    let customer = stripe.create_customer("acc-1", "customer-1").await.unwrap();
    let again = stripe.create_customer("acc-1", "customer-1").await.unwrap();
    assert_eq!(customer, again);
    assert_eq!(fake.object(&customer)["metadata"]["account"], "acc-1");
    let setup = stripe
        .create_setup_intent(&customer, "setup-1")
        .await
        .unwrap();
    assert!(setup.client_secret.expose_secret().starts_with(&setup.id));
    let open = Setup {
        customer: Some(customer.clone()),
        standing: SetupStanding::Open,
        payment_method: None,
    };
    assert_eq!(stripe.setup_intent(&setup.id).await.unwrap(), open);
    let method = fake.confirm_setup(&setup.id, CardScript::succeeds());
    let entered = Setup {
        standing: SetupStanding::Succeeded,
        payment_method: Some(method.clone()),
        ..open
    };
    assert_eq!(stripe.setup_intent(&setup.id).await.unwrap(), entered);
    let card = CardOnFile {
        customer: Some(customer.clone()),
        brand: "visa".to_owned(),
        last4: "4242".to_owned(),
        exp_month: 8,
        exp_year: 2030,
    };
    assert_eq!(stripe.card(&method).await.unwrap(), card);
    let payable = Payable {
        customer: Some(customer),
        instrument: method.clone(),
    };
    let taken = stripe.take(&charge(KEY, EUR_12, &payable)).await;
    assert_eq!(kind(&taken), "succeeded");
    // Twice is the same, and an answer may get lost.
    for _ in 0..2 {
        stripe.detach(&method).await.unwrap();
    }
    let off = CardOnFile {
        customer: None,
        ..card
    };
    assert_eq!(stripe.card(&method).await.unwrap(), off);
    let refused = stripe.take(&charge(OTHER_KEY, EUR_12, &payable)).await;
    assert_eq!(kind(&refused), "refused", "{refused:?}");
    fake.assert_contract_kept();
}

#[tokio::test]
async fn a_payment_waits_for_its_customer() {
    // Both ways in which Stripe says so.
    for script in [
        CardScript::needs_authentication(),
        CardScript::always(Outcome::RequiresAction),
    ] {
        let (fake, stripe, payable) = house(script);
        let charge = charge(KEY, EUR_12, &payable);
        let answer = stripe.take(&charge).await.unwrap();
        let decline = declined(&answer);
        assert_eq!(decline.code, "authentication_required");
        assert!(decline.waits_for_customer());
        assert_eq!(
            stripe.find(&lookup(&charge, None)).await.unwrap(),
            Some(answer.clone())
        );
        fake.authenticate(&answer.reference);
        let found = stripe
            .find(&lookup(&charge, Some(&answer.reference)))
            .await
            .unwrap();
        assert_eq!(found.unwrap().standing, succeeded(EUR_12));
        assert_eq!(fake.charged(KEY), 1_200);
        let kinds = kinds(&fake);
        assert_eq!(kinds.last().unwrap(), "payment_intent.succeeded");
        fake.assert_contract_kept();
    }
}

#[tokio::test]
async fn a_cancel_is_answered_as_the_payment_stands() {
    let (fake, stripe, payable) = house(CardScript::needs_authentication());
    let charge = charge(KEY, EUR_12, &payable);
    let waiting = stripe.take(&charge).await.unwrap().reference;
    let canceled = stripe
        .cancel(&lookup(&charge, None), &waiting)
        .await
        .unwrap();
    assert_eq!(declined(&canceled), &Decline::canceled());
    // Again, as after a lost answer.
    assert_eq!(
        stripe
            .cancel(&lookup(&charge, None), &waiting)
            .await
            .unwrap(),
        canceled
    );
    assert_eq!(
        kinds(&fake),
        ["payment_intent.payment_failed", "payment_intent.canceled"]
    );
    // The customer was faster.
    let (fake, stripe, payable) = house(CardScript::needs_authentication());
    let charge = super::contract::charge(KEY, EUR_12, &payable);
    let waiting = stripe.take(&charge).await.unwrap().reference;
    fake.authenticate(&waiting);
    let answer = stripe
        .cancel(&lookup(&charge, None), &waiting)
        .await
        .unwrap();
    assert_eq!(answer.standing, succeeded(EUR_12));
    fake.assert_contract_kept();
}

#[tokio::test]
async fn a_bank_may_take_its_time() {
    for (outcome, expected) in [
        (Outcome::Succeeds, "succeeded"),
        (Outcome::Declines("do_not_honor".to_owned()), "declined"),
    ] {
        let (fake, stripe, payable) = house(CardScript::processing());
        let charge = charge(KEY, EUR_12, &payable);
        let answer = stripe.take(&charge).await.unwrap();
        assert_eq!(answer.standing, Standing::Pending);
        fake.settle(&answer.reference, &outcome);
        let found = stripe.find(&lookup(&charge, None)).await.unwrap().unwrap();
        assert_eq!(kind(&Ok(found)), expected);
        fake.assert_contract_kept();
    }
}

#[tokio::test]
async fn an_amount_that_stripe_does_not_take_is_refused() {
    let (fake, stripe, payable) = house(CardScript::succeeds());
    for minor in [-1, 0, 49, 100_000_000] {
        let amount = Money::new(minor, Currency::Eur);
        let answer = stripe.take(&charge(KEY, amount, &payable)).await;
        assert_eq!(kind(&answer), "refused", "{minor}: {answer:?}");
    }
    assert_eq!(fake.charged_in_all(), 0);
    // Nothing stands under the key then.
    let answer = stripe.take(&charge(KEY, EUR_12, &payable)).await;
    assert_eq!(kind(&answer), "succeeded");
}

#[tokio::test]
async fn a_refund_may_wait_and_fail() {
    let (fake, stripe, payable) = house(CardScript::succeeds());
    let taken = stripe.take(&charge(KEY, EUR_12, &payable)).await.unwrap();
    let refund = give_back(OTHER_KEY, &taken.reference, EUR_12);
    fake.refund_status("pending");
    let answer = stripe.give_back(&refund).await.unwrap();
    assert_eq!(answer.standing, Standing::Pending);
    fake.finish_refund(&answer.reference);
    let found = stripe.find_refund(&refund, None).await.unwrap().unwrap();
    assert_eq!(found.standing, Standing::Succeeded { fee_minor: 0 });
    fake.fail_refund(&answer.reference);
    let found = stripe.find_refund(&refund, Some(&answer.reference)).await;
    let found = found.unwrap().unwrap();
    assert_eq!(declined(&found).code, "lost_or_stolen_card");
    assert!(declined(&found).known);
    assert_eq!(fake.refunded(OTHER_KEY), 0);
    let kinds = kinds(&fake);
    let expected = [
        "payment_intent.succeeded",
        "charge.refunded",
        "refund.updated",
        "refund.updated",
        "refund.failed",
    ];
    assert_eq!(kinds, expected);
    // The refund of another payment is none of this one.
    let other = stripe
        .take(&charge("other", EUR_12, &payable))
        .await
        .unwrap();
    let refund = give_back(OTHER_KEY, &other.reference, EUR_12);
    let found = stripe.find_refund(&refund, Some(&answer.reference)).await;
    assert!(
        matches!(found, Err(CallError::Unbookable { .. })),
        "{found:?}"
    );
}

#[tokio::test]
async fn a_dispute_stands_as_its_money_does() {
    for (won, standing) in [(true, DisputeStanding::Won), (false, DisputeStanding::Lost)] {
        let (fake, stripe, payable) = house(CardScript::succeeds());
        fake.return_dispute_fees();
        let payment = stripe.take(&charge(KEY, EUR_12, &payable)).await.unwrap();
        let id = fake.announce_dispute(&payment.reference, 1_000);
        let news = |standing, fee_minor, fee_returned_minor| Dispute {
            id: id.clone(),
            payment: payment.reference.clone(),
            currency: Currency::Eur,
            news: DisputeNews {
                standing,
                amount_minor: 1_000,
                fee_minor,
                fee_returned_minor,
            },
        };
        // The money has not moved yet, whatever the status says.
        let read = async || stripe.dispute(&id).await.unwrap();
        assert_eq!(read().await, news(DisputeStanding::Announced, 0, 0));
        for (status, standing) in [
            ("warning_needs_response", DisputeStanding::Announced),
            ("warning_closed", DisputeStanding::Dropped),
            ("prevented", DisputeStanding::Dropped),
            ("needs_response", DisputeStanding::Announced),
        ] {
            fake.tamper(&id, &json!({ "status": status }));
            assert_eq!(read().await, news(standing, 0, 0), "{status}");
        }
        fake.withdraw(&id, 2_000);
        let open = news(DisputeStanding::Open, 2_000, 0);
        assert_eq!(read().await, open);
        // Where Stripe does not name the payment, its charge does.
        fake.tamper(&id, &json!({ "payment_intent": null }));
        assert_eq!(read().await, open);
        let refund = give_back(OTHER_KEY, &payment.reference, EUR_12);
        assert_eq!(kind(&stripe.give_back(&refund).await), "refused");
        for status in ["warning_closed", "prevented", "something_new"] {
            fake.tamper(&id, &json!({ "status": status }));
            let unclear = stripe.dispute(&id).await;
            assert!(
                matches!(unclear, Err(CallError::Unbookable { .. })),
                "{status}: {unclear:?}"
            );
        }
        fake.decide_dispute(&id, won);
        if won {
            assert_eq!(read().await, open, "it is not back yet");
            fake.reinstate(&id);
        }
        let fee_returned_minor = if won { 2_000 } else { 0 };
        assert_eq!(read().await, news(standing, 2_000, fee_returned_minor));
    }
}

#[test]
fn a_key_that_cannot_be_used_is_said_so_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let open = |name: &str, key: Option<&str>| {
        let path = folder.path().join(name);
        if let Some(key) = key {
            std::fs::write(&path, key).unwrap();
        }
        let settings = StripeSettings {
            secret_key: SecretSource::File(path.clone()),
            webhook_secret: SecretSource::File(path),
            calls: calls("http://127.0.0.1:1", 1),
        };
        Stripe::open(&settings, &Way::Network).map(|_| ())
    };
    assert!(open("right", Some("sk_test_1\n")).is_ok());
    let words = |error: SetupError| format!("{error} {error:?}");
    assert!(words(open("missing", None).unwrap_err()).contains("cannot be read"));
    assert!(words(open("empty", Some("\n")).unwrap_err()).contains("is empty"));
    let wrong = words(open("wrong", Some("sk_test\n_1")).unwrap_err());
    assert!(wrong.contains("has characters that no key has"), "{wrong}");
    assert!(!wrong.contains("sk_test"), "{wrong}");
}

#[tokio::test]
async fn an_id_leads_nowhere_else() {
    let (fake, stripe, _) = house(CardScript::succeeds());
    for id in [
        "../customers?x=",
        "pi_1?expand=x",
        "pi 1",
        "pi_1%2Fcancel",
        "pi_1#",
    ] {
        let error = stripe.card(id).await.unwrap_err();
        assert!(matches!(error, CallError::Refused { .. }), "{error:?}");
    }
    assert!(fake.seen().is_empty());
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(48) })]

    /// Whatever is charged in whatever currency comes back with its fee, and a
    /// payment is given back in parts until nothing is left, never more.
    #[test]
    fn refunds_never_exceed_the_payment(
        minor in 50_i64..100_000,
        currency in prop::sample::select(Currency::ALL.to_vec()),
        parts in prop::collection::vec(1_i64..60_000, 1..5),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let (fake, stripe, payable) = house(CardScript::succeeds());
            let amount = Money::new(minor, currency);
            let answer = stripe.take(&charge(KEY, amount, &payable)).await.unwrap();
            prop_assert_eq!(&answer.standing, &succeeded(amount));
            let mut left = minor;
            for (no, part) in parts.into_iter().enumerate() {
                let key = format!("{KEY}{no}");
                let part = Money::new(part, currency);
                let given = stripe.give_back(&give_back(&key, &answer.reference, part)).await;
                if part.minor <= left {
                    prop_assert_eq!(kind(&given), "succeeded");
                    left -= part.minor;
                } else {
                    prop_assert_eq!(kind(&given), "refused");
                }
                prop_assert_eq!(fake.refunded(&key), if given.is_ok() { part.minor } else { 0 });
            }
            fake.assert_contract_kept();
            Ok(())
        })?;
    }
}
