//! Accounts on their way out. Whoever changes a deletion holds its account.

use super::decode::at;
use super::{Conn, Result};
use crate::domain::account::DeletionStep;
use crate::domain::calendar::{Instant, PeriodKey};
use crate::domain::deletion::{DeletionState, StepStanding};
use crate::domain::ids::AccountId;
use crate::domain::invoice::fingerprint::Digest;
use crate::domain::notice::DeletionCause;
use crate::store::rows::{NewLink, StoredDeletion};

/// Whether an account leaves: what its customer asked for is confirmed, or its data
/// is being deleted or gone.
///
/// # Errors
/// When the database refuses.
pub async fn is_leaving(conn: &mut Conn, account: AccountId) -> Result<bool> {
    let leaving: i64 = sqlx::query_scalar(
        "SELECT COUNT(*) FROM account_deletion \
         WHERE account_id = $1 AND state IN ('settling', 'erasing', 'done')",
    )
    .bind(account.0)
    .fetch_one(conn)
    .await?;
    Ok(leaving > 0)
}

/// Whether the data of an account is being deleted, or is gone.
///
/// # Errors
/// When the database refuses.
pub async fn is_being_erased(conn: &mut Conn, account: AccountId) -> Result<bool> {
    let erasing: i64 = sqlx::query_scalar(
        "SELECT COUNT(*) FROM account_deletion WHERE account_id = $1 AND state IN ('erasing', 'done')",
    )
    .bind(account.0)
    .fetch_one(conn)
    .await?;
    Ok(erasing > 0)
}

#[derive(sqlx::FromRow)]
struct DeletionRow {
    account_id: i64,
    external_id: String,
    no: i64,
    cause: String,
    state: String,
    token_until: Option<i64>,
    gives_up_credit: i16,
    final_period: Option<i32>,
    asked_at: i64,
    confirmed_at: Option<i64>,
    ended_at: Option<i64>,
}

const SELECT: &str = "SELECT d.account_id, a.external_id, d.no, d.cause, d.state, d.token_until, \
     d.gives_up_credit, d.final_period, d.asked_at, d.confirmed_at, d.ended_at FROM account_deletion d \
     JOIN account a ON a.id = d.account_id";

fn deletion_of(row: DeletionRow) -> Result<StoredDeletion> {
    let name = format!("{}/{}", row.account_id, row.no);
    let place = |column| at("account_deletion", column);
    Ok(StoredDeletion {
        account: AccountId(row.account_id),
        external_id: row.external_id,
        no: row.no,
        cause: DeletionCause::from_code(&row.cause)
            .ok_or_else(|| place("cause").refuse(&name, &row.cause))?,
        state: DeletionState::from_code(&row.state)
            .ok_or_else(|| place("state").refuse(&name, &row.state))?,
        link_until: row.token_until.map(Instant),
        gives_up_credit: row.gives_up_credit != 0,
        final_period: row
            .final_period
            .map(|period| place("final_period").period(&name, period))
            .transpose()?,
        asked_at: Instant(row.asked_at),
        confirmed_at: row.confirmed_at.map(Instant),
        ended_at: row.ended_at.map(Instant),
    })
}

/// The latest deletion of an account, whatever became of it.
///
/// # Errors
/// When the database refuses or holds nonsense.
pub async fn latest_deletion(
    conn: &mut Conn,
    account: AccountId,
) -> Result<Option<StoredDeletion>> {
    let sql = format!("{SELECT} WHERE d.account_id = $1 ORDER BY d.no DESC LIMIT 1");
    let row: Option<DeletionRow> = sqlx::query_as(sqlx::AssertSqlSafe(sql))
        .bind(account.0)
        .fetch_optional(conn)
        .await?;
    row.map(deletion_of).transpose()
}

/// A deletion by its number.
///
/// # Errors
/// When the database refuses or holds nonsense.
pub async fn find_deletion(
    conn: &mut Conn,
    account: AccountId,
    no: i64,
) -> Result<Option<StoredDeletion>> {
    let sql = format!("{SELECT} WHERE d.account_id = $1 AND d.no = $2");
    let row: Option<DeletionRow> = sqlx::query_as(sqlx::AssertSqlSafe(sql))
        .bind(account.0)
        .bind(no)
        .fetch_optional(conn)
        .await?;
    row.map(deletion_of).transpose()
}

/// The deletion that a link confirms.
///
/// # Errors
/// When the database refuses or holds nonsense.
pub async fn deletion_of_link(conn: &mut Conn, token: Digest) -> Result<Option<StoredDeletion>> {
    let sql = format!("{SELECT} WHERE d.token_digest = $1");
    let row: Option<DeletionRow> = sqlx::query_as(sqlx::AssertSqlSafe(sql))
        .bind(&token.0[..])
        .fetch_optional(conn)
        .await?;
    row.map(deletion_of).transpose()
}

/// The next deletions that are in a state, by account, after one of them.
///
/// # Errors
/// When the database refuses or holds nonsense.
pub async fn deletions_in(
    conn: &mut Conn,
    state: DeletionState,
    after: Option<AccountId>,
    limit: i64,
) -> Result<Vec<StoredDeletion>> {
    let sql =
        format!("{SELECT} WHERE d.state = $1 AND d.account_id > $2 ORDER BY d.account_id LIMIT $3");
    let rows: Vec<DeletionRow> = sqlx::query_as(sqlx::AssertSqlSafe(sql))
        .bind(state.code())
        .bind(after.map_or(i64::MIN, |after| after.0))
        .bind(limit)
        .fetch_all(conn)
        .await?;
    rows.into_iter().map(deletion_of).collect()
}

/// Withdraws what an account's customer asked for; whether there was anything.
///
/// # Errors
/// When the database refuses.
pub async fn withdraw_deletion(conn: &mut Conn, account: AccountId, now: Instant) -> Result<bool> {
    let withdrawn = sqlx::query(
        "UPDATE account_deletion SET state = 'withdrawn', ended_at = $2, token_digest = NULL, token_until = NULL \
         WHERE account_id = $1 AND state IN ('asked', 'settling')",
    )
    .bind(account.0)
    .bind(now.0)
    .execute(conn)
    .await?
    .rows_affected();
    Ok(withdrawn > 0)
}

/// Records that an account's customer asks for its deletion; its number.
///
/// # Errors
/// A unique violation when one is under way.
pub async fn insert_asked_deletion(
    conn: &mut Conn,
    account: AccountId,
    link: NewLink,
    gives_up_credit: bool,
    now: Instant,
) -> Result<i64> {
    Ok(sqlx::query_scalar(
        "INSERT INTO account_deletion (account_id, no, cause, state, token_digest, token_until, \
         gives_up_credit, asked_at) VALUES ($1, \
         (SELECT COALESCE(MAX(no), 0) + 1 FROM account_deletion WHERE account_id = $1), 'request', 'asked', \
         $2, $3, $4, $5) RETURNING no",
    )
    .bind(account.0)
    .bind(&link.digest.0[..])
    .bind(link.until.0)
    .bind(i16::from(gives_up_credit))
    .bind(now.0)
    .fetch_one(conn)
    .await?)
}

/// Gives a deletion that is not confirmed yet another link: the one before works no
/// more.
///
/// # Errors
/// When the database refuses.
pub async fn replace_link(
    conn: &mut Conn,
    account: AccountId,
    no: i64,
    link: NewLink,
    gives_up_credit: bool,
) -> Result<()> {
    sqlx::query(
        "UPDATE account_deletion SET token_digest = $3, token_until = $4, gives_up_credit = $5 \
         WHERE account_id = $1 AND no = $2 AND state = 'asked'",
    )
    .bind(account.0)
    .bind(no)
    .bind(&link.digest.0[..])
    .bind(link.until.0)
    .bind(i16::from(gives_up_credit))
    .execute(conn)
    .await?;
    Ok(())
}

/// Records that a deletion is confirmed: its link works no more. `final_period` is
/// the month whose outcome was made before its end.
///
/// # Errors
/// When the database refuses.
pub async fn begin_settling(
    conn: &mut Conn,
    account: AccountId,
    no: i64,
    final_period: PeriodKey,
    now: Instant,
) -> Result<()> {
    sqlx::query(
        "UPDATE account_deletion SET state = 'settling', token_digest = NULL, token_until = NULL, \
         final_period = $3, confirmed_at = $4 WHERE account_id = $1 AND no = $2 AND state = 'asked'",
    )
    .bind(account.0)
    .bind(no)
    .bind(final_period.to_number())
    .bind(now.0)
    .execute(conn)
    .await?;
    Ok(())
}

/// Moves a deletion on; one that ends does so now.
///
/// # Errors
/// When the database refuses.
pub async fn set_deletion_state(
    conn: &mut Conn,
    account: AccountId,
    no: i64,
    state: DeletionState,
    now: Instant,
) -> Result<()> {
    let ended_at = match state {
        DeletionState::Done | DeletionState::Withdrawn => Some(now.0),
        DeletionState::Asked | DeletionState::Settling | DeletionState::Erasing => None,
    };
    sqlx::query(
        "UPDATE account_deletion SET state = $3, ended_at = $4, token_digest = NULL, token_until = NULL \
         WHERE account_id = $1 AND no = $2",
    )
    .bind(account.0)
    .bind(no)
    .bind(state.code())
    .bind(ended_at)
    .execute(conn)
    .await?;
    Ok(())
}

/// Begins a deletion that nobody has to confirm any more; its number.
///
/// # Errors
/// A unique violation when one is under way.
pub async fn begin_deletion(
    conn: &mut Conn,
    account: AccountId,
    cause: DeletionCause,
    now: Instant,
) -> Result<i64> {
    Ok(sqlx::query_scalar(
        "INSERT INTO account_deletion (account_id, no, cause, state, asked_at, confirmed_at) VALUES ($1, \
         (SELECT COALESCE(MAX(no), 0) + 1 FROM account_deletion WHERE account_id = $1), $2, 'erasing', $3, $3) \
         RETURNING no",
    )
    .bind(account.0)
    .bind(cause.code())
    .bind(now.0)
    .fetch_one(conn)
    .await?)
}

/// Writes the steps of a deletion down, in their order.
///
/// # Errors
/// When the database refuses.
pub async fn insert_deletion_steps(conn: &mut Conn, account: AccountId, no: i64) -> Result<()> {
    for (position, step) in (1_i32..).zip(DeletionStep::ALL) {
        sqlx::query(
            "INSERT INTO account_deletion_step (account_id, no, position, step) VALUES ($1, $2, $3, $4)",
        )
        .bind(account.0)
        .bind(no)
        .bind(position)
        .bind(step.code())
        .execute(&mut *conn)
        .await?;
    }
    Ok(())
}

/// The steps of a deletion, in their order.
///
/// # Errors
/// When the database refuses or holds nonsense.
pub async fn deletion_steps(
    conn: &mut Conn,
    account: AccountId,
    no: i64,
) -> Result<Vec<StepStanding>> {
    let rows: Vec<(String, Option<i64>, Option<i64>)> = sqlx::query_as(
        "SELECT step, asked_at, confirmed_at FROM account_deletion_step \
         WHERE account_id = $1 AND no = $2 ORDER BY position",
    )
    .bind(account.0)
    .bind(no)
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|(step, asked_at, confirmed_at)| {
            let known = DeletionStep::from_code(&step);
            Ok(StepStanding {
                step: known
                    .ok_or_else(|| at("account_deletion_step", "step").refuse(account, &step))?,
                asked_at: asked_at.map(Instant),
                confirmed_at: confirmed_at.map(Instant),
            })
        })
        .collect()
}

/// Records that the platform is asked for a step.
///
/// # Errors
/// When the database refuses.
pub async fn mark_step_asked(
    conn: &mut Conn,
    account: AccountId,
    no: i64,
    step: DeletionStep,
    now: Instant,
) -> Result<()> {
    sqlx::query(
        "UPDATE account_deletion_step SET asked_at = $4 \
         WHERE account_id = $1 AND no = $2 AND step = $3 AND asked_at IS NULL",
    )
    .bind(account.0)
    .bind(no)
    .bind(step.code())
    .bind(now.0)
    .execute(conn)
    .await?;
    Ok(())
}

/// Records that the platform did a step. The first time stays, and a clock behind
/// that of the host which asked must not put it before.
///
/// # Errors
/// When the database refuses.
pub async fn mark_step_confirmed(
    conn: &mut Conn,
    account: AccountId,
    no: i64,
    step: DeletionStep,
    now: Instant,
) -> Result<()> {
    sqlx::query(
        "UPDATE account_deletion_step SET confirmed_at = CASE WHEN $4 < asked_at THEN asked_at ELSE $4 END \
         WHERE account_id = $1 AND no = $2 AND step = $3 AND asked_at IS NOT NULL AND confirmed_at IS NULL",
    )
    .bind(account.0)
    .bind(no)
    .bind(step.code())
    .bind(now.0)
    .execute(conn)
    .await?;
    Ok(())
}

/// The months that were billed for one account before their end and have no run
/// yet: usage of them that is told now is late.
///
/// # Errors
/// When the database refuses or holds nonsense.
pub async fn final_periods_without_run(conn: &mut Conn) -> Result<Vec<(AccountId, PeriodKey)>> {
    let rows: Vec<(i64, i32)> = sqlx::query_as(
        "SELECT DISTINCT d.account_id, d.final_period FROM account_deletion d \
         LEFT JOIN billing_run r ON r.period = d.final_period \
         WHERE d.final_period IS NOT NULL AND r.id IS NULL ORDER BY d.account_id, d.final_period",
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|(account, period)| {
            let period = at("account_deletion", "final_period").period(account, period)?;
            Ok((AccountId(account), period))
        })
        .collect()
}
