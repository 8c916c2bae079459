//! `[api]`: the account API that `quittance serve` answers.

use std::num::NonZeroU32;

use serde::Deserialize;

use super::raw::Check;

/// How the account API is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ApiSettings {
    /// Of an account, and of an address that asks to be let in.
    pub requests_per_minute: NonZeroU32,
    /// Whether a proxy says, in the last value of `X-Forwarded-For`, where a request
    /// comes from. Without a proxy anybody could say anything there.
    pub is_behind_proxy: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RawApi {
    requests_per_minute: i64,
    behind_proxy: bool,
}

impl Default for RawApi {
    fn default() -> Self {
        Self {
            requests_per_minute: 60,
            behind_proxy: false,
        }
    }
}

impl RawApi {
    pub fn check(&self, check: &mut Check) -> Option<ApiSettings> {
        let requests = check.range(
            "api.requests_per_minute",
            self.requests_per_minute,
            1,
            10_000_000,
        )?;
        Some(ApiSettings {
            requests_per_minute: NonZeroU32::new(requests)?,
            is_behind_proxy: self.behind_proxy,
        })
    }
}
