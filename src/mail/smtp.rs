//! A connection to the mail server, and what it said to a message.
//!
//! Our own conversation over lettre's connection, and not its pool: the pool does
//! not tell a server that takes nothing of ours from one that refuses a single
//! recipient, and on that hangs whether a mail is given up.

use std::fmt;
use std::time::Duration;

use lettre::transport::smtp::Error as SmtpError;
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::{
    AsyncSmtpConnection, Certificate, TlsParameters, TlsParametersBuilder,
};
use lettre::transport::smtp::commands::{Data, Mail, Rcpt, Rset};
use lettre::transport::smtp::extension::{ClientId, Extension, MailParameter};
use secrecy::{ExposeSecret as _, SecretString};
use tokio::net::TcpStream;

use super::message::Outgoing;
use crate::config::{MailSecurity, MailSettings, SecretError};

/// What is kept of a server's words.
const WORDS_MAX: usize = 200;
/// How long a server may take to say goodbye.
const GOODBYE: Duration = Duration::from_secs(5);
/// The service is not available and closes the connection (RFC 5321 section 4.2.2).
const CLOSING: &str = "421";
/// Authentication is asked for, or was wrong (RFC 4954 section 6).
const NOT_KNOWN: [&str; 3] = ["530", "535", "538"];

/// The connections to the mail server cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    #[error("mail.password: {0}")]
    Secret(#[from] SecretError),
    #[error("mail.ca_file {path} cannot be read: {source}")]
    CaFile {
        path: String,
        source: std::io::Error,
    },
    #[error("mail: TLS cannot be set up: {0}")]
    Tls(#[from] SmtpError),
}

/// What became of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sent {
    /// The server has it.
    Accepted,
    /// The server will not take this message (5xx to its recipient or content).
    Refused(String),
    /// The server does not take it now (4xx).
    Deferred(String),
    /// The connection broke, or no answer came in time: it may have the message.
    Broken(String),
    /// The server takes no message of ours now, whichever it is.
    Unavailable(String),
}

/// How the server is reached.
pub struct Smtp {
    host: String,
    port: u16,
    security: MailSecurity,
    tls: Option<TlsParameters>,
    user: Option<(String, SecretString)>,
    hello: ClientId,
    timeout: Duration,
}

/// A connection that is ready for a message.
pub struct Connection {
    inner: AsyncSmtpConnection,
    timeout: Duration,
    usable: bool,
}

impl Smtp {
    /// # Errors
    /// When the password or a certificate is not there.
    pub fn open(settings: &MailSettings) -> Result<Self, SetupError> {
        let tls = match settings.security {
            MailSecurity::None => None,
            MailSecurity::StartTls | MailSecurity::Tls => {
                let mut tls = TlsParametersBuilder::new(settings.host.clone());
                if let Some(path) = &settings.ca_file {
                    let pem = std::fs::read(path).map_err(|source| SetupError::CaFile {
                        path: path.display().to_string(),
                        source,
                    })?;
                    tls = tls.add_root_certificate(Certificate::from_pem(&pem)?);
                }
                Some(tls.build()?)
            }
        };
        let user = match &settings.login {
            Some((user, password)) => Some((user.clone(), password.read()?)),
            None => None,
        };
        Ok(Self {
            host: settings.host.clone(),
            port: settings.port,
            security: settings.security,
            tls,
            user,
            hello: ClientId::default(),
            timeout: settings.timeout,
        })
    }

    /// Opens a connection: TLS as it is set, and the login. What went wrong
    /// otherwise; it is so for every message.
    ///
    /// # Errors
    /// In words, when the server is not reached or does not let us in.
    pub async fn connect(&self) -> Result<Connection, String> {
        let seconds = self.timeout.as_secs();
        match tokio::time::timeout(self.timeout, self.try_connect()).await {
            Ok(Ok(inner)) => Ok(Connection {
                inner,
                timeout: self.timeout,
                usable: true,
            }),
            Ok(Err(problem)) => Err(problem),
            Err(_) => Err(format!("no connection within {seconds} s")),
        }
    }

    async fn try_connect(&self) -> Result<AsyncSmtpConnection, String> {
        let words = |error: SmtpError| told(&error, "");
        let place = (self.host.as_str(), self.port);
        let mut inner = match (self.security, &self.tls) {
            (MailSecurity::Tls, Some(tls)) => {
                let (tls, timeout) = (tls.clone(), Some(self.timeout));
                AsyncSmtpConnection::connect_tokio1(place, timeout, &self.hello, Some(tls), None)
                    .await
                    .map_err(words)?
            }
            // By hand: lettre leaves Nagle's algorithm on, which holds a message
            // back for 40 ms (RFC 1122 section 4.2.3.4).
            _ => {
                let stream = TcpStream::connect(place)
                    .await
                    .map_err(|error| format!("no connection: {error}"))?;
                // Without it the mail is slower, and goes all the same.
                let _ = stream.set_nodelay(true);
                AsyncSmtpConnection::connect_with_transport(Box::new(stream), &self.hello)
                    .await
                    .map_err(words)?
            }
        };
        // Demanded, never merely tried: a server that does not offer it is one that
        // somebody put in between (RFC 8314 section 3).
        if let (MailSecurity::StartTls, Some(tls)) = (self.security, &self.tls) {
            let upgraded = inner.starttls(tls.clone(), &self.hello).await;
            upgraded.map_err(words)?;
        }
        if let Some((user, password)) = &self.user {
            let password = password.expose_secret().to_owned();
            let credentials = Credentials::new(user.clone(), password);
            let mechanisms = [Mechanism::Plain, Mechanism::Login];
            inner.auth(&mechanisms, &credentials).await.map_err(words)?;
        }
        Ok(inner)
    }
}

impl Connection {
    /// Sends one message to its one recipient.
    pub async fn send(&mut self, message: &Outgoing) -> Sent {
        let seconds = self.timeout.as_secs();
        let sent = match tokio::time::timeout(self.timeout, self.converse(message)).await {
            Ok(sent) => sent,
            Err(_) => Sent::Broken(format!("no answer within {seconds} s")),
        };
        if matches!(sent, Sent::Broken(_) | Sent::Unavailable(_)) {
            self.usable = false;
        }
        sent
    }

    /// Whether another message can be sent over it.
    #[must_use]
    pub const fn is_usable(&self) -> bool {
        self.usable
    }

    async fn converse(&mut self, message: &Outgoing) -> Sent {
        let to = message.to.to_string();
        let mut parameters = Vec::new();
        if !to.is_ascii() {
            if !self
                .inner
                .server_info()
                .supports_feature(Extension::SmtpUtfEight)
            {
                return Sent::Refused(
                    "the address has characters that the mail server does not take".to_owned(),
                );
            }
            parameters.push(MailParameter::SmtpUtfEight);
        }
        let mail = Mail::new(Some(message.from.clone()), parameters);
        if let Err(error) = self.inner.command(mail).await {
            let words = told(&error, &to);
            // Nobody was named yet: it is about us, not about this message.
            return if code(&error).is_some_and(|code| code != CLOSING) {
                Sent::Unavailable(format!("it takes no mail from us: {words}"))
            } else {
                Sent::Broken(words)
            };
        }
        let recipient = Rcpt::new(message.to.clone(), Vec::new());
        if let Err(error) = self.inner.command(recipient).await {
            return self.refused(&error, &to).await;
        }
        if let Err(error) = self.inner.command(Data).await {
            return self.refused(&error, &to).await;
        }
        // As one write: the end of a message that waits for the beginning to be
        // acknowledged is what takes 40 ms.
        match self.inner.command(message.wire.as_str()).await {
            Ok(_) => Sent::Accepted,
            Err(error) => self.refused(&error, &to).await,
        }
    }

    /// What a refusal within a message means; the connection is ready for the
    /// next one afterwards, unless it broke.
    async fn refused(&mut self, error: &SmtpError, to: &str) -> Sent {
        let words = told(error, to);
        match code(error) {
            None => return Sent::Broken(words),
            Some(code) if code == CLOSING => return Sent::Broken(words),
            Some(code) if NOT_KNOWN.contains(&code.as_str()) => return Sent::Unavailable(words),
            Some(_) => {}
        }
        if let Err(error) = self.inner.command(Rset).await {
            // The refusal stands; the next message takes another connection.
            tracing::debug!(error = told(&error, to), "the mail server does not reset");
            self.usable = false;
        }
        if error.is_permanent() {
            Sent::Refused(words)
        } else {
            Sent::Deferred(words)
        }
    }

    /// Says goodbye.
    pub async fn close(mut self) {
        // Whoever does not answer is left without.
        let _ = tokio::time::timeout(GOODBYE, self.inner.quit()).await;
    }
}

fn code(error: &SmtpError) -> Option<String> {
    error.status().map(|code| code.to_string())
}

/// What went wrong, in the server's words: short, on one line, and without whom it
/// was sent to.
fn told(error: &SmtpError, to: &str) -> String {
    let words = match (code(error), std::error::Error::source(error)) {
        (Some(code), Some(words)) => format!("{code} {words}"),
        (Some(code), None) => code,
        (None, _) => error.to_string(),
    };
    masked(&words, to)
}

fn masked(words: &str, to: &str) -> String {
    let mut words = super::wording::one_line(words);
    if !to.is_empty() {
        words = replaced(&words, to, "the recipient");
    }
    match words.char_indices().nth(WORDS_MAX) {
        Some((end, _)) => format!("{}…", &words[..end]),
        None => words,
    }
}

/// Replaces a text however its letters are cased.
fn replaced(text: &str, from: &str, to: &str) -> String {
    // Of the same length as the text, so that places agree.
    let (lower, from) = (text.to_ascii_lowercase(), from.to_ascii_lowercase());
    let mut out = String::with_capacity(text.len());
    let mut rest = 0;
    for (at, _) in lower.match_indices(&from) {
        out.push_str(&text[rest..at]);
        out.push_str(to);
        rest = at + from.len();
    }
    out.push_str(&text[rest..]);
    out
}

impl fmt::Debug for Smtp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Smtp")
            .field("host", &self.host)
            .field("port", &self.port)
            .field("security", &self.security)
            .finish_non_exhaustive()
    }
}

/// The bytes of a message as they go over the wire: a line that begins with a dot
/// gets another, and a line with a dot alone ends it (RFC 5321 section 4.5.2).
#[must_use]
pub fn on_the_wire(message: &str) -> String {
    let mut wire = String::with_capacity(message.len() + 64);
    for line in message.split_inclusive('\n') {
        if line.starts_with('.') {
            wire.push('.');
        }
        wire.push_str(line);
    }
    if !wire.ends_with("\r\n") {
        wire.push_str("\r\n");
    }
    wire.push_str(".\r\n");
    wire
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dots_are_doubled_and_end_the_message() {
        let table = [
            ("a\r\n", "a\r\n.\r\n"),
            ("a", "a\r\n.\r\n"),
            (".\r\n", "..\r\n.\r\n"),
            ("a\r\n.b\r\n..\r\n", "a\r\n..b\r\n...\r\n.\r\n"),
            ("a.\r\n", "a.\r\n.\r\n"),
        ];
        for (message, wire) in table {
            assert_eq!(on_the_wire(message), wire, "{message:?}");
        }
    }

    #[test]
    fn a_problem_names_nobody_and_stays_short() {
        let table = [
            (
                "550 <Ada@Example.com>: unknown",
                "550 <the recipient>: unknown",
            ),
            (
                "ada@example.com ada@example.com",
                "the recipient the recipient",
            ),
            ("no\r\nsuch\tuser", "no such user"),
        ];
        for (words, expected) in table {
            assert_eq!(masked(words, "ada@example.com"), expected);
        }
        let long = "é".repeat(500);
        assert_eq!(masked(&long, "").chars().count(), WORDS_MAX + 1);
    }
}
