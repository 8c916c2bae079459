//! Reading a bank's statement, every check included.
//!
//! `cargo bench --bench bank_answers -- [--entries N]`
// Ratios are floats.
#![allow(clippy::float_arithmetic)]

#[path = "support/measure.rs"]
#[allow(dead_code)]
mod measure;

use std::fs::File;
use std::io::{BufReader, BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Result, ensure};
use clap::Parser;
use quittance::providers::sepa::answers::{AnswerReader, BankEvent};

use measure::{in_own_process, median, per_second, report};

const ROUNDS: usize = 3;

#[derive(Parser)]
struct Options {
    #[arg(long, default_value_t = 100_000)]
    entries: u64,
    /// Cargo passes this
    #[arg(long, hide = true)]
    bench: bool,
    /// Read this file, in this process
    #[arg(long, hide = true)]
    file: Option<PathBuf>,
}

fn main() -> Result<()> {
    let options = Options::parse();
    if let Some(file) = &options.file {
        return read(file, options.entries);
    }
    let folder = tempfile::tempdir()?;
    println!(
        "{:<10}{:>12}{:>8}{:>10}{:>14}{:>12}",
        "camt.053", "entries", "MiB", "seconds", "entries/s", "peak MiB"
    );
    // Ten times fewer beside it, to show how memory grows.
    for entries in [options.entries / 10, options.entries] {
        let file = folder.path().join(format!("{entries}.xml"));
        let mib = write(&file, entries)? >> 20;
        let (path, count) = (file.to_string_lossy(), entries.to_string());
        let rounds = (0..ROUNDS)
            .map(|_| in_own_process(&["--file", &path, "--entries", &count]))
            .collect::<Result<Vec<_>>>()?;
        let took = median(rounds)?;
        println!(
            "{:<10}{entries:>12}{mib:>8}{:>10.3}{:>14.0}{:>12.1}",
            "",
            took.wall.as_secs_f64(),
            per_second(entries, took.wall),
            took.peak_mib,
        );
    }
    Ok(())
}

fn read(file: &Path, entries: u64) -> Result<()> {
    let started = Instant::now();
    let mut reader = AnswerReader::open(BufReader::with_capacity(1 << 16, File::open(file)?))?;
    let (mut settled, mut returned) = (0, 0);
    while let Some(entry) = reader.next_entry()? {
        match entry.event {
            BankEvent::Settled { .. } => settled += 1,
            BankEvent::Returned { .. } => returned += 1,
            other => anyhow::bail!("{other:?}"),
        }
    }
    report(started)?;
    ensure!(settled + returned == entries && returned == entries / 10);
    ensure!(
        reader
            .reports()
            .iter()
            .all(|report| report.balances_checked)
    );
    Ok(())
}

/// A statement of single collections, one in ten of which comes back with
/// fees; as much is said of each as banks say.
fn write(path: &Path, entries: u64) -> Result<u64> {
    let returns = entries / 10;
    // 15.00 each in; 15.00 and 3.00 of fees out.
    let closing = 1_000_000_000 + (entries - returns) * 1_500 - returns * 1_800;
    let mut file = BufWriter::new(File::create(path)?);
    let balance = |code: &str, minor: u64| {
        format!(
            "<Bal><Tp><CdOrPrtry><Cd>{code}</Cd></CdOrPrtry></Tp><Amt Ccy=\"EUR\">{}.{:02}</Amt>\
             <CdtDbtInd>CRDT</CdtDbtInd><Dt><Dt>2026-12-03</Dt></Dt></Bal>",
            minor / 100,
            minor % 100
        )
    };
    write!(
        file,
        "<Document xmlns=\"urn:iso:std:iso:20022:tech:xsd:camt.053.001.08\"><BkToCstmrStmt><GrpHdr>\
         <MsgId>M</MsgId><CreDtTm>2026-12-03T20:00:00</CreDtTm></GrpHdr><Stmt><Id>S</Id><Acct><Id>\
         <IBAN>FR7630006000011234567890189</IBAN></Id><Ccy>EUR</Ccy></Acct>{}{}",
        balance("OPBD", 1_000_000_000),
        balance("CLBD", closing)
    )?;
    for n in 0..entries {
        let comes_back = n % 10 == 9;
        let (amount, direction, code, rest) = if comes_back {
            (
                "18.00",
                "DBIT",
                "UPDD",
                "<Chrgs><Rcrd><Amt Ccy=\"EUR\">3.00</Amt><CdtDbtInd>DBIT</CdtDbtInd></Rcrd></Chrgs>\
                 <RtrInf><Rsn><Cd>AM04</Cd></Rsn><AddtlInf>Insufficient funds</AddtlInf></RtrInf>",
            )
        } else {
            ("15.00", "CRDT", "ESDD", "")
        };
        writeln!(
            file,
            "<Ntry><Amt Ccy=\"EUR\">{amount}</Amt><CdtDbtInd>{direction}</CdtDbtInd><RvslInd>{comes_back}</RvslInd>\
             <Sts><Cd>BOOK</Cd></Sts><BookgDt><Dt>2026-12-03</Dt></BookgDt><ValDt><Dt>2026-12-03</Dt></ValDt>\
             <AcctSvcrRef>2026120300{n:010}</AcctSvcrRef><BkTxCd><Domn><Cd>PMNT</Cd><Fmly><Cd>IDDT</Cd>\
             <SubFmlyCd>{code}</SubFmlyCd></Fmly></Domn></BkTxCd><NtryDtls><TxDtls><Refs><EndToEndId>A{n:012}</EndToEndId>\
             <MndtId>M{n:08}</MndtId></Refs><Amt Ccy=\"EUR\">15.00</Amt><CdtDbtInd>{direction}</CdtDbtInd><AmtDtls>\
             <InstdAmt><Amt Ccy=\"EUR\">15.00</Amt></InstdAmt></AmtDtls>{rest}<RltdPties><Dbtr><Pty><Nm>Customer {n}</Nm>\
             </Pty></Dbtr></RltdPties><RmtInf><Ustrd>Invoice Q-2026-{n:06}</Ustrd></RmtInf></TxDtls></NtryDtls></Ntry>"
        )?;
    }
    write!(file, "</Stmt></BkToCstmrStmt></Document>")?;
    file.flush()?;
    Ok(std::fs::metadata(path)?.len())
}
