//! What `verify` asks of payments and the ledger: each query finds what must not
//! be, as in [`super::verify`].

use super::{Conn, Result, verify};

/// See [`verify::broken_rules`].
const RULES: [(&str, &str); 16] = [
    (
        "its postings are missing or do not sum to zero",
        "SELECT 'ledger entry ' || CAST(e.id AS TEXT) || ' of account ' || a.external_id FROM ledger_entry e \
         JOIN account a ON a.id = e.account_id \
         LEFT JOIN ledger_posting p ON p.account_id = e.account_id AND p.entry_id = e.id \
         GROUP BY e.account_id, e.id, a.external_id \
         HAVING COUNT(p.entry_id) < 2 OR SUM(p.amount_minor) <> 0 LIMIT $1",
    ),
    (
        "it moves what is owed, but names no invoice",
        "SELECT 'ledger entry ' || CAST(e.id AS TEXT) || ' of account ' || a.external_id FROM ledger_entry e \
         JOIN account a ON a.id = e.account_id \
         JOIN ledger_posting p ON p.account_id = e.account_id AND p.entry_id = e.id \
         WHERE p.ledger_account = 'receivable' AND e.period IS NULL LIMIT $1",
    ),
    (
        "it is not in the currency of its account",
        "SELECT 'ledger entry ' || CAST(e.id AS TEXT) || ' of account ' || a.external_id FROM ledger_entry e \
         JOIN account a ON a.id = e.account_id WHERE e.currency <> a.currency LIMIT $1",
    ),
    (
        "less than nothing or more than its total is allocated to it",
        "SELECT i.series || '-' || CAST(i.year AS TEXT) || '-' || CAST(i.sequence AS TEXT) \
         FROM ledger_entry e JOIN ledger_posting p ON p.account_id = e.account_id AND p.entry_id = e.id \
         AND p.ledger_account = 'receivable' \
         JOIN invoice i ON i.account_id = e.account_id AND i.period = e.period AND i.kind = e.kind \
         GROUP BY i.series, i.year, i.sequence, i.total_minor \
         HAVING -SUM(p.amount_minor) < 0 OR -SUM(p.amount_minor) > i.total_minor LIMIT $1",
    ),
    (
        "the credit is below zero without a chargeback",
        "SELECT 'account ' || a.external_id FROM ledger_entry e JOIN account a ON a.id = e.account_id \
         JOIN ledger_posting p ON p.account_id = e.account_id AND p.entry_id = e.id \
         AND p.ledger_account = 'customer_credit' WHERE NOT EXISTS (SELECT 1 FROM ledger_entry c \
         WHERE c.account_id = e.account_id AND (c.movement = 'chargeback_opened' \
         OR (c.movement = 'credit_paid_back' AND c.actor = 'PayPal'))) \
         AND NOT EXISTS (SELECT 1 FROM refund r WHERE r.account_id = e.account_id AND r.was_declined = 1 \
         AND r.state = 'succeeded') \
         GROUP BY a.external_id, e.currency HAVING SUM(p.amount_minor) > 0 LIMIT $1",
    ),
    (
        "it took money, but the ledger has no entry that settles its invoice by as much",
        "SELECT 'attempt ' || t.id FROM payment_attempt t WHERE t.state IN ('succeeded', 'returned') \
         AND NOT EXISTS (SELECT 1 FROM ledger_entry e JOIN ledger_posting p ON p.account_id = e.account_id \
         AND p.entry_id = e.id AND p.ledger_account = 'receivable' WHERE e.account_id = t.account_id \
         AND e.attempt_id = t.id AND e.period = t.period AND e.kind = t.kind AND e.currency = t.currency \
         AND p.amount_minor = -t.amount_minor AND e.movement = CASE t.method WHEN 'credit' THEN 'credit_used' \
         WHEN 'sepa' THEN 'sepa_settled' ELSE 'card_captured' END) LIMIT $1",
    ),
    (
        "it settles an invoice without an attempt that took the money",
        "SELECT 'ledger entry ' || CAST(e.id AS TEXT) || ' of account ' || a.external_id FROM ledger_entry e \
         JOIN account a ON a.id = e.account_id LEFT JOIN payment_attempt t ON t.account_id = e.account_id \
         AND t.id = e.attempt_id AND t.state IN ('succeeded', 'returned') \
         WHERE e.movement IN ('credit_used', 'sepa_settled', 'card_captured') AND t.id IS NULL LIMIT $1",
    ),
    (
        "it gives credit away and the record of who did it is missing or another",
        "SELECT 'ledger entry ' || CAST(e.id AS TEXT) || ' of account ' || a.external_id FROM ledger_entry e \
         JOIN account a ON a.id = e.account_id WHERE e.movement = 'credit_granted' \
         AND NOT EXISTS (SELECT 1 FROM audit_entry w WHERE w.account_id = e.account_id AND w.entry_id = e.id \
         AND w.action = e.movement AND w.actor = e.actor AND w.reason = e.reason AND w.at = e.at) LIMIT $1",
    ),
    (
        "it records a movement of money that is not in the ledger",
        "SELECT 'audit entry ' || CAST(w.id AS TEXT) || ' of account ' || a.external_id FROM audit_entry w \
         JOIN account a ON a.id = w.account_id LEFT JOIN ledger_entry e ON e.account_id = w.account_id \
         AND e.id = w.entry_id AND e.movement = w.action \
         WHERE w.entry_id IS NOT NULL AND e.id IS NULL LIMIT $1",
    ),
    (
        "it took money, but the ledger has no entry that credits as much, or was not in its currency",
        "SELECT 'purchase ' || c.id FROM credit_purchase c WHERE c.state IN ('succeeded', 'returned') \
         AND NOT EXISTS (SELECT 1 FROM ledger_entry e JOIN ledger_posting p ON p.account_id = e.account_id \
         AND p.entry_id = e.id AND p.ledger_account = 'customer_credit' WHERE e.account_id = c.account_id \
         AND e.purchase_id = c.id AND e.currency = c.currency AND p.amount_minor = -c.amount_minor \
         AND e.movement = 'credit_bought') LIMIT $1",
    ),
    (
        "it credits, pays back or disputes a purchase that took no money, or it names none",
        "SELECT 'ledger entry ' || CAST(e.id AS TEXT) || ' of account ' || a.external_id FROM ledger_entry e \
         JOIN account a ON a.id = e.account_id LEFT JOIN credit_purchase c ON c.account_id = e.account_id \
         AND c.id = e.purchase_id AND c.state IN ('succeeded', 'returned') WHERE c.id IS NULL \
         AND (e.purchase_id IS NOT NULL OR e.movement = 'credit_bought') LIMIT $1",
    ),
    (
        "it gives money back, or takes that back, without a refund of the same payment by the same person",
        "SELECT 'ledger entry ' || CAST(e.id AS TEXT) || ' of account ' || a.external_id FROM ledger_entry e \
         JOIN account a ON a.id = e.account_id LEFT JOIN refund r ON r.account_id = e.account_id \
         AND r.id = e.refund_id AND COALESCE(r.attempt_id, r.purchase_id) = COALESCE(e.attempt_id, e.purchase_id) \
         AND (e.movement NOT IN ('credit_paid_back', 'refunded_to_card') \
         OR (r.actor = e.actor AND r.reason = e.reason)) \
         WHERE (e.refund_id IS NOT NULL OR e.movement IN ('credit_paid_back', 'refunded_to_card', \
         'credit_pay_back_failed', 'refund_to_card_failed', 'credit_grant_undone')) AND r.id IS NULL LIMIT $1",
    ),
    (
        "what disputes took back of it is not what its state says",
        "SELECT 'purchase ' || c.id FROM credit_purchase c LEFT JOIN ledger_entry e \
         ON e.account_id = c.account_id AND e.purchase_id = c.id \
         AND e.movement IN ('chargeback_opened', 'chargeback_won') LEFT JOIN ledger_posting p \
         ON p.account_id = e.account_id AND p.entry_id = e.id AND p.ledger_account = 'customer_credit' \
         GROUP BY c.account_id, c.id, c.state HAVING COALESCE(SUM(p.amount_minor), 0) < 0 \
         OR (COALESCE(SUM(p.amount_minor), 0) > 0) <> (c.state = 'returned') LIMIT $1",
    ),
    (
        "its state and amounts are not what the ledger gave back for it",
        "SELECT 'refund ' || r.id FROM refund r LEFT JOIN (SELECT e.account_id, e.refund_id, e.currency, \
         SUM(CASE WHEN p.ledger_account LIKE 'clearing%' THEN p.amount_minor ELSE 0 END) AS cash_minor, \
         SUM(CASE WHEN p.ledger_account = 'customer_credit' THEN p.amount_minor ELSE 0 END) AS credit_minor \
         FROM ledger_entry e JOIN ledger_posting p ON p.account_id = e.account_id AND p.entry_id = e.id \
         WHERE e.refund_id IS NOT NULL GROUP BY e.account_id, e.refund_id, e.currency) b \
         ON b.account_id = r.account_id AND b.refund_id = r.id AND b.currency = r.currency \
         WHERE (r.state IN ('succeeded', 'returned')) <> (b.refund_id IS NOT NULL) \
         OR COALESCE(b.cash_minor, 0) <> CASE WHEN r.state = 'succeeded' THEN -r.amount_minor ELSE 0 END \
         OR (r.state = 'succeeded' AND b.credit_minor <> r.credit_minor) \
         OR (r.purchase_id IS NOT NULL AND r.credit_minor <> r.amount_minor) LIMIT $1",
    ),
    (
        "more was given back of it than it took",
        "SELECT 'attempt ' || t.id FROM payment_attempt t JOIN refund r ON r.account_id = t.account_id \
         AND r.attempt_id = t.id AND r.state = 'succeeded' GROUP BY t.account_id, t.id, t.amount_minor \
         HAVING SUM(r.amount_minor) > t.amount_minor LIMIT $1",
    ),
    (
        "more was paid back and taken back of it than was bought",
        "SELECT 'purchase ' || c.id FROM credit_purchase c JOIN ledger_entry e \
         ON e.account_id = c.account_id AND e.purchase_id = c.id AND e.movement <> 'credit_bought' \
         JOIN ledger_posting p ON p.account_id = e.account_id AND p.entry_id = e.id \
         AND p.ledger_account = 'customer_credit' GROUP BY c.account_id, c.id, c.amount_minor \
         HAVING SUM(p.amount_minor) > c.amount_minor LIMIT $1",
    ),
];

/// Runs every rule of payments and the ledger that SQL can check.
///
/// # Errors
/// When the database refuses.
pub async fn broken_ledger_rules(conn: &mut Conn) -> Result<Vec<(&'static str, Vec<String>)>> {
    verify::broken_of(conn, &RULES).await
}

/// The ledger accounts that were posted to.
///
/// # Errors
/// When the database refuses.
pub async fn posted_accounts(conn: &mut Conn) -> Result<Vec<String>> {
    let sql = "SELECT DISTINCT ledger_account FROM ledger_posting ORDER BY ledger_account";
    Ok(sqlx::query_scalar(sql).fetch_all(conn).await?)
}
