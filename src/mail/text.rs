//! A letter as plain text.

use super::letter::Letter;

/// Where lines are broken (RFC 5322 section 2.1.1 recommends at most 78).
const COLUMNS: usize = 76;

/// The whole text; lines end with a line feed.
#[must_use]
pub fn render(letter: &Letter) -> String {
    let content = &letter.content;
    let mut out = Out::default();
    out.paragraph(&letter.greeting);
    for text in &content.opening {
        out.paragraph(text);
    }
    if !content.facts.is_empty() {
        let widths = content.facts.iter().map(|fact| fact.label.chars().count());
        let width = widths.max().unwrap_or(0);
        for fact in &content.facts {
            let pad = width.saturating_sub(fact.label.chars().count());
            out.line(&format!(
                "  {}{}  {}",
                fact.label,
                " ".repeat(pad),
                fact.value
            ));
        }
        out.line("");
    }
    if let Some(button) = &content.button {
        // On a line of its own and never broken, so that it can be clicked.
        let colon = match letter.language {
            crate::domain::account::Language::English => ":",
            crate::domain::account::Language::French => "\u{a0}:",
        };
        out.line(&format!("{}{colon}", button.label));
        out.line(&button.url);
        out.line("");
    }
    for text in &content.closing {
        out.paragraph(text);
    }
    for text in &letter.signature {
        out.wrapped(text);
    }
    // What follows is no part of the letter; readers fold it away.
    out.line("");
    out.line("-- ");
    for text in &letter.footer {
        out.wrapped(text);
    }
    out.0
}

#[derive(Default)]
struct Out(String);

impl Out {
    fn line(&mut self, text: &str) {
        self.0.push_str(text);
        self.0.push('\n');
    }

    fn paragraph(&mut self, text: &str) {
        self.wrapped(text);
        self.line("");
    }

    /// Broken at plain spaces: the others hold together what belongs together.
    fn wrapped(&mut self, text: &str) {
        let mut column = 0;
        for word in text.split(' ').filter(|word| !word.is_empty()) {
            let width = word.chars().count();
            if column > 0 && column + 1 + width > COLUMNS {
                self.0.push('\n');
                column = 0;
            }
            if column > 0 {
                self.0.push(' ');
                column += 1;
            }
            self.0.push_str(word);
            column += width;
        }
        self.0.push('\n');
    }
}
