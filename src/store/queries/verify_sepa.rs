//! What `verify` asks of methods on file and of the files for the bank, as in
//! [`super::verify`].

use super::{Conn, Result, verify};

/// See [`verify::broken_rules`].
const RULES: [(&str, &str); 9] = [
    (
        "it is a mandate, and the method it belongs to is missing or a card",
        "SELECT 'mandate ' || s.reference FROM sepa_mandate s LEFT JOIN payment_method m \
         ON m.account_id = s.account_id AND m.id = s.method_id AND m.method = 'sepa' \
         WHERE m.id IS NULL LIMIT $1",
    ),
    (
        "it is a card, and the method it belongs to is missing or a mandate",
        "SELECT 'card ' || c.reference FROM payment_card c LEFT JOIN payment_method m \
         ON m.account_id = c.account_id AND m.id = c.method_id AND m.method = 'card' \
         WHERE m.id IS NULL LIMIT $1",
    ),
    (
        "it has neither a card nor a mandate",
        "SELECT 'method ' || CAST(m.id AS TEXT) || ' of account ' || a.external_id FROM payment_method m \
         JOIN account a ON a.id = m.account_id \
         LEFT JOIN payment_card c ON c.account_id = m.account_id AND c.method_id = m.id \
         LEFT JOIN sepa_mandate s ON s.account_id = m.account_id AND s.method_id = m.id \
         WHERE c.method_id IS NULL AND s.method_id IS NULL LIMIT $1",
    ),
    (
        "its debits are not as many, or not as much, as its file tells",
        "SELECT 'batch ' || b.id FROM sepa_batch b LEFT JOIN sepa_debit d ON d.batch_id = b.id \
         LEFT JOIN payment_attempt t ON t.account_id = d.account_id AND t.id = d.attempt_id \
         GROUP BY b.id, b.debits, b.sum_minor \
         HAVING COUNT(t.id) <> b.debits OR COALESCE(SUM(t.amount_minor), 0) <> b.sum_minor LIMIT $1",
    ),
    (
        "its batch was released, and it does not say that it was sent",
        "SELECT 'attempt ' || t.id FROM sepa_debit d \
         JOIN sepa_batch b ON b.id = d.batch_id AND b.state = 'released' \
         JOIN payment_attempt t ON t.account_id = d.account_id AND t.id = d.attempt_id \
         WHERE t.state = 'created' LIMIT $1",
    ),
    (
        "its batch never went to the bank, and it says that it was sent",
        "SELECT 'attempt ' || t.id FROM sepa_debit d \
         JOIN sepa_batch b ON b.id = d.batch_id AND b.state IN ('made', 'canceled') \
         JOIN payment_attempt t ON t.account_id = d.account_id AND t.id = d.attempt_id \
         WHERE t.state NOT IN ('created', 'declined') \
         OR (b.state = 'canceled' AND t.state = 'created') LIMIT $1",
    ),
    (
        "it says that it was sent, and is in no file that was released",
        "SELECT 'attempt ' || t.id FROM payment_attempt t \
         LEFT JOIN sepa_debit d ON d.account_id = t.account_id AND d.attempt_id = t.id \
         LEFT JOIN sepa_batch b ON b.id = d.batch_id AND b.state = 'released' WHERE t.method = 'sepa' \
         AND t.state NOT IN ('created', 'declined') AND b.id IS NULL LIMIT $1",
    ),
    (
        "it is in a file for the bank and is no direct debit in euros",
        "SELECT 'attempt ' || t.id FROM sepa_debit d \
         JOIN payment_attempt t ON t.account_id = d.account_id AND t.id = d.attempt_id \
         WHERE t.method <> 'sepa' OR t.currency <> 'EUR' LIMIT $1",
    ),
    (
        "it was presented to the bank, and says nothing of it",
        "SELECT 'mandate ' || s.reference FROM sepa_debit d \
         JOIN sepa_batch b ON b.id = d.batch_id AND b.state = 'released' \
         JOIN payment_attempt t ON t.account_id = d.account_id AND t.id = d.attempt_id \
         JOIN sepa_mandate s ON s.account_id = t.account_id AND s.method_id = t.method_id \
         WHERE s.last_presented_on IS NULL OR s.last_presented_on < d.collect_on LIMIT $1",
    ),
];

/// Runs every rule of methods on file and of the files for the bank.
///
/// # Errors
/// When the database refuses.
pub async fn broken_sepa_rules(conn: &mut Conn) -> Result<Vec<(&'static str, Vec<String>)>> {
    verify::broken_of(conn, &RULES).await
}
