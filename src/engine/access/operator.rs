//! The house's own keys, for the finance API and for ingestion: shown once, kept as
//! digests.

use super::AccessError;
use crate::domain::access::{Role, name};
use crate::domain::calendar::Instant;
use crate::domain::invoice::fingerprint::Digest;
use crate::engine::run::Engine;
use crate::on;
use crate::store::rows::{ByPerson, NewOperator, StoredOperator};

/// What every secret begins with, so that whoever finds one knows what it is.
const SECRET_PREFIX: &str = "qt-op-";
/// How old the time of the last use may get: each writing of it is a transaction.
const TOUCH_EVERY_MICROS: i64 = 60_000_000;

/// A key to be made.
#[derive(Debug, Clone, Copy)]
pub struct OperatorRequest<'a> {
    pub name: &'a str,
    pub role: Role,
    pub expires_at: Option<Instant>,
}

/// What is kept of a secret. It has 288 bits of chance, and is looked up by this:
/// how long a wrong one takes to be refused says nothing of any right one.
fn digest_of(secret: &str) -> Digest {
    Digest::of_fields(["operator_key", secret])
}

impl Engine {
    /// Makes a key of the house, and says its secret: nobody can read it again.
    ///
    /// # Errors
    /// When its name is none or was ever given, it would be good for nothing any
    /// more, or the database refuses.
    pub async fn add_operator(
        &self,
        request: OperatorRequest<'_>,
        by: ByPerson<'_>,
    ) -> Result<String, AccessError> {
        let now = self.clock.now();
        let name = name(request.name)?;
        if request.expires_at.is_some_and(|at| at <= now) {
            return Err(AccessError::Expiry);
        }
        let id = self.chance.uuid()?;
        let secret = format!("{SECRET_PREFIX}{}", self.chance.secret()?);
        let new = NewOperator {
            id: &id,
            name,
            role: request.role,
            digest: digest_of(&secret),
            expires_at: request.expires_at,
        };
        let mut tx = self.store.begin().await?;
        match on!(&mut tx, conn, q => q::insert_operator(conn, new, now).await) {
            Ok(()) => {}
            Err(error) if error.is_unique_violation() => return Err(AccessError::NameTaken),
            Err(error) => return Err(error.into()),
        }
        let subject = format!("key {id} {name}, {}", request.role);
        on!(&mut tx, conn, q => {
            q::write_house_audit(conn, by, "operator_added", &subject, now).await
        })?;
        tx.commit().await?;
        Ok(secret)
    }

    /// Every key of the house, by name.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn operators(&self) -> Result<Vec<StoredOperator>, AccessError> {
        let mut tx = self.store.snapshot().await?;
        let all = on!(&mut tx, conn, q => q::operators(conn).await)?;
        tx.rollback().await?;
        Ok(all)
    }

    /// Takes a key back: it opens nothing from the next request on. Doing so twice
    /// changes nothing.
    ///
    /// # Errors
    /// When there is none of this name, or the database refuses.
    pub async fn revoke_operator(
        &self,
        name: &str,
        by: ByPerson<'_>,
    ) -> Result<StoredOperator, AccessError> {
        let now = self.clock.now();
        let mut tx = self.store.begin().await?;
        let known = on!(&mut tx, conn, q => q::operator_named(conn, name).await)?;
        let known = known.ok_or(AccessError::Unknown)?;
        if on!(&mut tx, conn, q => q::revoke_operator(conn, &known.id, now).await)? {
            let subject = format!("key {} {}, {}", known.id, known.name, known.role);
            on!(&mut tx, conn, q => {
                q::write_house_audit(conn, by, "operator_revoked", &subject, now).await
            })?;
        }
        tx.commit().await?;
        Ok(known)
    }

    /// Whose secret it is.
    ///
    /// # Errors
    /// [`AccessError::NotLetIn`] when it is nobody's, was revoked or has expired; or
    /// the database refuses.
    pub async fn operator_of_secret(&self, secret: &str) -> Result<StoredOperator, AccessError> {
        let now = self.clock.now();
        let digest = digest_of(secret);
        let mut tx = self.store.lookup().await?;
        let key = on!(&mut tx, conn, q => q::operator_of_secret(conn, digest).await)?;
        tx.rollback().await?;
        let key = key
            .filter(|key| key.revoked_at.is_none() && key.expires_at.is_none_or(|at| now < at))
            .ok_or(AccessError::NotLetIn)?;
        let is_fresh = |at: Instant| now.0.saturating_sub(at.0) < TOUCH_EVERY_MICROS;
        if !key.last_used_at.is_some_and(is_fresh) {
            let mut tx = self.store.begin().await?;
            on!(&mut tx, conn, q => q::touch_operator(conn, &key.id, now).await)?;
            tx.commit().await?;
        }
        Ok(key)
    }
}
