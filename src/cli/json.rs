//! The JSON that commands print.

use std::io::Write as _;

use serde::Serialize;
use serde::ser::{SerializeSeq as _, Serializer as _};

use crate::domain::calendar::PeriodKey;
use crate::engine::issued::each_document;
use crate::store::Store;
use crate::views::invoice::InvoiceView;

/// Prints a value as JSON, indented for people.
pub fn print(value: &impl Serialize) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    serde_json::to_writer_pretty(&mut out, value).map_err(std::io::Error::from)?;
    writeln!(out)?;
    Ok(())
}

/// Prints the invoices of a month as one array, each as soon as it is read: a
/// month of them may not fit in memory.
pub async fn print_invoices(store: &Store, period: PeriodKey) -> anyhow::Result<()> {
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    let mut serializer = serde_json::Serializer::pretty(&mut out);
    let mut array = serializer
        .serialize_seq(None)
        .map_err(std::io::Error::from)?;
    each_document(store, period, |document| {
        let written = array.serialize_element(&InvoiceView::from(document));
        written.map_err(|error| anyhow::Error::from(std::io::Error::from(error)))
    })
    .await?;
    array.end().map_err(std::io::Error::from)?;
    writeln!(out)?;
    out.flush()?;
    Ok(())
}
