//! What the documents say, in English and French.

use chrono::{Datelike, NaiveDate};
use rust_decimal::Decimal;

use crate::domain::account::Language;
use crate::domain::calendar::PeriodKey;
use crate::domain::catalog::ResourceKind;
use crate::domain::invoice::LineKind;
use crate::domain::invoice::document::{DocumentLine, DocumentUsage};
use crate::domain::money::Currency;
use crate::domain::tax::Country;

/// Code, English name and French name of every country (Unicode CLDR).
const COUNTRIES: &str = include_str!("../../assets/countries.tsv");

const MONTHS_EN: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
const MONTHS_FR: [&str; 12] = [
    "janvier",
    "février",
    "mars",
    "avril",
    "mai",
    "juin",
    "juillet",
    "août",
    "septembre",
    "octobre",
    "novembre",
    "décembre",
];

/// One of two texts.
pub const fn pick(language: Language, en: &'static str, fr: &'static str) -> &'static str {
    match language {
        Language::English => en,
        Language::French => fr,
    }
}

/// The name of a country; its code should it have none.
pub fn country_name(country: Country, language: Language) -> String {
    let row = COUNTRIES
        .lines()
        .map(|row| row.split('\t'))
        .find_map(|mut row| (row.next() == Some(country.code())).then_some(row));
    let name = row.and_then(|mut names| match language {
        Language::English => names.next(),
        Language::French => names.nth(1),
    });
    name.unwrap_or(country.code()).to_owned()
}

fn month_name(month: u32, language: Language) -> &'static str {
    let names = match language {
        Language::English => MONTHS_EN,
        Language::French => MONTHS_FR,
    };
    let index = usize::try_from(month).unwrap_or(0).wrapping_sub(1);
    names.get(index).copied().unwrap_or("?")
}

/// Such as `1 October 2026`, `1er octobre 2026`.
pub fn date(date: NaiveDate, language: Language) -> String {
    let first = matches!((date.day(), language), (1, Language::French));
    let ordinal = if first { "er" } else { "" };
    let month = month_name(date.month(), language);
    format!("{}{ordinal}\u{a0}{month}\u{a0}{}", date.day(), date.year())
}

/// Such as `October 2026`.
pub fn month(period: PeriodKey, language: Language) -> String {
    format!("{} {}", month_name(period.month(), language), period.year())
}

/// A number with its thousands grouped and the language's decimal sign.
pub fn number(value: Decimal, language: Language) -> String {
    let (group, point) = match language {
        Language::English => (',', '.'),
        Language::French => ('\u{202f}', ','),
    };
    let text = value.abs().to_string();
    let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
    let mut out = String::with_capacity(text.len() + 4);
    if value.is_sign_negative() && !value.is_zero() {
        out.push('−');
    }
    for (index, digit) in whole.chars().enumerate() {
        if index > 0 && (whole.len() - index) % 3 == 0 {
            out.push(group);
        }
        out.push(digit);
    }
    if !fraction.is_empty() {
        out.push(point);
        out.push_str(fraction);
    }
    out
}

/// An amount with its currency: `€1,234.50`, `1 234,50 €`, `PLN 1,234.50`.
pub fn amount(minor: i64, currency: Currency, language: Language) -> String {
    let value = Decimal::new(minor, currency.minor_digits());
    with_currency(value, currency, language)
}

/// A price with every decimal it has, and those of its currency at least.
pub fn unit_price(price: Decimal, currency: Currency, language: Language) -> String {
    let mut price = price.normalize();
    if price.scale() < currency.minor_digits() {
        price.rescale(currency.minor_digits());
    }
    with_currency(price, currency, language)
}

fn with_currency(value: Decimal, currency: Currency, language: Language) -> String {
    let value = number(value, language);
    let symbol = match currency {
        Currency::Eur => "€",
        Currency::Gbp => "£",
        _ => currency.code(),
    };
    match language {
        Language::French => format!("{value}\u{a0}{symbol}"),
        Language::English => {
            let space = if symbol.len() == 3 && symbol.is_ascii() {
                "\u{a0}"
            } else {
                ""
            };
            match value.strip_prefix('−') {
                Some(value) => format!("−{symbol}{space}{value}"),
                None => format!("{symbol}{space}{value}"),
            }
        }
    }
}

/// A rate in percent.
pub fn percent(rate: Decimal, language: Language) -> String {
    let space = pick(language, "", "\u{a0}");
    format!("{}{space}%", number(rate.normalize(), language))
}

/// What the lines of a kind are summed under.
pub const fn resource_group(kind: ResourceKind, language: Language) -> &'static str {
    match kind {
        ResourceKind::Container => pick(language, "Containers Runtime", "Exécution de conteneurs"),
        ResourceKind::Addon => pick(language, "Addons", "Addons"),
    }
}

/// What a line is for.
pub fn line_title(line: &DocumentLine, language: Language) -> String {
    match (&line.usage, line.trial, &line.label) {
        (Some(usage), _, _) => usage_title(usage, language),
        (None, Some((first, end)), _) => {
            format!(
                "{} {first} → {end}",
                pick(language, "Free trial", "Essai gratuit")
            )
        }
        (None, None, Some(label)) => label.clone(),
        (None, None, None) => match line.kind {
            LineKind::FreeTrial => pick(language, "Free trial", "Essai gratuit").to_owned(),
            LineKind::Voucher => pick(language, "Voucher", "Bon").to_owned(),
            _ => pick(language, "Discount", "Remise").to_owned(),
        },
    }
}

fn usage_title(usage: &DocumentUsage, language: Language) -> String {
    let DocumentUsage {
        resource_type,
        plan_name,
        ..
    } = usage;
    match (usage.kind, language) {
        (ResourceKind::Container, Language::English) => {
            format!("Containers - type: {resource_type} - size: {plan_name}")
        }
        (ResourceKind::Container, Language::French) => {
            format!("Conteneurs - type : {resource_type} - taille : {plan_name}")
        }
        (ResourceKind::Addon, Language::English) => {
            format!("Addons - type: {resource_type} - plan: {plan_name}")
        }
        (ResourceKind::Addon, Language::French) => {
            format!("Addons - type : {resource_type} - plan : {plan_name}")
        }
    }
}

/// What a movement of the ledger's is called, by its code, for the account it moved.
pub fn movement_title(movement: &str, language: Language) -> &'static str {
    let (english, french) = match movement {
        "credit_bought" => ("Prepaid credit bought", "Achat de crédit prépayé"),
        "credit_granted" => ("Credit given", "Crédit offert"),
        "credit_used" => ("Paid from prepaid credit", "Payé par crédit prépayé"),
        "credit_paid_back" => ("Prepaid credit paid back", "Crédit prépayé remboursé"),
        "card_captured" => ("Paid by card", "Payé par carte"),
        "sepa_settled" => ("Paid by direct debit", "Payé par prélèvement SEPA"),
        "sepa_returned" => ("Direct debit returned", "Prélèvement SEPA rejeté"),
        "refunded_to_card" => ("Refunded to the card", "Remboursé sur la carte"),
        "refund_to_card_failed" => ("Refund that did not arrive", "Remboursement non abouti"),
        "credit_pay_back_failed" => (
            "Credit that could not be paid back",
            "Crédit non remboursable",
        ),
        "credit_grant_undone" => ("Credit taken back", "Crédit repris"),
        "credit_lapsed" => ("Credit lapsed", "Crédit expiré"),
        "credit_given_up" => ("Credit given up", "Crédit abandonné"),
        "refunded_to_credit" => ("Refunded as credit", "Remboursé en crédit"),
        "chargeback_opened" => ("Payment disputed", "Paiement contesté"),
        "chargeback_won" => ("Dispute settled", "Contestation levée"),
        "written_off" => ("Debt given up", "Créance abandonnée"),
        "write_off_recovered" => ("Debt owed again", "Créance rétablie"),
        _ => ("Adjustment", "Régularisation"),
    };
    pick(language, english, french)
}

/// The app a line is about, and its month where that is not the invoice's.
pub fn line_detail(line: &DocumentLine, period: PeriodKey, language: Language) -> String {
    let app = line.usage.as_ref().map_or("", |usage| usage.app.as_str());
    if line.period == period {
        return app.to_owned();
    }
    let about = pick(language, "usage of", "consommation de");
    let late = format!("{about} {}", month(line.period, language));
    if app.is_empty() {
        late
    } else {
        format!("{app} - {late}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_read_as_each_language_writes_them() {
        use Currency::{Eur, Gbp, Jpy, Pln};
        let table = [
            (
                123_456_789,
                Eur,
                "€1,234,567.89",
                "1\u{202f}234\u{202f}567,89\u{a0}€",
            ),
            (-5, Eur, "−€0.05", "−0,05\u{a0}€"),
            (0, Gbp, "£0.00", "0,00\u{a0}£"),
            (99_900, Pln, "PLN\u{a0}999.00", "999,00\u{a0}PLN"),
            (1_234, Jpy, "JPY\u{a0}1,234", "1\u{202f}234\u{a0}JPY"),
        ];
        for (minor, currency, en, fr) in table {
            assert_eq!(amount(minor, currency, Language::English), en);
            assert_eq!(amount(minor, currency, Language::French), fr);
        }
    }

    #[test]
    fn dates_countries_and_rates_follow_the_language() {
        let day = NaiveDate::from_ymd_opt(2026, 8, 1).unwrap();
        assert_eq!(date(day, Language::French), "1er\u{a0}août\u{a0}2026");
        assert_eq!(date(day, Language::English), "1\u{a0}August\u{a0}2026");
        let germany = "DE".parse().unwrap();
        assert_eq!(country_name(germany, Language::French), "Allemagne");
        assert_eq!(country_name(germany, Language::English), "Germany");
        let rate = "8.5".parse().unwrap();
        assert_eq!(percent(rate, Language::French), "8,5\u{a0}%");
        assert_eq!(percent(rate, Language::English), "8.5%");
    }

    #[test]
    fn every_country_has_both_names() {
        for row in COUNTRIES.lines() {
            let fields: Vec<&str> = row.split('\t').collect();
            assert_eq!(fields.len(), 3, "{row}");
            assert!(fields[0].parse::<Country>().is_ok(), "{row}");
            assert!(fields.iter().all(|field| !field.is_empty()), "{row}");
        }
        assert_eq!(COUNTRIES.lines().count(), 249);
    }
}
