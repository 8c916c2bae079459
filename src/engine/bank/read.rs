//! The file, parsed ahead on a thread of its own while the database books what
//! was parsed before. Memory is bounded by the chunks, not by the file.

use std::fs::File;
use std::io::{BufReader, Read};
use std::ops::RangeInclusive;
use std::path::Path;
use std::sync::Arc;

use sha2::{Digest as _, Sha256};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::fact::Fact;
use super::{BankError, ReadProgress};
use crate::domain::sepa::iban::IbanText;
use crate::providers::sepa::answers::{AnswerReader, MessageKind, Place};
use crate::store::rows::FileDigest;

/// Entries that are booked together: few at first, so that the database has
/// something to do early, then twice as many each time.
const ENTRIES_PER_CHUNK: RangeInclusive<usize> = 8..=2_000;
/// Chunks that wait.
const CHUNKS_AHEAD: usize = 2;
const BUFFER_BYTES: usize = 1 << 16;

/// What stands before the entries.
pub struct Head {
    pub kind: MessageKind,
    pub version: &'static str,
    pub message_id: String,
}

impl Head {
    pub const fn kind_code(&self) -> &'static str {
        match self.kind {
            MessageKind::StatusReport => "pain.002",
            MessageKind::Notification => "camt.054",
            MessageKind::Statement => "camt.053",
        }
    }
}

/// The reader of a file.
pub type Reader = AnswerReader<BufReader<Digested>>;

/// A file with the digest of what was read of it.
pub struct Digested {
    file: File,
    hash: Arc<std::sync::Mutex<Hashed>>,
}

#[derive(Default)]
struct Hashed {
    sha256: Sha256,
    bytes: u64,
}

impl Read for Digested {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let count = self.file.read(buffer)?;
        if let (Some(read), Ok(mut hash)) = (buffer.get(..count), self.hash.lock()) {
            hash.sha256.update(read);
            hash.bytes = hash.bytes.saturating_add(u64::try_from(count).unwrap_or(0));
        }
        Ok(count)
    }
}

/// The digest of a file's bytes.
pub fn digest(path: &Path) -> Result<FileDigest, BankError> {
    let mut file = File::open(path)?;
    let mut hash = Sha256::new();
    let mut buffer = vec![0; BUFFER_BYTES];
    loop {
        let count = file.read(&mut buffer)?;
        match buffer.get(..count) {
            Some(read) if count > 0 => hash.update(read),
            _ => return Ok(hash.finalize().into()),
        }
    }
}

/// A reader and a look at what it has read.
pub struct Opened {
    reader: Reader,
    hash: Arc<std::sync::Mutex<Hashed>>,
}

/// Opens a file and reads up to its entries.
pub fn open(path: &Path) -> Result<(Head, Opened), BankError> {
    let hash = Arc::new(std::sync::Mutex::new(Hashed::default()));
    let input = Digested {
        file: File::open(path)?,
        hash: Arc::clone(&hash),
    };
    let reader = AnswerReader::open(BufReader::with_capacity(BUFFER_BYTES, input))?;
    let header = reader.header().ok_or(BankError::Worker)?;
    let head = Head {
        kind: reader.kind(),
        version: reader.version(),
        message_id: header.message_id.clone(),
    };
    Ok((head, Opened { reader, hash }))
}

/// What the reading thread says at the end: the account, where there is one.
pub type Reading = JoinHandle<Result<Option<IbanText>, BankError>>;

/// Reads the entries ahead. Nothing counts before the thread has said that the
/// file is right as a whole.
pub fn ahead(
    opened: Opened,
    own: IbanText,
    digest: FileDigest,
    progress: &Arc<dyn ReadProgress>,
) -> (mpsc::Receiver<Vec<Fact>>, Reading) {
    let (sender, chunks) = mpsc::channel(CHUNKS_AHEAD);
    let progress = Arc::clone(progress);
    let reading =
        tokio::task::spawn_blocking(move || read(opened, &own, &digest, &sender, &*progress));
    (chunks, reading)
}

fn read(
    opened: Opened,
    own: &IbanText,
    digest: &FileDigest,
    sender: &mpsc::Sender<Vec<Fact>>,
    progress: &dyn ReadProgress,
) -> Result<Option<IbanText>, BankError> {
    let Opened { mut reader, hash } = opened;
    let bytes = || hash.lock().map_or(0, |hash| hash.bytes);
    let mut size = *ENTRIES_PER_CHUNK.start();
    let mut chunk = Vec::with_capacity(size);
    let mut last = Place { line: 1, byte: 0 };
    while let Some(entry) = reader.next_entry()? {
        last = entry.place;
        if let Some(account) = &entry.account
            && **account != *own.expose()
        {
            return Err(BankError::other_account(entry.place, account, own));
        }
        chunk.push(Fact::new(entry));
        if chunk.len() == size {
            progress.read(bytes());
            size = size.saturating_mul(2).min(*ENTRIES_PER_CHUNK.end());
            let full = std::mem::replace(&mut chunk, Vec::with_capacity(size));
            if sender.blocking_send(full).is_err() {
                // Who books has stopped, and says why.
                return Ok(None);
            }
        }
    }
    // An account without entries is another's all the same.
    for report in reader.reports() {
        if *report.account != *own.expose() {
            return Err(BankError::other_account(last, &report.account, own));
        }
    }
    let account = (reader.kind() != MessageKind::StatusReport).then(|| own.clone());
    drop(reader);
    let read: FileDigest = hash
        .lock()
        .map_err(|_| BankError::Worker)?
        .sha256
        .clone()
        .finalize()
        .into();
    if read != *digest {
        return Err(BankError::Changed);
    }
    progress.read(bytes());
    if !chunk.is_empty() && sender.blocking_send(chunk).is_err() {
        return Ok(None);
    }
    Ok(account)
}
