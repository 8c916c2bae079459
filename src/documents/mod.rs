//! Issued invoices on paper: Factur-X XML and PDF, made from the frozen
//! [`Document`](crate::domain::invoice::document::Document) alone, byte for
//! byte the same whenever they are made.
//!
//! - `wording`: labels, amounts and dates in English and French
//! - `mention`: why an invoice charges no VAT, or another country's
//! - [`factur_x()`]: the EN 16931 invoice as XML
//! - [`focus`]: a month's charges as rows of `FinOps` FOCUS
//! - `pdf`, [`PdfRenderer`]: the invoice as people read it, the XML inside

mod factur_x;
pub mod focus;
mod mention;
mod pdf;
pub(crate) mod wording;

pub use factur_x::factur_x;
pub use pdf::PdfRenderer;

/// Why a document cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum DocumentError {
    #[error("the XML cannot be written: {0}")]
    Xml(#[from] std::io::Error),
    #[error(transparent)]
    Font(#[from] pdf::FontError),
    #[error("the PDF cannot be written: {0}")]
    Pdf(String),
    #[error("the PDF cannot be declared as Factur-X: it lacks {0}")]
    Metadata(&'static str),
    #[error("the invoice has {0} VAT groups and not one: its lines cannot be told apart")]
    VatGroups(usize),
}
