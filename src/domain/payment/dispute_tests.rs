use super::*;
use proptest::prelude::*;

const PAID: AttemptState = AttemptState::Succeeded;

fn charged_back() -> AttemptState {
    AttemptState::Returned {
        reason: Decline::chargeback(),
    }
}

const fn news(standing: DisputeStanding, amount_minor: i64) -> DisputeNews {
    DisputeNews {
        standing,
        amount_minor,
        fee_minor: 15,
        fee_returned_minor: 5,
    }
}

const fn recorded(state: DisputeState, is_booked: bool) -> Option<RecordedDispute> {
    Some(RecordedDispute {
        state,
        amount_minor: 60,
        fee_minor: 15,
        is_booked,
    })
}

const fn facts(recorded: Option<RecordedDispute>, payment: &AttemptState) -> DisputeFacts<'_> {
    DisputeFacts {
        recorded,
        payment,
        paid_minor: 100,
        refunded_minor: 0,
        others_minor: 0,
    }
}

/// One line for each record: what each of the readings makes of it, in the order
/// announced, dropped, open, won, lost. `+` books the opening, `-` the winning; `=`
/// is nothing new, `!` is for a person.
const TABLE: &str = "
    nothing: announced | won | open + | won +- | lost +
    announced: = | won | open + | won +- | lost +
    dropped: = | = | open + | won +- | lost +
    open: = | = | = | won - | lost
    won: = | = | = | = | !
    lost: = | = | = | won - | =";

#[test]
fn every_record_meets_every_reading() {
    use DisputeStanding::{Announced, Dropped, Lost, Open, Won};
    let back = charged_back();
    let rows = [
        ("nothing", None, &PAID),
        ("announced", recorded(DisputeState::Announced, false), &PAID),
        ("dropped", recorded(DisputeState::Won, false), &PAID),
        ("open", recorded(DisputeState::Open, true), &back),
        ("won", recorded(DisputeState::Won, true), &PAID),
        ("lost", recorded(DisputeState::Lost, true), &back),
    ];
    let lines: Vec<&str> = TABLE.trim().lines().map(str::trim).collect();
    assert_eq!(lines.len(), rows.len());
    for (line, (name, recorded, payment)) in lines.into_iter().zip(rows) {
        let (its_name, cells) = line.split_once(": ").unwrap();
        assert_eq!(its_name, name);
        let cells: Vec<&str> = cells.split(" | ").collect();
        let readings = [Announced, Dropped, Open, Won, Lost];
        assert_eq!(cells.len(), readings.len());
        for (standing, expected) in readings.into_iter().zip(cells) {
            let decided = decide_dispute(&facts(recorded, payment), &news(standing, 60));
            let got = match &decided {
                Ok(None) => "=".to_owned(),
                Ok(Some(decision)) => told(decision),
                Err(_) => "!".to_owned(),
            };
            assert_eq!(got, expected, "{name} and {standing:?}: {decided:?}");
            if let Ok(Some(decision)) = decided {
                let is_taken = decision.dispute.state.is_taken();
                let after = if is_taken { charged_back() } else { PAID };
                assert_eq!(decision.payment, after, "{name} and {standing:?}");
            }
        }
    }
}

fn told(decision: &DisputeDecision) -> String {
    let mut text = decision.dispute.state.code().to_owned();
    if !decision.bookings.is_empty() {
        text.push(' ');
    }
    for booking in &decision.bookings {
        text.push(match booking {
            DisputeBooking::Opened {
                amount_minor: 60,
                fee_minor: 15,
            } => '+',
            DisputeBooking::Won {
                amount_minor: 60,
                fee_minor: 5,
            } => '-',
            _ => '?',
        });
    }
    text
}

#[test]
fn a_payment_is_returned_while_any_of_its_disputes_is_open_or_lost() {
    let back = charged_back();
    let open = recorded(DisputeState::Open, true);
    // (others, payment before, payment after the win)
    for (others_minor, after) in [(0, PAID), (40, charged_back())] {
        let facts = DisputeFacts {
            others_minor,
            ..facts(open, &back)
        };
        let won = news(DisputeStanding::Won, 60);
        let decision = decide_dispute(&facts, &won).unwrap().unwrap();
        assert_eq!(decision.payment, after, "{others_minor}");
        assert!(decision.wins() && !decision.opens());
    }
}

#[test]
fn what_cannot_be_is_for_a_person() {
    use DisputeStanding::{Lost, Open, Won};
    let back = charged_back();
    let pending = AttemptState::Pending;
    let returned = AttemptState::Returned {
        reason: Decline::sepa("AM04"),
    };
    let with = |refunded_minor, others_minor| DisputeFacts {
        refunded_minor,
        others_minor,
        ..facts(None, &PAID)
    };
    let left = |disputed_minor, left_minor| DisputeError::MoreThanLeft {
        disputed_minor,
        left_minor,
    };
    let other = DisputeError::OtherAmount {
        news_minor: 59,
        booked_minor: 60,
    };
    let table = [
        (with(0, 0), news(Open, 101), left(101, 100)),
        (with(41, 0), news(Open, 60), left(60, 59)),
        (with(0, 41), news(Lost, 60), left(60, 59)),
        (with(20, 21), news(Won, 60), left(60, 59)),
        (
            facts(recorded(DisputeState::Open, true), &back),
            news(Open, 59),
            other.clone(),
        ),
        (
            facts(recorded(DisputeState::Open, true), &back),
            news(Lost, 59),
            other,
        ),
        (
            facts(recorded(DisputeState::Won, true), &PAID),
            news(Lost, 60),
            DisputeError::LostAfterWon,
        ),
        (
            facts(None, &pending),
            news(Open, 60),
            DisputeError::NotPaid(pending.clone()),
        ),
        (
            facts(None, &returned),
            news(Open, 60),
            DisputeError::NotPaid(returned.clone()),
        ),
        (
            facts(None, &PAID),
            news(Open, 0),
            DisputeError::Amount {
                amount_minor: 0,
                fee_minor: 15,
                fee_returned_minor: 5,
            },
        ),
    ];
    for (facts, news, expected) in table {
        assert_eq!(decide_dispute(&facts, &news), Err(expected), "{facts:?}");
    }
    // Exactly what is left can be taken.
    for facts in [with(40, 0), with(0, 40), with(20, 20)] {
        assert!(decide_dispute(&facts, &news(Open, 60)).unwrap().is_some());
    }
    // An old reading of what was won is no news, of whatever amount.
    let won = facts(recorded(DisputeState::Won, true), &PAID);
    assert_eq!(decide_dispute(&won, &news(Open, 59)), Ok(None));
    // All of it is back, however much of it that was.
    let open = facts(recorded(DisputeState::Open, true), &back);
    let decision = decide_dispute(&open, &news(Won, 100)).unwrap().unwrap();
    assert_eq!(told(&decision), "won -");
    // An announcement does not wait for the payment to be told.
    let announced = news(DisputeStanding::Announced, 60);
    let decision = decide_dispute(&facts(None, &pending), &announced);
    assert_eq!(decision.unwrap().unwrap().payment, pending);
}

proptest! {
    /// Disputes of one payment, read in any order and as often as it comes, as they
    /// were at any time: each is booked once in each direction, never more than was
    /// paid is gone, and the payment's state says whether anything is.
    #[test]
    fn any_order_of_readings_books_each_dispute_once(
        refunded in 0_i64..60,
        amounts in prop::collection::vec(1_i64..80, 1..4),
        reads in prop::collection::vec((0..4_usize, 0..5_usize), 0..40),
    ) {
        use DisputeStanding::{Announced, Dropped, Lost, Open, Won};
        let standings = [Announced, Dropped, Open, Won, Lost];
        let mut payment = PAID;
        let mut rows: Vec<Option<RecordedDispute>> = vec![None; amounts.len()];
        let mut booked = vec![(0, 0); amounts.len()];
        let mut gone = 0_i64;
        for (at, standing) in reads {
            let at = at % amounts.len();
            let others_minor: i64 = rows.iter().enumerate()
                .filter(|(other, _)| *other != at)
                .filter_map(|(_, row)| row.filter(|row| row.state.is_taken()))
                .map(|row| row.amount_minor)
                .sum();
            let facts = DisputeFacts {
                recorded: rows[at],
                payment: &payment,
                paid_minor: 100,
                refunded_minor: refunded,
                others_minor,
            };
            let read = news(standings[standing], amounts[at]);
            let Ok(Some(decision)) = decide_dispute(&facts, &read) else { continue };
            for booking in &decision.bookings {
                match *booking {
                    DisputeBooking::Opened { amount_minor, .. } => {
                        booked[at].0 += 1;
                        gone += amount_minor;
                    }
                    DisputeBooking::Won { amount_minor, .. } => {
                        booked[at].1 += 1;
                        gone -= amount_minor;
                    }
                }
            }
            rows[at] = Some(decision.dispute);
            payment = decision.payment.clone();
            // The same again is no news.
            let again = DisputeFacts {
                recorded: rows[at],
                payment: &payment,
                paid_minor: 100,
                refunded_minor: refunded,
                others_minor,
            };
            prop_assert_eq!(decide_dispute(&again, &read), Ok(None));
            prop_assert!(booked.iter().all(|(opened, won)| *opened <= 1 && won <= opened));
            prop_assert!(gone >= 0 && gone + refunded <= 100, "{gone} and {refunded}");
            let taken: i64 = rows.iter().flatten()
                .filter(|row| row.state.is_taken())
                .map(|row| row.amount_minor)
                .sum();
            prop_assert_eq!(gone, taken);
            prop_assert_eq!(payment == PAID, gone == 0);
        }
    }
}
