//! A language and a house, and how they write.

use chrono::NaiveDate;

use super::House;
use crate::documents::wording;
use crate::domain::account::Language;
use crate::domain::calendar::PeriodKey;
use crate::domain::money::Money;
use crate::domain::payment::PaymentMethod;
use crate::mail::letter::{Button, Fact};
use crate::mail::occasion::{InvoiceFacts, LinkFacts, Moment};

/// Writes in a language for a house.
#[derive(Clone, Copy)]
pub struct Pen<'a> {
    pub language: Language,
    pub house: &'a House,
}

/// A sentence in English and French; both may name the variables around it.
macro_rules! words {
    ($pen:expr, $en:literal, $fr:literal $(,)?) => {
        match $pen.language {
            $crate::domain::account::Language::English => format!($en),
            $crate::domain::account::Language::French => {
                $crate::mail::wording::pen::spaced(&format!($fr))
            }
        }
    };
}

impl Pen<'_> {
    pub fn amount(self, money: Money) -> String {
        wording::amount(money.minor, money.currency, self.language)
    }

    pub fn date(self, date: NaiveDate) -> String {
        wording::date(date, self.language)
    }

    pub fn month(self, period: PeriodKey) -> String {
        wording::month(period, self.language)
    }

    pub const fn pick(self, en: &'static str, fr: &'static str) -> &'static str {
        wording::pick(self.language, en, fr)
    }

    /// As in "paid by card".
    pub const fn by(self, method: PaymentMethod) -> &'static str {
        match method {
            PaymentMethod::Credit => self.pick("prepaid credit", "crédit prépayé"),
            PaymentMethod::Sepa => self.pick("SEPA direct debit", "prélèvement SEPA"),
            PaymentMethod::Card => self.pick("card", "carte bancaire"),
        }
    }

    /// `tomorrow`, `in 7 days`.
    pub fn in_days(self, days: i64) -> String {
        match days {
            ..=0 => self.pick("today", "aujourd’hui").to_owned(),
            1 => self.pick("tomorrow", "demain").to_owned(),
            days => words!(self, "in {days} days", "dans {days}\u{a0}jours"),
        }
    }

    pub fn fact(self, en: &'static str, fr: &'static str, value: impl Into<String>) -> Fact {
        Fact {
            label: self.pick(en, fr).to_owned(),
            value: value.into(),
        }
    }

    pub fn moment(self, at: &Moment) -> String {
        let (date, time) = (self.date(at.on), &at.time);
        words!(self, "{date}, {time}", "{date} à {time}")
    }

    /// Until when a link works.
    pub fn until(self, link: &LinkFacts) -> Fact {
        let until = self.moment(&link.until);
        self.fact("The link works until", "Lien valable jusqu’au", until)
    }

    /// To where an invoice is paid.
    pub fn pay(self, en: &'static str, fr: &'static str, invoice: &InvoiceFacts) -> Option<Button> {
        let url = self.house.pay_url.replace("{invoice}", &invoice.number);
        Some(Button {
            label: self.pick(en, fr).to_owned(),
            url,
        })
    }

    /// To where payment methods are looked after.
    pub fn manage(self, en: &'static str, fr: &'static str) -> Option<Button> {
        Some(Button {
            label: self.pick(en, fr).to_owned(),
            url: self.house.account_url.clone(),
        })
    }
}

/// French spaces that do not break: a thin one before `;`, `!` and `?`, a full one
/// before `:` and within guillemets (Imprimerie nationale, "Lexique des règles
/// typographiques en usage").
pub fn spaced(text: &str) -> String {
    const SPACES: [(&str, &str); 6] = [
        (" ;", "\u{202f};"),
        (" !", "\u{202f}!"),
        (" ?", "\u{202f}?"),
        (" :", "\u{a0}:"),
        ("« ", "«\u{a0}"),
        (" »", "\u{a0}»"),
    ];
    SPACES
        .iter()
        .fold(text.to_owned(), |text, (from, to)| text.replace(from, to))
}
