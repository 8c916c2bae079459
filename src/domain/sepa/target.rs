//! The calendar of TARGET, the Eurosystem's settlement system: a collection
//! date is a day on which it is open.
//!
//! Source: the ECB's long-term calendar of closing days, unchanged since 2002.

use chrono::{Datelike as _, Days, NaiveDate, Weekday};

/// Whether TARGET is open: not on Saturdays, Sundays, 1 January, Good Friday,
/// Easter Monday, 1 May, 25 and 26 December.
#[must_use]
pub fn is_business_day(date: NaiveDate) -> bool {
    if matches!(date.weekday(), Weekday::Sat | Weekday::Sun) {
        return false;
    }
    if matches!((date.month(), date.day()), (1, 1) | (5, 1) | (12, 25 | 26)) {
        return false;
    }
    let easter = easter_sunday(date.year());
    let good_friday = easter.and_then(|sunday| sunday.checked_sub_days(Days::new(2)));
    let easter_monday = easter.and_then(|sunday| sunday.succ_opt());
    Some(date) != good_friday && Some(date) != easter_monday
}

/// The date, or the first business day after it.
#[must_use]
pub fn business_day_from(date: NaiveDate) -> NaiveDate {
    let mut days = date.iter_days();
    days.find(|day| is_business_day(*day)).unwrap_or(date)
}

/// The first business day after the date.
#[must_use]
pub fn next_business_day(date: NaiveDate) -> NaiveDate {
    business_day_from(date.succ_opt().unwrap_or(date))
}

/// The business day `days` business days before the date: D-1 is `days` = 1.
/// The date itself need not be one.
#[must_use]
pub fn business_days_before(date: NaiveDate, days: u32) -> NaiveDate {
    let mut day = date;
    for _ in 0..days {
        day = day.pred_opt().unwrap_or(day);
        while !is_business_day(day)
            && let Some(before) = day.pred_opt()
        {
            day = before;
        }
    }
    day
}

/// The earliest day that can be collected on when a file goes to the bank on
/// `submitted_on`: the bank has it by D-1 (EPC016-06, section 4.3), and reads it
/// on business days only.
#[must_use]
pub fn earliest_collection(submitted_on: NaiveDate) -> NaiveDate {
    next_business_day(business_day_from(submitted_on))
}

/// Easter Sunday of the Gregorian calendar (Meeus, Jones and Butcher).
fn easter_sunday(year: i32) -> Option<NaiveDate> {
    let golden = year.rem_euclid(19);
    let (century, of_century) = (year.div_euclid(100), year.rem_euclid(100));
    let (leap_centuries, century_rest) = (century.div_euclid(4), century.rem_euclid(4));
    let moon_drift = (century - (century + 8).div_euclid(25) + 1).div_euclid(3);
    let full_moon = (19 * golden + century - leap_centuries - moon_drift + 15).rem_euclid(30);
    let (leaps, leap_rest) = (of_century.div_euclid(4), of_century.rem_euclid(4));
    let to_sunday = (32 + 2 * century_rest + 2 * leaps - full_moon - leap_rest).rem_euclid(7);
    let late = (golden + 11 * full_moon + 22 * to_sunday).div_euclid(451);
    let of_march = full_moon + to_sunday - 7 * late + 114;
    let month = u32::try_from(of_march.div_euclid(31)).ok()?;
    let day = u32::try_from(of_march.rem_euclid(31)).ok()? + 1;
    NaiveDate::from_ymd_opt(year, month, day)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn easter_is_where_the_church_has_it() {
        // The earliest and the latest there are, and this decade's.
        let table = [
            "1818-03-22",
            "1943-04-25",
            "2000-04-23",
            "2024-03-31",
            "2025-04-20",
            "2026-04-05",
            "2027-03-28",
            "2028-04-16",
            "2029-04-01",
            "2030-04-21",
            "2038-04-25",
            "2285-03-22",
        ];
        for date in table {
            assert_eq!(easter_sunday(day(date).year()), Some(day(date)));
        }
    }

    #[test]
    fn target_closes_for_weekends_and_six_holidays() {
        let closed = [
            "2026-01-01",
            "2026-04-03",
            "2026-04-06",
            "2026-05-01",
            "2026-12-25",
            "2026-12-26",
            "2025-12-26",
            "2027-01-01",
            "2026-11-07",
            "2026-11-08",
        ];
        for date in closed {
            assert!(!is_business_day(day(date)), "{date}");
        }
        // French holidays, and the days that the EU's institutions take.
        let open = [
            "2026-05-08",
            "2026-05-14",
            "2026-05-25",
            "2026-07-14",
            "2026-08-14",
            "2026-11-11",
            "2026-12-24",
            "2026-12-31",
            "2026-01-02",
            "2026-04-02",
            "2026-04-07",
        ];
        for date in open {
            assert!(is_business_day(day(date)), "{date}");
        }
    }

    #[test]
    fn days_are_counted_over_what_is_closed() {
        // (date, from it, after it, the day before, 3 days before, collected at the earliest)
        let table = [
            (
                "2026-11-02",
                "2026-11-02",
                "2026-11-03",
                "2026-10-30",
                "2026-10-28",
                "2026-11-03",
            ),
            // a Saturday: the bank reads on Monday
            (
                "2026-11-07",
                "2026-11-09",
                "2026-11-09",
                "2026-11-06",
                "2026-11-04",
                "2026-11-10",
            ),
            // Maundy Thursday and Good Friday
            (
                "2026-04-02",
                "2026-04-02",
                "2026-04-07",
                "2026-04-01",
                "2026-03-30",
                "2026-04-07",
            ),
            (
                "2026-04-03",
                "2026-04-07",
                "2026-04-07",
                "2026-04-02",
                "2026-03-31",
                "2026-04-08",
            ),
            // Christmas on a Friday, and the turn of the year
            (
                "2026-12-24",
                "2026-12-24",
                "2026-12-28",
                "2026-12-23",
                "2026-12-21",
                "2026-12-28",
            ),
            (
                "2026-12-31",
                "2026-12-31",
                "2027-01-04",
                "2026-12-30",
                "2026-12-28",
                "2027-01-04",
            ),
        ];
        for (date, from, after, before, three_before, earliest) in table {
            let date = day(date);
            assert_eq!(business_day_from(date), day(from), "from {date}");
            assert_eq!(next_business_day(date), day(after), "after {date}");
            assert_eq!(business_days_before(date, 1), day(before), "before {date}");
            assert_eq!(business_days_before(date, 3), day(three_before), "{date}");
            assert_eq!(earliest_collection(date), day(earliest), "{date}");
        }
        assert_eq!(
            business_days_before(day("2026-11-07"), 0),
            day("2026-11-07")
        );
    }

    proptest! {
        #[test]
        fn there_and_back_is_the_same_day(days in 0_u32..40_000) {
            let start = day("2000-01-01") + Days::new(days.into());
            let open = business_day_from(start);
            prop_assert!(is_business_day(open));
            prop_assert_eq!(business_days_before(next_business_day(open), 1), open);
            // Never closed for more than the four days of Easter or Christmas.
            prop_assert!(open - start <= chrono::TimeDelta::days(4));
            prop_assert!(business_days_before(earliest_collection(start), 1) >= start);
        }
    }
}
