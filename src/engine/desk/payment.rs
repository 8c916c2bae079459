//! An attempt to take money, with all that came of it.

use crate::domain::ids::AttemptId;
use crate::engine::run::Engine;
use crate::on;
use crate::store::StoreError;
use crate::store::rows::{BookedPosting, Refunded, StoredAttempt, StoredDispute, StoredRefund};

/// What became of an attempt, what it moved, and what was given or taken back.
#[derive(Debug, Clone)]
pub struct PaymentStory {
    pub attempt: StoredAttempt,
    pub postings: Vec<BookedPosting>,
    pub refunds: Vec<StoredRefund>,
    pub disputes: Vec<StoredDispute>,
}

impl Engine {
    /// The story of a payment; `None` where there is no such payment.
    ///
    /// # Errors
    /// When the database refuses or holds nonsense.
    pub async fn payment_story(&self, id: AttemptId) -> Result<Option<PaymentStory>, StoreError> {
        let mut tx = self.store.snapshot().await?;
        let Some(attempt) = on!(&mut tx, conn, q => q::find_attempt(conn, id).await)? else {
            return Ok(None);
        };
        let (account, of) = (attempt.invoice.account, Refunded::Attempt(id));
        let story = PaymentStory {
            attempt,
            postings: on!(&mut tx, conn, q => q::attempt_postings(conn, account, id).await)?,
            refunds: on!(&mut tx, conn, q => q::refunds_of(conn, account, of).await)?,
            disputes: on!(&mut tx, conn, q => q::disputes_of(conn, account, of).await)?,
        };
        tx.rollback().await?;
        Ok(Some(story))
    }
}
