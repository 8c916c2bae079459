//! Passwords checked and kept: as Argon2id hashes (RFC 9106), made off the threads
//! that answer others.

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _};
use argon2::{Algorithm, Argon2, Params, Version};
use tokio::sync::Semaphore;

use super::AccessError;
use crate::domain::access::password::Password;

/// OWASP, "Password Storage Cheat Sheet": Argon2id with 19 MiB, two passes and one lane.
const MEMORY_KIB: u32 = 19_456;
const PASSES: u32 = 2;
const LANES: u32 = 1;

/// What is checked where nobody has a password, so that it takes as long: a hash by
/// the same parameters, of which nobody knows a password.
const NOBODYS: &str = "$argon2id$v=19$m=19456,t=2,p=1$cXVpdHRhbmNlLW5vYm9keQ$Y4KzzIgUErd7/K7tAmABwA2eMCXmbCD25+kvB5hRRio";

/// So many at a time: each takes its memory.
static PLACES: Semaphore = Semaphore::const_new(4);

/// A password cannot be hashed, or a hash not be read.
#[derive(Debug, thiserror::Error)]
pub enum HashError {
    #[error("the parameters of the hash are out of range: {0}")]
    Parameters(#[from] argon2::Error),
    #[error("the password cannot be hashed: {0}")]
    Hash(argon2::password_hash::Error),
    #[error("the stored hash cannot be read: {0}")]
    Stored(argon2::password_hash::phc::Error),
    #[error("the hashing was broken off")]
    BrokenOff,
}

/// The hash of a new password, in the PHC string format.
///
/// # Errors
/// When it cannot be made.
pub(super) async fn hash(password: Password, salt: [u8; 16]) -> Result<String, AccessError> {
    let hashed = off_thread(move || {
        let params = Params::new(MEMORY_KIB, PASSES, LANES, None)?;
        let argon = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        let hash: PasswordHash = argon
            .hash_password_with_salt(password.bytes(), &salt)
            .map_err(HashError::Hash)?;
        Ok(hash.to_string())
    });
    Ok(hashed.await?)
}

/// Whether that is the password of a hash. Without a hash it never is, and takes as
/// long to say.
///
/// # Errors
/// When the hash cannot be read.
pub(super) async fn is_right(
    password: Password,
    stored: Option<String>,
) -> Result<bool, AccessError> {
    let is_somebodys = stored.is_some();
    let is_right = off_thread(move || {
        let stored = stored.as_deref().unwrap_or(NOBODYS);
        let hash = PasswordHash::new(stored).map_err(HashError::Stored)?;
        let verified = Argon2::default().verify_password(password.bytes(), &hash);
        match verified {
            Ok(()) => Ok(true),
            Err(argon2::password_hash::Error::PasswordInvalid) => Ok(false),
            Err(error) => Err(HashError::Hash(error)),
        }
    });
    Ok(is_right.await? && is_somebodys)
}

async fn off_thread<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, HashError> + Send + 'static,
) -> Result<T, HashError> {
    let place = PLACES.acquire().await.map_err(|_| HashError::BrokenOff)?;
    let done = tokio::task::spawn_blocking(work).await;
    drop(place);
    done.map_err(|_| HashError::BrokenOff)?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_password_is_known_by_its_hash() {
        let password = Password::typed("correct horse battery");
        let hashed = hash(password.clone(), [7; 16]).await.unwrap();
        assert!(
            hashed.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"),
            "{hashed}"
        );
        assert!(!hashed.contains("horse"));
        // Another salt, another hash.
        assert_ne!(hash(password.clone(), [8; 16]).await.unwrap(), hashed);
        let wrong = Password::typed("correct horse batterx");
        assert!(!is_right(wrong, Some(hashed.clone())).await.unwrap());
        assert!(is_right(password.clone(), Some(hashed)).await.unwrap());
        assert!(!is_right(password.clone(), None).await.unwrap());
        let nonsense = Some("nonsense".to_owned());
        assert!(is_right(password, nonsense).await.is_err());
    }
}
