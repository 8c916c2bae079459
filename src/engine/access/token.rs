//! API tokens: shown once, kept as digests, exchanged for a bearer token of an hour.

use super::event::Deed;
use super::{AccessError, AccessKeys, OF_EACH_MAX};
use crate::domain::access::{AccountEvent, Scopes, name};
use crate::domain::calendar::Instant;
use crate::domain::ids::AccountId;
use crate::domain::invoice::fingerprint::Digest;
use crate::engine::run::Engine;
use crate::on;
use crate::store::Tx;
use crate::store::rows::{ByPerson, NewToken, StoredToken, TokenHolder};

/// What every secret begins with, so that whoever finds one knows what it is.
pub const SECRET_PREFIX: &str = "tk-us-";

/// A token to be made.
#[derive(Debug, Clone, Copy)]
pub struct TokenRequest<'a> {
    pub name: &'a str,
    pub scopes: &'a Scopes,
    pub expires_at: Option<Instant>,
}

/// A token that was made, with its secret: nobody can read it again.
#[derive(Debug, Clone)]
pub struct Issued {
    pub token: StoredToken,
    pub secret: String,
}

/// What is kept of a secret. It has 288 bits of chance: nothing that would make it
/// slow to guess would make it safer.
fn digest_of(secret: &str) -> Digest {
    Digest::of_fields(["api_token", secret])
}

impl Engine {
    /// Exchanges the secret of an API token for a bearer token.
    ///
    /// # Errors
    /// [`AccessError::NotLetIn`] when there is no such token, or it has expired; or
    /// the database refuses.
    pub async fn exchange_token(
        &self,
        keys: &AccessKeys,
        secret: &str,
    ) -> Result<String, AccessError> {
        let now = self.clock.now();
        let digest = digest_of(secret);
        let mut tx = self.store.begin().await?;
        let holder = on!(&mut tx, conn, q => q::holder_of_secret(conn, digest).await)?;
        let holder = holder
            .filter(|holder| is_good(holder, now))
            .ok_or(AccessError::NotLetIn)?;
        let (account, id) = (holder.account, holder.token.id.as_str());
        on!(&mut tx, conn, q => q::touch_token(conn, account, id, now).await)?;
        tx.commit().await?;
        keys.bearer
            .issue(&holder.external_id, id, holder.credential_version, now)
    }

    /// Whose bearer token it is. The API token that it was exchanged for is looked at
    /// again: what was deleted opens nothing.
    ///
    /// # Errors
    /// [`AccessError::NotLetIn`] when it is not good; or the database refuses.
    pub async fn holder_of_bearer(
        &self,
        keys: &AccessKeys,
        bearer: &str,
    ) -> Result<TokenHolder, AccessError> {
        let now = self.clock.now();
        let claims = keys.bearer.read(bearer, now).ok_or(AccessError::NotLetIn)?;
        let mut tx = self.store.lookup().await?;
        let holder = on!(&mut tx, conn, q => {
            q::holder_of_token(conn, &claims.sub, &claims.jti).await
        })?;
        tx.rollback().await?;
        holder
            .filter(|holder| is_good(holder, now))
            // Another password was set since.
            .filter(|holder| claims.ver >= holder.credential_version)
            .ok_or(AccessError::NotLetIn)
    }

    /// The API tokens of an account.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn tokens(&self, account: AccountId) -> Result<Vec<StoredToken>, AccessError> {
        let mut tx = self.store.lookup().await?;
        let tokens = on!(&mut tx, conn, q => q::tokens_of(conn, account).await)?;
        tx.rollback().await?;
        Ok(tokens)
    }

    /// Makes an API token.
    ///
    /// # Errors
    /// When its name is none, it would be good for nothing any more, there are too
    /// many, or the database refuses.
    pub async fn create_token(
        &self,
        account: AccountId,
        request: TokenRequest<'_>,
        by: ByPerson<'_>,
    ) -> Result<Issued, AccessError> {
        let now = self.clock.now();
        let name = name(request.name)?;
        if request.expires_at.is_some_and(|at| at <= now) {
            return Err(AccessError::Expiry);
        }
        let mut tx = self.store.begin().await?;
        on!(&mut tx, conn, q => q::lock_account(conn, account).await)?;
        if on!(&mut tx, conn, q => q::is_being_erased(conn, account).await)? {
            return Err(AccessError::Leaving);
        }
        let known = on!(&mut tx, conn, q => q::tokens_of(conn, account).await)?;
        if known.len() >= OF_EACH_MAX {
            return Err(AccessError::TooMany);
        }
        let request = TokenRequest { name, ..request };
        let issued = self.insert_token(&mut tx, account, request).await?;
        write_down(&mut tx, account, by, Change::Created, &issued.token, now).await?;
        tx.commit().await?;
        Ok(issued)
    }

    /// Gives an API token another id and secret. What it was before opens nothing any
    /// more.
    ///
    /// # Errors
    /// When there is none of this id, it may more than `held` or has expired, or the
    /// database refuses.
    pub async fn renew_token(
        &self,
        account: AccountId,
        id: &str,
        held: &Scopes,
        by: ByPerson<'_>,
    ) -> Result<Issued, AccessError> {
        let now = self.clock.now();
        let mut tx = self.store.begin().await?;
        on!(&mut tx, conn, q => q::lock_account(conn, account).await)?;
        let before = on!(&mut tx, conn, q => q::delete_token(conn, account, id).await)?;
        let before = before.ok_or(AccessError::Unknown)?;
        if !held.cover(&before.scopes) {
            return Err(AccessError::Scope);
        }
        if before.expires_at.is_some_and(|at| at <= now) {
            return Err(AccessError::Expiry);
        }
        let request = TokenRequest {
            name: &before.name,
            scopes: &before.scopes,
            expires_at: before.expires_at,
        };
        let issued = self.insert_token(&mut tx, account, request).await?;
        write_down(&mut tx, account, by, Change::Renewed, &issued.token, now).await?;
        tx.commit().await?;
        Ok(issued)
    }

    /// Deletes an API token, and with it what it was exchanged for.
    ///
    /// # Errors
    /// When there is none of this id, or the database refuses.
    pub async fn delete_token(
        &self,
        account: AccountId,
        id: &str,
        by: ByPerson<'_>,
    ) -> Result<(), AccessError> {
        let now = self.clock.now();
        let mut tx = self.store.begin().await?;
        on!(&mut tx, conn, q => q::lock_account(conn, account).await)?;
        let deleted = on!(&mut tx, conn, q => q::delete_token(conn, account, id).await)?;
        let deleted = deleted.ok_or(AccessError::Unknown)?;
        write_down(&mut tx, account, by, Change::Deleted, &deleted, now).await?;
        tx.commit().await?;
        Ok(())
    }

    async fn insert_token(
        &self,
        tx: &mut Tx,
        account: AccountId,
        request: TokenRequest<'_>,
    ) -> Result<Issued, AccessError> {
        let now = self.clock.now();
        let id = self.chance.uuid()?;
        let secret = format!("{SECRET_PREFIX}{}", self.chance.secret()?);
        let new = NewToken {
            id: &id,
            name: request.name,
            digest: digest_of(&secret),
            scopes: request.scopes,
            expires_at: request.expires_at,
        };
        on!(&mut *tx, conn, q => q::insert_token(conn, account, new, now).await)?;
        Ok(Issued {
            token: StoredToken {
                id,
                name: request.name.to_owned(),
                scopes: request.scopes.clone(),
                created_at: now,
                expires_at: request.expires_at,
                last_used_at: None,
            },
            secret,
        })
    }
}

fn is_good(holder: &TokenHolder, now: Instant) -> bool {
    !holder.standing.is_deleted && holder.token.expires_at.is_none_or(|at| now < at)
}

/// What is done with a token.
#[derive(Clone, Copy)]
enum Change {
    Created,
    Renewed,
    Deleted,
}

/// Writes down what is done with a token: for the house, and for its customer.
async fn write_down(
    tx: &mut Tx,
    account: AccountId,
    by: ByPerson<'_>,
    change: Change,
    token: &StoredToken,
    now: Instant,
) -> Result<(), AccessError> {
    let (token_name, token_id) = (token.name.as_str(), token.id.as_str());
    let (action, event) = match change {
        Change::Created => (
            "token_created",
            AccountEvent::NewToken {
                token_name,
                token_id,
            },
        ),
        Change::Renewed => (
            "token_renewed",
            AccountEvent::RegenerateToken {
                token_name,
                token_id,
            },
        ),
        Change::Deleted => (
            "token_deleted",
            AccountEvent::DeleteToken {
                token_name,
                token_id,
            },
        ),
    };
    let subject = format!("token {token_id} {token_name}");
    let deed = Deed {
        action,
        subject: Some(&subject),
        event,
    };
    Ok(deed.write(tx, account, by, now).await?)
}
