//! CSV, one record a line. A field with a line break in it is refused: an
//! unclosed quote then costs one row, not the rest of the file.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use super::{BadRow, ImportError, Problem};

/// Longer lines are bad rows.
const LINE_BYTES_MAX: usize = 64 * 1024;
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// The lines of a file, counted and bounded.
pub struct Lines {
    input: BufReader<File>,
    line: Vec<u8>,
    pub line_no: u64,
    pub bytes_read: u64,
}

/// A line, or what is wrong with it.
pub enum Line {
    Text,
    TooLong,
}

impl Lines {
    pub fn open(path: &Path) -> Result<Self, ImportError> {
        let file = File::open(path).map_err(|error| ImportError::read(path, error))?;
        Ok(Self {
            input: BufReader::with_capacity(1 << 20, file),
            line: Vec::with_capacity(1024),
            line_no: 0,
            bytes_read: 0,
        })
    }

    /// Reads the next line that is not blank; it is then in [`Self::text`].
    pub fn next(&mut self) -> std::io::Result<Option<Line>> {
        loop {
            self.line.clear();
            let most = u64::try_from(LINE_BYTES_MAX).unwrap_or(u64::MAX);
            let read = (&mut self.input)
                .take(most)
                .read_until(b'\n', &mut self.line)?;
            if read == 0 {
                return Ok(None);
            }
            self.line_no += 1;
            self.bytes_read += u64::try_from(read).unwrap_or(0);
            if read == LINE_BYTES_MAX && !self.line.ends_with(b"\n") {
                self.skip_rest()?;
                return Ok(Some(Line::TooLong));
            }
            while matches!(self.line.last(), Some(b'\n' | b'\r')) {
                self.line.pop();
            }
            if self.line_no == 1 && self.line.starts_with(BYTE_ORDER_MARK) {
                self.line.drain(..BYTE_ORDER_MARK.len());
            }
            if !self.line.iter().all(u8::is_ascii_whitespace) {
                return Ok(Some(Line::Text));
            }
        }
    }

    fn skip_rest(&mut self) -> std::io::Result<()> {
        loop {
            let buffer = self.input.fill_buf()?;
            if buffer.is_empty() {
                return Ok(());
            }
            let (used, ends) = match buffer.iter().position(|byte| *byte == b'\n') {
                Some(at) => (at + 1, true),
                None => (buffer.len(), false),
            };
            self.input.consume(used);
            self.bytes_read += u64::try_from(used).unwrap_or(0);
            if ends {
                return Ok(());
            }
        }
    }

    pub fn text(&self) -> &[u8] {
        &self.line
    }

    pub fn bad(&self, problems: Vec<Problem>) -> BadRow {
        BadRow {
            line: self.line_no,
            problems,
            raw: self.line.clone(),
        }
    }
}

/// A CSV file with a header.
pub struct Table {
    pub lines: Lines,
    /// Where each expected column stands in the file; `None` for an optional
    /// one that is not there.
    places: Vec<Option<usize>>,
    names: Vec<String>,
    record: Record,
}

/// The fields of one line.
struct Record {
    reader: csv_core::Reader,
    output: Vec<u8>,
    ends: Vec<usize>,
    fields: usize,
}

impl Record {
    fn new() -> Self {
        Self {
            reader: csv_core::Reader::new(),
            output: vec![0; LINE_BYTES_MAX + 1],
            ends: vec![0; 256],
            fields: 0,
        }
    }

    /// Splits a line; says what is wrong with it as a whole.
    fn split(&mut self, line: &mut Vec<u8>) -> Result<(), &'static str> {
        if !quotes_are_sound(line) {
            return Err("broken CSV: a quote is not closed on its line, or stands inside a field");
        }
        self.reader.reset();
        line.push(b'\n');
        let (result, _, _, fields) =
            self.reader
                .read_record(line, &mut self.output, &mut self.ends);
        line.pop();
        match result {
            csv_core::ReadRecordResult::Record => {
                self.fields = fields;
                Ok(())
            }
            csv_core::ReadRecordResult::OutputEndsFull => Err("broken CSV: over 256 columns"),
            _ => Err("broken CSV: a quote is not closed on its line"),
        }
    }

    fn field(&self, at: usize) -> &[u8] {
        let start = at
            .checked_sub(1)
            .and_then(|before| self.ends.get(before))
            .copied()
            .unwrap_or(0);
        let end = self.ends.get(at).copied().unwrap_or(start);
        self.output.get(start..end).unwrap_or_default()
    }
}

/// Whether quotes only enclose whole fields, doubled inside them (RFC 4180).
fn quotes_are_sound(line: &[u8]) -> bool {
    if !line.contains(&b'"') {
        return true;
    }
    let mut rest = line.iter().copied().peekable();
    loop {
        // At the start of a field.
        if rest.next_if_eq(&b'"').is_some() {
            loop {
                match rest.next() {
                    Some(b'"') if rest.next_if_eq(&b'"').is_some() => {}
                    Some(b'"') => break,
                    Some(_) => {}
                    None => return false,
                }
            }
            match rest.next() {
                None => return true,
                Some(b',') => {}
                Some(_) => return false,
            }
        } else {
            loop {
                match rest.next() {
                    None => return true,
                    Some(b',') => break,
                    Some(b'"') => return false,
                    Some(_) => {}
                }
            }
        }
    }
}

impl Table {
    /// Opens a file and finds the expected columns, in any order; those from
    /// `optional` on may be missing.
    pub fn open(path: &Path, columns: &[&str], optional: usize) -> Result<Self, ImportError> {
        let mut lines = Lines::open(path)?;
        let refuse = |reason: String| ImportError::Header {
            path: path.display().to_string(),
            reason,
        };
        let expected = || format!("the columns are {}", columns[..optional].join(","));
        match lines
            .next()
            .map_err(|error| ImportError::read(path, error))?
        {
            Some(Line::Text) => {}
            Some(Line::TooLong) => {
                return Err(refuse(format!("the header is too long; {}", expected())));
            }
            None => return Err(refuse(format!("the file is empty; {}", expected()))),
        }
        let mut record = Record::new();
        record
            .split(&mut lines.line)
            .map_err(|reason| refuse(reason.to_owned()))?;
        let mut names = Vec::new();
        for at in 0..record.fields {
            let name = std::str::from_utf8(record.field(at))
                .map_err(|_| refuse("the header is not UTF-8".to_owned()))?
                .trim();
            if !columns.contains(&name) {
                return Err(refuse(format!("unknown column {name:?}; {}", expected())));
            }
            if names.iter().any(|known| known == name) {
                return Err(refuse(format!("column {name:?} is there twice")));
            }
            names.push(name.to_owned());
        }
        let place = |column: &&str| names.iter().position(|name| name == column);
        let places: Vec<Option<usize>> = columns.iter().map(place).collect();
        for (column, place) in columns[..optional].iter().zip(&places) {
            if place.is_none() {
                return Err(refuse(format!(
                    "column {column:?} is missing; {}",
                    expected()
                )));
            }
        }
        Ok(Self {
            lines,
            places,
            names,
            record,
        })
    }

    /// Reads the next row; its fields are then at hand.
    pub fn next(&mut self) -> std::io::Result<Option<Result<(), BadRow>>> {
        match self.lines.next()? {
            None => return Ok(None),
            Some(Line::TooLong) => {
                let reason = format!("the line is longer than {LINE_BYTES_MAX} bytes");
                return Ok(Some(Err(self.lines.bad(vec![Problem::row(reason)]))));
            }
            Some(Line::Text) => {}
        }
        if let Err(reason) = self.record.split(&mut self.lines.line) {
            let value = excerpt(&self.lines.line);
            return Ok(Some(Err(self
                .lines
                .bad(vec![Problem::new("-", value, reason)]))));
        }
        if self.record.fields != self.names.len() {
            let reason = format!(
                "broken CSV: {} fields, the header has {}",
                self.record.fields,
                self.names.len()
            );
            let value = excerpt(&self.lines.line);
            return Ok(Some(Err(self
                .lines
                .bad(vec![Problem::new("-", value, reason)]))));
        }
        let problems: Vec<Problem> = (0..self.record.fields)
            .filter_map(|at| {
                let field = self.record.field(at);
                let name = self.names.get(at).map_or("-", String::as_str);
                match std::str::from_utf8(field) {
                    Err(_) => Some(Problem::new(name, excerpt(field), "broken UTF-8")),
                    Ok(text) if text.chars().any(char::is_control) => {
                        Some(Problem::new(name, excerpt(field), "a control character"))
                    }
                    Ok(_) => None,
                }
            })
            .collect();
        if problems.is_empty() {
            Ok(Some(Ok(())))
        } else {
            Ok(Some(Err(self.lines.bad(problems))))
        }
    }

    /// A field of the row, by the place of its column in the list given to
    /// [`Self::open`]; without the spaces around it, empty when the column is
    /// not there.
    pub fn field(&self, column: usize) -> &str {
        let place = self.places.get(column).copied().flatten();
        let bytes = place.map_or(&[][..], |at| self.record.field(at));
        // The row was checked to be UTF-8.
        std::str::from_utf8(bytes).unwrap_or_default().trim()
    }
}

/// The start of a broken text, for an error.
pub fn excerpt(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    match text.char_indices().nth(80) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.into_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;

    fn table(content: &[u8]) -> Result<Table, ImportError> {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(content).unwrap();
        Table::open(file.path(), &["a", "b", "c"], 2)
    }

    fn rows(content: &[u8]) -> Vec<String> {
        let mut table = table(content).unwrap();
        let mut rows = Vec::new();
        while let Some(row) = table.next().unwrap() {
            rows.push(match row {
                Ok(()) => format!("{}|{}|{}", table.field(0), table.field(1), table.field(2)),
                Err(bad) => format!(
                    "{} {}: {}",
                    bad.line, bad.problems[0].column, bad.problems[0].reason
                ),
            });
        }
        rows
    }

    #[test]
    fn columns_are_found_by_name_in_any_order() {
        assert_eq!(
            rows(b"\xef\xbb\xbfb,a\r\n1,2\r\n\r\n\"x, \"\"y\"\"\",z"),
            ["2|1|", "z|x, \"y\"|"]
        );
        assert_eq!(rows(b"a,b,c\n1,2,3\n"), ["1|2|3"]);
    }

    #[test]
    fn broken_rows_are_located_and_the_next_row_is_read() {
        let long = "x".repeat(LINE_BYTES_MAX + 10);
        let text = format!("a,b\n1\n\"open,2\n3,4\na\"b,2\n\"a\"b,2\n{long},2\n5,6\n");
        assert_eq!(
            rows(text.as_bytes()),
            [
                "2 -: broken CSV: 1 fields, the header has 2",
                "3 -: broken CSV: a quote is not closed on its line, or stands inside a field",
                "3|4|",
                "5 -: broken CSV: a quote is not closed on its line, or stands inside a field",
                "6 -: broken CSV: a quote is not closed on its line, or stands inside a field",
                "7 -: the line is longer than 65536 bytes",
                "5|6|",
            ]
        );
        assert_eq!(
            rows(b"a,b\n1,\xff\n2,\x01\n"),
            ["2 b: broken UTF-8", "3 b: a control character"]
        );
    }

    #[test]
    fn a_wrong_header_is_refused() {
        for (header, word) in [
            (&b""[..], "empty"),
            (b"a\n", "missing"),
            (b"a,b,x\n", "unknown"),
            (b"a,b,a\n", "twice"),
        ] {
            let error = table(header).err().unwrap().to_string();
            assert!(error.contains(word), "{error}");
        }
    }
}
