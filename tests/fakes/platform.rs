//! The platform: takes webhooks, keeps them, and answers as it is told to.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Condvar, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use serde_json::Value;

use super::server::Server;

/// What becomes of a webhook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    Status(u16),
    /// With `Retry-After`.
    Later(u16, &'static str),
    /// To somewhere else.
    Redirect(String),
    /// No answer ever comes.
    Hang,
    /// The answer breaks off.
    BrokenOff,
}

/// A webhook as it came.
#[derive(Debug, Clone)]
pub struct Webhook {
    pub id: String,
    pub timestamp: String,
    pub signature: String,
    pub body: String,
    /// What was answered; 200 unless told otherwise.
    pub reply: Option<Reply>,
}

impl Webhook {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }

    /// Such as `account.suspend acc-1`.
    pub fn told(&self) -> String {
        let json = self.json();
        let account = json["data"]["account"].as_str().unwrap();
        format!("{} {account}", json["type"].as_str().unwrap())
    }
}

#[derive(Default)]
struct Inner {
    replies: VecDeque<Reply>,
    /// By account, before those that are for anyone.
    replies_to: HashMap<String, VecDeque<Reply>>,
    came: Vec<Webhook>,
}

#[derive(Default)]
struct Shared {
    inner: Mutex<Inner>,
    came: Condvar,
}

/// A platform on the loopback.
pub struct PlatformFake {
    server: Server,
    shared: Arc<Shared>,
}

impl PlatformFake {
    pub fn start() -> Self {
        let shared = Arc::<Shared>::default();
        let router = Router::new()
            .fallback(receive)
            .with_state(Arc::clone(&shared));
        Self {
            server: Server::start(router),
            shared,
        }
    }

    pub fn url(&self) -> String {
        format!("{}/hooks", self.server.url())
    }

    /// The next webhooks are answered so, after those told before; then with 200.
    pub fn reply(&self, replies: impl IntoIterator<Item = Reply>) {
        self.shared.inner.lock().unwrap().replies.extend(replies);
    }

    /// The next webhooks about an account are answered so, whatever order those of
    /// others come in.
    pub fn reply_to(&self, account: &str, replies: impl IntoIterator<Item = Reply>) {
        let mut inner = self.shared.inner.lock().unwrap();
        let queue = inner.replies_to.entry(account.to_owned()).or_default();
        queue.extend(replies);
    }

    /// All are answered with 200 again.
    pub fn forget_replies(&self) {
        let mut inner = self.shared.inner.lock().unwrap();
        inner.replies.clear();
        inner.replies_to.clear();
    }

    /// What came since the last time.
    pub fn take_came(&self) -> Vec<Webhook> {
        std::mem::take(&mut self.shared.inner.lock().unwrap().came)
    }

    /// Every webhook that came, whatever was answered.
    pub fn came(&self) -> Vec<Webhook> {
        self.shared.inner.lock().unwrap().came.clone()
    }

    pub fn told(&self) -> Vec<String> {
        self.came().iter().map(Webhook::told).collect()
    }

    /// Waits until so many came.
    pub fn until_came(&self, count: usize) {
        let inner = self.shared.inner.lock().unwrap();
        let waited = self
            .shared
            .came
            .wait_while(inner, |inner| inner.came.len() < count);
        drop(waited.unwrap());
    }
}

async fn receive(State(shared): State<Arc<Shared>>, headers: HeaderMap, body: Bytes) -> Response {
    let header = |name: &str| headers[name].to_str().unwrap().to_owned();
    let mut webhook = Webhook {
        id: header("webhook-id"),
        timestamp: header("webhook-timestamp"),
        signature: header("webhook-signature"),
        body: String::from_utf8(body.to_vec()).unwrap(),
        reply: None,
    };
    let reply = {
        let mut inner = shared.inner.lock().unwrap();
        let account = webhook.json()["data"]["account"]
            .as_str()
            .map(str::to_owned);
        let own = account.and_then(|account| inner.replies_to.get_mut(&account)?.pop_front());
        let reply = own.or_else(|| inner.replies.pop_front());
        webhook.reply.clone_from(&reply);
        inner.came.push(webhook);
        shared.came.notify_all();
        reply
    };
    let status = |code| StatusCode::from_u16(code).unwrap();
    match reply {
        None => StatusCode::OK.into_response(),
        Some(Reply::Status(code)) => (status(code), "words that do not count").into_response(),
        Some(Reply::Later(code, after)) => (status(code), [("retry-after", after)]).into_response(),
        Some(Reply::Redirect(to)) => (status(307), [("location", to)]).into_response(),
        Some(Reply::Hang) => std::future::pending().await,
        Some(Reply::BrokenOff) => super::server::broken_off(),
    }
}
