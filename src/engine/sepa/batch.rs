//! A file of what waits. It is archived, sealed, before it is recorded, and
//! recorded before anyone gets it: a process that dies in between leaves a sealed
//! file that nothing knows of, never a file for the bank that nothing knows of.

use std::fs::{self, OpenOptions};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use chrono::{DateTime, NaiveDate, Utc};
use rustc_hash::FxHashMap;

use super::due::{self, Known, Waiting};
use super::{SepaError, archive_context, refuse_existing};
use crate::chance::Chance;
use crate::domain::ids::AttemptId;
use crate::domain::invoice::InvoiceNumber;
use crate::domain::invoice::fingerprint::Digest;
use crate::domain::payment::{AttemptEvent, AttemptState};
use crate::domain::sepa::check::{Checked, check};
use crate::domain::sepa::collection::{NotCollected, Submission, collect};
use crate::domain::sepa::message::{Message, Scheme, SequenceType};
use crate::domain::sepa::standing::Obstacle;
use crate::engine::run::Engine;
use crate::on;
use crate::providers::sepa::pain008;
use crate::store::Tx;
use crate::store::rows::{AttemptChange, BatchState, NewBatch, NewDebit, StoredBatch};
use crate::vault::archive::{ArchiveWriter, open_to};
use crate::vault::{Vault, VaultError};

/// A file that was made, or would be. Amounts are in cents.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BatchMade {
    /// The message's id; `None` when there was nothing to collect.
    pub id: Option<String>,
    pub version: &'static str,
    pub submit_on: NaiveDate,
    pub debits: usize,
    pub sum_minor: i64,
    pub blocks: Vec<BlockMade>,
    /// Debits that cannot be collected.
    pub left_out: Vec<LeftOutDebit>,
}

/// Debits of one scheme and sequence type on one date.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlockMade {
    pub id: String,
    pub sequence: SequenceType,
    pub scheme: Scheme,
    pub collect_on: NaiveDate,
    pub debits: usize,
    pub sum_minor: i64,
}

/// A debit that is not in the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftOutDebit {
    pub attempt: AttemptId,
    /// The platform's id of the account.
    pub external_id: String,
    pub number: InvoiceNumber,
    pub reason: String,
    pub fate: LeftOutFate,
}

/// What becomes of a debit that is left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LeftOutFate {
    /// It can never be collected as it is: its attempt is withdrawn, and
    /// collecting decides anew what is charged by what.
    Withdrawn,
    /// Somebody can mend what keeps it out, and the next file has it. Were it
    /// withdrawn, collecting would only make the same again, while the days that
    /// lead to a suspension went by for a fault that is not the customer's.
    Waits,
}

/// Why a debit is left out.
#[derive(Debug, thiserror::Error)]
pub enum LeftOutReason {
    #[error(transparent)]
    Obstacle(#[from] Obstacle),
    #[error(transparent)]
    NotCollected(#[from] NotCollected),
    #[error("its account number does not open: {0}")]
    Sealed(#[from] VaultError),
    #[error("its account number is no text")]
    NotText,
    #[error("it is to be collected by a mandate, of a debtor, that is not there")]
    NoMandate,
}

impl LeftOutReason {
    const fn fate(&self) -> LeftOutFate {
        match self {
            Self::Obstacle(_) | Self::NotCollected(NotCollected::Mandate(_)) => {
                LeftOutFate::Withdrawn
            }
            Self::NotCollected(NotCollected::Refused(_))
            | Self::Sealed(_)
            | Self::NotText
            | Self::NoMandate => LeftOutFate::Waits,
        }
    }
}

/// What is decided, before anything is written.
struct Planned {
    submission: Submission,
    checked: Option<Checked>,
    left_out: Vec<(Known, LeftOutReason)>,
    /// What the debits of the message are of.
    known: FxHashMap<AttemptId, Known>,
}

impl Engine {
    /// What a file would be now; nothing is written.
    ///
    /// # Errors
    /// When the bank would refuse it as a whole, or the database refuses.
    pub async fn plan_batch(
        &self,
        collect_from: Option<NaiveDate>,
    ) -> Result<BatchMade, SepaError> {
        let planned = self.planned(collect_from).await?;
        Ok(self.told(&planned))
    }

    /// Makes a file of every direct debit that waits, and puts it at `out` for the
    /// bank. Nothing is sent: it waits to be released or canceled.
    ///
    /// # Errors
    /// As [`Self::plan_batch`], and when another file was made of the same debits
    /// at the same time, or `out` is there already. Only
    /// [`SepaError::OutAfter`] leaves a batch.
    pub async fn make_batch(
        &self,
        collect_from: Option<NaiveDate>,
        out: Option<&Path>,
    ) -> Result<BatchMade, SepaError> {
        if let Some(out) = out {
            refuse_existing(out)?;
        }
        let planned = self.planned(collect_from).await?;
        match &planned.checked {
            Some(checked) => {
                let id = &planned.submission.message_id;
                let digest = self.archive_message(checked)?;
                let recorded = self.record(&planned, Some((checked, digest))).await;
                if matches!(recorded, Err(SepaError::Raced)) {
                    // Nothing knows of the file. After any other error, such as
                    // a connection lost in the commit, something may.
                    let path = self.archived_batch(id)?;
                    fs::remove_file(&path).map_err(|source| SepaError::Out {
                        path: path.display().to_string(),
                        source,
                    })?;
                }
                recorded?;
                if let Some(out) = out {
                    self.put_out(id, digest, out)
                        .map_err(|source| SepaError::OutAfter {
                            id: id.clone(),
                            source: Box::new(source),
                        })?;
                }
            }
            None => self.record(&planned, None).await?,
        }
        Ok(self.told(&planned))
    }

    /// Gets the file of a batch out of the archive, readable by its owner alone.
    ///
    /// # Errors
    /// When there is no such batch, it was canceled, its file is not the one that
    /// was made, or `out` is there already.
    pub async fn batch_file(&self, id: &str, out: &Path) -> Result<(), SepaError> {
        refuse_existing(out)?;
        let batch = self.standing_batch(id).await?;
        self.put_out(id, batch.digest, out)
    }

    /// The file of a batch, as it goes to the bank.
    ///
    /// # Errors
    /// When there is no such batch, it was canceled, or its file is not the one that
    /// was made.
    pub async fn batch_content(&self, id: &str) -> Result<Vec<u8>, SepaError> {
        let batch = self.standing_batch(id).await?;
        let vault = Vault::open(self.config.vault.as_ref())?;
        let archived = self.archived_batch(id)?;
        let mut content = Vec::new();
        let found = open_to(&archived, &mut content, &vault, &archive_context(id))?;
        if found != batch.digest {
            return Err(SepaError::OtherDigest(batch.id));
        }
        Ok(content)
    }

    /// A batch that was not taken back.
    async fn standing_batch(&self, id: &str) -> Result<StoredBatch, SepaError> {
        let batch = self.batch(id).await?;
        if batch.state == BatchState::Canceled {
            return Err(SepaError::NotMade {
                id: batch.id,
                state: batch.state,
                wanted: "sent to a bank",
            });
        }
        Ok(batch)
    }

    async fn planned(&self, collect_from: Option<NaiveDate>) -> Result<Planned, SepaError> {
        let sepa = self.sepa_settings()?;
        let vault = Vault::open(self.config.vault.as_ref())?;
        let now = self.clock.now();
        let submit_on = self.clock.today(self.config.zone());
        if let Some(from) = collect_from.filter(|from| *from < submit_on) {
            return Err(SepaError::CollectInPast(from));
        }
        let submission = Submission {
            message_id: message_id(now.0, &self.chance)?,
            created_at: now,
            submit_on,
            collect_from,
        };
        let mut tx = self.store.snapshot().await?;
        let Waiting {
            debits,
            mut known,
            mut left_out,
        } = due::load(&mut tx, sepa, &vault).await?;
        tx.rollback().await?;
        let collection = collect(&sepa.creditor, debits, sepa.policy, &submission)?;
        for debit in collection.left_out {
            let known = known.remove(&attempt_of(&debit.id)?);
            let known = known.ok_or(SepaError::UnknownDebit(debit.id))?;
            left_out.push((known, debit.reason.into()));
        }
        let checked = collection
            .message
            .map(|message| check(message, submit_on))
            .transpose()
            .map_err(SepaError::Refused)?;
        Ok(Planned {
            submission,
            checked,
            left_out,
            known,
        })
    }

    fn archive_message(&self, checked: &Checked) -> Result<Digest, SepaError> {
        let sepa = self.sepa_settings()?;
        let vault = Vault::open(self.config.vault.as_ref())?;
        let id = &checked.message().id;
        let path = self.archived_batch(id)?;
        let mut writer = ArchiveWriter::create(&path, &vault, &archive_context(id))?;
        pain008::write(checked, sepa.version, &mut writer).map_err(|source| SepaError::Out {
            path: path.display().to_string(),
            source,
        })?;
        Ok(writer.finish()?)
    }

    /// Records a file with its debits, and withdraws what is left out, in one
    /// transaction.
    async fn record(
        &self,
        planned: &Planned,
        file: Option<(&Checked, Digest)>,
    ) -> Result<(), SepaError> {
        if file.is_none() && planned.withdrawn().next().is_none() {
            return Ok(());
        }
        let mut tx = self.store.begin().await?;
        let recorded = self.record_in(&mut tx, planned, file).await;
        match recorded {
            Ok(()) => Ok(tx.commit().await?),
            Err(SepaError::Store(error)) if error.is_race() => Err(SepaError::Raced),
            Err(error) => Err(error),
        }
    }

    async fn record_in(
        &self,
        tx: &mut Tx,
        planned: &Planned,
        file: Option<(&Checked, Digest)>,
    ) -> Result<(), SepaError> {
        let now = planned.submission.created_at;
        if let Some((checked, digest)) = file {
            let sepa = self.sepa_settings()?;
            let message = checked.message();
            let debits = rows_of(message, &planned.known)?;
            let new = NewBatch {
                id: &message.id,
                version: sepa.version.code(),
                submit_on: planned.submission.submit_on,
                created_at: now,
                debits: i64::try_from(debits.len()).map_err(|_| SepaError::Count)?,
                sum_minor: message.control_sum_minor,
                digest,
                creditor_name: &message.creditor.name,
                creditor_id: &message.creditor.identifier,
            };
            on!(&mut *tx, conn, q => q::insert_batch(conn, new, &debits).await)?;
        }
        let before = AttemptState::Created;
        let after = before.clone().apply(&AttemptEvent::Withdrawn)?;
        let changes: Vec<AttemptChange> = planned
            .withdrawn()
            .map(|known| AttemptChange {
                account: known.account,
                id: known.attempt,
                before: before.code(),
                after: after.clone(),
                reference: None,
            })
            .collect();
        if changes.is_empty() {
            return Ok(());
        }
        let ids: Vec<AttemptId> = changes.iter().map(|change| change.id).collect();
        on!(&mut *tx, conn, q => q::lock_accounts_of(conn, &ids).await)?;
        on!(&mut *tx, conn, q => q::change_attempts(conn, &changes, now).await)?;
        Ok(())
    }

    /// Writes the archived file to where it is asked for. A file of which only a
    /// part could be written is taken away again.
    fn put_out(&self, id: &str, digest: Digest, out: &Path) -> Result<(), SepaError> {
        let shown = out.display().to_string();
        let failed = |source: std::io::Error| {
            let path = shown.clone();
            if source.kind() == std::io::ErrorKind::AlreadyExists {
                SepaError::OutExists(path)
            } else {
                SepaError::Out { path, source }
            }
        };
        let vault = Vault::open(self.config.vault.as_ref())?;
        let archived = self.archived_batch(id)?;
        let file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(out)
            .map_err(failed)?;
        let mut writer = std::io::BufWriter::new(&file);
        let written = open_to(&archived, &mut writer, &vault, &archive_context(id))
            .map_err(SepaError::from)
            .and_then(|found| {
                if found == digest {
                    file.sync_all().map_err(failed)
                } else {
                    Err(SepaError::OtherDigest(id.to_owned()))
                }
            });
        if written.is_err() {
            fs::remove_file(out).map_err(failed)?;
        }
        written
    }

    /// The digest of an archived file as it is now.
    pub(super) fn archived_digest(&self, id: &str) -> Result<Digest, SepaError> {
        let vault = Vault::open(self.config.vault.as_ref())?;
        let path = self.archived_batch(id)?;
        Ok(open_to(
            &path,
            &mut std::io::sink(),
            &vault,
            &archive_context(id),
        )?)
    }

    fn told(&self, planned: &Planned) -> BatchMade {
        let version = self
            .config
            .sepa
            .as_ref()
            .map_or("", |sepa| sepa.version.code());
        let message = planned.checked.as_ref().map(Checked::message);
        BatchMade {
            id: message.map(|message| message.id.clone()),
            version,
            submit_on: planned.submission.submit_on,
            debits: message.map_or(0, |message| message.count),
            sum_minor: message.map_or(0, |message| message.control_sum_minor),
            blocks: message.map_or_else(Vec::new, |message| {
                let block = message.blocks.iter().map(|block| BlockMade {
                    id: block.id.clone(),
                    sequence: block.sequence,
                    scheme: block.scheme,
                    collect_on: block.collect_on,
                    debits: block.count,
                    sum_minor: block.control_sum_minor,
                });
                block.collect()
            }),
            left_out: planned
                .left_out
                .iter()
                .map(|(known, reason)| LeftOutDebit {
                    attempt: known.attempt,
                    external_id: known.external_id.clone(),
                    number: known.number.clone(),
                    reason: reason.to_string(),
                    fate: reason.fate(),
                })
                .collect(),
        }
    }
}

impl Planned {
    /// The debits whose attempts are withdrawn.
    fn withdrawn(&self) -> impl Iterator<Item = &Known> {
        self.left_out
            .iter()
            .filter(|(_, reason)| reason.fate() == LeftOutFate::Withdrawn)
            .map(|(known, _)| known)
    }
}

fn rows_of<'a>(
    message: &'a Message,
    known: &FxHashMap<AttemptId, Known>,
) -> Result<Vec<NewDebit<'a>>, SepaError> {
    let mut rows = Vec::with_capacity(message.count);
    for block in &message.blocks {
        for debit in &block.debits {
            let known = known
                .get(&attempt_of(&debit.end_to_end_id)?)
                .ok_or_else(|| SepaError::UnknownDebit(debit.end_to_end_id.clone()))?;
            rows.push(NewDebit {
                account: known.account,
                attempt: known.attempt,
                block_id: &block.id,
                sequence: block.sequence,
                collect_on: block.collect_on,
                mandate: known.mandate,
            });
        }
    }
    Ok(rows)
}

/// An attempt's id is what its debit is called.
fn attempt_of(end_to_end_id: &str) -> Result<AttemptId, SepaError> {
    let unknown = |_| SepaError::UnknownDebit(end_to_end_id.to_owned());
    end_to_end_id.parse().map_err(unknown)
}

/// Such as `S261102-1a2b3c4d`: unique by its chance, and short enough that the
/// ids of blocks, which begin with it, fit into 35 characters.
fn message_id(now_us: i64, chance: &Chance) -> Result<String, SepaError> {
    let bytes = chance.bytes()?;
    let chance = u32::from_be_bytes(bytes.first_chunk().copied().unwrap_or_default());
    let day = DateTime::<Utc>::from_timestamp_micros(now_us)
        .map_or_else(String::new, |time| time.format("%y%m%d").to_string());
    Ok(format!("S{day}-{chance:08x}"))
}
