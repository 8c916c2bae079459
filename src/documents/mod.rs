//! Issued invoices on paper: Factur-X XML and PDF, made from the frozen
//! [`Document`](crate::domain::invoice::document::Document) alone, byte for
//! byte the same whenever they are made.
//!
//! - [`wording`]: labels, amounts and dates in English and French
//! - `mention`: why an invoice charges no VAT, or another country's
//! - `xml`, [`factur_x()`]: the EN 16931 invoice as XML

mod factur_x;
mod mention;
pub mod wording;
mod xml;

pub use factur_x::factur_x;

/// Why a document cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum DocumentError {
    #[error("the XML cannot be written: {0}")]
    Xml(#[from] std::io::Error),
    #[error("the invoice has {0} VAT groups and not one: its lines cannot be told apart")]
    VatGroups(usize),
}
