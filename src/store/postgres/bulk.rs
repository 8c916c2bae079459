//! What is read and written by the thousand: parameters as arrays, rows as arrays
//! or as a COPY.

use super::copy::CopyRows;
use super::queries::{Conn, insert_few_entries};
use crate::domain::calendar::Instant;
use crate::domain::ids::{AccountId, AttemptId};
use crate::store::rows::{
    AttemptChange, FactKey, FileDigest, HardDecline, KeyedEntry, NewBankFact, NewNotice, OpenShare,
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

/// Accounts, as one parameter.
#[must_use]
pub fn accounts(accounts: &[AccountId]) -> Vec<i64> {
    accounts.iter().map(|account| account.0).collect()
}

/// How a bulk insert begins.
pub const INSERT: &str = "INSERT INTO ";

/// The rows of the parameter `$1` made by [`accounts`]: `k.id`.
pub const EACH_ACCOUNT: &str = "UNNEST($1::bigint[]) AS k (id)";
/// Ends a subquery that is planned by itself. A list of keys has PostgreSQL plan
/// anew for each call, and the joins of it all at once take five times as long to
/// plan as step by step: longer than a query about one account takes to run.
pub const FENCE: &str = "OFFSET 0";
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
pub const LOOK_UP_BY_KEY: &str = "SELECT set_config('enable_seqscan', 'off', true), \
     set_config('enable_hashjoin', 'off', true), set_config('enable_mergejoin', 'off', true)";

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
    let refusals: Vec<_> = changes
        .iter()
        .map(|change| change.after.refusal())
        .collect();
    let account: Vec<i64> = changes.iter().map(|change| change.account.0).collect();
    let id: Vec<String> = changes.iter().map(|change| change.id.to_string()).collect();
    let before: Vec<&str> = changes.iter().map(|change| change.before).collect();
    let after: Vec<&str> = changes.iter().map(|change| change.after.code()).collect();
    let code: Vec<Option<&str>> = refusals
        .iter()
        .map(|refusal| refusal.map(|refusal| refusal.code.as_str()))
        .collect();
    let class: Vec<Option<&str>> = refusals
        .iter()
        .map(|refusal| refusal.map(|refusal| refusal.class.code()))
        .collect();
    let known: Vec<Option<i16>> = refusals
        .iter()
        .map(|refusal| refusal.map(|refusal| i16::from(refusal.known)))
        .collect();
    let decided: Vec<Option<i64>> = changes
        .iter()
        .map(|change| (!change.after.in_flight()).then_some(now.0))
        .collect();
    let reference: Vec<Option<&str>> = changes
        .iter()
        .map(|change| change.reference.as_deref())
        .collect();
    sqlx::query(
        "UPDATE payment_attempt t SET state = s, decline_code = c, decline_class = l, decline_known = n, \
         decided_at = GREATEST(d, CASE WHEN d IS NULL THEN NULL ELSE t.created_at END), \
         provider_reference = COALESCE(t.provider_reference, r), problem = NULL \
         FROM UNNEST($1::bigint[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], \
         $7::smallint[], $8::bigint[], $9::text[]) AS change(a, i, b, s, c, l, n, d, r) \
         WHERE t.account_id = a AND t.id = i COLLATE \"C\" AND t.state = b COLLATE \"C\" \
         AND (t.provider_reference IS NULL OR t.provider_reference = COALESCE(r, t.provider_reference))",
    )
    .bind(&account)
    .bind(&id)
    .bind(&before)
    .bind(&after)
    .bind(&code)
    .bind(&class)
    .bind(&known)
    .bind(&decided)
    .bind(&reference)
    .execute(conn)
    .await
    .map(|done| done.rows_affected())
}

/// From here on rows are sent as a COPY: it costs another round trip, and less for
/// each row.
const COPY_FROM: usize = 64;

/// Writes entries with their postings.
///
/// # Errors
/// A unique violation when an attempt is settled already.
pub async fn insert_entries(
    conn: &mut Conn,
    entries: &[KeyedEntry<'_>],
    at: Instant,
) -> sqlx::Result<()> {
    if entries.len() < COPY_FROM {
        return insert_few_entries(conn, entries, at).await;
    }
    let mut rows = CopyRows::new(entries.len().saturating_mul(ENTRY_BYTES));
    for new in entries {
        rows.row(13);
        rows.i64(new.account.0);
        rows.i64(new.id);
        rows.text(new.entry.movement().code());
        rows.text(new.entry.currency().code());
        rows.i64(at.0);
        rows.or_null(new.invoice, |rows, invoice| {
            rows.i32(invoice.period.to_number());
        });
        rows.or_null(new.invoice, |rows, invoice| rows.i16(invoice.kind));
        rows.or_null(new.attempt, |rows, id| rows.display(&id));
        rows.or_null(new.purchase, |rows, id| rows.display(&id));
        rows.or_null(new.refund, |rows, id| rows.display(&id));
        rows.i64_or_null(new.dispute);
        rows.or_null(new.by, |rows, by| rows.text(by.actor));
        rows.or_null(new.by, |rows, by| rows.text(by.reason));
    }
    rows.send(
        conn,
        "COPY ledger_entry (account_id, id, movement, currency, at, period, kind, attempt_id, purchase_id, \
         refund_id, dispute_id, actor, reason) FROM STDIN (FORMAT binary)",
    )
    .await?;
    let mut rows = CopyRows::new(entries.len().saturating_mul(3 * POSTING_BYTES));
    for new in entries {
        for posting in new.entry.postings() {
            rows.row(4);
            rows.i64(new.account.0);
            rows.i64(new.id);
            rows.text(posting.account.code());
            rows.i64(posting.amount_minor);
        }
    }
    rows.send(
        conn,
        "COPY ledger_posting (account_id, entry_id, ledger_account, amount_minor) FROM STDIN (FORMAT binary)",
    )
    .await
}

/// What a row takes in a COPY, about.
const ENTRY_BYTES: usize = 144;
const POSTING_BYTES: usize = 56;
const FACT_BYTES: usize = 256;

/// Takes what is paid off what is open; of how many invoices. One with less open
/// is left as it is.
///
/// # Errors
/// When the database refuses.
pub async fn take_off_open(conn: &mut Conn, paid: &[OpenShare]) -> sqlx::Result<u64> {
    let mut changed = 0;
    // Mostly all of it is paid. What that deletes, the second finds no more.
    for sql in [
        "DELETE FROM open_invoice o USING UNNEST($1::bigint[], $2::int[], $3::smallint[], $4::bigint[]) \
         AS paid(a, p, k, m) WHERE o.account_id = a AND o.period = p AND o.kind = k AND o.open_minor = m",
        "UPDATE open_invoice o SET open_minor = o.open_minor - m \
         FROM UNNEST($1::bigint[], $2::int[], $3::smallint[], $4::bigint[]) AS paid(a, p, k, m) \
         WHERE o.account_id = a AND o.period = p AND o.kind = k AND o.open_minor > m",
    ] {
        if u64::try_from(paid.len()) == Ok(changed) {
            break;
        }
        changed += bind_shares(sqlx::query(sql), paid)
            .execute(&mut *conn)
            .await?
            .rows_affected();
    }
    Ok(changed)
}

/// Adds what is owed again to what is open.
///
/// # Errors
/// When the database refuses.
pub async fn add_to_open(conn: &mut Conn, reopened: &[OpenShare]) -> sqlx::Result<()> {
    let sql = "INSERT INTO open_invoice AS o (account_id, period, kind, open_minor) \
         SELECT * FROM UNNEST($1::bigint[], $2::int[], $3::smallint[], $4::bigint[]) \
         ON CONFLICT (account_id, period, kind) DO UPDATE SET open_minor = o.open_minor + excluded.open_minor";
    bind_shares(sqlx::query(sql), reopened)
        .execute(conn)
        .await
        .map(drop)
}

type Query<'q> = sqlx::query::Query<'q, sqlx::Postgres, sqlx::postgres::PgArguments>;

fn bind_shares<'q>(query: Query<'q>, shares: &[OpenShare]) -> Query<'q> {
    let each = || shares.iter().map(|share| share.invoice);
    let account: Vec<i64> = each().map(|invoice| invoice.account.0).collect();
    let period: Vec<i32> = each().map(|invoice| invoice.period.to_number()).collect();
    let kind: Vec<i16> = each().map(|invoice| invoice.kind).collect();
    let amount: Vec<i64> = shares.iter().map(|share| share.amount_minor).collect();
    query.bind(account).bind(period).bind(kind).bind(amount)
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
    let mut rows = CopyRows::new(facts.len().saturating_mul(FACT_BYTES));
    for fact in facts {
        let block = fact.block.as_ref();
        rows.row(16);
        rows.bytes(&fact.key);
        rows.bytes(file);
        rows.text(&fact.place);
        rows.text(fact.kind);
        rows.i64_or_null(fact.amount.map(|amount| amount.minor));
        rows.or_null(fact.amount, |rows, amount| {
            rows.text(amount.currency.code())
        });
        rows.or_null(fact.reason_code.as_deref(), CopyRows::text);
        rows.or_null(fact.booked_on, |rows, day| rows.display(&day));
        rows.i64_or_null(fact.attempt.map(|(account, _)| account.0));
        rows.or_null(fact.attempt, |rows, (_, attempt)| rows.display(&attempt));
        rows.or_null(block.and_then(|block| block.message()), CopyRows::text);
        rows.or_null(block.and_then(|block| block.block()), CopyRows::text);
        rows.i64_or_null(fact.debits);
        rows.i64_or_null(fact.charges_minor);
        rows.text(fact.state.code());
        rows.or_null(fact.problem.as_deref(), CopyRows::text);
    }
    rows.send(
        conn,
        "COPY bank_fact (key, file, place, kind, amount_minor, currency, reason_code, booked_on, account_id, \
         attempt_id, message_id, block_id, debits, charges_minor, state, problem) FROM STDIN (FORMAT binary)",
    )
    .await
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
