//! What happened to an account.

use super::AccessError;
use crate::domain::account::BillingProfile;
use crate::domain::ids::AccountId;
use crate::engine::run::Engine;
use crate::on;
use crate::store::rows::StoredEvent;

/// Some of what happened to an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Events {
    /// Whom it happened to.
    pub profile: BillingProfile,
    /// The newest first.
    pub events: Vec<StoredEvent>,
    /// How much there is altogether.
    pub total: i64,
}

impl Engine {
    /// What happened to an account, the newest first: `limit` of it, after the
    /// first `offset`.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn events(
        &self,
        account: AccountId,
        offset: i64,
        limit: i64,
    ) -> Result<Events, AccessError> {
        let mut tx = self.store.snapshot().await?;
        let (profile, _) = on!(&mut tx, conn, q => q::current_profile(conn, account).await)?;
        let total = on!(&mut tx, conn, q => q::count_events(conn, account).await)?;
        let events = on!(&mut tx, conn, q => q::events_of(conn, account, offset, limit).await)?;
        tx.rollback().await?;
        Ok(Events {
            profile,
            events,
            total,
        })
    }
}
