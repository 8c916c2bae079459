//! Answers of Stripe that need care: none of them may pass for an outcome, or
//! hide one.

use std::time::Duration;

use quittance::domain::money::{Currency, Money};
use quittance::providers::{CallError, PaymentProvider as _, Standing};
use serde_json::json;

use super::contract::{EUR_12, KEY, OTHER_KEY, Payable, calls, charge, give_back, kind, lookup};
use super::stripe::{house, stripe, succeeded};
use crate::fakes::Fault;
use crate::fakes::stripe::{CardScript, Outcome, SECRET_KEY};

#[tokio::test]
async fn a_fee_that_is_not_known_yet_is_not_zero() {
    let (fake, stripe, payable) = house(CardScript::succeeds());
    let charge = charge(KEY, EUR_12, &payable);
    // The charge is asked for once more.
    fake.late_balance(1);
    let answer = stripe.take(&charge).await.unwrap();
    assert_eq!(answer.standing, succeeded(EUR_12));
    assert_eq!(fake.seen().len(), 2);
    // Later still, it is pending until the fee is there.
    let (fake, stripe, _) = house(CardScript::succeeds());
    let customer = fake.customer();
    let payable = Payable {
        instrument: fake.card(&customer, CardScript::succeeds()),
        customer: Some(customer),
    };
    let charge = super::contract::charge(KEY, EUR_12, &payable);
    fake.late_balance(2);
    let answer = stripe.take(&charge).await.unwrap();
    assert_eq!(answer.standing, Standing::Pending);
    let found = stripe
        .find(&lookup(&charge, Some(&answer.reference)))
        .await
        .unwrap();
    assert_eq!(found.unwrap().standing, succeeded(EUR_12));
    assert_eq!(fake.charged(KEY), 1_200);
}

#[tokio::test]
async fn a_fee_in_another_currency_is_no_fee() {
    let (fake, stripe, payable) = house(CardScript::succeeds());
    fake.balance_currency("usd");
    let error = stripe
        .take(&charge(KEY, EUR_12, &payable))
        .await
        .unwrap_err();
    let words = error.to_string();
    assert!(matches!(error, CallError::Unbookable { .. }), "{words}");
    assert!(words.contains("is in usd, not in eur"), "{words}");
}

#[tokio::test]
async fn a_key_is_of_one_payment() {
    let (fake, stripe, payable) = house(CardScript::succeeds());
    stripe.take(&charge(KEY, EUR_12, &payable)).await.unwrap();
    let other = Money::new(1_300, Currency::Eur);
    let answer = stripe.take(&charge(KEY, other, &payable)).await;
    assert_eq!(kind(&answer), "lost", "{answer:?}");
    assert_eq!(fake.charged_in_all(), 1_200);
}

#[tokio::test]
async fn a_key_in_use_is_waited_for() {
    let (fake, _, payable) = house(CardScript::succeeds());
    fake.faults().push(Fault::Slow(Duration::from_millis(300)));
    let charge = charge(KEY, EUR_12, &payable);
    let once = stripe(calls(&fake.url(), 1), SECRET_KEY);
    let often = stripe(
        quittance::config::CallPolicy {
            first_pause: Duration::from_millis(100),
            ..calls(&fake.url(), 5)
        },
        SECRET_KEY,
    );
    let first = once.take(&charge);
    let meanwhile = async {
        // Until the first one is being worked on.
        while fake.charge_arrivals().is_empty() {
            tokio::task::yield_now().await;
        }
        (once.take(&charge).await, often.take(&charge).await)
    };
    let (first, (lost, waited)) = futures_util::future::join(first, meanwhile).await;
    assert_eq!(kind(&lost), "lost", "{lost:?}");
    assert_eq!(first.unwrap(), waited.unwrap());
    assert_eq!(fake.charged(KEY), 1_200);
}

#[tokio::test]
async fn an_error_that_is_kept_hides_no_payment() {
    let (fake, stripe, payable) = house(CardScript::succeeds());
    fake.keep_errors();
    fake.faults().push(Fault::ErrorAfter);
    let charge = charge(KEY, EUR_12, &payable);
    for _ in 0..2 {
        let answer = stripe.take(&charge).await;
        assert_eq!(kind(&answer), "lost", "{answer:?}");
    }
    let found = stripe.find(&lookup(&charge, None)).await.unwrap().unwrap();
    assert_eq!(found.standing, succeeded(EUR_12));
    assert_eq!(fake.charged(KEY), 1_200);
}

#[tokio::test]
async fn a_key_that_expires_between_two_tries_leaves_doubt() {
    let (fake, _, payable) = house(CardScript::succeeds());
    let stripe = stripe(calls(&fake.url(), 2), SECRET_KEY);
    fake.faults().push(Fault::ErrorAfter);
    fake.forbid_after(1);
    let answer = stripe.take(&charge(KEY, EUR_12, &payable)).await;
    assert_eq!(kind(&answer), "lost", "{answer:?}");
    assert_eq!(fake.charged(KEY), 1_200);
    // By itself it is a refusal.
    let answer = stripe.take(&charge(OTHER_KEY, EUR_12, &payable)).await;
    assert_eq!(kind(&answer), "denied", "{answer:?}");
    assert_eq!(fake.charged(OTHER_KEY), 0);
}

#[tokio::test]
async fn a_payment_is_found_on_whatever_page() {
    let (fake, stripe, payable) = house(CardScript::succeeds());
    fake.page_max(3);
    let keys: Vec<String> = (0..8).map(|no| format!("{KEY}{no}")).collect();
    for key in &keys {
        stripe.take(&charge(key, EUR_12, &payable)).await.unwrap();
    }
    for key in &keys {
        let found = stripe
            .find(&lookup(&charge(key, EUR_12, &payable), None))
            .await;
        let reference = found.unwrap().unwrap().reference;
        assert_eq!(fake.intents(key)[0]["id"], reference.as_str());
    }
    let none = stripe
        .find(&lookup(&charge(KEY, EUR_12, &payable), None))
        .await;
    assert_eq!(none.unwrap(), None);
    // Refunds too.
    let payment = fake.intents(&keys[0])[0]["id"].as_str().unwrap().to_owned();
    let cent = Money::new(1, Currency::Eur);
    let keys: Vec<String> = (0..8).map(|no| format!("{OTHER_KEY}{no}")).collect();
    for key in &keys {
        let refund = stripe.give_back(&give_back(key, &payment, cent)).await;
        assert_eq!(kind(&refund), "succeeded");
    }
    for key in &keys {
        let found = stripe
            .find_refund(&give_back(key, &payment, cent), None)
            .await;
        let reference = found.unwrap().unwrap().reference;
        assert_eq!(fake.object(&reference)["metadata"]["refund"], key.as_str());
    }
    fake.assert_contract_kept();
}

#[tokio::test]
async fn clocks_may_be_apart_by_a_week() {
    let (fake, stripe, payable) = house(CardScript::succeeds());
    let now_s = crate::fakes::stripe::NOW_S;
    for (behind_s, is_found) in [(604_800, true), (604_801, false)] {
        let key = format!("{KEY}{behind_s}");
        let charge = charge(&key, EUR_12, &payable);
        fake.set_now(now_s - behind_s);
        stripe.take(&charge).await.unwrap();
        let found = stripe.find(&lookup(&charge, None)).await.unwrap();
        assert_eq!(found.is_some(), is_found, "{behind_s}");
    }
}

#[tokio::test]
async fn what_stripe_told_us_of_cannot_be_gone() {
    let (_fake, stripe, payable) = house(CardScript::succeeds());
    let charge = charge(KEY, EUR_12, &payable);
    // With the key of another account: "not found" would charge it again.
    let gone = stripe
        .find(&lookup(&charge, Some("pi_of_another_account")))
        .await;
    assert!(matches!(gone, Err(CallError::Refused { .. })), "{gone:?}");
    let unknown = Payable {
        customer: Some("cus_of_another_account".to_owned()),
        ..payable.clone()
    };
    let charge = super::contract::charge(KEY, EUR_12, &unknown);
    let gone = stripe.find(&lookup(&charge, None)).await;
    assert!(matches!(gone, Err(CallError::Refused { .. })), "{gone:?}");
    let nobody = Payable {
        customer: None,
        ..payable
    };
    let charge = super::contract::charge(KEY, EUR_12, &nobody);
    assert_eq!(kind(&stripe.take(&charge).await), "refused");
}

#[tokio::test]
async fn the_payment_of_another_attempt_is_no_answer() {
    let (_fake, stripe, payable) = house(CardScript::succeeds());
    let other = stripe.take(&charge(OTHER_KEY, EUR_12, &payable)).await;
    let other = other.unwrap().reference;
    let found = stripe
        .find(&lookup(&charge(KEY, EUR_12, &payable), Some(&other)))
        .await;
    assert!(
        matches!(found, Err(CallError::Unbookable { .. })),
        "{found:?}"
    );
}

#[tokio::test]
async fn two_payments_of_one_attempt_are_for_a_person() {
    let (fake, stripe, payable) = house(CardScript::each([
        Outcome::Declines("insufficient_funds".to_owned()),
        Outcome::Succeeds,
    ]));
    let charge = charge(KEY, EUR_12, &payable);
    // Sent again after Stripe had forgotten the key, against the rule.
    for expected in ["declined", "succeeded"] {
        let answer = stripe.take(&charge).await;
        assert_eq!(kind(&answer), expected);
        fake.forget_keys();
    }
    let found = stripe.find(&lookup(&charge, None)).await.unwrap().unwrap();
    assert_eq!(found.standing, succeeded(EUR_12));
    stripe.take(&charge).await.unwrap();
    let found = stripe.find(&lookup(&charge, None)).await;
    assert!(
        matches!(found, Err(CallError::Unbookable { .. })),
        "{found:?}"
    );
}

/// A status that is not known is no outcome.
#[tokio::test]
async fn what_cannot_be_is_no_answer() {
    for fields in [
        json!({ "status": "requires_capture" }),
        json!({ "status": "requires_confirmation" }),
        json!({ "status": "something_new" }),
        json!({ "currency": "usd" }),
        json!({ "amount_received": 1_199 }),
        json!({ "latest_charge": null }),
        json!({ "status": "requires_payment_method", "last_payment_error": null }),
        json!({ "amount": null }),
    ] {
        let (fake, stripe, payable) = house(CardScript::succeeds());
        let charge = charge(KEY, EUR_12, &payable);
        let reference = stripe.take(&charge).await.unwrap().reference;
        fake.tamper(&reference, &fields);
        let found = stripe.find(&lookup(&charge, Some(&reference))).await;
        let is_unreadable = fields["amount"].is_null() && fields.get("amount").is_some();
        let expected = if is_unreadable { "lost" } else { "unbookable" };
        let found = found.map(Option::unwrap);
        assert_eq!(kind(&found), expected, "{fields}: {found:?}");
    }
}
