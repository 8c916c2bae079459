//! Stories of days, over any sequence of what providers say.

use proptest::prelude::*;

use super::*;
use crate::domain::payment::{AttemptEvent, Booking, DeclineClass};

fn any_state() -> impl Strategy<Value = Option<MethodState>> {
    prop_oneof![
        Just(None),
        Just(Some(Usable)),
        Just(Some(MandateLapsed)),
        Just(Some(HardDeclined)),
        Just(Some(ActionRequired)),
    ]
}

fn any_policy() -> impl Strategy<Value = CollectionPolicy> {
    use PaymentMethod::{Card, Credit, Sepa};
    let order = Just(vec![Credit, Sepa, Card]).prop_shuffle();
    let flags = any::<(bool, bool, bool, bool)>();
    (order, flags).prop_map(
        |(order, (credit, sepa, card, partial_credit))| CollectionPolicy {
            order: CollectionOrder::new(order).unwrap(),
            fallback: Fallback { credit, sepa, card },
            partial_credit,
            ladder: Ladder::default(),
        },
    )
}

/// What the provider says to an attempt.
fn any_outcome() -> impl Strategy<Value = AttemptEvent> {
    let declined = |code: &'static str| AttemptEvent::Declined {
        decline: Decline::stripe(code),
    };
    prop_oneof![
        Just(AttemptEvent::Succeeded),
        Just(AttemptEvent::Lost),
        Just(AttemptEvent::Accepted),
        Just(AttemptEvent::NotFound),
        Just(declined("insufficient_funds")),
        Just(declined("lost_card")),
        Just(declined("authentication_required")),
        Just(AttemptEvent::Returned {
            reason: Decline::sepa("AM04")
        }),
    ]
}

fn any_trigger() -> impl Strategy<Value = Trigger> {
    prop_oneof![
        4 => Just(Trigger::Schedule),
        1 => Just(Trigger::NewMethod(CARD)),
        1 => Just(Trigger::Person { only: None }),
        1 => Just(Trigger::Person { only: Some(PaymentMethod::Card) }),
    ]
}

/// An attempt of a story, and what it may take.
struct Taking {
    attempt: PastAttempt,
    amount_minor: i64,
}

impl Taking {
    /// Applies an event; returns what it changes in what is open.
    fn hear(&mut self, event: &AttemptEvent, today: NaiveDate) -> i64 {
        let before = self.attempt.state.clone();
        let Ok(after) = before.clone().apply(event) else {
            return 0;
        };
        if before != after {
            self.attempt.ended_on = (!after.in_flight()).then_some(today);
        }
        let amount = |booking: &Booking| match booking {
            Booking::Settled => -self.amount_minor,
            Booking::GivenBack => self.amount_minor,
        };
        let change = before.bookings(&after).iter().map(amount).sum();
        self.attempt.state = after;
        change
    }
}

proptest! {
    /// A story of days: whatever is decided is attempted, and every attempt
    /// hears any event at any time, those that wait for a customer too.
    #[test]
    fn any_story_takes_no_more_than_is_due(
        policy in any_policy(), credit in -500_i64..1_500, sepa in any_state(), card in any_state(),
        days in prop::collection::vec(
            (0_u64..5, any_trigger(), any_outcome(), any_outcome(), 0_i64..400), 1..25
        ),
    ) {
        let mut story: Vec<Taking> = Vec::new();
        let (mut days_on, mut open, mut credit) = (0, OPEN, credit);
        for (gap, trigger, answer, later, top_up) in days {
            days_on += gap;
            credit += top_up;
            let today = day(days_on);
            for taking in &mut story {
                open += taking.hear(&later, today);
            }
            prop_assert!((0..=OPEN).contains(&open), "{open} is open");
            let attempts: Vec<PastAttempt> =
                story.iter().map(|taking| taking.attempt.clone()).collect();
            let facts = CollectionFacts {
                open_minor: open, attempts: &attempts, ..facts(credit, sepa, card)
            };
            let Decision::Charge { parts, rest, cancel_waiting } =
                decide(&facts, &policy, trigger, today) else { continue };
            let in_flight = attempts.iter().any(|attempt| attempt.state.in_flight());
            prop_assert!(!in_flight, "charged while something is in flight");
            let sum: i64 = parts.iter().map(|part| part.amount_minor).sum();
            prop_assert!(sum <= open && (rest.is_some() || sum == open), "{parts:?} of {open}");
            prop_assert!(!parts.is_empty() && parts.iter().all(|part| part.amount_minor > 0));
            let mut methods: Vec<_> = parts.iter().map(|part| part.by.method()).collect();
            methods.dedup();
            prop_assert_eq!(methods.len(), parts.len());
            if cancel_waiting {
                let canceled = AttemptEvent::Declined { decline: Decline::canceled() };
                for taking in story.iter_mut().filter(|taking| taking.attempt.waits_for_customer()) {
                    open += taking.hear(&canceled, today);
                }
            }
            for part in parts {
                let hard = |attempt: &PastAttempt| attempt.by == part.by
                    && attempt.state.refusal().is_some_and(|why| why.class == DeclineClass::Hard);
                prop_assert!(!attempts.iter().any(hard), "{:?} after a hard decline", part.by);
                let mut taking = Taking {
                    attempt: attempt(part.by, today, AttemptState::Created),
                    amount_minor: part.amount_minor,
                };
                if part.by == Instrument::Credit {
                    prop_assert!(part.amount_minor <= credit);
                    credit -= part.amount_minor;
                    taking.attempt.state = AttemptState::Succeeded;
                    open -= part.amount_minor;
                } else {
                    open += taking.hear(&answer, today);
                    story.push(taking);
                }
            }
            prop_assert!((0..=OPEN).contains(&open), "{open} is open");
        }
    }
}
