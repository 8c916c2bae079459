//! What `verify` asks of the bank's facts and of direct debits: each query finds
//! what must not be, as in [`super::verify`].

use super::{Conn, Result, verify};

/// See [`verify::broken_rules`]. A fact that leads to a block has no attempt of
/// its own: its debits are those of the block.
const RULES: [(&str, &str); 6] = [
    (
        "it is booked, but its attempt is missing or in a state that it does not lead to",
        "SELECT 'bank fact at ' || f.place || ' of ' || b.message_id || ' (' || f.kind || ')' FROM bank_fact f \
         JOIN bank_file b ON b.digest = f.file \
         LEFT JOIN payment_attempt t ON t.account_id = f.account_id AND t.id = f.attempt_id \
         WHERE f.state = 'booked' AND f.attempt_id IS NOT NULL AND (t.id IS NULL OR t.method <> 'sepa' \
         OR NOT (t.state = CASE f.kind WHEN 'rejected' THEN 'declined' ELSE 'returned' END \
         OR (f.kind = 'settled' AND t.state = 'succeeded') \
         OR (f.kind = 'acknowledged' AND t.state NOT IN ('created', 'submitted', 'unknown')))) LIMIT $1",
    ),
    (
        "it is booked for a whole block, but the outcome of a debit in it is out",
        "SELECT DISTINCT 'bank fact at ' || f.place || ' of ' || m.message_id || ' (' || f.kind || ')' \
         FROM bank_fact f JOIN bank_file m ON m.digest = f.file \
         JOIN sepa_debit d ON d.block_id = f.block_id OR (f.block_id IS NULL AND d.batch_id = f.message_id) \
         JOIN payment_attempt t ON t.account_id = d.account_id AND t.id = d.attempt_id \
         WHERE f.state = 'booked' AND f.kind IN ('settled', 'rejected') \
         AND (f.block_id IS NOT NULL OR f.message_id IS NOT NULL) \
         AND t.state IN ('created', 'submitted', 'pending', 'unknown') LIMIT $1",
    ),
    (
        "it is booked, but its debit was asked for another amount",
        "SELECT 'bank fact at ' || f.place || ' of ' || b.message_id || ' (' || f.kind || ')' FROM bank_fact f \
         JOIN bank_file b ON b.digest = f.file \
         JOIN payment_attempt t ON t.account_id = f.account_id AND t.id = f.attempt_id \
         WHERE f.state IN ('booked', 'known') AND f.amount_minor IS NOT NULL \
         AND (f.amount_minor <> t.amount_minor OR f.currency <> t.currency) LIMIT $1",
    ),
    (
        "the bank gave it back, but the ledger has no entry that reopens its invoice by as much",
        "SELECT 'attempt ' || t.id FROM payment_attempt t WHERE t.method = 'sepa' AND t.state = 'returned' \
         AND NOT EXISTS (SELECT 1 FROM ledger_entry e JOIN ledger_posting p ON p.account_id = e.account_id \
         AND p.entry_id = e.id AND p.ledger_account = 'receivable' WHERE e.account_id = t.account_id \
         AND e.attempt_id = t.id AND e.period = t.period AND e.kind = t.kind AND e.currency = t.currency \
         AND e.movement = 'sepa_returned' AND p.amount_minor = t.amount_minor) LIMIT $1",
    ),
    (
        "it takes a direct debit back, but its attempt is not returned, or has another such entry",
        "SELECT 'ledger entry ' || CAST(e.id AS TEXT) || ' of account ' || a.external_id FROM ledger_entry e \
         JOIN account a ON a.id = e.account_id LEFT JOIN payment_attempt t ON t.account_id = e.account_id \
         AND t.id = e.attempt_id AND t.state = 'returned' WHERE e.movement = 'sepa_returned' AND (t.id IS NULL \
         OR EXISTS (SELECT 1 FROM ledger_entry o WHERE o.account_id = e.account_id \
         AND o.attempt_id = e.attempt_id AND o.movement = e.movement AND o.id <> e.id)) LIMIT $1",
    ),
    (
        "it was rejected before it settled, but its mandate goes on as if it had been collected",
        "SELECT 'mandate ' || m.reference FROM sepa_mandate m WHERE m.last_sequence IS NOT NULL \
         AND EXISTS (SELECT 1 FROM payment_attempt t WHERE t.account_id = m.account_id AND t.method = 'sepa' \
         AND t.method_id = m.method_id AND t.state = 'declined') \
         AND NOT EXISTS (SELECT 1 FROM payment_attempt t JOIN sepa_debit d ON d.account_id = t.account_id \
         AND d.attempt_id = t.id WHERE t.account_id = m.account_id AND t.method = 'sepa' \
         AND t.method_id = m.method_id AND t.state <> 'declined') LIMIT $1",
    ),
];

/// Runs every rule of the bank's facts that SQL can check.
///
/// # Errors
/// When the database refuses.
pub async fn broken_bank_rules(conn: &mut Conn) -> Result<Vec<(&'static str, Vec<String>)>> {
    verify::broken_of(conn, &RULES).await
}
