//! The month of one account, billed before it ends: its final invoice. It is the
//! account's invoice of that month, made by the same steps as every other, so the
//! month's run finds it settled and bills nothing of it twice.

use super::batch::{assemble, decide_range};
use super::facts::RunFacts;
use super::{Engine, commit};
use crate::domain::ids::AccountId;
use crate::domain::invoice::Decision;
use crate::engine::deletion::DeletionError;
use crate::store::Tx;
use crate::store::rows::RunRange;

impl Engine {
    /// Settles an account's month as it stands, in the caller's transaction, which
    /// has closed the gate and holds the account. One that is settled already stays
    /// as it is.
    ///
    /// # Errors
    /// [`DeletionError::FinalInvoice`] when the month would be held back: then
    /// nothing is to be written.
    pub(in crate::engine) async fn settle_early(
        &self,
        tx: &mut Tx,
        facts: &RunFacts,
        account: AccountId,
    ) -> Result<(), DeletionError> {
        let prices = facts.prices.current(tx).await?;
        let range = RunRange::only(account);
        let decided = decide_range(tx, self, facts, &prices, range, false).await?;
        for account in &decided {
            if let Decision::Parked(reason) = &account.decision {
                return Err(DeletionError::FinalInvoice(reason.clone()));
            }
        }
        let batch = assemble(decided, self, facts, &prices);
        commit::write(tx, self, facts, &batch).await?;
        Ok(())
    }
}
