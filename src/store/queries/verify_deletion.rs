//! What `verify` asks of accounts that leave, as in [`super::verify`].

use super::{Conn, Result, verify};

/// See [`verify::broken_rules`]. What came after an account was gone, such as the
/// write-off of its debt, is no part of what was erased.
const RULES: [(&str, &str); 10] = [
    (
        "it is deleted, and its profile still names somebody",
        "SELECT 'account ' || a.external_id FROM account_deletion d JOIN account a ON a.id = d.account_id \
         JOIN billing_profile p ON p.account_id = a.id AND p.version = a.profile_version \
         WHERE d.state = 'done' AND (p.erased_at IS NULL OR p.username || p.email || p.full_name || p.company \
         || p.address_line1 || p.address_line2 || p.postal_code || p.city || p.address_state || p.vat_number \
         || p.invoice_note <> '') LIMIT $1",
    ),
    (
        "it is deleted, and a profile that no invoice refers to is kept",
        "SELECT 'account ' || a.external_id FROM account_deletion d JOIN account a ON a.id = d.account_id \
         JOIN billing_profile p ON p.account_id = a.id AND p.version <> a.profile_version \
         WHERE d.state = 'done' AND NOT EXISTS (SELECT 1 FROM invoice i WHERE i.account_id = a.id \
         AND i.profile_version = p.version) LIMIT $1",
    ),
    (
        "it is deleted, and cards or what their provider calls it are kept",
        "SELECT 'account ' || a.external_id FROM account_deletion d JOIN account a ON a.id = d.account_id \
         WHERE d.state = 'done' AND (EXISTS (SELECT 1 FROM payment_card c WHERE c.account_id = a.id) \
         OR EXISTS (SELECT 1 FROM provider_customer c WHERE c.account_id = a.id)) LIMIT $1",
    ),
    (
        "it is deleted, and a mandate of it is in use or was never collected by",
        "SELECT 'mandate ' || s.reference FROM account_deletion d \
         JOIN sepa_mandate s ON s.account_id = d.account_id \
         JOIN payment_method m ON m.account_id = s.account_id AND m.id = s.method_id \
         WHERE d.state = 'done' AND (m.state <> 'removed' OR s.last_presented_on IS NULL) LIMIT $1",
    ),
    (
        "it is deleted, and what it was told or what was noted of it is kept",
        "SELECT 'account ' || a.external_id FROM account_deletion d JOIN account a ON a.id = d.account_id \
         WHERE d.state = 'done' AND (EXISTS (SELECT 1 FROM outbox o WHERE o.account_id = a.id \
         AND o.created_at < d.ended_at AND o.payload <> '{}') \
         OR EXISTS (SELECT 1 FROM audit_entry w WHERE w.account_id = a.id AND w.at < d.ended_at \
         AND w.reason <> '(erased)') \
         OR EXISTS (SELECT 1 FROM ledger_entry e WHERE e.account_id = a.id AND e.at < d.ended_at \
         AND e.reason <> '(erased)')) LIMIT $1",
    ),
    (
        "it is deleted, and its steps are not all confirmed",
        "SELECT 'account ' || a.external_id FROM account_deletion d JOIN account a ON a.id = d.account_id \
         WHERE d.state = 'done' AND (SELECT COUNT(*) FROM account_deletion_step s \
         WHERE s.account_id = d.account_id AND s.no = d.no AND s.confirmed_at IS NOT NULL) <> 6 LIMIT $1",
    ),
    (
        "a step of its deletion was asked for before the one before it was done",
        "SELECT 'account ' || a.external_id || ' ' || s.step FROM account_deletion_step s \
         JOIN account a ON a.id = s.account_id \
         JOIN account_deletion_step b ON b.account_id = s.account_id AND b.no = s.no \
         AND b.position = s.position - 1 \
         WHERE s.asked_at IS NOT NULL AND (b.confirmed_at IS NULL OR b.confirmed_at > s.asked_at) LIMIT $1",
    ),
    (
        "it is being deleted on its customer's request, and owed something from before",
        "SELECT 'account ' || a.external_id FROM account_deletion d JOIN account a ON a.id = d.account_id \
         WHERE d.cause = 'request' AND d.state IN ('erasing', 'done') \
         AND EXISTS (SELECT 1 FROM open_invoice o WHERE o.account_id = a.id \
         AND NOT EXISTS (SELECT 1 FROM ledger_entry e WHERE e.account_id = o.account_id \
         AND e.period = o.period AND e.kind = o.kind AND e.at >= d.confirmed_at \
         AND e.movement IN ('sepa_returned', 'chargeback_opened', 'refunded_to_card', 'write_off_recovered', \
         'refunded_to_credit'))) LIMIT $1",
    ),
    (
        "it is being deleted on its customer's request, and credit is left that nobody gave back or gave up",
        "SELECT 'account ' || a.external_id FROM account_deletion d JOIN account a ON a.id = d.account_id \
         JOIN account_deletion_step s ON s.account_id = d.account_id AND s.no = d.no AND s.position = 1 \
         JOIN ledger_entry e ON e.account_id = a.id AND e.at <= s.asked_at \
         JOIN ledger_posting p ON p.account_id = e.account_id AND p.entry_id = e.id \
         AND p.ledger_account = 'customer_credit' WHERE d.cause = 'request' AND d.state IN ('erasing', 'done') \
         GROUP BY a.id, a.external_id HAVING SUM(p.amount_minor) <> 0 LIMIT $1",
    ),
    (
        "its identity was emptied, and it is not deleted",
        "SELECT 'account ' || a.external_id FROM billing_profile p JOIN account a ON a.id = p.account_id \
         WHERE p.erased_at IS NOT NULL AND NOT EXISTS (SELECT 1 FROM account_deletion d \
         WHERE d.account_id = a.id AND d.state = 'done') LIMIT $1",
    ),
];

/// Runs every rule of accounts that leave.
///
/// # Errors
/// When the database refuses.
pub async fn broken_deletion_rules(conn: &mut Conn) -> Result<Vec<(&'static str, Vec<String>)>> {
    verify::broken_of(conn, &RULES).await
}
