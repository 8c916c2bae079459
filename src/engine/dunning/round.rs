//! The steps whose day has come, taken.

use std::collections::BTreeMap;

use chrono::{Days, NaiveDate};
use serde_json::json;

use super::DunningError;
use super::facts::Debtor;
use crate::domain::calendar::Instant;
use crate::domain::dunning::{Readiness, Step};
use crate::domain::ids::AccountId;
use crate::domain::notice::{OrderTopic, Topic};
use crate::engine::deletion::begin_for_debt;
use crate::engine::run::Engine;
use crate::on;
use crate::store::Tx;
use crate::store::rows::{NewNotice, NewOrder, NewStep, SuspensionCause};

/// Accounts that are read together.
const ACCOUNTS_PER_PAGE: i64 = 500;
/// Accounts whose steps are taken in one transaction: enough to spare commits,
/// few enough to hold their locks for moments only.
const ACCOUNTS_PER_COMMIT: usize = 100;

/// What a round did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DunningTally {
    /// How often each step was taken.
    pub taken: BTreeMap<Step, u64>,
    /// Accounts whose step was left for the next round, and why: one of its rows
    /// is broken.
    pub problems: Vec<(AccountId, String)>,
}

impl DunningTally {
    /// How many steps were taken.
    #[must_use]
    pub fn steps(&self) -> u64 {
        self.taken.values().sum()
    }
}

/// What is written of the steps of some accounts.
#[derive(Default)]
struct Writing {
    steps: Vec<NewStep>,
    notices: Vec<NewNotice>,
    orders: Vec<NewOrder>,
}

impl Engine {
    /// Takes the next step of every account whose day has come: one step each, for
    /// the one after it counts from this one.
    ///
    /// # Errors
    /// When the database refuses; what was taken stands.
    pub async fn dunning_round(&self) -> Result<DunningTally, DunningError> {
        let mut tally = DunningTally::default();
        let today = self.clock.today(self.config.zone());
        let first_day = u64::from(self.config.dunning.first_day());
        let Some(due_by) = today.checked_sub_days(Days::new(first_day)) else {
            return Ok(tally);
        };
        let mut after = None;
        loop {
            let mut tx = self.store.snapshot().await?;
            let accounts = on!(&mut tx, conn, q => {
                q::accounts_overdue(conn, due_by, after, ACCOUNTS_PER_PAGE).await
            })?;
            let Some(&last) = accounts.last() else {
                tx.rollback().await?;
                return Ok(tally);
            };
            let debtors = match self.debtors(&mut tx, &accounts).await {
                Ok(debtors) => debtors,
                Err(DunningError::Facts(error)) => {
                    // One of them is broken: the others are not to wait for it.
                    tracing::warn!(%error, "a page of debtors is read one by one");
                    self.debtors_apart(&mut tx, &accounts, &mut tally).await?
                }
                Err(error) => return Err(error),
            };
            tx.rollback().await?;
            let due: Vec<AccountId> = debtors
                .iter()
                .filter(|debtor| self.is_due(debtor).is_some())
                .map(|debtor| debtor.account)
                .collect();
            for accounts in due.chunks(ACCOUNTS_PER_COMMIT) {
                self.take_steps(accounts, today, &mut tally).await?;
            }
            after = Some(last);
        }
    }

    async fn debtors_apart(
        &self,
        tx: &mut Tx,
        accounts: &[AccountId],
        tally: &mut DunningTally,
    ) -> Result<Vec<Debtor>, DunningError> {
        let mut debtors = Vec::new();
        for &account in accounts {
            match self.debtors(tx, &[account]).await {
                Ok(own) => debtors.extend(own),
                Err(DunningError::Facts(error)) => {
                    tally.problems.push((account, error.to_string()));
                }
                Err(error) => return Err(error),
            }
        }
        Ok(debtors)
    }

    fn is_due(&self, debtor: &Debtor) -> Option<Step> {
        self.next_of(debtor)
            .filter(|next| next.readiness == Readiness::Now)
            .map(|next| next.step)
    }

    /// Takes the steps of some accounts in one transaction, decided again under
    /// their locks.
    async fn take_steps(
        &self,
        accounts: &[AccountId],
        today: NaiveDate,
        tally: &mut DunningTally,
    ) -> Result<(), DunningError> {
        let now = self.clock.now();
        let mut tx = self.store.begin().await?;
        // In ascending order, as every page is: two rounds never wait for each other
        // in a circle.
        for &account in accounts {
            on!(&mut tx, conn, q => q::lock_account(conn, account).await)?;
        }
        let debtors = self.debtors(&mut tx, accounts).await?;
        let mut writing = Writing::default();
        let mut taken = Vec::new();
        for debtor in debtors {
            if let Some(step) = self.is_due(&debtor) {
                self.take(&mut tx, &debtor, step, today, now, &mut writing)
                    .await?;
                taken.push(step);
            }
        }
        on!(&mut tx, conn, q => q::insert_steps(conn, &writing.steps, now).await)?;
        on!(&mut tx, conn, q => q::insert_notices(conn, &writing.notices, now).await)?;
        on!(&mut tx, conn, q => q::insert_orders(conn, &writing.orders, now).await)?;
        tx.commit().await?;
        for step in taken {
            let count = tally.taken.entry(step).or_insert(0);
            *count = count.saturating_add(1);
        }
        Ok(())
    }

    async fn take(
        &self,
        tx: &mut Tx,
        debtor: &Debtor,
        step: Step,
        today: NaiveDate,
        now: Instant,
        writing: &mut Writing,
    ) -> Result<(), DunningError> {
        let account = debtor.account;
        let number = debtor.leading.invoice.number.to_string();
        let in_days = |days: u32| {
            let day = today.checked_add_days(Days::new(days.into()));
            day.map(|day| day.to_string())
                .ok_or(DunningError::Date(step))
        };
        writing.steps.push(NewStep {
            invoice: debtor.invoice(),
            round: debtor.round,
            step,
            on: today,
        });
        let key =
            |topic: &str, detail: String| format!("{topic}:{number}:{}{detail}", debtor.round);
        let notice = match step {
            Step::SuspensionWarning { days_before } => Some((
                Topic::SuspensionWarning,
                key("suspension_warning", format!(":{days_before}")),
                json!({
                    "invoice": number,
                    "days_before": days_before,
                    "suspension_on": in_days(days_before)?,
                }),
            )),
            Step::Suspension => {
                let cause = SuspensionCause::Unpaid(debtor.invoice());
                let no = on!(&mut *tx, conn, q => {
                    q::insert_suspension(conn, account, cause, now).await
                })?;
                writing.orders.push(NewOrder {
                    account,
                    key: format!("suspend:{no}"),
                    topic: OrderTopic::Suspend,
                    payload: json!({ "reason": cause.code() }).to_string(),
                });
                let deletion_on = in_days(self.config.dunning.day_of(Step::Deletion))?;
                Some((
                    Topic::Suspended,
                    format!("suspended:{no}"),
                    json!({ "invoice": number, "deletion_on": deletion_on }),
                ))
            }
            Step::DeletionWarning { days_before } => Some((
                Topic::DeletionWarning,
                key("deletion_warning", format!(":{days_before}")),
                json!({
                    "invoice": number,
                    "days_before": days_before,
                    "deletion_on": in_days(days_before)?,
                }),
            )),
            // Its own road tells what happens on it.
            Step::Deletion => {
                begin_for_debt(tx, account, now).await?;
                None
            }
        };
        writing
            .notices
            .extend(notice.map(|(topic, key, payload)| NewNotice {
                account,
                key,
                topic,
                payload: payload.to_string(),
            }));
        Ok(())
    }
}
