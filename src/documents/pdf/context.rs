//! What every part of the page needs: the invoice, its words, and how to go on
//! with the next page.

use super::labels::{Labels, labels};
use super::page::Mark;
use super::sheet::{GREY, HAIRLINE, INK, LEFT, RIGHT, Sheet, Style};
use crate::domain::account::Language;
use crate::domain::invoice::document::Document;

/// What every part of the invoice is drawn from.
#[derive(Clone, Copy)]
pub struct Context<'a> {
    pub document: &'a Document,
    pub labels: &'static Labels,
    pub language: Language,
}

impl Context<'_> {
    /// Such as `Invoice Q-2026-000001`.
    pub fn title(&self) -> String {
        title(self.document)
    }

    /// Starts a page and repeats at its head what it belongs to.
    pub fn continue_on_next_page(&self, sheet: &mut Sheet<'_>) {
        sheet.start_page();
        let issuer = &self.document.issuer.name;
        sheet.text_right(
            Mark::Header,
            Style::regular(8.5, GREY),
            RIGHT,
            240.0,
            48.0,
            &format!("{} ({})", self.title(), self.labels.continued),
        );
        let name = Style::semi_bold(9.0, INK);
        let lines = sheet.wrap(name, 240.0, issuer);
        let end = sheet.lines(Mark::Header, name, LEFT, 48.0, &lines);
        let y = (end - name.leading()).max(48.0) + 8.0;
        sheet.rule(Mark::Header, LEFT, RIGHT, y, 0.6, HAIRLINE);
        sheet.y = y + 16.0;
    }
}

/// Such as `Invoice Q-2026-000001`.
pub fn title(document: &Document) -> String {
    format!("{} {}", labels(document.language).invoice, document.number)
}
