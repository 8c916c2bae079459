//! What was told to customers and to the platform, and whether it might be.

use std::collections::{BTreeMap, HashSet};

use chrono::{Days, NaiveDate};
use serde_json::Value;

use super::facts::Told;
use super::{Auditor, Day, Found, violation};
use crate::bank::Bank;
use crate::fakes::stripe::StripeFake;

/// An account as the platform knows it.
#[derive(Debug, Clone, Default)]
pub struct Account {
    pub suspended: Option<Suspended>,
    pub is_leaving: bool,
    /// Cards that its customer entered.
    pub cards: usize,
    /// Mandates that its customer signed.
    pub mandates: usize,
    /// How often it was suspended so far.
    suspensions: u64,
}

/// Since when, and what for.
#[derive(Debug, Clone)]
pub struct Suspended {
    no: u64,
    on: NaiveDate,
    /// The invoice, once its mail is seen.
    invoice: Option<String>,
    /// The warnings of deletion: the days before, and when each was written.
    warned: BTreeMap<i64, NaiveDate>,
    /// What the customer was promised not to happen before.
    not_before: NaiveDate,
}

fn date(told: &Told, field: &str) -> NaiveDate {
    told.payload[field].as_str().unwrap().parse().unwrap()
}

fn days_before(told: &Told) -> i64 {
    told.payload["days_before"].as_i64().unwrap()
}

fn number(told: &Told) -> String {
    told.payload["invoice"].as_str().unwrap().to_owned()
}

fn later(day: NaiveDate, days: i64) -> NaiveDate {
    day + Days::new(u64::try_from(days).unwrap())
}

impl Auditor {
    pub(super) async fn check_told(
        &mut self,
        day: &Day,
        stripe: &StripeFake,
        bank: &Bank,
    ) -> Found {
        let mut all = self.facts.told(day.from_us).await.unwrap();
        let held = self.facts.held(day.from_us, day.on).await.unwrap();
        let approved = self.facts.approved().await.unwrap();
        // Within a day, each suspension in its turn: suspended, told so, restored.
        let no = |told: &Told| -> u64 {
            let of = told.key.rsplit_once(':');
            let is_numbered = matches!(
                told.topic.as_str(),
                "account.suspend" | "account.resume" | "suspended" | "restored"
            );
            of.filter(|_| is_numbered)
                .map_or(0, |(_, no)| no.parse().unwrap())
        };
        let rank = |told: &Told| match told.topic.as_str() {
            "account.suspend" => 1,
            "suspended" => 2,
            "account.resume" => 3,
            "restored" => 4,
            _ => 0,
        };
        all.sort_by_key(|told| (told.account, no(told), rank(told)));
        for told in &all {
            let is_step = matches!(
                told.topic.as_str(),
                "suspension_warning" | "deletion_warning" | "suspended" | "deletion_begun"
            );
            if is_step && held.contains(&told.account) {
                return Err(violation("a hold is respected", told.account, &told.key));
            }
            if is_step {
                self.check_nothing_out(told, day, stripe, bank)?;
                let is_harm = matches!(told.topic.as_str(), "suspended" | "deletion_begun");
                if is_harm && day.unwarned.contains(&told.account) {
                    let rule = "a step waits for the warning before it";
                    return Err(violation(rule, told.account, &told.key));
                }
            }
            match told.topic.as_str() {
                "invoice_issued" => self.check_announced(told)?,
                "suspension_warning" => self.check_suspension_warning(told, day)?,
                "suspended" => self.check_suspended(told, day)?,
                "account.suspend" => self.check_order_to_suspend(told, day, no(told))?,
                "account.resume" => self.check_order_to_resume(told, no(told))?,
                "deletion_warning" => self.check_deletion_warning(told, day)?,
                "deletion_begun" => self.check_deletion(told, day, &approved)?,
                _ => {}
            }
        }
        Ok(())
    }

    fn check_announced(&mut self, told: &Told) -> Found {
        // Of an account that was erased on the same day, nothing but the key is left.
        let period = told.key.split(':').nth(1).unwrap().parse().unwrap();
        let key = (told.account, period);
        let is_other = told.payload["invoice"]
            .as_str()
            .is_some_and(|number| self.by_number[number] != key);
        if is_other {
            let what = format!("{} is told of {}", told.key, told.payload);
            return Err(violation("a mail names its invoice", told.account, what));
        }
        let invoice = self.invoices.get_mut(&key).unwrap();
        if std::mem::replace(&mut invoice.is_announced, true) {
            return Err(violation(
                "every mail is sent once",
                &invoice.number,
                &told.key,
            ));
        }
        Ok(())
    }

    /// Whoever is told that something is owed, owes it: when the day began, or by now.
    fn check_owed(&self, told: &Told, number: &str, day: &Day) -> Found {
        let invoice = &self.invoices[&self.by_number[number]];
        if invoice.owes_nothing() && !day.untold.contains(number) {
            let what = format!("{} of {invoice:?}", told.key);
            return Err(violation("nobody is dunned who owes nothing", number, what));
        }
        Ok(())
    }

    /// No step is taken against whose payment has been on its way since before the day.
    fn check_nothing_out(&self, told: &Told, day: &Day, stripe: &StripeFake, bank: &Bank) -> Found {
        let is_out = |intent: &Value| {
            let made = intent["created"].as_i64().unwrap() * 1_000_000;
            let own = intent["description"].as_str().unwrap();
            let key = self.by_number[own];
            // What comes for a debt that was paid otherwise meanwhile stops no clock.
            let is_owed = self.invoices[&key].open() > 0;
            key.0 == told.account && made < day.from_us && is_owed
        };
        let has_card_out = !stripe.intents_that_are("processing", is_out).is_empty();
        if has_card_out || self.has_debit_out(told.account, day, bank) {
            let what = format!("{}: a payment of it is out", told.key);
            return Err(violation(
                "no step is taken while a payment is out",
                told.account,
                what,
            ));
        }
        Ok(())
    }

    fn check_suspension_warning(&mut self, told: &Told, day: &Day) -> Found {
        let number = number(told);
        self.check_owed(told, &number, day)?;
        let days = days_before(told);
        let first = self.terms.suspension_day - days;
        let invoice = self.invoices.get_mut(&self.by_number[&number]).unwrap();
        if day.on < later(invoice.due_on, first) {
            let what = format!("{} of an invoice due on {}", told.key, invoice.due_on);
            return Err(violation("no step is early", &number, what));
        }
        if date(told, "suspension_on") != later(day.on, days) {
            return Err(violation("a warning tells the day", &number, &told.payload));
        }
        let key = (invoice.restored, days);
        if invoice.warned.insert(key, day.on).is_some() {
            return Err(violation("every mail is sent once", &number, &told.key));
        }
        Ok(())
    }

    fn check_order_to_suspend(&mut self, told: &Told, day: &Day, no: u64) -> Found {
        let account = self.accounts.entry(told.account).or_default();
        account.suspensions += 1;
        if account.suspended.is_some() || account.is_leaving || no != account.suspensions {
            let what = format!("{} to {account:?}", told.key);
            return Err(violation("who is suspended is not yet", told.account, what));
        }
        account.suspended = Some(Suspended {
            no,
            on: day.on,
            invoice: None,
            warned: BTreeMap::new(),
            not_before: later(day.on, self.terms.deletion_day),
        });
        Ok(())
    }

    fn check_suspended(&mut self, told: &Told, day: &Day) -> Found {
        let number = number(told);
        self.check_owed(told, &number, day)?;
        let invoice = &self.invoices[&self.by_number[&number]];
        if day.on < later(invoice.due_on, self.terms.suspension_day) {
            let what = format!("{} of an invoice due on {}", told.key, invoice.due_on);
            return Err(violation("no step is early", &number, what));
        }
        if invoice.restored == 0 {
            for days in &self.terms.suspension_warnings {
                let warned = invoice.warned.get(&(0, *days));
                let in_time = warned.is_some_and(|on| day.on >= later(*on, *days));
                if !in_time {
                    let what = format!("{} warned {:?}", told.key, invoice.warned);
                    return Err(violation("suspension is warned of", &number, what));
                }
            }
        }
        let account = self.accounts.entry(told.account).or_default();
        match &mut account.suspended {
            Some(suspended) => suspended.invoice = Some(number),
            None => {
                return Err(violation("who is told so is suspended", &number, &told.key));
            }
        }
        Ok(())
    }

    fn check_order_to_resume(&mut self, told: &Told, no: u64) -> Found {
        let account = self.accounts.entry(told.account).or_default();
        let Some(suspended) = account.suspended.take_if(|suspended| suspended.no == no) else {
            let what = format!("{} to {account:?}", told.key);
            return Err(violation(
                "who is restored was suspended",
                told.account,
                what,
            ));
        };
        if account.is_leaving {
            return Err(violation(
                "who leaves does not come back",
                told.account,
                &told.key,
            ));
        }
        if let Some(number) = suspended.invoice {
            let key = self.by_number[&number];
            self.invoices.get_mut(&key).unwrap().restored += 1;
        }
        Ok(())
    }

    fn check_deletion_warning(&mut self, told: &Told, day: &Day) -> Found {
        let number = number(told);
        self.check_owed(told, &number, day)?;
        let days = days_before(told);
        let account = self.accounts.entry(told.account).or_default();
        let Some(suspended) = &mut account.suspended else {
            return Err(violation(
                "who is warned of deletion is suspended",
                &number,
                &told.key,
            ));
        };
        if day.on < later(suspended.on, self.terms.deletion_day - days) {
            let what = format!("{} after {}", told.key, suspended.on);
            return Err(violation("no step is early", &number, what));
        }
        if date(told, "deletion_on") != later(day.on, days) {
            return Err(violation("a warning tells the day", &number, &told.payload));
        }
        if suspended.warned.insert(days, day.on).is_some() {
            return Err(violation("every mail is sent once", &number, &told.key));
        }
        suspended.not_before = suspended.not_before.max(later(day.on, days));
        Ok(())
    }

    fn check_deletion(&mut self, told: &Told, day: &Day, approved: &HashSet<i64>) -> Found {
        let owed: i64 = self.owed(told.account).iter().map(|(_, minor)| minor).sum();
        let account = self.accounts.entry(told.account).or_default();
        let about = told.account;
        if std::mem::replace(&mut account.is_leaving, true) {
            return Err(violation("an account is deleted once", about, &told.key));
        }
        let Some(suspended) = &account.suspended else {
            return Err(violation("who is deleted was suspended", about, &told.key));
        };
        let warned: Vec<i64> = suspended.warned.keys().rev().copied().collect();
        if warned != self.terms.deletion_warnings {
            return Err(violation(
                "every deletion is warned of",
                about,
                format!("{warned:?}"),
            ));
        }
        if day.on < suspended.not_before {
            let what = format!("promised was {}", suspended.not_before);
            return Err(violation("no step is early", about, what));
        }
        if let Some(number) = &suspended.invoice {
            let invoice = &self.invoices[&self.by_number[number]];
            if invoice.owes_nothing() && !day.untold.contains(number) {
                return Err(violation(
                    "nobody is deleted who owes nothing",
                    about,
                    number,
                ));
            }
        }
        if owed > self.terms.approval_above_minor && !approved.contains(&told.account) {
            let what = format!("{owed} minor units are owed");
            return Err(violation(
                "a large debt is deleted with approval",
                about,
                what,
            ));
        }
        Ok(())
    }

    /// Who paid in full is not suspended any more when the day ends.
    pub(super) fn check_restored(&self, day: &Day, in_flight: &HashSet<(i64, i32)>) -> Found {
        for (id, account) in &self.accounts {
            let Some(suspended) = &account.suspended else {
                continue;
            };
            let Some(number) = &suspended.invoice else {
                continue;
            };
            let key = self.by_number[number];
            let invoice = &self.invoices[&key];
            let is_out = in_flight.contains(&key) || day.untold.contains(number);
            if invoice.open() == 0 && !invoice.is_tangled() && !account.is_leaving && !is_out {
                let what = format!("account {id} is suspended for {invoice:?}");
                return Err(violation("who paid is restored at once", number, what));
            }
        }
        Ok(())
    }
}
