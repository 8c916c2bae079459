//! Where a deletion stands, and what it waits for.

use super::DeletionError;
use super::erase::EraseWaits;
use crate::domain::deletion::{DeletionState, decide};
use crate::domain::ids::AccountId;
use crate::engine::run::Engine;
use crate::on;
use crate::store::Tx;
use crate::store::rows::{DeletionWithSteps, StoredDeletion};

/// A deletion as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outlook {
    pub known: DeletionWithSteps,
    /// What it waits for, in words; nothing where it has ended.
    pub waits_for: Vec<String>,
    /// Pieces of usage that came after it left, and that a person has to look at.
    pub late_pieces: u64,
}

impl Engine {
    /// Where the latest deletion of an account stands, if there ever was one.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn deletion_of(&self, account: AccountId) -> Result<Option<Outlook>, DeletionError> {
        let mut tx = self.store.snapshot().await?;
        let latest = on!(&mut tx, conn, q => q::latest_deletion(conn, account).await)?;
        let Some(deletion) = latest else {
            return Ok(None);
        };
        let no = deletion.no;
        let steps = on!(&mut tx, conn, q => q::deletion_steps(conn, account, no).await)?;
        let late = on!(&mut tx, conn, q => q::count_late_of(conn, account).await)?;
        let waits_for = self.waits_for(&mut tx, &deletion).await?;
        tx.rollback().await?;
        Ok(Some(Outlook {
            known: DeletionWithSteps { deletion, steps },
            waits_for,
            late_pieces: u64::try_from(late).unwrap_or(0),
        }))
    }

    async fn waits_for(
        &self,
        tx: &mut Tx,
        deletion: &StoredDeletion,
    ) -> Result<Vec<String>, DeletionError> {
        let (account, no) = (deletion.account, deletion.no);
        Ok(match deletion.state {
            DeletionState::Asked => match deletion.link_until {
                Some(until) => vec![format!("its customer, who has a link until {until}")],
                None => Vec::new(),
            },
            DeletionState::Settling => {
                let facts = self.settling_facts(tx, deletion).await?;
                match decide(&facts) {
                    Ok(_) => vec!["the next round of the job deletion".to_owned()],
                    Err(refusals) => refusals.iter().map(ToString::to_string).collect(),
                }
            }
            DeletionState::Erasing => match self.erase_waits(tx, deletion).await? {
                Some(EraseWaits::Step) => {
                    let steps =
                        on!(&mut *tx, conn, q => q::deletion_steps(conn, account, no).await)?;
                    let open = steps.iter().find(|step| step.confirmed_at.is_none());
                    let open = open.map_or("its steps", |step| step.step.code());
                    vec![format!("the platform, which has to confirm {open}")]
                }
                Some(waits) => vec![waits.to_string()],
                None => vec!["the next round of the job deletion".to_owned()],
            },
            DeletionState::Done | DeletionState::Withdrawn => Vec::new(),
        })
    }
}
