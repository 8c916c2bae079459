//! The invoice as PDF: PDF/A-3a and PDF/UA-1, with its Factur-X XML inside.
//!
//! - `font`: glyphs and widths of the embedded typeface
//! - `sheet`: text, rules and structure on pages
//! - `layout`, `line_table`, `totals`, `labels`: what goes where, in a shared `context`
//! - `page`: the laid-out result
//! - `writer`, `xmp`: the file
// Lengths on paper are floats; amounts arrive as text.
#![allow(clippy::float_arithmetic)]

mod context;
mod font;
mod labels;
mod layout;
mod line_table;
mod page;
mod sheet;
mod totals;
mod writer;
mod xmp;

use super::{DocumentError, factur_x};
use crate::domain::invoice::document::Document;
use font::Fonts;

pub use font::FontError;

/// Makes PDFs one after the other; keeps the fonts between them.
pub struct PdfRenderer {
    fonts: Fonts,
}

impl PdfRenderer {
    /// # Errors
    /// When an embedded font is broken.
    pub fn new() -> Result<Self, DocumentError> {
        let fonts = Fonts::load()?;
        Ok(Self { fonts })
    }

    /// Writes an invoice, byte for byte the same each time.
    ///
    /// # Errors
    /// When the XML cannot be made, or the PDF would break its standards.
    pub fn render(&mut self, document: &Document) -> Result<Vec<u8>, DocumentError> {
        let xml = factur_x(document)?;
        let pages = layout::lay_out(document, &mut self.fonts);
        let pdf = writer::write(document, &pages, xml, &self.fonts)?;
        xmp::declare_factur_x(pdf)
    }
}
