//! What providers tell by themselves. An event is only a hint: it is verified,
//! written down, and leads to reading the object it names again; what was read is
//! recorded. So events may come twice, late or in another order.
//!
//! - here: the one way that every event takes
//! - [`stripe`], [`paypal`]: which are theirs, and what each leads to

mod paypal;
mod stripe;

use std::future::Future;
use std::pin::Pin;

use crate::engine::collect::CollectError;
use crate::engine::dispute::DisputeError;
use crate::engine::methods::CardError;
use crate::engine::providers::ProviderError;
use crate::engine::purchase::PurchaseError;
use crate::engine::refund::RefundError;
use crate::engine::run::Engine;
use crate::engine::settle::SettleError;
use crate::on;
use crate::providers::CallError;
use crate::store::StoreError;
use crate::store::rows::EventKey;

/// What became of an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Handled {
    Done,
    /// It was handled before.
    Already,
    /// It is about nothing that is kept here.
    Ignored,
    /// It is written down with its problem.
    ForAPerson(String),
}

/// An event is not handled; its provider will send it again.
#[derive(Debug, thiserror::Error)]
pub enum WebhookError {
    /// Its signature is missing or wrong, or it is no event at all. Nothing of it
    /// is kept.
    #[error("the event is not the provider's: {0}")]
    NotTheirs(String),
    /// Too many are being verified. Nothing of it is kept.
    #[error("too many events at once")]
    Busy,
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Provider(#[from] ProviderError),
    #[error(transparent)]
    Call(#[from] CallError),
    #[error(transparent)]
    Settle(#[from] SettleError),
    #[error(transparent)]
    Refund(#[from] RefundError),
    #[error(transparent)]
    Method(#[from] CardError),
    #[error(transparent)]
    Collect(#[from] CollectError),
    #[error(transparent)]
    Purchase(#[from] PurchaseError),
    #[error(transparent)]
    Dispute(#[from] DisputeError),
}

impl WebhookError {
    /// Whether the same event may fare better later, without a person.
    pub(in crate::engine) const fn is_passing(&self) -> bool {
        match self {
            Self::Store(_) | Self::Provider(_) | Self::Busy | Self::Collect(_) => true,
            Self::Call(call) | Self::Method(CardError::Call(call)) => call.is_passing(),
            Self::Settle(error) => matches!(error, SettleError::Store(_)),
            Self::Refund(error) => error.is_passing(),
            Self::Method(error) => matches!(
                error,
                CardError::Store(_) | CardError::Provider(_) | CardError::Collect(_)
            ),
            Self::Purchase(error) => error.is_passing(),
            Self::Dispute(error) => error.is_passing(),
            Self::NotTheirs(_) => false,
        }
    }
}

/// What an event leads to. It reaches through every way that money moves, so it is
/// kept on the heap: many events at once would fill the stack.
type Act<'a> = Pin<Box<dyn Future<Output = Result<Handled, WebhookError>> + Send + 'a>>;

impl Engine {
    /// Handles an event that its provider sent for certain: writes it down, acts on
    /// it unless that was done, and writes down what became of it.
    async fn handle_event(
        &self,
        key: EventKey<'_>,
        kind: &str,
        act: Act<'_>,
    ) -> Result<Handled, WebhookError> {
        let now = self.clock.now();
        let mut tx = self.store.begin().await?;
        let is_handled = on!(&mut tx, conn, q => q::receive_event(conn, key, kind, now).await)?;
        tx.commit().await?;
        if is_handled {
            return Ok(Handled::Already);
        }
        let (handled, again) = match act.await {
            Ok(handled) => (handled, None),
            Err(error) => {
                let problem = Handled::ForAPerson(error.to_string());
                // Trying again would find the same, unless it passes.
                let again = error.is_passing().then_some(error);
                (problem, again)
            }
        };
        self.end_event(key, &handled).await?;
        match again {
            Some(error) => Err(error),
            None => Ok(handled),
        }
    }

    /// Writes down what became of an event.
    async fn end_event(&self, key: EventKey<'_>, handled: &Handled) -> Result<(), StoreError> {
        let now = self.clock.now();
        let mut tx = self.store.begin().await?;
        match handled {
            Handled::ForAPerson(problem) => {
                on!(&mut tx, conn, q => q::mark_event_problem(conn, key, problem).await)?;
            }
            Handled::Done | Handled::Already | Handled::Ignored => {
                on!(&mut tx, conn, q => q::mark_event_handled(conn, key, now).await)?;
            }
        }
        tx.commit().await
    }
}
