//! Mail to customers, from what happened to bytes that a server takes.
//!
//! - [`occasion`]: what a mail is about, as typed facts
//! - [`wording`]: an occasion and a language to a [`Letter`], pure
//! - [`letter`]: a mail as content: subject, paragraphs, facts, one button
//! - [`html`], [`text`]: the two ways a letter is read
//! - [`message`]: both, with attachments and headers, as one message
//! - [`smtp`]: a connection to the mail server, and what it said to a message
//! - [`sample`]: an example of every mail, to look at

pub mod html;
pub mod letter;
pub mod message;
pub mod occasion;
pub mod sample;
pub mod smtp;
pub mod text;
pub mod wording;

pub use letter::{Attachment, Letter};
pub use occasion::Occasion;
