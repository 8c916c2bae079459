//! What happened, in order: the end of it is printed when a seed fails, and all of it
//! has to be the same when the seed is played again.

use std::sync::Mutex;

use sha2::{Digest as _, Sha256};

/// Lines that are kept to be printed.
const KEPT: usize = 400;

#[derive(Default)]
pub struct Log(Mutex<Lines>);

#[derive(Default)]
struct Lines {
    last: std::collections::VecDeque<String>,
    all: Sha256,
    count: u64,
}

impl Log {
    pub fn say(&self, line: impl Into<String>) {
        let line = line.into();
        if std::env::var_os("SIMULATION_LOG").is_some() {
            eprintln!("{line}");
        }
        let mut lines = self.0.lock().unwrap();
        lines.all.update(line.as_bytes());
        lines.all.update(b"\n");
        lines.count += 1;
        if lines.last.len() == KEPT {
            lines.last.pop_front();
        }
        lines.last.push_back(line);
    }

    /// The last lines that name something, and the last ones of all.
    pub fn end_about(&self, what: &str) -> String {
        let lines = self.0.lock().unwrap();
        let near = lines.last.len().saturating_sub(60);
        let told = lines.last.iter().enumerate();
        told.filter(|(at, line)| {
            *at >= near || line.starts_with("==") || (!what.is_empty() && line.contains(what))
        })
        .map(|(_, line)| format!("  {line}\n"))
        .collect()
    }

    /// The digest of all lines, and how many they are.
    pub fn digest(&self) -> (String, u64) {
        let lines = self.0.lock().unwrap();
        let digest = lines.all.clone().finalize();
        let hex = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        (hex, lines.count)
    }
}
