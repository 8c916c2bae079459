//! A letter as one message: both readings of it, its attachments, and headers by
//! which mail programs know what it is.

use std::time::{Duration, SystemTime};

use lettre::Message;
use lettre::address::Address;
use lettre::message::header::{ContentType, Header, HeaderName, HeaderValue};
use lettre::message::{Attachment as Part, Mailbox, MultiPart, MultiPartKind, SinglePart, header};
use sha2::{Digest as _, Sha256};

use super::letter::Letter;
use super::smtp::on_the_wire;
use super::wording::one_line;
use super::{html, text};
use crate::domain::calendar::Instant;
use crate::domain::ids::AccountId;

/// A message cannot be made. The address is not repeated: it is personal.
#[derive(Debug, thiserror::Error)]
pub enum MessageError {
    #[error("the account's mail address cannot be written to: {0}")]
    Address(lettre::address::AddressError),
    #[error("the message cannot be made: {0}")]
    Message(#[from] lettre::error::Error),
    #[error("an attachment is of no media type: {0}")]
    MediaType(#[from] header::ContentTypeErr),
    #[error("the time is before 1970")]
    Time,
    #[error("the message is no text")]
    NotText,
}

/// Whose name it is sent in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sender {
    pub from: Mailbox,
    pub reply_to: Option<Mailbox>,
}

/// What tells a message apart from every other, and is the same whenever it is
/// sent again: by it a double is recognized.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MessageKey(String);

impl MessageKey {
    /// Of a row of the outbox. Nothing of it can be read back from the key.
    #[must_use]
    pub fn of_row(account: AccountId, key: &str, created_at: Instant) -> Self {
        let row = format!("{account}\n{key}\n{}", created_at.0);
        let digest = Sha256::digest(row.as_bytes());
        Self(
            digest
                .iter()
                .take(16)
                .map(|byte| format!("{byte:02x}"))
                .collect(),
        )
    }

    /// 32 hex digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A message as it goes to a server. It has no `Debug`: it is about a person.
pub struct Outgoing {
    pub from: Address,
    pub to: Address,
    /// See [`on_the_wire`].
    pub wire: String,
}

/// Answers of machines are not answered by machines (RFC 3834 section 5).
#[derive(Clone)]
struct AutoSubmitted;

impl Header for AutoSubmitted {
    fn name() -> HeaderName {
        HeaderName::new_from_ascii_str("Auto-Submitted")
    }

    fn parse(_text: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        Ok(Self)
    }

    fn display(&self) -> HeaderValue {
        HeaderValue::new(Self::name(), "auto-generated".to_owned())
    }
}

/// Makes the message: the same bytes for the same letter, key and time.
///
/// # Errors
/// When the address is none.
pub fn build(
    letter: &Letter,
    sender: &Sender,
    (name, address): (&str, &str),
    key: &MessageKey,
    at: Instant,
) -> Result<Outgoing, MessageError> {
    let address: Address = address.trim().parse().map_err(MessageError::Address)?;
    let name = one_line(name);
    let to = Mailbox::new((!name.is_empty()).then_some(name), address.clone());
    let micros = u64::try_from(at.0).map_err(|_| MessageError::Time)?;
    let date = SystemTime::UNIX_EPOCH + Duration::from_micros(micros);
    let host = sender.from.email.domain();
    let mut builder = Message::builder()
        .from(sender.from.clone())
        .to(to)
        .subject(one_line(&letter.content.subject))
        .date(date)
        .message_id(Some(format!("<{}@{host}>", key.as_str())))
        .header(AutoSubmitted);
    if let Some(reply_to) = &sender.reply_to {
        builder = builder.reply_to(reply_to.clone());
    }
    let alternative = MultiPart::builder()
        .kind(MultiPartKind::Alternative)
        .boundary(format!("a{}", key.as_str()))
        .singlepart(SinglePart::plain(text::render(letter)))
        .singlepart(SinglePart::html(html::render(letter)));
    let body = if letter.attachments.is_empty() {
        alternative
    } else {
        let mut mixed = MultiPart::builder()
            .kind(MultiPartKind::Mixed)
            .boundary(format!("m{}", key.as_str()))
            .multipart(alternative);
        for attachment in &letter.attachments {
            let media_type = ContentType::parse(attachment.media_type)?;
            let part =
                Part::new(attachment.name.clone()).body(attachment.bytes.clone(), media_type);
            mixed = mixed.singlepart(part);
        }
        mixed
    };
    let bytes = builder.multipart(body)?.formatted();
    // Every part is encoded, so nothing but ASCII is in it.
    let text = String::from_utf8(bytes).map_err(|_| MessageError::NotText)?;
    Ok(Outgoing {
        from: sender.from.email.clone(),
        to: address,
        wire: on_the_wire(&text),
    })
}
