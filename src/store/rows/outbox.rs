//! What is told to customers and to the platform.

use std::fmt;

use chrono::NaiveDate;

use super::InvoiceKey;
use crate::domain::account::Language;
use crate::domain::calendar::Instant;
use crate::domain::ids::AccountId;
use crate::domain::invoice::InvoiceNumber;
use crate::domain::money::Currency;
use crate::domain::notice::{OrderTopic, Topic};

/// How a row of the outbox reaches whom it is for. Each has its own rows: a mail
/// server that is down holds up no order to the platform.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
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

impl fmt::Display for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// How a row of the outbox stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MessageState {
    /// To be delivered, or being delivered.
    Waiting,
    /// The other side has it.
    Delivered,
    /// The other side does not take it: a person has to look.
    Refused,
    /// What it tells is not so any more.
    Obsolete,
}

impl MessageState {
    pub const ALL: [Self; 4] = [
        Self::Waiting,
        Self::Delivered,
        Self::Refused,
        Self::Obsolete,
    ];

    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Delivered => "delivered",
            Self::Refused => "refused",
            Self::Obsolete => "obsolete",
        }
    }

    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.code() == code)
    }
}

/// Something that a customer is told, once it stands.
#[derive(Clone, PartialEq, Eq)]
pub struct NewNotice {
    pub account: AccountId,
    /// Unique within the account for what it tells, such as
    /// `payment_failed:ATTEMPT`.
    pub key: String,
    pub topic: Topic,
    /// JSON.
    pub payload: String,
}

impl NewNotice {
    /// What a customer is told of its invoice: once, whoever thinks of it first, the
    /// run that makes it or the schedule afterwards.
    #[must_use]
    pub fn invoice_issued(invoice: InvoiceKey, number: &InvoiceNumber) -> Self {
        let topic = Topic::InvoiceIssued;
        let (period, kind) = (invoice.period.to_number(), invoice.kind);
        Self {
            account: invoice.account,
            key: format!("{topic}:{period}:{kind}"),
            topic,
            payload: serde_json::json!({ "invoice": number.to_string() }).to_string(),
        }
    }
}

/// Without the payload, which may be a secret of the customer's.
impl fmt::Debug for NewNotice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewNotice")
            .field("account", &self.account)
            .field("key", &self.key)
            .field("topic", &self.topic)
            .finish_non_exhaustive()
    }
}

/// Something that the platform is told to do, once it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewOrder {
    pub account: AccountId,
    /// Unique within the account for what is to be done, such as `suspend:NO`.
    pub key: String,
    pub topic: OrderTopic,
    /// JSON.
    pub payload: String,
}

/// A row that this process delivers, until its lease ends.
#[derive(Clone, PartialEq, Eq)]
pub struct ClaimedMessage {
    pub account: AccountId,
    pub key: String,
    /// As it is stored: no version may know it.
    pub topic: String,
    /// JSON.
    pub payload: String,
    pub created_at: Instant,
    /// This try counted. Whoever claims it after this lease raises it.
    pub tries: i32,
}

/// Without the payload, which may be a secret of the customer's.
impl fmt::Debug for ClaimedMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClaimedMessage")
            .field("account", &self.account)
            .field("key", &self.key)
            .field("topic", &self.topic)
            .field("tries", &self.tries)
            .finish_non_exhaustive()
    }
}

/// A row as it is listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedMessage {
    /// The platform's id of the account.
    pub external_id: String,
    pub key: String,
    pub channel: Channel,
    pub topic: String,
    pub state: MessageState,
    pub tries: i32,
    pub created_at: Instant,
    pub next_try_at: Instant,
    pub ended_at: Option<Instant>,
    pub problem: Option<String>,
}

/// Which rows are listed or tried again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct MessageFilter<'a> {
    pub state: Option<MessageState>,
    pub channel: Option<Channel>,
    pub account: Option<AccountId>,
    pub key: Option<&'a str>,
}

/// Whom a mail goes to, as its account says now.
#[derive(Clone, PartialEq, Eq)]
pub struct MailAddress {
    /// The platform's id of the account.
    pub external_id: String,
    pub email: String,
    pub full_name: String,
    pub language: Language,
    /// The account is gone, and the address with it.
    pub is_erased: bool,
}

/// An invoice as a mail tells of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvoiceStanding {
    pub key: InvoiceKey,
    pub number: InvoiceNumber,
    pub issued_on: NaiveDate,
    pub due_on: NaiveDate,
    pub currency: Currency,
    pub total_minor: i64,
    /// What the entries of the ledger allocate to it.
    pub allocated_minor: i64,
}
