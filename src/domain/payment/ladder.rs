//! On which days an unpaid invoice is tried again, computed from the recorded
//! attempts and never carried along.
//!
//! The steps are days after the due date (`domain.md` section 4). The clock stands
//! still while an attempt is out, and while money was there that came back: a
//! SEPA debit that is returned, or a card payment that is charged back, finds
//! the ladder where it left it.

use chrono::{Days, NaiveDate};

use super::attempt::AttemptState;
use super::decline::{Decline, DeclineClass};
use super::{Instrument, PaymentMethod};
use crate::domain::ids::PaymentMethodId;

/// The setting is not a ladder.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no ladder: write at least one day, each later than the one before")]
pub struct LadderError(pub Vec<u32>);

/// The days after the due date on which a payment is attempted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ladder(Vec<u32>);

impl Default for Ladder {
    fn default() -> Self {
        Self(vec![0, 1, 3, 5, 8, 12])
    }
}

/// One recorded attempt of an invoice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PastAttempt {
    pub by: Instrument,
    /// The day it was recorded.
    pub made_on: NaiveDate,
    /// The day its present outcome came; `None` while it is in flight.
    pub ended_on: Option<NaiveDate>,
    pub state: AttemptState,
}

impl PastAttempt {
    /// Whether it stands for a step: a card or an account was asked. Credit is
    /// the house's own book, and what never reached the provider asked nobody.
    #[must_use]
    pub fn is_a_try(&self) -> bool {
        self.by.method() != PaymentMethod::Credit
            && self.state.refusal().is_none_or(Decline::was_asked)
    }

    /// Whether it was refused in a way that its customer can still turn into a
    /// success, unless it is canceled at the provider.
    #[must_use]
    pub fn waits_for_customer(&self) -> bool {
        matches!(&self.state, AttemptState::Declined { decline } if decline.waits_for_customer())
    }
}

/// What the attempts of an invoice say of one card or mandate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TriedBefore {
    /// Not asked yet.
    Never,
    /// Asked, and may be asked again on the next step.
    Softly,
    /// Not to be asked again: a hard decline or return.
    RuledOut,
    /// Not to be asked again before the customer acted.
    AwaitsCustomer,
}

/// What the recorded attempts of an invoice say of a card or mandate. A hard
/// decline removes it for good; for the rest the last word counts.
#[must_use]
pub fn tried_before(method: PaymentMethodId, attempts: &[PastAttempt]) -> TriedBefore {
    let own = |attempt: &&PastAttempt| match attempt.by {
        Instrument::Credit => false,
        Instrument::Sepa(id) | Instrument::Card(id) => id == method && attempt.is_a_try(),
    };
    let class = |attempt: &PastAttempt| attempt.state.refusal().map(|refusal| refusal.class);
    let mut tries = attempts.iter().filter(own);
    if tries.any(|attempt| class(attempt) == Some(DeclineClass::Hard)) {
        return TriedBefore::RuledOut;
    }
    let last = attempts.iter().filter(own).max_by_key(|try_| try_.made_on);
    match last.map(class) {
        None => TriedBefore::Never,
        Some(Some(DeclineClass::ActionRequired)) => TriedBefore::AwaitsCustomer,
        Some(_) => TriedBefore::Softly,
    }
}

/// Where an invoice stands on the ladder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NextStep {
    /// One attempt is due, however many steps were missed.
    Due {
        /// The index of the step, from 0.
        step: usize,
        /// When it became due: today or earlier.
        on: NaiveDate,
    },
    /// The next attempt is due later.
    Waits { step: usize, on: NaiveDate },
    /// An attempt is out; the clock stands still.
    InFlight,
    /// Every step was tried.
    Exhausted,
}

impl Ladder {
    /// # Errors
    /// When there is no day, or one is not later than the one before.
    pub fn new(days: Vec<u32>) -> Result<Self, LadderError> {
        if days.is_empty() || !days.is_sorted_by(|left, right| left < right) {
            return Err(LadderError(days));
        }
        Ok(Self(days))
    }

    /// The days after the due date, ascending.
    #[must_use]
    pub fn days(&self) -> &[u32] {
        &self.0
    }

    /// The next step of an invoice. A step is done when something was tried on
    /// its day or later; of several that were missed only the last is due.
    #[must_use]
    pub fn next(&self, due_on: NaiveDate, attempts: &[PastAttempt], today: NaiveDate) -> NextStep {
        if attempts.iter().any(|attempt| attempt.state.in_flight()) {
            return NextStep::InFlight;
        }
        let tries = attempts.iter().filter(|attempt| attempt.is_a_try());
        let last_try = tries.map(|attempt| attempt.made_on).max();
        let dates = self.0.iter().enumerate().map(|(step, &day)| {
            let on = date_of_day(due_on, day, attempts, today);
            (step, on)
        });
        let open = dates.filter(|(_, on)| last_try.is_none_or(|last| last < *on));
        let (reached, ahead): (Vec<_>, Vec<_>) = open.partition(|(_, on)| *on <= today);
        match (reached.last(), ahead.first()) {
            (Some(&(step, on)), _) => NextStep::Due { step, on },
            (None, Some(&(step, on))) => NextStep::Waits { step, on },
            (None, None) => NextStep::Exhausted,
        }
    }
}

/// The date of a day after the due date, on a clock that stands still while an
/// attempt is out. Dunning counts its days by the same clock.
#[must_use]
pub fn date_of_day(
    due_on: NaiveDate,
    day: u32,
    attempts: &[PastAttempt],
    today: NaiveDate,
) -> NaiveDate {
    let mut date = later(due_on, u64::from(day));
    for (from, until) in standstills(due_on, attempts, today) {
        if from < date {
            let length = until.signed_duration_since(from).num_days();
            date = later(date, u64::try_from(length).unwrap_or(0));
        }
    }
    date
}

fn later(date: NaiveDate, days: u64) -> NaiveDate {
    let then = date.checked_add_days(Days::new(days));
    then.unwrap_or(NaiveDate::MAX)
}

/// The spans in which the clock stands still, half-open, in order and apart from
/// each other: from an attempt to its outcome, if that is not money.
fn standstills(
    due_on: NaiveDate,
    attempts: &[PastAttempt],
    today: NaiveDate,
) -> Vec<(NaiveDate, NaiveDate)> {
    let out = attempts
        .iter()
        .filter(|attempt| attempt.state != AttemptState::Succeeded);
    let mut spans: Vec<(NaiveDate, NaiveDate)> = out
        .map(|attempt| {
            let until = attempt.ended_on.unwrap_or(today);
            (attempt.made_on.max(due_on), until)
        })
        .filter(|(from, until)| from < until)
        .collect();
    spans.sort_unstable();
    let mut apart: Vec<(NaiveDate, NaiveDate)> = Vec::new();
    for (from, until) in spans {
        match apart.last_mut() {
            Some((_, end)) if from <= *end => *end = until.max(*end),
            _ => apart.push((from, until)),
        }
    }
    apart
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const CARD: Instrument = Instrument::Card(PaymentMethodId(1));
    const SEPA: Instrument = Instrument::Sepa(PaymentMethodId(2));

    /// Days after 1 October 2026, when the invoice is due.
    fn day(days: u64) -> NaiveDate {
        later(NaiveDate::from_ymd_opt(2026, 10, 1).unwrap(), days)
    }

    fn declined(by: Instrument, made: u64, ended: u64, decline: Decline) -> PastAttempt {
        PastAttempt {
            by,
            made_on: day(made),
            ended_on: Some(day(ended)),
            state: AttemptState::Declined { decline },
        }
    }

    fn soft(made: u64) -> PastAttempt {
        declined(CARD, made, made, Decline::stripe("insufficient_funds"))
    }

    fn returned(made: u64, ended: u64, reason: Decline) -> PastAttempt {
        PastAttempt {
            state: AttemptState::Returned { reason },
            ..declined(SEPA, made, ended, Decline::withdrawn())
        }
    }

    fn out(made: u64) -> PastAttempt {
        PastAttempt {
            by: SEPA,
            made_on: day(made),
            ended_on: None,
            state: AttemptState::Pending,
        }
    }

    fn paid(by: Instrument, on: u64) -> PastAttempt {
        PastAttempt {
            by,
            made_on: day(on),
            ended_on: Some(day(on)),
            state: AttemptState::Succeeded,
        }
    }

    fn am04(made: u64, ended: u64) -> PastAttempt {
        returned(made, ended, Decline::sepa("AM04"))
    }

    fn say(step: NextStep) -> String {
        let days = |on: NaiveDate| on.signed_duration_since(day(0)).num_days();
        match step {
            NextStep::Due { step, on } => format!("due {step} on {}", days(on)),
            NextStep::Waits { step, on } => format!("waits {step} on {}", days(on)),
            NextStep::InFlight => "in flight".to_owned(),
            NextStep::Exhausted => "exhausted".to_owned(),
        }
    }

    #[test]
    fn dated_stories() {
        // (what was tried, today, what is next)
        let table = [
            // nothing yet
            (vec![], 0, "due 0 on 0"),
            (vec![], 1, "due 1 on 1"),
            // every step in its time
            (vec![soft(0)], 0, "waits 1 on 1"),
            (vec![soft(0)], 1, "due 1 on 1"),
            (vec![soft(0), soft(1)], 1, "waits 2 on 3"),
            (vec![soft(0), soft(1)], 2, "waits 2 on 3"),
            (vec![soft(0), soft(1), soft(3)], 5, "due 3 on 5"),
            (vec![soft(5)], 5, "waits 4 on 8"),
            (vec![soft(8)], 11, "waits 5 on 12"),
            (vec![soft(8)], 12, "due 5 on 12"),
            (vec![soft(12)], 12, "exhausted"),
            (vec![soft(12)], 100, "exhausted"),
            // the service was down: one step, not five
            (vec![soft(0)], 7, "due 3 on 5"),
            (vec![soft(0), soft(7)], 7, "waits 4 on 8"),
            (vec![soft(0)], 40, "due 5 on 12"),
            (vec![soft(0), soft(40)], 40, "exhausted"),
            (vec![], 40, "due 5 on 12"),
            // an attempt off the ladder takes the place of the step before it
            (vec![soft(0), soft(2)], 2, "waits 2 on 3"),
            (vec![soft(0), soft(2), soft(3)], 3, "waits 3 on 5"),
            // the order of the records means nothing
            (vec![soft(3), soft(0), soft(1)], 3, "waits 3 on 5"),
            // a debit in flight stops the clock ...
            (vec![out(0)], 0, "in flight"),
            (vec![out(0)], 30, "in flight"),
            (vec![soft(0), out(1)], 12, "in flight"),
            // ... and comes back where the ladder left it
            (vec![am04(0, 6)], 6, "waits 1 on 7"),
            (vec![am04(0, 6)], 7, "due 1 on 7"),
            (vec![am04(0, 6), am04(7, 13)], 13, "waits 2 on 15"),
            (vec![am04(0, 6), am04(7, 13)], 19, "due 3 on 17"),
            (vec![am04(0, 6), am04(7, 13)], 20, "due 4 on 20"),
            // after weeks too: a refund on demand
            (
                vec![returned(0, 55, Decline::sepa("MD06"))],
                55,
                "waits 1 on 56",
            ),
            // spans that overlap or touch count once
            (vec![am04(0, 6), am04(2, 5)], 6, "waits 1 on 7"),
            (vec![am04(0, 3), am04(3, 6)], 6, "waits 1 on 7"),
            // what reached nobody is no try, but held the clock
            (
                vec![declined(CARD, 0, 0, Decline::withdrawn())],
                0,
                "due 0 on 0",
            ),
            (
                vec![declined(CARD, 0, 2, Decline::not_found())],
                2,
                "due 0 on 0",
            ),
            (
                vec![declined(CARD, 0, 2, Decline::not_found()), soft(2)],
                2,
                "waits 1 on 3",
            ),
            // credit is no try; part payments hold no clock
            (vec![paid(Instrument::Credit, 0)], 0, "due 0 on 0"),
            (vec![paid(CARD, 0)], 30, "due 5 on 12"),
        ];
        let ladder = Ladder::default();
        for (attempts, today, expected) in table {
            let next = ladder.next(day(0), &attempts, day(today));
            assert_eq!(say(next), expected, "day {today}: {attempts:#?}");
        }
    }

    #[test]
    fn nothing_is_due_before_the_due_date() {
        let ladder = Ladder::default();
        assert_eq!(say(ladder.next(day(5), &[], day(0))), "waits 0 on 5");
        // what the customer tried early takes no step
        assert_eq!(say(ladder.next(day(5), &[soft(2)], day(2))), "waits 0 on 5");
        // and only the time after the due date is stopped
        assert_eq!(
            say(ladder.next(day(5), &[am04(0, 9)], day(9))),
            "due 0 on 5"
        );
    }

    #[test]
    fn what_was_tried_rules_a_method_out_or_makes_it_wait() {
        let card = |code: &str, on| declined(CARD, on, on, Decline::stripe(code));
        use TriedBefore::{AwaitsCustomer, Never, RuledOut, Softly};
        let table = [
            (vec![], Never),
            (vec![am04(0, 6)], Never),
            (vec![declined(CARD, 0, 0, Decline::withdrawn())], Never),
            (vec![soft(0)], Softly),
            (vec![paid(CARD, 0)], Softly),
            (vec![card("moon_phase", 0)], Softly),
            (vec![card("stolen_card", 0)], RuledOut),
            (vec![card("stolen_card", 0), soft(1)], RuledOut),
            (vec![card("authentication_required", 0)], AwaitsCustomer),
            (
                vec![soft(0), card("authentication_required", 1)],
                AwaitsCustomer,
            ),
            (vec![card("authentication_required", 0), soft(1)], Softly),
            (
                vec![declined(CARD, 0, 0, Decline::canceled())],
                AwaitsCustomer,
            ),
            (
                vec![PastAttempt {
                    by: CARD,
                    ..returned(0, 60, Decline::chargeback())
                }],
                RuledOut,
            ),
        ];
        for (attempts, expected) in table {
            let got = tried_before(PaymentMethodId(1), &attempts);
            assert_eq!(got, expected, "{attempts:#?}");
        }
    }

    #[test]
    fn a_ladder_climbs() {
        assert_eq!(Ladder::new(vec![0, 1, 3, 5, 8, 12]), Ok(Ladder::default()));
        for days in [vec![], vec![1, 1], vec![3, 1]] {
            assert_eq!(Ladder::new(days.clone()), Err(LadderError(days)));
        }
    }

    proptest! {
        /// A service that runs on these days and tries whenever a step is due.
        #[test]
        fn a_step_is_tried_once_and_never_before_its_day(
            runs in prop::collection::vec(0_u64..4, 1..40), out_days in prop::collection::vec(0_u64..9, 40),
        ) {
            let ladder = Ladder::default();
            let (mut today, mut attempts, mut last_step) = (0, Vec::new(), None);
            for (gap, out_for) in runs.into_iter().zip(out_days) {
                today += gap;
                if let NextStep::Due { step, on } = ladder.next(day(0), &attempts, day(today)) {
                    prop_assert!(on <= day(today));
                    prop_assert!(last_step.is_none_or(|last| last < step));
                    last_step = Some(step);
                    attempts.push(am04(today, today + out_for));
                    today += out_for;
                    let after = ladder.next(day(0), &attempts, day(today));
                    prop_assert!(!matches!(after, NextStep::Due { .. }), "{after:?}");
                }
            }
            prop_assert!(attempts.len() <= ladder.days().len());
        }
    }
}
