//! Reading a bank's statement, every check included, and booking it: for every
//! entry a fact, an attempt's state, an entry of the ledger or two with their
//! postings, a notice.
//!
//! `cargo bench --bench bank_answers -- [--entries N] [--skip-sqlite]`
// Ratios are floats.
#![allow(clippy::float_arithmetic, clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::fs::File;
use std::io::{BufReader, BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Result, ensure};
use clap::Parser;
use quittance::engine::bank::ReadProgress;
use quittance::providers::sepa::answers::{AnswerReader, BankEvent};

use support::measure::{Measured, in_own_process, median, per_second, ratio, report};
use support::{Backend, Database, debtors, direct_debit};

const ROUNDS: usize = 3;

#[derive(Parser)]
struct Options {
    #[arg(long, default_value_t = 100_000)]
    entries: u64,
    /// Book on PostgreSQL only
    #[arg(long)]
    skip_sqlite: bool,
    /// Cargo passes this
    #[arg(long, hide = true)]
    bench: bool,
    /// Read this file, in this process
    #[arg(long, hide = true)]
    file: Option<PathBuf>,
    /// And book it there
    #[arg(long, hide = true)]
    url: Option<String>,
}

#[tokio::main]
async fn main() -> Result<()> {
    let options = Options::parse();
    if let Some(file) = &options.file {
        return match &options.url {
            Some(url) => import(file, options.entries, url).await,
            None => read(file, options.entries),
        };
    }
    let folder = tempfile::tempdir()?;
    println!(
        "{:<22}{:>12}{:>8}{:>10}{:>14}{:>12}{:>10}",
        "camt.053", "entries", "MiB", "seconds", "entries/s", "peak MiB", "parsing"
    );
    // Ten times fewer beside it, to show how memory grows.
    for entries in [options.entries / 10, options.entries] {
        let file = folder.path().join(format!("{entries}.xml"));
        let mib = write(&file, entries)? >> 20;
        let (path, count) = (file.to_string_lossy(), entries.to_string());
        let args = ["--file", &path, "--entries", &count];
        let rounds = (0..ROUNDS)
            .map(|_| in_own_process(&args))
            .collect::<Result<Vec<_>>>()?;
        let floor = median(rounds)?;
        let tell = |what: &str, took: Measured| {
            println!(
                "{what:<22}{entries:>12}{mib:>8}{:>10.3}{:>14.0}{:>12.1}{:>9.2}x",
                took.wall.as_secs_f64(),
                per_second(entries, took.wall),
                took.peak_mib,
                ratio(took.wall, floor.wall),
            );
        };
        tell("parsed", floor);
        for backend in [Backend::Postgres, Backend::Sqlite] {
            if backend == Backend::Sqlite && options.skip_sqlite {
                continue;
            }
            let mut rounds = Vec::new();
            for _ in 0..ROUNDS {
                let database = Database::new(backend)?;
                debit(&database.url, entries).await?;
                let mut args = args.to_vec();
                args.extend(["--url", &database.url]);
                rounds.push(in_own_process(&args)?);
            }
            tell(&format!("booked, {}", backend.name()), median(rounds)?);
        }
    }
    Ok(())
}

struct Silent;

impl ReadProgress for Silent {
    fn read(&self, _bytes: u64) {}
}

async fn import(file: &Path, entries: u64, url: &str) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let mut engine = support::engine(url).await?;
    direct_debit::settle_in(&mut engine, folder.path())?;
    let started = Instant::now();
    let done = engine.import_bank_answer(file, Arc::new(Silent)).await?;
    report(started)?;
    let booked: u64 = done.outcomes.values().map(|sum| sum.debits).sum();
    ensure!(done.unmatched == 0 && booked == entries, "{done:?}");
    Ok(())
}

/// A house with so many accounts, each of which was debited 15.00.
async fn debit(url: &str, accounts: u64) -> Result<()> {
    debtors::insert(url, accounts).await?;
    let (blob, each) = (debtors::blob(url), debtors::each(accounts));
    let id = "'01a0c4506c0000000000' || SUBSTR(CAST(1000000000000 + n AS TEXT), 2)";
    let at = 1_793_606_400_000_000_i64;
    let statements = [
        format!("INSERT INTO payment_method (account_id, id, method, state, added_at, preferred_at, changed_at) {each} \
                 SELECT n, 1, 'sepa', 'usable', 1, 1, 1 FROM each"),
        format!("INSERT INTO sepa_mandate (account_id, method_id, reference, scheme, one_off, debtor_name, iban_key, \
                 iban_sealed, iban_masked, signed_on, signed_at, signed_from, signed_text, account_changed, last_sequence) {each} \
                 SELECT n, 1, 'M' || CAST(n AS TEXT), 'CORE', 0, 'C', '1', {blob}, 'DE...1', '2026-01-05', 1, 'x', 'x', 0, 'RCUR' FROM each"),
        format!("INSERT INTO payment_attempt (account_id, id, period, kind, method, method_id, amount_minor, currency, \
                 state, created_at) {each} SELECT n, {id}, 202610, 1, 'sepa', 1, 1500, 'EUR', 'submitted', {at} FROM each"),
        format!("INSERT INTO sepa_batch (id, version, state, submit_on, created_at, released_at, debits, sum_minor, digest, creditor_name, creditor_id) \
                 SELECT 'DD', 'pain.008.001.08', 'released', '2026-11-30', {at}, {at}, COUNT(*), SUM(amount_minor), {blob}, 'N', 'C' FROM payment_attempt"),
        "INSERT INTO sepa_debit (account_id, attempt_id, batch_id, block_id, sequence, collect_on) \
         SELECT account_id, id, 'DD', 'DD-RCUR', 'RCUR', '2026-12-03' FROM payment_attempt".to_owned(),
        // A house that has been there for a while has statistics.
        "ANALYZE".to_owned(),
    ];
    for statement in statements {
        debtors::execute(url, statement).await?;
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
    for turn in 0..entries {
        // A prime step visits every debit once, in no order.
        let n = turn * 1_000_003 % entries;
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
             <SubFmlyCd>{code}</SubFmlyCd></Fmly></Domn></BkTxCd><NtryDtls><TxDtls><Refs><EndToEndId>01a0c4506c0000000000{n:012}</EndToEndId>\
             <MndtId>M{n:08}</MndtId></Refs><Amt Ccy=\"EUR\">15.00</Amt><CdtDbtInd>{direction}</CdtDbtInd><AmtDtls>\
             <InstdAmt><Amt Ccy=\"EUR\">15.00</Amt></InstdAmt></AmtDtls>{rest}<RltdPties><Dbtr><Pty><Nm>Customer {n}</Nm>\
             </Pty></Dbtr></RltdPties><RmtInf><Ustrd>Invoice Q-2026-{n:06}</Ustrd></RmtInf></TxDtls></NtryDtls></Ntry>"
        )?;
    }
    write!(file, "</Stmt></BkToCstmrStmt></Document>")?;
    file.flush()?;
    Ok(std::fs::metadata(path)?.len())
}
