//! What `verify` asks of disputes: each query finds what must not be, as in
//! [`super::verify`].

use super::{Conn, Result, verify};

/// See [`verify::broken_rules`].
const RULES: [(&str, &str); 6] = [
    (
        "it books a chargeback of no dispute of that payment, amount and currency",
        "SELECT 'ledger entry ' || CAST(e.id AS TEXT) || ' of account ' || a.external_id FROM ledger_entry e \
         JOIN account a ON a.id = e.account_id JOIN ledger_posting p ON p.account_id = e.account_id \
         AND p.entry_id = e.id AND p.ledger_account IN ('receivable', 'customer_credit') \
         WHERE e.movement IN ('chargeback_opened', 'chargeback_won') AND NOT EXISTS (SELECT 1 \
         FROM payment_dispute d WHERE d.account_id = e.account_id AND d.id = e.dispute_id \
         AND COALESCE(d.attempt_id, d.purchase_id) = COALESCE(e.attempt_id, e.purchase_id) \
         AND d.currency = e.currency AND d.amount_minor = ABS(p.amount_minor)) LIMIT $1",
    ),
    (
        "the ledger does not say that it took the money back, or by another fee",
        "SELECT 'dispute ' || CAST(d.id AS TEXT) || ' of account ' || a.external_id FROM payment_dispute d \
         JOIN account a ON a.id = d.account_id WHERE (d.opened_at IS NOT NULL) <> EXISTS (SELECT 1 \
         FROM ledger_entry e WHERE e.account_id = d.account_id AND e.dispute_id = d.id \
         AND e.movement = 'chargeback_opened' AND d.fee_minor = (SELECT CAST(COALESCE(SUM(p.amount_minor), 0) \
         AS BIGINT) FROM ledger_posting p WHERE p.account_id = e.account_id AND p.entry_id = e.id \
         AND p.ledger_account = 'provider_fees')) LIMIT $1",
    ),
    (
        "the ledger does not say what its state says of who won it",
        "SELECT 'dispute ' || CAST(d.id AS TEXT) || ' of account ' || a.external_id FROM payment_dispute d \
         JOIN account a ON a.id = d.account_id WHERE (d.state = 'won' AND d.opened_at IS NOT NULL) <> EXISTS \
         (SELECT 1 FROM ledger_entry e WHERE e.account_id = d.account_id AND e.dispute_id = d.id \
         AND e.movement = 'chargeback_won') LIMIT $1",
    ),
    (
        "its state does not say whether a dispute took it back",
        "SELECT 'attempt ' || t.id FROM payment_attempt t WHERE t.method = 'card' AND (t.state = 'returned') \
         <> EXISTS (SELECT 1 FROM payment_dispute d WHERE d.account_id = t.account_id AND d.attempt_id = t.id \
         AND d.state IN ('open', 'lost')) LIMIT $1",
    ),
    (
        "its state does not say whether a dispute took it back",
        "SELECT 'purchase ' || c.id FROM credit_purchase c WHERE (c.state = 'returned') \
         <> EXISTS (SELECT 1 FROM payment_dispute d WHERE d.account_id = c.account_id AND d.purchase_id = c.id \
         AND d.state IN ('open', 'lost')) LIMIT $1",
    ),
    (
        "more was given back and taken back of it than was paid",
        "SELECT 'attempt ' || t.id FROM payment_attempt t JOIN (SELECT account_id, attempt_id, amount_minor \
         FROM refund WHERE attempt_id IS NOT NULL AND state = 'succeeded' UNION ALL \
         SELECT account_id, attempt_id, amount_minor FROM payment_dispute \
         WHERE attempt_id IS NOT NULL AND state IN ('open', 'lost')) b ON b.account_id = t.account_id \
         AND b.attempt_id = t.id GROUP BY t.account_id, t.id, t.amount_minor \
         HAVING SUM(b.amount_minor) > t.amount_minor LIMIT $1",
    ),
];

/// Runs every rule of disputes.
///
/// # Errors
/// When the database refuses.
pub async fn broken_dispute_rules(conn: &mut Conn) -> Result<Vec<(&'static str, Vec<String>)>> {
    verify::broken_of(conn, &RULES).await
}
