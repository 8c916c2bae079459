//! camt.053 (statements) and camt.054 (notifications), versions 02 and 08:
//! they differ in the names around the entries, hardly in the entries.

use std::collections::VecDeque;
use std::io::BufRead;
use std::sync::Arc;

use super::MessageHeader;
use super::controls::Controls;
use super::entry::{Context, OpenEntry};
use super::error::AnswerError;
use super::facts::{AccountReport, BankEntry, MessageKind};
use super::head::EntryHead;
use super::key::KeyMaker;
use super::tree::{At, Tree};
use super::values;
use super::xml::{Elements, Step};
use crate::domain::money::Currency;

/// What stands before the entries of a report.
const REPORT_HEAD: [&str; 15] = [
    "Id",
    "StmtPgntn",
    "NtfctnPgntn",
    "ElctrncSeqNb",
    "RptgSeq",
    "LglSeqNb",
    "CreDtTm",
    "FrToDt",
    "CpyDplctInd",
    "RptgSrc",
    "Acct",
    "RltdAcct",
    "Intrst",
    "Bal",
    "TxsSummry",
];
/// What stands before the details of an entry.
const ENTRY_HEAD: [&str; 17] = [
    "NtryRef",
    "Amt",
    "CdtDbtInd",
    "RvslInd",
    "Sts",
    "BookgDt",
    "ValDt",
    "AcctSvcrRef",
    "Avlbty",
    "BkTxCd",
    "ComssnWvrInd",
    "AddtlInfInd",
    "AmtDtls",
    "Chrgs",
    "TechInptChanl",
    "Intrst",
    "CardTx",
];

/// Reads the inside of `BkToCstmrStmt` or `BkToCstmrDbtCdtNtfctn`.
pub struct Camt {
    kind: MessageKind,
    pub header: Option<MessageHeader>,
    pub reports: Vec<AccountReport>,
    /// Whether the message is one page of several.
    is_page: bool,
    level: Level,
    /// The head of the report under way.
    head: Tree,
    /// The entry under way, without its details.
    entry: Tree,
    /// Anything smaller.
    part: Tree,
    report: Option<OpenReport>,
    open: Option<OpenEntry>,
}

#[derive(Debug, Clone, Copy)]
enum Level {
    Message,
    Report,
    Entry,
    Details,
}

/// A report whose head is read.
struct OpenReport {
    id: String,
    /// Kind and id, for the keys of facts that nothing else names.
    name: String,
    account: Arc<str>,
    currency: Option<Currency>,
    controls: Controls,
    keys: KeyMaker,
}

impl Camt {
    pub fn new(kind: MessageKind) -> Self {
        Self {
            kind,
            header: None,
            reports: Vec::new(),
            is_page: false,
            level: Level::Message,
            head: Tree::default(),
            entry: Tree::default(),
            part: Tree::default(),
            report: None,
            open: None,
        }
    }

    const fn report_name(&self) -> &'static str {
        match self.kind {
            MessageKind::Statement => "Stmt",
            _ => "Ntfctn",
        }
    }

    /// Reads the next element; `false` at the end of the message.
    pub fn step<R: BufRead>(
        &mut self,
        elements: &mut Elements<R>,
        ready: &mut VecDeque<BankEntry>,
    ) -> Result<bool, AnswerError> {
        let step = elements.next()?;
        match (self.level, step) {
            (_, Step::End) => return Err(elements.bad("", "the file ends too early")),
            (Level::Message, Step::Open) => self.open_in_message(elements)?,
            (Level::Message, Step::Close) => {
                if self.header.is_none() || self.reports.is_empty() {
                    let name = self.report_name();
                    return Err(
                        elements.bad("", format!("GrpHdr or {name} is missing in the message"))
                    );
                }
                return Ok(false);
            }
            (Level::Report, Step::Open) => self.open_in_report(elements)?,
            (Level::Report, Step::Close) => self.close_report()?,
            (Level::Entry, Step::Open) => self.open_in_entry(elements)?,
            (Level::Entry, Step::Close) => self.close_entry(ready)?,
            (Level::Details, Step::Open) => self.open_in_details(elements, ready)?,
            (Level::Details, Step::Close) => {
                if let Some(open) = &mut self.open {
                    open.end_details()?;
                }
                self.level = Level::Entry;
            }
        }
        Ok(true)
    }

    fn open_in_message<R: BufRead>(
        &mut self,
        elements: &mut Elements<R>,
    ) -> Result<(), AnswerError> {
        match elements.name() {
            "GrpHdr" if self.header.is_some() => {
                return Err(elements.bad("", "is there twice"));
            }
            "GrpHdr" => {
                self.part.read(elements)?;
                let header = self.part.root().need("GrpHdr")?;
                if let Some(pages) = header.one("MsgPgntn")? {
                    let is_first = values::count(pages.need("PgNb")?)? == 1;
                    let is_last = values::yes_or_no(pages.need("LastPgInd")?)?;
                    self.is_page = !(is_first && is_last);
                }
                self.header = Some(read_header(header)?);
            }
            _ if self.header.is_none() => return Err(elements.bad("", "GrpHdr is expected here")),
            "SplmtryData" => elements.skip()?,
            name if name == self.report_name() => {
                self.head.begin(elements);
                self.level = Level::Report;
            }
            _ => return Err(elements.unknown()),
        }
        Ok(())
    }

    fn open_in_report<R: BufRead>(
        &mut self,
        elements: &mut Elements<R>,
    ) -> Result<(), AnswerError> {
        match elements.name() {
            "Ntry" => {
                self.read_head()?;
                self.entry.begin(elements);
                self.level = Level::Entry;
            }
            "AddtlStmtInf" | "AddtlNtfctnInf" => self.part.read(elements)?,
            name if REPORT_HEAD.contains(&name) => {
                if self.report.is_some() {
                    return Err(elements.bad("", "comes after the entries"));
                }
                self.head.add(elements)?;
            }
            _ => return Err(elements.unknown()),
        }
        Ok(())
    }

    /// Understands the head, once it is all there.
    fn read_head(&mut self) -> Result<(), AnswerError> {
        if self.report.is_some() {
            return Ok(());
        }
        let head = self.head.root();
        let id = values::id(head.need("Id")?)?;
        if let Some(created) = head.one("CreDtTm")? {
            values::time(created)?;
        }
        let account = head.need("Acct")?;
        let currency = match account.one("Ccy")? {
            Some(code) => Some(
                code.text()
                    .parse::<Currency>()
                    .map_err(|error| code.bad("", error))?,
            ),
            None => None,
        };
        let mut controls = Controls::read(head, currency)?;
        if self.is_page {
            controls.set_partial();
        }
        self.report = Some(OpenReport {
            name: format!("{}/{id}", self.report_name()),
            id,
            account: account_id(account)?.into(),
            currency,
            controls,
            keys: KeyMaker::default(),
        });
        Ok(())
    }

    fn close_report(&mut self) -> Result<(), AnswerError> {
        self.read_head()?;
        self.level = Level::Message;
        let Some(report) = self.report.take() else {
            return Ok(());
        };
        let balances_checked = report.controls.check(report.currency)?;
        self.reports.push(AccountReport {
            id: report.id,
            account: report.account,
            opening: report.controls.opening,
            closing: report.controls.closing,
            balances_checked,
            entries: report.controls.entries(),
        });
        Ok(())
    }

    fn open_in_entry<R: BufRead>(&mut self, elements: &mut Elements<R>) -> Result<(), AnswerError> {
        match elements.name() {
            "NtryDtls" => {
                self.read_entry_head()?;
                self.level = Level::Details;
            }
            "AddtlNtryInf" => self.entry.add(elements)?,
            name if ENTRY_HEAD.contains(&name) => {
                if self.open.is_some() {
                    return Err(elements.bad("", "comes after NtryDtls"));
                }
                self.entry.add(elements)?;
            }
            _ => return Err(elements.unknown()),
        }
        Ok(())
    }

    fn read_entry_head(&mut self) -> Result<(), AnswerError> {
        let Some(report) = &mut self.report else {
            return Ok(());
        };
        if self.open.is_some() {
            return Ok(());
        }
        let entry = self.entry.root();
        let head = EntryHead::read(entry)?;
        let currency = *report.currency.get_or_insert(head.amount.currency);
        if currency != head.amount.currency {
            let amount = entry.need("Amt")?;
            let reason = format!("is not in the account's currency {currency}");
            return Err(amount.bad(&head.amount.to_string(), reason));
        }
        report
            .controls
            .add(head.direction, head.amount.minor, head.is_booked)
            .ok_or_else(|| entry.bad("", "makes the sum of the entries too large"))?;
        self.open = Some(OpenEntry::new(head));
        Ok(())
    }

    fn close_entry(&mut self, ready: &mut VecDeque<BankEntry>) -> Result<(), AnswerError> {
        self.read_entry_head()?;
        self.level = Level::Report;
        if let (Some(open), Some(report)) = (self.open.take(), &mut self.report) {
            open.end(self.entry.root(), &mut report.context(ready))?;
        }
        Ok(())
    }

    fn open_in_details<R: BufRead>(
        &mut self,
        elements: &mut Elements<R>,
        ready: &mut VecDeque<BankEntry>,
    ) -> Result<(), AnswerError> {
        let (Some(open), Some(report)) = (&mut self.open, &mut self.report) else {
            return Err(elements.unknown());
        };
        match elements.name() {
            name @ ("Btch" | "TxDtls") => {
                let is_batch = name == "Btch";
                self.part.read(elements)?;
                let root = self.part.root();
                if is_batch {
                    open.set_batch(root.need("Btch")?)
                } else if let Some(details) = root.one("TxDtls")? {
                    open.add(details, &mut report.context(ready))
                } else {
                    Ok(())
                }
            }
            _ => Err(elements.unknown()),
        }
    }
}

impl OpenReport {
    fn context<'a>(&'a mut self, ready: &'a mut VecDeque<BankEntry>) -> Context<'a> {
        Context {
            account: &self.account,
            report: &self.name,
            keys: &mut self.keys,
            ready,
        }
    }
}

/// Reads `GrpHdr`.
pub fn read_header(header: At<'_>) -> Result<MessageHeader, AnswerError> {
    Ok(MessageHeader {
        message_id: values::id(header.need("MsgId")?)?,
        created_at: values::time(header.need("CreDtTm")?)?,
    })
}

/// An account's IBAN, or what stands for it.
fn account_id(account: At<'_>) -> Result<String, AnswerError> {
    let id = account.need("Id")?;
    if let Some(iban) = id.one("IBAN")? {
        let text = iban.text();
        // ISO 13616: country, check digits, up to 30 letters and digits.
        let is_sound = (15..=34).contains(&text.len())
            && text
                .bytes()
                .all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
            && text.bytes().take(2).all(|byte| byte.is_ascii_uppercase())
            && text
                .bytes()
                .skip(2)
                .take(2)
                .all(|byte| byte.is_ascii_digit());
        return if is_sound {
            Ok(text.to_owned())
        } else {
            Err(iban.bad(text, "is not an IBAN"))
        };
    }
    match id.at(&["Othr", "Id"])? {
        Some(other) if !other.text().is_empty() => values::id(other),
        _ => Err(id.bad("", "IBAN is missing")),
    }
}
