//! The auditor: it knows what anyone can see, reckons by itself what is owed, and says
//! after each day what should not have happened. It asks nothing that decides.
//!
//! - [`facts`]: what it reads
//! - [`money`]: what was taken, and what is owed then
//! - [`debits`]: what the bank was asked for, and what it moved
//! - [`credit`]: what was bought of it, and what was given back
//! - [`delivery`]: what came at the mail server and at the platform
//! - [`steps`]: what was told to customers and to the platform, and whether it might be

mod credit;
mod debits;
mod delivery;
pub mod facts;
mod money;
mod steps;

use std::collections::{BTreeMap, HashSet};

use chrono::NaiveDate;
use quittance::engine::verify::verify;
use quittance::store::Store;

use crate::bank::Bank;
use crate::fakes::paypal::PayPalFake;
use crate::fakes::stripe::StripeFake;
use delivery::Delivered;
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
    /// Days between an invoice, which announces it, and its debit.
    pub prenotification_days: u64,
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
    /// Invoices of whose payments Stripe or the bank had something to tell that was not
    /// told, when the day began or when it ended: the house cannot know it.
    pub untold: HashSet<String>,
    /// Accounts to which a warning was not sent yet when the day began.
    pub unwarned: HashSet<i64>,
}

/// The others who move money.
#[derive(Clone, Copy)]
pub struct Others<'a> {
    pub stripe: &'a StripeFake,
    pub paypal: &'a PayPalFake,
    pub bank: &'a Bank,
    /// Whether mail and orders are delivered in earnest.
    pub delivers: bool,
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
    /// What Stripe took for a payment and did not give back.
    left_of: BTreeMap<String, i64>,
    debits_read: usize,
    bank_movements_read: usize,
    bank_balance_minor: i64,
    delivered: Delivered,
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
            left_of: BTreeMap::new(),
            debits_read: 0,
            bank_movements_read: 0,
            bank_balance_minor: 0,
            delivered: Delivered::default(),
        }
    }

    /// A customer entered a card.
    pub fn card_entered(&mut self, account: i64) {
        self.accounts.entry(account).or_default().cards += 1;
    }

    /// A customer signed a mandate.
    pub fn mandate_signed(&mut self, account: i64) {
        self.accounts.entry(account).or_default().mandates += 1;
    }

    /// Whether the account's data is being deleted.
    pub fn is_leaving(&self, account: i64) -> bool {
        self.accounts
            .get(&account)
            .is_some_and(|account| account.is_leaving)
    }

    pub fn is_anyone_leaving(&self) -> bool {
        self.accounts.values().any(|account| account.is_leaving)
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
    pub async fn audit(&mut self, day: &Day, others: Others<'_>) -> Found {
        let Others {
            stripe,
            paypal,
            bank,
            ..
        } = others;
        for invoice in self.invoices.values_mut() {
            invoice.open_before = invoice.open();
        }
        self.read_invoices(day).await?;
        self.read_money(day, stripe).await?;
        self.read_bank(bank);
        self.check_money()?;
        self.check_intents(day, stripe)?;
        self.check_debits(day, bank)?;
        self.check_credit(paypal).await?;
        self.check_refunds().await?;
        let in_flight = self.facts.in_flight().await.unwrap();
        self.check_told(day, stripe, bank).await?;
        self.check_restored(day, &in_flight)?;
        self.check_books(&day.untold, &in_flight).await?;
        let (sum, _) = self.facts.ledger("").await.unwrap();
        if sum != 0 {
            return Err(violation("the ledger is zero", "", sum));
        }
        Ok(())
    }

    /// The books say of each invoice what is owed of it, unless the house cannot know.
    async fn check_books(
        &mut self,
        untold: &HashSet<String>,
        in_flight: &HashSet<(i64, i32)>,
    ) -> Found {
        let paid = self.facts.paid().await.unwrap().into_iter();
        let paid: BTreeMap<(i64, i32), i64> = paid
            .map(|(account, period, paid)| ((account, period), paid))
            .collect();
        let refunded = self.facts.refunds_out().await.unwrap();
        for (key, invoice) in &self.invoices {
            let is_unknown = untold.contains(&invoice.number)
                || in_flight.contains(key)
                || refunded.contains(key)
                || invoice.is_tangled();
            let booked = paid.get(key).copied().unwrap_or(0);
            let open = invoice.total_minor - booked;
            if open != invoice.open() && !is_unknown {
                return Err(violation(
                    "the books know what is owed",
                    &invoice.number,
                    format!("{open} of {invoice:?}"),
                ));
            }
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
    pub async fn close(&mut self, others: Others<'_>) -> Found {
        let Others {
            stripe,
            paypal,
            bank,
            ..
        } = others;
        // A card of the last day whose bank takes its time, and a debit of it.
        let processing = stripe.intents_that_are("processing", |_| true);
        let mut out: HashSet<(i64, i32)> = processing
            .iter()
            .map(|intent| self.by_number[intent["description"].as_str().unwrap()])
            .collect();
        out.extend(bank.out().map(|debit| self.by_number[&debit.number]));
        out.extend(self.facts.debits_to_come().await.unwrap());
        let in_flight = self.facts.in_flight().await.unwrap();
        if let Some((account, period)) = in_flight.difference(&out).min() {
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
        let unmatched = self.facts.unmatched_facts().await.unwrap();
        if let Some(problem) = unmatched.first() {
            return Err(violation("the bank's word finds its debit", "", problem));
        }
        self.check_books(&HashSet::new(), &HashSet::new()).await?;
        for invoice in self.invoices.values() {
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
        let (_, clearing) = self.facts.ledger("clearing_bank").await.unwrap();
        if clearing != self.bank_balance_minor {
            let there = self.bank_balance_minor;
            let what = format!("{clearing} in the books, {there} there");
            return Err(violation(
                "the balance with the bank is in the books",
                "",
                what,
            ));
        }
        if others.delivers {
            self.close_delivery().await?;
        }
        self.close_credit(paypal).await
    }
}
