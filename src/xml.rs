//! Elements of an XML document, written in order.

use std::io::{self, Write};

use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesEnd, BytesStart, BytesText, Event};

/// Writes elements one after the other, into memory or as a stream.
pub struct Xml<W = Vec<u8>>(Writer<W>);

impl Xml {
    /// A document in memory, of about `bytes` bytes.
    pub fn new(bytes: usize) -> io::Result<Self> {
        Self::to(Vec::with_capacity(bytes))
    }
}

impl<W: Write> Xml<W> {
    /// A document that goes to `out` as it is written.
    pub fn to(out: W) -> io::Result<Self> {
        let mut writer = Writer::new(out);
        writer.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
        Ok(Self(writer))
    }

    pub fn finish(self) -> W {
        self.0.into_inner()
    }

    /// An element with others in it.
    pub fn within(
        &mut self,
        name: &str,
        content: impl FnOnce(&mut Self) -> io::Result<()>,
    ) -> io::Result<()> {
        self.within_with(name, &[], content)
    }

    /// As [`Self::within`], with attributes.
    pub fn within_with(
        &mut self,
        name: &str,
        attributes: &[(&str, &str)],
        content: impl FnOnce(&mut Self) -> io::Result<()>,
    ) -> io::Result<()> {
        let start = BytesStart::new(name).with_attributes(attributes.iter().copied());
        self.0.write_event(Event::Start(start))?;
        content(self)?;
        self.0.write_event(Event::End(BytesEnd::new(name)))
    }

    /// An element with a text in it.
    pub fn text(&mut self, name: &str, text: &str) -> io::Result<()> {
        self.text_with(name, &[], text)
    }

    /// As [`Self::text`], with attributes.
    pub fn text_with(
        &mut self,
        name: &str,
        attributes: &[(&str, &str)],
        text: &str,
    ) -> io::Result<()> {
        self.within_with(name, attributes, |xml| {
            let text = allowed(text);
            xml.0.write_event(Event::Text(BytesText::new(&text)))
        })
    }

    /// As [`Self::text`], left out when there is nothing to say: an empty
    /// element is an error in EN 16931 (rule BR-FX-EN-04 and its kin).
    pub fn optional_text(&mut self, name: &str, text: &str) -> io::Result<()> {
        if text.trim().is_empty() {
            return Ok(());
        }
        self.text(name, text)
    }
}

/// Replaces what XML 1.0 cannot hold, such as control characters.
fn allowed(text: &str) -> std::borrow::Cow<'_, str> {
    let forbidden = |c: char| matches!(c, '\u{0}'..='\u{8}' | '\u{b}' | '\u{c}' | '\u{e}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}');
    if text.contains(forbidden) {
        text.replace(forbidden, "\u{fffd}").into()
    } else {
        text.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_escaped_and_control_characters_replaced() {
        let mut xml = Xml::new(64).unwrap();
        xml.within("a", |xml| {
            xml.text_with("b", &[("c", "\"<")], "1 < 2 & 3 \u{7}")?;
            xml.optional_text("d", " ")
        })
        .unwrap();
        let text = String::from_utf8(xml.finish()).unwrap();
        assert_eq!(
            text,
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?><a><b c=\"&quot;&lt;\">1 &lt; 2 &amp; 3 \u{fffd}</b></a>"
        );
    }
}
