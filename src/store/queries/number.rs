//! Gapless numbers: one row per series, taken last and held for milliseconds.

use chrono::NaiveDate;

use super::decode::at;
use super::{Conn, Result};
use crate::domain::invoice::SeriesName;
use crate::domain::invoice::fingerprint::Digest;
use crate::domain::invoice::number::SeriesHead;

/// Locks a series until the end of the transaction and tells where it stands.
///
/// # Errors
/// When the database refuses or holds nonsense.
pub async fn lock_series(
    conn: &mut Conn,
    series: &SeriesName,
    year: i32,
) -> Result<(SeriesHead, Digest)> {
    // The update takes the row's lock on both databases.
    const SQL: &str = "UPDATE number_series SET year = year WHERE series = $1 \
         RETURNING year, last_sequence, last_hash, last_issued_on";
    type Row = (i32, i64, Vec<u8>, Option<String>);
    let mut row: Option<Row> = sqlx::query_as(SQL)
        .bind(series.as_str())
        .fetch_optional(&mut *conn)
        .await?;
    if row.is_none() {
        sqlx::query(
            "INSERT INTO number_series (series, year, last_sequence, last_hash) VALUES ($1, $2, 0, $3) \
             ON CONFLICT (series) DO NOTHING",
        )
        .bind(series.as_str())
        .bind(year)
        .bind(&Digest::NONE.0[..])
        .execute(&mut *conn)
        .await?;
        row = Some(
            sqlx::query_as(SQL)
                .bind(series.as_str())
                .fetch_one(&mut *conn)
                .await?,
        );
    }
    let (year, last_sequence, hash, issued_on) = row.unwrap_or_default();
    let hash = at("number_series", "last_hash").digest(series, &hash)?;
    let place = at("number_series", "last_issued_on");
    let head = SeriesHead {
        series: series.clone(),
        year,
        last_sequence,
        last_issued_on: issued_on
            .map(|text| place.parse::<NaiveDate>(series, &text))
            .transpose()?,
    };
    Ok((head, hash))
}

/// Writes where a locked series stands now.
///
/// # Errors
/// When the database refuses.
pub async fn advance_series(
    conn: &mut Conn,
    head: &SeriesHead,
    issued_on: NaiveDate,
    last_hash: Digest,
) -> Result<()> {
    sqlx::query(
        "UPDATE number_series SET year = $2, last_sequence = $3, last_hash = $4, last_issued_on = $5 \
         WHERE series = $1",
    )
    .bind(head.series.as_str())
    .bind(head.year)
    .bind(head.last_sequence)
    .bind(&last_hash.0[..])
    .bind(issued_on.to_string())
    .execute(conn)
    .await?;
    Ok(())
}

/// Every series and where it stands.
///
/// # Errors
/// When the database refuses or holds nonsense.
pub async fn list_series(conn: &mut Conn) -> Result<Vec<(SeriesHead, Digest)>> {
    let rows: Vec<(String, i32, i64, Vec<u8>, Option<String>)> = sqlx::query_as(
        "SELECT series, year, last_sequence, last_hash, last_issued_on FROM number_series ORDER BY series",
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|(series, year, last_sequence, hash, issued_on)| {
            let place = at("number_series", "last_issued_on");
            let hash = at("number_series", "last_hash").digest(&series, &hash)?;
            let last_issued_on = issued_on
                .map(|text| place.parse(&series, &text))
                .transpose()?;
            let head = SeriesHead {
                series: at("number_series", "series").parse(&series, &series)?,
                year,
                last_sequence,
                last_issued_on,
            };
            Ok((head, hash))
        })
        .collect()
}
