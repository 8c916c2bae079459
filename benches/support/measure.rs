//! A part measured in a process of its own.

use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

/// What a part took.
#[derive(Debug, Clone, Copy)]
pub struct Measured {
    pub wall: Duration,
    pub peak_mib: f64,
}

/// Runs this bench again with other arguments and reads what [`report`] printed.
pub fn in_own_process(args: &[&str]) -> Result<Measured> {
    let output = Command::new(std::env::current_exe()?)
        .args(args)
        .output()
        .context("the bench cannot start itself")?;
    let said = String::from_utf8_lossy(&output.stdout);
    if !output.status.success() {
        bail!(
            "{args:?} failed: {}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
    let mut fields = said.split_whitespace();
    let mut next = || {
        fields
            .next()
            .with_context(|| format!("{args:?} said {said:?}"))
    };
    Ok(Measured {
        wall: Duration::from_secs_f64(next()?.parse()?),
        peak_mib: next()?.parse()?,
    })
}

/// Prints what the process took since `started`, for [`in_own_process`].
pub fn report(started: Instant) -> Result<()> {
    let wall = started.elapsed().as_secs_f64();
    println!("{wall} {}", peak_mib()?);
    Ok(())
}

/// The peak resident memory of this process so far, by Linux's account.
pub fn peak_mib() -> Result<f64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line
        .and_then(|line| line.trim().strip_suffix("kB"))
        .context("no VmHWM in /proc/self/status")?;
    Ok(kib.trim().parse::<f64>()? / 1024.0)
}

/// The median, and the highest peak, of an odd number of rounds.
pub fn median(mut rounds: Vec<Measured>) -> Result<Measured> {
    rounds.sort_by_key(|round| round.wall);
    let peak_mib = rounds
        .iter()
        .map(|round| round.peak_mib)
        .fold(0.0, f64::max);
    let middle = rounds.get(rounds.len() / 2).context("no rounds")?;
    Ok(Measured {
        peak_mib,
        ..*middle
    })
}

/// `a` as a multiple of `b`.
pub fn ratio(a: Duration, b: Duration) -> f64 {
    a.as_secs_f64() / b.as_secs_f64()
}

/// How many a second.
pub fn per_second(count: u64, took: Duration) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX)) / took.as_secs_f64()
}
