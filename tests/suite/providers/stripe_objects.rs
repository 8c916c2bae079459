//! Stripe's objects: its own examples are read by the types we use, and the
//! fake's are what Stripe's schemas declare.

use std::path::PathBuf;

use axum::body::Bytes;
use quittance::providers::PaymentProvider as _;
use serde_json::{Value, json};
use stripe_client_core::{CustomizedStripeRequest, StripeClient, StripeClientErr};

use super::contract::{EUR_12, KEY, OTHER_KEY, Payable, calls, charge, give_back, lookup};
use super::stripe::stripe;
use crate::fakes::stripe::contract::contract;
use crate::fakes::stripe::{CardScript, SECRET_KEY, StripeFake};

/// Answers every request with the same.
struct Canned(Value);

struct Unreadable(String);

impl StripeClientErr for Unreadable {
    fn deserialize_err(message: impl std::fmt::Display) -> Self {
        Self(message.to_string())
    }
}

impl StripeClient for Canned {
    type Err = Unreadable;

    async fn execute(&self, _: CustomizedStripeRequest) -> Result<Bytes, Unreadable> {
        Ok(self.0.to_string().into())
    }
}

/// Stripe's examples, if they are there.
fn examples() -> Option<Value> {
    let Some(folder) = std::env::var_os("CONTRACTS_DIR") else {
        eprintln!("SKIPPED: CONTRACTS_DIR is not set, Stripe's example objects are not read");
        return None;
    };
    let path = PathBuf::from(folder).join("stripe/fixtures3.json");
    let text = std::fs::read_to_string(path).unwrap();
    Some(serde_json::from_str(&text).unwrap())
}

#[tokio::test]
async fn the_examples_of_stripe_are_read() {
    use stripe_core::{
        balance_transaction, charge, customer, dispute, event, payment_intent, refund, setup_intent,
    };
    use stripe_payment::payment_method;
    let Some(examples) = examples() else {
        return;
    };
    let canned = |name: &str| {
        let example = examples["resources"][name].clone();
        assert!(example.is_object(), "{name}");
        Canned(example)
    };
    macro_rules! read {
        ($($name:literal: $request:expr;)*) => {$(
            let client = canned($name);
            let read = $request.send(&client).await;
            let read = read.unwrap_or_else(|Unreadable(why)| panic!("{}: {why}", $name));
            let id = client.0["id"].as_str().unwrap();
            assert_eq!(read.id.as_str(), id, $name);
        )*};
    }
    read! {
        "payment_intent": payment_intent::RetrievePaymentIntent::new("x");
        "setup_intent": setup_intent::RetrieveSetupIntent::new("x");
        "charge": charge::RetrieveCharge::new("x");
        "refund": refund::RetrieveRefund::new("x");
        "dispute": dispute::RetrieveDispute::new("x");
        "event": event::RetrieveEvent::new("x");
        "balance_transaction": balance_transaction::RetrieveBalanceTransaction::new("x");
        "customer": customer::CreateCustomer::new();
        "payment_method": payment_method::RetrievePaymentMethod::new("x");
    }
}

/// Every kind of object in every state that the tests bring about.
async fn lifecycle() -> StripeFake {
    let fake = StripeFake::start();
    let stripe = stripe(calls(&fake.url(), 1), SECRET_KEY);
    let customer = stripe.create_customer("acc-1", "customer").await.unwrap();
    let setup = stripe.create_setup_intent(&customer, "setup").await;
    fake.confirm_setup(&setup.unwrap().id, CardScript::succeeds());
    let scripts = [
        CardScript::succeeds(),
        CardScript::declines("insufficient_funds"),
        CardScript::needs_authentication(),
        CardScript::processing(),
        CardScript::always(crate::fakes::stripe::Outcome::RequiresAction),
    ];
    let mut payments = Vec::new();
    for (no, script) in scripts.into_iter().enumerate() {
        let payable = Payable {
            customer: Some(customer.clone()),
            instrument: fake.card(&customer, script),
        };
        let key = format!("{KEY}{no}");
        let charge = charge(&key, EUR_12, &payable);
        let answer = stripe.take(&charge).await.unwrap();
        if no == 2 {
            stripe
                .cancel(&lookup(&charge, None), &answer.reference)
                .await
                .unwrap();
        }
        payments.push(answer.reference);
    }
    let cent = quittance::domain::money::Money::new(1, EUR_12.currency);
    let refund = give_back(OTHER_KEY, &payments[0], cent);
    let refund = stripe.give_back(&refund).await.unwrap();
    fake.fail_refund(&refund.reference);
    let dispute = fake.open_dispute(&payments[0], 1_000, 2_000);
    fake.close_dispute(&dispute, true);
    fake
}

#[tokio::test]
async fn the_objects_of_the_fake_are_what_stripe_declares() {
    let fake = lifecycle().await;
    fake.assert_contract_kept();
    let objects = fake.objects();
    let kinds: std::collections::BTreeSet<&str> = objects
        .iter()
        .map(|object| object["object"].as_str().unwrap())
        .collect();
    let expected = [
        "balance_transaction",
        "charge",
        "customer",
        "dispute",
        "event",
        "payment_intent",
        "payment_method",
        "refund",
        "setup_intent",
    ];
    assert_eq!(Vec::from_iter(kinds), expected);
    let Some(contract) = contract() else {
        return;
    };
    let mut errors = Vec::new();
    for object in &objects {
        let kind = object["object"].as_str().unwrap();
        errors.extend(contract.object_errors(kind, object));
    }
    assert!(errors.is_empty(), "{errors:#?}");
}

#[test]
fn a_request_that_stripe_does_not_know_is_noticed() {
    let Some(contract) = contract() else {
        return;
    };
    let payment = |extra: &str| {
        let form = format!("amount=1200&currency=eur{extra}");
        let params = crate::fakes::stripe::form::decode(&form);
        contract.request_errors("POST", "/v1/payment_intents", &params)
    };
    for right in [
        "",
        "&confirm=true",
        "&metadata[a]=b",
        "&expand[]=x",
        "&off_session=one_off",
    ] {
        assert!(payment(right).is_empty(), "{right}");
    }
    for wrong in [
        "&bogus=1",
        "&amount=12.00",
        "&confirm=maybe",
        "&capture_method=never",
        "&off_session=often",
        "&metadata[a][b]=c",
        "&allowed_payment_method_types[]=sofort",
    ] {
        assert!(!payment(wrong).is_empty(), "{wrong}");
    }
    let params = json!({ "limit": "x" });
    let list = contract.request_errors("GET", "/v1/payment_intents", &params);
    assert!(!list.is_empty());
}
