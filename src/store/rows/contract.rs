//! What customers accepted, and whom they name about health data.

use crate::domain::account::Language;
use crate::domain::calendar::Instant;
use crate::domain::hds::HdsContact;
use crate::domain::ids::AccountId;

/// That an account accepted a version of a contract.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Acceptance {
    /// The id of the version.
    pub contract: String,
    pub version: String,
    /// The language that it was read in.
    pub locale: Language,
    pub accepted_at: Instant,
}

/// Whom an account names about the health data of an app.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredHdsContact {
    pub account: AccountId,
    pub app: String,
    /// What clients know it by.
    pub id: String,
    pub contact: HdsContact,
    pub updated_at: Instant,
}
