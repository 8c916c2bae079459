//! Stripe, as far as we use it, with its state in this process.
//!
//! - [`StripeFake`]: starts it, tells it what happens, asks what it has seen
//! - `serve`: who asks, under which idempotency key, and what goes wrong
//! - `routes`, `money`, `objects`: what an endpoint does and shows
//! - `contract`: every request is held against Stripe's own schemas
//!
//! It behaves as Stripe's documentation says, unless told to misbehave. Its clock
//! stands still: see [`StripeFake::set_now`].

mod answers;
mod cards;
pub mod contract;
pub mod form;
mod money;
mod objects;
mod routes;
mod serve;
mod state;

use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use axum::extract::Request;
use axum::response::Response;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Value, json};
use sha2::Sha256;

pub use cards::{CardScript, Outcome};
pub use money::fee_minor;
pub use state::Seen;

use super::{Faults, Server};
use serve::Shared;
use state::State;

/// The only key that is let in.
pub const SECRET_KEY: &str = "sk_test_fake";
/// The version that the types are generated for.
pub const VERSION: &str = "2026-09-30.endive";
/// 2026-11-02T08:00:00Z, when the suite's tests take place.
pub const NOW_S: i64 = 1_793_606_400;

/// Stripe on a port of the loopback, until it is dropped.
pub struct StripeFake {
    shared: Arc<Shared>,
    /// None where it is asked in this process.
    server: Option<Server>,
}

impl StripeFake {
    pub fn start() -> Self {
        let shared = Self::shared(contract::contract());
        let server = Some(Server::start(serve::router(shared.clone())));
        Self { shared, server }
    }

    /// Without a port: asked by [`Self::answer`], and not held against the schemas.
    pub fn in_process() -> Self {
        Self {
            shared: Self::shared(None),
            server: None,
        }
    }

    fn shared(contract: Option<&'static contract::Contract>) -> Arc<Shared> {
        Arc::new(Shared {
            state: Mutex::new(State::new(NOW_S)),
            faults: Faults::default(),
            read_faults: Faults::default(),
            during_read: Mutex::new(None),
            contract,
            holds: tokio::sync::watch::channel(false).0,
        })
    }

    /// Answers a request that came another way than over the port.
    pub async fn answer(&self, request: Request) -> Response {
        serve::answer(self.shared.clone(), request).await
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.shared.state.lock().unwrap()
    }

    /// Such as `http://127.0.0.1:43117`.
    pub fn url(&self) -> String {
        self.server.as_ref().expect("it has no port").url()
    }

    // What happens outside of the API.

    /// A new customer, as if created long ago.
    pub fn customer(&self) -> String {
        let mut state = self.state();
        let id = state.id("cus");
        let customer = objects::customer(&id, state.now_s, &json!({}));
        state.insert(customer);
        id
    }

    /// A card on file with a customer.
    pub fn card(&self, customer: &str, script: CardScript) -> String {
        let mut state = self.state();
        assert!(state.get(customer).is_some(), "no customer {customer}");
        state.add_card(Some(customer), script)
    }

    /// A customer is about to enter a card.
    pub fn new_setup(&self, customer: &str) -> String {
        let mut state = self.state();
        let id = state.id("seti");
        let params = json!({ "customer": customer });
        let intent = objects::setup_intent(&id, state.now_s, &params);
        state.insert(intent);
        id
    }

    /// The customer enters a card; it is on file then.
    pub fn confirm_setup(&self, intent: &str, script: CardScript) -> String {
        let mut state = self.state();
        let method = state.add_card(None, script);
        state.confirm_setup_with(intent, &method);
        method
    }

    /// The customer authenticates a payment that waited for it.
    pub fn authenticate(&self, intent: &str) {
        let mut state = self.state();
        let status = state.get(intent).unwrap()["status"].clone();
        assert!(
            status == "requires_action" || status == "requires_payment_method",
            "{intent} is {status}"
        );
        if status == "requires_payment_method" {
            let method = &state.get(intent).unwrap()["last_payment_error"]["payment_method"]["id"];
            let method = method.clone();
            state.set(intent, json!({ "payment_method": method }));
        }
        state.come_to(intent, &Outcome::Succeeds);
    }

    /// A payment that was processing comes to its outcome.
    pub fn settle(&self, intent: &str, outcome: &Outcome) {
        let mut state = self.state();
        assert_eq!(state.get(intent).unwrap()["status"], "processing");
        state.come_to(intent, outcome);
    }

    /// The cardholder's bank takes money back; returns the dispute's id.
    pub fn open_dispute(&self, intent: &str, amount: i64, fee: i64) -> String {
        let mut state = self.state();
        let id = state.announce_dispute(intent, amount);
        state.withdraw(&id, fee);
        id
    }

    /// The bank asks first: no money moves yet; returns the dispute's id.
    pub fn announce_dispute(&self, intent: &str, amount: i64) -> String {
        self.state().announce_dispute(intent, amount)
    }

    /// And then takes the money.
    pub fn withdraw(&self, dispute: &str, fee: i64) {
        self.state().withdraw(dispute, fee);
    }

    /// It is decided; the money of one that is won has to be reinstated yet.
    pub fn decide_dispute(&self, dispute: &str, won: bool) {
        self.state().decide_dispute(dispute, won);
    }

    pub fn reinstate(&self, dispute: &str) {
        self.state().reinstate(dispute);
    }

    pub fn close_dispute(&self, dispute: &str, won: bool) {
        let mut state = self.state();
        if won {
            state.reinstate(dispute);
        }
        state.decide_dispute(dispute, won);
    }

    /// A refund that was pending arrives.
    pub fn finish_refund(&self, refund: &str) {
        self.state().finish_refund(refund);
    }

    /// A refund does not arrive after all.
    pub fn fail_refund(&self, refund: &str) {
        self.state().fail_refund(refund);
    }

    /// While the answer of the next read is on its way, a refund fails and a
    /// command runs to its end: the answer is older than what that reads.
    pub fn fail_during_read(&self, refund: &str, command: std::process::Command) {
        let shared = self.shared.clone();
        let refund = refund.to_owned();
        self.during_read(
            move || {
                shared.state.lock().unwrap().fail_refund(&refund);
            },
            command,
        );
    }

    /// While the answer of the next read is on its way, a command runs to its end.
    pub fn run_during_read(&self, command: std::process::Command) {
        self.during_read(|| {}, command);
    }

    fn during_read(
        &self,
        happens: impl FnOnce() + Send + 'static,
        mut command: std::process::Command,
    ) {
        let happens = move || {
            happens();
            let output = command.output().unwrap();
            assert!(output.status.success(), "{output:?}");
        };
        *self.shared.during_read.lock().unwrap() = Some(Box::new(happens));
    }

    /// 24 hours pass for the idempotency keys.
    pub fn forget_keys(&self) {
        self.state().keys.clear();
    }

    /// Sets its clock, in seconds since 1970.
    pub fn set_now(&self, now_s: i64) {
        self.state().now_s = now_s;
    }

    // How it behaves.

    /// Faults of the requests that move money: charges and refunds.
    pub fn faults(&self) -> &Faults {
        &self.shared.faults
    }

    /// Faults of all others.
    pub fn read_faults(&self) -> &Faults {
        &self.shared.read_faults
    }

    /// Whether charges wait, once they are begun.
    pub fn hold_charges(&self, holds: bool) {
        self.shared.holds.send_replace(holds);
    }

    /// How long every request takes.
    pub fn latency(&self, latency: Duration) {
        self.state().latency = latency;
    }

    /// What a 429 says of when to come back.
    pub fn retry_after(&self, seconds: Option<u64>) {
        self.state().retry_after_s = seconds;
    }

    /// What an error says of whether to try again.
    pub fn should_retry(&self, says: Option<bool>) {
        self.state().should_retry = says;
    }

    /// A 500 after the work is kept under its key, as Stripe does when its
    /// server and not the way to it broke: each repetition gets it again.
    pub fn keep_errors(&self) {
        self.state().keeps_errors = true;
    }

    /// After so many more requests the key may not do what it asks (403).
    pub fn forbid_after(&self, requests: usize) {
        let mut state = self.state();
        state.forbids_from = Some(state.seen.len() + requests);
    }

    /// Pages are no longer than that.
    pub fn page_max(&self, length: usize) {
        self.state().page_max = length;
    }

    /// Of each charge to come, so many reads lack the balance transaction.
    pub fn late_balance(&self, reads: u32) {
        self.state().reads_without_balance = reads;
    }

    /// Charges settle in a balance of another currency.
    pub fn balance_currency(&self, currency: &'static str) {
        self.state().balance_currency = Some(currency);
    }

    /// The status of the refunds to come: `succeeded`, `pending`, `failed`.
    pub fn refund_status(&self, status: &'static str) {
        self.state().refund_status = status;
    }

    /// A dispute that is won gives its fee back.
    pub fn return_dispute_fees(&self) {
        self.state().returns_dispute_fees = true;
    }

    // What it has seen and done.

    /// An object as it is stored, without expansions.
    #[track_caller]
    pub fn object(&self, id: &str) -> Value {
        self.state().get(id).unwrap().clone()
    }

    /// Overwrites fields of an object, to play one that is wrong.
    pub fn tamper(&self, id: &str, fields: &Value) {
        self.state().set(id, fields.clone());
    }

    /// All objects, in the order they were made.
    pub fn objects(&self) -> Vec<Value> {
        let state = self.state();
        let objects = state.order.iter().map(|id| state.objects[id].clone());
        objects.collect()
    }

    /// Every payment intent with that attempt in its metadata.
    pub fn intents(&self, attempt: &str) -> Vec<Value> {
        let state = self.state();
        let of_it = |intent: &&Value| intent["metadata"]["attempt"] == attempt;
        state.all("pi").filter(of_it).cloned().collect()
    }

    /// Every payment intent of a status, the youngest first, that fits besides.
    pub fn intents_that_are(&self, status: &str, fits: impl Fn(&Value) -> bool) -> Vec<Value> {
        let state = self.state();
        let of_it = |intent: &&Value| intent["status"] == status && fits(intent);
        state.all("pi").filter(of_it).cloned().collect()
    }

    /// Every dispute that is not decided, with its status.
    pub fn disputes_open(&self) -> Vec<(String, String)> {
        let state = self.state();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let open = |dispute: &&Value| dispute["status"] != "won" && dispute["status"] != "lost";
        let disputes = state.all("dp").filter(open);
        disputes
            .map(|dispute| (text(&dispute["id"]), text(&dispute["status"])))
            .collect()
    }

    /// Every refund of a status, the youngest first.
    pub fn refunds_that_are(&self, status: &str) -> Vec<String> {
        let state = self.state();
        let of_it = |refund: &&Value| refund["status"] == status;
        let refunds = state.all("re").filter(of_it);
        refunds
            .map(|refund| refund["id"].as_str().unwrap().to_owned())
            .collect()
    }

    /// Whether a payment can be disputed: nothing of it was given back or disputed.
    pub fn is_disputable(&self, intent: &str) -> bool {
        let state = self.state();
        let charge = &state.get(intent).unwrap()["latest_charge"];
        let charge = state.get(charge.as_str().unwrap()).unwrap();
        let disputed = state
            .all("dp")
            .any(|dispute| dispute["charge"] == charge["id"]);
        !disputed && charge["amount_refunded"] == 0
    }

    /// The payment intents since the first so many, in the order they were made.
    pub fn intents_after(&self, after: usize) -> Vec<Value> {
        let state = self.state();
        let intents = state.order.iter().filter(|id| id.starts_with("pi_"));
        let intents = intents.skip(after).map(|id| state.objects[id].clone());
        intents.collect()
    }

    /// What was taken for an attempt, of all its payment intents.
    pub fn charged(&self, attempt: &str) -> i64 {
        let amounts = self.intents(attempt).into_iter();
        amounts
            .map(|intent| intent["amount_received"].as_i64().unwrap())
            .sum()
    }

    /// What was taken, for whatever.
    pub fn charged_in_all(&self) -> i64 {
        let state = self.state();
        let amounts = state.all("pi").map(|intent| &intent["amount_received"]);
        amounts.map(|amount| amount.as_i64().unwrap()).sum()
    }

    /// What was taken by one payment intent.
    pub fn charged_by(&self, intent: &str) -> i64 {
        self.object(intent)["amount_received"].as_i64().unwrap()
    }

    /// What was given back under a refund's key, without what failed.
    pub fn refunded(&self, key: &str) -> i64 {
        let state = self.state();
        let of_it =
            |refund: &&Value| refund["metadata"]["refund"] == key && refund["status"] != "failed";
        let refunds = state.all("re").filter(of_it);
        refunds
            .map(|refund| refund["amount"].as_i64().unwrap())
            .sum()
    }

    /// Every request, in the order they came.
    pub fn seen(&self) -> Vec<Seen> {
        self.state().seen.clone()
    }

    /// How many requests came to an endpoint, such as `POST /v1/refunds`.
    pub fn requests(&self, endpoint: &str) -> usize {
        let state = self.state();
        let of_it = |seen: &&Seen| format!("{} {}", seen.method, seen.path) == endpoint;
        state.seen.iter().filter(of_it).count()
    }

    /// When the requests to charge came.
    pub fn charge_arrivals(&self) -> Vec<Instant> {
        let state = self.state();
        let charges = state
            .seen
            .iter()
            .filter(|seen| seen.method == "POST" && seen.path == "/v1/payment_intents");
        charges.map(|seen| seen.at).collect()
    }

    /// The movements of money since the first so many, in order: the balance
    /// transaction, and the payment intent it is of.
    pub fn movements(&self, after: usize) -> Vec<(Value, Value)> {
        let state = self.state();
        let movements = state.order.iter().filter(|id| id.starts_with("txn_"));
        let of = |id: &Value| state.get(id.as_str().unwrap()).unwrap();
        movements
            .skip(after)
            .map(|id| {
                let movement = state.get(id).unwrap();
                let source = of(&movement["source"]);
                (movement.clone(), of(&source["payment_intent"]).clone())
            })
            .collect()
    }

    // Webhooks.

    /// The events since the last time, oldest first. They stay readable.
    pub fn take_events(&self) -> Vec<Value> {
        let mut state = self.state();
        let ids = std::mem::take(&mut state.events);
        ids.iter()
            .map(|id| state.get(id).unwrap().clone())
            .collect()
    }

    /// The `Stripe-Signature` of a payload, such as `t=1793606400,v1=5257a8...`.
    pub fn sign(payload: &[u8], secret: &str, timestamp_s: i64) -> String {
        let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
        mac.update(format!("{timestamp_s}.").as_bytes());
        mac.update(payload);
        let digest: String = mac
            .finalize()
            .into_bytes()
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        format!("t={timestamp_s},v1={digest}")
    }

    /// Fails where a request broke Stripe's contract.
    #[track_caller]
    pub fn assert_contract_kept(&self) {
        let violations = self.state().violations.clone();
        assert!(violations.is_empty(), "{violations:#?}");
    }
}
