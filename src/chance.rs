//! The one place that asks the machine for chance.

use std::fmt;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64URL;

/// Where chance comes from.
#[derive(Clone, Default)]
pub enum Chance {
    #[default]
    System,
    /// Drawn by somebody else: a rehearsal that is to be replayed exactly.
    Drawn(Arc<dyn Draw>),
}

/// Fills bytes by chance, or by what a rehearsal takes for it.
pub trait Draw: Send + Sync {
    fn fill(&self, bytes: &mut [u8]);
}

impl Chance {
    /// What the key of a movement of money, such as an
    /// [`AttemptId`](crate::domain::ids::AttemptId), or a recovery code takes of chance.
    ///
    /// # Errors
    /// When the machine has none to give.
    pub fn bytes(&self) -> Result<[u8; 10], getrandom::Error> {
        self.fill()
    }

    /// A key that nobody guesses or makes twice: 32 hex digits.
    ///
    /// # Errors
    /// When the machine has none to give.
    pub fn key(&self) -> Result<String, getrandom::Error> {
        let bytes: [u8; 16] = self.fill()?;
        Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
    }

    /// A secret that whoever has it is let in by: 256 bits as 64 hex digits.
    ///
    /// # Errors
    /// When the machine has none to give.
    pub fn token(&self) -> Result<String, getrandom::Error> {
        let bytes: [u8; 32] = self.fill()?;
        Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
    }

    /// The id of something that clients know it by: a UUID of version 4 (RFC 9562).
    ///
    /// # Errors
    /// When the machine has none to give.
    pub fn uuid(&self) -> Result<String, getrandom::Error> {
        let mut number = u128::from_be_bytes(self.fill()?);
        // Its version and its variant have places of their own.
        number = number & !(0xf << 76) | 4 << 76;
        number = number & !(0b11 << 62) | 0b10 << 62;
        let mut text = format!("{number:032x}");
        for at in [20, 16, 12, 8] {
            text.insert(at, '-');
        }
        Ok(text)
    }

    /// A secret for people to copy: 288 bits as 48 characters of base64url.
    ///
    /// # Errors
    /// When the machine has none to give.
    pub fn secret(&self) -> Result<String, getrandom::Error> {
        let bytes: [u8; 36] = self.fill()?;
        Ok(BASE64URL.encode(bytes))
    }

    /// What the hash of a password takes of chance.
    ///
    /// # Errors
    /// When the machine has none to give.
    pub fn salt(&self) -> Result<[u8; 16], getrandom::Error> {
        self.fill()
    }

    /// What a phone and the house share for a second factor.
    ///
    /// # Errors
    /// When the machine has none to give.
    pub fn totp(&self) -> Result<[u8; 20], getrandom::Error> {
        self.fill()
    }

    fn fill<const N: usize>(&self) -> Result<[u8; N], getrandom::Error> {
        match self {
            Self::System => from_machine(),
            Self::Drawn(draw) => {
                let mut bytes = [0; N];
                draw.fill(&mut bytes);
                Ok(bytes)
            }
        }
    }
}

impl fmt::Debug for Chance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::System => "System",
            Self::Drawn(_) => "Drawn",
        })
    }
}

/// A nonce for AES-GCM: 96 bits, never used twice with a key. Always the
/// machine's: one that could be replayed would open what it seals.
///
/// # Errors
/// When the machine has none to give.
pub fn nonce() -> Result<[u8; 12], getrandom::Error> {
    from_machine()
}

#[allow(clippy::disallowed_methods, reason = "this is the place")]
fn from_machine<const N: usize>() -> Result<[u8; N], getrandom::Error> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Always(u8);

    impl Draw for Always {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.fill(self.0);
        }
    }

    #[test]
    fn a_uuid_says_its_version_and_variant() {
        for (byte, uuid) in [
            (0x00, "00000000-0000-4000-8000-000000000000"),
            (0xff, "ffffffff-ffff-4fff-bfff-ffffffffffff"),
        ] {
            let chance = Chance::Drawn(Arc::new(Always(byte)));
            assert_eq!(chance.uuid().unwrap(), uuid);
        }
    }

    #[test]
    fn a_secret_is_48_characters_and_another_each_time() {
        let (one, two) = (
            Chance::System.secret().unwrap(),
            Chance::System.secret().unwrap(),
        );
        assert_eq!(one.len(), 48);
        assert_ne!(one, two);
    }
}
