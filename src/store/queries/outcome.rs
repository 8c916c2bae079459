//! How what moves money stands, as its columns hold it: the same in attempts,
//! purchases and refunds.

use std::fmt::Display;

use super::decode::at;
use super::{Conn, Result};
use crate::domain::calendar::Instant;
use crate::domain::ids::AccountId;
use crate::domain::payment::{AttemptState, Decline, DeclineClass};
use crate::store::StoreError;

/// The columns of a state.
pub struct StateColumns {
    pub state: String,
    pub decline_code: Option<String>,
    pub decline_class: Option<String>,
    pub decline_known: Option<i16>,
}

impl StateColumns {
    /// # Errors
    /// When they hold what no version writes.
    pub fn read(self, table: &'static str, row: impl Display) -> Result<AttemptState> {
        let refusal = match (self.decline_code, self.decline_class, self.decline_known) {
            (Some(code), Some(class), Some(known)) => Some(Decline {
                class: DeclineClass::from_code(&class)
                    .ok_or_else(|| at(table, "decline_class").refuse(&row, &class))?,
                known: known != 0,
                code,
            }),
            (None, None, None) => None,
            _ => return Err(at(table, "decline_code").refuse(&row, "a part of a decline")),
        };
        AttemptState::from_parts(&self.state, refusal)
            .ok_or_else(|| at(table, "state").refuse(&row, &self.state))
    }
}

/// A row that was the first state and is the second now.
pub struct Decided<'a> {
    pub table: &'static str,
    /// As an error names a row of it.
    pub what: &'static str,
    pub account: AccountId,
    pub id: &'a str,
    pub states: (&'a AttemptState, &'a AttemptState),
    /// Whether the row may hold what its provider said that nobody could book; that
    /// is answered now.
    pub has_problem: bool,
    /// What the provider calls it, where that is told. It is called so for good.
    pub provider_reference: Option<&'a str>,
    pub now: Instant,
}

/// Records what became of it. A clock behind that of the host which made it must
/// not keep an outcome from being recorded.
///
/// # Errors
/// [`StoreError::Raced`] when it is in another state by now, or is called
/// otherwise.
pub async fn decide(conn: &mut Conn, decided: Decided<'_>) -> Result<()> {
    let (before, after) = decided.states;
    let refusal = after.refusal();
    let decided_at = (!after.in_flight()).then_some(decided.now.0);
    let sql = format!(
        "UPDATE {} SET state = $4, decline_code = $5, decline_class = $6, decline_known = $7, \
         decided_at = CASE WHEN $8 < created_at THEN created_at ELSE $8 END, \
         provider_reference = COALESCE(provider_reference, $9){} \
         WHERE account_id = $1 AND id = $2 AND state = $3 \
         AND (provider_reference IS NULL OR provider_reference = COALESCE($9, provider_reference))",
        decided.table,
        if decided.has_problem {
            ", problem = NULL"
        } else {
            ""
        }
    );
    let changed = sqlx::query(sqlx::AssertSqlSafe(sql))
        .bind(decided.account.0)
        .bind(decided.id)
        .bind(before.code())
        .bind(after.code())
        .bind(refusal.map(|refusal| refusal.code.as_str()))
        .bind(refusal.map(|refusal| refusal.class.code()))
        .bind(refusal.map(|refusal| i16::from(refusal.known)))
        .bind(decided_at)
        .bind(decided.provider_reference)
        .execute(conn)
        .await?
        .rows_affected();
    if changed == 1 {
        Ok(())
    } else {
        Err(StoreError::Raced(decided.what))
    }
}
