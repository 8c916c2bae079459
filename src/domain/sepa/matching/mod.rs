//! A fact of the bank's answer and the debits it leads to: what to book.
//!
//! - this file: a fact about one debit
//! - [`block`]: a fact about a payment block or a whole file
//! - [`problem`]: why a person has to look
//!
//! **Money that moved on the account is in the ledger, or before a person.** So
//! a credit or a return is only *known* where the same money was booked by
//! another fact: the single credits of a batch that was booked as one, or a
//! settlement that is read after its return. A second credit or return of one
//! debit is never taken for the first.
//!
//! Facts come in any order and more than once. The caller drops those whose key
//! it has; what is left ends in the same books in whichever order it comes.

pub mod block;
pub mod problem;

pub use block::{BlockFacts, BlockVerdict, judge_block};
pub use problem::Problem;

use crate::domain::ledger::Movement;
use crate::domain::money::{Currency, Money};
use crate::domain::payment::{
    AttemptEvent, AttemptState, Decline, News, PaymentMethod, Settlement, SettlementFacts, settle,
};

/// The decline code where the bank gives none: soft, and no known code, so that
/// a person looks at it.
const NO_REASON: &str = "no_reason";

/// What the bank tells of one debit, of a block, or of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Told {
    /// Not carried out; no money moved.
    Rejected {
        /// As ISO 20022 `ExternalStatusReason1Code`.
        code: Option<String>,
        /// Of the debit, where the bank repeats it.
        amount: Option<Money>,
    },
    /// Taken in; nothing is settled by that.
    Acknowledged,
    /// Money came in: `amount - charges`.
    Settled {
        amount: Money,
        charges: Money,
        /// Debits that are booked as one.
        count: Option<u64>,
    },
    /// Money was taken back, `amount + charges`: a return by the debtor's bank,
    /// or a refund that the debtor asked for (`MD06`).
    Returned {
        amount: Money,
        charges: Money,
        /// As ISO 20022 `ExternalReturnReason1Code`.
        code: Option<String>,
    },
    /// The bank's own fee. It belongs to no customer.
    Fee { amount: Money },
    /// What the reader did not surely understand, and why.
    Unclear { why: &'static str },
}

impl Told {
    fn amount(&self) -> Option<Money> {
        match self {
            Self::Rejected { amount, .. } => *amount,
            Self::Settled { amount, .. } | Self::Returned { amount, .. } => Some(*amount),
            Self::Acknowledged | Self::Fee { .. } | Self::Unclear { .. } => None,
        }
    }

    /// What happened to the attempt; `None` where it is for a person.
    #[must_use]
    pub fn news(&self) -> Option<News> {
        let decline = |code: &Option<String>| Decline::sepa(code.as_deref().unwrap_or(NO_REASON));
        match self {
            Self::Rejected { code, .. } => Some(News::free(AttemptEvent::Declined {
                decline: decline(code),
            })),
            Self::Acknowledged => Some(News::free(AttemptEvent::Accepted)),
            Self::Settled { charges, .. } => Some(News {
                fee_minor: charges.minor,
                ..News::free(AttemptEvent::Succeeded)
            }),
            Self::Returned { charges, code, .. } => Some(News {
                fee_minor: charges.minor,
                ..News::free(AttemptEvent::Returned {
                    reason: decline(code),
                })
            }),
            Self::Fee { .. } | Self::Unclear { .. } => None,
        }
    }
}

/// A debit as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DebitFacts<'a> {
    pub attempt: SettlementFacts<'a>,
    pub currency: Currency,
    /// Whether a credit of this single debit was read before: another one is
    /// other money.
    pub was_credited: bool,
}

/// What to do with a fact about one debit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    Book(Box<Settlement>),
    /// It tells nothing new.
    Known,
    /// Nothing is booked, and a person has to look.
    Unmatched(Problem),
}

/// Decides what a fact does to the debit it names.
#[must_use]
pub fn judge_debit(told: &Told, facts: &DebitFacts<'_>) -> Verdict {
    let attempt = &facts.attempt;
    let method = attempt.by.method();
    if method != PaymentMethod::Sepa {
        return Verdict::Unmatched(Problem::NoDebit(method));
    }
    let asked = Money::new(attempt.amount_minor, facts.currency);
    if let Some(told) = told.amount()
        && told != asked
    {
        return Verdict::Unmatched(Problem::OtherAmount { told, asked });
    }
    let news = match told {
        Told::Fee { .. } => return Verdict::Unmatched(Problem::Fee),
        Told::Unclear { why } => return Verdict::Unmatched(Problem::Unclear(why)),
        _ => told.news(),
    };
    let Some(news) = news else {
        return Verdict::Unmatched(Problem::Unclear("tells nothing of a debit"));
    };
    if let Some(verdict) = told_of_booked_money(told, facts) {
        return verdict;
    }
    match settle(attempt, &news) {
        Ok(None) => Verdict::Known,
        Ok(Some(mut settlement)) => {
            if let Told::Settled { charges, .. } = told {
                settlement.movements.extend(charged(charges.minor));
            }
            Verdict::Book(Box::new(settlement))
        }
        Err(error) => Verdict::Unmatched(Problem::Contradicts(error)),
    }
}

/// The verdict on money whose state says that it has moved already.
fn told_of_booked_money(told: &Told, facts: &DebitFacts<'_>) -> Option<Verdict> {
    let state = facts.attempt.state;
    match (told, state) {
        (
            Told::Settled { charges, .. },
            AttemptState::Succeeded | AttemptState::Returned { .. },
        ) => {
            Some(match (facts.was_credited, state) {
                (true, _) => Verdict::Unmatched(Problem::CreditedTwice),
                (false, _) if charges.minor == 0 => Verdict::Known,
                // The return was read first, and booked the settlement without
                // what the bank kept of it.
                (false, AttemptState::Returned { .. }) => Verdict::Book(Box::new(Settlement {
                    state: state.clone(),
                    movements: charged(charges.minor).into_iter().collect(),
                    notice: None,
                    disables_method: false,
                })),
                (false, _) => Verdict::Unmatched(Problem::FeeOfBooked(*charges)),
            })
        }
        (Told::Returned { .. }, AttemptState::Returned { .. }) => {
            Some(Verdict::Unmatched(Problem::ReturnedTwice))
        }
        // The same code is nothing new to the attempt, but money moved.
        (Told::Returned { .. }, AttemptState::Declined { .. }) => {
            let never = Problem::NeverCollected(state.clone());
            Some(Verdict::Unmatched(never))
        }
        _ => None,
    }
}

/// What the bank kept of a credit, as a movement of its own: a direct debit
/// settles its invoice in full.
#[must_use]
pub fn charged(bank_fee_minor: i64) -> Option<Movement> {
    (bank_fee_minor > 0).then_some(Movement::BankCharged { bank_fee_minor })
}

#[cfg(test)]
mod tests;
