//! Prices, SKUs and the versions of the issuer.

use std::collections::HashMap;

use super::decode::at;
use super::{Conn, KeyedTable, Result, next_id};
use crate::domain::calendar::Instant;
use crate::domain::catalog::{Price, PriceBook, Sku, unit_price};
use crate::domain::ids::{IssuerId, PriceId, SkuId};
use crate::domain::invoice::fingerprint::Digest;

/// Every price version.
///
/// # Errors
/// When the database refuses or holds nonsense.
pub async fn list_prices(conn: &mut Conn) -> Result<Vec<Price>> {
    let rows: Vec<(i64, String, String, String, String, String, i64)> = sqlx::query_as(
        "SELECT id, kind, plan, name, per_30_days, currency, valid_from FROM price ORDER BY id",
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(
            |(id, kind, plan, name, per_30_days, currency, valid_from)| {
                let per_30_days = at("price", "per_30_days").parse(id, &per_30_days)?;
                Ok(Price {
                    id: PriceId(id),
                    kind: at("price", "kind").parse(id, &kind)?,
                    plan,
                    name,
                    per_30_days,
                    per_minute: unit_price(per_30_days),
                    currency: at("price", "currency").parse(id, &currency)?,
                    valid_from: Instant(valid_from),
                })
            },
        )
        .collect()
}

/// Every SKU.
///
/// # Errors
/// When the database refuses or holds nonsense.
pub async fn list_skus(conn: &mut Conn) -> Result<HashMap<SkuId, Sku>> {
    let rows: Vec<(i64, String, String, String)> =
        sqlx::query_as("SELECT id, kind, resource_type, plan FROM sku")
            .fetch_all(conn)
            .await?;
    rows.into_iter()
        .map(|(id, kind, resource_type, plan)| {
            let kind = at("sku", "kind").parse(id, &kind)?;
            let sku = Sku {
                kind,
                resource_type,
                plan,
            };
            Ok((SkuId(id), sku))
        })
        .collect()
}

/// Everything the run rates with.
///
/// # Errors
/// When the database refuses or holds nonsense.
pub async fn price_book(conn: &mut Conn) -> Result<PriceBook> {
    let prices = list_prices(&mut *conn).await?;
    Ok(PriceBook::new(prices, list_skus(conn).await?))
}

/// Adds price versions. The caller holds the gate.
///
/// # Errors
/// When the database refuses.
pub async fn insert_prices(conn: &mut Conn, prices: &[Price]) -> Result<()> {
    for price in prices {
        sqlx::query(
            "INSERT INTO price (id, kind, plan, name, per_30_days, currency, valid_from) \
             VALUES ($1, $2, $3, $4, $5, $6, $7)",
        )
        .bind(price.id.0)
        .bind(price.kind.code())
        .bind(&price.plan)
        .bind(&price.name)
        .bind(price.per_30_days.normalize().to_string())
        .bind(price.currency.code())
        .bind(price.valid_from.0)
        .execute(&mut *conn)
        .await?;
    }
    Ok(())
}

/// Adds SKUs. The caller holds the gate.
///
/// # Errors
/// When the database refuses.
pub async fn insert_skus(conn: &mut Conn, skus: &[(SkuId, Sku)]) -> Result<()> {
    for (id, sku) in skus {
        sqlx::query("INSERT INTO sku (id, kind, resource_type, plan) VALUES ($1, $2, $3, $4)")
            .bind(id.0)
            .bind(sku.kind.code())
            .bind(&sku.resource_type)
            .bind(&sku.plan)
            .execute(&mut *conn)
            .await?;
    }
    Ok(())
}

/// Finds or adds a version of the issuer.
///
/// # Errors
/// When the database refuses.
pub async fn ensure_issuer(conn: &mut Conn, digest: Digest, content: &str) -> Result<IssuerId> {
    super::hold_gate(&mut *conn).await?;
    let id = next_id(&mut *conn, KeyedTable::Issuer).await?;
    sqlx::query(
        "INSERT INTO issuer (id, digest, content) VALUES ($1, $2, $3) ON CONFLICT (digest) DO NOTHING",
    )
    .bind(id)
    .bind(&digest.0[..])
    .bind(content)
    .execute(&mut *conn)
    .await?;
    let id: i64 = sqlx::query_scalar("SELECT id FROM issuer WHERE digest = $1")
        .bind(&digest.0[..])
        .fetch_one(conn)
        .await?;
    Ok(IssuerId(id))
}

/// Every version of the issuer: its digest and content.
///
/// # Errors
/// When the database refuses or holds nonsense.
pub async fn list_issuers(conn: &mut Conn) -> Result<HashMap<IssuerId, (Digest, String)>> {
    let rows: Vec<(i64, Vec<u8>, String)> =
        sqlx::query_as("SELECT id, digest, content FROM issuer")
            .fetch_all(conn)
            .await?;
    rows.into_iter()
        .map(|(id, digest, content)| {
            Ok((
                IssuerId(id),
                (at("issuer", "digest").digest(id, &digest)?, content),
            ))
        })
        .collect()
}
