//! How commands print: tables, amounts, progress.

use std::io::{IsTerminal as _, Write as _};
use std::time::{Duration, Instant};

use comfy_table::{Cell, CellAlignment, LineStyle, Table, TableStyle};
use indicatif::{ProgressBar, ProgressStyle};

use crate::domain::money::{Currency, Money, grouped};

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

/// A name that fits a column.
pub fn short(name: &str) -> String {
    const CHARS_MAX: usize = 40;
    match name.char_indices().nth(CHARS_MAX) {
        Some((end, _)) => format!("{}…", name[..end].trim_end()),
        None => name.to_owned(),
    }
}

/// `1,234.50 EUR`.
pub fn amount(minor: i64, currency: Currency) -> String {
    Money::new(minor, currency).to_string()
}

/// `1,234,567`.
pub fn count(number: impl ToString) -> String {
    grouped(&number.to_string())
}

/// `1 invoice`, `1,234 invoices`.
pub fn counted(number: impl ToString, one: &str) -> String {
    let number = number.to_string();
    let many = if number == "1" { "" } else { "s" };
    format!("{} {one}{many}", grouped(&number))
}

/// Prints a line to standard output. A reader that went away (`| head`) ends the
/// command quietly; a full disk ends it with an error.
#[macro_export]
macro_rules! say {
    ($($text:tt)*) => { $crate::cli::print::line(format_args!($($text)*)) };
}

/// Prints a line to standard error.
#[macro_export]
macro_rules! complain {
    ($($text:tt)*) => {
        // Where nobody can be told, there is nothing more to do.
        let _ = std::io::Write::write_fmt(
            &mut std::io::stderr().lock(),
            format_args!("{}\n", format_args!($($text)*)),
        );
    };
}

/// See [`say!`].
pub fn line(text: std::fmt::Arguments<'_>) {
    let mut out = std::io::stdout().lock();
    if let Err(error) = out.write_fmt(text).and_then(|()| out.write_all(b"\n")) {
        if error.kind() == std::io::ErrorKind::BrokenPipe {
            std::process::exit(0);
        }
        complain!("error: standard output cannot be written: {error}");
        std::process::exit(1);
    }
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
            complain!(
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
    fn counts_agree_with_their_nouns() {
        assert_eq!(counted(1, "invoice"), "1 invoice");
        assert_eq!(counted(0, "invoice"), "0 invoices");
        assert_eq!(counted(1_234_567, "row"), "1,234,567 rows");
    }

    #[test]
    fn long_names_are_cut_to_a_column() {
        assert_eq!(short("Żółciński"), "Żółciński");
        let long = "Société ".repeat(40);
        assert_eq!(short(&long), "Société Société Société Société Société…");
    }
}
