//! Stripe keeps the contract of all providers.

use quittance::config::{CallPolicy, SecretSource, StripeSettings};
use quittance::domain::money::Money;
use quittance::domain::payment::Decline;
use quittance::domain::payment::DeclineClass::{self, ActionRequired, Hard, Soft};
use quittance::providers::http::Way;
use quittance::providers::stripe::Stripe;
use quittance::providers::{Answer, Standing};
use serde_json::json;

use super::contract::{ContractFake, Payable, calls};
use crate::fakes::Faults;
use crate::fakes::stripe::{CardScript, SECRET_KEY, StripeFake, fee_minor};

/// A Stripe with that key.
pub fn stripe(calls: CallPolicy, key: &str) -> Stripe {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("key");
    std::fs::write(&path, key).unwrap();
    let settings = StripeSettings {
        secret_key: SecretSource::File(path.clone()),
        webhook_secret: SecretSource::File(path),
        calls,
    };
    Stripe::open(&settings, &Way::Network).unwrap()
}

/// A fake, a Stripe that tries once, and a card.
pub fn house(script: CardScript) -> (StripeFake, Stripe, Payable) {
    let fake = StripeFake::start();
    let customer = fake.customer();
    let instrument = fake.card(&customer, script);
    let payable = Payable {
        customer: Some(customer),
        instrument,
    };
    let stripe = stripe(calls(&fake.url(), 1), SECRET_KEY);
    (fake, stripe, payable)
}

pub fn succeeded(amount: Money) -> Standing {
    Standing::Succeeded {
        fee_minor: fee_minor(amount.minor),
    }
}

pub fn declined(answer: &Answer) -> &Decline {
    match &answer.standing {
        Standing::Declined(decline) => decline,
        standing => panic!("{standing:?}"),
    }
}

impl ContractFake for StripeFake {
    type Provider = Stripe;

    const DECLINES: &'static [(&'static str, DeclineClass)] = &[
        ("insufficient_funds", Soft),
        ("generic_decline", Soft),
        ("processing_error", Soft),
        ("expired_card", Hard),
        ("stolen_card", Hard),
        ("incorrect_cvc", ActionRequired),
        ("authentication_required", ActionRequired),
    ];

    const DECLINES_STAND: bool = true;

    fn start() -> Self {
        Self::start()
    }

    fn provider(&self, calls: CallPolicy) -> Stripe {
        stripe(calls, SECRET_KEY)
    }

    fn stranger(&self, calls: CallPolicy) -> Stripe {
        stripe(calls, "sk_test_of_somebody_else")
    }

    fn url(&self) -> String {
        self.url()
    }

    fn prepare(&self, _: &str, _: Money) -> Payable {
        let customer = self.customer();
        let instrument = self.card(&customer, CardScript::succeeds());
        Payable {
            customer: Some(customer),
            instrument,
        }
    }

    fn faults(&self) -> &Faults {
        self.faults()
    }

    fn read_faults(&self) -> &Faults {
        self.read_faults()
    }

    fn retry_after(&self, seconds: u64) {
        self.retry_after(Some(seconds));
    }

    fn takes(&self) -> usize {
        self.requests("POST /v1/payment_intents")
    }

    fn forget_keys(&self) {
        self.forget_keys();
    }

    fn taken(&self, key: &str) -> i64 {
        self.charged(key)
    }

    fn given_back(&self, key: &str) -> i64 {
        self.refunded(key)
    }

    fn fee_minor(&self, amount: Money) -> i64 {
        fee_minor(amount.minor)
    }

    fn falsify_amount(&self, reference: &str) {
        let amount = self.object(reference)["amount"].as_i64().unwrap();
        self.tamper(reference, &json!({ "amount": amount + 1 }));
    }

    fn assert_contract_kept(&self) {
        self.assert_contract_kept();
    }
}

crate::provider_contract!(StripeFake);
