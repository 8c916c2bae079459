//! Whatever waits goes on: links run out, what is settled is erased, and what was
//! kept long enough goes.

use super::DeletionError;
use super::ask::LINK_TOPIC;
use super::steps::begin_erasing;
use crate::domain::deletion::{DeletionState, LeavingFacts, decide};
use crate::domain::ids::AccountId;
use crate::domain::ledger::{Entry, LedgerError, Movement};
use crate::engine::run::Engine;
use crate::on;
use crate::store::Tx;
use crate::store::rows::{KeyedEntry, NewEntry, StoredDeletion};

/// Deletions that are looked at together.
const PAGE: i64 = 500;

/// How far the deletions in a state were looked at.
struct Pages {
    state: DeletionState,
    after: Option<AccountId>,
    /// Whether the last page was not full.
    is_through: bool,
}

impl Pages {
    const fn of(state: DeletionState) -> Self {
        Self {
            state,
            after: None,
            is_through: false,
        }
    }
}

/// What a round did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DeletionTally {
    /// Requests whose link ran out.
    pub lapsed: u64,
    /// Accounts whose erasing began.
    pub begun: u64,
    /// Accounts that are gone.
    pub done: u64,
    /// Those of them that nobody could be told of: the mail server refused the mail.
    pub untold: u64,
    /// Mandates and identities whose time was over.
    pub let_go: u64,
    /// What kept single accounts from going on. The others went on.
    pub problems: Vec<(String, String)>,
}

impl Engine {
    /// Moves every deletion on as far as it goes now, each in a transaction of its
    /// own.
    ///
    /// # Errors
    /// When the database refuses; what was done stands.
    pub async fn advance_deletions(&self) -> Result<DeletionTally, DeletionError> {
        let mut tally = DeletionTally::default();
        let mut pages = Pages::of(DeletionState::Asked);
        while let Some(page) = self.deletions_page(&mut pages).await? {
            for deletion in page {
                tally.lapsed += u64::from(self.lapse(deletion.account).await?);
            }
        }
        pages = Pages::of(DeletionState::Settling);
        while let Some(page) = self.deletions_page(&mut pages).await? {
            for deletion in page {
                match self.advance_settling(deletion.account).await {
                    Ok(begun) => tally.begun += u64::from(begun),
                    Err(error @ DeletionError::Store(_)) => return Err(error),
                    Err(error) => tally
                        .problems
                        .push((deletion.external_id, error.to_string())),
                }
            }
        }
        pages = Pages::of(DeletionState::Erasing);
        while let Some(page) = self.deletions_page(&mut pages).await? {
            for deletion in page {
                match self.erase_if_ready(&deletion).await {
                    Ok(erased) => {
                        tally.done += u64::from(erased.is_some());
                        let is_untold = erased.is_some_and(|erased| erased.is_mail_refused);
                        tally.untold += u64::from(is_untold);
                    }
                    Err(error @ DeletionError::Store(_)) => return Err(error),
                    Err(error) => tally
                        .problems
                        .push((deletion.external_id, error.to_string())),
                }
            }
        }
        tally.let_go = self.let_go().await?;
        Ok(tally)
    }

    /// The next deletions in a state, after those seen before.
    async fn deletions_page(
        &self,
        pages: &mut Pages,
    ) -> Result<Option<Vec<StoredDeletion>>, DeletionError> {
        if pages.is_through {
            return Ok(None);
        }
        let (state, after) = (pages.state, pages.after);
        let mut tx = self.store.snapshot().await?;
        let page = on!(&mut tx, conn, q => q::deletions_in(conn, state, after, PAGE).await)?;
        tx.rollback().await?;
        pages.after = page.last().map(|last| last.account);
        pages.is_through = i64::try_from(page.len()).is_ok_and(|length| length < PAGE);
        Ok((!page.is_empty()).then_some(page))
    }

    /// Ends a request whose link ran out; whether it did.
    async fn lapse(&self, account: AccountId) -> Result<bool, DeletionError> {
        let now = self.clock.now();
        let mut tx = self.store.begin().await?;
        on!(&mut tx, conn, q => q::lock_account(conn, account).await)?;
        let latest = on!(&mut tx, conn, q => q::latest_deletion(conn, account).await)?;
        let lapsed = latest.is_some_and(|latest| {
            latest.state == DeletionState::Asked
                && latest.link_until.is_none_or(|until| until <= now)
        });
        if lapsed {
            on!(&mut tx, conn, q => q::withdraw_deletion(conn, account, now).await)?;
            on!(&mut tx, conn, q => q::forget_links(conn, account, LINK_TOPIC, now).await)?;
            tx.commit().await?;
        }
        Ok(lapsed)
    }

    /// Begins to erase an account that is settling and owes nothing any more;
    /// whether it did.
    pub(super) async fn advance_settling(&self, account: AccountId) -> Result<bool, DeletionError> {
        let now = self.clock.now();
        let mut tx = self.store.begin().await?;
        on!(&mut tx, conn, q => q::lock_account(conn, account).await)?;
        let latest = on!(&mut tx, conn, q => q::latest_deletion(conn, account).await)?;
        let Some(deletion) = latest.filter(|latest| latest.state == DeletionState::Settling) else {
            return Ok(false);
        };
        let facts = self.settling_facts(&mut tx, &deletion).await?;
        if decide(&facts).is_err() {
            return Ok(false);
        }
        self.end_credit(&mut tx, account, &facts).await?;
        let (no, cause) = (deletion.no, deletion.cause);
        let erasing = DeletionState::Erasing;
        on!(&mut tx, conn, q => q::set_deletion_state(conn, account, no, erasing, now).await)?;
        begin_erasing(&mut tx, account, no, cause, now).await?;
        tx.commit().await?;
        Ok(true)
    }

    /// The facts of an account that is settling. Its final invoice was made in the
    /// month of its confirmation, which may be over.
    pub(super) async fn settling_facts(
        &self,
        tx: &mut Tx,
        deletion: &StoredDeletion,
    ) -> Result<LeavingFacts, DeletionError> {
        let (account, gives_up) = (deletion.account, deletion.gives_up_credit);
        let mut facts = self.leaving_facts(tx, account, gives_up).await?;
        facts.is_final_invoiced = true;
        Ok(facts)
    }

    /// Ends what is left of the credit: what the customer gave up is the house's,
    /// what the house gave away lapses.
    async fn end_credit(
        &self,
        tx: &mut Tx,
        account: AccountId,
        facts: &LeavingFacts,
    ) -> Result<(), DeletionError> {
        let now = self.clock.now();
        let (own, goodwill) = (facts.credit.own, facts.credit.goodwill);
        let mut movements = Vec::new();
        if own.minor > 0 {
            let amount_minor = own.minor;
            movements.push(Movement::CreditGivenUp { amount_minor });
        }
        if goodwill.minor > 0 {
            let amount_minor = goodwill.minor;
            movements.push(Movement::CreditLapsed { amount_minor });
        }
        if movements.is_empty() {
            return Ok(());
        }
        let first = on!(&mut *tx, conn, q => q::next_entry(conn, account).await)?;
        let built: Result<Vec<Entry>, LedgerError> = movements
            .into_iter()
            .map(|movement| Entry::new(movement, own.currency))
            .collect();
        let built = built?;
        let entries: Vec<KeyedEntry<'_>> = (first..)
            .zip(&built)
            .map(|(id, entry)| KeyedEntry::new(id, &NewEntry::new(account, entry, now)))
            .collect();
        on!(&mut *tx, conn, q => q::write_entries(conn, &entries, now).await)?;
        Ok(())
    }
}
