//! `[mail]`: how customers are written to.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use lettre::message::Mailbox;
use serde::Deserialize;

use super::provider::{is_local_host, web_address};
use super::raw::Check;
use super::secret::SecretSource;
use crate::mail::message::Sender;

/// How the connection to the mail server is secured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MailSecurity {
    /// Plain at first, and TLS before anything is said; demanded, not only tried.
    StartTls,
    /// TLS from the first byte.
    Tls,
    /// Not at all: for a relay on this machine.
    None,
}

impl MailSecurity {
    pub const ALL: [Self; 3] = [Self::StartTls, Self::Tls, Self::None];

    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::StartTls => "starttls",
            Self::Tls => "tls",
            Self::None => "none",
        }
    }

    /// Ports that are meant for it (RFC 8314 section 7, RFC 6409).
    const fn default_port(self) -> u16 {
        match self {
            Self::StartTls => 587,
            Self::Tls => 465,
            Self::None => 25,
        }
    }
}

impl fmt::Display for MailSecurity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// Mail to customers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MailSettings {
    pub sender: Sender,
    pub host: String,
    pub port: u16,
    pub security: MailSecurity,
    /// Whom the server's certificate may be signed by beside those that the machine
    /// trusts.
    pub ca_file: Option<PathBuf>,
    pub login: Option<(String, SecretSource)>,
    /// How many mails are under way at the same time.
    pub connections: u32,
    /// For opening a connection, and for each mail.
    pub timeout: Duration,
    /// Where an invoice is paid; `{invoice}` stands for its number.
    pub pay_url: String,
    /// Where payment methods are looked after.
    pub account_url: String,
    /// Where a deletion is confirmed; `{token}` stands for the key to it.
    pub deletion_url: String,
    /// Where a locked account is unlocked; as before. Without it, nobody is mailed a
    /// link to do so.
    pub unlock_url: Option<String>,
    /// Where a password is set that was forgotten; as before.
    pub password_url: Option<String>,
    /// Where another address is confirmed; as before. Without it, none is taken.
    pub email_url: Option<String>,
    /// Where an accountant looks at invoices; as before. Without it, nobody is invited.
    pub accountant_url: Option<String>,
    /// How many days before the end of a card's last month its customer is told; 0
    /// for never.
    pub card_expiry_days: u32,
    /// What customers know the house as; the issuer's name unless set.
    pub product_name: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawMail {
    from: String,
    reply_to: Option<String>,
    host: String,
    port: Option<i64>,
    #[serde(default = "default_security")]
    security: String,
    #[serde(default)]
    allow_plain: bool,
    ca_file: Option<PathBuf>,
    user: Option<String>,
    password: Option<String>,
    #[serde(default = "default_connections")]
    connections: i64,
    #[serde(default = "default_timeout")]
    timeout_seconds: i64,
    pay_url: String,
    account_url: String,
    deletion_url: String,
    unlock_url: Option<String>,
    password_url: Option<String>,
    email_url: Option<String>,
    accountant_url: Option<String>,
    #[serde(default = "default_card_expiry_days")]
    card_expiry_days: i64,
    product_name: Option<String>,
}

fn default_security() -> String {
    MailSecurity::StartTls.code().to_owned()
}

const fn default_connections() -> i64 {
    8
}

/// Time enough for a new card to come by post.
const fn default_card_expiry_days() -> i64 {
    30
}

/// Servers look into a mail before they accept it.
const fn default_timeout() -> i64 {
    60
}

impl RawMail {
    pub fn check(&self, check: &mut Check) -> Option<MailSettings> {
        let from = check.take("mail.from", self.from.parse::<Mailbox>());
        let reply_to = match &self.reply_to {
            Some(text) => check
                .take("mail.reply_to", text.parse::<Mailbox>())
                .map(Some),
            None => Some(None),
        };
        let host = self.host.trim();
        if host.is_empty() || host.contains(|char: char| char.is_whitespace() || char == '/') {
            check.refuse("mail.host", format!("{host:?} is not the name of a host"));
        }
        let security = MailSecurity::ALL
            .into_iter()
            .find(|security| security.code() == self.security);
        if security.is_none() {
            let reason = format!("{:?} is none of starttls, tls, none", self.security);
            check.refuse("mail.security", reason);
        }
        if security == Some(MailSecurity::None) && !is_local_host(host) && !self.allow_plain {
            check.refuse(
                "mail.security",
                format!(
                    "mail and password would go to {host} unencrypted; allow_plain = true allows it"
                ),
            );
        }
        let port = match self.port {
            Some(port) => check.range("mail.port", port, 1, u32::from(u16::MAX)),
            None => security.map(|security| u32::from(security.default_port())),
        };
        let login = self.login(check);
        let connections = check.range("mail.connections", self.connections, 1, 100);
        let timeout = check.range("mail.timeout_seconds", self.timeout_seconds, 1, 300);
        let card_expiry_days = check.range("mail.card_expiry_days", self.card_expiry_days, 0, 365);
        let urls = [
            ("mail.pay_url", &self.pay_url),
            ("mail.account_url", &self.account_url),
        ];
        for (key, url) in urls {
            web_address(check, key, url);
        }
        let links = [
            ("mail.deletion_url", Some(&self.deletion_url)),
            ("mail.unlock_url", self.unlock_url.as_ref()),
            ("mail.password_url", self.password_url.as_ref()),
            ("mail.email_url", self.email_url.as_ref()),
            ("mail.accountant_url", self.accountant_url.as_ref()),
        ];
        for (key, url) in links {
            let Some(url) = url else { continue };
            web_address(check, key, url);
            if !url.contains("{token}") {
                check.refuse(key, "has no place for the {token}");
            }
        }
        let product_name = self.product_name.as_deref().map(str::trim);
        if product_name.is_some_and(|name| name.is_empty() || name.contains(char::is_control)) {
            check.refuse("mail.product_name", "must be a name on one line");
        }
        Some(MailSettings {
            sender: Sender {
                from: from?,
                reply_to: reply_to?,
            },
            host: host.to_owned(),
            port: port.and_then(|port| u16::try_from(port).ok())?,
            security: security?,
            ca_file: self.ca_file.clone(),
            login: login?,
            connections: connections?,
            timeout: Duration::from_secs(timeout?.into()),
            pay_url: self.pay_url.clone(),
            account_url: self.account_url.clone(),
            deletion_url: self.deletion_url.clone(),
            unlock_url: self.unlock_url.clone(),
            password_url: self.password_url.clone(),
            email_url: self.email_url.clone(),
            accountant_url: self.accountant_url.clone(),
            card_expiry_days: card_expiry_days?,
            product_name: product_name.map(str::to_owned),
        })
    }

    fn login(&self, check: &mut Check) -> Option<Option<(String, SecretSource)>> {
        match (&self.user, &self.password) {
            (None, None) => Some(None),
            (Some(user), Some(password)) if !user.is_empty() => {
                let password = check.take("mail.password", password.parse())?;
                Some(Some((user.clone(), password)))
            }
            _ => {
                check.refuse(
                    "mail.user",
                    "user and password go together, or neither is set",
                );
                None
            }
        }
    }
}
