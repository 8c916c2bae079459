//! When what was not delivered is tried again, and when it is given up.

use std::time::Duration;

/// Before the second try; it doubles with every further one.
const FIRST_PAUSE: Duration = Duration::from_secs(60);
const PAUSE_MAX: Duration = Duration::from_secs(6 * 60 * 60);
/// A mail server should try for four or five days (RFC 5321 section 4.5.4.1); ours
/// has another behind it, and a bill that is three days late is one to look at.
const GIVEN_UP_AFTER: Duration = Duration::from_secs(3 * 24 * 60 * 60);

/// How long to wait after a try that failed, counted from 1; `None` when it was
/// tried for three days.
#[must_use]
pub fn pause_after(tries: u32) -> Option<Duration> {
    let waited = (1..tries).try_fold(Duration::ZERO, |sum, before| {
        let sum = sum.checked_add(pause(before))?;
        (sum < GIVEN_UP_AFTER).then_some(sum)
    });
    waited.map(|_| pause(tries))
}

fn pause(tries: u32) -> Duration {
    let doubled = 1_u32.checked_shl(tries.saturating_sub(1));
    doubled
        .and_then(|times| FIRST_PAUSE.checked_mul(times))
        .map_or(PAUSE_MAX, |pause| pause.min(PAUSE_MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn pauses_double_up_to_six_hours_and_end_after_three_days() {
        let minutes = |tries| pause_after(tries).map(|pause| pause.as_secs() / 60);
        let table = [
            (1, Some(1)),
            (2, Some(2)),
            (3, Some(4)),
            (9, Some(256)),
            (10, Some(360)),
            (20, Some(360)),
            (21, None),
            (1_000, None),
        ];
        for (tries, expected) in table {
            assert_eq!(minutes(tries), expected, "{tries}");
        }
    }

    proptest! {
        #[test]
        fn what_is_given_up_stays_so_and_pauses_never_shrink(tries in 1_u32..100_000) {
            match (pause_after(tries), pause_after(tries + 1)) {
                (Some(this), Some(next)) => prop_assert!(this <= next),
                (None, next) => prop_assert_eq!(next, None),
                (Some(_), None) => {}
            }
        }
    }
}
