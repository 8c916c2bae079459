//! The one place that asks the machine for chance.

use std::fmt;
use std::sync::Arc;

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
    /// [`AttemptId`](crate::domain::ids::AttemptId), takes of chance.
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
