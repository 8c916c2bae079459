//! Accounts that do not pay: whom a round of dunning looks at, and what was done.

use std::collections::HashMap;

use chrono::NaiveDate;
use sqlx::QueryBuilder;

use super::decode::at;
use super::{Conn, Db, ROWS_PER_INSERT, Result, bulk};
use crate::domain::calendar::Instant;
use crate::domain::dunning::{Step, TakenStep};
use crate::domain::ids::AccountId;
use crate::store::rows::{
    AccountStanding, InvoiceKey, NewStep, StoredStep, Suspension, SuspensionCause,
};

/// The query of [`accounts_overdue`].
#[must_use]
pub const fn accounts_overdue_sql() -> &'static str {
    "SELECT DISTINCT o.account_id FROM open_invoice o JOIN invoice i ON i.account_id = o.account_id \
     AND i.period = o.period AND i.kind = o.kind WHERE o.account_id > $1 AND i.account_id > $1 AND i.due_on <= $2 \
     ORDER BY o.account_id LIMIT $3"
}

/// The next accounts that owe something since a day or longer, after one of them.
///
/// # Errors
/// When the database refuses.
pub async fn accounts_overdue(
    conn: &mut Conn,
    due_by: NaiveDate,
    after: Option<AccountId>,
    limit: i64,
) -> Result<Vec<AccountId>> {
    let ids: Vec<i64> = sqlx::query_scalar(accounts_overdue_sql())
        .bind(after.map_or(i64::MIN, |after| after.0))
        .bind(due_by.to_string())
        .bind(limit)
        .fetch_all(conn)
        .await?;
    Ok(ids.into_iter().map(AccountId).collect())
}

/// The steps that were taken for the invoices of accounts.
///
/// # Errors
/// When the database refuses or holds nonsense.
pub async fn taken_steps(conn: &mut Conn, accounts: &[AccountId]) -> Result<Vec<StoredStep>> {
    let sql = format!(
        "SELECT s.account_id, s.period, s.kind, s.round, s.step, s.taken_on FROM {} \
         JOIN dunning_step s ON s.account_id = k.id ORDER BY s.account_id, s.period, s.kind, s.round, s.taken_at",
        bulk::EACH_ACCOUNT
    );
    let sql = sqlx::AssertSqlSafe(sql);
    let rows: Vec<(i64, i32, i16, i32, String, String)> = sqlx::query_as(sql)
        .bind(bulk::accounts(accounts))
        .fetch_all(conn)
        .await?;
    rows.into_iter()
        .map(|(account, period, kind, round, step, on)| {
            let invoice = InvoiceKey {
                account: AccountId(account),
                period: at("dunning_step", "period").period(account, period)?,
                kind,
            };
            let known = Step::from_code(&step);
            Ok(StoredStep {
                invoice,
                round,
                taken: TakenStep {
                    step: known.ok_or_else(|| at("dunning_step", "step").refuse(account, &step))?,
                    on: at("dunning_step", "taken_on").parse(account, &on)?,
                },
            })
        })
        .collect()
}

/// Records steps; each happens once.
///
/// # Errors
/// A unique violation when one was taken before.
pub async fn insert_steps(conn: &mut Conn, steps: &[NewStep], now: Instant) -> Result<()> {
    for chunk in steps.chunks(ROWS_PER_INSERT) {
        let mut query = QueryBuilder::<Db>::new(
            "INSERT INTO dunning_step (account_id, period, kind, round, step, taken_on, taken_at) ",
        );
        query.push_values(chunk, |mut values, new| {
            values
                .push_bind(new.invoice.account.0)
                .push_bind(new.invoice.period.to_number())
                .push_bind(new.invoice.kind)
                .push_bind(new.round)
                .push_bind(new.step.code())
                .push_bind(new.on.to_string())
                .push_bind(now.0);
        });
        query.build().execute(&mut *conn).await?;
    }
    Ok(())
}

/// Every suspension of accounts, in order.
///
/// # Errors
/// When the database refuses or holds nonsense.
pub async fn suspensions(conn: &mut Conn, accounts: &[AccountId]) -> Result<Vec<Suspension>> {
    type Row = (i64, i64, String, Option<i32>, Option<i16>, i64, Option<i64>);
    let sql = format!(
        "SELECT s.account_id, s.no, s.cause, s.period, s.kind, s.suspended_at, s.restored_at FROM {} \
         JOIN account_suspension s ON s.account_id = k.id ORDER BY s.account_id, s.no",
        bulk::EACH_ACCOUNT
    );
    let rows: Vec<Row> = sqlx::query_as(sqlx::AssertSqlSafe(sql))
        .bind(bulk::accounts(accounts))
        .fetch_all(conn)
        .await?;
    rows.into_iter().map(suspension_of).collect()
}

fn suspension_of(
    (account, no, cause, period, kind, suspended_at, restored_at): (
        i64,
        i64,
        String,
        Option<i32>,
        Option<i16>,
        i64,
        Option<i64>,
    ),
) -> Result<Suspension> {
    let cause = match (cause.as_str(), period, kind) {
        ("unpaid", Some(period), Some(kind)) => SuspensionCause::Unpaid(InvoiceKey {
            account: AccountId(account),
            period: at("account_suspension", "period").period(account, period)?,
            kind,
        }),
        ("staff", None, None) => SuspensionCause::Staff,
        _ => return Err(at("account_suspension", "cause").refuse(account, cause)),
    };
    Ok(Suspension {
        account: AccountId(account),
        no,
        cause,
        suspended_at: Instant(suspended_at),
        restored_at: restored_at.map(Instant),
    })
}

/// Suspends an account that the caller holds; the suspension's number.
///
/// # Errors
/// A unique violation when it is suspended for the same cause already.
pub async fn insert_suspension(
    conn: &mut Conn,
    account: AccountId,
    cause: SuspensionCause,
    now: Instant,
) -> Result<i64> {
    let invoice = match cause {
        SuspensionCause::Unpaid(invoice) => Some(invoice),
        SuspensionCause::Staff => None,
    };
    Ok(sqlx::query_scalar(
        "INSERT INTO account_suspension (account_id, no, cause, period, kind, suspended_at) VALUES ($1, \
         (SELECT COALESCE(MAX(no), 0) + 1 FROM account_suspension WHERE account_id = $1), $2, $3, $4, $5) \
         RETURNING no",
    )
    .bind(account.0)
    .bind(cause.code())
    .bind(invoice.map(|invoice| invoice.period.to_number()))
    .bind(invoice.map(|invoice| invoice.kind))
    .bind(now.0)
    .fetch_one(conn)
    .await?)
}

/// Ends a suspension. A clock behind that of the host which suspended must not
/// keep it from ending.
///
/// # Errors
/// When the database refuses.
pub async fn end_suspension(
    conn: &mut Conn,
    account: AccountId,
    no: i64,
    now: Instant,
) -> Result<()> {
    sqlx::query(
        "UPDATE account_suspension SET restored_at = CASE WHEN $3 < suspended_at THEN suspended_at ELSE $3 END \
         WHERE account_id = $1 AND no = $2 AND restored_at IS NULL",
    )
    .bind(account.0)
    .bind(no)
    .bind(now.0)
    .execute(conn)
    .await?;
    Ok(())
}

/// Who of these accounts is suspended for a debt: a quick look, for whoever books
/// money.
///
/// # Errors
/// When the database refuses or holds nonsense.
pub async fn suspended_for_debt(
    conn: &mut Conn,
    accounts: &[AccountId],
) -> Result<Vec<Suspension>> {
    type Row = (i64, i64, String, Option<i32>, Option<i16>, i64, Option<i64>);
    let sql = format!(
        "SELECT s.account_id, s.no, s.cause, s.period, s.kind, s.suspended_at, s.restored_at FROM {} \
         JOIN account_suspension s ON s.account_id = k.id AND s.cause = 'unpaid' AND s.restored_at IS NULL",
        bulk::EACH_ACCOUNT
    );
    let rows: Vec<Row> = sqlx::query_as(sqlx::AssertSqlSafe(sql))
        .bind(bulk::accounts(accounts))
        .fetch_all(conn)
        .await?;
    rows.into_iter().map(suspension_of).collect()
}

/// The next accounts after one of them that are suspended for a debt.
///
/// # Errors
/// When the database refuses.
pub async fn accounts_suspended_for_debt(
    conn: &mut Conn,
    after: Option<AccountId>,
    limit: i64,
) -> Result<Vec<AccountId>> {
    let accounts: Vec<i64> = sqlx::query_scalar(
        "SELECT account_id FROM account_suspension WHERE cause = 'unpaid' AND restored_at IS NULL \
         AND account_id > $1 ORDER BY account_id LIMIT $2",
    )
    .bind(after.map_or(i64::MIN, |account| account.0))
    .bind(limit)
    .fetch_all(conn)
    .await?;
    Ok(accounts.into_iter().map(AccountId).collect())
}

/// Whether an account has a suspension, of any cause, that is not ended.
///
/// # Errors
/// When the database refuses.
pub async fn is_suspended(conn: &mut Conn, account: AccountId) -> Result<bool> {
    let open: i64 = sqlx::query_scalar(
        "SELECT COUNT(*) FROM account_suspension WHERE account_id = $1 AND restored_at IS NULL",
    )
    .bind(account.0)
    .fetch_one(conn)
    .await?;
    Ok(open > 0)
}

/// How accounts stand besides; those of which nothing is to be said are left away.
///
/// # Errors
/// When the database refuses or holds nonsense.
pub async fn standings(
    conn: &mut Conn,
    accounts: &[AccountId],
) -> Result<HashMap<AccountId, AccountStanding>> {
    let mut standings: HashMap<AccountId, AccountStanding> = HashMap::new();
    let each = bulk::EACH_ACCOUNT;
    let sql = format!(
        "SELECT h.account_id, h.until_on FROM {each} \
         JOIN dunning_hold h ON h.account_id = k.id AND h.lifted_at IS NULL"
    );
    let holds: Vec<(i64, String)> = sqlx::query_as(sqlx::AssertSqlSafe(sql))
        .bind(bulk::accounts(accounts))
        .fetch_all(&mut *conn)
        .await?;
    for (account, until_on) in holds {
        let until: NaiveDate = at("dunning_hold", "until_on").parse(account, &until_on)?;
        standings.entry(AccountId(account)).or_default().held_until = Some(until);
    }
    let sql = format!(
        "SELECT a.id, 1 FROM {each} JOIN account a ON a.id = k.id AND a.has_health_data = 1 \
         UNION ALL SELECT d.account_id, 2 FROM {each} JOIN account_deletion d ON d.account_id = k.id \
         AND d.state IN ('erasing', 'done') \
         UNION ALL SELECT DISTINCT o.account_id, 3 FROM {each} JOIN outbox o ON o.account_id = k.id \
         AND o.channel = 'mail' AND o.state = 'waiting' \
         AND o.topic IN ('suspension_warning', 'deletion_warning')"
    );
    let flagged: Vec<(i64, i32)> = sqlx::query_as(sqlx::AssertSqlSafe(sql))
        .bind(bulk::accounts(accounts))
        .fetch_all(&mut *conn)
        .await?;
    for (account, flag) in flagged {
        let standing = standings.entry(AccountId(account)).or_default();
        match flag {
            1 => standing.has_health_data = true,
            2 => standing.is_leaving = true,
            _ => standing.warning_unsent = true,
        }
    }
    Ok(standings)
}

/// The rounds in which a person approved a deletion of one of these accounts.
///
/// # Errors
/// When the database refuses or holds nonsense.
pub async fn deletion_approvals(
    conn: &mut Conn,
    accounts: &[AccountId],
) -> Result<Vec<(InvoiceKey, i32)>> {
    let sql = format!(
        "SELECT d.account_id, d.period, d.kind, d.round FROM {} \
         JOIN deletion_approval d ON d.account_id = k.id",
        bulk::EACH_ACCOUNT
    );
    let rows: Vec<(i64, i32, i16, i32)> = sqlx::query_as(sqlx::AssertSqlSafe(sql))
        .bind(bulk::accounts(accounts))
        .fetch_all(conn)
        .await?;
    rows.into_iter()
        .map(|(account, period, kind, round)| {
            let invoice = InvoiceKey {
                account: AccountId(account),
                period: at("deletion_approval", "period").period(account, period)?,
                kind,
            };
            Ok((invoice, round))
        })
        .collect()
}

/// Records that a person approved the deletion; whether it was not before.
///
/// # Errors
/// When the database refuses.
pub async fn approve_deletion(
    conn: &mut Conn,
    invoice: InvoiceKey,
    round: i32,
    now: Instant,
) -> Result<bool> {
    let written = sqlx::query(
        "INSERT INTO deletion_approval (account_id, period, kind, round, approved_at) \
         VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING",
    )
    .bind(invoice.account.0)
    .bind(invoice.period.to_number())
    .bind(invoice.kind)
    .bind(round)
    .bind(now.0)
    .execute(conn)
    .await?
    .rows_affected();
    Ok(written == 1)
}

/// Holds the steps of an account until a day, instead of any hold before it. The
/// caller holds the account.
///
/// # Errors
/// When the database refuses.
pub async fn place_hold(
    conn: &mut Conn,
    account: AccountId,
    until: NaiveDate,
    now: Instant,
) -> Result<()> {
    lift_hold(conn, account, now).await?;
    sqlx::query(
        "INSERT INTO dunning_hold (account_id, no, until_on, placed_at) VALUES ($1, \
         (SELECT COALESCE(MAX(no), 0) + 1 FROM dunning_hold WHERE account_id = $1), $2, $3)",
    )
    .bind(account.0)
    .bind(until.to_string())
    .bind(now.0)
    .execute(conn)
    .await?;
    Ok(())
}

/// Lifts the hold of an account; whether there was one.
///
/// # Errors
/// When the database refuses.
pub async fn lift_hold(conn: &mut Conn, account: AccountId, now: Instant) -> Result<bool> {
    let lifted = sqlx::query(
        "UPDATE dunning_hold SET lifted_at = $2 WHERE account_id = $1 AND lifted_at IS NULL",
    )
    .bind(account.0)
    .bind(now.0)
    .execute(conn)
    .await?
    .rows_affected();
    Ok(lifted > 0)
}
