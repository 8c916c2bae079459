//! What the fake knows.

use std::collections::{BTreeMap, HashMap};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::cards::CardScript;

/// A request as it came.
#[derive(Debug, Clone)]
pub struct Seen {
    pub at: Instant,
    pub method: String,
    /// Without the query.
    pub path: String,
    /// The query of a GET, the body of a POST, as they came.
    pub params: String,
    /// Names in lower case.
    pub headers: BTreeMap<String, String>,
}

/// An answer under an idempotency key.
#[derive(Debug, Clone)]
pub struct Kept {
    pub path: String,
    pub params: Value,
    /// When it came first, in seconds since 1970.
    pub made_s: i64,
    /// `None` while it is worked on.
    pub answer: Option<(u16, Value)>,
}

/// Everything, behind one lock.
pub struct State {
    /// What is stored, by its id: the prefix tells what it is.
    pub objects: HashMap<String, Value>,
    /// The ids in the order they were made.
    pub order: Vec<String>,
    pub cards: HashMap<String, CardScript>,
    pub keys: HashMap<String, Kept>,
    pub seen: Vec<Seen>,
    pub events: Vec<String>,
    /// What the next refunds come to.
    pub refund_status: &'static str,
    /// How often a charge is read without its balance transaction.
    pub reads_without_balance: u32,
    /// The balance transactions that come late, with the reads until then.
    pub late: HashMap<String, u32>,
    /// The declines to come, by fault.
    pub decline_next: Option<String>,
    pub latency: Duration,
    pub retry_after_s: Option<u64>,
    /// What the header `stripe-should-retry` says of errors.
    pub should_retry: Option<bool>,
    /// Whether a 500 that came after the work is kept under its key.
    pub keeps_errors: bool,
    pub returns_dispute_fees: bool,
    /// The number of the request from which on the key may do nothing.
    pub forbids_from: Option<usize>,
    pub page_max: usize,
    /// The currency of the balance that charges settle in, if another.
    pub balance_currency: Option<&'static str>,
    pub violations: Vec<String>,
    /// Seconds since 1970.
    pub now_s: i64,
    count: u64,
    requests: u64,
}

impl State {
    pub fn new(now_s: i64) -> Self {
        Self {
            objects: HashMap::new(),
            order: Vec::new(),
            cards: HashMap::new(),
            keys: HashMap::new(),
            seen: Vec::new(),
            events: Vec::new(),
            refund_status: "succeeded",
            reads_without_balance: 0,
            late: HashMap::new(),
            decline_next: None,
            latency: Duration::ZERO,
            retry_after_s: None,
            should_retry: None,
            keeps_errors: false,
            returns_dispute_fees: false,
            forbids_from: None,
            page_max: 100,
            balance_currency: None,
            violations: Vec::new(),
            now_s,
            count: 0,
            requests: 0,
        }
    }

    /// A new id, such as `pi_fake00000001`.
    pub fn id(&mut self, prefix: &str) -> String {
        self.count += 1;
        format!("{prefix}_fake{:08}", self.count)
    }

    pub fn request_id(&mut self) -> String {
        self.requests += 1;
        format!("req_fake{:08}", self.requests)
    }

    pub fn insert(&mut self, object: Value) -> Value {
        let id = object["id"].as_str().unwrap().to_owned();
        self.order.push(id.clone());
        self.objects.insert(id, object.clone());
        object
    }

    pub fn get(&self, id: &str) -> Option<&Value> {
        self.objects.get(id)
    }

    /// Changes what is stored.
    #[track_caller]
    pub fn set(&mut self, id: &str, fields: Value) -> Value {
        let object = self.objects.get_mut(id).unwrap();
        for (name, value) in fields.as_object().unwrap() {
            object[name.as_str()] = value.clone();
        }
        object.clone()
    }

    /// All of a kind, by their prefix, the youngest first.
    pub fn all<'a>(&'a self, prefix: &'a str) -> impl Iterator<Item = &'a Value> {
        self.order
            .iter()
            .rev()
            .filter(move |id| {
                id.strip_prefix(prefix)
                    .is_some_and(|rest| rest.starts_with('_'))
            })
            .map(|id| &self.objects[id])
    }

    /// Tells of something that happened.
    pub fn tell(&mut self, kind: &str, object: Value) {
        let id = self.id("evt");
        let event = json!({
            "id": id,
            "object": "event",
            "api_version": super::VERSION,
            "created": self.now_s,
            "data": { "object": object },
            "livemode": false,
            "pending_webhooks": 1,
            "request": { "id": null, "idempotency_key": null },
            "type": kind,
        });
        self.events.push(id);
        self.insert(event);
    }
}
