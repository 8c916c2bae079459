//! What the bank's answers read and write by the thousand, as arrays.

use super::queries::Conn;
use crate::domain::calendar::Instant;
use crate::domain::ids::{AccountId, AttemptId, PaymentMethodId};
use crate::store::rows::{
    AttemptChange, FactKey, FileDigest, HardDecline, KeyedEntry, NewBankFact, NewNotice,
};

/// The ids of attempts, as one parameter.
#[must_use]
pub fn ids(ids: &[AttemptId]) -> Vec<String> {
    ids.iter().map(ToString::to_string).collect()
}

/// The keys of facts, as one parameter.
#[must_use]
pub fn keys(keys: &[FactKey]) -> Vec<Vec<u8>> {
    keys.iter().map(|key| key.to_vec()).collect()
}

/// The rows of the parameter `$1` made by [`ids`]: `k.id`.
pub const EACH_ID: &str = "(SELECT u.id COLLATE \"C\" AS id FROM UNNEST($1::text[]) AS u (id)) k";
/// The rows of the parameter `$1` made by [`keys`]: `k.key`.
pub const EACH_KEY: &str = "UNNEST($1::bytea[]) AS k (key)";

/// One import at a time: the facts of two files meet in any order, and locks
/// taken in any order deadlock. Readers are not held up.
pub const HOLD_BANK_FILES: &str = "LOCK TABLE bank_file IN SHARE ROW EXCLUSIVE MODE";

/// Until the end of the transaction: thousands of keys look like a reason to read
/// a whole table, and the tables grow with every chunk while their statistics
/// do not.
pub const LOOK_UP_BY_KEY: [&str; 3] = [
    "SET LOCAL enable_seqscan = off",
    "SET LOCAL enable_hashjoin = off",
    "SET LOCAL enable_mergejoin = off",
];

/// Holds the accounts of the attempts of `$1`, made by [`ids`], until the end of
/// the transaction, as [`LOCK_ACCOUNT`](super::dialect::LOCK_ACCOUNT), in the
/// order of their keys.
pub const LOCK_ACCOUNTS: &str = "SELECT COUNT(*) FROM (SELECT id FROM account WHERE id IN \
     (SELECT t.account_id FROM UNNEST($1::text[]) AS u (id) \
     JOIN payment_attempt t ON t.id = u.id COLLATE \"C\") ORDER BY id FOR NO KEY UPDATE) held";

/// The same for every account with a debit in a block or file.
pub const LOCK_BLOCK_ACCOUNTS: &str = "SELECT COUNT(*) FROM (SELECT id FROM account WHERE id IN \
     (SELECT d.account_id FROM sepa_batch b JOIN sepa_debit d ON d.batch_id = b.id \
     WHERE (CAST($1 AS TEXT) IS NULL OR b.id = $1) AND (CAST($2 AS TEXT) IS NULL OR d.block_id = $2)) \
     ORDER BY id FOR NO KEY UPDATE) held";

/// Changes attempts that are still what they were; how many.
///
/// # Errors
/// When the database refuses.
pub async fn change_attempts(
    conn: &mut Conn,
    changes: &[AttemptChange],
    now: Instant,
) -> sqlx::Result<u64> {
    let refusal = |change: &AttemptChange| change.after.refusal().cloned();
    let refusals: Vec<_> = changes.iter().map(refusal).collect();
    let account: Vec<i64> = changes.iter().map(|change| change.account.0).collect();
    let id: Vec<String> = changes.iter().map(|change| change.id.to_string()).collect();
    let before: Vec<&str> = changes.iter().map(|change| change.before).collect();
    let after: Vec<&str> = changes.iter().map(|change| change.after.code()).collect();
    let code: Vec<Option<&str>> = refusals
        .iter()
        .map(|refusal| refusal.as_ref().map(|refusal| refusal.code.as_str()))
        .collect();
    let class: Vec<Option<&str>> = refusals
        .iter()
        .map(|refusal| refusal.as_ref().map(|refusal| refusal.class.code()))
        .collect();
    let known: Vec<Option<i16>> = refusals
        .iter()
        .map(|refusal| refusal.as_ref().map(|refusal| i16::from(refusal.known)))
        .collect();
    let decided: Vec<Option<i64>> = changes
        .iter()
        .map(|change| (!change.after.in_flight()).then_some(now.0))
        .collect();
    sqlx::query(
        "UPDATE payment_attempt t SET state = s, decline_code = c, decline_class = l, decline_known = n, \
         decided_at = GREATEST(d, CASE WHEN d IS NULL THEN NULL ELSE t.created_at END) \
         FROM UNNEST($1::bigint[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], \
         $7::smallint[], $8::bigint[]) AS change(a, i, b, s, c, l, n, d) \
         WHERE t.account_id = a AND t.id = i COLLATE \"C\" AND t.state = b COLLATE \"C\"",
    )
    .bind(&account)
    .bind(&id)
    .bind(&before)
    .bind(&after)
    .bind(&code)
    .bind(&class)
    .bind(&known)
    .bind(&decided)
    .execute(conn)
    .await
    .map(|done| done.rows_affected())
}

/// Writes entries with their postings.
///
/// # Errors
/// A unique violation when an attempt is settled already.
pub async fn insert_entries(
    conn: &mut Conn,
    entries: &[KeyedEntry],
    at: Instant,
) -> sqlx::Result<()> {
    let account: Vec<i64> = entries.iter().map(|new| new.account.0).collect();
    let id: Vec<i64> = entries.iter().map(|new| new.id).collect();
    let movement: Vec<&str> = entries
        .iter()
        .map(|new| new.entry.movement().code())
        .collect();
    let currency: Vec<&str> = entries
        .iter()
        .map(|new| new.entry.currency().code())
        .collect();
    let period: Vec<Option<i32>> = entries
        .iter()
        .map(|new| new.invoice.map(|invoice| invoice.period.to_number()))
        .collect();
    let kind: Vec<Option<i16>> = entries
        .iter()
        .map(|new| new.invoice.map(|invoice| invoice.kind))
        .collect();
    let attempt: Vec<String> = entries.iter().map(|new| new.attempt.to_string()).collect();
    sqlx::query(
        "INSERT INTO ledger_entry (account_id, id, movement, currency, at, period, kind, attempt_id) \
         SELECT a, i, m, c, $1, p, k, t FROM UNNEST($2::bigint[], $3::bigint[], $4::text[], $5::text[], \
         $6::int[], $7::smallint[], $8::text[]) AS entry(a, i, m, c, p, k, t)",
    )
    .bind(at.0)
    .bind(&account)
    .bind(&id)
    .bind(&movement)
    .bind(&currency)
    .bind(&period)
    .bind(&kind)
    .bind(&attempt)
    .execute(&mut *conn)
    .await?;
    let postings = || {
        entries.iter().flat_map(|new| {
            new.entry
                .postings()
                .iter()
                .map(move |posting| (new, posting))
        })
    };
    let account: Vec<i64> = postings().map(|(new, _)| new.account.0).collect();
    let id: Vec<i64> = postings().map(|(new, _)| new.id).collect();
    let ledger: Vec<&str> = postings()
        .map(|(_, posting)| posting.account.code())
        .collect();
    let amount: Vec<i64> = postings()
        .map(|(_, posting)| posting.amount_minor)
        .collect();
    sqlx::query(
        "INSERT INTO ledger_posting (account_id, entry_id, ledger_account, amount_minor) \
         SELECT a, i, l, m FROM UNNEST($1::bigint[], $2::bigint[], $3::text[], $4::bigint[]) \
         AS posting(a, i, l, m)",
    )
    .bind(&account)
    .bind(&id)
    .bind(&ledger)
    .bind(&amount)
    .execute(conn)
    .await
    .map(drop)
}

/// Writes facts.
///
/// # Errors
/// A unique violation when one is known.
pub async fn insert_facts(
    conn: &mut Conn,
    file: &FileDigest,
    facts: &[NewBankFact],
) -> sqlx::Result<()> {
    let key: Vec<&[u8]> = facts.iter().map(|fact| &fact.key[..]).collect();
    let place: Vec<&str> = facts.iter().map(|fact| fact.place.as_str()).collect();
    let kind: Vec<&str> = facts.iter().map(|fact| fact.kind).collect();
    let amount: Vec<Option<i64>> = facts
        .iter()
        .map(|fact| fact.amount.map(|amount| amount.minor))
        .collect();
    let currency: Vec<Option<&str>> = facts
        .iter()
        .map(|fact| fact.amount.map(|amount| amount.currency.code()))
        .collect();
    let reason: Vec<Option<&str>> = facts
        .iter()
        .map(|fact| fact.reason_code.as_deref())
        .collect();
    let booked: Vec<Option<String>> = facts
        .iter()
        .map(|fact| fact.booked_on.map(|day| day.to_string()))
        .collect();
    let account: Vec<Option<i64>> = facts
        .iter()
        .map(|fact| fact.attempt.map(|(account, _)| account.0))
        .collect();
    let attempt: Vec<Option<String>> = facts
        .iter()
        .map(|fact| fact.attempt.map(|(_, attempt)| attempt.to_string()))
        .collect();
    let block = |fact: &'_ NewBankFact| fact.block.clone();
    let blocks: Vec<_> = facts.iter().map(block).collect();
    let message: Vec<Option<&str>> = blocks
        .iter()
        .map(|block| block.as_ref().and_then(|block| block.message.as_deref()))
        .collect();
    let block: Vec<Option<&str>> = blocks
        .iter()
        .map(|block| block.as_ref().and_then(|block| block.block.as_deref()))
        .collect();
    let debits: Vec<Option<i64>> = facts.iter().map(|fact| fact.debits).collect();
    let charges: Vec<Option<i64>> = facts.iter().map(|fact| fact.charges_minor).collect();
    let state: Vec<&str> = facts.iter().map(|fact| fact.state.code()).collect();
    let problem: Vec<Option<&str>> = facts.iter().map(|fact| fact.problem.as_deref()).collect();
    sqlx::query(
        "INSERT INTO bank_fact (key, file, place, kind, amount_minor, currency, reason_code, booked_on, \
         account_id, attempt_id, message_id, block_id, debits, charges_minor, state, problem) \
         SELECT k, $1, p, n, m, c, r, b, a, t, e, o, d, h, s, w FROM UNNEST($2::bytea[], $3::text[], \
         $4::text[], $5::bigint[], $6::text[], $7::text[], $8::text[], $9::bigint[], $10::text[], \
         $11::text[], $12::text[], $13::bigint[], $14::bigint[], $15::text[], $16::text[]) \
         AS fact(k, p, n, m, c, r, b, a, t, e, o, d, h, s, w)",
    )
    .bind(&file[..])
    .bind(&key)
    .bind(&place)
    .bind(&kind)
    .bind(&amount)
    .bind(&currency)
    .bind(&reason)
    .bind(&booked)
    .bind(&account)
    .bind(&attempt)
    .bind(&message)
    .bind(&block)
    .bind(&debits)
    .bind(&charges)
    .bind(&state)
    .bind(&problem)
    .execute(conn)
    .await
    .map(drop)
}

/// Writes notices; one that is there already is told once.
///
/// # Errors
/// When the database refuses.
pub async fn insert_notices(
    conn: &mut Conn,
    notices: &[NewNotice],
    at: Instant,
) -> sqlx::Result<()> {
    let account: Vec<i64> = notices.iter().map(|notice| notice.account.0).collect();
    let key: Vec<&str> = notices.iter().map(|notice| notice.key.as_str()).collect();
    let topic: Vec<&str> = notices.iter().map(|notice| notice.topic.code()).collect();
    let payload: Vec<&str> = notices
        .iter()
        .map(|notice| notice.payload.as_str())
        .collect();
    sqlx::query(
        "INSERT INTO outbox (account_id, key, channel, topic, payload, created_at, state, next_try_at) \
         SELECT a, k, 'mail', t, p, $1, 'waiting', $1 \
         FROM UNNEST($2::bigint[], $3::text[], $4::text[], $5::text[]) AS notice(a, k, t, p) \
         ON CONFLICT (account_id, key, channel) DO NOTHING",
    )
    .bind(at.0)
    .bind(&account)
    .bind(&key)
    .bind(&topic)
    .bind(&payload)
    .execute(conn)
    .await
    .map(drop)
}

/// Rules methods out; one that is removed or ruled out already stays as it is.
///
/// # Errors
/// When the database refuses.
pub async fn rule_out(conn: &mut Conn, methods: &[HardDecline], now: Instant) -> sqlx::Result<()> {
    let account: Vec<i64> = methods.iter().map(|method| method.account.0).collect();
    let id: Vec<i64> = methods.iter().map(|method| method.method.0).collect();
    let code: Vec<&str> = methods.iter().map(|method| method.code.as_str()).collect();
    sqlx::query(
        "UPDATE payment_method m SET state = 'hard_declined', decline_code = c, changed_at = $1 \
         FROM UNNEST($2::bigint[], $3::bigint[], $4::text[]) AS declined(a, i, c) \
         WHERE m.account_id = a AND m.id = i AND m.state IN ('usable', 'action_required')",
    )
    .bind(now.0)
    .bind(&account)
    .bind(&id)
    .bind(&code)
    .execute(conn)
    .await
    .map(drop)
}

/// See [`forget_rejected_collections`](super::queries::forget_rejected_collections).
///
/// # Errors
/// When the database refuses.
pub async fn forget_collections(
    conn: &mut Conn,
    mandates: &[(AccountId, PaymentMethodId)],
) -> sqlx::Result<()> {
    let account: Vec<i64> = mandates.iter().map(|(account, _)| account.0).collect();
    let method: Vec<i64> = mandates.iter().map(|(_, method)| method.0).collect();
    sqlx::query(
        "UPDATE sepa_mandate m SET last_sequence = (SELECT d.sequence FROM payment_attempt t \
         JOIN sepa_debit d ON d.account_id = t.account_id AND d.attempt_id = t.id \
         WHERE t.account_id = m.account_id AND t.method = 'sepa' AND t.method_id = m.method_id \
         AND t.state NOT IN ('declined', 'created') ORDER BY d.collect_on DESC, t.id DESC LIMIT 1) \
         FROM UNNEST($1::bigint[], $2::bigint[]) AS rejected(a, i) WHERE m.account_id = a AND m.method_id = i",
    )
    .bind(&account)
    .bind(&method)
    .execute(conn)
    .await
    .map(drop)
}
