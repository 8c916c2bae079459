//! Vouchers and discounts.

use rust_decimal::Decimal;

use super::decode::at;
use super::{Conn, KeyedTable, Result, dialect, next_id};
use crate::domain::calendar::PeriodKey;
use crate::domain::ids::{AccountId, AllowanceId};
use crate::domain::invoice::{Allowance, AllowanceValue};
use crate::store::StoreError;
use crate::store::rows::{GrantedAllowance, RunRange};

/// The allowances of a range of accounts, in the order of granting, with what
/// is left of each voucher before `period`'s invoice.
///
/// # Errors
/// When the database refuses or holds nonsense.
pub async fn allowances(
    conn: &mut Conn,
    range: RunRange,
    period: PeriodKey,
) -> Result<Vec<GrantedAllowance>> {
    type Row = (
        i64,
        i64,
        String,
        Option<String>,
        Option<i64>,
        i32,
        Option<i32>,
        i64,
    );
    let rows: Vec<Row> = sqlx::query_as(
        "SELECT w.account_id, w.id, w.label, w.percent, w.amount_minor, w.valid_from, w.valid_until, \
         (SELECT CAST(COALESCE(SUM(l.amount_minor), 0) AS BIGINT) FROM invoice_line l \
         WHERE l.account_id = w.account_id AND l.allowance_id = w.id AND l.period <> $3) \
         FROM allowance w WHERE w.account_id >= $1 AND w.account_id <= $2 ORDER BY w.account_id, w.id",
    )
    .bind(range.from.0)
    .bind(range.to.0)
    .bind(period.to_number())
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|(account, id, label, percent, amount, from, until, used)| {
            let value = match (percent, amount) {
                (Some(percent), None) => AllowanceValue::Percent(
                    at("allowance", "percent").parse::<Decimal>(id, &percent)?,
                ),
                (None, Some(amount)) => AllowanceValue::Amount {
                    // What was used stands as negative lines.
                    remaining_minor: amount.saturating_add(used),
                },
                _ => return Err(at("allowance", "percent").refuse(id, "both or neither")),
            };
            let valid_until = until
                .map(|until| at("allowance", "valid_until").period(id, until))
                .transpose()?;
            Ok(GrantedAllowance {
                account: AccountId(account),
                label,
                allowance: Allowance {
                    id: AllowanceId(id),
                    value,
                    valid_from: at("allowance", "valid_from").period(id, from)?,
                    valid_until,
                },
            })
        })
        .collect()
}

/// Makes sure, after a batch's lines are written, that an allowance was not
/// taken off beyond its worth together with an invoice of another period.
///
/// # Errors
/// [`StoreError::Raced`] when it was.
pub async fn check_not_overdrawn(
    conn: &mut Conn,
    account: AccountId,
    allowance: AllowanceId,
) -> Result<()> {
    // Whoever comes second waits here, and then sees the lines of the first.
    sqlx::query(dialect::LOCK_ALLOWANCE)
        .bind(account.0)
        .bind(allowance.0)
        .execute(&mut *conn)
        .await?;
    let overdrawn: i64 = sqlx::query_scalar(
        "SELECT COUNT(*) FROM allowance w WHERE w.account_id = $1 AND w.id = $2 AND w.amount_minor + \
         (SELECT COALESCE(SUM(l.amount_minor), 0) FROM invoice_line l \
         WHERE l.account_id = w.account_id AND l.allowance_id = w.id) < 0",
    )
    .bind(account.0)
    .bind(allowance.0)
    .fetch_one(conn)
    .await?;
    if overdrawn == 0 {
        Ok(())
    } else {
        Err(StoreError::Raced("a voucher"))
    }
}

/// Grants an allowance. The caller holds the gate.
///
/// # Errors
/// When the database refuses.
pub async fn grant_allowance(
    conn: &mut Conn,
    account: AccountId,
    label: &str,
    value: AllowanceValue,
    valid_from: PeriodKey,
    valid_until: Option<PeriodKey>,
) -> Result<AllowanceId> {
    let id = next_id(&mut *conn, KeyedTable::Allowance).await?;
    let (percent, amount) = match value {
        AllowanceValue::Percent(percent) => (Some(percent.normalize().to_string()), None),
        AllowanceValue::Amount { remaining_minor } => (None, Some(remaining_minor)),
    };
    sqlx::query(
        "INSERT INTO allowance (account_id, id, label, percent, amount_minor, valid_from, valid_until) \
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
    )
    .bind(account.0)
    .bind(id)
    .bind(label)
    .bind(percent)
    .bind(amount)
    .bind(valid_from.to_number())
    .bind(valid_until.map(PeriodKey::to_number))
    .execute(conn)
    .await?;
    Ok(AllowanceId(id))
}
