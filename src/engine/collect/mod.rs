//! Taking money for issued invoices.
//!
//! - [`facts`]: what is owed, what credit, card and mandate there are, what was
//!   tried
//! - [`account`]: one account, an invoice after the other
//! - [`commit`]: a decided part, committed
//! - [`card`]: a card charged, outside of every transaction
//! - [`grant`]: credit given by a person, and what it pays at once
//! - [`tally`]: what would be charged, or was, and what is left out
//!
//! Whatever is decided is decided under the account's lock, from facts read under
//! that lock, and committed before anything is sent. So collecting twice, or in
//! two processes at once, finds the second time that an invoice is paid, or that
//! an attempt of it is in flight.

mod account;
mod card;
mod commit;
pub(in crate::engine) mod facts;
mod grant;
mod tally;

use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, Ordering};

use chrono::NaiveDate;
use futures_util::{StreamExt as _, stream};

use crate::domain::ids::{AccountId, PaymentMethodId};
use crate::domain::invoice::InvoiceNumber;
use crate::domain::ledger::LedgerError;
use crate::domain::money::{Currency, MoneyError};
use crate::domain::payment::allocation::AllocationError;
use crate::domain::payment::{Decision, Trigger, decide_round};
use crate::engine::providers::ProviderError;
use crate::engine::run::Engine;
use crate::engine::settle::SettleError;
use crate::on;
use crate::providers::CallError;
use crate::store::rows::InvoiceScope;
use crate::store::{StoreError, Tx};

use account::{Charging, Step};
use facts::Round;

pub use card::news_of;
pub use grant::Granted;
pub use tally::{Charged, ChargedPart, Fate, InvoiceOutcome, Tally};

/// Accounts whose invoices are looked at together.
const ACCOUNTS_PER_PAGE: i64 = 500;
/// Accounts that are charged at the same time. A provider answers in tenths of a
/// second, so this many keep its limit of requests busy; each holds a
/// transaction for a moment only.
pub const ACCOUNTS_AT_ONCE: usize = 64;

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
    Settle(#[from] SettleError),
    #[error(transparent)]
    Provider(#[from] ProviderError),
    #[error(transparent)]
    Call(#[from] CallError),
    #[error(transparent)]
    Sum(#[from] MoneyError),
    #[error("the account is billed in {account}, not in {granted}")]
    OtherCurrency {
        account: Currency,
        granted: Currency,
    },
    #[error("the card {0} is on file, but not what its provider calls it")]
    NoCard(PaymentMethodId),
    #[error("the machine gives no randomness: {0}")]
    Chance(#[from] getrandom::Error),
    #[error("the date is out of range")]
    Date,
}

impl CollectError {
    /// Whether every other account would fare the same.
    const fn stops_all(&self) -> bool {
        matches!(
            self,
            Self::Store(_)
                | Self::Settle(SettleError::Store(_))
                | Self::Provider(_)
                | Self::Call(CallError::Denied { .. })
                | Self::Chance(_)
        )
    }
}

/// Is told of every account that was charged.
pub type OnAccount<'a> = &'a (dyn Fn() + Sync);

/// What is to be collected, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Request {
    pub scope: InvoiceScope,
    pub trigger: Trigger,
    /// Only invoices for which a payment failed on this day or later.
    pub failed_since: Option<NaiveDate>,
}

impl Request {
    /// The open invoices of one account.
    #[must_use]
    pub const fn of_account(account: AccountId, trigger: Trigger) -> Self {
        Self {
            scope: InvoiceScope {
                accounts: (account, account),
                period: None,
                open_only: true,
            },
            trigger,
            failed_since: None,
        }
    }
}

impl Engine {
    /// What collecting would do now; nothing is written.
    ///
    /// # Errors
    /// When the database refuses, or holds what no version writes.
    pub async fn plan_collection(&self, request: &Request) -> Result<Tally, CollectError> {
        let mut tally = Tally::default();
        let mut after = None;
        while let ControlFlow::Continue((rounds, last)) =
            self.page(request, after, &mut tally.problems).await?
        {
            for round in &rounds {
                tally.add(&self.outlook(round, request.trigger))?;
            }
            after = Some(last);
        }
        Ok(tally)
    }

    /// Charges what is open, many accounts at the same time.
    ///
    /// # Errors
    /// As [`Self::plan_collection`], and when a provider cannot be used at all: no
    /// other account is begun then, and those that were are ended. What one
    /// account alone meets stands in the tally. What was charged stands and is
    /// recorded; what was not is charged by collecting again.
    pub async fn collect(
        &self,
        request: &Request,
        on_account: OnAccount<'_>,
    ) -> Result<Tally, CollectError> {
        let mut tally = Tally::default();
        let mut after = None;
        while let ControlFlow::Continue((rounds, last)) =
            self.page(request, after, &mut tally.problems).await?
        {
            let mut accounts = Vec::new();
            for round in &rounds {
                let planned = self.outlook(round, request.trigger);
                if planned.iter().all(|outcome| outcome.parts.is_empty()) {
                    tally.add(&planned)?;
                } else if accounts.last() != Some(&round.account) {
                    accounts.push(round.account);
                }
            }
            // What was begun is ended, even where no other may be begun: a request
            // that is dropped midway would leave its outcome out.
            let stop = AtomicBool::new(false);
            let mut charged = stream::iter(accounts)
                .map(|account| {
                    let stop = &stop;
                    async move {
                        if stop.load(Ordering::Relaxed) {
                            return None;
                        }
                        let charged = self.charge_account(account, request).await;
                        if charged.as_ref().is_err_and(CollectError::stops_all) {
                            stop.store(true, Ordering::Relaxed);
                        }
                        Some((account, charged))
                    }
                })
                .buffer_unordered(self.store.pace().at_once(ACCOUNTS_AT_ONCE));
            let mut stopped = None;
            while let Some(done) = charged.next().await {
                match done {
                    None => {}
                    Some((_, Ok(outcomes))) => {
                        on_account();
                        tally.add(&outcomes)?;
                    }
                    Some((_, Err(error))) if error.stops_all() => stopped = Some(error),
                    Some((account, Err(error))) => {
                        tally.problems.push((account, error.to_string()));
                    }
                }
            }
            if let Some(error) = stopped {
                return Err(error);
            }
            after = Some(last);
        }
        Ok(tally)
    }

    /// The invoices of the next accounts, as they stand.
    async fn page(
        &self,
        request: &Request,
        after: Option<AccountId>,
        broken: &mut Vec<(AccountId, String)>,
    ) -> Result<ControlFlow<(), (Vec<Round>, AccountId)>, CollectError> {
        let scope = &request.scope;
        let mut tx = self.store.snapshot().await?;
        let accounts = on!(&mut tx, conn, q => {
            q::accounts_with_invoices(conn, scope, after, ACCOUNTS_PER_PAGE).await
        })?;
        let Some(&last) = accounts.last() else {
            return Ok(ControlFlow::Break(()));
        };
        let mut rounds = self.load(&mut tx, &accounts, request).await;
        if matches!(
            rounds,
            Err(CollectError::Allocation { .. } | CollectError::Date)
        ) {
            // One of them is broken: the others are not to wait for it.
            rounds = Ok(Vec::new());
            for account in accounts {
                match self.load(&mut tx, &[account], request).await {
                    Ok(own) => {
                        if let Ok(rounds) = &mut rounds {
                            rounds.extend(own);
                        }
                    }
                    Err(error) if error.stops_all() => return Err(error),
                    Err(error) => broken.push((account, error.to_string())),
                }
            }
        }
        tx.rollback().await?;
        Ok(ControlFlow::Continue((rounds?, last)))
    }

    async fn load(
        &self,
        tx: &mut Tx,
        accounts: &[AccountId],
        request: &Request,
    ) -> Result<Vec<Round>, CollectError> {
        let zone = self.config.zone();
        let today = self.clock.today(zone);
        let scope = &request.scope;
        facts::load(tx, accounts, scope, request.failed_since, today, zone).await
    }

    /// Charges the open invoices of one account by a card or mandate that is new
    /// on file, right away and the oldest first.
    ///
    /// # Errors
    /// As [`Self::collect`].
    pub async fn charge_by_new_method(
        &self,
        account: AccountId,
        method: PaymentMethodId,
    ) -> Result<Vec<InvoiceOutcome>, CollectError> {
        let request = Request::of_account(account, Trigger::NewMethod(method));
        self.charge_account(account, &request).await
    }

    /// Charges an account as far as it goes within a transaction that holds it;
    /// whether there is more to do outside of it, by [`Self::charge_account`].
    pub(crate) async fn charge_locked(
        &self,
        tx: &mut Tx,
        account: AccountId,
        trigger: Trigger,
    ) -> Result<(Vec<InvoiceOutcome>, bool), CollectError> {
        let request = Request::of_account(account, trigger);
        let mut charging = Charging::default();
        let step = self
            .commit_step(tx, account, &request, &mut charging)
            .await?;
        Ok((charging.into_outcomes(), !matches!(step, Step::Done)))
    }

    /// What becomes of the invoices of a round, in their order.
    pub(in crate::engine) fn decide(&self, round: &Round, trigger: Trigger) -> Vec<Decision> {
        let today = self.clock.today(self.config.zone());
        let policy = &self.config.collection;
        decide_round(round.credit_minor, &round.facts(), policy, trigger, today)
    }

    /// What would become of them.
    fn outlook(&self, round: &Round, trigger: Trigger) -> Vec<InvoiceOutcome> {
        let decided = self.decide(round, trigger);
        let outcome = |(open, decision): (&facts::Open, Decision)| InvoiceOutcome {
            number: open.invoice.number.clone(),
            currency: open.invoice.currency,
            left_out: decision.left_out(),
            parts: match decision {
                Decision::Charge { parts, .. } => parts
                    .iter()
                    .map(|part| ChargedPart {
                        method: part.by.method(),
                        amount_minor: part.amount_minor,
                        fate: Fate::Planned,
                    })
                    .collect(),
                Decision::LeaveOut(_) => Vec::new(),
            },
        };
        round.invoices.iter().zip(decided).map(outcome).collect()
    }
}
