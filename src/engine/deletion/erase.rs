//! What is left of the person goes, in one transaction, once the platform did every
//! step and the customer was told; and later what was kept for its time.

use std::collections::HashMap;

use chrono::NaiveDate;

use super::DeletionError;
use super::steps::deleted_key;
use crate::domain::account::BillingProfile;
use crate::domain::calendar::PeriodKey;
use crate::domain::deletion::{DeletionState, identity_kept_until, mandate_kept_until};
use crate::domain::ids::{AccountId, AttemptId};
use crate::domain::payment::{AttemptEvent, AttemptState, PaymentMethod};
use crate::engine::run::Engine;
use crate::on;
use crate::store::rows::{ByPerson, FileState, StoredDeletion};
use crate::store::{StoreError, Tx};

/// Who erases: no person does.
const BY: ByPerson<'static> = ByPerson {
    actor: "quittance",
    reason: "(erased)",
};

/// An account that was erased.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Erased {
    /// Whether the mail server refused the mail that tells its customer. There is no
    /// other address to write to, so that keeps nobody; but it is told.
    pub is_mail_refused: bool,
}

/// What an erasing waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EraseWaits {
    #[error("a step that the platform did not confirm")]
    Step,
    #[error("the mail that tells its customer, which is not sent yet")]
    Mail,
    /// An invoice that is made later would name nobody.
    #[error("a month that it used something in, and that is not billed yet or held back")]
    Unbilled,
    #[error("a payment, purchase or refund whose outcome is out")]
    Money,
    #[error("a bank's booking that a person has to look at (sepa unmatched)")]
    Bank,
}

impl Engine {
    /// Erases an account whose steps are all done, unless something keeps it; `None`
    /// where something does. Its cards are taken off at their provider before: that may be
    /// done twice, and nothing is forgotten that is not done.
    pub(super) async fn erase_if_ready(
        &self,
        deletion: &StoredDeletion,
    ) -> Result<Option<Erased>, DeletionError> {
        let account = deletion.account;
        let mut tx = self.store.snapshot().await?;
        let waits = self.erase_waits(&mut tx, deletion).await?;
        if waits.is_some() {
            tx.rollback().await?;
            return Ok(None);
        }
        let cards = on!(&mut tx, conn, q => q::card_references(conn, account).await)?;
        tx.rollback().await?;
        if !cards.is_empty() {
            let stripe = self.providers.stripe(&self.config)?;
            for card in &cards {
                match stripe.detach(card).await {
                    Ok(()) => {}
                    // It is not there any more: that is what was asked for.
                    Err(error) if error.is_missing() => {}
                    Err(error) => return Err(error.into()),
                }
            }
        }
        self.erase(account, &cards).await
    }

    /// What keeps an account that is being deleted from being erased now.
    pub(super) async fn erase_waits(
        &self,
        tx: &mut Tx,
        deletion: &StoredDeletion,
    ) -> Result<Option<EraseWaits>, DeletionError> {
        let (account, no) = (deletion.account, deletion.no);
        let steps = on!(&mut *tx, conn, q => q::deletion_steps(conn, account, no).await)?;
        if steps.is_empty() || steps.iter().any(|step| step.confirmed_at.is_none()) {
            return Ok(Some(EraseWaits::Step));
        }
        // Where nobody is written to, nobody waits for it.
        let key = deleted_key(no);
        if self.config.mail.is_some()
            && on!(&mut *tx, conn, q => q::mail_is(conn, account, &key, "waiting").await)?
        {
            return Ok(Some(EraseWaits::Mail));
        }
        if self.may_be_billed_yet(tx, deletion).await? {
            return Ok(Some(EraseWaits::Unbilled));
        }
        let out = on!(&mut *tx, conn, q => q::payments_out_of(conn, account).await)?;
        // A debit that is in no file yet is withdrawn with its mandate.
        let unsent = self.unsent_debits(tx, account).await?;
        let sums = on!(&mut *tx, conn, q => q::sums_out(conn, account).await)?;
        let is_out = out.len() > unsent.len() || sums.iter().any(|(kind, ..)| kind != "dispute");
        if is_out {
            return Ok(Some(EraseWaits::Money));
        }
        let unmatched = on!(&mut *tx, conn, q => q::count_unmatched_of(conn, account).await)?;
        Ok((unmatched > 0).then_some(EraseWaits::Bank))
    }

    /// Whether an invoice may still be made for what an account used before it left,
    /// this month's run among those that make one.
    async fn may_be_billed_yet(
        &self,
        tx: &mut Tx,
        deletion: &StoredDeletion,
    ) -> Result<bool, DeletionError> {
        let account = deletion.account;
        let outcomes = on!(&mut *tx, conn, q => q::outcomes_of_account(conn, account).await)?;
        let outcomes: HashMap<PeriodKey, Option<String>> = outcomes.into_iter().collect();
        let is_held_back = outcomes.values().any(Option::is_some);
        if is_held_back
            || !self
                .unbilled_months(tx, account, &outcomes)
                .await?
                .is_empty()
        {
            return Ok(true);
        }
        let month = self.month_now()?;
        let left_this_month = deletion.confirmed_at.is_some_and(|at| at >= month.start);
        Ok(left_this_month
            && !outcomes.contains_key(&month.key)
            && on!(&mut *tx, conn, q => q::has_usage_in(conn, account, &month).await)?)
    }

    /// The direct debits of an account that no file has.
    async fn unsent_debits(
        &self,
        tx: &mut Tx,
        account: AccountId,
    ) -> Result<Vec<AttemptId>, StoreError> {
        let methods = on!(&mut *tx, conn, q => q::stored_methods(conn, (account, account)).await)?;
        let mut unsent = Vec::new();
        for method in methods {
            if method.method() == PaymentMethod::Sepa && method.state != FileState::Removed {
                let id = method.id;
                let own = on!(&mut *tx, conn, q => q::unsent_attempts(conn, account, id).await)?;
                unsent.extend(own);
            }
        }
        Ok(unsent)
    }

    /// Erases what is left, decided again under the account's lock. `cards` are off
    /// at their provider.
    async fn erase(
        &self,
        account: AccountId,
        cards: &[String],
    ) -> Result<Option<Erased>, DeletionError> {
        let now = self.clock.now();
        let mut tx = self.store.begin().await?;
        // As an import of accounts does: no batch of a month's run that was decided
        // before may refer to a version that goes.
        on!(&mut tx, conn, q => q::raise_generation(conn).await)?;
        on!(&mut tx, conn, q => q::lock_account(conn, account).await)?;
        let latest = on!(&mut tx, conn, q => q::latest_deletion(conn, account).await)?;
        let Some(deletion) = latest.filter(|latest| latest.state == DeletionState::Erasing) else {
            return Ok(None);
        };
        let on_file = on!(&mut tx, conn, q => q::card_references(conn, account).await)?;
        if on_file != cards || self.erase_waits(&mut tx, &deletion).await?.is_some() {
            return Ok(None);
        }
        for attempt in self.unsent_debits(&mut tx, account).await? {
            let before = AttemptState::Created;
            let after = before.clone().apply(&AttemptEvent::Withdrawn)?;
            on!(&mut tx, conn, q => {
                q::decide_attempt(conn, account, attempt, (&before, &after), None, now).await
            })?;
        }
        on!(&mut tx, conn, q => q::erase_cards(conn, account).await)?;
        on!(&mut tx, conn, q => q::erase_access(conn, account).await)?;
        on!(&mut tx, conn, q => q::remove_mandates(conn, account, now).await)?;
        let (country, language) = on!(&mut tx, conn, q => q::residence_of(conn, account).await)?;
        let empty = BillingProfile::emptied(deletion.external_id.clone(), country, language);
        let digest = empty.digest();
        on!(&mut tx, conn, q => {
            q::empty_profile(conn, account, &empty, digest, now).await
        })?;
        let key = deleted_key(deletion.no);
        let is_mail_refused =
            on!(&mut tx, conn, q => q::mail_is(conn, account, &key, "refused").await)?;
        on!(&mut tx, conn, q => q::erase_notes(conn, account, now).await)?;
        // The mail itself is emptied.
        let refused = if is_mail_refused {
            ", its mail was refused"
        } else {
            ""
        };
        let subject = format!("deletion {}{refused}", deletion.no);
        on!(&mut tx, conn, q => {
            q::write_audit(conn, account, BY, "account_erased", now, Some(&subject), None).await
        })?;
        let (no, done) = (deletion.no, DeletionState::Done);
        on!(&mut tx, conn, q => q::set_deletion_state(conn, account, no, done, now).await)?;
        self.let_mandates_go(&mut tx, Some(account)).await?;
        tx.commit().await?;
        tracing::info!(%account, is_mail_refused, "erased");
        Ok(Some(Erased { is_mail_refused }))
    }

    /// Removes what was kept of accounts that are gone, and whose time is over: the
    /// evidence of mandates, and identities that only old invoices refer to. How
    /// many of them.
    pub(super) async fn let_go(&self) -> Result<u64, DeletionError> {
        let (now, today) = (self.clock.now(), self.today());
        let years = self.config.deletion.invoice_years;
        let mut tx = self.store.begin().await?;
        let mut let_go = self.let_mandates_go(&mut tx, None).await?;
        let identities = on!(&mut tx, conn, q => q::identities_of_deleted(conn).await)?;
        for (account, version, issued_on) in identities {
            if !is_over(identity_kept_until(issued_on, years), today) {
                continue;
            }
            on!(&mut tx, conn, q => q::lock_account(conn, account).await)?;
            on!(&mut tx, conn, q => q::erase_identity(conn, account, version, now).await)?;
            let subject = format!("profile {}", version.0);
            on!(&mut tx, conn, q => {
                q::write_audit(conn, account, BY, "identity_erased", now, Some(&subject), None).await
            })?;
            let_go += 1;
        }
        if let_go > 0 {
            tx.commit().await?;
        } else {
            tx.rollback().await?;
        }
        Ok(let_go)
    }

    /// Removes the mandates of accounts that are gone, or of one, whose evidence
    /// nobody can ask for any more. One by which nothing was ever collected is
    /// evidence of nothing.
    async fn let_mandates_go(
        &self,
        tx: &mut Tx,
        only: Option<AccountId>,
    ) -> Result<u64, StoreError> {
        let (now, today) = (self.clock.now(), self.today());
        let mut let_go = 0;
        for (account, method, last) in on!(&mut *tx, conn, q => q::mandates_of_deleted(conn).await)?
        {
            let kept_until = mandate_kept_until(last);
            let stays = last.is_some() && !is_over(kept_until, today);
            if stays || only.is_some_and(|only| only != account) {
                continue;
            }
            on!(&mut *tx, conn, q => q::lock_account(conn, account).await)?;
            on!(&mut *tx, conn, q => q::erase_mandate(conn, account, method).await)?;
            let subject = format!("method {method}");
            on!(&mut *tx, conn, q => {
                q::write_audit(conn, account, BY, "mandate_erased", now, Some(&subject), None).await
            })?;
            let_go += 1;
        }
        Ok(let_go)
    }

    fn today(&self) -> NaiveDate {
        self.clock.today(self.config.zone())
    }
}

/// Whether the last day of a time is past. Past the calendar's end, nothing is.
fn is_over(kept_until: Option<NaiveDate>, today: NaiveDate) -> bool {
    kept_until.is_some_and(|until| today > until)
}
