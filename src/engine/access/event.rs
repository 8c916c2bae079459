//! What happened to an account.

use super::AccessError;
use crate::domain::access::AccountEvent;
use crate::domain::account::BillingProfile;
use crate::domain::calendar::Instant;
use crate::domain::ids::AccountId;
use crate::engine::run::Engine;
use crate::on;
use crate::store::rows::{ByPerson, StoredEvent};
use crate::store::{StoreError, Tx};

/// Something that a person did to an account.
#[derive(Debug, Clone, Copy)]
pub(in crate::engine) struct Deed<'a> {
    /// What the house calls it, such as `key_added`.
    pub action: &'a str,
    /// What it was done to.
    pub subject: Option<&'a str>,
    /// The same, as its customer is shown it.
    pub event: AccountEvent<'a>,
}

impl Deed<'_> {
    /// Writes it down: for the house, and for its customer.
    pub(in crate::engine) async fn write(
        self,
        tx: &mut Tx,
        account: AccountId,
        by: ByPerson<'_>,
        now: Instant,
    ) -> Result<(), StoreError> {
        on!(&mut *tx, conn, q => {
            q::write_audit(conn, account, by, self.action, now, self.subject, None).await
        })?;
        on!(&mut *tx, conn, q => q::record_event(conn, account, self.event, now).await)
    }
}

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
