//! What the bank answers, booked: a file as a whole, in one transaction.
//!
//! - [`read`]: the file, parsed ahead on a thread of its own
//! - [`fact`]: one entry of it, and where it leads
//! - [`held`]: debits as they stand, by the thousand
//! - [`desk`]: facts about single debits, decided
//! - [`singles`]: a chunk of them after the other
//! - [`block`]: facts about payment blocks and whole files
//! - [`report`]: what became of it all
//!
//! A cut-off file or a wrong sum shows only at the end, so the transaction is
//! committed after the reader's last word and taken back on an error. One import
//! works at a time; each fact has one key in whichever file it stands, and one
//! that is known changes nothing.

mod block;
mod desk;
mod fact;
mod held;
mod read;
pub mod report;
mod singles;

use std::path::Path;
use std::sync::Arc;

use rustc_hash::FxHashSet;

use crate::domain::ids::AttemptId;
use crate::domain::invoice::InvoiceNumber;
use crate::domain::ledger::LedgerError;
use crate::domain::money::MoneyError;
use crate::domain::payment::allocation::AllocationError;
use crate::domain::sepa::iban::IbanText;
use crate::domain::sepa::matching::Problem;
use crate::engine::run::Engine;
use crate::on;
use crate::providers::sepa::answers::{AnswerError, KeyBasis, MessageKind, Place};
use crate::store::rows::{BankFile, ByPerson, FactKey, FileDigest, UnmatchedFact};
use crate::store::{Store, StoreError, Tx};
use crate::vault::archive::{self, ArchiveError};
use crate::vault::{Vault, VaultError};

use desk::{Booking, Desk, Progress};
use fact::Fact;
pub use report::{ImportReport, Outcome, Sum, Unmatched};

/// How often an import that collided with another process is tried.
const TRIES_MAX: u32 = 5;
/// From here on SQLite's log is folded back.
const ENTRIES_LARGE: u64 = 20_000;

/// Why a file is not imported, or a fact not closed. Nothing is booked then.
#[derive(Debug, thiserror::Error)]
pub enum BankError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("the file cannot be read: {0}")]
    Read(#[from] std::io::Error),
    #[error(transparent)]
    Answer(#[from] AnswerError),
    #[error(transparent)]
    Vault(#[from] VaultError),
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    #[error("no direct debits are collected: quittance.toml has no [sepa]")]
    NoSepa,
    #[error(
        "{place}: is of the account {account}, and ours is {own}: nothing of the file is booked"
    )]
    OtherAccount {
        place: String,
        account: IbanText,
        own: IbanText,
    },
    #[error("the debit {debit} of a block that fits cannot be booked: {problem}")]
    InBlock { debit: AttemptId, problem: Problem },
    #[error("the file was changed while it was read: import it again")]
    Changed,
    #[error("{number}: {source}")]
    Balance {
        number: InvoiceNumber,
        source: AllocationError,
    },
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    #[error(transparent)]
    Sum(#[from] MoneyError),
    #[error("the import collided with another process {tries} times: import the file again")]
    Collided { tries: u32, source: StoreError },
    #[error("the reading thread stopped without a word")]
    Worker,
    #[error("no fact that waits for a person has the key {0}")]
    NotUnmatched(String),
}

impl BankError {
    fn other_account(place: Place, account: &str, own: &IbanText) -> Self {
        Self::OtherAccount {
            place: place.to_string(),
            account: IbanText::new(account),
            own: own.clone(),
        }
    }
}

/// Is told how many bytes of the file were read.
pub trait ReadProgress: Send + Sync {
    fn read(&self, bytes: u64);
}

impl Engine {
    /// Imports what the bank answered: all of the file, or nothing. A file that
    /// was imported before changes nothing.
    ///
    /// # Errors
    /// Where the file is wrong, is of another account than the creditor's, or
    /// when the database refuses.
    pub async fn import_bank_answer(
        &self,
        path: &Path,
        progress: Arc<dyn ReadProgress>,
    ) -> Result<ImportReport, BankError> {
        let own = &self
            .config
            .sepa
            .as_ref()
            .ok_or(BankError::NoSepa)?
            .creditor
            .iban;
        let digest = read::digest(path)?;
        self.archive_answer(path, &digest)?;
        let mut tries = 0;
        loop {
            tries += 1;
            match self.import_once(path, &digest, own, &progress).await {
                Err(BankError::Store(source)) if source.is_race() => {
                    if tries == TRIES_MAX {
                        return Err(BankError::Collided { tries, source });
                    }
                }
                Err(error) => return Err(error),
                Ok(report) => {
                    // SQLite's log stays as large as the import was.
                    if report.entries >= ENTRIES_LARGE && self.store.has_single_writer() {
                        self.store.settle_after_import().await?;
                    }
                    return Ok(report);
                }
            }
        }
    }

    async fn import_once(
        &self,
        path: &Path,
        digest: &FileDigest,
        own: &IbanText,
        progress: &Arc<dyn ReadProgress>,
    ) -> Result<ImportReport, BankError> {
        let (head, reader) = read::open(path)?;
        let mut tx = self.store.begin().await?;
        on!(&mut tx, conn, q => q::hold_bank_files(conn).await)?;
        if let Some(before) = on!(&mut tx, conn, q => q::find_bank_file(conn, digest).await)? {
            tx.rollback().await?;
            return Ok(ImportReport::of_known(before));
        }
        let file = BankFile {
            digest: *digest,
            kind: head.kind_code().to_owned(),
            version: head.version.to_owned(),
            message_id: head.message_id.clone(),
            imported_at: self.clock.now(),
            entries: 0,
        };
        on!(&mut tx, conn, q => q::insert_bank_file(conn, &file).await)?;
        let mut import = Import {
            store: self.store.clone(),
            kind: head.kind,
            desk: Desk::new(file.digest, file.imported_at),
            progress: Progress::new(file),
            pending: None,
        };
        let (mut chunks, reading) = read::ahead(reader, own.clone(), *digest, progress);
        while let Some(chunk) = chunks.recv().await {
            import = import.chunk(&mut tx, chunk).await?;
        }
        let account = reading.await.map_err(|_| BankError::Worker)??;
        import.flush(&mut tx).await?;
        import.retry_waiting(&mut tx).await?;
        let mut report = import.progress.report;
        report.account = account;
        let entries = i64::try_from(report.entries).map_err(|_| MoneyError::Overflow)?;
        report.file.entries = entries;
        on!(&mut tx, conn, q => q::count_entries(conn, digest, entries).await)?;
        tx.commit().await?;
        Ok(report)
    }

    /// Seals the file into the archive, under its digest, before anything of it is
    /// booked: no transaction waits for it. One that is refused then stays there,
    /// as the bank sent it; one that was imported before is there already.
    fn archive_answer(&self, path: &Path, digest: &FileDigest) -> Result<(), BankError> {
        let sepa = self.config.sepa.as_ref().ok_or(BankError::NoSepa)?;
        let vault = Vault::open(self.config.vault.as_ref())?;
        let digest: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        let name = format!("answer-{digest}");
        let archived = archive::path_of(&sepa.archive, &name);
        let mut file = std::fs::File::open(path)?;
        match archive::seal_to(&archived, &mut file, &vault, &name) {
            Ok(_) | Err(ArchiveError::Exists(_)) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// The facts that wait for a person, the oldest file first.
    ///
    /// # Errors
    /// When the database refuses, or holds what no version writes.
    pub async fn unmatched_facts(&self, limit: i64) -> Result<Vec<UnmatchedFact>, BankError> {
        let mut tx = self.store.snapshot().await?;
        let facts = on!(&mut tx, conn, q => q::unmatched_facts(conn, limit).await)?;
        tx.rollback().await?;
        Ok(facts)
    }

    /// Records that a person has dealt with a fact.
    ///
    /// # Errors
    /// When no such fact waits, or the database refuses.
    pub async fn close_fact(&self, key: &FactKey, by: ByPerson<'_>) -> Result<(), BankError> {
        let name = report::key_text(key);
        let now = self.clock.now();
        let mut tx = self.store.begin().await?;
        if !on!(&mut tx, conn, q => q::close_fact(conn, key).await)? {
            return Err(BankError::NotUnmatched(name));
        }
        on!(&mut tx, conn, q => {
            q::write_house_audit(conn, by, "bank_fact_closed", &name, now).await
        })?;
        tx.commit().await?;
        Ok(())
    }
}

/// An import under way.
struct Import {
    store: Store,
    kind: MessageKind,
    desk: Desk,
    progress: Progress,
    /// What was decided and is not written yet.
    pending: Option<Booking>,
}

impl Import {
    /// Books the entries of a chunk, in their order.
    async fn chunk(mut self, tx: &mut Tx, facts: Vec<Fact>) -> Result<Self, BankError> {
        let read = u64::try_from(facts.len()).map_err(|_| MoneyError::Overflow)?;
        let report = &mut self.progress.report;
        report.entries = report.entries.saturating_add(read);
        let keys: Vec<FactKey> = facts.iter().map(|fact| fact.entry.key.digest).collect();
        let known = on!(&mut *tx, conn, q => q::known_facts(conn, &keys).await)?;
        let mut seen: FxHashSet<FactKey> = known.into_iter().collect();
        if let Some(pending) = &self.pending {
            seen.extend(pending.keys());
        }
        let mut singles = Vec::with_capacity(facts.len());
        for fact in facts {
            // Told again in the statement, where it cannot be recognized.
            if fact.entry.key.basis == KeyBasis::Report && self.kind == MessageKind::Notification {
                self.progress.report.left_to_statement += 1;
            } else if !seen.insert(fact.entry.key.digest) {
                self.progress.report.known += 1;
            } else if fact.is_about_block() {
                let before = std::mem::take(&mut singles);
                self = self.singles(tx, before).await?;
                self.block_fact(tx, fact).await?;
            } else {
                singles.push(fact);
            }
        }
        self.singles(tx, singles).await
    }
}
