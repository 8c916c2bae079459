//! The elements of a file, one after the other, in bounded memory. Everything
//! that XML allows and a bank's message has no use for is refused: DOCTYPE,
//! entities, foreign namespaces, endless names and texts, deep nesting.

use std::io::{self, BufRead, Read};

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

use super::error::{AnswerError, Place};

/// The schemas go 14 deep; structured remittance and supplements a little more.
const DEPTH_MAX: usize = 40;
/// Bytes of a tag, comment or piece of text.
const TOKEN_BYTES_MAX: usize = 64 * 1024;
/// Bytes of an element's text; the schemas' longest is 2,000 characters.
pub const TEXT_BYTES_MAX: usize = 8 * 1024;

/// Counts lines and bytes, and ends a token that does not end.
struct Meter<R> {
    input: R,
    place: Place,
    /// Bytes that the token under way may still take.
    left: usize,
}

impl<R: BufRead> BufRead for Meter<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        let bytes = self.input.fill_buf()?;
        if self.left == 0 && !bytes.is_empty() {
            return Err(io::Error::from(io::ErrorKind::FileTooLarge));
        }
        Ok(bytes.get(..self.left).unwrap_or(bytes))
    }

    fn consume(&mut self, amount: usize) {
        if let Ok(bytes) = self.input.fill_buf() {
            let used = bytes.get(..amount).unwrap_or(bytes);
            let lines = used.iter().filter(|byte| **byte == b'\n').count();
            self.place.line += u64::try_from(lines).unwrap_or(0);
        }
        self.place.byte += u64::try_from(amount).unwrap_or(0);
        self.left = self.left.saturating_sub(amount);
        self.input.consume(amount);
    }
}

impl<R: BufRead> Read for Meter<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let bytes = self.fill_buf()?;
        let count = bytes.len().min(out.len());
        for (to, from) in out.iter_mut().zip(bytes) {
            *to = *from;
        }
        self.consume(count);
        Ok(count)
    }
}

/// What comes next at one level of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// An element starts; it is now the innermost one.
    Open,
    /// The innermost element ends.
    Close,
    /// The file ends.
    End,
}

/// A file's elements.
pub struct Elements<R> {
    reader: Reader<Meter<R>>,
    buffer: Vec<u8>,
    /// Where the last token started.
    place: Place,
    /// Names of the open elements, each after a `/`.
    path: String,
    /// Where each of them starts in `path`.
    open: Vec<usize>,
    /// Text of the innermost element since its last child.
    text: String,
    /// The `Ccy` of the element that started last.
    currency: Option<String>,
    /// The prefix of all elements, with its colon; empty in most files.
    prefix: String,
    namespace: String,
    /// Whether elements may be of any namespace (`Envlp` of `SplmtryData`).
    is_skipping: bool,
    /// Whether anything but the XML declaration was read.
    is_under_way: bool,
}

enum Token {
    Open,
    Close,
    Other,
    End,
}

impl<R: BufRead> Elements<R> {
    pub fn new(input: R) -> Self {
        let place = Place { line: 1, byte: 0 };
        let mut reader = Reader::from_reader(Meter {
            input,
            place,
            left: TOKEN_BYTES_MAX,
        });
        let config = reader.config_mut();
        config.enable_all_checks(true);
        config.expand_empty_elements = true;
        Self {
            reader,
            buffer: Vec::new(),
            place,
            path: String::new(),
            open: Vec::new(),
            text: String::new(),
            currency: None,
            prefix: String::new(),
            namespace: String::new(),
            is_skipping: false,
            is_under_way: false,
        }
    }

    /// The name of the innermost element.
    pub fn name(&self) -> &str {
        let start = self.open.last().map_or(0, |start| start + 1);
        self.path.get(start..).unwrap_or_default()
    }

    /// The path of the innermost element.
    pub fn path(&self) -> &str {
        self.path.get(1..).unwrap_or_default()
    }

    /// Where the last token started.
    pub const fn place(&self) -> Place {
        self.place
    }

    pub fn depth(&self) -> usize {
        self.open.len()
    }

    /// The `Ccy` of the element that has just started.
    pub fn take_currency(&mut self) -> Option<String> {
        self.currency.take()
    }

    /// The text of the innermost element.
    pub fn text(&self) -> &str {
        self.text.trim_matches([' ', '\t', '\r', '\n'])
    }

    pub fn forget_text(&mut self) {
        self.text.clear();
    }

    /// An error at the innermost element.
    pub fn bad(&self, value: &str, reason: impl ToString) -> AnswerError {
        AnswerError::bad(self.place, self.path(), value, reason)
    }

    /// Reads to the root element and returns its namespace.
    pub fn open_document(&mut self) -> Result<String, AnswerError> {
        loop {
            match self.token(true)? {
                Token::Open => break,
                Token::Other => {}
                Token::Close | Token::End => return Err(self.bad("", "the file is empty")),
            }
        }
        if self.name() != "Document" {
            return Err(self.bad(
                "",
                "Document is expected here: this is no ISO 20022 message",
            ));
        }
        if self.namespace.is_empty() {
            return Err(self.bad("", "has no namespace (xmlns)"));
        }
        Ok(self.namespace.clone())
    }

    /// Reads past the root's end to the end of the file.
    pub fn close_document(&mut self) -> Result<(), AnswerError> {
        while self.depth() > 0 {
            match self.next()? {
                Step::Open => return Err(self.unknown()),
                Step::Close => {}
                Step::End => return Err(self.bad("", "the file ends too early")),
            }
        }
        match self.next()? {
            Step::End => Ok(()),
            _ => Err(self.bad("", "comes after the end of the document")),
        }
    }

    /// The innermost element has no business where it is.
    pub fn unknown(&self) -> AnswerError {
        self.bad("", "is not known here")
    }

    /// The next start or end. Text in between, other than blanks, is an error.
    pub fn next(&mut self) -> Result<Step, AnswerError> {
        self.text.clear();
        loop {
            let step = match self.token(false)? {
                Token::Other => continue,
                Token::Open => Step::Open,
                Token::Close => Step::Close,
                Token::End => Step::End,
            };
            if !self.text().is_empty() {
                return Err(self.bad(self.text(), "is text between elements"));
            }
            return Ok(step);
        }
    }

    /// As [`Self::next`], with the text read so far kept for [`Self::text`].
    pub fn next_in_leaf(&mut self) -> Result<Step, AnswerError> {
        loop {
            match self.token(false)? {
                Token::Other => {}
                Token::Open => return Ok(Step::Open),
                Token::Close => return Ok(Step::Close),
                Token::End => return Ok(Step::End),
            }
        }
    }

    /// Reads past the end of the innermost element, whatever is in it.
    pub fn skip(&mut self) -> Result<(), AnswerError> {
        let outside = self.depth().saturating_sub(1);
        self.is_skipping = true;
        while self.depth() > outside {
            self.text.clear();
            self.token(false)?;
        }
        self.text.clear();
        self.is_skipping = false;
        Ok(())
    }

    fn token(&mut self, is_root: bool) -> Result<Token, AnswerError> {
        let mut buffer = std::mem::take(&mut self.buffer);
        buffer.clear();
        let meter = self.reader.get_mut();
        meter.left = TOKEN_BYTES_MAX;
        self.place = meter.place;
        let token = match self.reader.read_event_into(&mut buffer) {
            Ok(event) => self.take(event, is_root),
            Err(error) => Err(broken(self.place, self.path(), error)),
        };
        self.buffer = buffer;
        token
    }

    fn take(&mut self, event: Event<'_>, is_root: bool) -> Result<Token, AnswerError> {
        let was_under_way = std::mem::replace(&mut self.is_under_way, true);
        match event {
            Event::Start(start) => self.start(&start, is_root),
            Event::End(_) => {
                if let Some(start) = self.open.pop() {
                    self.path.truncate(start);
                }
                Ok(Token::Close)
            }
            Event::Text(text) => self.add_text(&text.xml10_content()),
            Event::CData(text) => self.add_text(&text.xml10_content()),
            Event::GeneralRef(reference) => {
                let resolved = match &*reference {
                    "amp" => Some('&'),
                    "lt" => Some('<'),
                    "gt" => Some('>'),
                    "quot" => Some('"'),
                    "apos" => Some('\''),
                    _ => reference.resolve_char_ref().ok().flatten(),
                };
                match resolved {
                    Some(letter) => self.add_text(letter.encode_utf8(&mut [0; 4])),
                    None => self.refuse(
                        &format!("&{};", &*reference),
                        "is an entity, which is not allowed",
                    ),
                }
            }
            Event::DocType(_) => self.refuse("", "a DOCTYPE is not allowed"),
            Event::Decl(decl) => {
                if was_under_way {
                    return self.refuse("", "an XML declaration is only allowed at the start");
                }
                match decl.encoding() {
                    None => Ok(Token::Other),
                    Some(Ok(name)) if name.eq_ignore_ascii_case("utf-8") => Ok(Token::Other),
                    Some(Ok(name)) => {
                        self.refuse(&name, "is not UTF-8, the encoding of SEPA messages")
                    }
                    Some(Err(_)) => self.refuse("", "the XML declaration is broken"),
                }
            }
            Event::Empty(_) | Event::Comment(_) | Event::PI(_) => Ok(Token::Other),
            Event::Eof => match self.open.last() {
                None => Ok(Token::End),
                Some(_) => self.refuse("", "the file ends in the middle of this element"),
            },
        }
    }

    fn start(&mut self, start: &BytesStart<'_>, is_root: bool) -> Result<Token, AnswerError> {
        let whole = start.name().0;
        if is_root {
            let local_at = whole.find(':').map_or(0, |colon| colon + 1);
            whole[..local_at].clone_into(&mut self.prefix);
        }
        let local = whole.strip_prefix(self.prefix.as_str());
        self.open.push(self.path.len());
        self.path.push('/');
        self.path.push_str(local.unwrap_or(whole));
        if self.depth() > DEPTH_MAX {
            let reason = format!("elements are nested more than {DEPTH_MAX} deep");
            return Err(self.bad("", reason));
        }
        if self.is_skipping {
            return Ok(Token::Open);
        }
        if local.is_none_or(|name| name.contains(':')) {
            return Err(self.bad("", "is of another namespace"));
        }
        let found = attributes(start, &self.prefix).map_err(|reason| self.bad("", reason))?;
        self.currency = found.currency;
        match found.namespace {
            Some(namespace) if is_root => self.namespace = namespace,
            Some(namespace) if namespace != self.namespace => {
                return Err(self.bad(&namespace, "is another namespace"));
            }
            _ => {}
        }
        Ok(Token::Open)
    }

    fn refuse(&self, value: &str, reason: &str) -> Result<Token, AnswerError> {
        Err(self.bad(value, reason))
    }

    fn add_text(&mut self, text: &str) -> Result<Token, AnswerError> {
        // What XML 1.0 allows (section 2.2, Char), without the controls up to U+009F.
        let refused = |c: char| {
            (c.is_control() && !matches!(c, '\t' | '\r' | '\n'))
                || matches!(c, '\u{fffe}' | '\u{ffff}')
        };
        if self.is_skipping {
            return Ok(Token::Other);
        }
        if self.open.is_empty() && !text.trim_matches([' ', '\t', '\r', '\n']).is_empty() {
            return Err(self.bad(text, "is outside of the document: this is not an XML file"));
        }
        if text.contains(refused) {
            return Err(self.bad(text, "has a control character"));
        }
        self.text.push_str(text);
        if self.text.len() > TEXT_BYTES_MAX {
            let reason = format!("is longer than {TEXT_BYTES_MAX} bytes");
            return Err(self.bad(&self.text, reason));
        }
        Ok(Token::Other)
    }
}

#[derive(Default)]
struct Attributes {
    currency: Option<String>,
    /// Where the elements' own prefix is bound.
    namespace: Option<String>,
}

fn attributes(start: &BytesStart<'_>, prefix: &str) -> Result<Attributes, String> {
    let mut found = Attributes::default();
    if start.attributes_raw().is_empty() {
        return Ok(found);
    }
    for attribute in start.attributes() {
        let attribute = attribute.map_err(|error| format!("a broken attribute: {error}"))?;
        let key = attribute.key.0;
        let value = attribute.value.as_ref();
        if value.contains('&') && (key == "Ccy" || key.starts_with("xmlns")) {
            return Err(format!("{key} has an entity in it, which is not allowed"));
        }
        let bound = match key.strip_prefix("xmlns") {
            Some("") => Some(""),
            Some(name) => name.strip_prefix(':'),
            None => None,
        };
        if bound.is_some_and(|bound| prefix.strip_suffix(':').unwrap_or_default() == bound) {
            found.namespace = Some(value.to_owned());
        } else if key == "Ccy" {
            found.currency = Some(value.to_owned());
        }
    }
    Ok(found)
}

fn broken(place: Place, path: &str, error: quick_xml::Error) -> AnswerError {
    let reason = match error {
        quick_xml::Error::Io(error) if error.kind() == io::ErrorKind::FileTooLarge => {
            format!("a text or tag is longer than {TOKEN_BYTES_MAX} bytes")
        }
        quick_xml::Error::Io(error) => {
            let source = io::Error::new(error.kind(), error.to_string());
            return AnswerError::Read { place, source };
        }
        quick_xml::Error::Encoding(_) => "broken UTF-8".to_owned(),
        error => format!("broken XML: {error}"),
    };
    AnswerError::bad(place, path, "", reason)
}
