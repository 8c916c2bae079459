//! The transport of every provider: pooled connections, a limit on requests per
//! second, and the same request again, under the same key, with a growing pause.
//!
//! Nothing of a body is logged, and of headers only the provider's request id:
//! bodies carry secrets and people.

use std::time::Duration;

use governor::clock::DefaultClock;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};
use reqwest::Method;
use reqwest::header::{HeaderMap, HeaderValue, RETRY_AFTER};

use super::CallError;
use crate::chance;
use crate::config::CallPolicy;

/// The most that is waited between two tries.
const PAUSE_MAX: Duration = Duration::from_secs(30);
/// The most that is read of an answer; a provider's objects are a few KiB.
const BODY_BYTES_MAX: usize = 4 << 20;

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
}

impl Reply {
    #[must_use]
    pub const fn is_success(&self) -> bool {
        matches!(self.status, 200..=299)
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
}

/// Pooled connections to one provider.
pub struct Http {
    client: reqwest::Client,
    limiter: Option<RateLimiter<NotKeyed, InMemoryState, DefaultClock>>,
    policy: CallPolicy,
    dialect: Dialect,
}

/// How one try went.
enum Try {
    Reply(Reply),
    /// Certainly not carried out.
    NotSent {
        reason: String,
        after: Option<Duration>,
    },
    /// Perhaps carried out.
    Lost {
        reason: String,
    },
}

impl Http {
    /// # Errors
    /// When the machine's certificates cannot be used.
    pub fn new(policy: CallPolicy, dialect: Dialect) -> Result<Self, TransportError> {
        // The second call of a process finds it done.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder()
            .timeout(policy.timeout)
            .connect_timeout(policy.timeout.min(Duration::from_secs(10)))
            .pool_max_idle_per_host(64)
            .tcp_nodelay(true)
            // A redirect could carry the key elsewhere.
            .redirect(reqwest::redirect::Policy::none())
            .user_agent(concat!("quittance/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|source| TransportError {
                provider: dialect.provider,
                source,
            })?;
        // Evenly, without a burst: the provider counts by the second too.
        let limiter = policy.requests_per_second.map(|rate| {
            RateLimiter::direct(Quota::per_second(rate).allow_burst(std::num::NonZeroU32::MIN))
        });
        Ok(Self {
            client,
            limiter,
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
            let (reason, wait) = match self.try_once(request, tries).await {
                Try::Reply(reply) => {
                    if last || !Self::is_passing(&reply) {
                        return self.stand(reply, lost);
                    }
                    let reason = format!("status {}", reply.status);
                    lost = Some(reason.clone());
                    (reason, None)
                }
                Try::NotSent { reason, after } => (reason, after),
                Try::Lost { reason } => {
                    lost = Some(reason.clone());
                    (reason, None)
                }
            };
            if last {
                let provider = self.dialect.provider;
                return Err(match lost {
                    Some(reason) => CallError::Lost { provider, reason },
                    None => CallError::NotSent { provider, reason },
                });
            }
            let wait = wait.unwrap_or(pause).min(PAUSE_MAX);
            tokio::time::sleep(jittered(wait)).await;
            pause = pause.saturating_mul(2);
        }
    }

    /// The answer, unless it says nothing about the request.
    fn stand(&self, reply: Reply, lost: Option<String>) -> Result<Reply, CallError> {
        let provider = self.dialect.provider;
        let request_id = reply.request_id.as_deref().unwrap_or("none");
        let reason = format!("status {}, request {request_id}", reply.status);
        match reply.status {
            500.. => Err(CallError::Lost { provider, reason }),
            429 => Err(match lost {
                Some(reason) => CallError::Lost { provider, reason },
                None => CallError::NotSent { provider, reason },
            }),
            _ => Ok(Reply {
                after_lost_try: lost.is_some(),
                ..reply
            }),
        }
    }

    /// Whether the same request may fare better later: the provider's own
    /// trouble, or the same key is being worked on (409).
    const fn is_passing(reply: &Reply) -> bool {
        matches!(reply.status, 409 | 500..)
    }

    async fn try_once(&self, request: &Request, no: u32) -> Try {
        if let Some(limiter) = &self.limiter {
            limiter.until_ready().await;
        }
        let mut url = format!("{}{}", self.policy.base_url, request.path);
        if let Some(query) = &request.query {
            url.push('?');
            url.push_str(query);
        }
        let mut builder = self
            .client
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
                    Try::NotSent {
                        reason,
                        after: None,
                    }
                } else {
                    Try::Lost { reason }
                };
            }
        };
        let status = response.status().as_u16();
        let header = |name: &str| {
            let value = response.headers().get(name)?;
            value.to_str().ok().map(str::to_owned)
        };
        let request_id = header(self.dialect.request_id);
        let after = header(RETRY_AFTER.as_str())
            .and_then(|seconds| seconds.parse().ok())
            .map(Duration::from_secs);
        let told_not_to = self
            .dialect
            .should_retry
            .and_then(header)
            .is_some_and(|value| value == "false");
        tracing::debug!(provider, path, no, status, request_id, "answer");
        let mut body = Vec::new();
        loop {
            match response.chunk().await {
                Ok(Some(chunk)) if body.len() + chunk.len() <= BODY_BYTES_MAX => {
                    body.extend_from_slice(&chunk);
                }
                Ok(Some(_)) => {
                    return Try::Lost {
                        reason: format!("an answer over {BODY_BYTES_MAX} bytes"),
                    };
                }
                Ok(None) => break,
                Err(error) => {
                    return Try::Lost {
                        reason: told(&error.without_url()),
                    };
                }
            }
        }
        if status == 429 && !told_not_to {
            return Try::NotSent {
                reason: "status 429: too many requests".to_owned(),
                after,
            };
        }
        Try::Reply(Reply {
            status,
            request_id,
            body,
            after_lost_try: false,
        })
    }
}

/// An error and its causes.
fn told(error: &dyn std::error::Error) -> String {
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
fn jittered(pause: Duration) -> Duration {
    let half = pause / 2;
    let part = chance::bytes().map_or(0, |bytes| u32::from(bytes[0]));
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
