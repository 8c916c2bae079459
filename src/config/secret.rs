//! Secrets are never written into the settings: these name where they are.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use secrecy::SecretString;

/// Where a secret is: `env:NAME`, an environment variable, or `file:PATH`, a file
/// that holds nothing else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SecretSource {
    Environment(String),
    File(PathBuf),
}

/// The secret is not where the settings say.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    #[error("the environment variable {0} is not set")]
    NotSet(String),
    #[error("{path} cannot be read: {source}")]
    Read {
        path: String,
        source: std::io::Error,
    },
    #[error("{0} is empty")]
    Empty(SecretSource),
}

impl SecretSource {
    /// Reads the secret.
    ///
    /// # Errors
    /// When it is not there, or empty.
    pub fn read(&self) -> Result<SecretString, SecretError> {
        let text = match self {
            Self::Environment(name) => {
                std::env::var(name).map_err(|_| SecretError::NotSet(name.clone()))?
            }
            Self::File(path) => {
                std::fs::read_to_string(path).map_err(|source| SecretError::Read {
                    path: path.display().to_string(),
                    source,
                })?
            }
        };
        let secret = text.trim();
        if secret.is_empty() {
            return Err(SecretError::Empty(self.clone()));
        }
        Ok(SecretString::from(secret))
    }
}

impl fmt::Display for SecretSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Environment(name) => write!(f, "env:{name}"),
            Self::File(path) => write!(f, "file:{}", path.display()),
        }
    }
}

/// The text does not say where a secret is. It is not repeated: it may be one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("must say where the secret is, env:NAME or file:PATH; a secret itself is not written here")]
pub struct NoSource;

impl FromStr for SecretSource {
    type Err = NoSource;

    fn from_str(text: &str) -> Result<Self, NoSource> {
        match text.split_once(':') {
            Some(("env", name)) if !name.is_empty() && !name.contains('=') => {
                Ok(Self::Environment(name.to_owned()))
            }
            Some(("file", path)) if !path.is_empty() => Ok(Self::File(PathBuf::from(path))),
            _ => Err(NoSource),
        }
    }
}
