//! Whether a debit is still what it was made for: its invoice owes the amount,
//! and its mandate can be used. Asked when a file is made, and again, of what
//! the file says, when it is released.

use chrono::NaiveDate;

use super::mandate::is_exhausted;
use super::message::SequenceType;
use crate::domain::money::Money;
use crate::domain::payment::{AttemptState, FileState};

/// A debit with its invoice and mandate as they stand.
#[derive(Debug, Clone, Copy)]
pub struct DebitStanding<'a> {
    pub attempt: &'a AttemptState,
    pub mandate: &'a FileState,
    pub amount: Money,
    /// What its invoice owes, in the amount's currency.
    pub open_minor: i64,
}

/// The mandate of a debit that is in a file: what the file was made of, and what
/// has become of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FiledMandate {
    pub collect_on: NaiveDate,
    pub signed_on: NaiveDate,
    pub last_presented_on: Option<NaiveDate>,
    pub last_sequence: Option<SequenceType>,
    pub filed: MandateVersion,
    pub now: MandateVersion,
}

/// What a file says of a mandate, by numbers that are raised with every change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MandateVersion {
    /// Of the debtor's account.
    pub iban: i64,
    /// Of what the bank knows the mandate by. The sequence type follows from it,
    /// and whether an amendment is told.
    pub history: i64,
}

/// Why a debit is not collected.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Obstacle {
    #[error("the debit is {0} now")]
    Decided(&'static str),
    #[error("the mandate was removed")]
    Removed,
    #[error("the mandate was refused for good: {0}")]
    HardDeclined(String),
    #[error("the customer has to act first: {0}")]
    ActionRequired(String),
    #[error("the mandate has another account now")]
    OtherAccount,
    #[error("the mandate has lapsed or is used up")]
    Exhausted,
    #[error("the bank knows the mandate otherwise now: what the file says of it is outdated")]
    OtherHistory,
    #[error("nothing of its invoice is open: it was paid or given up")]
    NothingOpen,
    #[error("only {open} of its invoice is open, and it takes {amount}")]
    LessOpen { open: Money, amount: Money },
}

impl DebitStanding<'_> {
    /// What keeps the debit out of a file.
    #[must_use]
    pub fn obstacle(&self) -> Option<Obstacle> {
        if *self.attempt != AttemptState::Created {
            return Some(Obstacle::Decided(self.attempt.code()));
        }
        match self.mandate {
            FileState::Usable => {}
            FileState::Removed => return Some(Obstacle::Removed),
            FileState::HardDeclined { code } => {
                return Some(Obstacle::HardDeclined(code.clone()));
            }
            FileState::ActionRequired { code } => {
                return Some(Obstacle::ActionRequired(code.clone()));
            }
        }
        if self.open_minor <= 0 {
            return Some(Obstacle::NothingOpen);
        }
        (self.amount.minor > self.open_minor).then(|| Obstacle::LessOpen {
            open: Money::new(self.open_minor, self.amount.currency),
            amount: self.amount,
        })
    }

    /// What keeps a file that has the debit from going to the bank.
    #[must_use]
    pub fn obstacle_to_release(&self, mandate: &FiledMandate) -> Option<Obstacle> {
        self.obstacle().or_else(|| mandate.obstacle())
    }
}

impl FiledMandate {
    fn obstacle(&self) -> Option<Obstacle> {
        let exhausted = is_exhausted(
            self.signed_on,
            self.last_presented_on,
            self.last_sequence,
            self.collect_on,
        );
        if self.filed.iban != self.now.iban {
            Some(Obstacle::OtherAccount)
        } else if exhausted {
            Some(Obstacle::Exhausted)
        } else if self.filed.history != self.now.history {
            Some(Obstacle::OtherHistory)
        } else {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::money::Currency;
    use crate::domain::payment::Decline;

    const VERSION: MandateVersion = MandateVersion {
        iban: 2,
        history: 5,
    };

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn euros(minor: i64) -> Money {
        Money::new(minor, Currency::Eur)
    }

    fn filed() -> FiledMandate {
        FiledMandate {
            collect_on: day("2026-11-09"),
            signed_on: day("2026-01-15"),
            last_presented_on: Some(day("2026-10-06")),
            last_sequence: Some(SequenceType::Recurrent),
            filed: VERSION,
            now: VERSION,
        }
    }

    fn code(code: &str) -> String {
        code.to_owned()
    }

    #[test]
    fn a_debit_stands_while_its_invoice_owes_it_and_its_mandate_is_good() {
        let withdrawn = AttemptState::Declined {
            decline: Decline::withdrawn(),
        };
        let (created, usable) = (AttemptState::Created, FileState::Usable);
        let hard = FileState::HardDeclined { code: code("AC04") };
        let asked = FileState::ActionRequired { code: code("MD06") };
        // (attempt, mandate, amount, open, why not)
        let table = [
            (&created, &usable, 1_200, 1_200, None),
            (&created, &usable, 1_200, 1_201, None),
            (
                &created,
                &usable,
                1_200,
                1_199,
                Some("only 11.99 EUR of its invoice is open, and it takes 12.00 EUR"),
            ),
            (
                &created,
                &usable,
                1_200,
                0,
                Some("nothing of its invoice is open: it was paid or given up"),
            ),
            (
                &created,
                &usable,
                1_200,
                -1,
                Some("nothing of its invoice is open: it was paid or given up"),
            ),
            (
                &withdrawn,
                &usable,
                1_200,
                1_200,
                Some("the debit is declined now"),
            ),
            (
                &AttemptState::Submitted,
                &usable,
                1_200,
                1_200,
                Some("the debit is submitted now"),
            ),
            (
                &created,
                &FileState::Removed,
                1_200,
                1_200,
                Some("the mandate was removed"),
            ),
            (
                &created,
                &hard,
                1_200,
                1_200,
                Some("the mandate was refused for good: AC04"),
            ),
            (
                &created,
                &asked,
                1_200,
                1_200,
                Some("the customer has to act first: MD06"),
            ),
        ];
        for (attempt, mandate, amount, open_minor, expected) in table {
            let standing = DebitStanding {
                attempt,
                mandate,
                amount: euros(amount),
                open_minor,
            };
            let told = standing.obstacle().map(|obstacle| obstacle.to_string());
            assert_eq!(told.as_deref(), expected, "{standing:?}");
            // Whoever makes a file and whoever releases it agree.
            assert_eq!(
                standing.obstacle_to_release(&filed()),
                standing.obstacle(),
                "{standing:?}"
            );
        }
    }

    #[test]
    fn a_file_is_released_while_it_says_of_its_mandates_what_is_so() {
        let other = |iban, history| MandateVersion { iban, history };
        let as_is = filed();
        let table = [
            (as_is, None),
            (
                FiledMandate {
                    now: other(3, 5),
                    ..as_is
                },
                Some(Obstacle::OtherAccount),
            ),
            (
                FiledMandate {
                    now: other(2, 6),
                    ..as_is
                },
                Some(Obstacle::OtherHistory),
            ),
            (
                FiledMandate {
                    last_sequence: Some(SequenceType::Final),
                    ..as_is
                },
                Some(Obstacle::Exhausted),
            ),
            (
                FiledMandate {
                    last_presented_on: Some(day("2023-11-09")),
                    ..as_is
                },
                None,
            ),
            (
                FiledMandate {
                    last_presented_on: Some(day("2023-11-08")),
                    ..as_is
                },
                Some(Obstacle::Exhausted),
            ),
            (
                FiledMandate {
                    last_presented_on: None,
                    signed_on: day("2023-11-08"),
                    ..as_is
                },
                Some(Obstacle::Exhausted),
            ),
        ];
        let standing = DebitStanding {
            attempt: &AttemptState::Created,
            mandate: &FileState::Usable,
            amount: euros(1),
            open_minor: 1,
        };
        for (mandate, expected) in table {
            assert_eq!(
                standing.obstacle_to_release(&mandate),
                expected,
                "{mandate:?}"
            );
        }
    }

    proptest! {
        #[test]
        fn nobody_is_debited_more_than_is_open(amount in 1_i64.., open_minor: i64) {
            let standing = DebitStanding {
                attempt: &AttemptState::Created,
                mandate: &FileState::Usable,
                amount: euros(amount),
                open_minor,
            };
            prop_assert_eq!(standing.obstacle().is_none(), amount <= open_minor);
        }
    }
}
