//! The way of a payment through a Stripe that somebody else wrote. It ignores
//! idempotency keys and keeps nothing of a decline, so it shows only that what
//! we send is understood.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

use quittance::domain::money::{Currency, Money};
use quittance::providers::stripe::CardOnFile;
use quittance::providers::{PaymentProvider as _, Standing};
use serde_json::Value;

use super::contract::{EUR_12, KEY, OTHER_KEY, Payable, calls, charge, give_back, lookup};
use super::stripe::stripe;
use crate::support::checkers;

/// A key of the form it wants.
const KEY_OF_ANYONE: &str = "sk_test_of_anyone";

struct Localstripe {
    process: Child,
    url: String,
}

impl Localstripe {
    fn start() -> Self {
        let script = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/tests/checkers/localstripe_here.py"
        );
        let mut process = Command::new(checkers().join("venv/bin/python"))
            .arg(script)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut port = String::new();
        let stdout = process.stdout.as_mut().unwrap();
        BufReader::new(stdout).read_line(&mut port).unwrap();
        assert!(!port.is_empty(), "localstripe did not start");
        Self {
            process,
            url: format!("http://127.0.0.1:{}", port.trim()),
        }
    }

    /// What our code never does: a customer's browser does it.
    async fn post(&self, path: &str, form: &str) -> Value {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let answer = reqwest::Client::new()
            .post(format!("{}{path}", self.url))
            .bearer_auth(KEY_OF_ANYONE)
            .header("content-type", "application/x-www-form-urlencoded")
            .body(form.to_owned())
            .send()
            .await
            .unwrap();
        let answer = answer.error_for_status().unwrap();
        serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap()
    }
}

impl Drop for Localstripe {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[tokio::test]
async fn a_payment_goes_through_and_comes_back() {
    let other = Localstripe::start();
    let policy = quittance::config::CallPolicy {
        timeout: std::time::Duration::from_secs(20),
        ..calls(&other.url, 1)
    };
    let stripe = stripe(policy, KEY_OF_ANYONE);
    let customer = stripe.create_customer("acc-1", "customer-1").await.unwrap();
    let card = "type=card&card[number]=4242424242424242&card[exp_month]=8&card[exp_year]=2030&card[cvc]=123";
    let card = other.post("/v1/payment_methods", card).await;
    let instrument = card["id"].as_str().unwrap().to_owned();
    let path = format!("/v1/payment_methods/{instrument}/attach");
    other.post(&path, &format!("customer={customer}")).await;
    let on_file = CardOnFile {
        customer: Some(customer.clone()),
        brand: "visa".to_owned(),
        last4: "4242".to_owned(),
        exp_month: 8,
        exp_year: 2030,
    };
    assert_eq!(stripe.card(&instrument).await.unwrap(), on_file);
    let payable = Payable {
        customer: Some(customer),
        instrument,
    };
    let charge = charge(KEY, EUR_12, &payable);
    let taken = stripe.take(&charge).await.unwrap();
    // It keeps no fees.
    assert_eq!(taken.standing, Standing::Succeeded { fee_minor: 0 });
    let found = stripe
        .find(&lookup(&charge, Some(&taken.reference)))
        .await
        .unwrap();
    assert_eq!(found.as_ref(), Some(&taken));
    let part = Money::new(500, Currency::Eur);
    let refund = give_back(OTHER_KEY, &taken.reference, part);
    let given = stripe.give_back(&refund).await.unwrap();
    assert_eq!(given.standing, Standing::Succeeded { fee_minor: 0 });
    for reference in [None, Some(given.reference.as_str())] {
        let found = stripe.find_refund(&refund, reference).await.unwrap();
        assert_eq!(found.as_ref(), Some(&given));
    }
    stripe.detach(&payable.instrument).await.unwrap();
    assert_eq!(
        stripe.card(&payable.instrument).await.unwrap().customer,
        None
    );
}
