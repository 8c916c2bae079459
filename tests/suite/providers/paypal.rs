//! PayPal keeps the contract of all providers.

use quittance::config::CallPolicy;
use quittance::domain::money::Money;
use quittance::domain::payment::DeclineClass::{self, Hard, Soft};
use quittance::providers::paypal::PayPal;

use super::contract::{ContractFake, Payable};
use crate::fakes::Faults;
use crate::fakes::paypal::{CLIENT_SECRET, PayPalFake, fee_minor};
use crate::paypal::desk::paypal;

impl ContractFake for PayPalFake {
    type Provider = PayPal;

    const DECLINES: &'static [(&'static str, DeclineClass)] = &[
        ("INSTRUMENT_DECLINED", Soft),
        ("TRANSACTION_REFUSED", Soft),
        ("PAYEE_BLOCKED_TRANSACTION", Hard),
    ];
    /// The payer may choose another means for the same order.
    const DECLINES_STAND: bool = false;

    fn start() -> Self {
        Self::start()
    }

    fn provider(&self, calls: CallPolicy) -> PayPal {
        paypal(calls, CLIENT_SECRET)
    }

    fn stranger(&self, calls: CallPolicy) -> PayPal {
        paypal(calls, "of somebody else")
    }

    fn url(&self) -> String {
        self.url()
    }

    fn prepare(&self, key: &str, amount: Money) -> Payable {
        Payable {
            customer: None,
            instrument: self.approved_order(key, amount.minor),
        }
    }

    fn faults(&self) -> &Faults {
        self.faults()
    }

    fn read_faults(&self) -> &Faults {
        self.read_faults()
    }

    fn retry_after(&self, seconds: u64) {
        self.retry_after(seconds);
    }

    fn takes(&self) -> usize {
        self.asked_to_capture()
    }

    fn forget_keys(&self) {
        self.forget_keys();
    }

    fn taken(&self, key: &str) -> i64 {
        self.captured_by(key)
    }

    fn given_back(&self, key: &str) -> i64 {
        self.refunded_by(key)
    }

    fn fee_minor(&self, amount: Money) -> i64 {
        fee_minor(amount.minor)
    }

    fn falsify_amount(&self, reference: &str) {
        self.falsify(reference);
    }

    fn assert_contract_kept(&self) {
        assert_eq!(self.violations(), Vec::<String>::new());
    }
}

crate::provider_contract!(PayPalFake);
