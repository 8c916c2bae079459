//! How often a request is answered: so many in a minute of an account, of a key of the
//! house, and of an address that asks to be let in.

use std::net::{IpAddr, SocketAddr};

use axum::extract::ConnectInfo;
use axum::http::Extensions;
use axum::http::HeaderMap;
use governor::clock::{Clock as _, DefaultClock};
use governor::state::keyed::HashMapStateStore;
use governor::{Quota, RateLimiter};

use super::answer::Refused;
use crate::config::ApiSettings;
use crate::domain::access::Role;
use crate::domain::ids::AccountId;
use crate::store::rows::StoredOperator;

/// Keys of which those that were not used for a minute are forgotten.
const KEYS_MAX: usize = 50_000;

type Keyed<K> = RateLimiter<K, HashMapStateStore<K>, DefaultClock>;

pub struct Limits {
    accounts: Keyed<AccountId>,
    operators: Keyed<String>,
    reporters: Keyed<String>,
    addresses: Keyed<IpAddr>,
    is_behind_proxy: bool,
}

impl Limits {
    pub fn new(settings: ApiSettings) -> Self {
        let quota = Quota::per_minute(settings.requests_per_minute);
        Self {
            accounts: RateLimiter::hashmap(quota),
            operators: RateLimiter::hashmap(quota),
            reporters: RateLimiter::hashmap(Quota::per_minute(settings.batches_per_minute)),
            addresses: RateLimiter::hashmap(quota),
            is_behind_proxy: settings.is_behind_proxy,
        }
    }

    /// A request of an account.
    ///
    /// # Errors
    /// When it is one too many.
    pub fn account(&self, account: AccountId) -> Result<(), Refused> {
        take(&self.accounts, &account)
    }

    /// A request of a key of the house.
    ///
    /// # Errors
    /// When it is one too many.
    pub fn operator(&self, key: &StoredOperator) -> Result<(), Refused> {
        match key.role {
            Role::Ingest => take(&self.reporters, &key.id),
            Role::Viewer | Role::Operator | Role::Approver => take(&self.operators, &key.id),
        }
    }

    /// A request of nobody yet.
    ///
    /// # Errors
    /// When it is one too many of its address.
    pub fn address(&self, headers: &HeaderMap, extensions: &Extensions) -> Result<(), Refused> {
        match self.address_of(headers, extensions) {
            Some(address) => take(&self.addresses, &address),
            // Not over the network.
            None => Ok(()),
        }
    }

    /// Where a request comes from. What the proxy added stands last: what stands
    /// before it, anybody may have written.
    pub fn address_of(&self, headers: &HeaderMap, extensions: &Extensions) -> Option<IpAddr> {
        let forwarded = headers.get_all("x-forwarded-for").iter().next_back();
        let said = forwarded
            .filter(|_| self.is_behind_proxy)
            .and_then(|value| value.to_str().ok())
            .and_then(|value| value.rsplit(',').next())
            .and_then(|address| address.trim().parse().ok());
        let peer = extensions.get::<ConnectInfo<SocketAddr>>();
        said.or_else(|| peer.map(|peer| peer.0.ip()))
    }
}

fn take<K: Clone + std::hash::Hash + Eq>(limiter: &Keyed<K>, key: &K) -> Result<(), Refused> {
    if limiter.len() > KEYS_MAX {
        limiter.retain_recent();
    }
    limiter.check_key(key).map_err(|until| {
        let wait = until.wait_time_from(DefaultClock::default().now());
        Refused::TooOften(wait.as_secs().saturating_add(1))
    })
}
