//! What `verify` asks of the list of open invoices, and of rows that refer to
//! others: each query finds what must not be, as in [`super::verify`].

use super::{Conn, Result, verify};

/// See [`verify::broken_rules`].
const RULES: [(&str, &str); 6] = [
    (
        "the list of open invoices has it with another amount than the ledger leaves open",
        "SELECT series || '-' || CAST(year AS TEXT) || '-' || CAST(sequence AS TEXT) FROM (\
         SELECT i.series, i.year, i.sequence, COALESCE(o.open_minor, 0) AS listed_minor, \
         i.total_minor + COALESCE(m.moved_minor, 0) AS open_minor FROM invoice i \
         LEFT JOIN open_invoice o ON o.account_id = i.account_id AND o.period = i.period AND o.kind = i.kind \
         LEFT JOIN (SELECT e.account_id, e.period, e.kind, CAST(SUM(p.amount_minor) AS BIGINT) AS moved_minor \
         FROM ledger_entry e JOIN ledger_posting p ON p.account_id = e.account_id AND p.entry_id = e.id \
         AND p.ledger_account = 'receivable' WHERE e.period IS NOT NULL GROUP BY e.account_id, e.period, e.kind) m \
         ON m.account_id = i.account_id AND m.period = i.period AND m.kind = i.kind) due \
         WHERE listed_minor <> open_minor LIMIT $1",
    ),
    (
        "it is listed as open, but there is no such invoice",
        "SELECT 'account ' || CAST(o.account_id AS TEXT) || ' in ' || CAST(o.period AS TEXT) FROM open_invoice o \
         LEFT JOIN invoice i ON i.account_id = o.account_id AND i.period = o.period AND i.kind = o.kind \
         WHERE i.account_id IS NULL LIMIT $1",
    ),
    (
        "it is of an account, an invoice or a payment that does not exist",
        "SELECT 'ledger entry ' || CAST(e.id AS TEXT) || ' of account ' || CAST(e.account_id AS TEXT) \
         FROM ledger_entry e LEFT JOIN account a ON a.id = e.account_id \
         LEFT JOIN invoice i ON i.account_id = e.account_id AND i.period = e.period AND i.kind = e.kind \
         LEFT JOIN payment_attempt t ON t.account_id = e.account_id AND t.id = e.attempt_id \
         WHERE a.id IS NULL OR (e.period IS NOT NULL AND i.account_id IS NULL) \
         OR (e.attempt_id IS NOT NULL AND t.id IS NULL) LIMIT $1",
    ),
    (
        "it is posted for an entry that does not exist",
        "SELECT 'posting to ' || p.ledger_account || ' of account ' || CAST(p.account_id AS TEXT) \
         FROM ledger_posting p LEFT JOIN ledger_entry e ON e.account_id = p.account_id AND e.id = p.entry_id \
         WHERE e.id IS NULL LIMIT $1",
    ),
    (
        "it is to be told to an account that does not exist",
        "SELECT 'notice ' || o.key FROM outbox o LEFT JOIN account a ON a.id = o.account_id \
         WHERE a.id IS NULL LIMIT $1",
    ),
    (
        "it is of a file that does not exist",
        "SELECT 'bank fact at ' || f.place FROM bank_fact f LEFT JOIN bank_file b ON b.digest = f.file \
         WHERE b.digest IS NULL LIMIT $1",
    ),
];

/// Runs every rule of open invoices and of what refers to what.
///
/// # Errors
/// When the database refuses.
pub async fn broken_open_rules(conn: &mut Conn) -> Result<Vec<(&'static str, Vec<String>)>> {
    verify::broken_of(conn, &RULES).await
}
