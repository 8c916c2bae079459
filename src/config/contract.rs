//! `[[contracts]]`: what customers accept.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use serde::Deserialize;

use super::provider::web_address;
use super::raw::Check;
use crate::domain::calendar::Instant;
use crate::domain::contract::{Contract, ContractDocument, Contracts, Requirement, Texts};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawContract {
    id: String,
    contract: String,
    version: String,
    required_for: Vec<String>,
    published_at: String,
    enroll_at: Option<String>,
    depends_on: Option<String>,
    name: RawTexts,
    short: RawTexts,
    documents: Vec<RawDocument>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawDocument {
    name: RawTexts,
    short: RawTexts,
    web: RawTexts,
    pdf: RawTexts,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawTexts {
    en: String,
    fr: String,
}

impl RawTexts {
    fn check(&self, check: &mut Check, key: &str, is_link: bool) -> Texts {
        for (language, text) in [("en", &self.en), ("fr", &self.fr)] {
            let key = format!("{key}.{language}");
            if is_link {
                web_address(check, &key, text);
            } else if text.trim().is_empty() {
                check.refuse(&key, "must not be empty");
            }
        }
        Texts {
            en: self.en.clone(),
            fr: self.fr.clone(),
        }
    }
}

/// Every version that the settings name.
pub fn check_contracts(check: &mut Check, all: &[RawContract]) -> Contracts {
    let mut ids = BTreeSet::new();
    let mut versions = BTreeSet::new();
    let mut times = BTreeSet::new();
    let mut right = Vec::new();
    for (at, raw) in all.iter().enumerate() {
        let key = format!("contracts[{at}]");
        for (field, text) in [
            ("id", &raw.id),
            ("contract", &raw.contract),
            ("version", &raw.version),
        ] {
            let is_word = |char: char| char.is_ascii_alphanumeric() || "-_.".contains(char);
            if text.is_empty() || !text.chars().all(is_word) {
                let reason =
                    format!("{text:?} is not of letters, digits, hyphens, underscores and dots");
                check.refuse(&format!("{key}.{field}"), reason);
            }
        }
        if !ids.insert(&raw.id) {
            check.refuse(&format!("{key}.id"), format!("{:?} is another's", raw.id));
        }
        if !versions.insert((&raw.contract, &raw.version)) {
            let reason = format!("{:?} has a version {:?} already", raw.contract, raw.version);
            check.refuse(&format!("{key}.version"), reason);
        }
        let published_at = instant(check, &format!("{key}.published_at"), &raw.published_at);
        if let Some(published_at) = published_at
            && !times.insert((&raw.contract, published_at))
        {
            let reason = "another version of it is published at the same time";
            check.refuse(&format!("{key}.published_at"), reason);
        }
        let enroll_at = match &raw.enroll_at {
            Some(text) => instant(check, &format!("{key}.enroll_at"), text),
            None => None,
        };
        if let (Some(enroll_at), Some(published_at)) = (enroll_at, published_at)
            && enroll_at < published_at
        {
            check.refuse(&format!("{key}.enroll_at"), "is before it is published");
        }
        let mut required_for = Vec::new();
        for (nth, code) in raw.required_for.iter().enumerate() {
            match Requirement::from_code(code) {
                Some(requirement) => required_for.push(requirement),
                None => check.refuse(
                    &format!("{key}.required_for[{nth}]"),
                    format!("{code:?} is neither platform nor hds"),
                ),
            }
        }
        if let Some(depends_on) = &raw.depends_on {
            let key = format!("{key}.depends_on");
            if !all.iter().any(|other| other.contract == *depends_on) {
                check.refuse(&key, format!("there is no contract {depends_on:?}"));
            } else if leads_back(all, depends_on, &raw.contract) {
                let reason = format!("{depends_on:?} depends on {:?} itself", raw.contract);
                check.refuse(&key, reason);
            }
        }
        let mut documents = Vec::new();
        for (nth, document) in raw.documents.iter().enumerate() {
            let key = format!("{key}.documents[{nth}]");
            documents.push(ContractDocument {
                name: document.name.check(check, &format!("{key}.name"), false),
                short: document.short.check(check, &format!("{key}.short"), false),
                web: document.web.check(check, &format!("{key}.web"), true),
                pdf: document.pdf.check(check, &format!("{key}.pdf"), true),
            });
        }
        if documents.is_empty() {
            check.refuse(&format!("{key}.documents"), "there is nothing to accept");
        }
        let name = raw.name.check(check, &format!("{key}.name"), false);
        let short = raw.short.check(check, &format!("{key}.short"), false);
        if let Some(published_at) = published_at {
            right.push(Contract {
                id: raw.id.clone(),
                contract: raw.contract.clone(),
                version: raw.version.clone(),
                required_for,
                published_at,
                enroll_at,
                depends_on: raw.depends_on.clone(),
                name,
                short,
                documents,
            });
        }
    }
    Contracts::new(right)
}

/// Whether a contract depends on another, in however many steps: then nobody could
/// accept either.
fn leads_back(all: &[RawContract], from: &str, to: &str) -> bool {
    let mut seen = BTreeSet::new();
    let mut next = vec![from];
    while let Some(contract) = next.pop() {
        if contract == to {
            return true;
        }
        if seen.insert(contract) {
            let versions = all.iter().filter(|version| version.contract == contract);
            next.extend(versions.filter_map(|version| version.depends_on.as_deref()));
        }
    }
    false
}

fn instant(check: &mut Check, key: &str, text: &str) -> Option<Instant> {
    let time: Result<DateTime<Utc>, _> = text.parse();
    let time = time.map_err(|_| format!("{text:?} is not a time like 2027-01-01T00:00:00Z"));
    check.take(key, time).map(Instant::from)
}
