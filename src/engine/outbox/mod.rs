//! The outbox delivered: mail to customers, orders to the platform.
//!
//! - this file: a round, and what came of it
//! - [`claim`]: rows taken for a while, and given back or ended
//! - [`mail`]: rows to letters, and letters to the mail server
//! - [`letters`]: what a letter tells, read when it is written
//! - [`how_paid`]: how an invoice that was issued will be paid
//! - [`upcoming`]: what comes next for an unpaid invoice
//! - [`post`]: many letters over a few kept connections
//! - [`platform`]: orders, strictly in each account's order
//!
//! Everything is delivered at least once. A row is claimed in a transaction of its
//! own, until its lease ends; it is sent with nothing held; what became of it is
//! recorded afterwards. A process that dies between the last two sends it again
//! when the lease is over, under the same Message-ID or webhook-id: that is the one
//! way to a double, and how it is recognized.

mod claim;
mod house;
mod how_paid;
mod letters;
mod mail;
mod platform;
mod post;
mod upcoming;

pub use house::house;

use crate::documents::DocumentError;
use crate::engine::collect::CollectError;
use crate::engine::dunning::DunningError;
use crate::engine::providers::ProviderError;
use crate::engine::run::Engine;
use crate::mail::message::MessageError;
use crate::providers::platform::OpenError;
use crate::store::StoreError;
use crate::store::rows::Channel;

/// Delivering came to a stop. What was recorded stands, and what was claimed comes
/// due again when its lease ends.
#[derive(Debug, thiserror::Error)]
pub enum OutboxError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Provider(#[from] ProviderError),
    #[error(transparent)]
    Facts(#[from] CollectError),
    #[error(transparent)]
    Dunning(#[from] DunningError),
    #[error(transparent)]
    Document(#[from] DocumentError),
    #[error(transparent)]
    Message(#[from] MessageError),
    #[error(transparent)]
    Platform(#[from] OpenError),
    #[error("a worker stopped without a word")]
    Worker,
    #[error("the date is out of range")]
    Date,
}

/// What came of a round.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Delivered {
    /// The other side has them.
    pub sent: u64,
    /// They are tried again later.
    pub retried: u64,
    /// A person has to look.
    pub refused: u64,
    /// What they tell is not so any more.
    pub obsolete: u64,
    /// Channels whose other side takes nothing now, with what it said. What was due
    /// stays due.
    pub stopped: Vec<(Channel, String)>,
}

impl Delivered {
    fn add(&mut self, other: Self) {
        self.sent += other.sent;
        self.retried += other.retried;
        self.refused += other.refused;
        self.obsolete += other.obsolete;
        self.stopped.extend(other.stopped);
    }
}

/// Is told of every row whose end or next try was recorded.
pub type OnMessage<'a> = &'a (dyn Fn() + Sync);

impl Engine {
    /// Works off what is due now, at most so many rows of each channel, and returns
    /// when nothing is due. A channel that the settings do not have is left alone:
    /// its rows wait. The channels do not wait for each other.
    ///
    /// # Errors
    /// When the database refuses, or a secret is not where the settings say. A
    /// server that is down is no error: see [`Delivered::stopped`].
    pub async fn deliver_outbox(
        &self,
        messages_max: u64,
        on_message: OnMessage<'_>,
    ) -> Result<Delivered, OutboxError> {
        let (mails, orders) = tokio::join!(
            mail::round(self, messages_max, on_message),
            platform::round(self, messages_max, on_message),
        );
        let mut delivered = mails?;
        delivered.add(orders?);
        Ok(delivered)
    }
}
