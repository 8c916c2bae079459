//! Who used what, from when to when.
//!
//! Usage arrives as intervals. Only whole seconds count: both ends are cut down
//! to the second, so that splitting an interval anywhere changes nothing.

use super::calendar::{BillingPeriod, Instant, PeriodKey};
use super::catalog::Catalog;
use super::ids::SkuId;
use super::invoice::allowance::FreeTrial;

const SECOND_US: i64 = 1_000_000;

/// The span of a resource's life at one plan and quantity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UsageInterval {
    /// How many containers or addons, at least 1.
    pub quantity: i64,
    pub started_at: Instant,
    /// `None` while it still runs.
    pub ended_at: Option<Instant>,
}

impl UsageInterval {
    /// The quantity-seconds within `[from, until)`. The stores compute the same
    /// in SQL; this is the definition.
    #[must_use]
    pub fn seconds_in(&self, from: Instant, until: Instant) -> i64 {
        let start = self.started_at.max(from).0.div_euclid(SECOND_US);
        let end = self.ended_at.map_or(until, |end| end.min(until)).0;
        let end = end.div_euclid(SECOND_US);
        self.quantity.saturating_mul((end - start).max(0))
    }
}

/// Usage summed over one window of constant prices.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UsageTotal {
    pub app: String,
    pub sku: SkuId,
    /// Where the window starts: which price version holds.
    pub window: Instant,
    pub seconds: i64,
    /// The part of `seconds` that lies within the account's free trial.
    pub trial_seconds: i64,
}

/// A piece of usage of a period that was already settled, kept for the next
/// invoice. Negative seconds take back what was billed too much.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LateUsage {
    /// The settled period the usage belongs to.
    pub period: PeriodKey,
    pub app: String,
    pub sku: SkuId,
    /// Negative in a correction.
    pub quantity: i64,
    pub from: Instant,
    pub until: Instant,
}

impl LateUsage {
    /// The totals of the piece, cut where prices change. A correction takes
    /// nothing back of the free trial, which charged nothing.
    pub fn totals<'a>(
        &'a self,
        catalog: &Catalog,
        trial: FreeTrial,
    ) -> impl Iterator<Item = UsageTotal> + 'a {
        let span = UsageInterval {
            quantity: self.quantity,
            started_at: self.from,
            ended_at: Some(self.until),
        };
        let windows = catalog.windows(self.from, self.until).into_iter();
        windows.map(move |(from, until)| {
            let seconds = span.seconds_in(from, until);
            let in_trial = span.seconds_in(from.max(trial.start), until.min(trial.end));
            let (seconds, trial_seconds) = if self.quantity < 0 {
                (seconds - in_trial, 0)
            } else {
                (seconds, in_trial)
            };
            UsageTotal {
                app: self.app.clone(),
                sku: self.sku,
                window: from,
                seconds,
                trial_seconds,
            }
        })
    }
}

/// What a new or changed interval adds to a settled period: `(quantity, from,
/// until)`, the quantity negative where the interval turned out shorter than
/// what was billed.
///
/// The only change an interval can see is its end: a resource that was running
/// when the period was billed ended within it after all.
#[must_use]
pub fn late_piece(
    before: Option<&UsageInterval>,
    now: &UsageInterval,
    settled: &BillingPeriod,
) -> Option<(i64, Instant, Instant)> {
    let clip = |interval: &UsageInterval| {
        let start = interval.started_at.max(settled.start);
        let end = interval.ended_at.unwrap_or(settled.end).min(settled.end);
        (start, end.max(start))
    };
    let (start, end) = clip(now);
    let piece = match before.map(clip) {
        None => (now.quantity, start, end),
        Some((_, billed_end)) if end < billed_end => (-now.quantity, end, billed_end),
        Some((_, billed_end)) => (now.quantity, billed_end, end),
    };
    (piece.1 < piece.2).then_some(piece)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn interval(quantity: i64, start: i64, end: Option<i64>) -> UsageInterval {
        UsageInterval {
            quantity,
            started_at: Instant(start),
            ended_at: end.map(Instant),
        }
    }

    #[test]
    fn seconds_are_clipped_and_whole() {
        let second = SECOND_US;
        // (quantity, start, end, from, until, seconds)
        let table = [
            (1, 0, Some(10 * second), 0, 100 * second, 10),
            (3, 0, Some(10 * second), 0, 100 * second, 30),
            (1, 0, None, 0, 100 * second, 100),
            (1, 50 * second, Some(200 * second), 0, 100 * second, 50),
            (1, -50 * second, Some(20 * second), 0, 100 * second, 20),
            (1, 500 * second, Some(600 * second), 0, 100 * second, 0),
            (1, 0, Some(0), 0, 100 * second, 0),
            // 0.6 s to 1.4 s crosses one full second mark
            (1, 600_000, Some(1_400_000), 0, 100 * second, 1),
            (1, 100_000, Some(900_000), 0, 100 * second, 0),
        ];
        for (quantity, start, end, from, until, seconds) in table {
            let got = interval(quantity, start, end).seconds_in(Instant(from), Instant(until));
            assert_eq!(got, seconds, "{quantity} {start} {end:?}");
        }
    }

    #[test]
    fn late_pieces_of_a_settled_period() {
        let october = BillingPeriod::new("2026-10".parse().unwrap(), chrono_tz::UTC).unwrap();
        let (start, end) = (october.start.0, october.end.0);
        let hour = 3_600 * SECOND_US;
        let piece = |before: Option<UsageInterval>, now: UsageInterval| {
            late_piece(before.as_ref(), &now, &october).map(|(q, from, until)| (q, from.0, until.0))
        };
        // new, wholly inside, over the end, and not touching
        assert_eq!(
            piece(None, interval(2, start + hour, Some(start + 2 * hour))),
            Some((2, start + hour, start + 2 * hour))
        );
        assert_eq!(
            piece(None, interval(1, end - hour, None)),
            Some((1, end - hour, end))
        );
        assert_eq!(piece(None, interval(1, end, None)), None);
        assert_eq!(piece(None, interval(1, start - hour, Some(start))), None);
        // was running, ended inside: what was billed too much comes back
        assert_eq!(
            piece(
                Some(interval(1, start, None)),
                interval(1, start, Some(end - hour))
            ),
            Some((-1, end - hour, end))
        );
        // was running, ended later: the period stands
        assert_eq!(
            piece(
                Some(interval(1, start, None)),
                interval(1, start, Some(end + hour))
            ),
            None
        );
    }

    proptest! {
        #[test]
        fn splitting_an_interval_changes_nothing(
            start in 0_i64..10_000_000_000, length in 0_i64..10_000_000_000,
            cut in 0.0_f64..1.0, quantity in 1_i64..50,
            from in 0_i64..10_000_000_000, span in 0_i64..10_000_000_000,
        ) {
            #[allow(clippy::as_conversions, clippy::float_arithmetic)]
            let middle = start + (length as f64 * cut) as i64;
            let (from, until) = (Instant(from), Instant(from + span));
            let whole = interval(quantity, start, Some(start + length)).seconds_in(from, until);
            let first = interval(quantity, start, Some(middle)).seconds_in(from, until);
            let second = interval(quantity, middle, Some(start + length)).seconds_in(from, until);
            prop_assert_eq!(first + second, whole);
            // and cutting the window changes nothing either
            let mid = Instant(from.0 + span / 2);
            let all = interval(quantity, start, Some(start + length));
            prop_assert_eq!(all.seconds_in(from, mid) + all.seconds_in(mid, until), whole);
        }

        #[test]
        fn late_pieces_make_up_the_difference(
            start in 0_i64..5_000_000, end in 0_i64..5_000_000, quantity in 1_i64..9,
        ) {
            let october = BillingPeriod::new("2026-10".parse().unwrap(), chrono_tz::UTC).unwrap();
            let base = october.start.0 - 1_000_000 * SECOND_US;
            let started = base + start.min(end) * SECOND_US;
            let ended = base + start.max(end) * SECOND_US;
            let open = interval(quantity, started, None);
            let closed = interval(quantity, started, Some(ended));
            let billed = open.seconds_in(october.start, october.end);
            let right = closed.seconds_in(october.start, october.end);
            let late = late_piece(Some(&open), &closed, &october)
                .map_or(0, |(q, from, until)| q * (until.0 - from.0) / SECOND_US);
            prop_assert_eq!(billed + late, right);
        }
    }
}
