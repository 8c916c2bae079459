//! What customers mean to spend in a month: set, looked at, and told how far it is.

use serde_json::json;

use crate::domain::budget::Budget;
use crate::domain::calendar::PeriodKey;
use crate::domain::ids::AccountId;
use crate::domain::money::Currency;
use crate::domain::notice::Topic;
use crate::engine::run::Engine;
use crate::engine::run::{EstimateError, Span};
use crate::on;
use crate::store::StoreError;
use crate::store::rows::{ByPerson, NewNotice};

/// Budgets that are read together.
const PAGE: i64 = 500;
/// The same bound as a purchase of credit has, in minor units of any currency.
const AMOUNT_MAX_MINOR: i64 = 100_000_000_000;

/// A budget is not set, or not looked at.
#[derive(Debug, thiserror::Error)]
pub enum BudgetError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Estimate(#[from] EstimateError),
    #[error("must be above 0 and at most {AMOUNT_MAX_MINOR}")]
    Amount,
    #[error("there is no budget")]
    None,
}

/// A budget, and how much of it the month has used up so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BudgetStanding {
    pub budget: Budget,
    pub currency: Currency,
    pub period: PeriodKey,
    /// In minor units, with VAT.
    pub spent_minor: i64,
}

/// Whom a round told, and what it met.
#[derive(Debug, Default)]
pub struct BudgetsTold {
    pub told: u64,
    pub problems: Vec<(AccountId, String)>,
}

impl Engine {
    /// The budget of an account, with the month so far as its invoice would be.
    ///
    /// # Errors
    /// When it has none, its month would be held back, or the database refuses.
    pub async fn budget(&self, account: AccountId) -> Result<BudgetStanding, BudgetError> {
        let mut tx = self.store.snapshot().await?;
        let budget = on!(&mut tx, conn, q => q::budget_of(conn, account).await)?;
        tx.rollback().await?;
        let budget = budget.ok_or(BudgetError::None)?;
        self.budget_standing(account, budget).await
    }

    /// Sets the budget of an account, in minor units of its currency, in place of one
    /// before.
    ///
    /// # Errors
    /// When it is none, or the database refuses.
    pub async fn set_budget(
        &self,
        account: AccountId,
        amount_minor: i64,
        by: ByPerson<'_>,
    ) -> Result<(), BudgetError> {
        if !(1..=AMOUNT_MAX_MINOR).contains(&amount_minor) {
            return Err(BudgetError::Amount);
        }
        let now = self.clock.now();
        let mut tx = self.store.begin().await?;
        on!(&mut tx, conn, q => q::lock_account(conn, account).await)?;
        on!(&mut tx, conn, q => q::write_budget(conn, account, amount_minor, now).await)?;
        let subject = amount_minor.to_string();
        on!(&mut tx, conn, q => {
            q::write_audit(conn, account, by, "budget_set", now, Some(&subject), None).await
        })?;
        Ok(tx.commit().await?)
    }

    /// Removes the budget of an account.
    ///
    /// # Errors
    /// When it has none, or the database refuses.
    pub async fn remove_budget(
        &self,
        account: AccountId,
        by: ByPerson<'_>,
    ) -> Result<(), BudgetError> {
        let now = self.clock.now();
        let mut tx = self.store.begin().await?;
        on!(&mut tx, conn, q => q::lock_account(conn, account).await)?;
        if !on!(&mut tx, conn, q => q::delete_budget(conn, account).await)? {
            return Err(BudgetError::None);
        }
        on!(&mut tx, conn, q => {
            q::write_audit(conn, account, by, "budget_removed", now, None, None).await
        })?;
        Ok(tx.commit().await?)
    }

    /// Tells every customer that reached another part of its budget this month. What
    /// one of them meets does not stop the others.
    ///
    /// # Errors
    /// When the database refuses; what was told stands.
    pub async fn tell_of_budgets(&self) -> Result<BudgetsTold, StoreError> {
        let mut done = BudgetsTold::default();
        if self.config.mail.is_none() {
            return Ok(done);
        }
        let mut after = None;
        loop {
            let mut tx = self.store.snapshot().await?;
            let page = on!(&mut tx, conn, q => q::budgets_after(conn, after, PAGE).await)?;
            tx.rollback().await?;
            let Some((last, _)) = page.last() else {
                return Ok(done);
            };
            after = Some(*last);
            for (account, budget) in page {
                match self.tell_of_budget(account, budget).await {
                    Ok(true) => done.told = done.told.saturating_add(1),
                    Ok(false) => {}
                    Err(BudgetError::Store(error)) => return Err(error),
                    Err(error) => done.problems.push((account, error.to_string())),
                }
            }
        }
    }

    async fn tell_of_budget(
        &self,
        account: AccountId,
        budget: Budget,
    ) -> Result<bool, BudgetError> {
        let standing = self.budget_standing(account, budget).await?;
        let (period, spent_minor) = (standing.period, standing.spent_minor);
        if budget.due_percent(period, spent_minor).is_none() {
            return Ok(false);
        }
        let now = self.clock.now();
        let mut tx = self.store.begin().await?;
        on!(&mut tx, conn, q => q::lock_account(conn, account).await)?;
        // It may have been set anew meanwhile, or told.
        let current = on!(&mut tx, conn, q => q::budget_of(conn, account).await)?;
        let due = current.and_then(|current| current.due_percent(period, spent_minor));
        let (Some(current), Some(percent)) = (current, due) else {
            return Ok(false);
        };
        let set_at = on!(&mut tx, conn, q => {
            q::mark_budget_told(conn, account, period, percent).await
        })?;
        let notice = NewNotice {
            account,
            key: format!("budget:{period}:{percent}:{}", set_at.0),
            topic: Topic::BudgetReached,
            payload: json!({
                "period": period.to_string(), "percent": percent, "spent_minor": spent_minor,
                "budget_minor": current.amount_minor, "currency": standing.currency.code(),
            })
            .to_string(),
        };
        on!(&mut tx, conn, q => q::insert_notices(conn, &[notice], now).await)?;
        tx.commit().await?;
        Ok(true)
    }

    async fn budget_standing(
        &self,
        account: AccountId,
        budget: Budget,
    ) -> Result<BudgetStanding, BudgetError> {
        let estimate = self.estimate(account, Span::MonthSoFar).await?;
        let today = self.clock.today(self.config.zone());
        Ok(BudgetStanding {
            budget,
            currency: estimate.currency,
            period: PeriodKey::of(today).map_err(EstimateError::from)?,
            spent_minor: estimate.total_minor,
        })
    }
}
