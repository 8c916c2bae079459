//! How an outcome that is out is asked for: again under the same key, or by
//! looking the payment up.

use crate::domain::calendar::Instant;

/// The provider's clock and ours may differ, and a request may be on its way: a
/// key is not relied on in the last hour that the provider promises it for.
const MARGIN_HOURS: i64 = 1;
const MICROSECONDS_PER_HOUR: i64 = 3_600_000_000;

/// What a provider is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Question {
    /// The same request under the same key: it tells the outcome of the first
    /// one, or is carried out now if that never arrived.
    Repeat,
    /// How the payment stands. Asking for money again could take it twice: the
    /// key may be forgotten.
    LookUp,
}

/// Decides. `has_reference` says whether the provider ever named the payment:
/// then it is looked up by that name. A clock that is behind the one which made
/// the attempt counts as no time at all.
#[must_use]
pub const fn question(
    made_at: Instant,
    has_reference: bool,
    key_hours: i64,
    now: Instant,
) -> Question {
    let age = now.0.saturating_sub(made_at.0);
    let honored = key_hours
        .saturating_sub(MARGIN_HOURS)
        .saturating_mul(MICROSECONDS_PER_HOUR);
    if !has_reference && age < honored {
        Question::Repeat
    } else {
        Question::LookUp
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_relied_on_only_while_it_is_surely_honored() {
        let made_at = Instant(1_790_000_000_000_000);
        // (hours since, named, question); the provider keeps keys for 24 hours
        let table = [
            (-1, false, Question::Repeat),
            (0, false, Question::Repeat),
            (22, false, Question::Repeat),
            (23, false, Question::LookUp),
            (24, false, Question::LookUp),
            (9_000, false, Question::LookUp),
            (0, true, Question::LookUp),
            (23, true, Question::LookUp),
        ];
        for (hours, named, expected) in table {
            let now = Instant(made_at.0 + hours * MICROSECONDS_PER_HOUR);
            assert_eq!(
                question(made_at, named, 24, now),
                expected,
                "{hours} {named}"
            );
        }
        let just_before = Instant(made_at.0 + 23 * MICROSECONDS_PER_HOUR - 1);
        assert_eq!(question(made_at, false, 24, just_before), Question::Repeat);
        assert_eq!(
            question(Instant(i64::MIN), false, 24, Instant(i64::MAX)),
            Question::LookUp
        );
    }
}
