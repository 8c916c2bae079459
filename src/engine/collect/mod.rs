//! Taking money for issued invoices.
//!
//! - [`facts`]: what is owed, what credit is there, what was tried
//! - [`commit`]: a decided part, booked
//! - [`grant`]: credit given by a person, and what it pays at once
//! - [`tally`]: what would be charged, or was, and what is left out
//!
//! Credit is the house's own book, so an invoice is paid from it in the
//! transaction that decides it: under the account's lock, from facts read under
//! that lock. So collecting twice, or in two processes at once, finds the second
//! time that nothing is open or no credit is left.

mod commit;
mod facts;
mod grant;
mod tally;

use std::ops::ControlFlow;

use crate::domain::ids::AccountId;
use crate::domain::invoice::InvoiceNumber;
use crate::domain::ledger::LedgerError;
use crate::domain::money::{Currency, MoneyError};
use crate::domain::payment::allocation::AllocationError;
use crate::domain::payment::{Contradiction, Decision, PaymentMethod, Trigger, decide_round};
use crate::engine::run::Engine;
use crate::on;
use crate::store::rows::InvoiceScope;
use crate::store::{StoreError, Tx};

use facts::Round;

pub use grant::Granted;
pub use tally::{Charged, InvoiceOutcome, Tally};

/// Accounts whose invoices are looked at together.
const ACCOUNTS_PER_PAGE: i64 = 500;

/// Why collecting came to a stop. What was committed stands, and collecting
/// again goes on from there.
#[derive(Debug, thiserror::Error)]
pub enum CollectError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("{number}: {source}")]
    Allocation {
        number: InvoiceNumber,
        source: AllocationError,
    },
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    #[error(transparent)]
    Attempt(#[from] Contradiction),
    #[error(transparent)]
    Sum(#[from] MoneyError),
    #[error("the account is billed in {account}, not in {granted}")]
    OtherCurrency {
        account: Currency,
        granted: Currency,
    },
    #[error("{number} would be charged by {method}, and no provider is there for it")]
    NoProvider {
        number: InvoiceNumber,
        method: PaymentMethod,
    },
    #[error("the machine gives no randomness: {0}")]
    Chance(#[from] getrandom::Error),
    #[error("the date is out of range")]
    Date,
}

/// Is told of every account that was charged.
pub type OnAccount<'a> = &'a (dyn Fn() + Sync);

impl Engine {
    /// What collecting would do now; nothing is written.
    ///
    /// # Errors
    /// When the database refuses, or holds what no version writes.
    pub async fn plan_collection(
        &self,
        scope: &InvoiceScope,
        trigger: Trigger,
    ) -> Result<Tally, CollectError> {
        let mut tally = Tally::default();
        let mut after = None;
        while let ControlFlow::Continue((rounds, last)) = self.page(scope, after).await? {
            for round in &rounds {
                let outcomes = self.decide(round, trigger);
                tally.add(&outcomes)?;
            }
            after = Some(last);
        }
        Ok(tally)
    }

    /// Charges what is open, an account and a transaction at a time.
    ///
    /// # Errors
    /// As [`Self::plan_collection`]; the accounts before are charged.
    pub async fn collect(
        &self,
        scope: &InvoiceScope,
        trigger: Trigger,
        on_account: OnAccount<'_>,
    ) -> Result<Tally, CollectError> {
        let mut tally = Tally::default();
        let mut after = None;
        while let ControlFlow::Continue((rounds, last)) = self.page(scope, after).await? {
            for round in &rounds {
                let planned = self.decide(round, trigger);
                if planned.iter().all(|outcome| outcome.parts.is_empty()) {
                    tally.add(&planned)?;
                    continue;
                }
                let outcomes = self.charge_account(round.account, scope, trigger).await?;
                tally.add(&outcomes)?;
                on_account();
            }
            after = Some(last);
        }
        Ok(tally)
    }

    /// The invoices of the next accounts, as they stand.
    async fn page(
        &self,
        scope: &InvoiceScope,
        after: Option<AccountId>,
    ) -> Result<ControlFlow<(), (Vec<Round>, AccountId)>, CollectError> {
        let mut tx = self.store.snapshot().await?;
        let accounts = on!(&mut tx, conn, q => {
            q::accounts_with_invoices(conn, scope, after, ACCOUNTS_PER_PAGE).await
        })?;
        let (Some(&first), Some(&last)) = (accounts.first(), accounts.last()) else {
            return Ok(ControlFlow::Break(()));
        };
        let page = InvoiceScope {
            accounts: (first, last),
            ..*scope
        };
        let rounds = facts::load(&mut tx, &page, self.config.zone()).await?;
        tx.rollback().await?;
        Ok(ControlFlow::Continue((rounds, last)))
    }

    async fn charge_account(
        &self,
        account: AccountId,
        scope: &InvoiceScope,
        trigger: Trigger,
    ) -> Result<Vec<InvoiceOutcome>, CollectError> {
        let mut tx = self.store.begin().await?;
        on!(&mut tx, conn, q => q::lock_account(conn, account).await)?;
        let outcomes = self.charge_locked(&mut tx, account, scope, trigger).await?;
        tx.commit().await?;
        Ok(outcomes)
    }

    /// Decides and books the invoices of an account that the caller holds.
    pub(in crate::engine) async fn charge_locked(
        &self,
        tx: &mut Tx,
        account: AccountId,
        scope: &InvoiceScope,
        trigger: Trigger,
    ) -> Result<Vec<InvoiceOutcome>, CollectError> {
        let own = InvoiceScope {
            accounts: (account, account),
            ..*scope
        };
        let mut all = Vec::new();
        for round in facts::load(tx, &own, self.config.zone()).await? {
            let outcomes = self.decide(&round, trigger);
            for (open, outcome) in round.invoices.iter().zip(&outcomes) {
                for &(method, amount_minor) in &outcome.parts {
                    if method != PaymentMethod::Credit {
                        return Err(CollectError::NoProvider {
                            number: outcome.number.clone(),
                            method,
                        });
                    }
                    commit::pay_by_credit(tx, open, amount_minor, self.clock.now()).await?;
                }
            }
            all.extend(outcomes);
        }
        Ok(all)
    }

    /// What becomes of the invoices of a round, in their order.
    fn decide(&self, round: &Round, trigger: Trigger) -> Vec<InvoiceOutcome> {
        let today = self.clock.today(self.config.zone());
        let policy = &self.config.collection;
        let decided = decide_round(round.credit_minor, &round.facts(), policy, trigger, today);
        let outcome = |(open, decision): (&facts::Open, Decision)| InvoiceOutcome {
            number: open.invoice.number.clone(),
            currency: open.invoice.currency,
            left_out: decision.left_out(),
            parts: match decision {
                Decision::Charge { parts, .. } => parts
                    .iter()
                    .map(|part| (part.by.method(), part.amount_minor))
                    .collect(),
                Decision::LeaveOut(_) => Vec::new(),
            },
        };
        round.invoices.iter().zip(decided).map(outcome).collect()
    }
}
