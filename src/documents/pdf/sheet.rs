//! The sheet a document is composed on: text, rules and structure, from the
//! top of the first page to the foot of the last.

use super::font::{Fonts, Shaped, Weight};
use super::page::{
    Color, Drawing, Mark, Node, NodeId, PAGE_HEIGHT, PAGE_WIDTH, Page, Pages, Role, TextRun,
};

pub const LEFT: f32 = 48.0;
pub const RIGHT: f32 = PAGE_WIDTH - 48.0;

pub const INK: Color = Color(24, 32, 48);
pub const GREY: Color = Color(84, 94, 112);
pub const ACCENT: Color = Color(17, 84, 204);
pub const HAIRLINE: Color = Color(214, 219, 228);
pub const TINT: Color = Color(244, 246, 251);
pub const WHITE: Color = Color(255, 255, 255);

/// The smallest type a text is set in to fit its column, in points.
const SIZE_MIN: f32 = 4.5;

/// How a text looks.
#[derive(Debug, Clone, Copy)]
pub struct Style {
    pub weight: Weight,
    /// Points.
    pub size: f32,
    pub color: Color,
}

impl Style {
    pub const fn regular(size: f32, color: Color) -> Self {
        Self {
            weight: Weight::Regular,
            size,
            color,
        }
    }

    pub const fn semi_bold(size: f32, color: Color) -> Self {
        Self {
            weight: Weight::SemiBold,
            size,
            color,
        }
    }

    /// From one baseline to the next, in points.
    pub fn leading(&self) -> f32 {
        (self.size * 1.32 * 4.0).round() / 4.0
    }
}

/// Pages while they are being composed. Lengths are points; `y` grows downwards.
pub struct Sheet<'a> {
    fonts: &'a mut Fonts,
    pages: Pages,
    page: usize,
    /// Where the next thing goes.
    pub y: f32,
    /// Where the foot of the page begins.
    pub bottom: f32,
}

impl<'a> Sheet<'a> {
    pub fn new(fonts: &'a mut Fonts) -> Self {
        Self {
            fonts,
            pages: Pages {
                pages: vec![Page::default()],
                nodes: Vec::new(),
            },
            page: 0,
            y: 0.0,
            bottom: PAGE_HEIGHT,
        }
    }

    pub fn finish(self) -> Pages {
        self.pages
    }

    pub fn page_count(&self) -> usize {
        self.pages.pages.len()
    }

    pub fn start_page(&mut self) {
        self.pages.pages.push(Page::default());
        self.page = self.pages.pages.len() - 1;
    }

    /// Goes back to a page that has been started.
    pub fn turn_to(&mut self, page: usize) {
        self.page = page.min(self.pages.pages.len() - 1);
    }

    pub fn node(&mut self, role: Role, parent: Option<NodeId>) -> NodeId {
        self.pages.nodes.push(Node { role, parent });
        NodeId(self.pages.nodes.len() - 1)
    }

    /// A new node to draw in.
    pub fn content(&mut self, role: Role, parent: Option<NodeId>) -> Mark {
        Mark::Content(self.node(role, parent))
    }

    fn draw(&mut self, mark: Mark, drawing: Drawing) {
        if let Some(page) = self.pages.pages.get_mut(self.page) {
            page.drawings.push((mark, drawing));
        }
    }

    pub fn rectangle(&mut self, mark: Mark, x: f32, y: f32, width: f32, height: f32, color: Color) {
        let rectangle = Drawing::Rectangle {
            x,
            y,
            width,
            height,
            color,
        };
        self.draw(mark, rectangle);
    }

    /// A horizontal line.
    pub fn rule(
        &mut self,
        mark: Mark,
        left: f32,
        right: f32,
        y: f32,
        thickness: f32,
        color: Color,
    ) {
        self.rectangle(mark, left, y, right - left, thickness, color);
    }

    fn place(&mut self, mark: Mark, style: Style, x: f32, y: f32, mut shaped: Shaped) {
        if shaped.glyphs.is_empty() {
            return;
        }
        // A space between this text and the next, for whoever reads them aloud
        // or copies them.
        let space = self.fonts.shape(style.weight, " ");
        shaped.text.push_str(&space.text);
        shaped.glyphs.extend(space.glyphs);
        let run = TextRun {
            x,
            y,
            size: style.size,
            weight: style.weight,
            color: style.color,
            text: shaped.text,
            glyphs: shaped.glyphs,
        };
        self.draw(mark, Drawing::Text(run));
    }

    /// Sets a text from `x` on its baseline `y`.
    pub fn text(&mut self, mark: Mark, style: Style, x: f32, y: f32, text: &str) {
        let text = self.fonts.printable(text);
        let shaped = self.fonts.shape(style.weight, &text);
        self.place(mark, style, x, y, shaped);
    }

    /// Sets a text that ends at `right`, smaller where it is wider than `width`.
    pub fn text_right(
        &mut self,
        mark: Mark,
        style: Style,
        right: f32,
        width: f32,
        y: f32,
        text: &str,
    ) {
        let text = self.fonts.printable(text);
        let shaped = self.fonts.shape(style.weight, &text);
        let natural = points(shaped.width, style.size);
        let size = if natural > width {
            (style.size * width / natural).max(SIZE_MIN)
        } else {
            style.size
        };
        let x = right - points(shaped.width, size);
        self.place(mark, Style { size, ..style }, x, y, shaped);
    }

    /// Breaks a text into lines of at most `width`: between words, and within
    /// one that is wider by itself. Nothing is cut off.
    pub fn wrap(&mut self, style: Style, width: f32, text: &str) -> Vec<String> {
        let text = self.fonts.printable(text);
        if self.width(style, &text) <= width {
            return if text.trim().is_empty() {
                Vec::new()
            } else {
                vec![text]
            };
        }
        let space = self.width(style, " ");
        let mut lines = Vec::new();
        let mut line = String::new();
        let mut used = 0.0;
        for word in text.split(' ').filter(|word| !word.is_empty()) {
            let mut needed = self.width(style, word);
            if !line.is_empty() && used + space + needed > width {
                lines.push(std::mem::take(&mut line));
                used = 0.0;
            }
            let mut word = word.to_owned();
            while needed > width {
                let rest = self.split_off_fitting(style, width, &mut word);
                if rest.is_empty() {
                    break;
                }
                lines.push(std::mem::replace(&mut word, rest));
                needed = self.width(style, &word);
            }
            if !line.is_empty() {
                line.push(' ');
                used += space;
            }
            line.push_str(&word);
            used += needed;
        }
        if !line.is_empty() {
            lines.push(line);
        }
        lines
    }

    /// Leaves in `word` what fits (one character at least) and returns the rest.
    fn split_off_fitting(&mut self, style: Style, width: f32, word: &mut String) -> String {
        let shaped = self.fonts.shape(style.weight, word);
        let mut used = 0;
        let mut bytes = 0;
        for glyph in &shaped.glyphs {
            used += i32::from(glyph.advance);
            if bytes > 0 && points(used, style.size) > width {
                break;
            }
            bytes += usize::from(glyph.bytes);
        }
        word.split_off(bytes.min(word.len()))
    }

    fn width(&mut self, style: Style, printable: &str) -> f32 {
        points(self.fonts.shape(style.weight, printable).width, style.size)
    }

    /// Sets lines below each other, the first on baseline `y`; returns the
    /// baseline that would come next.
    pub fn lines(&mut self, mark: Mark, style: Style, x: f32, y: f32, lines: &[String]) -> f32 {
        let mut baseline = y;
        for line in lines {
            let shaped = self.fonts.shape(style.weight, line);
            self.place(mark, style, x, baseline, shaped);
            baseline += style.leading();
        }
        baseline
    }

    /// [Wraps](Self::wrap) a text and [sets](Self::lines) it.
    pub fn paragraph(
        &mut self,
        mark: Mark,
        style: Style,
        x: f32,
        y: f32,
        width: f32,
        text: &str,
    ) -> f32 {
        let lines = self.wrap(style, width, text);
        self.lines(mark, style, x, y, &lines)
    }
}

/// The height of as many lines, in points.
pub fn height(lines: &[String], style: Style) -> f32 {
    lines.iter().map(|_| style.leading()).sum()
}

/// A width in thousandths of the type size as points.
fn points(width: i32, size: f32) -> f32 {
    // Widths are far below 2^24, where every whole number is a float.
    #[allow(clippy::as_conversions, clippy::cast_precision_loss)]
    let width = width as f32;
    width * size / 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const STYLE: Style = Style::regular(9.0, INK);

    #[test]
    fn wrapping_keeps_every_character_within_the_width() {
        // Loading the fonts takes longer than all the wrapping.
        let fonts = std::cell::RefCell::new(Fonts::load().unwrap());
        let words = proptest::collection::vec("[A-Za-zéłΩж0-9]{1,60}", 1..12);
        let wrapped = proptest::test_runner::TestRunner::default().run(
            &(words, 30.0_f32..300.0),
            |(words, width)| {
                let mut fonts = fonts.borrow_mut();
                let mut sheet = Sheet::new(&mut fonts);
                let text = words.join(" ");
                let lines = sheet.wrap(STYLE, width, &text);
                let dense = |text: &str| text.replace(' ', "");
                prop_assert_eq!(dense(&lines.concat()), dense(&text));
                for line in &lines {
                    // Kerning across a space may add a hair.
                    let wide = sheet.width(STYLE, line);
                    prop_assert!(wide <= width + 1.0, "{} in {}", line, width);
                }
                Ok(())
            },
        );
        wrapped.unwrap();
    }

    #[test]
    fn an_empty_text_has_no_lines() {
        let mut fonts = Fonts::load().unwrap();
        let mut sheet = Sheet::new(&mut fonts);
        assert!(sheet.wrap(STYLE, 100.0, " ").is_empty());
    }
}
