//! A sample platform of any size: three apps an account, containers that are
//! scaled, addons, some of it still running. The same every time, and told in
//! the order a platform would tell it: by time, not by account.

use std::io::{BufWriter, Write as _};
use std::path::Path;

use anyhow::Result;
use chrono::{DateTime, SecondsFormat};

/// The month that is billed, and a day after it.
pub const MONTH: &str = "2026-10";
pub const TODAY: &str = "2026-11-02T08:00:00Z";

/// 2026-09-30T22:00:00Z, when October starts in Paris.
const MONTH_START: u64 = 1_790_805_600;
const DAY: u64 = 86_400;

const SIZES: [&str; 5] = ["S", "M", "L", "XL", "2XL"];
const PLANS: [&str; 6] = [
    "starter",
    "business-512",
    "business-1024",
    "business-2048",
    "business-4096",
    "business-8192",
];

pub fn write_catalog(path: &Path) -> Result<()> {
    Ok(std::fs::write(
        path,
        include_str!("../../fixtures/catalog.csv"),
    )?)
}

/// Writes so many accounts, of three countries.
pub fn write_accounts(path: &Path, accounts: u64) -> Result<()> {
    let mut out = BufWriter::new(std::fs::File::create(path)?);
    writeln!(
        out,
        "id,username,email,full_name,company,country,address_line1,postal_code,city,vat_number,currency,created_at"
    )?;
    for n in 0..accounts {
        let (country, postal_code, city, vat_number) = match n % 10 {
            0 => ("DE", "22767", "Hamburg", "DE136695909"),
            1 => ("PL", "00-002", "Warszawa", ""),
            _ => ("FR", "67000", "Strasbourg", ""),
        };
        writeln!(
            out,
            "acc-{n:07},user{n},user{n}@customer.example,Customer {n},,{country},12 rue des Forgerons,\
             {postal_code},{city},{vat_number},EUR,2025-03-04T09:12:00Z"
        )?;
    }
    Ok(out.flush()?)
}

/// Writes `per_account` intervals for each account.
pub fn write_usage(path: &Path, accounts: u64, per_account: u64) -> Result<u64> {
    let mut out = BufWriter::with_capacity(1 << 20, std::fs::File::create(path)?);
    writeln!(
        out,
        "id,account,app,kind,type,plan,quantity,started_at,ended_at"
    )?;
    for nth in 0..per_account {
        for turn in 0..accounts {
            // A prime step visits every account once, in no order.
            let account = (turn * 1_000_003 + nth * 104_729) % accounts;
            write_interval(&mut out, account, nth, per_account)?;
        }
    }
    out.flush()?;
    Ok(accounts * per_account)
}

fn write_interval(
    out: &mut impl std::io::Write,
    account: u64,
    nth: u64,
    per_account: u64,
) -> Result<()> {
    let chance = mix(account * 1_000 + nth);
    let app = nth % 3;
    let slot = mix(account * 10 + app);
    let (kind, resource_type, plan, quantity) = if nth % 10 >= 7 {
        ("addon", "postgresql", pick(&PLANS, slot >> 20), 1)
    } else {
        (
            "container",
            "web",
            pick(&SIZES, slot),
            1 + (chance >> 40) % 4,
        )
    };
    let span = 31 * DAY / per_account;
    let start = MONTH_START + nth * span + chance % span;
    // The first runs over from the month before.
    let (start, length) = match nth {
        0 => (start - 10 * DAY, 10 * DAY + 3 * 3_600),
        _ => (start, 3_600 + (chance >> 16) % (47 * 3_600)),
    };
    let runs_on = nth + 2 >= per_account && chance.is_multiple_of(4);
    let end = if runs_on {
        String::new()
    } else {
        time(start + length)?
    };
    let start = time(start)?;
    writeln!(
        out,
        "evt-{account:07}-{nth:03},acc-{account:07},app-{app},{kind},{resource_type},{plan},{quantity},{start},{end}"
    )?;
    Ok(())
}

fn pick(from: &[&'static str], chance: u64) -> &'static str {
    let length = u64::try_from(from.len()).unwrap_or(1);
    let at = usize::try_from(chance % length).unwrap_or(0);
    from[at]
}

fn time(seconds: u64) -> Result<String> {
    let time = DateTime::from_timestamp(i64::try_from(seconds)?, 0);
    let time = time.ok_or_else(|| anyhow::anyhow!("{seconds} is no time"))?;
    Ok(time.to_rfc3339_opts(SecondsFormat::Secs, true))
}

/// MurmurHash3's finalizer: a number to look at random.
const fn mix(mut x: u64) -> u64 {
    x ^= x >> 33;
    x = x.wrapping_mul(0xff51_afd7_ed55_8ccd);
    x ^= x >> 33;
    x = x.wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    x ^ (x >> 33)
}
