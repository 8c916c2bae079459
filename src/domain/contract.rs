//! The agreements that customers accept: the platform's, each in versions that replace
//! each other.

use std::fmt;

use super::calendar::Instant;

/// A text in both languages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Texts {
    pub en: String,
    pub fr: String,
}

/// What a contract has to be accepted for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Requirement {
    /// To have an account at all.
    Platform,
    /// To host French health data ("hébergement de données de santé").
    Hds,
}

impl Requirement {
    pub const ALL: [Self; 2] = [Self::Platform, Self::Hds];

    /// The code that clients and settings know.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Platform => "platform",
            Self::Hds => "hds",
        }
    }

    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.code() == code)
    }
}

/// A part of a contract, to be read in a browser or on paper.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContractDocument {
    pub name: Texts,
    pub short: Texts,
    pub web: Texts,
    pub pdf: Texts,
}

/// A version of a contract.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contract {
    /// Of this version: what clients and the database know it by. It never changes.
    pub id: String,
    /// What its versions share.
    pub contract: String,
    pub version: String,
    pub required_for: Vec<Requirement>,
    pub published_at: Instant,
    /// From when on it has to be accepted.
    pub enroll_at: Option<Instant>,
    /// The contract that is accepted before it.
    pub depends_on: Option<String>,
    pub name: Texts,
    pub short: Texts,
    pub documents: Vec<ContractDocument>,
}

/// Every version of every contract.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Contracts(Vec<Contract>);

/// Why a contract is not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unacceptable {
    /// There is none of this id, or it is not published yet.
    Unknown,
    /// A newer version replaced it.
    Superseded,
    /// Another one is accepted before.
    Dependent,
}

impl fmt::Display for Unacceptable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unknown => "there is no such contract",
            Self::Superseded => "a newer version replaced the contract",
            Self::Dependent => "the contract that it depends on is to be accepted before",
        })
    }
}

impl Contracts {
    /// In the order of the settings, and the versions of one by when they are
    /// published.
    #[must_use]
    pub fn new(mut all: Vec<Contract>) -> Self {
        all.sort_by_key(|version| version.published_at);
        Self(all)
    }

    /// What is published by now, the older versions first.
    pub fn published(&self, now: Instant) -> impl Iterator<Item = &Contract> {
        self.0
            .iter()
            .filter(move |version| version.published_at <= now)
    }

    /// The version of a contract that stands now.
    #[must_use]
    pub fn latest(&self, contract: &str, now: Instant) -> Option<&Contract> {
        self.published(now)
            .filter(|version| version.contract == contract)
            .last()
    }

    /// Whether no newer version replaced one.
    #[must_use]
    pub fn is_latest(&self, version: &Contract, now: Instant) -> bool {
        self.latest(&version.contract, now)
            .is_some_and(|latest| latest.id == version.id)
    }

    /// The version that replaced one.
    #[must_use]
    pub fn next(&self, version: &Contract, now: Instant) -> Option<&Contract> {
        self.published(now)
            .filter(|other| other.contract == version.contract)
            .find(|other| other.published_at > version.published_at)
    }

    /// A version that is published.
    #[must_use]
    pub fn find(&self, id: &str, now: Instant) -> Option<&Contract> {
        self.published(now).find(|version| version.id == id)
    }

    /// The version that an account accepts which has accepted others.
    ///
    /// # Errors
    /// Why it does not.
    pub fn acceptable(
        &self,
        id: &str,
        has_accepted: impl Fn(&str) -> bool,
        now: Instant,
    ) -> Result<&Contract, Unacceptable> {
        let version = self.find(id, now).ok_or(Unacceptable::Unknown)?;
        if !self.is_latest(version, now) {
            return Err(Unacceptable::Superseded);
        }
        let before = version.depends_on.as_deref();
        let before = before.and_then(|contract| self.latest(contract, now));
        if before.is_some_and(|before| !has_accepted(&before.id)) {
            return Err(Unacceptable::Dependent);
        }
        Ok(version)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(id: &str, published_at: i64, depends_on: Option<&str>) -> Contract {
        let texts = || Texts {
            en: id.to_owned(),
            fr: id.to_owned(),
        };
        let (contract, number) = id.split_once('-').unwrap();
        Contract {
            id: id.to_owned(),
            contract: contract.to_owned(),
            version: number.to_owned(),
            required_for: vec![Requirement::Platform],
            published_at: Instant(published_at),
            enroll_at: None,
            depends_on: depends_on.map(str::to_owned),
            name: texts(),
            short: texts(),
            documents: Vec::new(),
        }
    }

    #[test]
    fn a_version_stands_until_the_next_is_published() {
        let all = Contracts::new(vec![
            version("tos-2", 20, None),
            version("tos-1", 10, None),
            version("hds-1", 15, Some("tos")),
        ]);
        let latest = |now| {
            all.latest("tos", Instant(now))
                .map(|found| found.id.as_str())
        };
        assert_eq!(
            [9, 10, 19, 20].map(latest),
            [None, Some("tos-1"), Some("tos-1"), Some("tos-2")]
        );
        let first = all.find("tos-1", Instant(20)).unwrap();
        assert_eq!(all.next(first, Instant(19)), None);
        assert_eq!(all.next(first, Instant(20)).unwrap().id, "tos-2");
        let accept = |id, accepted: &[&str], now| {
            let found = all.acceptable(id, |id| accepted.contains(&id), Instant(now));
            found.map(|found| found.id.as_str())
        };
        for (id, accepted, now, expected) in [
            ("tos-1", &[][..], 10, Ok("tos-1")),
            ("tos-1", &[], 9, Err(Unacceptable::Unknown)),
            ("tos-1", &[], 20, Err(Unacceptable::Superseded)),
            ("tos-2", &[], 19, Err(Unacceptable::Unknown)),
            ("tos-3", &[], 20, Err(Unacceptable::Unknown)),
            ("hds-1", &[], 15, Err(Unacceptable::Dependent)),
            ("hds-1", &["tos-1"], 15, Ok("hds-1")),
            // What it depends on has a newer version.
            ("hds-1", &["tos-1"], 20, Err(Unacceptable::Dependent)),
            ("hds-1", &["tos-2"], 20, Ok("hds-1")),
        ] {
            assert_eq!(accept(id, accepted, now), expected, "{id} {now}");
        }
    }
}
