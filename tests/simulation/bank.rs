//! The bank: it keeps the files of debits that went to it, asks the debtors' banks, and
//! answers days later in files of its own, some of them late, twice, or in another order.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{Days, NaiveDate};
use quittance::domain::sepa::iban::Iban;

use crate::dice::Dice;
use crate::fakes::bank::{BlockStatus, Booking, Name, notification, statement, status};

/// Our account.
pub const OURS: &str = "FR1420041010050500013M02606";

/// How the owner of an account takes being debited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Temper {
    Pays,
    /// There is often not enough money.
    IsShort,
    /// Takes the money back, up to eight weeks later.
    TakesBack,
    /// Closes the account, or says that there is no mandate.
    Closes,
}

/// How the bank goes about it. Of a thousand files.
#[derive(Debug, Clone, Copy)]
pub struct Habits {
    pub late_permille: usize,
    /// Whether what is booked is told in a notification before the statement.
    pub notifies: bool,
    /// Whether it tells what it takes in, and not only what it does not.
    pub acknowledges: bool,
    /// Whether the credits of a block are booked as one.
    pub books_blocks: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Fact {
    Rejected,
    Settled,
    Returned,
}

/// A debit that was received.
#[derive(Debug, Clone)]
pub struct Debit {
    /// The end-to-end id, which is the attempt's.
    pub id: String,
    /// The invoice, as the debtor reads it.
    pub number: String,
    pub amount_minor: i64,
    pub collect_on: NaiveDate,
    pub received_on: NaiveDate,
    batch: String,
    block: String,
    iban: String,
    /// Whether it is neither settled nor rejected yet.
    pub is_out: bool,
    is_acknowledged: bool,
    rejection: Option<&'static str>,
}

/// Money that moved on our account, in minor units: what of it belongs to the invoice,
/// and what the account moved by.
#[derive(Debug, Clone)]
pub struct Movement {
    pub number: String,
    pub amount_minor: i64,
    pub net_minor: i64,
}

/// A file for us.
#[derive(Debug, Clone)]
pub struct File {
    pub name: String,
    pub content: String,
    from: NaiveDate,
    facts: Vec<(usize, Fact)>,
}

struct Debtor {
    temper: Temper,
    is_closed: bool,
}

struct Return {
    debit: usize,
    on: NaiveDate,
    reason: &'static str,
}

pub struct Bank {
    habits: Habits,
    debtors: BTreeMap<String, Debtor>,
    debits: Vec<Debit>,
    returns: Vec<Return>,
    movements: Vec<Movement>,
    files: Vec<File>,
    /// What no file that was read has told.
    untold: BTreeSet<(usize, Fact)>,
    messages: usize,
    dice: Dice,
}

fn later(day: NaiveDate, days: usize) -> NaiveDate {
    day + Days::new(u64::try_from(days).unwrap())
}

/// What is between two marks, the first time.
fn between<'a>(text: &'a str, start: &str, end: &str) -> &'a str {
    let (_, rest) = text
        .split_once(start)
        .unwrap_or_else(|| panic!("no {start}"));
    rest.split_once(end)
        .unwrap_or_else(|| panic!("no {end}"))
        .0
        .trim()
}

fn minor(amount: &str) -> i64 {
    let (euros, cents) = amount.split_once('.').unwrap_or((amount, "00"));
    assert_eq!(cents.len(), 2, "{amount}");
    euros.parse::<i64>().unwrap() * 100 + cents.parse::<i64>().unwrap()
}

impl Bank {
    pub fn new(habits: Habits, dice: Dice) -> Self {
        Self {
            habits,
            debtors: BTreeMap::new(),
            debits: Vec::new(),
            returns: Vec::new(),
            movements: Vec::new(),
            files: Vec::new(),
            untold: BTreeSet::new(),
            messages: 0,
            dice,
        }
    }

    /// Somebody has an account from now on.
    pub fn open_account(&mut self, temper: Temper) -> Iban {
        let number = format!("37040044{:010}", self.debtors.len() + 1);
        // DE00 behind it, in digits (ISO 7064 mod 97-10).
        let rest = format!("{number}131400").parse::<u128>().unwrap() % 97;
        let iban = format!("DE{:02}{number}", 98 - rest);
        let debtor = Debtor {
            temper,
            is_closed: false,
        };
        self.debtors.insert(iban.clone(), debtor);
        iban.parse().unwrap()
    }

    /// Takes in a file of debits (pain.008).
    pub fn receive(&mut self, file: &str, on: NaiveDate) {
        let (head, _) = file.split_once("<PmtInf>").unwrap();
        let count: usize = between(head, "<NbOfTxs>", "</NbOfTxs>").parse().unwrap();
        let sum = minor(between(head, "<CtrlSum>", "</CtrlSum>"));
        let batch = between(head, "<MsgId>", "</MsgId>");
        let first = self.debits.len();
        for block in file.split("<PmtInf>").skip(1) {
            let collect_on = between(block, "<ReqdColltnDt>", "</ReqdColltnDt>");
            for debit in block.split("<DrctDbtTxInf>").skip(1) {
                let account = between(debit, "<DbtrAcct>", "</DbtrAcct>");
                let iban = between(account, "<IBAN>", "</IBAN>").to_owned();
                let purpose = between(debit, "<Ustrd>", "</Ustrd>");
                let is_closed = self.debtors[&iban].is_closed;
                let rejection = match (is_closed, self.dice.below(100)) {
                    (true, 0..50) => Some("AC04"),
                    (false, 0..2) => Some(self.dice.pick(&["MS03", "AG02", "AC01", "AM04"])),
                    _ => None,
                };
                self.debits.push(Debit {
                    id: between(debit, "<EndToEndId>", "</EndToEndId>").to_owned(),
                    number: purpose.split(' ').next().unwrap().to_owned(),
                    amount_minor: minor(between(debit, "<InstdAmt Ccy=\"EUR\">", "</InstdAmt>")),
                    collect_on: collect_on.parse().unwrap(),
                    received_on: on,
                    batch: batch.to_owned(),
                    block: between(block, "<PmtInfId>", "</PmtInfId>").to_owned(),
                    iban,
                    is_out: true,
                    is_acknowledged: false,
                    rejection,
                });
            }
        }
        let new = &self.debits[first..];
        let told: i64 = new.iter().map(|debit| debit.amount_minor).sum();
        assert_eq!((new.len(), told), (count, sum), "the file {batch}");
    }

    /// A day at the bank. On a quiet one everything comes to its end, and is told.
    pub fn pass(&mut self, on: NaiveDate, is_quiet: bool) {
        self.report_status(on, is_quiet);
        let mut facts = self.settle(on, is_quiet);
        facts.extend(self.give_back(on, is_quiet));
        if facts.is_empty() {
            return;
        }
        for at in (1..facts.len()).rev() {
            facts.swap(at, self.dice.below(at + 1));
        }
        let bookings: Vec<Booking> = facts.iter().map(|(_, booking)| booking.clone()).collect();
        let facts: Vec<(usize, Fact)> = facts.into_iter().flat_map(|(facts, _)| facts).collect();
        if self.habits.notifies {
            let name = self.message("N");
            let content = notification(&name, OURS, &bookings);
            self.send(name, content, facts.clone(), on, is_quiet);
        }
        let name = self.message("S");
        let content = statement(&name, OURS, &bookings);
        self.send(name, content, facts, on, is_quiet);
    }

    /// What is rejected, and what is taken in.
    fn report_status(&mut self, on: NaiveDate, is_quiet: bool) {
        let mut blocks: BTreeMap<(String, String), Vec<usize>> = BTreeMap::new();
        for (at, debit) in self.debits.iter().enumerate() {
            let is_new = debit.is_out && !debit.is_acknowledged && debit.received_on < on;
            if is_new && (debit.rejection.is_some() || self.habits.acknowledges) {
                let block = (debit.batch.clone(), debit.block.clone());
                blocks.entry(block).or_default().push(at);
            }
        }
        for ((batch, block), all) in blocks {
            let mut told = Vec::new();
            let mut facts = Vec::new();
            for at in all {
                let debit = &mut self.debits[at];
                debit.is_acknowledged = true;
                told.push((debit.id.clone(), debit.rejection));
                if debit.rejection.is_some() {
                    debit.is_out = false;
                    facts.push((at, Fact::Rejected));
                }
            }
            let name = self.message("P");
            let told = BlockStatus {
                batch: &batch,
                block: &block,
                debits: &told,
                whole: None,
            };
            let content = status(&name, told);
            self.send(name, content, facts, on, is_quiet);
        }
    }

    /// Credits what is collected on that day.
    fn settle(&mut self, on: NaiveDate, is_quiet: bool) -> Vec<(Vec<(usize, Fact)>, Booking)> {
        let mut booked = Vec::new();
        let mut blocks: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        for at in 0..self.debits.len() {
            let debit = &mut self.debits[at];
            let is_due = debit.collect_on <= on || (is_quiet && debit.received_on < on);
            if !debit.is_out || !is_due {
                continue;
            }
            debit.is_out = false;
            if self.habits.books_blocks {
                let block = debit.block.clone();
                blocks.entry(block).or_default().push(at);
            } else {
                let keeps = debit.amount_minor > 100 && self.dice.permille(100);
                let charges = if keeps { 20 } else { 0 };
                let debit = &self.debits[at];
                let booking = booking(debit, on, charges, None);
                self.movements.push(Movement {
                    number: debit.number.clone(),
                    amount_minor: debit.amount_minor,
                    net_minor: debit.amount_minor - charges,
                });
                booked.push((vec![(at, Fact::Settled)], booking));
            }
            if !is_quiet {
                self.draw_return(at, on);
            }
        }
        for (block, all) in blocks {
            let mut sum = 0;
            for at in &all {
                let debit = &self.debits[*at];
                sum += debit.amount_minor;
                self.movements.push(Movement {
                    number: debit.number.clone(),
                    amount_minor: debit.amount_minor,
                    net_minor: debit.amount_minor,
                });
            }
            let booking = Booking {
                name: Name::Batch(block, all.len()),
                amount: sum,
                charges: 0,
                reason: None,
                is_return: false,
                day: on.to_string(),
            };
            let facts = all.into_iter().map(|at| (at, Fact::Settled)).collect();
            booked.push((facts, booking));
        }
        booked
    }

    /// Whether a debit that was collected comes back, when, and why.
    fn draw_return(&mut self, at: usize, on: NaiveDate) {
        let debtor = self.debtors.get_mut(&self.debits[at].iban).unwrap();
        let dice = &mut self.dice;
        let soon = dice.between(1, 5);
        let within_weeks = dice.between(2, 55);
        let drawn = dice.below(100);
        let back = match (debtor.temper, drawn) {
            _ if debtor.is_closed => Some((soon, "AC04")),
            (Temper::Pays, 0) => Some((soon, "MS03")),
            (Temper::IsShort, 0..45) => Some((soon, "AM04")),
            (Temper::IsShort, 45..50) => Some((soon, "MS02")),
            (Temper::TakesBack, 0..35) => Some((within_weeks, "MD06")),
            (Temper::TakesBack, 35..40) => Some((within_weeks, "MD01")),
            (Temper::Closes, 0..25) => Some((soon, "AC04")),
            (Temper::Closes, 25..35) => Some((soon, "MD01")),
            (Temper::Closes, 35..40) => Some((soon, "MD07")),
            _ => None,
        };
        let Some((days, reason)) = back else {
            return;
        };
        debtor.is_closed |= reason == "AC04";
        let on = later(on, days);
        let debit = at;
        self.returns.push(Return { debit, on, reason });
    }

    /// Takes back what debtors and their banks want back.
    fn give_back(&mut self, on: NaiveDate, is_quiet: bool) -> Vec<(Vec<(usize, Fact)>, Booking)> {
        if is_quiet {
            self.returns.clear();
        }
        let due: Vec<Return> = self.returns.extract_if(.., |back| back.on <= on).collect();
        let mut booked = Vec::new();
        for back in due {
            let debit = &self.debits[back.debit];
            let charges = self.dice.pick(&[0, 300]);
            let booking = booking(debit, on, charges, Some(back.reason));
            self.movements.push(Movement {
                number: debit.number.clone(),
                amount_minor: -debit.amount_minor,
                net_minor: -debit.amount_minor - charges,
            });
            booked.push((vec![(back.debit, Fact::Returned)], booking));
        }
        booked
    }

    fn message(&mut self, kind: &str) -> String {
        self.messages += 1;
        format!("{kind}-{:06}", self.messages)
    }

    fn send(
        &mut self,
        name: String,
        content: String,
        facts: Vec<(usize, Fact)>,
        on: NaiveDate,
        is_quiet: bool,
    ) {
        self.untold.extend(facts.iter().copied());
        let is_late = !is_quiet && self.dice.permille(self.habits.late_permille);
        let days = if is_late { self.dice.between(1, 6) } else { 0 };
        let file = File {
            name,
            content,
            from: later(on, days),
            facts,
        };
        if self.dice.permille(100) {
            let from = later(file.from, self.dice.between(0, 4));
            let file = file.clone();
            self.files.push(File { from, ..file });
        }
        self.files.push(file);
    }

    /// The files that are there on a day, in some order.
    pub fn mail(&mut self, on: NaiveDate, is_quiet: bool) -> Vec<File> {
        let due = self.files.iter().filter(|file| is_quiet || file.from <= on);
        let mut due: Vec<File> = due.cloned().collect();
        for at in (1..due.len()).rev() {
            due.swap(at, self.dice.below(at + 1));
        }
        due
    }

    /// A file was read to its end, so often as it is named.
    pub fn read(&mut self, names: &[String]) {
        for name in names {
            if let Some(at) = self.files.iter().position(|file| file.name == *name) {
                let file = self.files.remove(at);
                for fact in &file.facts {
                    self.untold.remove(fact);
                }
            }
        }
    }

    /// Invoices of whose debits something is not told yet.
    pub fn untold(&self) -> impl Iterator<Item = String> {
        self.untold
            .iter()
            .map(|(at, _)| self.debits[*at].number.clone())
    }

    /// The debits since the first so many, in the order they came.
    pub fn debits(&self, after: usize) -> &[Debit] {
        &self.debits[after..]
    }

    /// Debits that are neither settled nor rejected.
    pub fn out(&self) -> impl Iterator<Item = &Debit> {
        self.debits.iter().filter(|debit| debit.is_out)
    }

    /// The movements since the first so many, in order.
    pub fn movements(&self, after: usize) -> &[Movement] {
        &self.movements[after..]
    }
}

fn booking(debit: &Debit, on: NaiveDate, charges: i64, reason: Option<&'static str>) -> Booking {
    Booking {
        name: Name::Debit(debit.id.clone()),
        amount: debit.amount_minor,
        charges,
        reason,
        is_return: reason.is_some(),
        day: on.to_string(),
    }
}
