//! Cards, as dated stories: the real binary against a Stripe that is played here.

mod disputes;
pub mod events;
mod expiry;
mod faults;
mod ladder;
mod processes;
mod refund_failures;
mod refund_sequences;
mod refunds;
mod stories;
mod taken_back;

use serde_json::Value;

use crate::collect::{MONTHS, bill};
use crate::fakes::stripe::{CardScript, SECRET_KEY, StripeFake};
use crate::support::House;

pub const WEBHOOK_SECRET: &str = "whsec_played";

/// A house that takes cards. Tries follow each other at once.
struct Shop<'a> {
    house: &'a House,
    stripe: StripeFake,
}

/// `[stripe]`, with more keys of it.
pub fn section(house: &House, stripe: &StripeFake, keys: &str) -> String {
    house.set_env("STRIPE_KEY", SECRET_KEY);
    house.set_env("STRIPE_WEBHOOK", WEBHOOK_SECRET);
    format!(
        "[stripe]\nsecret_key = \"env:STRIPE_KEY\"\nwebhook_secret = \"env:STRIPE_WEBHOOK\"\n\
         api_url = \"{}\"\nrequests_per_second = 0\n\
         first_pause_milliseconds = 1\n{keys}\n",
        stripe.url()
    )
}

impl<'a> Shop<'a> {
    fn open(house: &'a House) -> Self {
        Self::with(house, "tries = 2", "")
    }

    /// One try each, so that a fault is an outcome; a machine under load gets
    /// its time.
    fn impatient(house: &'a House, timeout_s: u32) -> Self {
        let keys = format!("tries = 1\ntimeout_seconds = {timeout_s}");
        Self::with(house, &keys, "")
    }

    /// With other keys of `[stripe]`, and of `[collection]`.
    fn with(house: &'a House, stripe_keys: &str, partial_credit: &str) -> Self {
        let stripe = StripeFake::start();
        let mut settings = include_str!("../../../deploy/quittance.toml").to_owned();
        if !partial_credit.is_empty() {
            assert!(settings.contains("partial_credit = false"));
            settings = settings.replace("partial_credit = false", "partial_credit = true");
        }
        settings.push_str(&section(house, &stripe, stripe_keys));
        house.file("quittance.toml", settings);
        Self { house, stripe }
    }

    /// Puts a card of an account on file; what was said of it.
    #[track_caller]
    fn add_card(&self, account: &str, script: CardScript) -> String {
        let setup = self
            .house
            .run(&["method", "add-card", account, "--json"])
            .json();
        let intent = setup["setup_intent"].as_str().unwrap();
        self.stripe.confirm_setup(intent, script);
        let added = self.house.run(&["method", "finish-card", intent]);
        added.stdout
    }

    #[track_caller]
    fn collect(&self, more: &[&str]) -> Value {
        let mut args = vec!["collect", "--json", "--yes"];
        args.extend(more);
        self.house.run(&args).json()
    }

    /// Collects on a day of November, at eight.
    #[track_caller]
    fn collect_on(&self, day: u32) -> Value {
        self.on(day);
        self.collect(&[])
    }

    /// It is a day of November, at eight.
    fn on(&self, day: u32) {
        self.house.set_now(&format!("2026-11-{day:02}T08:00:00Z"));
        let day = i64::from(day);
        self.stripe
            .set_now(crate::fakes::stripe::NOW_S + (day - 2) * 86_400);
    }

    /// The books are right, and nothing was asked of Stripe that it forbids.
    #[track_caller]
    fn check(&self) {
        self.house.run(&["verify"]);
        self.stripe.assert_contract_kept();
    }

    fn payments(&self) -> Vec<Value> {
        crate::collect::payments(self.house)
    }

    /// What is open of all invoices of acc-2, in minor units.
    fn open_minor(&self) -> i64 {
        self.house.watch().count(
            "SELECT CAST(COALESCE(SUM(i.total_minor), 0) AS BIGINT) - (SELECT \
             CAST(COALESCE(-SUM(p.amount_minor), 0) AS BIGINT) FROM ledger_posting p \
             WHERE p.ledger_account = 'receivable') FROM invoice i",
        )
    }
}

/// The months of acc-2 that are billed in a story.
fn bill_three(house: &House) {
    bill(house, &["acc-2"]);
    assert_eq!(MONTHS.len(), 3);
}

/// One invoice of acc-2, for October, due on 2 November.
fn bill_one(house: &House) -> i64 {
    house.import_catalog();
    house.import_accounts(crate::support::THREE_ACCOUNTS);
    house.import_usage(
        "u1,acc-2,blog,container,web,S,1,2026-10-10T00:00:00Z,2026-10-20T00:00:00Z\n",
    );
    house.run(&["run", "2026-10"]);
    house.invoices("2026-10")[0]["total_minor"]
        .as_i64()
        .unwrap()
}

/// The classes of what was charged, as `method outcome invoices`.
fn charged(answer: &Value) -> Vec<String> {
    let rows = answer["outcome"]["charged"].as_array();
    rows.into_iter()
        .flatten()
        .map(|row| {
            format!(
                "{} {} {}",
                row["method"].as_str().unwrap(),
                row["outcome"].as_str().unwrap(),
                row["invoices"]
            )
        })
        .collect()
}

/// Why invoices were left out, as `code invoices`.
fn left_out(tally: &Value) -> Vec<String> {
    let rows = tally["left_out"].as_array().unwrap();
    rows.iter()
        .map(|row| format!("{} {}", row["code"].as_str().unwrap(), row["invoices"]))
        .collect()
}
