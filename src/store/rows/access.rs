//! What the account API lets in.

use crate::domain::access::{Scopes, SshKey, Standing};
use crate::domain::calendar::Instant;
use crate::domain::ids::AccountId;
use crate::domain::invoice::fingerprint::Digest;

/// An API token without its secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredToken {
    /// A UUID.
    pub id: String,
    pub name: String,
    pub scopes: Scopes,
    pub created_at: Instant,
    pub expires_at: Option<Instant>,
    pub last_used_at: Option<Instant>,
}

/// An API token to be kept.
#[derive(Debug, Clone, Copy)]
pub struct NewToken<'a> {
    pub id: &'a str,
    pub name: &'a str,
    pub digest: Digest,
    pub scopes: &'a Scopes,
    pub expires_at: Option<Instant>,
}

/// Whose token it is, and how that account stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenHolder {
    pub account: AccountId,
    /// The platform's id of the account.
    pub external_id: String,
    pub token: StoredToken,
    /// Bearer tokens of a lower one open nothing any more.
    pub credential_version: i64,
    pub standing: Standing,
}

/// An SSH key of an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredKey {
    /// A UUID.
    pub id: String,
    pub name: String,
    pub content: String,
    pub fingerprint: String,
    pub created_at: Instant,
}

/// An SSH key to be kept.
#[derive(Debug, Clone, Copy)]
pub struct NewKey<'a> {
    pub id: &'a str,
    pub name: &'a str,
    pub key: &'a SshKey,
}

/// What happened to an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredEvent {
    /// One of its account's; such as `12`, or the id of a payment.
    pub id: String,
    pub at: Instant,
    /// As an [`AccountEvent`](crate::domain::access::AccountEvent) has it.
    pub kind: String,
    /// An object.
    pub data: serde_json::Value,
}

/// Somebody whom a customer invited to look at its invoices.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredAccountant {
    pub id: String,
    pub email: String,
    pub invited_at: Instant,
    /// When it last looked, within a minute.
    pub seen_at: Option<Instant>,
}
