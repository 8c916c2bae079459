//! What clients ask of the platform itself: its regions, and the sizes of containers with
//! their prices.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::{Extensions, HeaderMap};
use rust_decimal::Decimal;
use serde::Serialize;
use utoipa::ToSchema;

use super::Api;
use super::caller::Caller;
use crate::config::Region;
use crate::domain::access::{Scope, Touch};
use crate::domain::catalog::Price;
use crate::domain::money::round_to_minor;
use crate::http::answer::Refused;

#[derive(Serialize, ToSchema)]
pub struct Regions {
    regions: Vec<Region>,
}

/// A size of containers. What one has, the platform knows; here is what it costs.
#[derive(Serialize, ToSchema)]
pub struct ContainerSize {
    id: String,
    sku: String,
    name: String,
    human_name: String,
    /// From the cheapest on.
    ordinal: usize,
    /// Without VAT, in minor units of the account's currency.
    hourly_price: i64,
    /// The same for 30 days.
    thirtydays_price: i64,
    currency: &'static str,
}

#[derive(Serialize, ToSchema)]
pub struct ContainerSizes {
    container_sizes: Vec<ContainerSize>,
}

/// List regions
///
/// Open: a client learns here where to sign in.
#[utoipa::path(
    get,
    path = "/v1/regions",
    tag = "platform",
    responses((status = 200, body = Regions), Refused)
)]
pub async fn regions(
    State(api): State<Arc<Api>>,
    headers: HeaderMap,
    extensions: Extensions,
) -> Result<Json<Regions>, Refused> {
    api.limits.address(&headers, &extensions)?;
    let regions = api.engine.config.regions.clone();
    Ok(Json(Regions { regions }))
}

/// List sizes of containers and their prices
#[utoipa::path(
    get,
    path = "/v1/features/container_sizes",
    tag = "platform",
    security(("bearer" = [])),
    extensions(("x-scope" = json!("billing:read"))),
    responses((status = 200, body = ContainerSizes), Refused)
)]
pub async fn container_sizes(
    State(api): State<Arc<Api>>,
    caller: Caller,
) -> Result<Json<ContainerSizes>, Refused> {
    let caller = caller.allow(Scope::BillingRead, Touch::Read)?;
    let sizes = api.engine.container_prices(caller.account()).await;
    let sizes = sizes.map_err(Refused::internal)?;
    let container_sizes = sizes
        .iter()
        .enumerate()
        .map(size)
        .collect::<Result<_, _>>()?;
    Ok(Json(ContainerSizes { container_sizes }))
}

fn size((at, price): (usize, &Price)) -> Result<ContainerSize, Refused> {
    let minor = |major| {
        let minor = round_to_minor(major, price.currency);
        minor.map_err(Refused::internal)
    };
    Ok(ContainerSize {
        id: price.plan.clone(),
        sku: price.plan.clone(),
        name: price.plan.clone(),
        human_name: price.name.clone(),
        ordinal: at.saturating_add(1),
        hourly_price: minor(price.per_minute * Decimal::from(60))?,
        thirtydays_price: minor(price.per_30_days)?,
        currency: price.currency.code(),
    })
}
