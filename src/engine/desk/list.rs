//! Lists, a page at a time, each with how many there are in all.

use super::asked::{ScopeAsked, ScopeError};
use crate::domain::calendar::PeriodKey;
use crate::engine::run::{Engine, RunError};
use crate::on;
use crate::store::rows::{
    AuditEntry, InvoiceHead, ListedOutcome, OutcomeKind, PageBounds, StoredAttempt,
};

impl Engine {
    /// What a run came to for its accounts, or only those of one kind.
    ///
    /// # Errors
    /// When the month was never run, or the database refuses or holds nonsense.
    pub async fn outcomes(
        &self,
        period: PeriodKey,
        kind: Option<OutcomeKind>,
        page: PageBounds,
    ) -> Result<(Vec<ListedOutcome>, i64), RunError> {
        let mut tx = self.store.snapshot().await?;
        on!(&mut tx, conn, q => q::find_run(conn, period).await)?.ok_or(RunError::NoRun(period))?;
        let outcomes = on!(&mut tx, conn, q => q::outcomes(conn, period, kind, page).await)?;
        let counts = on!(&mut tx, conn, q => q::count_outcomes(conn, period).await)?;
        tx.rollback().await?;
        let of_all = match kind {
            None => counts.all(),
            Some(OutcomeKind::Invoiced) => counts.invoiced,
            Some(OutcomeKind::NothingDue) => counts.nothing_due,
            Some(OutcomeKind::Parked) => counts.parked,
        };
        Ok((outcomes, of_all))
    }

    /// Invoices that are asked for, by number.
    ///
    /// # Errors
    /// When the account or the invoice is not there, or the database refuses or holds
    /// nonsense.
    pub async fn invoice_heads(
        &self,
        asked: &ScopeAsked,
        page: PageBounds,
    ) -> Result<(Vec<InvoiceHead>, i64), ScopeError> {
        let scope = self.scope(asked, false).await?;
        let mut tx = self.store.snapshot().await?;
        let heads = on!(&mut tx, conn, q => q::invoice_heads(conn, &scope, page).await)?;
        let of_all = on!(&mut tx, conn, q => q::count_invoices(conn, &scope).await)?;
        tx.rollback().await?;
        Ok((heads, of_all))
    }

    /// Attempts to take money for the invoices that are asked for, the newest first.
    ///
    /// # Errors
    /// As [`Self::invoice_heads`].
    pub async fn payments(
        &self,
        asked: &ScopeAsked,
        page: PageBounds,
    ) -> Result<(Vec<StoredAttempt>, i64), ScopeError> {
        let scope = self.scope(asked, false).await?;
        let mut tx = self.store.snapshot().await?;
        let mut attempts = on!(&mut tx, conn, q => q::attempts(conn, &scope, page).await)?;
        let of_all = on!(&mut tx, conn, q => q::count_attempts(conn, &scope).await)?;
        tx.rollback().await?;
        attempts.reverse();
        Ok((attempts, of_all))
    }

    /// What people did, the latest first: to one account, or all of it.
    ///
    /// # Errors
    /// When there is no such account, or the database refuses or holds nonsense.
    pub async fn audit_trail(
        &self,
        external_id: Option<&str>,
        page: PageBounds,
    ) -> Result<(Vec<AuditEntry>, i64), ScopeError> {
        let account = match external_id {
            Some(external_id) => Some(self.account_named(external_id).await?),
            None => None,
        };
        let mut tx = self.store.snapshot().await?;
        let entries = on!(&mut tx, conn, q => q::audit_entries(conn, account, page).await)?;
        let of_all = on!(&mut tx, conn, q => q::count_audit_entries(conn, account).await)?;
        tx.rollback().await?;
        Ok((entries, of_all))
    }
}
