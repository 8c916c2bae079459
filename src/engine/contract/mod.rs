//! Contracts that customers accept, and whom they name about health data.
//!
//! - this file: contracts
//! - [`hds`]: contacts about health data

mod hds;

use crate::domain::account::Language;
use crate::domain::contract::{Contract, Unacceptable};
use crate::domain::ids::AccountId;
use crate::engine::access::AccessError;
use crate::engine::run::Engine;
use crate::on;
use crate::store::rows::{Acceptance, ByPerson};

/// A version of a contract, as it stands for an account.
#[derive(Debug, Clone)]
pub struct StandingContract {
    pub contract: Contract,
    pub is_latest: bool,
    /// The version that replaced it.
    pub next: Option<String>,
    /// The version of another that is accepted before it.
    pub depends_on: Option<String>,
    pub accepted: Option<Acceptance>,
}

/// Something about a contract is refused.
#[derive(Debug, thiserror::Error)]
pub enum ContractError {
    #[error(transparent)]
    Access(#[from] AccessError),
    #[error("{0}")]
    Unacceptable(Unacceptable),
}

impl From<crate::store::StoreError> for ContractError {
    fn from(error: crate::store::StoreError) -> Self {
        Self::Access(error.into())
    }
}

impl Engine {
    /// Every version that is published, the older first, as it stands for an account.
    ///
    /// # Errors
    /// When the database refuses or holds nonsense.
    pub async fn contracts(
        &self,
        account: AccountId,
    ) -> Result<Vec<StandingContract>, ContractError> {
        let now = self.clock.now();
        let mut tx = self.store.snapshot().await?;
        let accepted = on!(&mut tx, conn, q => q::acceptances_of(conn, account).await)?;
        tx.rollback().await?;
        let all = &self.config.contracts;
        let standing = all.published(now).map(|contract| StandingContract {
            is_latest: all.is_latest(contract, now),
            next: all.next(contract, now).map(|next| next.id.clone()),
            depends_on: contract
                .depends_on
                .as_deref()
                .and_then(|before| all.latest(before, now))
                .map(|before| before.id.clone()),
            accepted: accepted
                .iter()
                .find(|accepted| accepted.contract == contract.id)
                .cloned(),
            contract: contract.clone(),
        });
        Ok(standing.collect())
    }

    /// A version that is published, as it stands for an account.
    ///
    /// # Errors
    /// When there is none of this id, or the database refuses.
    pub async fn contract(
        &self,
        account: AccountId,
        id: &str,
    ) -> Result<StandingContract, ContractError> {
        let all = self.contracts(account).await?;
        let found = all.into_iter().find(|standing| standing.contract.id == id);
        found.ok_or(ContractError::Unacceptable(Unacceptable::Unknown))
    }

    /// Accepts a version for an account, in the language that it was read in. Accepted
    /// again, it stays as it was.
    ///
    /// # Errors
    /// When there is none of this id, a newer one replaced it, another is accepted
    /// before; or the database refuses.
    pub async fn accept_contract(
        &self,
        account: AccountId,
        id: &str,
        locale: Language,
        by: ByPerson<'_>,
    ) -> Result<StandingContract, ContractError> {
        let now = self.clock.now();
        let mut tx = self.store.begin().await?;
        on!(&mut tx, conn, q => q::lock_account(conn, account).await)?;
        if on!(&mut tx, conn, q => q::is_being_erased(conn, account).await)? {
            return Err(AccessError::Leaving.into());
        }
        let accepted = on!(&mut tx, conn, q => q::acceptances_of(conn, account).await)?;
        let has_accepted = |id: &str| accepted.iter().any(|accepted| accepted.contract == id);
        let version = self.config.contracts.acceptable(id, has_accepted, now);
        let version = version.map_err(ContractError::Unacceptable)?;
        if !has_accepted(&version.id) {
            let acceptance = Acceptance {
                contract: version.id.clone(),
                version: version.version.clone(),
                locale,
                accepted_at: now,
            };
            on!(&mut tx, conn, q => q::insert_acceptance(conn, account, &acceptance).await)?;
            let subject = format!("contract {} {locale}", version.id);
            on!(&mut tx, conn, q => {
                q::write_audit(conn, account, by, "contract_accepted", now, Some(&subject), None).await
            })?;
            tx.commit().await?;
        }
        self.contract(account, id).await
    }
}
