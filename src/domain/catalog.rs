//! What is sold: kinds, plans and their prices. A price is an immutable version
//! that is valid until the next one of its plan and currency starts.

use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::str::FromStr;

use rust_decimal::{Decimal, RoundingStrategy};

use super::calendar::Instant;
use super::ids::{PriceId, SkuId};
use super::money::Currency;

/// Minutes in the 30 days that list prices are quoted for.
pub const LIST_PRICE_MINUTES: i64 = 43_200;

/// Decimals of a unit price per minute.
pub const UNIT_PRICE_DECIMALS: u32 = 10;

/// The two kinds of things billed (`domain.md` section 1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ResourceKind {
    Container,
    Addon,
}

impl ResourceKind {
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Container => "container",
            Self::Addon => "addon",
        }
    }
}

impl fmt::Display for ResourceKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// The text is neither `container` nor `addon`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a kind (container, addon)")]
pub struct UnknownKind(pub String);

impl FromStr for ResourceKind {
    type Err = UnknownKind;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "container" => Ok(Self::Container),
            "addon" => Ok(Self::Addon),
            _ => Err(UnknownKind(text.to_owned())),
        }
    }
}

/// A kind, type and plan: what one invoice line is about, besides its app.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Sku {
    pub kind: ResourceKind,
    /// Such as `web` or `postgresql`.
    pub resource_type: String,
    /// A container's size or an addon's plan.
    pub plan: String,
}

/// One immutable version of a plan's list price.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Price {
    pub id: PriceId,
    pub kind: ResourceKind,
    pub plan: String,
    /// What the plan is called on documents.
    pub name: String,
    /// Per 30 days, excluding VAT, in major units of `currency`.
    pub per_30_days: Decimal,
    /// [`unit_price`] of `per_30_days`.
    pub per_minute: Decimal,
    pub currency: Currency,
    pub valid_from: Instant,
}

/// The price of one minute: the list price over 43,200 minutes, kept at 10
/// decimals, half up (`domain.md` section 1: 7.20 -> 0.0001666667).
#[must_use]
pub fn unit_price(per_30_days: Decimal) -> Decimal {
    per_30_days
        .checked_div(Decimal::from(LIST_PRICE_MINUTES))
        .unwrap_or_default()
        .round_dp_with_strategy(UNIT_PRICE_DECIMALS, RoundingStrategy::MidpointAwayFromZero)
}

/// Every price there is.
#[derive(Debug, Clone, Default)]
pub struct Catalog {
    /// Versions of each plan, oldest first.
    versions: HashMap<(ResourceKind, Currency), HashMap<String, Vec<Price>>>,
    /// Every instant at which some price starts, sorted.
    changes: Vec<Instant>,
}

impl Catalog {
    #[must_use]
    pub fn new(prices: impl IntoIterator<Item = Price>) -> Self {
        let mut versions: HashMap<_, HashMap<String, Vec<Price>>> = HashMap::new();
        let mut changes = BTreeSet::new();
        for price in prices {
            changes.insert(price.valid_from);
            versions
                .entry((price.kind, price.currency))
                .or_default()
                .entry(price.plan.clone())
                .or_default()
                .push(price);
        }
        for prices in versions.values_mut().flat_map(HashMap::values_mut) {
            prices.sort_by_key(|price| price.valid_from);
        }
        Self {
            versions,
            changes: changes.into_iter().collect(),
        }
    }

    /// The price of a plan at an instant.
    #[must_use]
    pub fn price_at(
        &self,
        kind: ResourceKind,
        plan: &str,
        currency: Currency,
        at: Instant,
    ) -> Option<&Price> {
        self.versions
            .get(&(kind, currency))?
            .get(plan)?
            .iter()
            .rev()
            .find(|price| price.valid_from <= at)
    }

    /// The price of every plan of a kind at an instant, the cheapest first.
    #[must_use]
    pub fn on_sale(&self, kind: ResourceKind, currency: Currency, at: Instant) -> Vec<&Price> {
        let plans = self.versions.get(&(kind, currency));
        let mut prices: Vec<&Price> = plans
            .into_iter()
            .flat_map(HashMap::keys)
            .filter_map(|plan| self.price_at(kind, plan, currency, at))
            .collect();
        prices.sort_by(|a, b| (a.per_30_days, &a.plan).cmp(&(b.per_30_days, &b.plan)));
        prices
    }

    /// Cuts `[from, until)` where any price changes, so that within each window
    /// every plan has one price.
    #[must_use]
    pub fn windows(&self, from: Instant, until: Instant) -> Vec<(Instant, Instant)> {
        let inner = self.changes.iter().copied();
        let mut cuts = vec![from];
        cuts.extend(inner.filter(|at| from < *at && *at < until));
        cuts.push(until);
        cuts.windows(2).map(|pair| (pair[0], pair[1])).collect()
    }

    /// Whether a plan is sold in any currency, now or ever.
    #[must_use]
    pub fn knows(&self, kind: ResourceKind, plan: &str) -> bool {
        Currency::ALL
            .into_iter()
            .any(|currency| self.sells(kind, plan, currency))
    }

    /// Whether a plan is sold in a currency at all, now or ever.
    #[must_use]
    pub fn sells(&self, kind: ResourceKind, plan: &str, currency: Currency) -> bool {
        self.versions
            .get(&(kind, currency))
            .is_some_and(|plans| plans.contains_key(plan))
    }
}

/// What the run rates with: every price, and what each SKU stands for.
#[derive(Debug, Clone, Default)]
pub struct PriceBook {
    pub catalog: Catalog,
    pub skus: HashMap<SkuId, Sku>,
    /// Every price by its key: what a stored line refers to.
    pub prices: HashMap<PriceId, Price>,
}

impl PriceBook {
    #[must_use]
    pub fn new(prices: Vec<Price>, skus: HashMap<SkuId, Sku>) -> Self {
        Self {
            prices: prices
                .iter()
                .map(|price| (price.id, price.clone()))
                .collect(),
            catalog: Catalog::new(prices),
            skus,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unit_prices_are_kept_at_ten_decimals() {
        let table = [
            ("7.20", "0.0001666667"),
            ("14.40", "0.0003333333"),
            ("28.80", "0.0006666667"),
            ("57.60", "0.0013333333"),
            ("115.20", "0.0026666667"),
            ("230.40", "0.0053333333"),
            ("20", "0.0004629630"),
            ("320", "0.0074074074"),
            ("0", "0"),
        ];
        for (list, unit) in table {
            let list: Decimal = list.parse().unwrap();
            assert_eq!(unit_price(list), unit.parse().unwrap(), "{list}");
        }
    }

    fn price(id: i64, plan: &str, valid_from: i64) -> Price {
        Price {
            id: PriceId(id),
            kind: ResourceKind::Container,
            plan: plan.to_owned(),
            name: plan.to_owned(),
            per_30_days: Decimal::from(id),
            per_minute: unit_price(Decimal::from(id)),
            currency: Currency::Eur,
            valid_from: Instant(valid_from),
        }
    }

    #[test]
    fn a_price_holds_until_its_next_version() {
        let catalog = Catalog::new([price(2, "S", 200), price(1, "S", 100), price(3, "M", 150)]);
        let at = |at| {
            catalog
                .price_at(ResourceKind::Container, "S", Currency::Eur, Instant(at))
                .map(|price| price.id.0)
        };
        assert_eq!(
            (at(99), at(100), at(199), at(200)),
            (None, Some(1), Some(1), Some(2))
        );
        let cuts: Vec<(i64, i64)> = catalog
            .windows(Instant(100), Instant(300))
            .into_iter()
            .map(|(from, until)| (from.0, until.0))
            .collect();
        assert_eq!(cuts, [(100, 150), (150, 200), (200, 300)]);
    }
}
