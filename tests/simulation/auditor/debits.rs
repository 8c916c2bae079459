//! What the bank was asked to collect, and what it moved.

use chrono::{Datelike as _, Days, NaiveDate, Weekday};

use super::{Auditor, Day, Found, violation};
use crate::bank::{Bank, Debit};

impl Auditor {
    /// What moved on the account with the bank.
    pub(super) fn read_bank(&mut self, bank: &Bank) {
        let new = bank.movements(self.bank_movements_read);
        self.bank_movements_read += new.len();
        for movement in new {
            let key = self.by_number[&movement.number];
            let invoice = self.invoices.get_mut(&key).unwrap();
            invoice.debit_minor += movement.amount_minor;
            self.bank_balance_minor += movement.net_minor;
        }
    }

    /// A debit is in one file that went to the bank, takes what is owed and no more, was
    /// announced long enough before, and has its step of the ladder.
    pub(super) fn check_debits(&mut self, day: &Day, bank: &Bank) -> Found {
        let new = bank.debits(self.debits_read).to_vec();
        self.debits_read += new.len();
        for debit in &new {
            self.check_debit(day, debit)?;
        }
        Ok(())
    }

    fn check_debit(&mut self, day: &Day, debit: &Debit) -> Found {
        let Debit { id, number, .. } = debit;
        let key = self.by_number[number];
        let account = self.accounts.entry(key.0).or_default();
        let methods = account.cards + account.mandates;
        let invoice = self.invoices.get_mut(&key).unwrap();
        if !invoice.attempts.insert(id.clone()) {
            return Err(violation("a debit is in one file", number, id));
        }
        let open = invoice.open();
        let is_known = !invoice.is_tangled() && !day.untold.contains(number);
        if debit.amount_minor > open && is_known {
            let what = format!("{debit:?} of {invoice:?}");
            return Err(violation(
                "a debit takes no more than is owed",
                number,
                what,
            ));
        }
        let notice = Days::new(self.terms.prenotification_days);
        if debit.collect_on < invoice.due_on + notice {
            let what = format!("{debit:?} of an invoice of {}", invoice.due_on);
            return Err(violation("a debit is announced", number, what));
        }
        if matches!(debit.collect_on.weekday(), Weekday::Sat | Weekday::Sun) {
            return Err(violation(
                "a debit is on a business day",
                number,
                debit.collect_on,
            ));
        }
        self.check_steps_reached(day.on, key, methods)
    }

    /// No more was tried than the ladder has steps by now: one more where a customer
    /// gave a card or a mandate.
    pub(super) fn check_steps_reached(
        &self,
        on: NaiveDate,
        key: (i64, i32),
        methods: usize,
    ) -> Found {
        let invoice = &self.invoices[&key];
        let days = (on - invoice.due_on).num_days();
        let steps = self.terms.attempt_days.iter();
        let reached = steps.filter(|step| **step <= days).count();
        if invoice.attempts.len() > reached + methods {
            let what = format!(
                "{} attempts of {}, {days} days after it was due, with {methods} cards and mandates",
                invoice.attempts.len(),
                invoice.number
            );
            return Err(violation("each attempt has its day", &invoice.number, what));
        }
        Ok(())
    }

    /// Whether the bank has a debit of an account, received before a day, for what is
    /// owed.
    pub(super) fn has_debit_out(&self, account: i64, day: &Day, bank: &Bank) -> bool {
        bank.out().any(|debit| {
            let key = self.by_number[&debit.number];
            let is_owed = self.invoices[&key].open() > 0;
            key.0 == account && debit.received_on < day.on && is_owed
        })
    }
}
