//! What is told to customers and to the platform.

use crate::domain::ids::AccountId;

/// How a row of the outbox reaches whom it is for. Each has its own rows: a mail
/// server that is down holds up no order to the platform.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Channel {
    /// To the customer.
    Mail,
    /// To the platform, as a webhook.
    Platform,
}

impl Channel {
    pub const ALL: [Self; 2] = [Self::Mail, Self::Platform];

    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Mail => "mail",
            Self::Platform => "platform",
        }
    }

    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|channel| channel.code() == code)
    }
}

/// Something that a customer is told, once it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewNotice {
    pub account: AccountId,
    /// Unique within the account for what it tells, such as
    /// `payment_failed:ATTEMPT`.
    pub key: String,
    pub topic: &'static str,
    /// JSON.
    pub payload: String,
}

/// Something that the platform is told to do, once it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewOrder {
    pub account: AccountId,
    /// Unique within the account for what is to be done, such as `suspend:NO`.
    pub key: String,
    pub topic: &'static str,
    /// JSON.
    pub payload: String,
}
