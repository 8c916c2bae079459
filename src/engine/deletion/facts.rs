//! What keeps an account from leaving, read at one moment.

use std::collections::HashMap;

use super::DeletionError;
use crate::domain::calendar::{BillingPeriod, PeriodKey};
use crate::domain::deletion::{CreditLeft, LeavingFacts};
use crate::domain::ids::AccountId;
use crate::domain::money::{Currency, Money};
use crate::engine::run::Engine;
use crate::engine::schedule::months_to_bill;
use crate::on;
use crate::store::rows::RunState;
use crate::store::{StoreError, Tx};

impl Engine {
    /// The month that a final invoice made now is of.
    pub(super) fn month_now(&self) -> Result<BillingPeriod, DeletionError> {
        let zone = self.config.zone();
        let key = PeriodKey::of(self.clock.today(zone)).map_err(|_| DeletionError::Date)?;
        BillingPeriod::new(key, zone).map_err(|_| DeletionError::Date)
    }

    /// The facts that decide whether an account may leave.
    pub(super) async fn leaving_facts(
        &self,
        tx: &mut Tx,
        account: AccountId,
        gives_up_credit: bool,
    ) -> Result<LeavingFacts, DeletionError> {
        let now = self.clock.now();
        let month = self.month_now()?;
        let outcomes = on!(&mut *tx, conn, q => q::outcomes_of_account(conn, account).await)?;
        let outcomes: HashMap<PeriodKey, Option<String>> = outcomes.into_iter().collect();
        let apps = on!(&mut *tx, conn, q => q::running_apps(conn, account, now).await)?;
        let currency = on!(&mut *tx, conn, q => q::account_currency(conn, account).await)?;
        let balance = on!(&mut *tx, conn, q => {
            q::credit_balance(conn, account, currency).await
        })?;
        let balance = Money::new(balance, currency);
        let own_minor = on!(&mut *tx, conn, q => q::own_credit(conn, account).await)?;
        let late = on!(&mut *tx, conn, q => q::count_late_of(conn, account).await)?;
        let unbilled = self.unbilled_months(tx, account, &outcomes).await?;
        let parked = outcomes
            .iter()
            .filter_map(|(period, reason)| Some((*period, reason.clone()?)));
        let mut parked: Vec<(PeriodKey, String)> = parked.collect();
        parked.sort_unstable();
        let mut facts = LeavingFacts {
            running: by_app(apps),
            unbilled,
            parked,
            owed: on!(&mut *tx, conn, q => q::owed_by(conn, account).await)?,
            payments: on!(&mut *tx, conn, q => q::payments_out_of(conn, account).await)?,
            disputes: Vec::new(),
            purchases: Vec::new(),
            refunds: Vec::new(),
            balance,
            credit: CreditLeft::split(balance, own_minor),
            gives_up_credit,
            has_open_usage: on!(&mut *tx, conn, q => {
                q::has_usage_in(conn, account, &month).await
            })?,
            late_pieces: u64::try_from(late).unwrap_or(0),
            is_final_invoiced: outcomes.contains_key(&month.key),
        };
        for (kind, minor, code) in on!(&mut *tx, conn, q => q::sums_out(conn, account).await)? {
            let currency: Currency = code.parse().map_err(|_| StoreError::Inconsistent {
                table: "account",
                column: "currency",
                row: account.to_string(),
                value: code.clone(),
            })?;
            let sums = match kind.as_str() {
                "dispute" => &mut facts.disputes,
                "purchase" => &mut facts.purchases,
                _ => &mut facts.refunds,
            };
            sums.push(Money::new(minor, currency));
        }
        Ok(facts)
    }

    /// The months that ended, in which the account used something, and of which
    /// nobody knows yet what it owes.
    pub(super) async fn unbilled_months(
        &self,
        tx: &mut Tx,
        account: AccountId,
        outcomes: &HashMap<PeriodKey, Option<String>>,
    ) -> Result<Vec<PeriodKey>, DeletionError> {
        let zone = self.config.zone();
        let runs = on!(&mut *tx, conn, q => q::list_runs(conn).await)?;
        let last_ended = self.month_now()?.key.previous();
        let mut months: Vec<BillingPeriod> = runs
            .iter()
            .filter(|run| run.state != RunState::Closed)
            .map(|run| run.period)
            .collect();
        for key in months_to_bill(&runs, last_ended) {
            if months.iter().all(|month| month.key != key) {
                months.push(BillingPeriod::new(key, zone).map_err(|_| DeletionError::Date)?);
            }
        }
        months.sort_unstable_by_key(|month| month.key);
        let mut unbilled = Vec::new();
        for month in months {
            if outcomes.contains_key(&month.key) {
                continue;
            }
            if on!(&mut *tx, conn, q => q::has_usage_in(conn, account, &month).await)? {
                unbilled.push(month.key);
            }
        }
        Ok(unbilled)
    }
}

/// What runs, once for each app.
fn by_app(apps: Vec<(String, String)>) -> Vec<(String, String)> {
    let mut grouped: Vec<(String, String)> = Vec::new();
    for (app, what) in apps {
        match grouped.last_mut() {
            Some((last, known)) if *last == app => {
                known.push_str(", ");
                known.push_str(&what);
            }
            _ => grouped.push((app, what)),
        }
    }
    grouped
}
