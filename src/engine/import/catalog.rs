//! Prices. A price is never changed: a new one is valid from its own date on,
//! and never from a month that is billed, if it would change a price there.

use std::collections::HashMap;

use rust_decimal::Decimal;

use super::checks::Checks;
use super::table::Table;
use super::{Chunk, Import, ImportError, ImportReport, Problem};
use crate::domain::calendar::{BillingPeriod, Instant};
use crate::domain::catalog::{Catalog, Price, ResourceKind, unit_price};
use crate::domain::ids::PriceId;
use crate::domain::money::Currency;
use crate::engine::run::Engine;
use crate::on;

const COLUMNS: [&str; 6] = [
    "kind",
    "plan",
    "name",
    "price_per_30_days",
    "currency",
    "valid_from",
];
/// A list price has at most this many decimals, and is below this.
const PRICE_DECIMALS_MAX: u32 = 6;
const PRICE_MAX: i64 = 100_000_000;

type Key = (ResourceKind, String, Currency, Instant);

impl Engine {
    /// Imports a CSV file of prices.
    ///
    /// # Errors
    /// When the file cannot be read or the database refuses; bad rows are no
    /// error but reported.
    pub async fn import_catalog(
        &self,
        mut import: Import<'_>,
    ) -> Result<ImportReport, ImportError> {
        let mut table = Table::open(import.path, &COLUMNS, COLUMNS.len())?;
        let mut tx = self.store.begin().await?;
        on!(&mut tx, conn, q => q::raise_generation(conn).await)?;
        let stored = on!(&mut tx, conn, q => q::list_prices(conn).await)?;
        let runs = on!(&mut tx, conn, q => q::list_runs(conn).await)?;
        let mut parser = Parser {
            zone: self.config.zone(),
            billed: runs
                .into_iter()
                .map(|run| run.period)
                .max_by_key(|period| period.end),
            stored: Catalog::new(stored.iter().cloned()),
            known: HashMap::new(),
        };
        stored.into_iter().for_each(|price| parser.remember(&price));
        let mut next_id = on!(&mut tx, conn, q => q::next_id(conn, q::KeyedTable::Price).await)?;
        let mut chunk = Chunk::default();
        while let Some(row) = table
            .next()
            .map_err(|error| ImportError::read(import.path, error))?
        {
            chunk.read += 1;
            let checked = row.and_then(|()| {
                parser
                    .check(&table, PriceId(next_id))
                    .map_err(|problems| table.lines.bad(problems))
            });
            match checked {
                Err(bad) => chunk.bad.push(bad),
                Ok(None) => chunk.repeated += 1,
                Ok(Some(price)) => {
                    next_id += 1;
                    parser.remember(&price);
                    chunk.rows.push(price);
                }
            }
        }
        let mut report = ImportReport {
            rows: chunk.read,
            unchanged: chunk.repeated,
            added: u64::try_from(chunk.rows.len()).unwrap_or(u64::MAX),
            ..ImportReport::default()
        };
        on!(&mut tx, conn, q => q::insert_prices(conn, &chunk.rows).await)?;
        import.progress.read(table.lines.bytes_read, chunk.read);
        import.take_bad(&mut report, chunk.bad)?;
        import.end(tx, &mut report).await?;
        Ok(report)
    }
}

/// What rows are checked against.
struct Parser {
    zone: chrono_tz::Tz,
    /// The last month that was run.
    billed: Option<BillingPeriod>,
    /// The prices before this file.
    stored: Catalog,
    known: HashMap<Key, (Decimal, String)>,
}

impl Parser {
    fn remember(&mut self, price: &Price) {
        let key = (
            price.kind,
            price.plan.clone(),
            price.currency,
            price.valid_from,
        );
        self.known
            .insert(key, (price.per_30_days, price.name.clone()));
    }

    /// The new price a row makes; `None` when it is known.
    fn check(&self, table: &Table, id: PriceId) -> Result<Option<Price>, Vec<Problem>> {
        let mut checks = Checks::default();
        let kind: Option<ResourceKind> = checks.parse("kind", table.field(0));
        let plan = checks.text("plan", table.field(1), 100);
        let name = checks.text("name", table.field(2), 200);
        let per_30_days = check_price(&mut checks, table.field(3));
        let currency: Option<Currency> = checks.parse("currency", table.field(4));
        let valid_from = checks.date_or_time("valid_from", table.field(5), self.zone);
        let (
            Some(kind),
            Some(plan),
            Some(name),
            Some(per_30_days),
            Some(currency),
            Some(valid_from),
        ) = (kind, plan, name, per_30_days, currency, valid_from)
        else {
            return Err(checks.problems);
        };
        match self
            .known
            .get(&(kind, plan.to_owned(), currency, valid_from))
        {
            Some((price, known_name)) if *price == per_30_days && known_name == name => {
                return Ok(None);
            }
            Some((price, known_name)) => {
                let reason = format!(
                    "{kind} plan {plan:?} costs {price} {currency} ({known_name}) from then on already; a \
                     price never changes: give the new one its own valid_from"
                );
                return Err(vec![Problem::new(
                    "price_per_30_days",
                    table.field(3),
                    reason,
                )]);
            }
            None => {}
        }
        // Where there was no price yet nobody was billed: it may be filled in.
        let changes = self.stored.price_at(kind, plan, currency, valid_from);
        if let (Some(price), Some(billed)) = (changes, &self.billed)
            && valid_from < billed.end
        {
            let (price, key, end) = (price.per_30_days, billed.key, billed.end);
            let reason = format!(
                "{key} is billed, with {kind} plan {plan:?} at {price} {currency}: a new price starts at {end} \
                 or later"
            );
            return Err(vec![Problem::new("valid_from", table.field(5), reason)]);
        }
        Ok(Some(Price {
            id,
            kind,
            plan: plan.to_owned(),
            name: name.to_owned(),
            per_30_days,
            per_minute: unit_price(per_30_days),
            currency,
            valid_from,
        }))
    }
}

fn check_price(checks: &mut Checks, text: &str) -> Option<Decimal> {
    let parsed = text.parse::<Decimal>().ok().map(|price| price.normalize());
    let right = parsed.filter(|price| {
        price.scale() <= PRICE_DECIMALS_MAX
            && (Decimal::ZERO..Decimal::from(PRICE_MAX)).contains(price)
    });
    if right.is_none() {
        let reason = format!(
            "is not a price from 0 to {PRICE_MAX} with at most {PRICE_DECIMALS_MAX} decimals, such as 14.40"
        );
        checks.refuse("price_per_30_days", text, reason);
    }
    right
}
