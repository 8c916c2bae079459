//! Files kept for years that hold account numbers: sealed in chunks, so that one
//! of any size is written and read as a stream.
//!
//! A file is a head and chunks. The head names the key, the context, and a mark
//! that no other file has. Every chunk is sealed with its own nonce, and its
//! context has the whole head, its place, and whether it is the last: a file that
//! was cut, or whose chunks were altered, swapped or taken from another file,
//! does not open.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use super::{Sealed, Vault, VaultError};
use crate::chance;
use crate::domain::invoice::fingerprint::Digest;

const MAGIC: [u8; 8] = *b"QSEALED1";
const MARK_BYTES: usize = 12;
/// Of what is sealed at once.
const CHUNK_BYTES: usize = 1 << 20;
/// Nonce and tag.
const SEAL_BYTES: usize = 28;
const EXTENSION: &str = "sealed";

/// A file cannot be archived or got back.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    #[error("{path}: {source}")]
    Io { path: String, source: io::Error },
    #[error("{path}: {source}")]
    Vault { path: String, source: VaultError },
    #[error("{0} is there already: an archived file is never overwritten")]
    Exists(String),
    #[error("{path} is no archived file of this house: {problem}")]
    Form { path: String, problem: &'static str },
    #[error("{path} is archived as {found:?}, not as {expected:?}")]
    OtherContext {
        path: String,
        found: String,
        expected: String,
    },
    #[error("{path} is cut or has more than was sealed")]
    Cut { path: String },
    #[error("what is to be archived in {path} cannot be read or written: {source}")]
    Other { path: String, source: io::Error },
}

/// Where a file is kept in the archive's folder.
#[must_use]
pub fn path_of(folder: &Path, name: &str) -> PathBuf {
    folder.join(format!("{name}.{EXTENSION}"))
}

/// Seals what a reader gives into a new file, readable by its owner alone, and
/// returns the digest of what was read. The folder is made if it is missing.
///
/// # Errors
/// When the reader fails, the file is there already, or cannot be written; it is
/// not there then.
pub fn seal_to(
    path: &Path,
    reader: &mut impl Read,
    vault: &Vault,
    context: &str,
) -> Result<Digest, ArchiveError> {
    let mut writer = ArchiveWriter::create(path, vault, context)?;
    io::copy(reader, &mut writer).map_err(|source| other(path, source))?;
    writer.finish()
}

/// Opens an archived file into a writer, and returns the digest of what was
/// written. What is written is nothing to be used before this returns.
///
/// # Errors
/// When the file is not whole, was sealed in another context, or its key is not
/// there; or when the writer fails.
pub fn open_to(
    path: &Path,
    writer: &mut impl Write,
    vault: &Vault,
    context: &str,
) -> Result<Digest, ArchiveError> {
    let mut reader = ArchiveReader::open(path, vault)?;
    if reader.head.context != context {
        return Err(ArchiveError::OtherContext {
            path: shown(path),
            found: reader.head.context,
            expected: context.to_owned(),
        });
    }
    let mut digest = Sha256::new();
    while let Some(chunk) = reader.next()? {
        digest.update(&chunk);
        writer
            .write_all(&chunk)
            .map_err(|source| other(path, source))?;
    }
    writer.flush().map_err(|source| other(path, source))?;
    Ok(Digest(digest.finalize().into()))
}

/// Seals the archived files of a folder that are under another key than the
/// newest anew, and returns how many there were. Each is replaced whole or not at
/// all; a folder that is missing has none.
///
/// # Errors
/// When a file cannot be opened or written. Those before it are done.
pub fn reseal_all(folder: &Path, vault: &Vault) -> Result<u64, ArchiveError> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
        Err(source) => return Err(io_error(folder, source)),
    };
    let mut resealed = 0;
    for entry in entries {
        let path = entry.map_err(|source| io_error(folder, source))?.path();
        if path.extension().is_some_and(|ending| ending == EXTENSION) {
            resealed += u64::from(reseal(&path, vault)?);
        }
    }
    Ok(resealed)
}

/// Whether it was under another key.
fn reseal(path: &Path, vault: &Vault) -> Result<bool, ArchiveError> {
    let mut reader = ArchiveReader::open(path, vault)?;
    if Some(reader.head.key_id.as_str()) == vault.newest_key() {
        return Ok(false);
    }
    let mut writer = ArchiveWriter::begin(path, vault, &reader.head.context)?;
    while let Some(chunk) = reader.next()? {
        writer
            .write_all(&chunk)
            .map_err(|source| other(path, source))?;
    }
    writer.finish_over()?;
    Ok(true)
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}

fn io_error(path: &Path, source: io::Error) -> ArchiveError {
    ArchiveError::Io {
        path: shown(path),
        source,
    }
}

/// An error of the other side, or of the archive below it.
fn other(path: &Path, source: io::Error) -> ArchiveError {
    ArchiveError::Other {
        path: shown(path),
        source,
    }
}

/// What is known of a file before it is opened. None of it is secret.
struct Head {
    key_id: String,
    context: String,
    mark: [u8; MARK_BYTES],
}

impl Head {
    fn write(&self, out: &mut impl Write) -> io::Result<()> {
        out.write_all(&MAGIC)?;
        for text in [&self.key_id, &self.context] {
            let length = u16::try_from(text.len()).map_err(io::Error::other)?;
            out.write_all(&length.to_be_bytes())?;
            out.write_all(text.as_bytes())?;
        }
        out.write_all(&self.mark)
    }

    fn read(input: &mut impl Read, path: &Path) -> Result<Self, ArchiveError> {
        let form = |problem| ArchiveError::Form {
            path: shown(path),
            problem,
        };
        let mut magic = [0; MAGIC.len()];
        fill(input, &mut magic, path)?;
        if magic != MAGIC {
            return Err(form("it does not begin as one"));
        }
        let mut text = || {
            let mut length = [0; 2];
            fill(input, &mut length, path)?;
            let mut bytes = vec![0; usize::from(u16::from_be_bytes(length))];
            fill(input, &mut bytes, path)?;
            String::from_utf8(bytes).map_err(|_| form("its head is no text"))
        };
        let (key_id, context) = (text()?, text()?);
        let mut mark = [0; MARK_BYTES];
        fill(input, &mut mark, path)?;
        Ok(Self {
            key_id,
            context,
            mark,
        })
    }

    /// What a chunk is sealed for.
    fn context_of(&self, no: u64, is_last: bool) -> String {
        let mark: String = self.mark.iter().map(|byte| format!("{byte:02x}")).collect();
        let end = if is_last { "last" } else { "more" };
        format!("archive {mark} {no} {end} {}", self.context)
    }
}

fn fill(input: &mut impl Read, bytes: &mut [u8], path: &Path) -> Result<(), ArchiveError> {
    input.read_exact(bytes).map_err(|source| {
        if source.kind() == io::ErrorKind::UnexpectedEof {
            ArchiveError::Cut { path: shown(path) }
        } else {
            io_error(path, source)
        }
    })
}

/// Seals what is written to it into a new file. The file has its name once it is
/// whole, by [`ArchiveWriter::finish`]; dropped before, nothing is left of it.
pub struct ArchiveWriter<'a> {
    path: PathBuf,
    partial: Partial,
    out: BufWriter<File>,
    vault: &'a Vault,
    head: Head,
    chunk: Vec<u8>,
    written: u64,
    digest: Sha256,
}

/// A file under a name that is not its own, until it is whole.
struct Partial(PathBuf);

impl Drop for Partial {
    fn drop(&mut self) {
        // Renamed already, or of no use to anyone.
        let _ = fs::remove_file(&self.0);
    }
}

impl<'a> ArchiveWriter<'a> {
    /// # Errors
    /// When the file is there already, or cannot be made.
    pub fn create(path: &Path, vault: &'a Vault, context: &str) -> Result<Self, ArchiveError> {
        if path.exists() {
            return Err(ArchiveError::Exists(shown(path)));
        }
        Self::begin(path, vault, context)
    }

    fn begin(path: &Path, vault: &'a Vault, context: &str) -> Result<Self, ArchiveError> {
        let vault_error = |source| ArchiveError::Vault {
            path: shown(path),
            source,
        };
        let key_id = vault
            .newest_key()
            .ok_or_else(|| vault_error(VaultError::NoVault))?;
        let head = Head {
            key_id: key_id.to_owned(),
            context: context.to_owned(),
            mark: chance::nonce().map_err(|error| vault_error(error.into()))?,
        };
        let folder = folder_of(path);
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)
            .map_err(|source| io_error(folder, source))?;
        let mark = u64::from_be_bytes(head.mark.first_chunk().copied().unwrap_or_default());
        let name = path.file_name().unwrap_or_default().display().to_string();
        let partial = Partial(folder.join(format!(".{name}.{mark:016x}.partial")));
        let file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&partial.0)
            .map_err(|source| io_error(&partial.0, source))?;
        let mut out = BufWriter::new(file);
        head.write(&mut out)
            .map_err(|source| io_error(&partial.0, source))?;
        Ok(Self {
            path: path.to_owned(),
            partial,
            out,
            vault,
            head,
            chunk: Vec::with_capacity(CHUNK_BYTES),
            written: 0,
            digest: Sha256::new(),
        })
    }

    fn seal_chunk(&mut self, is_last: bool) -> io::Result<()> {
        let context = self.head.context_of(self.written, is_last);
        let sealed = self
            .vault
            .seal(&self.chunk, &context)
            .map_err(io::Error::other)?;
        let length = u32::try_from(sealed.bytes.len()).map_err(io::Error::other)?;
        self.out.write_all(&length.to_be_bytes())?;
        self.out.write_all(&sealed.bytes)?;
        self.chunk.clear();
        self.written += 1;
        Ok(())
    }

    /// Makes the file, and returns the digest of what was written.
    ///
    /// # Errors
    /// When another came first, or the disk does not take it.
    pub fn finish(mut self) -> Result<Digest, ArchiveError> {
        self.end()?;
        // A link, unlike a rename, never replaces what another has put there.
        fs::hard_link(&self.partial.0, &self.path).map_err(|source| {
            if source.kind() == io::ErrorKind::AlreadyExists {
                ArchiveError::Exists(shown(&self.path))
            } else {
                io_error(&self.path, source)
            }
        })?;
        self.settle()?;
        Ok(Digest(self.digest.finalize().into()))
    }

    /// Puts the file in the place of the one that has its name.
    fn finish_over(mut self) -> Result<(), ArchiveError> {
        self.end()?;
        fs::rename(&self.partial.0, &self.path).map_err(|source| io_error(&self.path, source))?;
        self.settle()
    }

    fn end(&mut self) -> Result<(), ArchiveError> {
        self.seal_chunk(true)
            .and_then(|()| self.out.flush())
            .and_then(|()| self.out.get_ref().sync_all())
            .map_err(|source| io_error(&self.path, source))
    }

    /// Keeps the name through a power cut too.
    fn settle(&self) -> Result<(), ArchiveError> {
        let folder = folder_of(&self.path);
        File::open(folder)
            .and_then(|folder| folder.sync_all())
            .map_err(|source| io_error(folder, source))
    }
}

/// The folder of a path; the present one for a bare name.
fn folder_of(path: &Path) -> &Path {
    path.parent()
        .filter(|folder| !folder.as_os_str().is_empty())
        .unwrap_or(Path::new("."))
}

impl Write for ArchiveWriter<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // A full chunk waits for more to come: the last one says that it is.
        if self.chunk.len() == CHUNK_BYTES && !bytes.is_empty() {
            self.seal_chunk(false)?;
        }
        let taken = bytes.len().min(CHUNK_BYTES - self.chunk.len());
        let (taken_bytes, _) = bytes.split_at(taken);
        self.chunk.extend_from_slice(taken_bytes);
        self.digest.update(taken_bytes);
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Reads a file chunk by chunk, each as it was sealed.
struct ArchiveReader<'a> {
    path: PathBuf,
    input: BufReader<File>,
    vault: &'a Vault,
    head: Head,
    /// The sealed chunk that comes next, if one does.
    ahead: Option<Vec<u8>>,
    read: u64,
}

impl<'a> ArchiveReader<'a> {
    fn open(path: &Path, vault: &'a Vault) -> Result<Self, ArchiveError> {
        let file = File::open(path).map_err(|source| io_error(path, source))?;
        let mut input = BufReader::new(file);
        let head = Head::read(&mut input, path)?;
        let mut reader = Self {
            path: path.to_owned(),
            input,
            vault,
            head,
            ahead: None,
            read: 0,
        };
        reader.ahead = reader.sealed_chunk()?;
        if reader.ahead.is_none() {
            return Err(ArchiveError::Cut { path: shown(path) });
        }
        Ok(reader)
    }

    /// `None` at the end of the file.
    fn sealed_chunk(&mut self) -> Result<Option<Vec<u8>>, ArchiveError> {
        let at_end = io::BufRead::fill_buf(&mut self.input)
            .map_err(|source| io_error(&self.path, source))?
            .is_empty();
        if at_end {
            return Ok(None);
        }
        let mut length = [0; 4];
        fill(&mut self.input, &mut length, &self.path)?;
        let length = usize::try_from(u32::from_be_bytes(length)).unwrap_or(usize::MAX);
        // What was altered must not make us ask for all memory there is.
        if !(SEAL_BYTES..=SEAL_BYTES + CHUNK_BYTES).contains(&length) {
            return Err(ArchiveError::Form {
                path: shown(&self.path),
                problem: "a chunk has a length that none has",
            });
        }
        let mut bytes = vec![0; length];
        fill(&mut self.input, &mut bytes, &self.path)?;
        Ok(Some(bytes))
    }

    fn next(&mut self) -> Result<Option<Vec<u8>>, ArchiveError> {
        let Some(bytes) = self.ahead.take() else {
            return Ok(None);
        };
        self.ahead = self.sealed_chunk()?;
        let context = self.head.context_of(self.read, self.ahead.is_none());
        let sealed = Sealed {
            key_id: self.head.key_id.clone(),
            bytes,
        };
        self.read += 1;
        let plain = self.vault.unseal(&sealed, &context);
        plain.map(Some).map_err(|source| ArchiveError::Vault {
            path: shown(&self.path),
            source,
        })
    }
}

#[cfg(test)]
mod tests;
