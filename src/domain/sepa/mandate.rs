//! Mandates: what a debtor has signed, and how the next collection refers to it.

use chrono::{Months, NaiveDate};

use super::iban::IbanText;
use super::message::{Scheme, SequenceType};

/// A mandate unused for so long is void (EPC016-06, section 4.1).
const LAPSE: Months = Months::new(36);

/// How often a mandate may be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MandateUse {
    Recurrent,
    OneOff,
}

/// What a bank wants the first of several collections to be called. Since
/// November 2016 it may be RCUR like the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum FirstCollection {
    First,
    #[default]
    Recurrent,
}

/// A signed mandate and its history, as far as the next collection needs it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mandate {
    /// The unique mandate reference.
    pub reference: String,
    pub signed_on: NaiveDate,
    pub scheme: Scheme,
    pub usage: MandateUse,
    /// The sequence type of the latest collection that was not rejected before
    /// its settlement; a rejected one never took place.
    pub last_sequence: Option<SequenceType>,
    /// The date of the latest collection that was presented, even if it was
    /// rejected, returned or refunded.
    pub last_presented_on: Option<NaiveDate>,
    /// What has changed since that collection.
    pub amendment: Option<Amendment>,
}

/// Why a mandate does not allow a collection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MandateError {
    #[error("the mandate is signed on {signed_on}, after the collection on {collect_on}")]
    NotSigned {
        signed_on: NaiveDate,
        collect_on: NaiveDate,
    },
    #[error("the mandate lapsed on {0}: 36 months without a collection")]
    Lapsed(NaiveDate),
    #[error("the mandate is used up: its last collection was {0}")]
    UsedUp(SequenceType),
    #[error("a one-off mandate cannot follow a {0} collection")]
    NotOneOff(SequenceType),
    #[error("there is no date 36 months from the mandate's last collection")]
    OutOfCalendar,
}

impl Mandate {
    /// The last day on which the mandate allows a collection: 36 months after
    /// the latest one presented, or after the signature.
    ///
    /// # Errors
    /// At the end of the calendar.
    pub fn valid_until(&self) -> Result<NaiveDate, MandateError> {
        valid_until(self.signed_on, self.last_presented_on).ok_or(MandateError::OutOfCalendar)
    }

    /// The sequence type of a collection on `collect_on`; `is_last` ends the
    /// mandate. What is first and last at once is told as the first.
    ///
    /// # Errors
    /// When the mandate does not allow the collection.
    pub fn next_sequence(
        &self,
        collect_on: NaiveDate,
        first: FirstCollection,
        is_last: bool,
    ) -> Result<SequenceType, MandateError> {
        if collect_on < self.signed_on {
            return Err(MandateError::NotSigned {
                signed_on: self.signed_on,
                collect_on,
            });
        }
        let valid_until = self.valid_until()?;
        if collect_on > valid_until {
            return Err(MandateError::Lapsed(valid_until));
        }
        match (self.usage, self.last_sequence) {
            (_, Some(last @ (SequenceType::OneOff | SequenceType::Final))) => {
                Err(MandateError::UsedUp(last))
            }
            (MandateUse::OneOff, None) => Ok(SequenceType::OneOff),
            (MandateUse::OneOff, Some(last)) => Err(MandateError::NotOneOff(last)),
            (MandateUse::Recurrent, None) => Ok(match first {
                FirstCollection::First => SequenceType::First,
                FirstCollection::Recurrent => SequenceType::Recurrent,
            }),
            (MandateUse::Recurrent, Some(_)) if is_last => Ok(SequenceType::Final),
            (MandateUse::Recurrent, Some(_)) => Ok(SequenceType::Recurrent),
        }
    }
}

fn valid_until(signed_on: NaiveDate, last_presented_on: Option<NaiveDate>) -> Option<NaiveDate> {
    last_presented_on
        .unwrap_or(signed_on)
        .checked_add_months(LAPSE)
}

/// Whether a mandate allows nothing from `day` on: it lapsed, or its last
/// collection took place.
#[must_use]
pub fn is_exhausted(
    signed_on: NaiveDate,
    last_presented_on: Option<NaiveDate>,
    last_sequence: Option<SequenceType>,
    day: NaiveDate,
) -> bool {
    let lapsed = valid_until(signed_on, last_presented_on).is_none_or(|last| day > last);
    let used_up = matches!(
        last_sequence,
        Some(SequenceType::OneOff | SequenceType::Final)
    );
    lapsed || used_up
}

/// What a mandate was known by, when it was last presented or is now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MandateTerms {
    pub reference: String,
    pub creditor_name: String,
    pub creditor_id: String,
    pub debtor_iban: IbanText,
}

/// The terms that a bank knows a mandate by and that hold no longer. At least
/// one is there: an amendment that changes nothing is refused (MD02).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Amendment {
    pub original_reference: Option<String>,
    pub original_creditor_name: Option<String>,
    pub original_creditor_id: Option<String>,
    /// The debtor's account is another, at whatever bank: told as SMNDA, "same
    /// mandate, new debtor account".
    pub new_account: bool,
}

impl Amendment {
    /// What the next collection has to tell; `None` if nothing changed.
    #[must_use]
    pub fn between(presented: &MandateTerms, now: &MandateTerms) -> Option<Self> {
        let changed = |before: &String, after: &String| (before != after).then(|| before.clone());
        let amendment = Self {
            original_reference: changed(&presented.reference, &now.reference),
            original_creditor_name: changed(&presented.creditor_name, &now.creditor_name),
            original_creditor_id: changed(&presented.creditor_id, &now.creditor_id),
            new_account: presented.debtor_iban != now.debtor_iban,
        };
        (!amendment.is_empty()).then_some(amendment)
    }

    /// As [`Self::between`], of a mandate whose reference never changes and whose
    /// former account is not kept: a bank knows its creditor by name and
    /// identifier. What was never presented has nothing to tell.
    #[must_use]
    pub fn since(
        presented_by: Option<(&str, &str)>,
        (name, identifier): (&str, &str),
        account_changed: bool,
    ) -> Option<Self> {
        let (presented_name, presented_id) = presented_by?;
        let changed = |before: &str, after: &str| (before != after).then(|| before.to_owned());
        let amendment = Self {
            original_reference: None,
            original_creditor_name: changed(presented_name, name),
            original_creditor_id: changed(presented_id, identifier),
            new_account: account_changed,
        };
        (!amendment.is_empty()).then_some(amendment)
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use SequenceType::{Final, First, OneOff, Recurrent};

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn mandate(usage: MandateUse, last_sequence: Option<SequenceType>) -> Mandate {
        Mandate {
            reference: "MND-1".into(),
            signed_on: day("2025-03-10"),
            scheme: Scheme::Core,
            usage,
            last_sequence,
            last_presented_on: last_sequence.map(|_| day("2026-10-06")),
            amendment: None,
        }
    }

    #[test]
    fn sequences_follow_each_other_as_the_rulebook_has_it() {
        let next = |mandate: &Mandate, first, is_last| {
            mandate.next_sequence(day("2026-11-06"), first, is_last)
        };
        use FirstCollection as Called;
        use MandateUse as Use;
        // (use, last, first is called, is the last, next)
        let table = [
            (Use::Recurrent, None, Called::First, false, Ok(First)),
            (
                Use::Recurrent,
                None,
                Called::Recurrent,
                false,
                Ok(Recurrent),
            ),
            (Use::Recurrent, None, Called::First, true, Ok(First)),
            (Use::Recurrent, None, Called::Recurrent, true, Ok(Recurrent)),
            (
                Use::Recurrent,
                Some(First),
                Called::First,
                false,
                Ok(Recurrent),
            ),
            (Use::Recurrent, Some(First), Called::First, true, Ok(Final)),
            (
                Use::Recurrent,
                Some(Recurrent),
                Called::First,
                false,
                Ok(Recurrent),
            ),
            (
                Use::Recurrent,
                Some(Recurrent),
                Called::Recurrent,
                true,
                Ok(Final),
            ),
            (
                Use::Recurrent,
                Some(Final),
                Called::First,
                false,
                Err(MandateError::UsedUp(Final)),
            ),
            (
                Use::Recurrent,
                Some(OneOff),
                Called::First,
                false,
                Err(MandateError::UsedUp(OneOff)),
            ),
            (Use::OneOff, None, Called::First, false, Ok(OneOff)),
            (Use::OneOff, None, Called::Recurrent, true, Ok(OneOff)),
            (
                Use::OneOff,
                Some(OneOff),
                Called::First,
                false,
                Err(MandateError::UsedUp(OneOff)),
            ),
            (
                Use::OneOff,
                Some(Recurrent),
                Called::First,
                false,
                Err(MandateError::NotOneOff(Recurrent)),
            ),
        ];
        for (usage, last, first, is_last, expected) in table {
            let row = format!("{usage:?} after {last:?}, {first:?}, last {is_last}");
            assert_eq!(
                next(&mandate(usage, last), first, is_last),
                expected,
                "{row}"
            );
        }
        // A first that was rejected never took place, but was presented.
        let rejected = Mandate {
            last_presented_on: Some(day("2026-10-06")),
            ..mandate(Use::Recurrent, None)
        };
        assert_eq!(next(&rejected, Called::First, false), Ok(First));
    }

    #[test]
    fn a_mandate_lapses_36_months_after_it_was_last_presented() {
        // (signed, last presented, collected on, allowed)
        let table = [
            ("2025-03-10", None, "2025-03-09", Some("signed")),
            ("2025-03-10", None, "2025-03-10", None),
            ("2025-03-10", None, "2028-03-10", None),
            (
                "2025-03-10",
                None,
                "2028-03-13",
                Some("lapsed on 2028-03-10"),
            ),
            ("2025-03-10", Some("2026-10-06"), "2029-10-05", None),
            (
                "2025-03-10",
                Some("2026-10-06"),
                "2029-10-08",
                Some("lapsed on 2029-10-06"),
            ),
            // a leap day has no anniversary: the month's last day
            ("2024-02-29", None, "2027-02-28", None),
            (
                "2024-02-29",
                None,
                "2027-03-01",
                Some("lapsed on 2027-02-28"),
            ),
        ];
        for (signed, presented, collected, refused) in table {
            let mandate = Mandate {
                signed_on: day(signed),
                last_presented_on: presented.map(day),
                ..mandate(MandateUse::Recurrent, None)
            };
            let next = mandate.next_sequence(day(collected), FirstCollection::First, false);
            match (next, refused) {
                (Ok(_), None) => {}
                (Err(error), Some(why)) => {
                    assert!(error.to_string().contains(why), "{collected}: {error}");
                }
                other => panic!("{signed} {presented:?} {collected}: {other:?}"),
            }
        }
        let endless = Mandate {
            signed_on: NaiveDate::MAX,
            ..mandate(MandateUse::Recurrent, None)
        };
        assert_eq!(endless.valid_until(), Err(MandateError::OutOfCalendar));
    }

    #[test]
    fn an_amendment_tells_what_changed_and_nothing_else() {
        let terms = |reference: &str, name: &str, id: &str, iban: &str| MandateTerms {
            reference: reference.into(),
            creditor_name: name.into(),
            creditor_id: id.into(),
            debtor_iban: IbanText::new(iban),
        };
        let presented = terms(
            "MND-1",
            "Host SAS",
            "FR72ZZZ123456",
            "DE89370400440532013000",
        );
        let none = Amendment::default();
        let table = [
            (presented.clone(), None),
            (
                terms(
                    "MND-2",
                    "Host SAS",
                    "FR72ZZZ123456",
                    "DE89370400440532013000",
                ),
                Some(Amendment {
                    original_reference: Some("MND-1".into()),
                    ..none.clone()
                }),
            ),
            (
                terms(
                    "MND-1",
                    "Host SE",
                    "DE98ZZZ09999999999",
                    "DE89 3704 0044 0532 0130 00",
                ),
                Some(Amendment {
                    original_creditor_name: Some("Host SAS".into()),
                    original_creditor_id: Some("FR72ZZZ123456".into()),
                    ..none.clone()
                }),
            ),
            (
                terms("MND-1", "Host SAS", "FR72ZZZ123456", "NO9386011117947"),
                Some(Amendment {
                    new_account: true,
                    ..none
                }),
            ),
        ];
        for (now, expected) in table {
            assert_eq!(Amendment::between(&presented, &now), expected, "{now:?}");
        }
    }

    #[test]
    fn a_mandate_is_exhausted_when_no_collection_can_follow() {
        let signed_on = day("2023-11-24");
        // (latest presented, its sequence, day, exhausted)
        let table = [
            (None, None, "2026-11-24", false),
            (None, None, "2026-11-25", true),
            (Some("2024-02-29"), Some(Recurrent), "2027-02-28", false),
            (Some("2024-02-29"), Some(Recurrent), "2027-03-01", true),
            (Some("2026-10-06"), Some(First), "2026-11-02", false),
            (Some("2026-10-06"), Some(Final), "2026-11-02", true),
            (Some("2026-10-06"), Some(OneOff), "2026-11-02", true),
            // Presented and rejected: it counts against lapsing.
            (Some("2026-10-06"), None, "2028-11-02", false),
        ];
        for (presented_on, sequence, on, expected) in table {
            let exhausted = is_exhausted(signed_on, presented_on.map(day), sequence, day(on));
            assert_eq!(exhausted, expected, "{presented_on:?} {sequence:?} {on}");
            // What next_sequence says is the same.
            let mandate = Mandate {
                signed_on,
                last_presented_on: presented_on.map(day),
                ..mandate(MandateUse::Recurrent, sequence)
            };
            let next = mandate.next_sequence(day(on), FirstCollection::Recurrent, false);
            assert_eq!(next.is_err(), expected, "{next:?}");
        }
    }

    #[test]
    fn what_was_presented_and_changed_is_told() {
        let presented = Some(("Old SAS", "FR72ZZZ123456"));
        // (presented by, creditor now, account changed, name, id, account told)
        let table = [
            (None, ("New SAS", "FR72ZZZ123456"), true, None),
            (presented, ("Old SAS", "FR72ZZZ123456"), false, None),
            (
                presented,
                ("New SAS", "FR72ZZZ123456"),
                false,
                Some((Some("Old SAS"), None, false)),
            ),
            (
                presented,
                ("Old SAS", "DE98ZZZ09999999999"),
                false,
                Some((None, Some("FR72ZZZ123456"), false)),
            ),
            (
                presented,
                ("Old SAS", "FR72ZZZ123456"),
                true,
                Some((None, None, true)),
            ),
            (
                presented,
                ("New SAS", "DE98ZZZ09999999999"),
                true,
                Some((Some("Old SAS"), Some("FR72ZZZ123456"), true)),
            ),
        ];
        for (presented_by, now, account_changed, expected) in table {
            let expected = expected.map(|(name, id, new_account)| Amendment {
                original_reference: None,
                original_creditor_name: name.map(str::to_owned),
                original_creditor_id: id.map(str::to_owned),
                new_account,
            });
            assert_eq!(
                Amendment::since(presented_by, now, account_changed),
                expected
            );
        }
    }
}
