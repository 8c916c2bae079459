//! One attempt to take money: recorded, sent, and what came of it.
//!
//! An event is what was read from the provider or done by the house. Events may
//! come late, twice or in another order; [`AttemptState::apply`] says for each
//! pair whether it is news, nothing new, or a [`Contradiction`] for a person.

use std::fmt;

use super::decline::Decline;

/// Where an attempt stands, with the facts of that state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AttemptState {
    /// Committed under its id, the idempotency key; not known to be sent.
    Created,
    /// Sent, or released to the bank; no answer yet.
    Submitted,
    /// The provider or bank has it and works on it.
    Pending,
    /// The money was taken.
    Succeeded,
    /// No money was taken.
    Declined { decline: Decline },
    /// Sent without a readable answer: the money may have been taken.
    Unknown,
    /// The money was taken and given back: a SEPA return or refund, or a
    /// chargeback.
    Returned { reason: Decline },
}

/// What happened to an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AttemptEvent {
    /// The house handed it to the provider or bank.
    Sent,
    /// The provider or bank has it, without an outcome.
    Accepted,
    /// No readable answer came: a time-out, a closed connection, a 5xx.
    Lost,
    Succeeded,
    Declined {
        decline: Decline,
    },
    /// The provider was asked and never had it, and its key is too old to be
    /// sent again.
    NotFound,
    /// The house took it back before it was sent.
    Withdrawn,
    /// The bank took a direct debit back. Cards and purchases are taken back by
    /// [`super::dispute`]s.
    Returned {
        reason: Decline,
    },
}

/// What a transition moves in the ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Booking {
    Settled,
    GivenBack,
}

/// What was read cannot have happened after what is recorded. Nothing is
/// changed; a person has to look.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("an attempt that is {state} cannot become {event}")]
pub struct Contradiction {
    pub state: AttemptState,
    pub event: AttemptEvent,
}

/// What an event is to a state.
enum Verdict {
    To(AttemptState),
    NothingNew,
    Never,
}

impl AttemptState {
    /// The state after an event. The same event twice changes nothing, and what
    /// comes too late to matter changes nothing either.
    ///
    /// # Errors
    /// When the event contradicts the state.
    pub fn apply(self, event: &AttemptEvent) -> Result<Self, Contradiction> {
        match self.verdict(event) {
            Verdict::To(next) => Ok(next),
            Verdict::NothingNew => Ok(self),
            Verdict::Never => Err(Contradiction {
                state: self,
                event: event.clone(),
            }),
        }
    }

    fn verdict(&self, event: &AttemptEvent) -> Verdict {
        use AttemptEvent as Event;
        use Verdict::{Never, NothingNew, To};
        match event {
            Event::Sent => match self {
                Self::Created => To(Self::Submitted),
                // Sent again under the same key: the answer is still out.
                _ => NothingNew,
            },
            Event::Accepted => match self {
                Self::Created | Self::Submitted | Self::Unknown => To(Self::Pending),
                Self::Declined { decline } if decline.waits_for_customer() => To(Self::Pending),
                _ => NothingNew,
            },
            Event::Lost => match self {
                Self::Created | Self::Submitted => To(Self::Unknown),
                // A poll without an answer takes nothing back that was known.
                _ => NothingNew,
            },
            Event::Succeeded => match self {
                Self::Created | Self::Submitted | Self::Pending | Self::Unknown => {
                    To(Self::Succeeded)
                }
                // The customer authenticated after all.
                Self::Declined { decline } if decline.waits_for_customer() => To(Self::Succeeded),
                Self::Declined { .. } => Never,
                // The bank's file of the settlement came after that of the return.
                Self::Succeeded | Self::Returned { .. } => NothingNew,
            },
            Event::Declined { decline: new } => match self {
                Self::Declined { decline: old } | Self::Returned { reason: old }
                    if old.code == new.code =>
                {
                    NothingNew
                }
                // Read before it was canceled, and told after.
                Self::Declined { decline: old }
                    if old.is_canceled() && new.waits_for_customer() =>
                {
                    NothingNew
                }
                Self::Declined { decline: old } if !old.waits_for_customer() => Never,
                Self::Succeeded | Self::Returned { .. } => Never,
                _ => To(Self::Declined {
                    decline: new.clone(),
                }),
            },
            Event::NotFound => match self {
                Self::Created | Self::Submitted | Self::Unknown => To(Self::Declined {
                    decline: Decline::not_found(),
                }),
                Self::Declined { decline } if decline.is_not_found() => NothingNew,
                _ => Never,
            },
            Event::Withdrawn => match self {
                Self::Created => To(Self::Declined {
                    decline: Decline::withdrawn(),
                }),
                Self::Declined { decline } if decline.is_withdrawn() => NothingNew,
                _ => Never,
            },
            Event::Returned { reason: new } => match self {
                Self::Returned { reason: old } | Self::Declined { decline: old } => {
                    if old.code == new.code {
                        NothingNew
                    } else {
                        Never
                    }
                }
                _ => To(Self::Returned {
                    reason: new.clone(),
                }),
            },
        }
    }

    /// What it is to an attempt that a process could not send it: only while it
    /// is known to be sent by nobody is it taken back. Whoever asks in another's
    /// place (reconciling) records [`AttemptEvent::Sent`] before.
    #[must_use]
    pub const fn not_sent_by_us(&self) -> AttemptEvent {
        match self {
            Self::Created => AttemptEvent::Withdrawn,
            _ => AttemptEvent::Lost,
        }
    }

    /// What the ledger books when an attempt goes from `self` to `next`. A return
    /// that is read before its settlement books both, so that the settlement
    /// may come later and book nothing.
    #[must_use]
    pub const fn bookings(&self, next: &Self) -> &'static [Booking] {
        match (self, next) {
            (Self::Succeeded, Self::Returned { .. }) => &[Booking::GivenBack],
            (Self::Succeeded | Self::Returned { .. }, Self::Succeeded)
            | (Self::Returned { .. }, Self::Returned { .. }) => &[],
            (_, Self::Succeeded) => &[Booking::Settled],
            (_, Self::Returned { .. }) => &[Booking::Settled, Booking::GivenBack],
            _ => &[],
        }
    }

    /// Whether the outcome is out: the money may be on its way, and nothing else
    /// may be tried for the same invoice.
    #[must_use]
    pub const fn in_flight(&self) -> bool {
        match self {
            Self::Created | Self::Submitted | Self::Pending | Self::Unknown => true,
            Self::Succeeded | Self::Declined { .. } | Self::Returned { .. } => false,
        }
    }

    /// Why there is no money: the decline or the reason of the return.
    #[must_use]
    pub const fn refusal(&self) -> Option<&Decline> {
        match self {
            Self::Declined { decline } => Some(decline),
            Self::Returned { reason } => Some(reason),
            _ => None,
        }
    }

    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Submitted => "submitted",
            Self::Pending => "pending",
            Self::Succeeded => "succeeded",
            Self::Declined { .. } => "declined",
            Self::Unknown => "unknown",
            Self::Returned { .. } => "returned",
        }
    }

    /// The inverse of [`Self::code`] and [`Self::refusal`]: `None` when the code
    /// is no state, or the refusal is missing or one too many.
    #[must_use]
    pub fn from_parts(code: &str, refusal: Option<Decline>) -> Option<Self> {
        Some(match (code, refusal) {
            ("created", None) => Self::Created,
            ("submitted", None) => Self::Submitted,
            ("pending", None) => Self::Pending,
            ("succeeded", None) => Self::Succeeded,
            ("declined", Some(decline)) => Self::Declined { decline },
            ("unknown", None) => Self::Unknown,
            ("returned", Some(reason)) => Self::Returned { reason },
            _ => return None,
        })
    }
}

impl fmt::Display for AttemptState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.refusal() {
            Some(refusal) => write!(f, "{}: {refusal}", self.code()),
            None => f.write_str(self.code()),
        }
    }
}

impl fmt::Display for AttemptEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sent => f.write_str("sent"),
            Self::Accepted => f.write_str("accepted"),
            Self::Lost => f.write_str("lost"),
            Self::Succeeded => f.write_str("succeeded"),
            Self::Declined { decline } => write!(f, "declined: {decline}"),
            Self::NotFound => f.write_str("not found"),
            Self::Withdrawn => f.write_str("withdrawn"),
            Self::Returned { reason } => write!(f, "returned: {reason}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn declined(decline: Decline) -> AttemptState {
        AttemptState::Declined { decline }
    }

    fn returned(reason: Decline) -> AttemptState {
        AttemptState::Returned { reason }
    }

    fn states() -> Vec<AttemptState> {
        vec![
            AttemptState::Created,
            AttemptState::Submitted,
            AttemptState::Pending,
            AttemptState::Unknown,
            AttemptState::Succeeded,
            declined(Decline::sepa("AM04")),
            declined(Decline::stripe("authentication_required")),
            declined(Decline::canceled()),
            declined(Decline::not_found()),
            declined(Decline::withdrawn()),
            returned(Decline::sepa("AM04")),
            returned(Decline::chargeback()),
        ]
    }

    fn events() -> Vec<AttemptEvent> {
        use AttemptEvent::{Accepted, Lost, NotFound, Sent, Succeeded, Withdrawn};
        let declined = |decline| AttemptEvent::Declined { decline };
        let returned = |reason| AttemptEvent::Returned { reason };
        vec![
            Sent,
            Accepted,
            Lost,
            Succeeded,
            declined(Decline::sepa("AM04")),
            declined(Decline::stripe("lost_card")),
            NotFound,
            Withdrawn,
            returned(Decline::sepa("AM04")),
            returned(Decline::chargeback()),
        ]
    }

    fn short(state: &AttemptState) -> String {
        match state.refusal() {
            Some(refusal) => format!("{} {}", state.code(), refusal.code),
            None => state.code().to_owned(),
        }
    }

    /// One line a state: what each of the events, in their order, makes of it.
    /// `=` changes nothing, `!` is a contradiction.
    const TABLE: &str = "
        created: submitted | pending | unknown | succeeded | declined AM04 | declined lost_card | declined not_found | declined withdrawn | returned AM04 | returned chargeback
        submitted: = | pending | unknown | succeeded | declined AM04 | declined lost_card | declined not_found | ! | returned AM04 | returned chargeback
        pending: = | = | = | succeeded | declined AM04 | declined lost_card | ! | ! | returned AM04 | returned chargeback
        unknown: = | pending | = | succeeded | declined AM04 | declined lost_card | declined not_found | ! | returned AM04 | returned chargeback
        succeeded: = | = | = | = | ! | ! | ! | ! | returned AM04 | returned chargeback
        declined AM04: = | = | = | ! | = | ! | ! | ! | = | !
        declined authentication_required: = | pending | = | succeeded | declined AM04 | declined lost_card | ! | ! | ! | !
        declined canceled: = | = | = | ! | ! | ! | ! | ! | ! | !
        declined not_found: = | = | = | ! | ! | ! | = | ! | ! | !
        declined withdrawn: = | = | = | ! | ! | ! | ! | = | ! | !
        returned AM04: = | = | = | = | = | ! | ! | ! | = | !
        returned chargeback: = | = | = | = | ! | ! | ! | ! | ! | =";

    #[test]
    fn every_state_meets_every_event() {
        let rows: Vec<&str> = TABLE.trim().lines().map(str::trim).collect();
        assert_eq!(rows.len(), states().len());
        for (state, row) in states().into_iter().zip(rows) {
            let (name, cells) = row.split_once(": ").unwrap();
            assert_eq!(short(&state), name);
            let cells: Vec<&str> = cells.split(" | ").collect();
            assert_eq!(cells.len(), events().len(), "{name}");
            for (event, expected) in events().iter().zip(cells) {
                let got = match state.clone().apply(event) {
                    Ok(next) if next == state => "=".to_owned(),
                    Ok(next) => short(&next),
                    Err(_) => "!".to_owned(),
                };
                assert_eq!(got, expected, "{name} and {event}");
            }
        }
    }

    #[test]
    fn what_was_read_before_a_cancel_is_no_news_after_it() {
        let canceled = declined(Decline::canceled());
        let waits = AttemptEvent::Declined {
            decline: Decline::stripe("authentication_required"),
        };
        assert_eq!(canceled.clone().apply(&waits), Ok(canceled));
    }

    #[test]
    fn a_contradiction_says_what_met_what() {
        let event = AttemptEvent::Declined {
            decline: Decline::stripe("lost_card"),
        };
        let error = AttemptState::Succeeded.apply(&event).unwrap_err();
        assert_eq!(
            error.to_string(),
            "an attempt that is succeeded cannot become declined: lost_card (hard)"
        );
        assert_eq!(error.state, AttemptState::Succeeded);
    }

    #[test]
    fn only_what_nobody_is_known_to_have_sent_is_taken_back() {
        for state in states() {
            let event = state.not_sent_by_us();
            let after = state.clone().apply(&event).unwrap();
            if state == AttemptState::Created {
                assert!(after.refusal().is_some_and(Decline::is_withdrawn));
            } else {
                // Still out, or what was known: never free to be charged again.
                assert!(after == state || after == AttemptState::Unknown, "{state}");
            }
        }
    }

    #[test]
    fn states_are_read_back_from_their_parts() {
        for state in states() {
            let refusal = state.refusal().cloned();
            let read = AttemptState::from_parts(state.code(), refusal.clone());
            assert_eq!(read, Some(state.clone()));
            let other = if refusal.is_some() {
                None
            } else {
                Some(Decline::sepa("AM04"))
            };
            assert_eq!(AttemptState::from_parts(state.code(), other), None);
        }
        assert_eq!(AttemptState::from_parts("paid", None), None);
    }

    proptest! {
        #[test]
        fn any_sequence_books_what_it_ends_with(picks in prop::collection::vec(0..10_usize, 0..40)) {
            let events = events();
            let mut state = AttemptState::Created;
            let mut held = 0;
            for pick in picks {
                let before = state.clone();
                state = match state.apply(&events[pick]) {
                    Ok(next) => {
                        // the same event twice changes nothing
                        prop_assert_eq!(next.clone().apply(&events[pick]), Ok(next.clone()));
                        next
                    }
                    Err(contradiction) => {
                        prop_assert_eq!(&contradiction.state, &before);
                        contradiction.state
                    }
                };
                for booking in before.bookings(&state) {
                    held += match booking {
                        Booking::Settled => 1,
                        Booking::GivenBack => -1,
                    };
                    prop_assert!((0..=1).contains(&held), "{before} to {state}");
                }
                prop_assert_eq!(held == 1, state == AttemptState::Succeeded);
                let was_in_flight = before.in_flight();
                let back_in_flight = !was_in_flight && state.in_flight();
                let customer_acts = before.refusal().is_some_and(Decline::waits_for_customer);
                prop_assert!(!back_in_flight || customer_acts, "{before} to {state}");
            }
        }
    }
}
