//! A decided batch, written and numbered in the batch's own transaction. The
//! series row is taken last, so that it is held for milliseconds.

use chrono::{Days, NaiveDate};

use super::batch::Batch;
use super::facts::RunFacts;
use super::{Engine, RunError};
use crate::domain::invoice::InvoiceNumber;
use crate::domain::invoice::fingerprint::chain;
use crate::on;
use crate::store::Tx;
use crate::store::rows::{InvoiceKey, NewNotice, NumberedInvoice};

/// Writes a batch; the caller commits.
pub async fn write(
    tx: &mut Tx,
    engine: &Engine,
    facts: &RunFacts,
    batch: &Batch,
) -> Result<(), RunError> {
    let period = facts.run.period.key;
    on!(&mut *tx, conn, q => q::write_settled(conn, period, &batch.invoices, &batch.outcomes).await)?;
    for &(account, piece) in &batch.late_taken {
        on!(&mut *tx, conn, q => q::take_late(conn, account, piece, period).await)?;
    }
    for &(account, voucher) in &batch.vouchers_taken {
        on!(&mut *tx, conn, q => q::check_not_overdrawn(conn, account, voucher).await)?;
    }
    if batch.invoices.is_empty() {
        return Ok(());
    }
    number(tx, engine, facts, batch).await
}

async fn number(
    tx: &mut Tx,
    engine: &Engine,
    facts: &RunFacts,
    batch: &Batch,
) -> Result<(), RunError> {
    use chrono::Datelike as _;
    let series = &engine.config.series;
    let today = engine.clock.today(engine.config.zone());
    let (head, mut hash) =
        on!(&mut *tx, conn, q => q::lock_series(conn, series, today.year()).await)?;
    if let Some(last) = head.last_issued_on.filter(|last| is_ahead(*last, today)) {
        return Err(RunError::ClockBehind {
            series: series.clone(),
            last,
            today,
        });
    }
    let (mut head, issued_on) = head.advance_to(today);
    let due_on = issued_on
        .checked_add_days(Days::new(u64::from(engine.config.due_after_days)))
        .ok_or(RunError::Date)?;
    let mut numbered = Vec::with_capacity(batch.invoices.len());
    for invoice in &batch.invoices {
        head.last_sequence += 1;
        let number = InvoiceNumber {
            series: series.clone(),
            year: head.year,
            sequence: head.last_sequence,
        };
        hash = chain(hash, &number, issued_on, due_on, invoice.content_digest);
        numbered.push(NumberedInvoice { number, hash });
    }
    on!(&mut *tx, conn, q => {
        let shared = q::BatchHead {
            period: facts.run.period.key,
            series: series.as_str(),
            year: head.year,
            issued_on,
            due_on,
            issuer: facts.issuer,
        };
        q::write_invoices(conn, &shared, &batch.invoices, &numbered).await
    })?;
    // Where nobody is written to, nobody is to be told of invoices either.
    if engine.config.mail.is_some() {
        let now = engine.clock.now();
        let numbers = numbered.iter().map(|numbered| &numbered.number);
        let notices: Vec<NewNotice> = batch
            .invoices
            .iter()
            .zip(numbers)
            .map(|(invoice, number)| {
                let key = InvoiceKey::monthly(invoice.account, facts.run.period.key);
                NewNotice::invoice_issued(key, number)
            })
            .collect();
        on!(&mut *tx, conn, q => q::write_notices(conn, &notices, now).await)?;
    }
    on!(&mut *tx, conn, q => q::advance_series(conn, &head, issued_on, hash).await)?;
    Ok(())
}

/// A clock may be set back by less than a day; beyond that one of the two dates
/// is wrong, and going on would date every later invoice wrongly too.
fn is_ahead(last: NaiveDate, today: NaiveDate) -> bool {
    today
        .checked_add_days(Days::new(1))
        .is_some_and(|tomorrow| last > tomorrow)
}
