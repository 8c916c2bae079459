//! `[platform]`: how the platform is told what to do.

use std::time::Duration;

use serde::Deserialize;

use super::provider::web_address;
use super::raw::Check;
use super::secret::SecretSource;

/// Signed webhooks to the platform.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlatformSettings {
    pub url: String,
    /// `whsec_` and base64, as Standard Webhooks writes it.
    pub secret: SecretSource,
    /// What the platform signs its own webhooks with; without it none is taken.
    pub webhook_secret: Option<SecretSource>,
    pub timeout: Duration,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawPlatform {
    url: String,
    secret: String,
    webhook_secret: Option<String>,
    #[serde(default = "default_timeout")]
    timeout_seconds: i64,
}

/// Standard Webhooks recommends 15 to 30 seconds.
const fn default_timeout() -> i64 {
    20
}

impl RawPlatform {
    pub fn check(&self, check: &mut Check) -> Option<PlatformSettings> {
        let url = web_address(check, "platform.url", &self.url);
        let secret = check.take("platform.secret", self.secret.parse());
        let webhook_secret = match &self.webhook_secret {
            Some(text) => check
                .take("platform.webhook_secret", text.parse())
                .map(Some),
            None => Some(None),
        };
        let timeout = check.range("platform.timeout_seconds", self.timeout_seconds, 1, 300);
        url?;
        Some(PlatformSettings {
            url: self.url.clone(),
            secret: secret?,
            webhook_secret: webhook_secret?,
            timeout: Duration::from_secs(timeout?.into()),
        })
    }
}
