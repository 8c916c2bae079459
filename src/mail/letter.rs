//! A mail as content, before anyone decides how it looks.

use crate::domain::account::Language;

/// How much a mail wants to be read at once. It is the color of a line, nothing
/// more: the words say it too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    /// Something is as it should be.
    Good,
    /// For information.
    Neutral,
    /// The customer should act.
    Warning,
    /// The customer should act now, or something is lost.
    Urgent,
}

/// A line of the table of facts.
#[derive(Clone, PartialEq, Eq)]
pub struct Fact {
    pub label: String,
    pub value: String,
}

/// The one thing to do.
#[derive(Clone, PartialEq, Eq)]
pub struct Button {
    pub label: String,
    pub url: String,
}

/// A file that goes with the mail.
#[derive(Clone, PartialEq, Eq)]
pub struct Attachment {
    /// Such as `Q-2026-000001.pdf`.
    pub name: String,
    /// Such as `application/pdf`.
    pub media_type: &'static str,
    pub bytes: Vec<u8>,
}

/// What is particular to an occasion.
#[derive(Clone, PartialEq, Eq)]
pub struct Content {
    pub subject: String,
    pub tone: Tone,
    /// What happened, and what to do.
    pub opening: Vec<String>,
    pub facts: Vec<Fact>,
    pub button: Option<Button>,
    /// What happens otherwise.
    pub closing: Vec<String>,
}

/// A whole mail. It has no `Debug`: its words are about a person, and a link in
/// it may be a key.
#[derive(Clone, PartialEq, Eq)]
pub struct Letter {
    pub language: Language,
    /// Whose name stands above it.
    pub product: String,
    pub greeting: String,
    pub content: Content,
    pub signature: Vec<String>,
    /// Who sent it to whom and why, small.
    pub footer: Vec<String>,
    pub attachments: Vec<Attachment>,
}
