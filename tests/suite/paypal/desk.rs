//! A house that sells credit: the real binary and an engine beside it, both on one
//! database, and PayPal on the loopback.

use std::future::Future;
use std::path::Path;
use std::time::Duration;

use chrono::{DateTime, Utc};
use quittance::clock::Clock;
use quittance::config::{CallPolicy, Config, PayPalSettings};
use quittance::engine::run::Engine;
use quittance::engine::webhook::{Handled, WebhookError};
use quittance::providers::http::Way;
use quittance::providers::paypal::PayPal;
use quittance::store::{IfMissing, Store};
use serde_json::Value;
use tokio::runtime::Runtime;

use crate::fakes::paypal::{CLIENT_ID, CLIENT_SECRET, PayPalFake, SentEvent, WEBHOOK_ID};
use crate::support::{House, NOW, furnish};

pub fn runtime() -> Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap()
}

/// PayPal's client without a house.
pub fn paypal(calls: CallPolicy, secret: &str) -> PayPal {
    let folder = tempfile::tempdir().unwrap();
    let source = |name: &str, secret: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, secret).unwrap();
        format!("file:{}", path.display()).parse().unwrap()
    };
    let settings = PayPalSettings {
        client_id: source("id", CLIENT_ID),
        client_secret: source("secret", secret),
        webhook_id: WEBHOOK_ID.to_owned(),
        return_url: "https://console.example/approved".to_owned(),
        cancel_url: "https://console.example/".to_owned(),
        calls,
    };
    PayPal::open(&settings, &Way::Network).unwrap()
}

/// PayPal's client, and what runs it.
pub struct Client {
    pub paypal: PayPal,
    pub runtime: Runtime,
}

impl Client {
    pub fn new(url: &str, tries: u32) -> Self {
        Self::with_secret(url, tries, CLIENT_SECRET)
    }

    pub fn with_secret(url: &str, tries: u32, secret: &str) -> Self {
        let calls = CallPolicy {
            base_url: url.to_owned(),
            requests_per_second: None,
            timeout: Duration::from_millis(700),
            tries,
            first_pause: Duration::from_millis(1),
        };
        Self {
            paypal: paypal(calls, secret),
            runtime: runtime(),
        }
    }

    pub fn run<T>(&self, future: impl Future<Output = T>) -> T {
        self.runtime.block_on(future)
    }
}

fn count(length: usize) -> u64 {
    length.try_into().unwrap()
}

/// What reconciling came to.
#[derive(Debug)]
pub struct Reconciled {
    /// Purchases and refunds that were asked for.
    pub asked: u64,
    /// Of them, those that have their outcome now.
    pub finished: u64,
    pub unfinished: Vec<String>,
}

/// `[paypal]`, with so many requests a second; 0 for as many as there are.
pub fn section(house: &House, fake: &PayPalFake, requests_per_second: u32) -> String {
    let id = house.file("paypal-id", CLIENT_ID);
    let secret = house.file("paypal-secret", CLIENT_SECRET);
    format!(
        "[paypal]\nclient_id = \"file:{}\"\nclient_secret = \"file:{}\"\nwebhook_id = \"{WEBHOOK_ID}\"\n\
         return_url = \"https://console.example/approved\"\ncancel_url = \"https://console.example/\"\n\
         requests_per_second = {requests_per_second}\ntimeout_seconds = 5\ntries = 1\nfirst_pause_milliseconds = 1\n\
         api_url = \"{}\"\n",
        id.display(),
        secret.display(),
        fake.url(),
    )
}

/// A house that sells credit.
pub struct Desk<'a> {
    pub house: &'a House,
    pub fake: PayPalFake,
    pub engine: Engine,
    pub paypal: PayPal,
    runtime: Runtime,
}

impl<'a> Desk<'a> {
    pub fn open(house: &'a House) -> Self {
        furnish(house);
        Self::on(house)
    }

    /// Of a house that is furnished already.
    pub fn on(house: &'a House) -> Self {
        Self::limited(house, 0)
    }

    /// With so many requests a second; 0 for as many as there are.
    pub fn limited(house: &'a House, requests_per_second: u32) -> Self {
        let fake = PayPalFake::start();
        let settings = include_str!("../../../deploy/quittance.toml");
        let section = section(house, &fake, requests_per_second);
        let path = house.file("quittance.toml", format!("{settings}\n{section}"));
        let runtime = runtime();
        let engine = runtime.block_on(engine(house, &path));
        let paypal = PayPal::open(engine.config.paypal.as_ref().unwrap(), &Way::Network).unwrap();
        Self {
            house,
            fake,
            engine,
            paypal,
            runtime,
        }
    }

    pub fn run<T>(&self, future: impl Future<Output = T>) -> T {
        self.runtime.block_on(future)
    }

    /// So many hours after the tests take place.
    pub fn later(&mut self, hours: i64) {
        let now: DateTime<Utc> = NOW.parse().unwrap();
        self.engine.clock = Clock::Fixed(now + chrono::Duration::hours(hours));
    }

    /// Begins a purchase; its id and order.
    #[track_caller]
    pub fn buy(&self, account: &str, amount: &str) -> (String, String) {
        let bought = self
            .house
            .run(&["credit", "buy", account, amount, "--json"])
            .json();
        assert_eq!(bought["state"], "pending", "{bought}");
        let url = bought["approve_url"].as_str().unwrap();
        let order = bought["order"].as_str().unwrap();
        assert!(url.contains(order), "{bought}");
        (bought["id"].as_str().unwrap().to_owned(), order.to_owned())
    }

    /// Buys credit, and approves and captures it.
    #[track_caller]
    pub fn bought(&self, account: &str, amount: &str) -> String {
        let (id, order) = self.buy(account, amount);
        self.fake.approve(&order);
        assert_eq!(self.capture(&id)["state"], "succeeded");
        id
    }

    #[track_caller]
    pub fn capture(&self, purchase: &str) -> Value {
        self.house
            .run(&["credit", "capture", purchase, "--json"])
            .json()
    }

    pub fn deliver(&self, event: &SentEvent) -> Result<Handled, WebhookError> {
        let headers = event.header_map();
        self.run(self.engine.handle_paypal_event(&headers, &event.body))
    }

    /// Delivers every event there is; each has to be handled.
    #[track_caller]
    pub fn deliver_all(&self) {
        for event in self.fake.take_events() {
            let outcome = self.deliver(&event).unwrap();
            assert_eq!(outcome, Handled::Done, "{}", event.kind);
        }
    }

    /// Asks for every purchase and refund whose outcome is out.
    pub fn reconcile(&self) -> Reconciled {
        let purchases = self.engine.reconcile_purchases(&self.paypal);
        let purchases = self.run(purchases).unwrap();
        let refunds = self.run(self.engine.reconcile_refunds()).unwrap();
        let said = |what: String, error: &dyn std::fmt::Display| format!("{what}: {error}");
        let open = purchases.unfinished.iter();
        let open = open.map(|open| said(open.what.clone(), &open.error));
        let problems = refunds.problems.iter();
        let problems = problems.map(|(refund, error)| said(format!("refund {refund}"), error));
        let ended = refunds.refunds.iter();
        let ended = ended.filter(|refund| !refund.state.in_flight()).count();
        Reconciled {
            asked: purchases.asked + count(refunds.refunds.len() + refunds.problems.len()),
            finished: purchases.finished + count(ended),
            unfinished: open.chain(problems).collect(),
        }
    }

    pub fn purchases(&self, account: &str) -> Vec<Value> {
        let listed = self
            .house
            .run(&["credit", "purchases", account, "--json"])
            .json();
        listed.as_array().unwrap().clone()
    }

    pub fn purchase(&self, account: &str, id: &str) -> Value {
        let all = self.purchases(account);
        all.into_iter()
            .find(|purchase| purchase["id"] == id)
            .unwrap()
    }

    pub fn credit_minor(&self, account: &str) -> i64 {
        let shown = self
            .house
            .run(&["credit", "show", account, "--json"])
            .json();
        shown["balance_minor"].as_i64().unwrap()
    }

    /// What moved an account's credit.
    pub fn moved(&self, account: &str) -> Vec<(String, i64)> {
        let shown = self
            .house
            .run(&["credit", "show", account, "--json"])
            .json();
        let movements = shown["movements"].as_array().unwrap().iter();
        movements
            .map(|movement| {
                let amount = movement["amount_minor"].as_i64().unwrap();
                (movement["movement"].as_str().unwrap().to_owned(), amount)
            })
            .collect()
    }

    /// Every account of the books is right, and so was every word to PayPal.
    #[track_caller]
    pub fn assert_sound(&self) {
        self.house.run(&["verify"]);
        self.fake.assert_contract_kept();
    }
}

async fn engine(house: &House, settings: &Path) -> Engine {
    let command = house.command(&[]);
    let mut envs = command.get_envs();
    let url = envs
        .find(|(name, _)| *name == "DATABASE_URL")
        .unwrap()
        .1
        .unwrap();
    let now: DateTime<Utc> = NOW.parse().unwrap();
    let store = Store::open(url.to_str().unwrap(), IfMissing::Refuse).await;
    let config = Config::load(Some(settings)).unwrap();
    Engine::new(store.unwrap(), config, Clock::Fixed(now))
}
