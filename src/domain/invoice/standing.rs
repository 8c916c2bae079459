//! How an invoice stands, as its customer is told.

use chrono::NaiveDate;

/// The words of the account API's contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InvoiceState {
    /// Not due yet, or being paid just now.
    New,
    Paid,
    /// Due, or tried in vain, and nothing is under way.
    Failed,
}

impl InvoiceState {
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Paid => "paid",
            Self::Failed => "failed",
        }
    }
}

/// What an invoice's state follows from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InvoiceStanding {
    pub open_minor: i64,
    pub due_on: NaiveDate,
    /// Whether the outcome of an attempt to take the money is out.
    pub is_in_flight: bool,
    /// Whether one was made in vain.
    pub has_failed: bool,
}

impl InvoiceStanding {
    /// The state on a day in the issuer's zone. A direct debit takes days: while its
    /// bank has not answered, nobody is told that it failed.
    #[must_use]
    pub fn state(&self, today: NaiveDate) -> InvoiceState {
        if self.open_minor <= 0 {
            InvoiceState::Paid
        } else if self.is_in_flight {
            InvoiceState::New
        } else if self.has_failed || self.due_on < today {
            InvoiceState::Failed
        } else {
            InvoiceState::New
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn day(day: u32) -> NaiveDate {
        NaiveDate::from_ymd_opt(2026, 11, day).unwrap()
    }

    #[test]
    fn unpaid_shows_as_failed_once_nothing_is_to_be_waited_for() {
        use InvoiceState::{Failed, New, Paid};
        // (open, in flight, failed before, today, state); due on the 2nd.
        for (open_minor, is_in_flight, has_failed, today, expected) in [
            (0, false, false, 2, Paid),
            (0, false, true, 30, Paid),
            (1, false, false, 1, New),
            (1, false, false, 2, New),
            (1, false, false, 3, Failed),
            (1, false, true, 2, Failed),
            (1, true, false, 30, New),
            (1, true, true, 30, New),
        ] {
            let standing = InvoiceStanding {
                open_minor,
                due_on: day(2),
                is_in_flight,
                has_failed,
            };
            assert_eq!(standing.state(day(today)), expected, "{standing:?}");
        }
    }

    proptest! {
        /// It is paid exactly when nothing is open, and as days pass without anything
        /// happening a failed invoice stays failed.
        #[test]
        fn days_alone_pay_nothing(
            open_minor in 0_i64..3, is_in_flight: bool, has_failed: bool, today in 1_u32..29
        ) {
            let standing = InvoiceStanding { open_minor, due_on: day(14), is_in_flight, has_failed };
            let (now, later) = (standing.state(day(today)), standing.state(day(today + 1)));
            prop_assert_eq!(now == InvoiceState::Paid, open_minor == 0);
            prop_assert!(now == later || (now, later) == (InvoiceState::New, InvoiceState::Failed));
        }
    }
}
