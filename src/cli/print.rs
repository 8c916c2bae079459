//! How commands print: tables, amounts, progress.

use std::io::IsTerminal as _;
use std::time::{Duration, Instant};

use comfy_table::{Cell, CellAlignment, LineStyle, Table, TableStyle};
use indicatif::{ProgressBar, ProgressStyle};
use rust_decimal::Decimal;

use crate::domain::money::Currency;

/// A line below the head and nothing else.
const STYLE: TableStyle =
    TableStyle::new().header_separator(LineStyle::none().fill('─').junction('─'));

/// A table whose columns from `right_from` on are aligned right.
pub fn table<const N: usize>(head: [&str; N], right_from: usize) -> Table {
    let mut table = Table::new();
    table.load_style(STYLE).set_header(head.map(Cell::new));
    for (at, column) in table.column_iter_mut().enumerate() {
        if at >= right_from {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table
}

/// `1,234.50 EUR`.
pub fn amount(minor: i64, currency: Currency) -> String {
    let digits = currency.minor_digits();
    let major = Decimal::new(minor, digits);
    let text = major.abs().to_string();
    let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
    let dot = if fraction.is_empty() { "" } else { "." };
    let sign = if minor < 0 { "-" } else { "" };
    format!("{sign}{}{dot}{fraction} {currency}", grouped(whole))
}

/// `1,234,567`.
pub fn count(number: impl ToString) -> String {
    grouped(&number.to_string())
}

fn grouped(digits: &str) -> String {
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A progress bar with rate and time left on a terminal; plain lines, at most
/// one every few seconds, elsewhere.
pub struct Meter {
    bar: Option<ProgressBar>,
    unit: &'static str,
    started: Instant,
    plain: std::sync::Mutex<Plain>,
}

struct Plain {
    position: u64,
    length: u64,
    last: Instant,
}

const PLAIN_EVERY: Duration = Duration::from_secs(5);

impl Meter {
    #[allow(
        clippy::disallowed_methods,
        reason = "a stopwatch, not the time of day"
    )]
    pub fn new(unit: &'static str, length: u64, quiet: bool) -> Self {
        let bar = (!quiet && std::io::stderr().is_terminal()).then(|| {
            let bar = ProgressBar::new(length);
            let template = format!(
                "{{bar:40}} {{human_pos}}/{{human_len}} {unit}  {{per_sec}}  {{eta}} left  {{msg}}"
            );
            if let Ok(style) = ProgressStyle::with_template(&template) {
                bar.set_style(style);
            }
            bar
        });
        let now = Instant::now();
        Self {
            bar,
            unit: if quiet { "" } else { unit },
            started: now,
            plain: std::sync::Mutex::new(Plain {
                position: 0,
                length,
                last: now,
            }),
        }
    }

    pub fn lengthen(&self, by: u64) {
        if let Some(bar) = &self.bar {
            bar.inc_length(by);
        }
        if let Ok(mut plain) = self.plain.lock() {
            plain.length += by;
        }
    }

    pub fn advance(&self, by: u64) {
        if let Some(bar) = &self.bar {
            bar.inc(by);
        }
        let Ok(mut plain) = self.plain.lock() else {
            return;
        };
        plain.position += by;
        if self.bar.is_none() && !self.unit.is_empty() && plain.last.elapsed() >= PLAIN_EVERY {
            plain.last = Instant::now();
            eprintln!(
                "{} of {} {}",
                count(plain.position),
                count(plain.length),
                self.unit
            );
        }
    }

    /// Removes the bar; the time since the start.
    pub fn finish(&self) -> Duration {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
        self.started.elapsed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_grouped() {
        let table = [
            (0, Currency::Eur, "0.00 EUR"),
            (5, Currency::Eur, "0.05 EUR"),
            (-123_456_789, Currency::Eur, "-1,234,567.89 EUR"),
            (123_456, Currency::Jpy, "123,456 JPY"),
            (99_900, Currency::Usd, "999.00 USD"),
        ];
        for (minor, currency, text) in table {
            assert_eq!(amount(minor, currency), text);
        }
    }
}
