//! SSH keys of an account.

use super::event::Deed;
use super::{AccessError, OF_EACH_MAX};
use crate::domain::access::{AccountEvent, SshKey, name};
use crate::domain::ids::AccountId;
use crate::engine::run::Engine;
use crate::on;
use crate::store::rows::{ByPerson, NewKey, StoredKey};

impl Engine {
    /// The SSH keys of an account.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn keys(&self, account: AccountId) -> Result<Vec<StoredKey>, AccessError> {
        let mut tx = self.store.lookup().await?;
        let keys = on!(&mut tx, conn, q => q::keys_of(conn, account).await)?;
        tx.rollback().await?;
        Ok(keys)
    }

    /// Adds an SSH key.
    ///
    /// # Errors
    /// When its name or content is none or taken, there are too many, or the database
    /// refuses.
    pub async fn add_key(
        &self,
        account: AccountId,
        key_name: &str,
        content: &str,
        by: ByPerson<'_>,
    ) -> Result<StoredKey, AccessError> {
        let now = self.clock.now();
        let name = name(key_name)?;
        let key = SshKey::parse(content)?;
        let id = self.chance.uuid()?;
        let mut tx = self.store.begin().await?;
        on!(&mut tx, conn, q => q::lock_account(conn, account).await)?;
        if on!(&mut tx, conn, q => q::is_being_erased(conn, account).await)? {
            return Err(AccessError::Leaving);
        }
        let digest = key.digest;
        let (is_named, is_known) =
            on!(&mut tx, conn, q => q::key_taken(conn, account, name, digest).await)?;
        if is_named {
            return Err(AccessError::NameTaken);
        }
        if is_known {
            return Err(AccessError::KeyTaken);
        }
        let known = on!(&mut tx, conn, q => q::keys_of(conn, account).await)?;
        if known.len() >= OF_EACH_MAX {
            return Err(AccessError::TooMany);
        }
        let new = NewKey {
            id: &id,
            name,
            key: &key,
        };
        match on!(&mut tx, conn, q => q::insert_key(conn, account, new, now).await) {
            Ok(()) => {}
            // Another account was given it at the same time.
            Err(error) if error.is_unique_violation() => return Err(AccessError::KeyTaken),
            Err(error) => return Err(error.into()),
        }
        let subject = format!("key {} {name}", key.fingerprint);
        let deed = Deed {
            action: "key_added",
            subject: Some(&subject),
            event: AccountEvent::NewKey {
                name,
                fingerprint: &key.fingerprint,
            },
        };
        deed.write(&mut tx, account, by, now).await?;
        tx.commit().await?;
        Ok(StoredKey {
            id,
            name: name.to_owned(),
            content: key.content,
            fingerprint: key.fingerprint,
            created_at: now,
        })
    }

    /// Deletes an SSH key.
    ///
    /// # Errors
    /// When there is none of this id, or the database refuses.
    pub async fn delete_key(
        &self,
        account: AccountId,
        id: &str,
        by: ByPerson<'_>,
    ) -> Result<(), AccessError> {
        let now = self.clock.now();
        let mut tx = self.store.begin().await?;
        on!(&mut tx, conn, q => q::lock_account(conn, account).await)?;
        let deleted = on!(&mut tx, conn, q => q::delete_key(conn, account, id).await)?;
        let deleted = deleted.ok_or(AccessError::Unknown)?;
        let subject = format!("key {} {}", deleted.fingerprint, deleted.name);
        let deed = Deed {
            action: "key_deleted",
            subject: Some(&subject),
            event: AccountEvent::DeleteKey {
                name: &deleted.name,
                fingerprint: &deleted.fingerprint,
            },
        };
        deed.write(&mut tx, account, by, now).await?;
        tx.commit().await?;
        Ok(())
    }
}
