//! pain.002, versions 03 and 10: what the bank did with a file of debits.

use std::collections::VecDeque;
use std::io::BufRead;

use super::MessageHeader;
use super::camt::read_header;
use super::error::{AnswerError, Place};
use super::facts::{BankEntry, BankEvent, Reason, References, Scope};
use super::key::{KeyBasis, KeyMaker};
use super::transaction::add_reason;
use super::tree::{At, Tree};
use super::values;
use super::xml::{Elements, Step};
use crate::domain::money::Money;

const REJECTED: &str = "RJCT";
/// Taken in, or on its way (`ExternalPaymentTransactionStatus1Code`,
/// `ExternalPaymentGroupStatus1Code`, `TransactionGroupStatus3Code`).
const ACKNOWLEDGED: [&str; 15] = [
    "ACCC", "ACCP", "ACFC", "ACIS", "ACPD", "ACSC", "ACSP", "ACTC", "ACWC", "ACWP", "PART", "PATC",
    "PDNG", "PRES", "RCVD",
];
/// Stopped in another way: cancelled, blocked, cash taken otherwise.
const STOPPED: [&str; 3] = ["BLCK", "CANC", "CPUC"];

const BLOCK_HEAD: [&str; 6] = [
    "OrgnlPmtInfId",
    "OrgnlNbOfTxs",
    "OrgnlCtrlSum",
    "PmtInfSts",
    "StsRsnInf",
    "NbOfTxsPerSts",
];

/// Reads the inside of `CstmrPmtStsRpt`.
#[derive(Default)]
pub struct StatusReport {
    pub header: Option<MessageHeader>,
    group: Option<Level>,
    block: Option<Level>,
    is_in_block: bool,
    block_head: Tree,
    part: Tree,
    keys: KeyMaker,
    /// Listed rejections of all blocks.
    rejected: Tally,
    /// Whether a block was rejected whole: its debits need not be listed.
    has_whole_block: bool,
}

/// The file or a block, with its own status.
struct Level {
    place: Place,
    scope: Scope,
    references: References,
    status: Option<String>,
    reason: Reason,
    /// Whether the file was a pain.008 at all.
    is_ours: bool,
    words: String,
    listed: u64,
    rejected: Tally,
    told: Option<Told>,
}

/// Rejections that were listed.
#[derive(Debug, Clone, Copy, Default)]
struct Tally {
    count: u64,
    sum_minor: i64,
    /// Those without an amount.
    unknown: u64,
}

/// What `NbOfTxsPerSts` says of the rejected ones.
struct Told {
    place: Place,
    path: String,
    count: u64,
    sum: Option<Money>,
}

impl Told {
    fn read(parent: At<'_>) -> Result<Option<Self>, AnswerError> {
        let mut told = None;
        for group in parent.all("NbOfTxsPerSts") {
            let status = group.need("DtldSts")?;
            known(status)?;
            let count = values::count(group.need("DtldNbOfTxs")?)?;
            let sum = group.one("DtldCtrlSum")?;
            // SEPA direct debits are in euros.
            let sum = sum
                .map(|sum| values::amount(sum, crate::domain::money::Currency::Eur))
                .transpose()?;
            if status.text() == REJECTED {
                told = Some(Self {
                    place: group.place(),
                    path: group.path(),
                    count,
                    sum,
                });
            }
        }
        Ok(told)
    }

    fn check(&self, listed: Tally) -> Result<(), AnswerError> {
        let bad = |name, value: String, found: String| {
            let path = format!("{}/{name}", self.path);
            let reason = format!("does not match: the rejected transactions {found}");
            Err(AnswerError::bad(self.place, &path, &value, reason))
        };
        if self.count != listed.count {
            let found = format!("listed are {}", listed.count);
            return bad("DtldNbOfTxs", self.count.to_string(), found);
        }
        match self.sum {
            Some(sum) if listed.unknown == 0 && sum.minor != listed.sum_minor => {
                let listed = Money::new(listed.sum_minor, sum.currency);
                bad("DtldCtrlSum", sum.to_string(), format!("sum to {listed}"))
            }
            _ => Ok(()),
        }
    }
}

impl StatusReport {
    /// Reads the next element; `false` at the end of the message.
    pub fn step<R: BufRead>(
        &mut self,
        elements: &mut Elements<R>,
        ready: &mut VecDeque<BankEntry>,
    ) -> Result<bool, AnswerError> {
        match (elements.next()?, self.is_in_block) {
            (Step::End, _) => return Err(elements.bad("", "the file ends too early")),
            (Step::Open, false) => self.open_in_message(elements)?,
            (Step::Open, true) => self.open_in_block(elements, ready)?,
            (Step::Close, true) => self.close_block(ready)?,
            (Step::Close, false) => {
                let (Some(group), Some(_)) = (self.group.take(), &self.header) else {
                    return Err(
                        elements.bad("", "GrpHdr or OrgnlGrpInfAndSts is missing in the message")
                    );
                };
                let is_whole = group.status.as_deref() == Some(REJECTED);
                if let Some(told) = &group.told
                    && !is_whole
                    && !self.has_whole_block
                {
                    told.check(self.rejected)?;
                }
                self.tell_level(group, ready);
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn open_in_message<R: BufRead>(
        &mut self,
        elements: &mut Elements<R>,
    ) -> Result<(), AnswerError> {
        match (elements.name(), &self.header, &self.group) {
            ("GrpHdr", None, _) => {
                self.part.read(elements)?;
                self.header = Some(read_header(self.part.root().need("GrpHdr")?)?);
            }
            ("OrgnlGrpInfAndSts", Some(_), None) => {
                self.part.read(elements)?;
                let group = self.part.root().need("OrgnlGrpInfAndSts")?;
                let name = group.need("OrgnlMsgNmId")?.text();
                let references = References {
                    message_id: Some(values::id(group.need("OrgnlMsgId")?)?),
                    ..References::default()
                };
                self.group = Some(Level {
                    is_ours: name.starts_with("pain.008"),
                    ..Level::read(group, "GrpSts", Scope::Message, references)?
                });
            }
            ("OrgnlPmtInfAndSts", Some(_), Some(_)) => {
                self.block_head.begin(elements);
                self.is_in_block = true;
            }
            ("SplmtryData", Some(_), Some(_)) => elements.skip()?,
            ("GrpHdr" | "OrgnlGrpInfAndSts", Some(_), _) => {
                return Err(elements.bad("", "is there twice"));
            }
            (_, None, _) => return Err(elements.bad("", "GrpHdr is expected here")),
            (_, _, None) => return Err(elements.bad("", "OrgnlGrpInfAndSts is expected here")),
            _ => return Err(elements.unknown()),
        }
        Ok(())
    }

    fn open_in_block<R: BufRead>(
        &mut self,
        elements: &mut Elements<R>,
        ready: &mut VecDeque<BankEntry>,
    ) -> Result<(), AnswerError> {
        match elements.name() {
            "TxInfAndSts" => {
                self.read_block()?;
                self.part.read(elements)?;
                self.transaction(ready)
            }
            name if BLOCK_HEAD.contains(&name) => {
                if self.block.is_some() {
                    return Err(elements.bad("", "comes after the transactions"));
                }
                self.block_head.add(elements)
            }
            _ => Err(elements.unknown()),
        }
    }

    fn read_block(&mut self) -> Result<(), AnswerError> {
        if self.block.is_some() {
            return Ok(());
        }
        let head = self.block_head.root();
        let mut references = References {
            block_id: Some(values::id(head.need("OrgnlPmtInfId")?)?),
            ..References::default()
        };
        let mut is_ours = false;
        if let Some(group) = &self.group {
            references
                .message_id
                .clone_from(&group.references.message_id);
            is_ours = group.is_ours;
        }
        self.block = Some(Level {
            is_ours,
            ..Level::read(head, "PmtInfSts", Scope::Block, references)?
        });
        Ok(())
    }

    fn close_block(&mut self, ready: &mut VecDeque<BankEntry>) -> Result<(), AnswerError> {
        self.read_block()?;
        self.is_in_block = false;
        let Some(block) = self.block.take() else {
            return Ok(());
        };
        if block.status.as_deref() == Some(REJECTED) {
            self.has_whole_block = true;
        } else if let Some(told) = &block.told {
            told.check(block.rejected)?;
        }
        self.tell_level(block, ready);
        Ok(())
    }

    fn transaction(&mut self, ready: &mut VecDeque<BankEntry>) -> Result<(), AnswerError> {
        let (Some(group), Some(block)) = (&mut self.group, &mut self.block) else {
            return Ok(());
        };
        let Some(tx) = self.part.root().one("TxInfAndSts")? else {
            return Ok(());
        };
        let mut reason = Reason::default();
        for information in tx.all("StsRsnInf") {
            add_reason(&mut reason, information)?;
        }
        // What is not said of a debit holds for it when it holds for the whole.
        let whole = |level: &Level| level.status.clone().filter(|status| status != "PART");
        let status = match tx.one("TxSts")? {
            Some(status) => Some(known(status)?),
            None => whole(block).or_else(|| whole(group)),
        };
        let amount = tx
            .at(&["OrgnlTxRef", "Amt", "InstdAmt"])?
            .map(values::money)
            .transpose()?;
        let collect_on = tx
            .at(&["OrgnlTxRef", "ReqdColltnDt"])?
            .map(values::date)
            .transpose()?;
        block.listed += 1;
        if status.as_deref() == Some(REJECTED) {
            for tally in [&mut block.rejected, &mut self.rejected] {
                tally.count += 1;
                match amount {
                    None => tally.unknown += 1,
                    Some(amount) => {
                        tally.sum_minor = tally
                            .sum_minor
                            .checked_add(amount.minor)
                            .ok_or_else(|| tx.bad("", "makes the sum too large"))?;
                    }
                }
            }
        }
        let references = References {
            instruction_id: values::optional_id(tx, &["OrgnlInstrId"])?,
            end_to_end_id: values::optional_id(tx, &["OrgnlEndToEndId"])?,
            mandate_id: values::optional_id(tx, &["OrgnlTxRef", "MndtRltdInf", "MndtId"])?,
            bank_reference: match values::optional_id(tx, &["AcctSvcrRef"])? {
                Some(reference) => Some(reference),
                None => values::optional_id(tx, &["StsId"])?,
            },
            ..block.references.clone()
        };
        let is_named = references.end_to_end_id.is_some() || references.instruction_id.is_some();
        let told = Level {
            place: tx.place(),
            scope: Scope::Transaction,
            references,
            status,
            reason,
            is_ours: block.is_ours,
            words: tx.words(),
            listed: 0,
            rejected: Tally::default(),
            told: None,
        };
        let why = if is_named { "" } else { "names no debit" };
        self.tell(told, why, (amount, collect_on), ready);
        Ok(())
    }

    /// The status of the file or a block. It comes after those of its debits,
    /// whose reasons say more.
    fn tell_level(&mut self, level: Level, ready: &mut VecDeque<BankEntry>) {
        // Nothing is said of it itself.
        if level.status.is_none()
            && level.reason == Reason::default()
            && level.scope == Scope::Message
        {
            return;
        }
        if level.status.is_none() && level.listed > 0 && level.reason == Reason::default() {
            return;
        }
        self.tell(level, "", (None, None), ready);
    }

    fn tell(
        &mut self,
        level: Level,
        why: &'static str,
        (amount, collect_on): (Option<Money>, Option<chrono::NaiveDate>),
        ready: &mut VecDeque<BankEntry>,
    ) {
        let references = level.references;
        let scope = match level.scope {
            Scope::Message => "message",
            Scope::Block => "block",
            Scope::Transaction => "transaction",
        };
        let debit = references
            .end_to_end_id
            .as_deref()
            .or(references.instruction_id.as_deref());
        let basis = match level.scope {
            Scope::Transaction if debit.is_some() => KeyBasis::Debit,
            Scope::Transaction => KeyBasis::Report,
            Scope::Message | Scope::Block => KeyBasis::Booking,
        };
        let key = self.keys.key(
            basis,
            &[
                Some("status"),
                Some(scope),
                references.message_id.as_deref(),
                references.block_id.as_deref(),
                debit.or(references.bank_reference.as_deref()),
                level.status.as_deref(),
                level.reason.code.as_deref(),
            ],
        );
        let other = |why, words| BankEvent::Other {
            direction: None,
            amount,
            why,
            text: words,
        };
        let event = match level.status.as_deref() {
            _ if !level.is_ours => other("answers a file that is no direct debit", level.words),
            _ if !why.is_empty() => other(why, level.words),
            None => other("has no status", level.words),
            Some(REJECTED) => BankEvent::Rejected {
                scope: level.scope,
                reason: level.reason,
                amount,
                collect_on,
            },
            Some(status) if STOPPED.contains(&status) => {
                other("was stopped, but not rejected", level.words)
            }
            Some(status) => BankEvent::Acknowledged {
                scope: level.scope,
                status: status.to_owned(),
            },
        };
        ready.push_back(BankEntry {
            place: level.place,
            key,
            account: None,
            booked_on: None,
            value_on: None,
            is_reversal: false,
            references,
            event,
        });
    }
}

impl Level {
    fn read(
        at: At<'_>,
        status: &str,
        scope: Scope,
        references: References,
    ) -> Result<Self, AnswerError> {
        let mut reason = Reason::default();
        for information in at.all("StsRsnInf") {
            add_reason(&mut reason, information)?;
        }
        Ok(Self {
            place: at.place(),
            scope,
            references,
            status: at.one(status)?.map(known).transpose()?,
            reason,
            is_ours: true,
            words: at.words(),
            listed: 0,
            rejected: Tally::default(),
            told: Told::read(at)?,
        })
    }
}

/// A status that is known.
fn known(status: At<'_>) -> Result<String, AnswerError> {
    let text = status.text();
    if text == REJECTED || ACKNOWLEDGED.contains(&text) || STOPPED.contains(&text) {
        Ok(text.to_owned())
    } else {
        Err(status.bad(text, "is not a known status such as RJCT, PART or ACCP"))
    }
}
