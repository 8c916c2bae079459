//! Who owes what, since when, and what comes next.

use chrono::NaiveDate;

use super::DunningError;
use super::facts::Debtor;
use crate::domain::dunning::{NextStep, Step, TakenStep};
use crate::domain::ids::AccountId;
use crate::domain::invoice::InvoiceNumber;
use crate::domain::money::Money;
use crate::engine::run::Engine;
use crate::on;
use crate::store::Tx;
use crate::store::rows::InvoiceKey;

/// An account that owes something, as a person sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DebtorOutlook {
    pub account: AccountId,
    /// The platform's id of it.
    pub external_id: String,
    /// The leading invoice.
    pub invoice: InvoiceNumber,
    pub due_on: NaiveDate,
    /// What is open in the currency of that invoice.
    pub owed: Money,
    pub is_suspended: bool,
    /// The last step that was taken.
    pub last: Option<TakenStep>,
    pub next: Option<NextStep>,
    /// When it is charged next.
    pub next_attempt_on: Option<NaiveDate>,
    pub held_until: Option<NaiveDate>,
}

impl Engine {
    /// The next accounts that owe something due, after one of them; and the last of
    /// those looked at, while there are more.
    ///
    /// # Errors
    /// When the database refuses, or holds what no version writes.
    pub async fn debtors_after(
        &self,
        after: Option<AccountId>,
        limit: i64,
    ) -> Result<(Vec<DebtorOutlook>, Option<AccountId>), DunningError> {
        let today = self.clock.today(self.config.zone());
        let mut tx = self.store.snapshot().await?;
        let accounts = on!(&mut tx, conn, q => {
            q::accounts_overdue(conn, today, after, limit).await
        })?;
        self.outlooks(tx, &accounts).await
    }

    /// The same of accounts that are suspended for their debt.
    ///
    /// # Errors
    /// As [`Self::debtors_after`].
    pub(in crate::engine) async fn suspended_after(
        &self,
        after: Option<AccountId>,
        limit: i64,
    ) -> Result<(Vec<DebtorOutlook>, Option<AccountId>), DunningError> {
        let mut tx = self.store.snapshot().await?;
        let accounts = on!(&mut tx, conn, q => {
            q::accounts_suspended_for_debt(conn, after, limit).await
        })?;
        self.outlooks(tx, &accounts).await
    }

    async fn outlooks(
        &self,
        mut tx: Tx,
        accounts: &[AccountId],
    ) -> Result<(Vec<DebtorOutlook>, Option<AccountId>), DunningError> {
        let debtors = self.debtors(&mut tx, accounts).await?;
        let outlooks = debtors.iter().map(|debtor| self.outlook_of(debtor));
        let outlooks = outlooks.collect();
        tx.rollback().await?;
        Ok((outlooks, accounts.last().copied()))
    }

    /// What comes next for one account; `None` where it owes nothing.
    ///
    /// # Errors
    /// As [`Self::debtors_after`].
    pub async fn debtor(&self, account: AccountId) -> Result<Option<DebtorOutlook>, DunningError> {
        let mut tx = self.store.snapshot().await?;
        let debtors = self.debtors(&mut tx, &[account]).await?;
        tx.rollback().await?;
        Ok(debtors.first().map(|debtor| self.outlook_of(debtor)))
    }

    /// The next step of dunning for an invoice, and its day, where that invoice leads
    /// its account to it.
    ///
    /// # Errors
    /// As [`Self::debtors_after`].
    pub(in crate::engine) async fn upcoming_step(
        &self,
        tx: &mut Tx,
        invoice: InvoiceKey,
    ) -> Result<Option<(Step, NaiveDate)>, DunningError> {
        let debtors = self.debtors(tx, &[invoice.account]).await?;
        let leads = debtors.iter().find(|debtor| debtor.invoice() == invoice);
        let next = leads.and_then(|debtor| self.next_of(debtor));
        let today = self.clock.today(self.config.zone());
        Ok(next.map(|next| (next.step, next.on.max(today))))
    }

    fn outlook_of(&self, debtor: &Debtor) -> DebtorOutlook {
        let invoice = &debtor.leading.invoice;
        DebtorOutlook {
            account: debtor.account,
            external_id: invoice.external_id.clone(),
            invoice: invoice.number.clone(),
            due_on: invoice.due_on,
            owed: debtor.owed,
            is_suspended: debtor.is_suspended,
            last: debtor.taken.last().copied(),
            next: self.next_of(debtor),
            next_attempt_on: self.next_attempt_on(debtor),
            held_until: debtor.standing.held_until,
        }
    }
}
