//! Seals what must not lie readable in the database or on the disk: AES-256-GCM
//! with a key that is never stored beside it. What is sealed names its key, so
//! that keys are changed without losing anything.

pub mod archive;
mod signer;

pub use signer::Signer;

use aes_gcm::aead::{Aead as _, KeyInit as _, Payload};
use aes_gcm::{Aes256Gcm, Nonce};
use secrecy::{ExposeSecret as _, SecretBox};

use crate::chance;
use crate::config::{SecretError, VaultSettings};

const NONCE_BYTES: usize = 12;

/// What is sealed, with the id of its key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sealed {
    pub key_id: String,
    /// The nonce, then the encrypted bytes with their tag.
    pub bytes: Vec<u8>,
}

/// A value cannot be sealed or opened.
#[derive(Debug, thiserror::Error)]
pub enum VaultError {
    #[error("there is no [vault] in the settings: IBANs are not kept without a key to seal them")]
    NoVault,
    #[error("the key {id:?} of the vault is not there: {source}")]
    Secret { id: String, source: SecretError },
    #[error("the key {0:?} of the vault is not 32 bytes as 64 hex digits")]
    NotAKey(String),
    #[error("what was sealed with the key {0:?} cannot be opened: the settings name no such key")]
    UnknownKey(String),
    #[error(
        "what was sealed with the key {0:?} cannot be opened: it was altered, or the key is another"
    )]
    Altered(String),
    #[error("nothing can be sealed: {0}")]
    Chance(#[from] getrandom::Error),
    #[error("it is too long to be sealed")]
    TooLong,
}

struct Key {
    id: String,
    bytes: SecretBox<[u8; 32]>,
    cipher: Aes256Gcm,
}

/// The keys, read.
pub struct Vault {
    keys: Vec<Key>,
}

impl Vault {
    /// Reads the keys that the settings name.
    ///
    /// # Errors
    /// When there is none, one is not where the settings say, or is no key.
    pub fn open(settings: Option<&VaultSettings>) -> Result<Self, VaultError> {
        let settings = settings.ok_or(VaultError::NoVault)?;
        let mut keys = Vec::with_capacity(settings.keys.len());
        for key in &settings.keys {
            let secret = key.source.read().map_err(|source| VaultError::Secret {
                id: key.id.clone(),
                source,
            })?;
            let bytes = from_hex(secret.expose_secret())
                .ok_or_else(|| VaultError::NotAKey(key.id.clone()))?;
            keys.push(Key {
                id: key.id.clone(),
                cipher: Aes256Gcm::new(&bytes.into()),
                bytes: SecretBox::new(Box::new(bytes)),
            });
        }
        Ok(Self { keys })
    }

    /// Seals with the newest key. `context` says what it is and whose: what is
    /// moved to another place does not open there.
    ///
    /// # Errors
    /// When the machine gives no chance.
    pub fn seal(&self, plain: &[u8], context: &str) -> Result<Sealed, VaultError> {
        let key = self.keys.last().ok_or(VaultError::NoVault)?;
        let nonce: [u8; NONCE_BYTES] = chance::nonce()?;
        let payload = Payload {
            msg: plain,
            aad: context.as_bytes(),
        };
        let sealed = key
            .cipher
            .encrypt(&Nonce::from(nonce), payload)
            .map_err(|_| VaultError::TooLong)?;
        let mut bytes = Vec::with_capacity(NONCE_BYTES + sealed.len());
        bytes.extend_from_slice(&nonce);
        bytes.extend_from_slice(&sealed);
        Ok(Sealed {
            key_id: key.id.clone(),
            bytes,
        })
    }

    /// Opens what was sealed in the same context.
    ///
    /// # Errors
    /// When its key is not there, or it was altered or moved.
    pub fn unseal(&self, sealed: &Sealed, context: &str) -> Result<Vec<u8>, VaultError> {
        let key = self
            .keys
            .iter()
            .find(|key| key.id == sealed.key_id)
            .ok_or_else(|| VaultError::UnknownKey(sealed.key_id.clone()))?;
        let altered = || VaultError::Altered(sealed.key_id.clone());
        let (nonce, msg) = sealed
            .bytes
            .split_first_chunk::<NONCE_BYTES>()
            .ok_or_else(altered)?;
        let payload = Payload {
            msg,
            aad: context.as_bytes(),
        };
        key.cipher
            .decrypt(&Nonce::from(*nonce), payload)
            .map_err(|_| altered())
    }

    /// Keys to sign with, one of each key of the vault's, the newest last: what is
    /// signed for one purpose is good for no other (NIST SP 800-108, HMAC).
    #[must_use]
    pub fn signers(&self, purpose: &str) -> Vec<(String, Signer)> {
        self.keys
            .iter()
            .map(|key| {
                let master = Signer::new(key.bytes.expose_secret());
                let derived = master.sign(&[purpose.as_bytes()]);
                (key.id.clone(), Signer::new(&derived))
            })
            .collect()
    }

    /// The id of the key that new values are sealed with.
    #[must_use]
    pub fn newest_key(&self) -> Option<&str> {
        self.keys.last().map(|key| key.id.as_str())
    }
}

fn from_hex(text: &str) -> Option<[u8; 32]> {
    if text.len() != 64 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    let mut bytes = [0; 32];
    for (at, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(text.get(at * 2..at * 2 + 2)?, 16).ok()?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{SecretSource, VaultKey};

    fn vault(keys: &[(&str, &str)], folder: &std::path::Path) -> Result<Vault, VaultError> {
        let keys = keys
            .iter()
            .map(|(id, key)| {
                let path = folder.join(id);
                std::fs::write(&path, key).unwrap();
                VaultKey {
                    id: (*id).to_owned(),
                    source: SecretSource::File(path),
                }
            })
            .collect();
        Vault::open(Some(&VaultSettings { keys }))
    }

    #[test]
    fn what_is_sealed_opens_with_its_key_and_in_its_place_only() {
        let folder = tempfile::tempdir().unwrap();
        let (old, new) = ("11".repeat(32), "22".repeat(32));
        let before = vault(&[("old", &old)], folder.path()).unwrap();
        let sealed = before.seal(b"DE89", "mandate 7/1").unwrap();
        assert!(!sealed.bytes.windows(4).any(|bytes| bytes == b"DE89"));
        // The same twice is not the same sealed.
        assert_ne!(before.seal(b"DE89", "mandate 7/1").unwrap(), sealed);
        let after = vault(&[("old", &old), ("new", &new)], folder.path()).unwrap();
        assert_eq!(after.unseal(&sealed, "mandate 7/1").unwrap(), b"DE89");
        assert_eq!(after.seal(b"x", "y").unwrap().key_id, "new");
        assert!(matches!(
            after.unseal(&sealed, "mandate 7/2"),
            Err(VaultError::Altered(_))
        ));
        for at in 0..sealed.bytes.len() {
            let mut altered = sealed.clone();
            altered.bytes[at] ^= 1;
            assert!(after.unseal(&altered, "mandate 7/1").is_err(), "{at}");
        }
        let short = Sealed {
            bytes: vec![1, 2],
            ..sealed.clone()
        };
        assert!(after.unseal(&short, "mandate 7/1").is_err());
        let only_new = vault(&[("new", &new)], folder.path()).unwrap();
        assert!(matches!(
            only_new.unseal(&sealed, "mandate 7/1"),
            Err(VaultError::UnknownKey(_))
        ));
    }

    #[test]
    fn a_key_that_is_none_is_refused_without_being_shown() {
        let folder = tempfile::tempdir().unwrap();
        for wrong in ["", "12", &"zz".repeat(32), &"1".repeat(63)] {
            let Err(error) = vault(&[("k", wrong)], folder.path()) else {
                panic!("{wrong}");
            };
            assert!(
                wrong.is_empty() || !error.to_string().contains(wrong),
                "{error}"
            );
        }
        assert!(matches!(Vault::open(None), Err(VaultError::NoVault)));
    }
}
