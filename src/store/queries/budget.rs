//! What customers mean to spend in a month. Whoever changes it holds the account.

use super::decode::at;
use super::{Conn, Result};
use crate::domain::budget::Budget;
use crate::domain::calendar::{Instant, PeriodKey};
use crate::domain::ids::AccountId;

type BudgetRow = (i64, i64, Option<i32>, Option<i16>);

fn budget_of_row(row: BudgetRow) -> Result<(AccountId, Budget)> {
    let (account, amount_minor, told_period, told_percent) = row;
    let told = match (told_period, told_percent) {
        (Some(period), Some(percent)) => {
            let place = at("account_budget", "told_period");
            Some((place.period(account, period)?, percent))
        }
        _ => None,
    };
    Ok((AccountId(account), Budget { amount_minor, told }))
}

/// The budget of an account, where it has one.
///
/// # Errors
/// When the database refuses or holds nonsense.
pub async fn budget_of(conn: &mut Conn, account: AccountId) -> Result<Option<Budget>> {
    let row: Option<BudgetRow> = sqlx::query_as(
        "SELECT account_id, amount_minor, told_period, told_percent FROM account_budget WHERE account_id = $1",
    )
    .bind(account.0)
    .fetch_optional(conn)
    .await?;
    Ok(row
        .map(budget_of_row)
        .transpose()?
        .map(|(_, budget)| budget))
}

/// The next budgets after that of an account, of those that are not on their way out.
///
/// # Errors
/// When the database refuses or holds nonsense.
pub async fn budgets_after(
    conn: &mut Conn,
    after: Option<AccountId>,
    limit: i64,
) -> Result<Vec<(AccountId, Budget)>> {
    let rows: Vec<BudgetRow> = sqlx::query_as(
        "SELECT b.account_id, b.amount_minor, b.told_period, b.told_percent FROM account_budget b \
         WHERE b.account_id > $1 AND NOT EXISTS (SELECT 1 FROM account_deletion d \
         WHERE d.account_id = b.account_id AND d.state IN ('settling', 'erasing', 'done')) \
         ORDER BY b.account_id LIMIT $2",
    )
    .bind(after.map_or(i64::MIN, |account| account.0))
    .bind(limit)
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(budget_of_row).collect()
}

/// Sets the budget of an account; what was told of another before is forgotten.
///
/// # Errors
/// When the database refuses.
pub async fn write_budget(
    conn: &mut Conn,
    account: AccountId,
    amount_minor: i64,
    now: Instant,
) -> Result<()> {
    sqlx::query(
        "INSERT INTO account_budget (account_id, amount_minor, set_at) VALUES ($1, $2, $3) \
         ON CONFLICT (account_id) DO UPDATE SET amount_minor = $2, set_at = $3, told_period = NULL, \
         told_percent = NULL",
    )
    .bind(account.0)
    .bind(amount_minor)
    .bind(now.0)
    .execute(conn)
    .await?;
    Ok(())
}

/// Removes the budget of an account; whether it had one.
///
/// # Errors
/// When the database refuses.
pub async fn delete_budget(conn: &mut Conn, account: AccountId) -> Result<bool> {
    let deleted = sqlx::query("DELETE FROM account_budget WHERE account_id = $1")
        .bind(account.0)
        .execute(conn)
        .await?;
    Ok(deleted.rows_affected() > 0)
}

/// Notes which part of a budget is told in a month. When the budget was set: each one
/// that is set is told of by itself.
///
/// # Errors
/// When the database refuses.
pub async fn mark_budget_told(
    conn: &mut Conn,
    account: AccountId,
    period: PeriodKey,
    percent: i16,
) -> Result<Instant> {
    let set_at: i64 = sqlx::query_scalar(
        "UPDATE account_budget SET told_period = $2, told_percent = $3 WHERE account_id = $1 RETURNING set_at",
    )
    .bind(account.0)
    .bind(period.to_number())
    .bind(percent)
    .fetch_one(conn)
    .await?;
    Ok(Instant(set_at))
}
