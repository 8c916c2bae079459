//! The file as it is written, and the check that makes it [`Config`].

use std::collections::BTreeMap;
use std::str::FromStr;

use chrono::NaiveDate;
use chrono_tz::Tz;
use rust_decimal::Decimal;
use serde::Deserialize;

use super::api::RawApi;
use super::collection::RawCollection;
use super::contract::{RawContract, check_contracts};
use super::deletion::RawDeletion;
use super::dunning::RawDunning;
use super::mail::RawMail;
use super::platform::RawPlatform;
use super::provider::{RawPayPal, RawStripe};
use super::region::{Region, check_regions};
use super::schedule::RawSchedule;
use super::sepa::RawSepa;
use super::vault::RawVault;
use super::{Config, Problem};
use crate::domain::invoice::document::Issuer;
use crate::domain::invoice::{BillingPolicy, Bounds, SanityBounds, SeriesName};
use crate::domain::money::Currency;
use crate::domain::tax::{
    Country, RateTable, Residence, VatCategory, VatPolicy, VatRate, has_valid_vat_number,
};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawConfig {
    issuer: Issuer,
    #[serde(default)]
    billing: RawBilling,
    #[serde(default)]
    vat: RawVat,
    #[serde(default)]
    bounds: RawBounds,
    #[serde(default)]
    collection: RawCollection,
    #[serde(default)]
    dunning: RawDunning,
    #[serde(default)]
    deletion: RawDeletion,
    #[serde(default)]
    schedule: RawSchedule,
    #[serde(default)]
    api: RawApi,
    #[serde(default)]
    regions: Vec<Region>,
    #[serde(default)]
    contracts: Vec<RawContract>,
    stripe: Option<RawStripe>,
    paypal: Option<RawPayPal>,
    sepa: Option<RawSepa>,
    vault: Option<RawVault>,
    mail: Option<RawMail>,
    platform: Option<RawPlatform>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct RawBilling {
    zone: String,
    series: String,
    free_trial_days: i64,
    due_after_days: i64,
}

impl Default for RawBilling {
    fn default() -> Self {
        Self {
            zone: "Europe/Paris".to_owned(),
            series: "Q".to_owned(),
            free_trial_days: 30,
            due_after_days: 0,
        }
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct RawVat {
    one_stop_shop: bool,
    outside_eu: String,
    rates: Vec<RawRate>,
}

impl Default for RawVat {
    fn default() -> Self {
        Self {
            one_stop_shop: true,
            outside_eu: "O".to_owned(),
            rates: Vec::new(),
        }
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawRate {
    region: String,
    rate: String,
    valid_from: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct RawBounds {
    factor: i64,
    over: String,
    limit: String,
    by_currency: BTreeMap<String, RawCurrencyBounds>,
}

impl Default for RawBounds {
    fn default() -> Self {
        Self {
            factor: 10,
            over: "1000".to_owned(),
            limit: "100000".to_owned(),
            by_currency: BTreeMap::new(),
        }
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawCurrencyBounds {
    factor: i64,
    over: String,
    limit: String,
}

/// Gathers every problem, so that one start shows them all.
#[derive(Default)]
pub struct Check {
    problems: Vec<Problem>,
}

impl Check {
    pub fn refuse(&mut self, key: &str, reason: impl ToString) {
        self.problems.push(Problem {
            key: key.to_owned(),
            reason: reason.to_string(),
        });
    }

    pub fn take<T, E: ToString>(&mut self, key: &str, result: Result<T, E>) -> Option<T> {
        result.map_err(|reason| self.refuse(key, reason)).ok()
    }

    pub fn range(&mut self, key: &str, value: i64, from: u32, to: u32) -> Option<u32> {
        let fitting = u32::try_from(value)
            .ok()
            .filter(|value| (from..=to).contains(value));
        if fitting.is_none() {
            self.refuse(key, format!("{value} is not between {from} and {to}"));
        }
        fitting
    }

    pub fn zone(&mut self, key: &str, name: &str) -> Option<Tz> {
        let zone = Tz::from_str(name);
        self.take(
            key,
            zone.map_err(|_| format!("{name:?} is not a time zone such as Europe/Paris")),
        )
    }

    pub fn decimal(&mut self, key: &str, text: &str, from: i64, to: i64) -> Option<Decimal> {
        let (from, to) = (Decimal::from(from), Decimal::from(to));
        let parsed = Decimal::from_str(text)
            .ok()
            .filter(|value| (from..=to).contains(value));
        if parsed.is_none() {
            self.refuse(
                key,
                format!("{text:?} is not a number between {from} and {to}"),
            );
        }
        parsed
    }

    fn bounds(&mut self, key: &str, factor: i64, over: &str, limit: &str) -> Option<Bounds> {
        const MOST: i64 = 1_000_000_000_000;
        let factor = self.range(&format!("{key}.factor"), factor, 1, 1_000_000);
        let over = self.decimal(&format!("{key}.over"), over, 0, MOST);
        let limit = self.decimal(&format!("{key}.limit"), limit, 0, MOST);
        if let (Some(over), Some(limit)) = (over, limit)
            && over > limit
        {
            let reason = format!("{over} is above {key}.limit {limit}, which parks before it");
            self.refuse(&format!("{key}.over"), reason);
        }
        Some(Bounds {
            factor: factor?,
            over: over?,
            limit: limit?,
        })
    }
}

impl RawConfig {
    pub fn with_issuer(issuer: Issuer) -> Self {
        Self {
            issuer,
            billing: RawBilling::default(),
            vat: RawVat::default(),
            bounds: RawBounds::default(),
            collection: RawCollection::default(),
            dunning: RawDunning::default(),
            deletion: RawDeletion::default(),
            schedule: RawSchedule::default(),
            api: RawApi::default(),
            regions: Vec::new(),
            contracts: Vec::new(),
            stripe: None,
            paypal: None,
            sepa: None,
            vault: None,
            mail: None,
            platform: None,
        }
    }

    pub fn check(self) -> Result<Config, Vec<Problem>> {
        let mut check = Check::default();
        let country = check_issuer(&mut check, &self.issuer);
        let zone = check.zone("billing.zone", &self.billing.zone);
        let schedule = self.schedule.check(&mut check, zone);
        let api = self.api.check(&mut check);
        let regions = check_regions(&mut check, self.regions);
        let contracts = check_contracts(&mut check, &self.contracts);
        let series = check.take("billing.series", SeriesName::from_str(&self.billing.series));
        let trial = check.range(
            "billing.free_trial_days",
            self.billing.free_trial_days,
            0,
            366,
        );
        let due = check.range("billing.due_after_days", self.billing.due_after_days, 0, 60);
        let outside_eu = check_outside_eu(&mut check, &self.vat.outside_eu);
        let rates = check_rates(&mut check, &self.vat.rates);
        let bounds = check_bounds(&mut check, &self.bounds);
        let collection = self.collection.check(&mut check);
        let ladder = collection.as_ref().map(|policy| &policy.ladder);
        let dunning = self.dunning.check(&mut check, ladder);
        let deletion = self.deletion.check(&mut check);
        let stripe = self.stripe.map(|raw| raw.check(&mut check));
        let paypal = self.paypal.map(|raw| raw.check(&mut check));
        let sepa = self.sepa.map(|raw| raw.check(&mut check));
        let vault = self.vault.map(|raw| raw.check(&mut check));
        let mail = self.mail.map(|raw| raw.check(&mut check));
        let platform = self.platform.map(|raw| raw.check(&mut check));
        let config = (|| {
            Some(Config {
                policy: BillingPolicy {
                    zone: zone?,
                    vat: VatPolicy {
                        issuer: country?,
                        rates,
                        one_stop_shop: self.vat.one_stop_shop,
                        outside_eu: outside_eu?,
                    },
                    free_trial_days: trial?,
                    bounds: bounds?,
                },
                issuer: self.issuer,
                is_sample: false,
                series: series?,
                due_after_days: due?,
                collection: collection?,
                dunning: dunning?,
                deletion: deletion?,
                schedule: schedule?,
                api: api?,
                regions,
                contracts,
                stripe: stripe.flatten(),
                paypal: paypal.flatten(),
                sepa: sepa.flatten(),
                vault: vault.flatten(),
                mail: mail.flatten(),
                platform: platform.flatten(),
            })
        })();
        match config {
            Some(config) if check.problems.is_empty() => Ok(config),
            _ => Err(check.problems),
        }
    }
}

fn check_issuer(check: &mut Check, issuer: &Issuer) -> Option<Country> {
    let required = [
        ("name", &issuer.name),
        ("legal_form", &issuer.legal_form),
        ("address_line1", &issuer.address_line1),
        ("postal_code", &issuer.postal_code),
        ("city", &issuer.city),
        ("siren", &issuer.siren),
        ("email", &issuer.email),
    ];
    for (key, value) in required {
        if value.trim().is_empty() {
            check.refuse(&format!("issuer.{key}"), "must not be empty");
        }
    }
    for (language, texts) in [("en", &issuer.texts_en), ("fr", &issuer.texts_fr)] {
        let mentions = [
            ("payment_terms", &texts.payment_terms),
            ("late_penalty", &texts.late_penalty),
            ("recovery_fee", &texts.recovery_fee),
            ("early_payment", &texts.early_payment),
        ];
        for (key, value) in mentions {
            if value.trim().is_empty() {
                check.refuse(
                    &format!("issuer.texts_{language}.{key}"),
                    "must not be empty: the law asks for it",
                );
            }
        }
    }
    let country = check.take("issuer.country", Country::from_str(&issuer.country))?;
    if !country.is_member_state() {
        check.refuse(
            "issuer.country",
            format!("{country} is not an EU member state"),
        );
        return None;
    }
    let residence = Residence {
        country,
        postal_code: &issuer.postal_code,
        vat_number: &issuer.vat_number,
    };
    if !has_valid_vat_number(residence) {
        check.refuse(
            "issuer.vat_number",
            format!(
                "{:?} is not a valid VAT number of {country}",
                issuer.vat_number
            ),
        );
    }
    if country == Country::FRANCE {
        let digits = |text: &str, length: usize| {
            text.len() == length && text.bytes().all(|byte| byte.is_ascii_digit())
        };
        if !digits(&issuer.siren, 9) {
            check.refuse(
                "issuer.siren",
                format!("{:?} is not 9 digits", issuer.siren),
            );
        }
        if !issuer.vat_number.ends_with(&issuer.siren) {
            check.refuse(
                "issuer.siren",
                format!(
                    "{:?} is not the SIREN in the VAT number {}",
                    issuer.siren, issuer.vat_number
                ),
            );
        }
        if !digits(&issuer.siret, 14) || !issuer.siret.starts_with(&issuer.siren) {
            check.refuse(
                "issuer.siret",
                format!("{:?} is not the SIREN and 5 digits", issuer.siret),
            );
        }
    }
    Some(country)
}

fn check_outside_eu(check: &mut Check, code: &str) -> Option<VatCategory> {
    match VatCategory::from_code(code) {
        Some(category @ (VatCategory::OutOfScope | VatCategory::Export)) => Some(category),
        _ => {
            check.refuse(
                "vat.outside_eu",
                format!("{code:?} is neither O (outside scope) nor G (export)"),
            );
            None
        }
    }
}

fn check_rates(check: &mut Check, rates: &[RawRate]) -> RateTable {
    let built_in = RateTable::with_overrides([]);
    let mut known: Vec<VatRate> = Vec::new();
    for (at, raw) in rates.iter().enumerate() {
        let key = format!("vat.rates[{at}]");
        if !built_in.knows(&raw.region) {
            let reason = format!(
                "{:?} is no region with a VAT rate, such as FR or PT-20",
                raw.region
            );
            check.refuse(&format!("{key}.region"), reason);
        }
        let rate = check.decimal(&format!("{key}.rate"), &raw.rate, 0, 50);
        let valid_from = check.take(
            &format!("{key}.valid_from"),
            NaiveDate::from_str(&raw.valid_from)
                .map_err(|_| format!("{:?} is not a date like 2027-01-01", raw.valid_from)),
        );
        let twice = known
            .iter()
            .any(|rate| rate.region == raw.region && Some(rate.valid_from) == valid_from);
        if twice {
            let reason = format!("{} has a rate from {} already", raw.region, raw.valid_from);
            check.refuse(&key, reason);
        }
        if let (Some(rate), Some(valid_from)) = (rate, valid_from) {
            known.push(VatRate {
                region: raw.region.clone(),
                rate,
                valid_from,
            });
        }
    }
    RateTable::with_overrides(known)
}

fn check_bounds(check: &mut Check, raw: &RawBounds) -> Option<SanityBounds> {
    let default = check.bounds("bounds", raw.factor, &raw.over, &raw.limit);
    let mut by_currency = Vec::new();
    for (code, own) in &raw.by_currency {
        let key = format!("bounds.by_currency.{code}");
        let currency = check.take(&key, Currency::from_str(code));
        let bounds = check.bounds(&key, own.factor, &own.over, &own.limit);
        if let (Some(currency), Some(bounds)) = (currency, bounds) {
            by_currency.push((currency, bounds));
        }
    }
    Some(SanityBounds {
        default: default?,
        by_currency,
    })
}
