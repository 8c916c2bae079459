//! The trace's file. A bad row is named with its place; one is enough to refuse
//! the trace.

use std::collections::HashSet;
use std::path::Path;
use std::str::FromStr;

use anyhow::{Context as _, Result, bail};
use csv::{Position, StringRecord};

/// The columns that matter for billing; the others are not read.
const COLUMNS: [&str; 5] = [
    "name",
    "memory_mib",
    "qos",
    "deletion_time",
    "scheduled_time",
];

/// The most bytes of an event id that Quittance takes.
const NAME_BYTES_MAX: usize = 200;

/// A container. Times are seconds since the trace began.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pod {
    pub name: String,
    pub memory_mib: u32,
    pub qos: Qos,
    /// `None` when it never ended.
    pub deleted: Option<u32>,
    /// `None` when the cluster found no place for it.
    pub scheduled: Option<u32>,
}

/// How well the cluster treats a container.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Qos {
    LatencySensitive,
    Guaranteed,
    Burstable,
    BestEffort,
}

impl FromStr for Qos {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "LS" => Ok(Self::LatencySensitive),
            "Guaranteed" => Ok(Self::Guaranteed),
            "Burstable" => Ok(Self::Burstable),
            "BE" => Ok(Self::BestEffort),
            _ => Err("is not LS, Guaranteed, Burstable or BE"),
        }
    }
}

/// Reads the containers of a trace.
///
/// # Errors
/// When the file cannot be read, a column is missing, or any row is bad; every
/// bad value is named with its file, line and column.
pub fn read(path: &Path) -> Result<Vec<Pod>> {
    let text = std::fs::read(path).with_context(|| format!("{} cannot be read", path.display()))?;
    parse(&text, &path.display().to_string())
}

fn parse(text: &[u8], file: &str) -> Result<Vec<Pod>> {
    let mut reader = csv::Reader::from_reader(text);
    let header = reader
        .headers()
        .with_context(|| format!("{file}:1: the header cannot be read"))?;
    let mut places = [0; COLUMNS.len()];
    for (place, column) in places.iter_mut().zip(COLUMNS) {
        *place = header
            .iter()
            .position(|name| name == column)
            .with_context(|| format!("{file}:1: column {column:?} is missing"))?;
    }
    let mut rows = Rows {
        file,
        text,
        places,
        names: HashSet::new(),
        problems: Vec::new(),
    };
    let mut pods = Vec::new();
    for record in reader.records() {
        match record {
            Ok(record) => pods.extend(rows.pod(&record)),
            Err(error) => rows.broken(&error),
        }
    }
    if !rows.problems.is_empty() {
        bail!("the trace is refused:\n{}", rows.problems.join("\n"));
    }
    Ok(pods)
}

/// Checks rows and gathers what is wrong with them.
struct Rows<'a> {
    file: &'a str,
    text: &'a [u8],
    places: [usize; COLUMNS.len()],
    names: HashSet<String>,
    problems: Vec<String>,
}

impl Rows<'_> {
    /// The container of a row; `None` when the row is bad.
    fn pod(&mut self, record: &StringRecord) -> Option<Pod> {
        let at = record.position();
        let [name, memory, qos, deletion, scheduling] =
            self.places.map(|place| record.get(place).unwrap_or(""));
        let before = self.problems.len();
        if name.is_empty() || name.len() > NAME_BYTES_MAX {
            let reason = format!("is not a name of 1 to {NAME_BYTES_MAX} bytes");
            self.refuse(at, "name", name, &reason);
        } else if !self.names.insert(name.to_owned()) {
            self.refuse(at, "name", name, "is in the trace twice");
        }
        let memory_mib = memory.parse::<u32>();
        if memory_mib.is_err() {
            self.refuse(at, "memory_mib", memory, "is not a whole number of MiB");
        }
        let parsed_qos = qos.parse::<Qos>();
        if let Err(reason) = &parsed_qos {
            self.refuse(at, "qos", qos, reason);
        }
        let scheduled = self.seconds(at, "scheduled_time", scheduling);
        let deleted = self.seconds(at, "deletion_time", deletion);
        if let (Some(start), Some(end)) = (scheduled, deleted)
            && end < start
        {
            let reason = format!("is before scheduled_time {start}");
            self.refuse(at, "deletion_time", deletion, &reason);
        }
        (self.problems.len() == before).then_some(Pod {
            name: name.to_owned(),
            memory_mib: memory_mib.ok()?,
            qos: parsed_qos.ok()?,
            deleted,
            scheduled,
        })
    }

    /// A time that may be empty.
    fn seconds(&mut self, at: Option<&Position>, column: &str, value: &str) -> Option<u32> {
        let seconds = value.parse().ok();
        if seconds.is_none() && !value.is_empty() {
            self.refuse(at, column, value, "is not a whole number of seconds");
        }
        seconds
    }

    fn refuse(&mut self, at: Option<&Position>, column: &str, value: &str, reason: &str) {
        let (file, line) = (self.file, self.line(at));
        self.problems
            .push(format!("{file}:{line}: {column} {value:?}: {reason}"));
    }

    /// The line of a row. The reader's own count stays behind after CRLF and
    /// empty lines: it places a row before what it skips to reach it.
    fn line(&self, at: Option<&Position>) -> usize {
        let start = at.and_then(|at| usize::try_from(at.byte()).ok());
        let (before, rest) = self
            .text
            .split_at_checked(start.unwrap_or(0))
            .unwrap_or_default();
        let skipped = rest.iter().take_while(|byte| matches!(byte, b'\r' | b'\n'));
        let breaks = before.iter().chain(skipped).filter(|byte| **byte == b'\n');
        breaks.count() + 1
    }

    /// A row that is no CSV of the header's shape.
    fn broken(&mut self, error: &csv::Error) {
        let at = error.position();
        let reason = match error.kind() {
            csv::ErrorKind::UnequalLengths {
                expected_len, len, ..
            } => {
                format!("broken CSV: {len} fields, the header has {expected_len}")
            }
            csv::ErrorKind::Utf8 { err, .. } => {
                format!("broken UTF-8 in field {}", err.field() + 1)
            }
            _ => error.to_string(),
        };
        self.refuse(at, "-", "", &reason);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &str = "name,cpu_milli,memory_mib,num_gpu,gpu_milli,gpu_spec,qos,pod_phase,\
                          creation_time,deletion_time,scheduled_time\n";

    fn rows(rows: &[u8]) -> Result<Vec<Pod>> {
        parse(&[HEADER.as_bytes(), rows].concat(), "t.csv")
    }

    #[test]
    fn rows_are_read() {
        let pods = rows(
            b"a,12000,16384,1,1000,,LS,Running,0,12537496,0\n\
              b,1,0,0,0,,BE,Pending,5,9,\n\
              c,1,512,0,0,,Burstable,Running,5,,6\n",
        );
        let pod = |name: &str, memory_mib, qos, deleted, scheduled| Pod {
            name: name.to_owned(),
            memory_mib,
            qos,
            deleted,
            scheduled,
        };
        let expected = [
            pod(
                "a",
                16_384,
                Qos::LatencySensitive,
                Some(12_537_496),
                Some(0),
            ),
            pod("b", 0, Qos::BestEffort, Some(9), None),
            pod("c", 512, Qos::Burstable, None, Some(6)),
        ];
        assert_eq!(pods.unwrap(), expected);
    }

    #[test]
    fn every_bad_row_is_located() {
        let error = rows(
            b"a,1,16384,1,0,,LS,Running,0,9,0\n\
              a,1,much,1,0,,XX,Running,0,9.5,-1\n\
              c,1,2,1,0,,LS,Running,0,4,5\n\
              d,1,2\n\
              \xff,1,2,1,0,,LS,Running,0,9,0\n\
              ,1,2,1,0,,LS,Running,0,9,5000000000\n",
        );
        let expected = "the trace is refused:\n\
            t.csv:3: name \"a\": is in the trace twice\n\
            t.csv:3: memory_mib \"much\": is not a whole number of MiB\n\
            t.csv:3: qos \"XX\": is not LS, Guaranteed, Burstable or BE\n\
            t.csv:3: scheduled_time \"-1\": is not a whole number of seconds\n\
            t.csv:3: deletion_time \"9.5\": is not a whole number of seconds\n\
            t.csv:4: deletion_time \"4\": is before scheduled_time 5\n\
            t.csv:5: - \"\": broken CSV: 3 fields, the header has 11\n\
            t.csv:6: - \"\": broken UTF-8 in field 1\n\
            t.csv:7: name \"\": is not a name of 1 to 200 bytes\n\
            t.csv:7: scheduled_time \"5000000000\": is not a whole number of seconds";
        assert_eq!(error.unwrap_err().to_string(), expected);
    }

    #[test]
    fn lines_are_counted_as_an_editor_counts_them() {
        let text = b"\xef\xbb\xbfname,memory_mib,qos,deletion_time,scheduled_time\r\n\
                     a,1,LS,1,0\r\n\r\n\n\"b\nc\",?,LS,1,0\r\nd,1\r\n";
        let expected = "the trace is refused:\n\
            t.csv:5: memory_mib \"?\": is not a whole number of MiB\n\
            t.csv:7: - \"\": broken CSV: 2 fields, the header has 5";
        assert_eq!(parse(text, "t.csv").unwrap_err().to_string(), expected);
    }

    #[test]
    fn a_missing_column_is_named() {
        let error = parse(b"name,memory_mib\n", "t.csv").unwrap_err();
        assert_eq!(error.to_string(), "t.csv:1: column \"qos\" is missing");
    }
}
