//! stub
mod card;
pub use card::*;
use crate::providers::CallError; use crate::store::StoreError; use crate::engine::providers::ProviderError; use crate::engine::collect::CollectError;
#[derive(Debug, thiserror::Error)]
pub enum MethodError {
    #[error(transparent)] Store(#[from] StoreError),
    #[error(transparent)] Provider(#[from] ProviderError),
    #[error(transparent)] Call(#[from] CallError),
    #[error(transparent)] Collect(#[from] CollectError),
    #[error("the customer of {0} is no account of ours")] NoCustomer(String),
}
