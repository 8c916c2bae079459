//! What people did.

use serde::Serialize;
use utoipa::ToSchema;

use crate::store::rows::AuditEntry;

#[derive(Serialize, ToSchema)]
pub struct AuditEntryView {
    at: String,
    /// `null` where it is about no single account.
    account: Option<String>,
    /// Who did it: a person, a key of the house, the customer.
    by: String,
    /// Such as `refund`.
    action: String,
    /// What it was done to.
    subject: Option<String>,
    reason: String,
}

impl From<AuditEntry> for AuditEntryView {
    fn from(entry: AuditEntry) -> Self {
        Self {
            at: entry.at.to_string(),
            account: entry.external_id,
            by: entry.actor,
            action: entry.action,
            subject: entry.subject,
            reason: entry.reason,
        }
    }
}
