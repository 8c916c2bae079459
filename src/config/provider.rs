//! `[stripe]` and `[paypal]`: how payment providers are reached.

use std::num::NonZeroU32;
use std::time::Duration;

use serde::Deserialize;

use super::raw::Check;
use super::secret::SecretSource;

/// How a provider's API is called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallPolicy {
    /// Without a slash at the end.
    pub base_url: String,
    /// `None` for no limit of our own.
    pub requests_per_second: Option<NonZeroU32>,
    /// How long one try may take, from connecting to the last byte.
    pub timeout: Duration,
    /// How often a request is sent at most, under the same key.
    pub tries: u32,
    /// The pause before the second try; it doubles with every further one.
    pub first_pause: Duration,
}

/// Cards through Stripe.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StripeSettings {
    pub secret_key: SecretSource,
    pub webhook_secret: SecretSource,
    pub calls: CallPolicy,
}

/// Prepaid credit through PayPal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PayPalSettings {
    pub client_id: SecretSource,
    pub client_secret: SecretSource,
    /// What PayPal calls the webhook whose events it signs.
    pub webhook_id: String,
    /// Where the customer comes back to, having approved an order or not.
    pub return_url: String,
    pub cancel_url: String,
    pub calls: CallPolicy,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawStripe {
    secret_key: String,
    webhook_secret: String,
    #[serde(default = "stripe_url")]
    api_url: String,
    #[serde(default = "default_rate")]
    requests_per_second: i64,
    #[serde(default = "default_timeout")]
    timeout_seconds: i64,
    #[serde(default = "default_tries")]
    tries: i64,
    #[serde(default = "default_pause")]
    first_pause_milliseconds: i64,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawPayPal {
    client_id: String,
    client_secret: String,
    webhook_id: String,
    return_url: String,
    cancel_url: String,
    #[serde(default = "paypal_url")]
    api_url: String,
    #[serde(default = "default_rate")]
    requests_per_second: i64,
    #[serde(default = "default_timeout")]
    timeout_seconds: i64,
    #[serde(default = "default_tries")]
    tries: i64,
    #[serde(default = "default_pause")]
    first_pause_milliseconds: i64,
}

fn stripe_url() -> String {
    "https://api.stripe.com".to_owned()
}

fn paypal_url() -> String {
    "https://api-m.paypal.com".to_owned()
}

/// Below the 25 requests a second that Stripe allows on one endpoint.
const fn default_rate() -> i64 {
    20
}

const fn default_timeout() -> i64 {
    30
}

const fn default_tries() -> i64 {
    4
}

const fn default_pause() -> i64 {
    500
}

impl RawStripe {
    pub fn check(&self, check: &mut Check) -> Option<StripeSettings> {
        let calls = RawCalls {
            api_url: &self.api_url,
            requests_per_second: self.requests_per_second,
            timeout_seconds: self.timeout_seconds,
            tries: self.tries,
            first_pause_milliseconds: self.first_pause_milliseconds,
        };
        let calls = calls.check(check, "stripe");
        let secret_key = check.take("stripe.secret_key", self.secret_key.parse());
        let webhook_secret = check.take("stripe.webhook_secret", self.webhook_secret.parse());
        Some(StripeSettings {
            secret_key: secret_key?,
            webhook_secret: webhook_secret?,
            calls: calls?,
        })
    }
}

impl RawPayPal {
    pub fn check(&self, check: &mut Check) -> Option<PayPalSettings> {
        let calls = RawCalls {
            api_url: &self.api_url,
            requests_per_second: self.requests_per_second,
            timeout_seconds: self.timeout_seconds,
            tries: self.tries,
            first_pause_milliseconds: self.first_pause_milliseconds,
        };
        let calls = calls.check(check, "paypal");
        let client_id = check.take("paypal.client_id", self.client_id.parse());
        let client_secret = check.take("paypal.client_secret", self.client_secret.parse());
        if self.webhook_id.is_empty() {
            check.refuse("paypal.webhook_id", "must not be empty");
        }
        let urls = [
            ("paypal.return_url", &self.return_url),
            ("paypal.cancel_url", &self.cancel_url),
        ];
        for (key, url) in urls {
            web_address(check, key, url);
        }
        Some(PayPalSettings {
            client_id: client_id?,
            client_secret: client_secret?,
            webhook_id: self.webhook_id.clone(),
            return_url: self.return_url.clone(),
            cancel_url: self.cancel_url.clone(),
            calls: calls?,
        })
    }
}

struct RawCalls<'a> {
    api_url: &'a str,
    requests_per_second: i64,
    timeout_seconds: i64,
    tries: i64,
    first_pause_milliseconds: i64,
}

impl RawCalls<'_> {
    fn check(&self, check: &mut Check, section: &str) -> Option<CallPolicy> {
        let key = |name: &str| format!("{section}.{name}");
        let url = web_address(check, &key("api_url"), self.api_url);
        let rate = check.range(
            &key("requests_per_second"),
            self.requests_per_second,
            0,
            10_000,
        );
        let timeout = check.range(&key("timeout_seconds"), self.timeout_seconds, 1, 300);
        let tries = check.range(&key("tries"), self.tries, 1, 10);
        let pause = check.range(
            &key("first_pause_milliseconds"),
            self.first_pause_milliseconds,
            1,
            60_000,
        );
        url?;
        Some(CallPolicy {
            base_url: self.api_url.trim_end_matches('/').to_owned(),
            requests_per_second: NonZeroU32::new(rate?),
            timeout: Duration::from_secs(timeout?.into()),
            tries: tries?,
            first_pause: Duration::from_millis(pause?.into()),
        })
    }
}

/// Whether a host is this machine itself.
pub fn is_local_host(host: &str) -> bool {
    matches!(host, "127.0.0.1" | "localhost" | "[::1]" | "::1")
}

/// Keys and customers go there: over TLS, except to this machine itself.
pub fn web_address(check: &mut Check, key: &str, url: &str) -> Option<()> {
    let right = reqwest::Url::parse(url).is_ok_and(|parsed| match parsed.scheme() {
        "https" => true,
        "http" => parsed.host_str().is_some_and(is_local_host),
        _ => false,
    });
    if !right {
        check.refuse(key, format!("{url:?} is not an https:// address"));
    }
    right.then_some(())
}
