//! Who an account is.

use super::AccessError;
use crate::domain::access::profile::Settings;
use crate::domain::account::BillingProfile;
use crate::domain::calendar::Instant;
use crate::domain::ids::AccountId;
use crate::domain::invoice::FreeTrial;
use crate::domain::money::Money;
use crate::engine::run::Engine;
use crate::on;
use crate::store::StoreError;
use crate::store::rows::Suspension;

/// An account as its customer sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    pub profile: BillingProfile,
    pub settings: Settings,
    pub created_at: Instant,
    pub trial_ends_at: Instant,
    /// The one that has lasted longest of those that last.
    pub suspension: Option<Suspension>,
}

impl Engine {
    /// The profile that an account's next invoice prints.
    ///
    /// # Errors
    /// When the database refuses, or there is no such account.
    pub async fn profile(&self, account: AccountId) -> Result<BillingProfile, AccessError> {
        let mut tx = self.store.lookup().await?;
        let (profile, _) = on!(&mut tx, conn, q => q::current_profile(conn, account).await)?;
        tx.rollback().await?;
        Ok(profile)
    }

    /// The unused prepaid credit of an account, in the currency it is billed in.
    ///
    /// # Errors
    /// When the database refuses, or there is no such account.
    pub async fn credit(&self, account: AccountId) -> Result<Money, StoreError> {
        let mut tx = self.store.snapshot().await?;
        let currency = on!(&mut tx, conn, q => q::account_currency(conn, account).await)?;
        let minor = on!(&mut tx, conn, q => q::credit_balance(conn, account, currency).await)?;
        tx.rollback().await?;
        Ok(Money::new(minor, currency))
    }

    /// Who an account is.
    ///
    /// # Errors
    /// When the database refuses, or there is no such account.
    pub async fn user(&self, account: AccountId) -> Result<User, AccessError> {
        let mut tx = self.store.snapshot().await?;
        let (profile, created_at) =
            on!(&mut tx, conn, q => q::current_profile(conn, account).await)?;
        let trial_ended_at = on!(&mut tx, conn, q => q::trial_ended_at(conn, account).await)?;
        let settings = on!(&mut tx, conn, q => q::settings_of(conn, account).await)?;
        let suspensions = on!(&mut tx, conn, q => q::suspensions(conn, &[account]).await)?;
        tx.rollback().await?;
        let open = suspensions
            .into_iter()
            .filter(|suspension| suspension.restored_at.is_none());
        Ok(User {
            trial_ends_at: FreeTrial::of(created_at, self.config.policy.free_trial_days)
                .ended(trial_ended_at)
                .end,
            profile,
            settings,
            created_at,
            suspension: open.min_by_key(|suspension| suspension.suspended_at),
        })
    }
}
