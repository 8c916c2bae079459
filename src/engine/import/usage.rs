//! Usage, by the million. A thread reads and checks chunks ahead while the
//! database takes the one before; memory is bounded by the chunk, the accounts
//! and the plans, not by the file.

use std::borrow::Cow;
use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use tokio::sync::mpsc;

use super::checks::Checks;
use super::late::LateKeeper;
use super::raw::RawUsage;
use super::table::{Line, Lines, Table};
use super::{BadRow, Chunk, Import, ImportError, ImportProgress, ImportReport, Problem};
use crate::domain::catalog::{Catalog, ResourceKind, Sku};
use crate::domain::ids::{AccountId, SkuId};
use crate::domain::money::Currency;
use crate::engine::run::Engine;
use crate::on;
use crate::store::Tx;
use crate::store::rows::UsageRow;

pub(super) const COLUMNS: [&str; 9] = [
    "id",
    "account",
    "app",
    "kind",
    "type",
    "plan",
    "quantity",
    "started_at",
    "ended_at",
];
/// Rows of a chunk: sorted together, sent together.
const ROWS_PER_CHUNK: usize = 250_000;
/// The most of one resource at a time.
const QUANTITY_MAX: i32 = 100_000;
/// From here on the database is told to settle: statistics, log.
const ROWS_LARGE: u64 = 50_000;

/// What is said of an event that is known with other content.
pub(super) const KNOWN_OTHERWISE: &str = "is known already, with different content";

/// Rows with the SKUs they brought, and each row as it stands in the file while
/// it may still turn out bad.
pub(super) struct UsageChunk {
    pub(super) chunk: Chunk<UsageRow>,
    pub(super) new_skus: Vec<(SkuId, Sku)>,
}

impl Engine {
    /// Imports usage: a CSV file, or JSON lines of CloudEvents 1.0 when the
    /// file's name ends in `.json`, `.jsonl` or `.ndjson`.
    ///
    /// # Errors
    /// When the file cannot be read or the database refuses; bad rows are no
    /// error but reported.
    pub async fn import_usage(&self, mut import: Import<'_>) -> Result<ImportReport, ImportError> {
        let source = Source::open(import.path)?;
        let mut tx = self.store.begin().await?;
        on!(&mut tx, conn, q => q::raise_generation(conn).await)?;
        on!(&mut tx, conn, q => q::begin_bulk_import(conn).await)?;
        let parser = Parser::load(&mut tx).await?;
        let late = LateKeeper::load(&mut tx, self.config.zone()).await?;
        let (sender, mut chunks) = mpsc::channel(1);
        let progress = Arc::clone(&import.progress);
        let reading =
            tokio::task::spawn_blocking(move || read_ahead(source, parser, &sender, &*progress));

        let mut report = ImportReport::default();
        let mut writer = Writer::new();
        while let Some(chunk) = chunks.recv().await {
            let mut bad = writer.write(&mut tx, chunk, &late, &mut report).await?;
            fill_raw(import.path, &mut bad)
                .map_err(|error| ImportError::read(import.path, error))?;
            import.take_bad(&mut report, bad)?;
        }
        let read = reading.await.map_err(|_| ImportError::Worker)?;
        read.map_err(|error| ImportError::read(import.path, error))?;
        import.end(tx, &mut report).await?;
        if report.added >= ROWS_LARGE && !report.refused {
            self.store.settle_after_import().await?;
        }
        Ok(report)
    }
}

/// The two formats.
enum Source {
    Csv(Box<Table>),
    Events(Lines),
}

impl Source {
    fn open(path: &Path) -> Result<Self, ImportError> {
        let extension = path.extension().and_then(std::ffi::OsStr::to_str);
        let extension = extension.map(str::to_ascii_lowercase);
        if matches!(extension.as_deref(), Some("json" | "jsonl" | "ndjson")) {
            Ok(Self::Events(Lines::open(path)?))
        } else {
            Ok(Self::Csv(Box::new(Table::open(
                path,
                &COLUMNS,
                COLUMNS.len(),
            )?)))
        }
    }

    const fn lines(&self) -> &Lines {
        match self {
            Self::Csv(table) => &table.lines,
            Self::Events(lines) => lines,
        }
    }

    /// Reads the next event and checks it.
    fn next(&mut self, parser: &mut Parser) -> std::io::Result<Option<Result<UsageRow, BadRow>>> {
        match self {
            Self::Csv(table) => {
                let Some(row) = table.next()? else {
                    return Ok(None);
                };
                if let Err(bad) = row {
                    return Ok(Some(Err(bad)));
                }
                let field = |column| Cow::Borrowed(table.field(column));
                let raw = RawUsage {
                    id: field(0),
                    account: field(1),
                    app: field(2),
                    kind: field(3),
                    resource_type: field(4),
                    plan: field(5),
                    quantity: field(6),
                    started_at: field(7),
                    ended_at: field(8),
                };
                let checked = parser.check(&raw, table.lines.line_no);
                Ok(Some(checked.map_err(|problems| table.lines.bad(problems))))
            }
            Self::Events(lines) => {
                let parsed = match lines.next()? {
                    None => return Ok(None),
                    Some(Line::TooLong) => Err(vec![Problem::row("the line is too long")]),
                    Some(Line::Text) => super::events::parse(lines.text()),
                };
                let checked = parsed.and_then(|raw| parser.check(&raw, lines.line_no));
                Ok(Some(checked.map_err(|problems| lines.bad(problems))))
            }
        }
    }
}

/// Reads chunk after chunk until the file ends or nobody listens.
fn read_ahead(
    mut source: Source,
    mut parser: Parser,
    sender: &mpsc::Sender<UsageChunk>,
    progress: &dyn ImportProgress,
) -> std::io::Result<()> {
    loop {
        let mut chunk = Chunk::default();
        let mut by_event: HashMap<String, usize> = HashMap::new();
        while !chunk.is_full(ROWS_PER_CHUNK) {
            let Some(checked) = source.next(&mut parser)? else {
                break;
            };
            chunk.read += 1;
            match checked {
                Err(bad) => chunk.bad.push(bad),
                Ok(row) => {
                    let lines = source.lines();
                    let bad = |problem| lines.bad(vec![problem]);
                    merge(&mut chunk, &mut by_event, row, bad);
                }
            }
        }
        let ended = chunk.read == 0;
        drop(by_event);
        sort(&mut chunk.rows);
        progress.read(source.lines().bytes_read, chunk.read);
        let usage = UsageChunk {
            chunk,
            new_skus: parser.take_new_skus(),
        };
        if ended || sender.blocking_send(usage).is_err() {
            return Ok(());
        }
    }
}

/// Puts rows in the order of the table they go to.
pub(super) fn sort(rows: &mut [UsageRow]) {
    rows.sort_unstable_by(|a, b| {
        (a.account, &a.app, a.sku, a.started_at).cmp(&(b.account, &b.app, b.sku, b.started_at))
    });
}

/// Adds a row to its chunk, unless the chunk holds its event already.
pub(super) fn merge(
    chunk: &mut Chunk<UsageRow>,
    by_event: &mut HashMap<String, usize>,
    row: UsageRow,
    bad: impl FnOnce(Problem) -> BadRow,
) {
    match by_event
        .get(&row.event_id)
        .and_then(|&at| chunk.rows.get_mut(at))
    {
        None => {
            by_event.insert(row.event_id.clone(), chunk.rows.len());
            chunk.rows.push(row);
        }
        Some(known) => match Change::of(known, &row) {
            Change::None => chunk.repeated += 1,
            Change::Ends => {
                known.ended_at = row.ended_at;
                chunk.repeated += 1;
            }
            Change::Differs(problem) => chunk.bad.push(bad(problem)),
        },
    }
}

/// How a row compares with a known one of the same event.
enum Change {
    /// The same, or an older version that was still running.
    None,
    /// It ran and ends now.
    Ends,
    Differs(Problem),
}

impl Change {
    fn of(known: &UsageRow, row: &UsageRow) -> Self {
        let same = known.account == row.account
            && known.app == row.app
            && known.sku == row.sku
            && known.quantity == row.quantity
            && known.started_at == row.started_at;
        match (same, known.ended_at, row.ended_at) {
            (true, known_end, end) if known_end == end || end.is_none() => Self::None,
            (true, None, Some(_)) => Self::Ends,
            _ => Self::Differs(Problem::new("id", row.event_id.clone(), KNOWN_OTHERWISE)),
        }
    }
}

/// Checks rows against what the house knows.
pub(super) struct Parser {
    accounts: HashMap<String, (AccountId, Currency)>,
    skus: HashMap<ResourceKind, HashMap<String, HashMap<String, SkuId>>>,
    catalog: Catalog,
    next_sku: i64,
    new_skus: Vec<(SkuId, Sku)>,
}

impl Parser {
    pub(super) async fn load(tx: &mut Tx) -> Result<Self, ImportError> {
        let known = on!(&mut *tx, conn, q => q::known_accounts(conn).await)?;
        let book = on!(&mut *tx, conn, q => q::price_book(conn).await)?;
        let next_sku = on!(&mut *tx, conn, q => q::next_id(conn, q::KeyedTable::Sku).await)?;
        let mut parser = Self {
            accounts: known
                .into_iter()
                .map(|account| (account.external_id, (account.id, account.currency)))
                .collect(),
            skus: HashMap::new(),
            catalog: book.catalog,
            next_sku,
            new_skus: Vec::new(),
        };
        for (id, sku) in book.skus {
            parser.remember(id, &sku);
        }
        Ok(parser)
    }

    fn remember(&mut self, id: SkuId, sku: &Sku) {
        let types = self.skus.entry(sku.kind).or_default();
        let plans = types.entry(sku.resource_type.clone()).or_default();
        plans.insert(sku.plan.clone(), id);
    }

    fn sku(&mut self, kind: ResourceKind, resource_type: &str, plan: &str) -> SkuId {
        let known = self
            .skus
            .get(&kind)
            .and_then(|types| types.get(resource_type)?.get(plan));
        if let Some(id) = known {
            return *id;
        }
        let id = SkuId(self.next_sku);
        self.next_sku += 1;
        let sku = Sku {
            kind,
            resource_type: resource_type.to_owned(),
            plan: plan.to_owned(),
        };
        self.remember(id, &sku);
        self.new_skus.push((id, sku));
        id
    }

    /// The SKUs that rows brought since this was asked last.
    pub(super) fn take_new_skus(&mut self) -> Vec<(SkuId, Sku)> {
        std::mem::take(&mut self.new_skus)
    }

    pub(super) fn check(
        &mut self,
        raw: &RawUsage<'_>,
        line: u64,
    ) -> Result<UsageRow, Vec<Problem>> {
        let mut checks = Checks::default();
        let event_id = checks.text("id", &raw.id, 200);
        let app = checks.text("app", &raw.app, 200);
        let resource_type = checks.text("type", &raw.resource_type, 100);
        let kind: Option<ResourceKind> = checks.parse("kind", &raw.kind);
        let account = self.accounts.get(raw.account.as_ref()).copied();
        if account.is_none() {
            checks.refuse("account", &raw.account, "is no known account");
        }
        if let (Some(kind), Some((_, currency))) = (kind, account)
            && !self.catalog.sells(kind, &raw.plan, currency)
        {
            let reason = format!("is no known {kind} plan with a price in {currency}");
            checks.refuse("plan", &raw.plan, reason);
        }
        if let (Some(kind), None) = (kind, account)
            && !self.catalog.knows(kind, &raw.plan)
        {
            checks.refuse("plan", &raw.plan, format!("is no known {kind} plan"));
        }
        let quantity = raw
            .quantity
            .parse::<i32>()
            .ok()
            .filter(|n| (1..=QUANTITY_MAX).contains(n));
        if quantity.is_none() {
            let reason = format!("is not a whole number from 1 to {QUANTITY_MAX}");
            checks.refuse("quantity", &raw.quantity, reason);
        }
        let started_at = checks.time("started_at", &raw.started_at);
        let ended_at = match raw.ended_at.as_ref() {
            "" => None,
            text => checks.time("ended_at", text),
        };
        if let (Some(start), Some(end)) = (started_at, ended_at)
            && end < start
        {
            checks.refuse(
                "ended_at",
                &raw.ended_at,
                format!("is before started_at {start}"),
            );
        }
        let row = (|| {
            Some(UsageRow {
                line: i64::try_from(line).ok()?,
                event_id: event_id?.to_owned(),
                account: account?.0,
                app: app?.to_owned(),
                sku: SkuId(0),
                quantity: quantity?,
                started_at: started_at?,
                ended_at,
            })
        })();
        match (row, kind, resource_type) {
            (Some(row), Some(kind), Some(resource_type)) if checks.problems.is_empty() => {
                Ok(UsageRow {
                    sku: self.sku(kind, resource_type, &raw.plan),
                    ..row
                })
            }
            _ => Err(checks.problems),
        }
    }
}

/// Writes chunks: straight in while all events are new, through the staging
/// table where some are known.
pub(super) struct Writer {
    optimistic: bool,
}

impl Writer {
    pub(super) const fn new() -> Self {
        Self { optimistic: true }
    }

    /// Returns the bad rows: those of the file and those that collide.
    pub(super) async fn write(
        &mut self,
        tx: &mut Tx,
        usage: UsageChunk,
        late: &LateKeeper,
        report: &mut ImportReport,
    ) -> Result<Vec<BadRow>, ImportError> {
        let UsageChunk { chunk, new_skus } = usage;
        let Chunk {
            mut rows,
            mut bad,
            read,
            repeated,
        } = chunk;
        report.rows += read;
        report.unchanged += repeated;
        on!(&mut *tx, conn, q => q::insert_skus(conn, &new_skus).await)?;
        if rows.is_empty() {
            return Ok(bad);
        }
        if self.optimistic {
            let added = on!(&mut *tx, conn, q => q::insert_usage_while_new(conn, &rows).await)?;
            report.added += u64::try_from(added).unwrap_or(0);
            report.late += late
                .keep(tx, rows.iter().take(added).map(|row| (None, row)))
                .await?;
            rows.drain(..added);
            if rows.is_empty() {
                return Ok(bad);
            }
        }
        let known = on!(&mut *tx, conn, q => q::stage_usage(conn, &rows).await)?;
        // A file whose events are mostly known is not worth trying again.
        self.optimistic = known.len() * 2 < rows.len();
        let mut known: HashMap<String, UsageRow> = known
            .into_iter()
            .map(|row| (row.event_id.clone(), row))
            .collect();
        let mut new = Vec::new();
        let mut changed = Vec::new();
        for row in rows {
            match known.remove(&row.event_id) {
                None => new.push(row),
                Some(stored) => match Change::of(&stored, &row) {
                    Change::None => report.unchanged += 1,
                    Change::Ends => changed.push((stored, row)),
                    Change::Differs(problem) => bad.push(BadRow {
                        line: u64::try_from(row.line).unwrap_or(0),
                        problems: vec![problem],
                        raw: Vec::new(),
                    }),
                },
            }
        }
        if !changed.is_empty() {
            report.updated += on!(&mut *tx, conn, q => q::end_staged_usage(conn).await)?;
        }
        if !new.is_empty() {
            on!(&mut *tx, conn, q => q::insert_new_usage(conn, &new).await)?;
        }
        report.added += u64::try_from(new.len()).unwrap_or(0);
        let ended = changed.iter().map(|(stored, row)| (Some(stored), row));
        let added = new.iter().map(|row| (None, row));
        report.late += late.keep(tx, ended.chain(added)).await?;
        Ok(bad)
    }
}

/// Reads the rows that only the database found bad from the file again: they
/// are few, and keeping every row's text would cost more.
fn fill_raw(path: &Path, bad: &mut [BadRow]) -> std::io::Result<()> {
    let mut wanted: HashMap<u64, &mut BadRow> = bad
        .iter_mut()
        .filter(|row| row.raw.is_empty())
        .map(|row| (row.line, row))
        .collect();
    if wanted.is_empty() {
        return Ok(());
    }
    let mut lines = Lines::open(path).map_err(std::io::Error::other)?;
    while lines.next()?.is_some() {
        if let Some(row) = wanted.remove(&lines.line_no) {
            row.raw = lines.text().to_vec();
            if wanted.is_empty() {
                break;
            }
        }
    }
    Ok(())
}
