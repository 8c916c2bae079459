//! The auditor: it knows what anyone can see, reckons by itself what is owed, and says
//! after each day what should not have happened. It asks nothing that decides.
//!
//! - [`facts`]: what it reads
//! - [`money`]: what was taken, and what is owed then
//! - [`steps`]: what was told to customers and to the platform, and whether it might be

pub mod facts;
mod money;
mod steps;

use std::collections::{BTreeMap, HashSet};

use chrono::NaiveDate;
use quittance::engine::verify::verify;
use quittance::store::Store;

use crate::fakes::stripe::StripeFake;
use facts::Facts;
use money::Invoice;
use steps::Account;

/// The terms of the house, as they are published.
#[derive(Debug, Clone)]
pub struct Terms {
    /// Days after the due date on which a card is asked.
    pub attempt_days: Vec<i64>,
    pub suspension_day: i64,
    pub suspension_warnings: Vec<i64>,
    pub deletion_day: i64,
    pub deletion_warnings: Vec<i64>,
    /// Above this much owed a person approves the deletion, in minor units.
    pub approval_above_minor: i64,
}

/// What should not have happened, and where.
pub struct Violation {
    pub rule: &'static str,
    pub what: String,
    /// A word that the lines about it hold.
    pub about: String,
}

type Found = Result<(), Violation>;

fn violation(
    rule: &'static str,
    about: impl std::fmt::Display,
    what: impl std::fmt::Display,
) -> Violation {
    Violation {
        rule,
        about: about.to_string(),
        what: what.to_string(),
    }
}

/// The day that is audited.
pub struct Day {
    pub on: NaiveDate,
    /// When it begins for the house, in microseconds.
    pub from_us: i64,
    /// Invoices of whose payments Stripe had something to tell that it had not got
    /// told, when the day began or when it ended: the house cannot know it.
    pub untold: HashSet<String>,
}

pub struct Auditor {
    pub facts: Facts,
    terms: Terms,
    /// By account and period.
    invoices: BTreeMap<(i64, i32), Invoice>,
    by_number: BTreeMap<String, (i64, i32)>,
    accounts: BTreeMap<i64, Account>,
    last_number: BTreeMap<i32, i64>,
    last_issued_on: Option<NaiveDate>,
    movements_read: usize,
    intents_read: usize,
    stripe_balance_minor: i64,
}

impl Auditor {
    pub fn new(facts: Facts, terms: Terms) -> Self {
        Self {
            facts,
            terms,
            invoices: BTreeMap::new(),
            by_number: BTreeMap::new(),
            accounts: BTreeMap::new(),
            last_number: BTreeMap::new(),
            last_issued_on: None,
            movements_read: 0,
            intents_read: 0,
            stripe_balance_minor: 0,
        }
    }

    /// A customer entered a card.
    pub fn card_entered(&mut self, account: i64) {
        self.accounts.entry(account).or_default().cards += 1;
    }

    /// Whether the account's data is being deleted.
    pub fn is_leaving(&self, account: i64) -> bool {
        self.accounts
            .get(&account)
            .is_some_and(|account| account.is_leaving)
    }

    pub fn is_suspended(&self, account: i64) -> bool {
        self.accounts
            .get(&account)
            .is_some_and(|account| account.suspended.is_some())
    }

    /// What an account owes, the oldest first: the number, and the amount.
    pub fn owed(&self, account: i64) -> Vec<(String, i64)> {
        let own = self.invoices.range((account, 0)..(account + 1, 0));
        own.filter(|(_, invoice)| invoice.open() > 0)
            .map(|(_, invoice)| (invoice.number.clone(), invoice.open()))
            .collect()
    }

    /// What happened on a day, held against what may happen.
    pub async fn audit(&mut self, day: &Day, stripe: &StripeFake) -> Found {
        for invoice in self.invoices.values_mut() {
            invoice.open_before = invoice.open();
        }
        self.read_invoices(day).await?;
        self.read_money(day, stripe).await?;
        self.check_money()?;
        self.check_intents(day, stripe)?;
        let in_flight = self.facts.in_flight().await.unwrap();
        self.check_told(day, stripe).await?;
        self.check_restored(day, &in_flight)?;
        let (sum, _) = self.facts.ledger("").await.unwrap();
        if sum != 0 {
            return Err(violation("the ledger is zero", "", sum));
        }
        Ok(())
    }

    /// The books recomputed by the house itself.
    pub async fn verify(&mut self, store: &Store) -> Found {
        let findings = verify(store).await.unwrap();
        match findings.broken.first() {
            None => Ok(()),
            Some(first) => Err(violation("verify finds nothing", "", first)),
        }
    }

    /// Everything was told and nothing is in trouble any more: the books and the world
    /// agree to the cent.
    pub async fn close(&mut self, stripe: &StripeFake) -> Found {
        // A card of the last day whose bank takes its time.
        let processing = stripe.intents_that_are("processing", |_| true);
        let processing: HashSet<(i64, i32)> = processing
            .iter()
            .map(|intent| self.by_number[intent["description"].as_str().unwrap()])
            .collect();
        let in_flight = self.facts.in_flight().await.unwrap();
        if let Some((account, period)) = in_flight.difference(&processing).min() {
            return Err(violation(
                "nothing is out in the end",
                account,
                format!("a payment of {period} of account {account}"),
            ));
        }
        let problems = self.facts.event_problems().await.unwrap();
        if let Some(problem) = problems.first() {
            return Err(violation("every event is handled", "", problem));
        }
        let paid: BTreeMap<(i64, i32), i64> = self
            .facts
            .paid()
            .await
            .unwrap()
            .into_iter()
            .map(|(account, period, paid)| ((account, period), paid))
            .collect();
        for (key, invoice) in &self.invoices {
            let booked = paid.get(key).copied().unwrap_or(0);
            let open = invoice.total_minor - booked;
            if open != invoice.open() && !invoice.is_tangled() {
                return Err(violation(
                    "the books know what is owed",
                    &invoice.number,
                    format!("{open} of {invoice:?}"),
                ));
            }
            if !invoice.is_announced {
                return Err(violation(
                    "each invoice is announced",
                    &invoice.number,
                    &invoice.number,
                ));
            }
        }
        let (_, clearing) = self.facts.ledger("clearing_stripe").await.unwrap();
        if clearing != self.stripe_balance_minor {
            let what = format!(
                "{clearing} in the books, {} there",
                self.stripe_balance_minor
            );
            return Err(violation("the balance at Stripe is in the books", "", what));
        }
        Ok(())
    }
}
