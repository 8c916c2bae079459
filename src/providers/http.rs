//! The transport of every provider: pooled connections, a limit on requests per
//! second, and the same request again, under the same key, with a growing pause.
//!
//! Nothing of a body is logged, and of headers only the provider's request id:
//! bodies carry secrets and people.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use governor::clock::DefaultClock;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};
use reqwest::Method;
use reqwest::header::{HeaderMap, HeaderValue, RETRY_AFTER};

use super::CallError;
use crate::chance::Chance;
use crate::config::CallPolicy;

/// The most that is waited between two tries.
const PAUSE_MAX: Duration = Duration::from_secs(30);
/// The most that is read of an answer; a provider's objects are a few KiB.
const BODY_BYTES_MAX: usize = 4 << 20;
/// Turned away at the door: nothing was done.
const TOO_MANY: u16 = 429;
/// A gateway or the provider waited too long for the request or for itself.
const TIMED_OUT: u16 = 408;
/// Somebody the provider depends on failed.
const OTHERS_FAILED: u16 = 424;

/// The transport cannot be set up.
#[derive(Debug, thiserror::Error)]
#[error("the connections to {provider} cannot be set up: {source}")]
pub struct TransportError {
    provider: &'static str,
    source: reqwest::Error,
}

/// A request, ready to be sent more than once.
#[derive(Debug)]
pub struct Request {
    pub method: Method,
    /// From the slash on; an id in it is no secret.
    pub path: String,
    /// Without the question mark.
    pub query: Option<String>,
    pub headers: HeaderMap,
    pub body: Option<String>,
    /// Whether it may be sent again: a question, or a request under a key.
    pub repeatable: bool,
}

/// An answer that came whole.
#[derive(Debug, Clone)]
pub struct Reply {
    pub status: u16,
    /// What the provider calls the request, for its support.
    pub request_id: Option<String>,
    pub body: Vec<u8>,
    /// Whether an earlier try of the request may have been carried out.
    pub after_lost_try: bool,
    /// Whether the provider says that it is the answer to an earlier try under
    /// the same key.
    pub is_replayed: bool,
    /// Whether the provider says that the same request may fare better later.
    again: Option<bool>,
    /// When it wants it again.
    after: Option<Duration>,
}

impl Reply {
    #[must_use]
    pub const fn is_success(&self) -> bool {
        matches!(self.status, 200..=299)
    }

    fn is_json_or_empty(&self) -> bool {
        self.body.is_empty() || serde_json::from_slice::<serde::de::IgnoredAny>(&self.body).is_ok()
    }
}

/// What a provider's API differs in.
#[derive(Debug, Clone, Copy)]
pub struct Dialect {
    /// As it is named in errors and logs.
    pub provider: &'static str,
    /// The answer's header with the request's id.
    pub request_id: &'static str,
    /// The answer's header that says whether to try again, if there is one.
    pub should_retry: Option<&'static str>,
    /// The answer's header that says whether it is one to an earlier request
    /// under the same key, if there is one.
    pub replayed: Option<&'static str>,
}

/// How requests get to a provider.
#[derive(Clone, Default)]
pub enum Way {
    #[default]
    Network,
    /// Carried by somebody else, such as a rehearsal that plays the provider.
    Carried(Arc<dyn Carrier>),
}

/// Carries a request, once, and brings what came back.
pub trait Carrier: Send + Sync {
    fn carry<'a>(
        &'a self,
        provider: &'static str,
        request: &'a Request,
    ) -> Pin<Box<dyn Future<Output = Brought> + Send + 'a>>;
}

/// What one try brought.
#[derive(Debug)]
pub enum Brought {
    /// An answer that came whole.
    Answer {
        status: u16,
        headers: HeaderMap,
        body: Vec<u8>,
    },
    /// Certainly not carried out.
    NotSent(String),
    /// Perhaps carried out.
    Lost(String),
}

/// Pooled connections to one provider, or what is instead of them.
enum Line {
    Network(reqwest::Client),
    Carried(Arc<dyn Carrier>),
}

/// What goes to one provider, and how.
pub struct Http {
    line: Line,
    limiter: Option<RateLimiter<NotKeyed, InMemoryState, DefaultClock>>,
    /// Whose turn it is at the limiter, in the order they came: of many who wait
    /// there, it lets any go.
    turn: tokio::sync::Mutex<()>,
    policy: CallPolicy,
    dialect: Dialect,
}

/// How one try went.
enum Try {
    Reply(Reply),
    /// Certainly not carried out.
    NotSent(String),
    /// Perhaps carried out.
    Lost(String),
}

impl Http {
    /// # Errors
    /// When the machine's certificates cannot be used.
    pub fn new(policy: CallPolicy, dialect: Dialect, way: &Way) -> Result<Self, TransportError> {
        let line = match way {
            Way::Network => Line::Network(client(policy.timeout, dialect.provider)?),
            Way::Carried(carrier) => Line::Carried(Arc::clone(carrier)),
        };
        // Evenly, without a burst: the provider counts by the second too.
        let limiter = policy.requests_per_second.map(|rate| {
            RateLimiter::direct(Quota::per_second(rate).allow_burst(std::num::NonZeroU32::MIN))
        });
        Ok(Self {
            line,
            limiter,
            turn: tokio::sync::Mutex::new(()),
            policy,
            dialect,
        })
    }

    pub const fn provider(&self) -> &'static str {
        self.dialect.provider
    }

    /// Sends a request until an answer comes that stands, or the tries run out.
    ///
    /// # Errors
    /// [`CallError::NotSent`] when no try can have been carried out, otherwise
    /// [`CallError::Lost`].
    pub async fn send(&self, request: &Request) -> Result<Reply, CallError> {
        let mut lost: Option<String> = None;
        let mut pause = self.policy.first_pause;
        let mut tries = 0;
        loop {
            tries += 1;
            let last = tries >= self.policy.tries || !request.repeatable;
            let (reason, after) = match self.try_once(request, tries).await {
                Try::Reply(reply) => {
                    // Who asks for more patience than that is asked another day.
                    let too_late = reply.after.is_some_and(|after| after > PAUSE_MAX);
                    if last || too_late || !Self::is_passing(&reply) {
                        return self.stand(reply, lost);
                    }
                    let reason = format!("status {}", reply.status);
                    if reply.status != TOO_MANY {
                        lost = Some(reason.clone());
                    }
                    (reason, reply.after)
                }
                Try::NotSent(reason) => (reason, None),
                Try::Lost(reason) => {
                    lost = Some(reason.clone());
                    (reason, None)
                }
            };
            if last {
                return Err(self.given_up(lost, reason));
            }
            // Not before the provider wants it, and not all at that moment.
            let wait = after.unwrap_or_default() + jittered(pause.min(PAUSE_MAX));
            tokio::time::sleep(wait).await;
            pause = pause.saturating_mul(2);
        }
    }

    /// The error when no answer came: a single try that may have been carried out
    /// outweighs all that were not.
    fn given_up(&self, lost: Option<String>, reason: String) -> CallError {
        let provider = self.dialect.provider;
        match lost {
            Some(reason) => CallError::Lost { provider, reason },
            None => CallError::NotSent { provider, reason },
        }
    }

    /// The answer, unless it says nothing about the request.
    fn stand(&self, reply: Reply, lost: Option<String>) -> Result<Reply, CallError> {
        let request_id = reply.request_id.as_deref().unwrap_or("none");
        let reason = format!("status {}, request {request_id}", reply.status);
        match reply.status {
            TIMED_OUT | OTHERS_FAILED | 500.. => Err(CallError::Lost {
                provider: self.dialect.provider,
                reason,
            }),
            TOO_MANY => Err(self.given_up(lost, reason)),
            _ => Ok(Reply {
                after_lost_try: lost.is_some(),
                ..reply
            }),
        }
    }

    /// Whether the same request may fare better later: turned away at the door
    /// (429), trouble of the provider or of others it needs, or the same key is
    /// being worked on (409).
    fn is_passing(reply: &Reply) -> bool {
        let by_status = matches!(
            reply.status,
            409 | TIMED_OUT | OTHERS_FAILED | TOO_MANY | 500..
        );
        !reply.is_success() && reply.again.unwrap_or(by_status)
    }

    async fn try_once(&self, request: &Request, no: u32) -> Try {
        if let Some(limiter) = &self.limiter {
            let _turn = self.turn.lock().await;
            limiter.until_ready().await;
        }
        let provider = self.dialect.provider;
        let brought = match &self.line {
            Line::Network(client) => self.over_network(client, request, no).await,
            Line::Carried(carrier) => carrier.carry(provider, request).await,
        };
        match brought {
            Brought::Answer {
                status,
                headers,
                body,
            } => self.read(request, no, status, &headers, body),
            Brought::NotSent(reason) => Try::NotSent(reason),
            Brought::Lost(reason) => Try::Lost(reason),
        }
    }

    /// One try over the network.
    async fn over_network(&self, client: &reqwest::Client, request: &Request, no: u32) -> Brought {
        let mut url = format!("{}{}", self.policy.base_url, request.path);
        if let Some(query) = &request.query {
            url.push('?');
            url.push_str(query);
        }
        let mut builder = client
            .request(request.method.clone(), url)
            .headers(request.headers.clone());
        if let Some(body) = &request.body {
            builder = builder.body(body.clone());
        }
        let provider = self.dialect.provider;
        let path = request.path.as_str();
        let mut response = match builder.send().await {
            Ok(response) => response,
            Err(error) => {
                // Its words may hold the address with the query.
                let error = error.without_url();
                let reason = told(&error);
                tracing::warn!(provider, path, no, reason, "no answer");
                return if error.is_connect() || error.is_builder() {
                    Brought::NotSent(reason)
                } else {
                    Brought::Lost(reason)
                };
            }
        };
        let status = response.status().as_u16();
        let headers = response.headers().clone();
        let mut body = Vec::new();
        loop {
            match response.chunk().await {
                Ok(Some(chunk)) if body.len() + chunk.len() <= BODY_BYTES_MAX => {
                    body.extend_from_slice(&chunk);
                }
                Ok(Some(_)) => {
                    return Brought::Lost(format!("an answer over {BODY_BYTES_MAX} bytes"));
                }
                Ok(None) => break,
                Err(error) => {
                    let reason = told(&error.without_url());
                    let request_id = self.request_id(&headers);
                    tracing::warn!(provider, path, no, status, request_id, reason, "broken off");
                    return Brought::Lost(reason);
                }
            }
        }
        Brought::Answer {
            status,
            headers,
            body,
        }
    }

    fn request_id(&self, headers: &HeaderMap) -> Option<String> {
        text(headers, self.dialect.request_id)
    }

    /// What an answer that came whole says of itself.
    fn read(
        &self,
        request: &Request,
        no: u32,
        status: u16,
        headers: &HeaderMap,
        body: Vec<u8>,
    ) -> Try {
        let provider = self.dialect.provider;
        let path = request.path.as_str();
        let request_id = self.request_id(headers);
        let after = text(headers, RETRY_AFTER.as_str())
            .and_then(|seconds| seconds.parse().ok())
            .map(Duration::from_secs);
        let says = |name: Option<&str>| {
            let value = text(headers, name?)?;
            Some(value == "true")
        };
        let again = says(self.dialect.should_retry);
        let is_replayed = says(self.dialect.replayed).unwrap_or(false);
        tracing::debug!(provider, path, no, status, request_id, "answer");
        let reply = Reply {
            status,
            request_id,
            body,
            after_lost_try: false,
            is_replayed,
            again,
            after,
        };
        // Such as a gateway's page, with the wrong status.
        if reply.is_success() && !reply.is_json_or_empty() {
            tracing::warn!(provider, path, no, status, reply.request_id, "no JSON");
            return Try::Lost(format!("status {status}, with no JSON"));
        }
        Try::Reply(reply)
    }
}

/// Pooled connections over TLS that follow nobody elsewhere.
///
/// # Errors
/// When the machine's certificates cannot be used.
pub fn client(
    timeout: Duration,
    provider: &'static str,
) -> Result<reqwest::Client, TransportError> {
    // The second call of a process finds it done.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder()
        .timeout(timeout)
        .connect_timeout(timeout.min(Duration::from_secs(10)))
        .pool_max_idle_per_host(64)
        .tcp_nodelay(true)
        // A redirect could carry the key elsewhere.
        .redirect(reqwest::redirect::Policy::none())
        .user_agent(concat!("quittance/", env!("CARGO_PKG_VERSION")))
        .build()
        .map_err(|source| TransportError { provider, source })
}

/// The text of a header.
fn text(headers: &HeaderMap, name: &str) -> Option<String> {
    headers.get(name)?.to_str().ok().map(str::to_owned)
}

/// An error and its causes.
pub fn told(error: &dyn std::error::Error) -> String {
    let mut words = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        words.push_str(": ");
        words.push_str(&error.to_string());
        cause = error.source();
    }
    words
}

/// Between half of a pause and all of it, so that many do not come back at once.
/// Nothing is decided by it: it takes the machine's chance, whoever plays the rest.
fn jittered(pause: Duration) -> Duration {
    let half = pause / 2;
    let part = Chance::System
        .bytes()
        .map_or(0, |bytes| u32::from(bytes[0]));
    half + half.saturating_mul(part) / 255
}

/// A header that must not be logged, such as one with a key.
///
/// # Errors
/// When the value has characters that no header holds.
pub fn secret_header(value: &str) -> Result<HeaderValue, reqwest::header::InvalidHeaderValue> {
    let mut header = HeaderValue::from_str(value)?;
    header.set_sensitive(true);
    Ok(header)
}
