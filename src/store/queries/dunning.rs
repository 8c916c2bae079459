//! Accounts that do not pay: whom a round of dunning looks at, and what was done.

use std::collections::HashMap;

use chrono::NaiveDate;
use sqlx::QueryBuilder;

use super::decode::at;
use super::{Conn, Db, ROWS_PER_INSERT, Result};
use crate::domain::calendar::Instant;
use crate::domain::dunning::{Step, TakenStep};
use crate::domain::ids::AccountId;
use crate::store::rows::{
    AccountStanding, InvoiceKey, NewStep, StoredStep, Suspension, SuspensionCause,
};

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
    let ids: Vec<i64> = sqlx::query_scalar(
        "SELECT DISTINCT account_id FROM invoice i WHERE account_id > $1 AND due_on <= $2 AND total_minor > \
         (SELECT CAST(COALESCE(-SUM(p.amount_minor), 0) AS BIGINT) FROM ledger_entry e \
         JOIN ledger_posting p ON p.account_id = e.account_id AND p.entry_id = e.id \
         AND p.ledger_account = 'receivable' WHERE e.account_id = i.account_id AND e.period = i.period \
         AND e.kind = i.kind) ORDER BY account_id LIMIT $3",
    )
    .bind(after.map_or(i64::MIN, |after| after.0))
    .bind(due_by.to_string())
    .bind(limit)
    .fetch_all(conn)
    .await?;
    Ok(ids.into_iter().map(AccountId).collect())
}

/// The steps that were taken for the invoices of accounts, from the first to the
/// last of them.
///
/// # Errors
/// When the database refuses or holds nonsense.
pub async fn taken_steps(
    conn: &mut Conn,
    (first, last): (AccountId, AccountId),
) -> Result<Vec<StoredStep>> {
    let rows: Vec<(i64, i32, i16, i32, String, String)> = sqlx::query_as(
        "SELECT account_id, period, kind, round, step, taken_on FROM dunning_step \
         WHERE account_id >= $1 AND account_id <= $2 ORDER BY account_id, period, kind, round, taken_at",
    )
    .bind(first.0)
    .bind(last.0)
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

/// Every suspension of accounts, from the first to the last of them, in order.
///
/// # Errors
/// When the database refuses or holds nonsense.
pub async fn suspensions(
    conn: &mut Conn,
    (first, last): (AccountId, AccountId),
) -> Result<Vec<Suspension>> {
    type Row = (i64, i64, String, Option<i32>, Option<i16>, i64, Option<i64>);
    let rows: Vec<Row> = sqlx::query_as(
        "SELECT account_id, no, cause, period, kind, suspended_at, restored_at FROM account_suspension \
         WHERE account_id >= $1 AND account_id <= $2 ORDER BY account_id, no",
    )
    .bind(first.0)
    .bind(last.0)
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
    let mut all = Vec::new();
    for chunk in accounts.chunks(ROWS_PER_INSERT) {
        let mut query = QueryBuilder::<Db>::new(
            "SELECT account_id, no, cause, period, kind, suspended_at, restored_at FROM account_suspension \
             WHERE cause = 'unpaid' AND restored_at IS NULL AND account_id IN (",
        );
        let mut list = query.separated(", ");
        for account in chunk {
            list.push_bind(account.0);
        }
        query.push(") ORDER BY account_id");
        let rows: Vec<Row> = query.build_query_as().fetch_all(&mut *conn).await?;
        for row in rows {
            all.push(suspension_of(row)?);
        }
    }
    Ok(all)
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

/// How accounts stand besides, from the first to the last of them; those of which
/// nothing is to be said are left away.
///
/// # Errors
/// When the database refuses or holds nonsense.
pub async fn standings(
    conn: &mut Conn,
    (first, last): (AccountId, AccountId),
) -> Result<HashMap<AccountId, AccountStanding>> {
    let mut standings: HashMap<AccountId, AccountStanding> = HashMap::new();
    let holds: Vec<(i64, String)> = sqlx::query_as(
        "SELECT account_id, until_on FROM dunning_hold \
         WHERE account_id >= $1 AND account_id <= $2 AND lifted_at IS NULL",
    )
    .bind(first.0)
    .bind(last.0)
    .fetch_all(&mut *conn)
    .await?;
    for (account, until_on) in holds {
        let until: NaiveDate = at("dunning_hold", "until_on").parse(account, &until_on)?;
        standings.entry(AccountId(account)).or_default().held_until = Some(until);
    }
    let flagged: Vec<(i64, i32)> = sqlx::query_as(
        "SELECT id, 1 FROM account WHERE id >= $1 AND id <= $2 AND has_health_data = 1 \
         UNION ALL SELECT account_id, 2 FROM account_deletion \
         WHERE account_id >= $1 AND account_id <= $2 AND state = 'erasing' \
         UNION ALL SELECT DISTINCT account_id, 3 FROM outbox WHERE account_id >= $1 AND account_id <= $2 \
         AND channel = 'mail' AND state = 'waiting' AND topic IN ('suspension_warning', 'deletion_warning')",
    )
    .bind(first.0)
    .bind(last.0)
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

/// The rounds in which a person approved a deletion, for accounts from the first
/// to the last.
///
/// # Errors
/// When the database refuses or holds nonsense.
pub async fn deletion_approvals(
    conn: &mut Conn,
    (first, last): (AccountId, AccountId),
) -> Result<Vec<(InvoiceKey, i32)>> {
    let rows: Vec<(i64, i32, i16, i32)> = sqlx::query_as(
        "SELECT account_id, period, kind, round FROM deletion_approval \
         WHERE account_id >= $1 AND account_id <= $2",
    )
    .bind(first.0)
    .bind(last.0)
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
