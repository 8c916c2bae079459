//! What the texts of ISO 20022 messages mean.

use chrono::{Datelike as _, NaiveDate, NaiveDateTime};

use super::error::AnswerError;
use super::facts::{BankTime, Direction};
use super::tree::At;
use crate::domain::money::{Currency, Money};

/// Dates lie in these years.
const FIRST_YEAR: i32 = 2000;
const LAST_YEAR: i32 = 2199;
/// Digits before the point: far more than any bank books.
const WHOLE_DIGITS_MAX: usize = 13;
/// Characters of an identifier (`Max35Text`).
const ID_CHARS_MAX: usize = 35;
/// What a bank writes for a reference that it was not given.
const NOT_PROVIDED: &str = "NOTPROVIDED";

/// An amount with its currency, never negative: the direction stands beside it.
pub fn money(at: At<'_>) -> Result<Money, AnswerError> {
    let currency = at
        .currency()
        .ok_or_else(|| at.bad(at.text(), "has no currency (Ccy)"))?;
    let currency = currency
        .parse::<Currency>()
        .map_err(|error| at.bad(at.text(), format!("has a wrong Ccy: {error}")))?;
    amount(at, currency)
}

/// An amount whose currency is known from elsewhere.
pub fn amount(at: At<'_>, currency: Currency) -> Result<Money, AnswerError> {
    let text = at.text();
    minor(text, currency)
        .map(|minor| Money::new(minor, currency))
        .map_err(|reason| at.bad(text, reason))
}

/// An amount in minor units (`ActiveOrHistoricCurrencyAndAmount`, but with the
/// currency's own number of decimals).
fn minor(text: &str, currency: Currency) -> Result<i64, String> {
    let (whole, fraction) = match text.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (text, None),
    };
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    if text.starts_with(['+', '-']) {
        return Err("has a sign: the direction is told by CdtDbtInd".to_owned());
    }
    if !digits(whole) || !fraction.is_none_or(digits) {
        return Err("is not an amount such as 1234.50".to_owned());
    }
    let fraction = fraction.unwrap_or_default();
    let decimals = usize::try_from(currency.minor_digits()).unwrap_or(0);
    if fraction.len() > decimals {
        let found = fraction.len();
        return Err(format!("has {found} decimals, {currency} has {decimals}"));
    }
    if whole.len() > WHOLE_DIGITS_MAX {
        return Err(format!(
            "has over {WHOLE_DIGITS_MAX} digits before the point"
        ));
    }
    format!("{whole}{fraction:0<decimals$}")
        .parse()
        .map_err(|_| "is out of range".to_owned())
}

pub fn direction(at: At<'_>) -> Result<Direction, AnswerError> {
    match at.text() {
        "CRDT" => Ok(Direction::Credit),
        "DBIT" => Ok(Direction::Debit),
        other => Err(at.bad(other, "is neither CRDT nor DBIT")),
    }
}

pub fn yes_or_no(at: At<'_>) -> Result<bool, AnswerError> {
    match at.text() {
        "true" | "1" => Ok(true),
        "false" | "0" => Ok(false),
        other => Err(at.bad(other, "is neither true nor false")),
    }
}

pub fn count(at: At<'_>) -> Result<u64, AnswerError> {
    let text = at.text();
    let is_number = (1..=15).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
    text.parse()
        .ok()
        .filter(|_| is_number)
        .ok_or_else(|| at.bad(text, "is not a number of up to 15 digits"))
}

/// An identifier of up to 35 characters.
pub fn id(at: At<'_>) -> Result<String, AnswerError> {
    let text = at.text();
    if text.chars().count() > ID_CHARS_MAX {
        return Err(at.bad(text, format!("is longer than {ID_CHARS_MAX} characters")));
    }
    Ok(text.to_owned())
}

/// An identifier that may be missing, empty or `NOTPROVIDED`.
pub fn optional_id(at: At<'_>, path: &[&str]) -> Result<Option<String>, AnswerError> {
    match at.at(path)? {
        Some(found) if !found.text().is_empty() && found.text() != NOT_PROVIDED => {
            id(found).map(Some)
        }
        _ => Ok(None),
    }
}

/// A date (`2026-12-01`, a zone after it does not matter).
pub fn date(at: At<'_>) -> Result<NaiveDate, AnswerError> {
    let text = at.text();
    let (day, zone) = text.split_at_checked(10).unwrap_or((text, ""));
    day.parse::<NaiveDate>()
        .ok()
        .filter(|_| day.len() == 10 && day.is_ascii() && offset(zone).is_some())
        .filter(|day| (FIRST_YEAR..=LAST_YEAR).contains(&day.year()))
        .ok_or_else(|| at.bad(text, "is not a date such as 2026-12-01"))
}

/// A day given as `Dt` or as `DtTm`, as it was on the bank's clock.
pub fn day(at: At<'_>) -> Result<NaiveDate, AnswerError> {
    match (at.one("Dt")?, at.one("DtTm")?) {
        (Some(day), None) => date(day),
        (None, Some(time)) => Ok(self::time(time)?.local.date()),
        _ => Err(at.bad("", "has to hold either Dt or DtTm")),
    }
}

/// A day that may be missing.
pub fn optional_day(at: At<'_>, name: &str) -> Result<Option<NaiveDate>, AnswerError> {
    at.one(name)?.map(day).transpose()
}

/// A time (`2026-12-03T20:00:00`, perhaps with parts of seconds and a zone).
pub fn time(at: At<'_>) -> Result<BankTime, AnswerError> {
    let text = at.text();
    bank_time(text).ok_or_else(|| at.bad(text, "is not a time such as 2026-12-03T20:00:00"))
}

fn bank_time(text: &str) -> Option<BankTime> {
    let (day, clock) = text.split_once('T')?;
    let zone_at = clock.find(['Z', '+', '-']).unwrap_or(clock.len());
    let (clock, zone) = clock.split_at_checked(zone_at)?;
    let plain = format!("{day}T{clock}");
    let local = NaiveDateTime::parse_from_str(&plain, "%Y-%m-%dT%H:%M:%S%.f").ok()?;
    (day.len() == 10 && (FIRST_YEAR..=LAST_YEAR).contains(&local.year())).then_some(())?;
    Some(BankTime {
        local,
        offset_minutes: offset(zone)?,
    })
}

/// Minutes of a zone such as `+01:00`; `Some(None)` where none is given.
fn offset(zone: &str) -> Option<Option<i32>> {
    let sign = match zone.chars().next() {
        None => return Some(None),
        Some('Z') if zone.len() == 1 => return Some(Some(0)),
        Some('+') => 1,
        Some('-') => -1,
        Some(_) => return None,
    };
    let (hours, minutes) = zone.get(1..)?.split_once(':')?;
    let number = |text: &str, most: i32| -> Option<i32> {
        let is_sound = text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
        text.parse()
            .ok()
            .filter(|number| is_sound && *number <= most)
    };
    Some(Some(
        sign * (number(hours, 14)? * 60 + number(minutes, 59)?),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_exact_or_refused() {
        let table = [
            ("0", Ok(0)),
            ("10", Ok(1000)),
            ("10.5", Ok(1050)),
            ("0010.05", Ok(1005)),
            ("9999999999999.99", Ok(999_999_999_999_999)),
            ("10.050", Err("has 3 decimals, EUR has 2")),
            ("-1", Err("has a sign")),
            ("+1", Err("has a sign")),
            ("", Err("is not an amount")),
            (".5", Err("is not an amount")),
            ("5.", Err("is not an amount")),
            ("1,00", Err("is not an amount")),
            ("1e3", Err("is not an amount")),
            ("1.2.3", Err("is not an amount")),
            ("١٢", Err("is not an amount")),
            ("10000000000000", Err("has over 13 digits")),
        ];
        for (text, expected) in table {
            match (minor(text, Currency::Eur), expected) {
                (Ok(minor), Ok(expected)) => assert_eq!(minor, expected, "{text}"),
                (Err(reason), Err(start)) => assert!(reason.starts_with(start), "{text}: {reason}"),
                (found, _) => panic!("{text}: {found:?}"),
            }
        }
        assert_eq!(minor("12", Currency::Jpy), Ok(12));
        assert!(minor("12.0", Currency::Jpy).is_err());
    }

    #[test]
    fn times_are_read_with_and_without_a_zone() {
        let table = [
            ("2026-12-03T20:00:00", Some("2026-12-03 20:00:00 None")),
            ("2026-12-03T20:00:00Z", Some("2026-12-03 20:00:00 Some(0)")),
            (
                "2026-12-03T20:00:00.123+01:00",
                Some("2026-12-03 20:00:00.123 Some(60)"),
            ),
            (
                "2026-12-03T20:00:00-09:30",
                Some("2026-12-03 20:00:00 Some(-570)"),
            ),
            ("2026-12-03T20:00", None),
            ("2026-02-30T20:00:00", None),
            ("2026-12-03T24:00:01", None),
            ("2026-12-03T20:00:00+1:00", None),
            ("2026-12-03T20:00:00+15:00", None),
            ("1999-12-03T20:00:00", None),
            ("+2026-12-03T20:00:00", None),
            ("20:00:00", None),
            ("", None),
        ];
        for (text, expected) in table {
            let found =
                bank_time(text).map(|time| format!("{} {:?}", time.local, time.offset_minutes));
            assert_eq!(found.as_deref(), expected, "{text}");
        }
    }
}
