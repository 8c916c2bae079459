//! What the bank answers: which debits it rejected (pain.002), what moved on
//! the account (camt.054, camt.053). Bytes in, typed facts out, one at a time.
//!
//! - [`facts`]: the facts, common to all messages
//! - [`key`]: how a fact told twice is recognized
//! - [`error`]: what is wrong with a file, and where
//! - `xml`, `tree`, `values`: elements, one after the other; a small part of
//!   the file as a tree; what its texts mean
//! - `status` reads pain.002; `camt` reads both camt messages, with
//!   `head` and `transaction` for an entry's parts, `entry` to weigh them,
//!   `meaning` for what they are, `controls` for balances and sums

pub mod error;
pub mod facts;
pub mod key;

mod camt;
mod controls;
mod entry;
mod head;
mod meaning;
mod status;
mod transaction;
mod tree;
mod values;
mod xml;

use std::collections::VecDeque;
use std::io::BufRead;

use camt::Camt;
pub use error::{AnswerError, BadContent, Place};
pub use facts::{
    AccountReport, BankEntry, BankEvent, BankTime, Direction, MessageKind, Reason, References,
    Scope,
};
pub use key::{EventKey, KeyBasis};
use status::StatusReport;
use xml::{Elements, Step};

/// The messages that are read, as the end of their namespace.
const SUPPORTED: [(&str, MessageKind); 6] = [
    ("pain.002.001.03", MessageKind::StatusReport),
    ("pain.002.001.10", MessageKind::StatusReport),
    ("camt.054.001.02", MessageKind::Notification),
    ("camt.054.001.08", MessageKind::Notification),
    ("camt.053.001.02", MessageKind::Statement),
    ("camt.053.001.08", MessageKind::Statement),
];
const NAMESPACE: &str = "urn:iso:std:iso:20022:tech:xsd:";

/// Who sent the message, and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MessageHeader {
    pub message_id: String,
    pub created_at: BankTime,
}

/// Reads a bank's answer entry by entry, in memory that does not grow with the
/// file (but for 16 to 32 bytes an entry, see [`key`]).
///
/// What is wrong may show only at the end: a file that is cut off, a sum that
/// does not match. So nothing of it counts before [`Self::next_entry`] has
/// returned `None`; book in one transaction, and roll back on an error.
pub struct AnswerReader<R> {
    elements: Elements<R>,
    kind: MessageKind,
    version: &'static str,
    body: Body,
    ready: VecDeque<BankEntry>,
    done: bool,
}

enum Body {
    Camt(Box<Camt>),
    Status(Box<StatusReport>),
}

impl<R: BufRead> AnswerReader<R> {
    /// Reads up to the message's header, so that kind and id are known.
    ///
    /// # Errors
    /// When this is not one of the supported messages, or not XML at all.
    pub fn open(input: R) -> Result<Self, AnswerError> {
        let mut elements = Elements::new(input);
        let namespace = elements.open_document()?;
        let name = namespace.strip_prefix(NAMESPACE).unwrap_or_default();
        let Some(&(version, kind)) = SUPPORTED.iter().find(|(known, _)| *known == name) else {
            let known: Vec<&str> = SUPPORTED.iter().map(|(known, _)| *known).collect();
            return Err(elements.bad(
                &namespace,
                format!(
                    "is not a supported namespace; supported are {NAMESPACE} with {}",
                    known.join(", ")
                ),
            ));
        };
        let (root, body) = match kind {
            MessageKind::StatusReport => ("CstmrPmtStsRpt", Body::Status(Box::default())),
            MessageKind::Notification => (
                "BkToCstmrDbtCdtNtfctn",
                Body::Camt(Box::new(Camt::new(kind))),
            ),
            MessageKind::Statement => ("BkToCstmrStmt", Body::Camt(Box::new(Camt::new(kind)))),
        };
        match elements.next()? {
            Step::Open if elements.name() == root => {}
            Step::Open => return Err(elements.bad("", format!("{root} is expected here"))),
            _ => return Err(elements.bad("", format!("{root} is missing"))),
        }
        let mut reader = Self {
            elements,
            kind,
            version,
            body,
            ready: VecDeque::new(),
            done: false,
        };
        while reader.header().is_none() {
            reader.step()?;
        }
        Ok(reader)
    }

    pub const fn kind(&self) -> MessageKind {
        self.kind
    }

    /// Such as `camt.053.001.08`.
    pub const fn version(&self) -> &'static str {
        self.version
    }

    /// There once [`Self::open`] has returned.
    pub const fn header(&self) -> Option<&MessageHeader> {
        match &self.body {
            Body::Camt(camt) => camt.header.as_ref(),
            Body::Status(status) => status.header.as_ref(),
        }
    }

    /// The accounts read to their end so far; none in a pain.002.
    pub fn reports(&self) -> &[AccountReport] {
        match &self.body {
            Body::Camt(camt) => &camt.reports,
            Body::Status(_) => &[],
        }
    }

    /// The next fact; `None` at the end of a file that is right as a whole.
    ///
    /// # Errors
    /// Where the file is wrong. Nothing more comes after an error.
    pub fn next_entry(&mut self) -> Result<Option<BankEntry>, AnswerError> {
        loop {
            if let Some(entry) = self.ready.pop_front() {
                return Ok(Some(entry));
            }
            if self.done {
                return Ok(None);
            }
            if let Err(error) = self.step() {
                self.done = true;
                self.ready.clear();
                return Err(error);
            }
        }
    }

    fn step(&mut self) -> Result<(), AnswerError> {
        let more = match &mut self.body {
            Body::Camt(camt) => camt.step(&mut self.elements, &mut self.ready)?,
            Body::Status(status) => status.step(&mut self.elements, &mut self.ready)?,
        };
        if !more {
            self.elements.close_document()?;
            self.done = true;
        }
        Ok(())
    }
}

/// A whole answer in memory, for files known to be small.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BankAnswer {
    pub kind: MessageKind,
    /// Such as `camt.053.001.08`.
    pub version: &'static str,
    pub header: MessageHeader,
    pub reports: Vec<AccountReport>,
    pub entries: Vec<BankEntry>,
}

impl BankAnswer {
    /// # Errors
    /// As [`AnswerReader`].
    pub fn read(input: impl BufRead) -> Result<Self, AnswerError> {
        let mut reader = AnswerReader::open(input)?;
        let mut entries = Vec::new();
        while let Some(entry) = reader.next_entry()? {
            entries.push(entry);
        }
        let Some(header) = reader.header().cloned() else {
            return Err(reader.elements.bad("", "GrpHdr is missing"));
        };
        Ok(Self {
            kind: reader.kind,
            version: reader.version,
            header,
            reports: reader.reports().to_vec(),
            entries,
        })
    }
}
