//! What people decide about an account: holds, approvals, suspensions. Each is
//! audited with who did it and why.

use chrono::NaiveDate;
use serde_json::json;

use super::DunningError;
use super::restore::end;
use crate::domain::ids::AccountId;
use crate::domain::money::Money;
use crate::domain::notice::OrderTopic;
use crate::engine::run::Engine;
use crate::on;
use crate::store::rows::{ByPerson, NewOrder, SuspensionCause};
use crate::store::{StoreError, Tx};

/// A person's decision is not carried out.
#[derive(Debug, thiserror::Error)]
pub enum PersonError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Dunning(#[from] DunningError),
    #[error("{0} is not later than today")]
    NotLater(NaiveDate),
    #[error("its steps are not held")]
    NotHeld,
    #[error("it owes nothing")]
    OwesNothing,
    #[error("it is not suspended for a debt yet: a deletion is approved once it is")]
    NotSuspendedForDebt,
    #[error("its deletion is approved already")]
    ApprovedBefore,
    #[error("it is suspended already")]
    SuspendedBefore,
    #[error("it is not suspended")]
    NotSuspended,
    #[error(
        "it is suspended for a debt of {0}: it is restored at once when it pays. To restore it before, say until \
         when its steps are held, by --until"
    )]
    StillOwes(Money),
    #[error("it is on its way out")]
    Leaving,
}

impl Engine {
    /// Holds the steps of dunning of an account until a day; a hold before it is
    /// replaced. Payments are attempted all the same.
    ///
    /// # Errors
    /// When the day is not later than today, or the database refuses.
    pub async fn hold_dunning(
        &self,
        account: AccountId,
        until: NaiveDate,
        by: ByPerson<'_>,
    ) -> Result<(), PersonError> {
        let mut tx = self.locked(account).await?;
        self.place_hold(&mut tx, account, until, by).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Lets the steps of an account go on.
    ///
    /// # Errors
    /// When they are not held, or the database refuses.
    pub async fn lift_dunning_hold(
        &self,
        account: AccountId,
        by: ByPerson<'_>,
    ) -> Result<(), PersonError> {
        let now = self.clock.now();
        let mut tx = self.locked(account).await?;
        if !on!(&mut tx, conn, q => q::lift_hold(conn, account, now).await)? {
            return Err(PersonError::NotHeld);
        }
        self.audit(&mut tx, account, by, "lift_dunning_hold", None)
            .await?;
        tx.commit().await?;
        Ok(())
    }

    /// Approves that the data of an account is deleted for its debt, when its day
    /// comes. What it owes.
    ///
    /// # Errors
    /// When it is not suspended for a debt, or was approved before; or when the
    /// database refuses.
    pub async fn approve_deletion(
        &self,
        account: AccountId,
        by: ByPerson<'_>,
    ) -> Result<Money, PersonError> {
        let now = self.clock.now();
        let mut tx = self.locked(account).await?;
        let debtors = self.debtors(&mut tx, &[account]).await?;
        let debtor = debtors.first().ok_or(PersonError::OwesNothing)?;
        if !debtor.is_suspended {
            return Err(PersonError::NotSuspendedForDebt);
        }
        let (invoice, round) = (debtor.invoice(), debtor.round);
        if !on!(&mut tx, conn, q => q::approve_deletion(conn, invoice, round, now).await)? {
            return Err(PersonError::ApprovedBefore);
        }
        let number = debtor.leading.invoice.number.to_string();
        self.audit(&mut tx, account, by, "approve_deletion", Some(&number))
            .await?;
        tx.commit().await?;
        Ok(debtor.owed)
    }

    /// Suspends an account for a reason of the house's own; no payment lifts it.
    ///
    /// # Errors
    /// When a person suspended it already, or the database refuses.
    pub async fn suspend_account(
        &self,
        account: AccountId,
        by: ByPerson<'_>,
    ) -> Result<(), PersonError> {
        let now = self.clock.now();
        let mut tx = self.locked(account).await?;
        if on!(&mut tx, conn, q => q::is_leaving(conn, account).await)? {
            return Err(PersonError::Leaving);
        }
        let all = on!(&mut tx, conn, q => q::suspensions(conn, &[account]).await)?;
        let mut open = all.iter().filter(|suspension| suspension.is_open());
        if open.any(|suspension| suspension.cause == SuspensionCause::Staff) {
            return Err(PersonError::SuspendedBefore);
        }
        let cause = SuspensionCause::Staff;
        let no = on!(&mut tx, conn, q => q::insert_suspension(conn, account, cause, now).await)?;
        let order = NewOrder {
            account,
            key: format!("suspend:{no}"),
            topic: OrderTopic::Suspend,
            payload: json!({ "reason": cause.code() }).to_string(),
        };
        on!(&mut tx, conn, q => q::insert_orders(conn, &[order], now).await)?;
        // Whoever suspends tells the customer why.
        self.audit(&mut tx, account, by, "suspend_account", None)
            .await?;
        tx.commit().await?;
        Ok(())
    }

    /// Ends every suspension of an account. Where it is suspended for a debt, its
    /// steps are held until a day, for the next round would suspend it again.
    ///
    /// # Errors
    /// When it is not suspended; when it owes something and no day is given, or one
    /// that is not later than today; or when the database refuses.
    pub async fn resume_account(
        &self,
        account: AccountId,
        held_until: Option<NaiveDate>,
        by: ByPerson<'_>,
    ) -> Result<(), PersonError> {
        let now = self.clock.now();
        let mut tx = self.locked(account).await?;
        if on!(&mut tx, conn, q => q::is_leaving(conn, account).await)? {
            return Err(PersonError::Leaving);
        }
        let debtors = self.debtors(&mut tx, &[account]).await?;
        let mut all = on!(&mut tx, conn, q => q::suspensions(conn, &[account]).await)?;
        all.retain(|suspension| suspension.is_open());
        if all.is_empty() {
            return Err(PersonError::NotSuspended);
        }
        match (debtors.first(), held_until) {
            (Some(debtor), None) if debtor.is_suspended => {
                return Err(PersonError::StillOwes(debtor.owed));
            }
            (_, Some(until)) => self.place_hold(&mut tx, account, until, by).await?,
            (_, None) => {}
        }
        for suspension in &all {
            end(&mut tx, suspension, now).await?;
        }
        self.audit(&mut tx, account, by, "resume_account", None)
            .await?;
        tx.commit().await?;
        Ok(())
    }

    async fn locked(&self, account: AccountId) -> Result<Tx, StoreError> {
        let mut tx = self.store.begin().await?;
        on!(&mut tx, conn, q => q::lock_account(conn, account).await)?;
        Ok(tx)
    }

    async fn place_hold(
        &self,
        tx: &mut Tx,
        account: AccountId,
        until: NaiveDate,
        by: ByPerson<'_>,
    ) -> Result<(), PersonError> {
        if until <= self.clock.today(self.config.zone()) {
            return Err(PersonError::NotLater(until));
        }
        let now = self.clock.now();
        on!(&mut *tx, conn, q => q::place_hold(conn, account, until, now).await)?;
        let subject = until.to_string();
        self.audit(tx, account, by, "hold_dunning", Some(&subject))
            .await?;
        Ok(())
    }

    async fn audit(
        &self,
        tx: &mut Tx,
        account: AccountId,
        by: ByPerson<'_>,
        action: &str,
        subject: Option<&str>,
    ) -> Result<(), StoreError> {
        let now = self.clock.now();
        on!(tx, conn, q => q::write_audit(conn, account, by, action, now, subject, None).await)
    }
}
