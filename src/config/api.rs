//! `[api]`: what `quittance serve` answers to customers, to the house and to its platform.

use std::num::NonZeroU32;

use serde::Deserialize;

use super::raw::Check;

/// How the account API is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ApiSettings {
    /// Of an account, of a key of the house, and of an address that asks to be let in.
    pub requests_per_minute: NonZeroU32,
    /// Of a key that reports usage: each is a batch.
    pub batches_per_minute: NonZeroU32,
    /// Batches of usage that are read, checked and written at the same time; more are
    /// told to come again. Each takes up to 8 MiB, and some times that once it is read.
    pub batches_in_hand: u32,
    /// Whether a proxy says, in the last value of `X-Forwarded-For`, where a request
    /// comes from. Without a proxy anybody could say anything there.
    pub is_behind_proxy: bool,
    /// What a request of the account API is put off after. Money that it moves by then
    /// goes on moving.
    pub request_timeout_seconds: u32,
    /// How long requests in flight are waited for once the process was told to stop.
    pub shutdown_seconds: u32,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RawApi {
    requests_per_minute: i64,
    batches_per_minute: i64,
    batches_in_hand: i64,
    behind_proxy: bool,
    request_timeout_seconds: i64,
    shutdown_seconds: i64,
}

impl Default for RawApi {
    fn default() -> Self {
        Self {
            requests_per_minute: 60,
            batches_per_minute: 6_000,
            batches_in_hand: 16,
            behind_proxy: false,
            request_timeout_seconds: 30,
            shutdown_seconds: 30,
        }
    }
}

impl RawApi {
    pub fn check(&self, check: &mut Check) -> Option<ApiSettings> {
        let mut per_minute = |key, value| {
            let number = check.range(key, value, 1, 10_000_000)?;
            NonZeroU32::new(number)
        };
        let requests = per_minute("api.requests_per_minute", self.requests_per_minute);
        let batches = per_minute("api.batches_per_minute", self.batches_per_minute);
        let in_hand = check.range("api.batches_in_hand", self.batches_in_hand, 1, 1_000);
        let mut seconds = |key, value| check.range(key, value, 1, 600);
        let timeout = seconds("api.request_timeout_seconds", self.request_timeout_seconds);
        let shutdown = seconds("api.shutdown_seconds", self.shutdown_seconds);
        Some(ApiSettings {
            batches_in_hand: in_hand?,
            requests_per_minute: requests?,
            batches_per_minute: batches?,
            is_behind_proxy: self.behind_proxy,
            request_timeout_seconds: timeout?,
            shutdown_seconds: shutdown?,
        })
    }
}
