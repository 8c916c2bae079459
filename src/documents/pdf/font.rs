//! The document's typeface: which glyph a character has and how far it
//! advances. What the typeface cannot show is transliterated, so a document
//! never holds an empty box (PDF/A forbids it).

use harfrust::{Direction, Feature, ShapeOptions, ShaperData, Tag, UnicodeBuffer};
use rustc_hash::FxHashMap;
use skrifa::raw::TableProvider as _;
use skrifa::{FontRef, GlyphId, MetadataProvider as _};
use unicode_normalization::{UnicodeNormalization as _, is_nfc};

/// IBM Plex Sans without its hinting (SIL Open Font License; `scripts/make-fonts`):
/// Latin, Greek and Cyrillic.
const REGULAR: &[u8] = include_bytes!("../../../assets/fonts/QuittanceSans-Regular.ttf");
const SEMI_BOLD: &[u8] = include_bytes!("../../../assets/fonts/QuittanceSans-SemiBold.ttf");

/// Glyph widths are in thousandths of the type size.
const UNITS_PER_EM: u16 = 1000;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weight {
    Regular,
    SemiBold,
}

/// A font that cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("the {0:?} font cannot be read")]
pub struct FontError(Weight);

/// A glyph and its place in the text.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Glyph {
    pub id: u16,
    /// Thousandths of the type size, kerning included.
    pub advance: i16,
    /// UTF-8 bytes of its character.
    pub bytes: u8,
}

/// A text as glyphs.
#[derive(Debug, Clone)]
pub struct Shaped {
    /// What the glyphs show, in Unicode's composed form.
    pub text: String,
    pub glyphs: Vec<Glyph>,
    /// Thousandths of the type size.
    pub width: i32,
}

/// One weight of the typeface.
struct Face {
    face: FontRef<'static>,
    shaper: ShaperData,
    font: krilla::text::Font,
    /// Glyph and advance of the characters met so far; `None` where it has none.
    glyphs: FxHashMap<char, Option<(u16, i16)>>,
    /// What a pair's first advance changes by.
    kerning: FxHashMap<(char, char), i16>,
}

impl Face {
    fn load(weight: Weight, data: &'static [u8]) -> Result<Self, FontError> {
        let face = FontRef::new(data).map_err(|_| FontError(weight))?;
        let font = krilla::text::Font::new(data.into(), 0).ok_or(FontError(weight))?;
        let units_per_em = face.head().map(|head| head.units_per_em());
        if units_per_em.ok() != Some(UNITS_PER_EM) {
            return Err(FontError(weight));
        }
        Ok(Self {
            shaper: ShaperData::new(&face),
            face,
            font,
            glyphs: FxHashMap::default(),
            kerning: FxHashMap::default(),
        })
    }

    fn glyph(&mut self, c: char) -> Option<(u16, i16)> {
        let face = &self.face;
        *self.glyphs.entry(c).or_insert_with(|| {
            let id = face.charmap().map(c)?;
            Some((u16::try_from(id.to_u32()).ok()?, advance(face, id)?))
        })
    }

    /// Asks the font's own tables once for each pair. Digits are never kerned:
    /// columns of numbers line up.
    fn kerning(&mut self, left: char, right: char) -> i16 {
        if left.is_ascii_digit() && right.is_ascii_digit() {
            return 0;
        }
        if let Some(known) = self.kerning.get(&(left, right)) {
            return *known;
        }
        let mut buffer = UnicodeBuffer::new();
        buffer.push_str(&String::from_iter([left, right]));
        buffer.set_direction(Direction::LeftToRight);
        let no_ligatures = [Feature::new(Tag::new(b"liga"), 0, ..)];
        let shaper = self.shaper.shaper(&self.face).build();
        let shaped = shaper.shape(buffer, ShapeOptions::new().features(&no_ligatures));
        let kerning = match (shaped.glyph_positions(), self.glyph(left)) {
            ([first, _], Some((_, plain))) => {
                i16::try_from(first.x_advance - i32::from(plain)).unwrap_or(0)
            }
            _ => 0,
        };
        self.kerning.insert((left, right), kerning);
        kerning
    }
}

fn advance(face: &FontRef<'_>, id: GlyphId) -> Option<i16> {
    i16::try_from(face.hmtx().ok()?.advance(id)?).ok()
}

/// Both weights.
pub struct Fonts {
    regular: Face,
    semi_bold: Face,
}

impl Fonts {
    /// # Errors
    /// When an embedded font is broken.
    pub fn load() -> Result<Self, FontError> {
        Ok(Self {
            regular: Face::load(Weight::Regular, REGULAR)?,
            semi_bold: Face::load(Weight::SemiBold, SEMI_BOLD)?,
        })
    }

    fn face(&mut self, weight: Weight) -> &mut Face {
        match weight {
            Weight::Regular => &mut self.regular,
            Weight::SemiBold => &mut self.semi_bold,
        }
    }

    pub const fn embedded(&self, weight: Weight) -> &krilla::text::Font {
        match weight {
            Weight::Regular => &self.regular.font,
            Weight::SemiBold => &self.semi_bold.font,
        }
    }

    /// The text in characters that both weights can show.
    pub fn printable(&mut self, text: &str) -> String {
        let composed: String = if is_nfc(text) {
            text.to_owned()
        } else {
            text.nfc().collect()
        };
        if composed.chars().all(|c| self.shows(c)) {
            return composed;
        }
        let mut out = String::with_capacity(composed.len());
        for c in composed.chars() {
            if self.shows(c) {
                out.push(c);
            } else if c.is_whitespace() {
                out.push(' ');
            } else if !c.is_control() {
                self.transliterate(c, &mut out);
            }
        }
        out
    }

    fn shows(&mut self, c: char) -> bool {
        !c.is_control() && self.regular.glyph(c).is_some() && self.semi_bold.glyph(c).is_some()
    }

    fn transliterate(&mut self, c: char, out: &mut String) {
        match deunicode::deunicode_char(c) {
            Some(latin) => out.extend(latin.chars().filter(|c| self.shows(*c))),
            None => out.push('?'),
        }
    }

    /// Sets a [printable](Self::printable) text. What has no glyph is left out.
    pub fn shape(&mut self, weight: Weight, text: &str) -> Shaped {
        let face = self.face(weight);
        let mut shaped = Shaped {
            text: String::with_capacity(text.len() + 1),
            glyphs: Vec::with_capacity(text.len() + 1),
            width: 0,
        };
        let mut chars = text.chars().peekable();
        while let Some(c) = chars.next() {
            let Some((id, plain)) = face.glyph(c) else {
                continue;
            };
            let kerning = chars.peek().map_or(0, |next| face.kerning(c, *next));
            let advance = plain.saturating_add(kerning);
            shaped.width += i32::from(advance);
            shaped.text.push(c);
            shaped.glyphs.push(Glyph {
                id,
                advance,
                bytes: u8::try_from(c.len_utf8()).unwrap_or(1),
            });
        }
        shaped
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn european_names_are_shown_as_they_are_written() {
        let mut fonts = Fonts::load().unwrap();
        let names = [
            "Zażółć gęślą jaźń",
            "Árvíztűrő tükörfúrógép",
            "Ξενοδοχείο Ωραία Ελλάδα ΑΕ",
            "Хостинг България ООД",
            "Ģirts Ķēniņš, Šiauliai",
            "Þórður Ægisson",
            "1\u{a0}234,56\u{a0}€ − × → ’",
        ];
        for name in names {
            assert_eq!(fonts.printable(name), name);
        }
    }

    #[test]
    fn what_has_no_glyph_is_transliterated() {
        let mut fonts = Fonts::load().unwrap();
        let table = [
            ("東京", "Dong Jing "),
            ("e\u{301}", "é"),
            ("a\u{7}b\tc", "ab c"),
            ("1\u{3000}234", "1 234"),
            ("\u{f8ff}", "?"),
        ];
        for (given, shown) in table {
            assert_eq!(fonts.printable(given), shown, "{given:?}");
        }
        for weight in [Weight::Regular, Weight::SemiBold] {
            let text = fonts.printable("東京 Ǆ 🚀 ok");
            let shaped = fonts.shape(weight, &text);
            assert_eq!(shaped.text, text);
            assert!(shaped.glyphs.iter().all(|glyph| glyph.id != 0));
        }
    }

    #[test]
    fn digits_have_one_width() {
        let mut fonts = Fonts::load().unwrap();
        let one = fonts.shape(Weight::Regular, "1111").width;
        assert_eq!(fonts.shape(Weight::Regular, "7894").width, one);
        let kerned = fonts.shape(Weight::Regular, "AV").width;
        let apart =
            fonts.shape(Weight::Regular, "A").width + fonts.shape(Weight::Regular, "V").width;
        assert!(kerned < apart);
    }
}
