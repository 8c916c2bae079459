//! The house's own keys.

use crate::domain::access::Role;
use crate::domain::calendar::Instant;
use crate::domain::invoice::fingerprint::Digest;

/// A key of the house without its secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredOperator {
    /// A UUID.
    pub id: String,
    /// Who it is in the audit log.
    pub name: String,
    pub role: Role,
    pub created_at: Instant,
    pub expires_at: Option<Instant>,
    pub last_used_at: Option<Instant>,
    pub revoked_at: Option<Instant>,
}

/// A key of the house to be kept.
#[derive(Debug, Clone, Copy)]
pub struct NewOperator<'a> {
    pub id: &'a str,
    pub name: &'a str,
    pub role: Role,
    pub digest: Digest,
    pub expires_at: Option<Instant>,
}
