//! Disputes: whoever paid takes a payment back through its bank or provider, until
//! it is decided. A payment can be disputed several times, and in parts; what is
//! read of a dispute may be late or come twice. Pure functions of what is
//! recorded, what was read and how the payment stands.

use std::fmt;

use super::attempt::AttemptState;
use super::decline::Decline;

/// Where a dispute stands, as it is recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DisputeState {
    /// It is there, and no money moved yet.
    Announced,
    /// The money was taken back, and it is not decided.
    Open,
    /// Decided for the house, or dropped before money moved.
    Won,
    /// Decided against the house.
    Lost,
}

impl DisputeState {
    pub const ALL: [Self; 4] = [Self::Announced, Self::Open, Self::Won, Self::Lost];

    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Announced => "announced",
            Self::Open => "open",
            Self::Won => "won",
            Self::Lost => "lost",
        }
    }

    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.code() == code)
    }

    /// Whether whoever paid, or the provider, has the money.
    #[must_use]
    pub const fn is_taken(self) -> bool {
        matches!(self, Self::Open | Self::Lost)
    }

    #[must_use]
    pub const fn is_decided(self) -> bool {
        matches!(self, Self::Won | Self::Lost)
    }
}

impl fmt::Display for DisputeState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// What a provider says of who has the money.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DisputeStanding {
    /// No money moved, and it may.
    Announced,
    /// No money moved, and none will: an inquiry that was answered.
    Dropped,
    /// The money was taken back.
    Open,
    /// It was taken back, and came again.
    Won,
    /// It was taken back for good.
    Lost,
}

/// What was read of a dispute. Amounts are in minor units of the payment's
/// currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DisputeNews {
    pub standing: DisputeStanding,
    pub amount_minor: i64,
    /// What the provider took for it.
    pub fee_minor: i64,
    /// What it gave back of that.
    pub fee_returned_minor: i64,
}

/// A dispute as it is recorded. Amounts as in [`DisputeNews`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RecordedDispute {
    pub state: DisputeState,
    pub amount_minor: i64,
    pub fee_minor: i64,
    /// Whether it is booked that the money was taken back.
    pub is_booked: bool,
}

/// The payment, and what else was taken or given back of it. Amounts as in
/// [`DisputeNews`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DisputeFacts<'a> {
    /// Nothing where it is read for the first time.
    pub recorded: Option<RecordedDispute>,
    pub payment: &'a AttemptState,
    pub paid_minor: i64,
    /// By refunds that went through.
    pub refunded_minor: i64,
    /// By its other disputes that are open or lost.
    pub others_minor: i64,
}

/// What the ledger books of a dispute, in minor units. Each once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DisputeBooking {
    Opened { amount_minor: i64, fee_minor: i64 },
    Won { amount_minor: i64, fee_minor: i64 },
}

/// What is written, in one transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DisputeDecision {
    pub dispute: RecordedDispute,
    /// The state of the payment: returned while a dispute of it is open or lost.
    pub payment: AttemptState,
    /// In the order they are booked.
    pub bookings: Vec<DisputeBooking>,
}

impl DisputeDecision {
    /// Whether it says for the first time that the money is gone.
    #[must_use]
    pub const fn opens(&self) -> bool {
        matches!(self.bookings.as_slice(), [DisputeBooking::Opened { .. }])
    }

    /// Whether it says that money which was gone is there again.
    #[must_use]
    pub const fn wins(&self) -> bool {
        matches!(self.bookings.as_slice(), [DisputeBooking::Won { .. }])
    }
}

/// What was read cannot be booked. Nothing is changed; a person has to look.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DisputeError {
    #[error("it disputes a payment that is {0}")]
    NotPaid(AttemptState),
    #[error("it is over {amount_minor}, fees {fee_minor} and {fee_returned_minor}")]
    Amount {
        amount_minor: i64,
        fee_minor: i64,
        fee_returned_minor: i64,
    },
    #[error("{disputed_minor} is taken back of a payment of which {left_minor} is left")]
    MoreThanLeft {
        disputed_minor: i64,
        left_minor: i64,
    },
    #[error("{news_minor} is taken back, where {booked_minor} is booked for it")]
    OtherAmount { news_minor: i64, booked_minor: i64 },
    #[error("it is booked as won, and lost now")]
    LostAfterWon,
}

/// Decides. `None` where the news is none: it was told before, or is older than
/// what is recorded.
///
/// # Errors
/// When the news contradicts what is recorded.
pub fn decide_dispute(
    facts: &DisputeFacts<'_>,
    news: &DisputeNews,
) -> Result<Option<DisputeDecision>, DisputeError> {
    check_range(news)?;
    let Some(next) = next_of(facts.recorded, news)? else {
        return Ok(None);
    };
    let was_booked = facts.recorded.is_some_and(|recorded| recorded.is_booked);
    let mut bookings = Vec::new();
    if next.is_booked && !was_booked {
        let left_minor = facts
            .paid_minor
            .saturating_sub(facts.refunded_minor)
            .saturating_sub(facts.others_minor);
        if next.amount_minor > left_minor {
            return Err(DisputeError::MoreThanLeft {
                disputed_minor: next.amount_minor,
                left_minor,
            });
        }
        bookings.push(DisputeBooking::Opened {
            amount_minor: next.amount_minor,
            fee_minor: next.fee_minor,
        });
    }
    if next.is_booked && next.state == DisputeState::Won {
        bookings.push(DisputeBooking::Won {
            amount_minor: next.amount_minor,
            fee_minor: news.fee_returned_minor,
        });
    }
    let payment = payment_after(facts, &next, bookings.is_empty())?;
    Ok(Some(DisputeDecision {
        dispute: next,
        payment,
        bookings,
    }))
}

const fn check_range(news: &DisputeNews) -> Result<(), DisputeError> {
    let DisputeNews {
        amount_minor,
        fee_minor,
        fee_returned_minor,
        ..
    } = *news;
    if amount_minor <= 0 || fee_minor < 0 || fee_returned_minor < 0 {
        return Err(DisputeError::Amount {
            amount_minor,
            fee_minor,
            fee_returned_minor,
        });
    }
    Ok(())
}

/// The dispute after the news; `None` where it is none.
fn next_of(
    recorded: Option<RecordedDispute>,
    news: &DisputeNews,
) -> Result<Option<RecordedDispute>, DisputeError> {
    use DisputeStanding as Read;
    let (state, moved) = match news.standing {
        Read::Announced => (DisputeState::Announced, false),
        Read::Dropped => (DisputeState::Won, false),
        Read::Open => (DisputeState::Open, true),
        Read::Won => (DisputeState::Won, true),
        Read::Lost => (DisputeState::Lost, true),
    };
    let first = RecordedDispute {
        state,
        amount_minor: news.amount_minor,
        fee_minor: if moved { news.fee_minor } else { 0 },
        is_booked: moved,
    };
    let Some(recorded) = recorded else {
        return Ok(Some(first));
    };
    if !recorded.is_booked {
        // Money that moved moved after all that is recorded: a provider's record
        // of it is only ever added to.
        let is_news =
            moved || (recorded.state, state) == (DisputeState::Announced, DisputeState::Won);
        return Ok(is_news.then_some(first));
    }
    if !moved {
        return Ok(None);
    }
    // How much a dispute was about is no matter any more once all of it is back.
    if state != DisputeState::Won && recorded.amount_minor != news.amount_minor {
        let is_old = recorded.state == DisputeState::Won && state == DisputeState::Open;
        if !is_old {
            return Err(DisputeError::OtherAmount {
                news_minor: news.amount_minor,
                booked_minor: recorded.amount_minor,
            });
        }
    }
    match (recorded.state, state) {
        // A bank may give in after it has decided.
        (DisputeState::Open | DisputeState::Lost, DisputeState::Won)
        | (DisputeState::Open, DisputeState::Lost) => {
            Ok(Some(RecordedDispute { state, ..recorded }))
        }
        (DisputeState::Won, DisputeState::Lost) => Err(DisputeError::LostAfterWon),
        _ => Ok(None),
    }
}

/// Where the payment stands then.
fn payment_after(
    facts: &DisputeFacts<'_>,
    next: &RecordedDispute,
    nothing_moves: bool,
) -> Result<AttemptState, DisputeError> {
    match facts.payment {
        AttemptState::Succeeded => {}
        AttemptState::Returned { reason } if reason.is_chargeback() => {}
        // An announcement may come before the payment's outcome is told.
        other if nothing_moves => return Ok(other.clone()),
        other => return Err(DisputeError::NotPaid(other.clone())),
    }
    let is_taken = next.state.is_taken() || facts.others_minor > 0;
    Ok(if is_taken {
        AttemptState::Returned {
            reason: Decline::chargeback(),
        }
    } else {
        AttemptState::Succeeded
    })
}

#[cfg(test)]
#[path = "dispute_tests.rs"]
mod tests;
