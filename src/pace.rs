//! How the moves of the engine follow each other: as fast as they go in a service;
//! in a rehearsal each waits for its turn, so that which of several workers goes
//! next, and where one of them ends for good, can be played and played again.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

/// Who goes next.
#[derive(Clone, Default)]
pub enum Pace {
    /// Nobody waits for a turn, and many accounts are worked on at once.
    #[default]
    Free,
    /// A worker does one thing after the other, and waits for its turn before each
    /// transaction.
    InTurns(Arc<dyn Turns>),
}

/// Gives turns.
pub trait Turns: Send + Sync {
    /// Is over once it is the caller's turn; never, where the caller is to end here.
    fn turn(&self) -> Pin<Box<dyn Future<Output = ()> + Send + '_>>;
}

impl Pace {
    /// Waits for the turn.
    pub async fn turn(&self) {
        match self {
            Self::Free => {}
            Self::InTurns(turns) => turns.turn().await,
        }
    }

    /// How many accounts are worked on at once, of the many that a service would.
    #[must_use]
    pub const fn at_once(&self, many: usize) -> usize {
        match self {
            Self::Free => many,
            Self::InTurns(_) => 1,
        }
    }
}

impl fmt::Debug for Pace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Free => "Free",
            Self::InTurns(_) => "InTurns",
        })
    }
}
