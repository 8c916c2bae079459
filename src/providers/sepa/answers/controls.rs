//! The sums that a camt message carries of itself, checked at the end of each
//! account's report.

use super::error::{AnswerError, Place};
use super::facts::Direction;
use super::tree::At;
use super::values;
use crate::domain::money::{Currency, Money};

/// A number in the file with its place, to be compared later.
#[derive(Debug, Clone)]
struct Told {
    place: Place,
    path: String,
    value: String,
    /// A count, or an amount in minor units.
    number: i64,
    is_amount: bool,
}

/// What was counted.
#[derive(Debug, Clone, Copy, Default)]
struct Tally {
    count: i64,
    sum_minor: i64,
}

/// Entries by direction, all of them and the booked ones.
#[derive(Debug, Clone, Copy, Default)]
struct Tallies {
    credits: Tally,
    debits: Tally,
}

impl Tallies {
    fn add(&mut self, direction: Direction, minor: i64) -> Option<()> {
        let tally = match direction {
            Direction::Credit => &mut self.credits,
            Direction::Debit => &mut self.debits,
        };
        tally.count = tally.count.checked_add(1)?;
        tally.sum_minor = tally.sum_minor.checked_add(minor)?;
        // Both together, and their difference, stay in range.
        self.credits.sum_minor.checked_add(self.debits.sum_minor)?;
        Some(())
    }

    const fn net_minor(&self) -> i64 {
        self.credits.sum_minor - self.debits.sum_minor
    }

    /// Count and sum of a group of `TxsSummry`.
    const fn of(&self, group: &Group) -> Tally {
        match group.direction {
            Some(Direction::Credit) => self.credits,
            Some(Direction::Debit) => self.debits,
            None => Tally {
                count: self.credits.count + self.debits.count,
                sum_minor: self.credits.sum_minor + self.debits.sum_minor,
            },
        }
    }
}

/// A group of `TxsSummry`; without a direction, both together.
#[derive(Debug, Clone)]
struct Group {
    direction: Option<Direction>,
    count: Option<Told>,
    sum: Option<Told>,
    net: Option<Told>,
}

/// Adds up the entries of a report and compares.
#[derive(Debug, Clone, Default)]
pub struct Controls {
    pub opening: Option<Money>,
    pub closing: Option<Money>,
    closing_told: Option<Told>,
    groups: Vec<Group>,
    /// A page of several: what it tells is of all of them.
    is_partial: bool,
    all: Tallies,
    booked: Tallies,
}

impl Controls {
    /// Reads a report's head.
    pub fn read(head: At<'_>, account: Option<Currency>) -> Result<Self, AnswerError> {
        let mut controls = Self::default();
        for balance in head.all("Bal") {
            controls.balance(balance)?;
        }
        for name in ["StmtPgntn", "NtfctnPgntn"] {
            if let Some(pages) = head.one(name)? {
                let is_first = pages.need("PgNb")?.text().trim_start_matches('0') == "1";
                let is_last = values::yes_or_no(pages.need("LastPgInd")?)?;
                controls.is_partial |= !(is_first && is_last);
            }
        }
        if let Some(summary) = head.one("TxsSummry")? {
            let currency = account.or(controls.closing.map(|money| money.currency));
            for (name, direction) in [
                ("TtlNtries", None),
                ("TtlCdtNtries", Some(Direction::Credit)),
                ("TtlDbtNtries", Some(Direction::Debit)),
            ] {
                if let Some(group) = summary.one(name)? {
                    controls
                        .groups
                        .push(Group::read(group, direction, currency)?);
                }
            }
        }
        Ok(controls)
    }

    fn balance(&mut self, balance: At<'_>) -> Result<(), AnswerError> {
        let amount = balance.need("Amt")?;
        let money = values::money(amount)?;
        let signed = match values::direction(balance.need("CdtDbtInd")?)? {
            Direction::Credit => money,
            Direction::Debit => Money::new(-money.minor, money.currency),
        };
        values::day(balance.need("Dt")?)?;
        let kind = balance.need("Tp")?.need("CdOrPrtry")?;
        // PRCD is the closing balance of the statement before.
        match kind.text_at(&["Cd"])? {
            Some("OPBD" | "PRCD") => {
                if self.opening.is_some_and(|known| known != signed) {
                    return Err(amount.bad(amount.text(), "is a second opening balance"));
                }
                self.opening = Some(signed);
            }
            Some("CLBD") => {
                if self.closing.is_some() {
                    return Err(amount.bad(amount.text(), "is a second closing balance"));
                }
                self.closing = Some(signed);
                self.closing_told = Some(Told {
                    place: amount.place(),
                    path: amount.path(),
                    value: amount.text().to_owned(),
                    number: signed.minor,
                    is_amount: true,
                });
            }
            // Interim, available and forward balances tell nothing to check.
            _ => {}
        }
        Ok(())
    }

    /// Marks the report as one page of several.
    pub fn set_partial(&mut self) {
        self.is_partial = true;
    }

    /// Counts an entry; `None` when the sums leave the range.
    pub fn add(&mut self, direction: Direction, minor: i64, is_booked: bool) -> Option<()> {
        self.all.add(direction, minor)?;
        if is_booked {
            self.booked.add(direction, minor)?;
        }
        Some(())
    }

    pub fn entries(&self) -> u64 {
        u64::try_from(self.all.credits.count + self.all.debits.count).unwrap_or(0)
    }

    /// Compares; tells whether the balances were among it.
    pub fn check(&self, currency: Option<Currency>) -> Result<bool, AnswerError> {
        if self.is_partial {
            return Ok(false);
        }
        let shown = |number: i64, is_amount: bool| match currency {
            Some(currency) if is_amount => Money::new(number, currency).to_string(),
            _ => number.to_string(),
        };
        let wrong = |told: &Told, found: i64, what: &str| {
            let reason = format!("does not match: {what} {}", shown(found, told.is_amount));
            Err(AnswerError::bad(
                told.place,
                &told.path,
                &told.value,
                reason,
            ))
        };
        for group in &self.groups {
            let (all, booked) = (self.all.of(group), self.booked.of(group));
            if let Some(told) = &group.count
                && ![all.count, booked.count].contains(&told.number)
            {
                return wrong(told, all.count, "the entries are");
            }
            if let Some(told) = &group.sum
                && ![all.sum_minor, booked.sum_minor].contains(&told.number)
            {
                return wrong(told, all.sum_minor, "the entries sum to");
            }
            let nets = [self.all.net_minor(), self.booked.net_minor()];
            if let Some(told) = &group.net
                && !nets.contains(&told.number)
            {
                return wrong(told, nets[0], "the entries come to");
            }
        }
        match (self.opening, self.closing, &self.closing_told) {
            (Some(opening), Some(closing), Some(told)) => {
                let net = Money::new(self.booked.net_minor(), opening.currency);
                if currency.is_some_and(|entries| entries != opening.currency) {
                    return wrong(
                        told,
                        closing.minor,
                        "the entries are in another currency than",
                    );
                }
                match opening.checked_add(net) {
                    Ok(reckoned) if reckoned == closing => Ok(true),
                    Ok(reckoned) => wrong(
                        told,
                        reckoned.minor,
                        "the opening balance and the booked entries come to",
                    ),
                    Err(error) => Err(AnswerError::bad(told.place, &told.path, &told.value, error)),
                }
            }
            _ => Ok(false),
        }
    }
}

impl Group {
    fn read(
        group: At<'_>,
        direction: Option<Direction>,
        currency: Option<Currency>,
    ) -> Result<Self, AnswerError> {
        let told = |at: At<'_>, number, is_amount| Told {
            place: at.place(),
            path: at.path(),
            value: at.text().to_owned(),
            number,
            is_amount,
        };
        let count = match group.one("NbOfNtries")? {
            Some(at) => {
                let count = i64::try_from(values::count(at)?).unwrap_or(i64::MAX);
                Some(told(at, count, false))
            }
            None => None,
        };
        let amount = |at: Option<At<'_>>| match (at, currency) {
            (Some(at), Some(currency)) => {
                let minor = values::amount(at, currency)?.minor;
                Ok::<_, AnswerError>(Some(told(at, minor, true)))
            }
            _ => Ok(None),
        };
        let sum = amount(group.one("Sum")?)?;
        // Version 02 has TtlNetNtryAmt beside CdtDbtInd, version 08 both in TtlNetNtry.
        let (net, indicator) = match group.one("TtlNetNtry")? {
            Some(net) => (net.one("Amt")?, net.one("CdtDbtInd")?),
            None => (group.one("TtlNetNtryAmt")?, group.one("CdtDbtInd")?),
        };
        let mut net = amount(net)?;
        if let Some(net) = &mut net
            && indicator.map(values::direction).transpose()? == Some(Direction::Debit)
        {
            net.number = -net.number;
        }
        Ok(Self {
            direction,
            count,
            sum,
            net,
        })
    }
}
