//! What was taken, and what is owed then.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;

use super::{Auditor, Day, Found, violation};
use crate::fakes::stripe::StripeFake;

/// An invoice, and what became of it. Amounts are in minor units.
#[derive(Debug, Clone)]
pub struct Invoice {
    pub number: String,
    pub due_on: NaiveDate,
    pub total_minor: i64,
    /// What Stripe took for it, without what it gave back.
    card_minor: i64,
    /// What of that it gave back as a gift: the invoice stays paid.
    goodwill_minor: i64,
    /// What the bank collected for it, without what came back.
    pub debit_minor: i64,
    credit_minor: i64,
    written_off_minor: i64,
    /// What came back that was paid otherwise meanwhile: nobody charged it.
    came_back_minor: i64,
    /// What was open when the day began.
    pub open_before: i64,
    pub is_announced: bool,
    /// Warnings of suspension: how often the account was restored for it, and the
    /// days before.
    pub warned: BTreeMap<(u32, i64), NaiveDate>,
    pub restored: u32,
    /// The attempts that Stripe or the bank was asked for.
    pub attempts: BTreeSet<String>,
}

impl Invoice {
    /// What is owed of it.
    pub fn open(&self) -> i64 {
        let paid = self.card_minor
            + self.goodwill_minor
            + self.debit_minor
            + self.credit_minor
            + self.written_off_minor;
        (self.total_minor - paid).max(0)
    }

    /// Whether so much as once money came back for it that was paid otherwise by then.
    /// It became credit, which pays other invoices: what is owed of this one cannot be
    /// told from outside any more.
    pub fn is_tangled(&self) -> bool {
        self.came_back_minor > 0
    }

    /// Whether nothing was owed of it all day, for certain.
    pub fn owes_nothing(&self) -> bool {
        self.open() == 0 && self.open_before == 0 && !self.is_tangled()
    }
}

impl Auditor {
    /// One invoice an account and period, their numbers without a gap and in order.
    pub(super) async fn read_invoices(&mut self, day: &Day) -> Found {
        for row in self.facts.invoices(day.on).await.unwrap() {
            let number = format!("Q-{}-{:06}", row.year, row.sequence);
            if self.by_number.contains_key(&number) {
                continue;
            }
            let last = self.last_number.entry(row.year).or_insert(0);
            if row.sequence != *last + 1 {
                let what = format!("{number} follows {last}");
                return Err(violation("numbers have no gap", &number, what));
            }
            *last = row.sequence;
            if row.issued_on != day.on || self.last_issued_on > Some(row.issued_on) {
                let what = format!("{number} is of {}", row.issued_on);
                return Err(violation("numbers are in order", &number, what));
            }
            self.last_issued_on = Some(row.issued_on);
            let key = (row.account, row.period);
            let invoice = Invoice {
                number: number.clone(),
                due_on: row.due_on,
                total_minor: row.total_minor,
                card_minor: 0,
                goodwill_minor: 0,
                debit_minor: 0,
                credit_minor: 0,
                written_off_minor: 0,
                came_back_minor: 0,
                open_before: row.total_minor,
                is_announced: false,
                warned: BTreeMap::new(),
                restored: 0,
                attempts: BTreeSet::new(),
            };
            if self.invoices.insert(key, invoice).is_some() {
                let what = format!("{number} is the second of {key:?}");
                return Err(violation("one invoice a period", &number, what));
            }
            self.by_number.insert(number, key);
        }
        Ok(())
    }

    pub(super) async fn read_money(&mut self, day: &Day, stripe: &StripeFake) -> Found {
        for (movement, intent) in stripe.movements(self.movements_read) {
            self.movements_read += 1;
            let number = intent["description"].as_str().unwrap();
            let key = self.by_number[number];
            let minor = movement["amount"].as_i64().unwrap();
            let payment = intent["metadata"]["attempt"].as_str().unwrap();
            let left = self.left_of.entry(payment.to_owned()).or_insert(0);
            *left += minor;
            if *left < 0 {
                let what = format!("{} more of {payment}", -*left);
                return Err(violation("given back is no more than taken", number, what));
            }
            self.stripe_balance_minor += movement["net"].as_i64().unwrap();
            let refund = match movement["type"].as_str().unwrap() {
                "refund" | "refund_failure" => {
                    let refund = stripe.object(movement["source"].as_str().unwrap());
                    let id = refund["metadata"]["refund"].as_str().unwrap().to_owned();
                    let purpose = self.facts.purpose_of(&id).await.unwrap();
                    Some(purpose.ok_or_else(|| {
                        violation("nothing is sent before it is committed", number, &id)
                    })?)
                }
                _ => None,
            };
            let invoice = self.invoices.get_mut(&key).unwrap();
            invoice.card_minor += minor;
            let is_charge = movement["type"] == "charge";
            match refund.as_deref() {
                Some("goodwill") => invoice.goodwill_minor -= minor,
                _ if minor > 0 && !is_charge => invoice.came_back_minor += minor,
                _ => {}
            }
        }
        for used in self.facts.credit_uses(day.from_us).await.unwrap() {
            let invoice = self.invoices.get_mut(&(used.account, used.period)).unwrap();
            invoice.credit_minor += used.amount_minor;
        }
        for (account, period, minor) in self.facts.written_off().await.unwrap() {
            let invoice = self.invoices.get_mut(&(account, period)).unwrap();
            invoice.written_off_minor = minor;
        }
        Ok(())
    }

    /// Nobody pays more than is due.
    pub(super) fn check_money(&self) -> Found {
        for invoice in self.invoices.values() {
            let charged = invoice.card_minor + invoice.debit_minor + invoice.credit_minor;
            if charged > invoice.total_minor + invoice.came_back_minor {
                return Err(violation(
                    "charged is no more than due",
                    &invoice.number,
                    format!("{charged} of {invoice:?}"),
                ));
            }
        }
        Ok(())
    }

    /// A card is asked once an attempt, and no oftener than the ladder has steps.
    pub(super) fn check_intents(&mut self, day: &Day, stripe: &StripeFake) -> Found {
        for intent in stripe.intents_after(self.intents_read) {
            self.intents_read += 1;
            let number = intent["description"].as_str().unwrap();
            let attempt = intent["metadata"]["attempt"].as_str().unwrap();
            let key = self.by_number[number];
            let account = self.accounts.entry(key.0).or_default();
            let methods = account.cards + account.mandates;
            let invoice = self.invoices.get_mut(&key).unwrap();
            if !invoice.attempts.insert(attempt.to_owned()) {
                let what = format!("{attempt} of {number}");
                return Err(violation("an attempt is one payment", number, what));
            }
            self.check_steps_reached(day.on, key, methods)?;
        }
        Ok(())
    }
}
