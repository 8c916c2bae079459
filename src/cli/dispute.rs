//! How disputes are shown, of payments and of purchases.

use crate::say;
use crate::store::rows::StoredDispute;

/// What a person knows a dispute by.
pub fn name_of(dispute: &StoredDispute) -> &str {
    let name = dispute.reference.as_deref();
    name.or(dispute.reversal.as_deref()).unwrap_or("unnamed")
}

pub fn print_dispute(dispute: &StoredDispute) {
    say!(
        "dispute {}: {} ({}), since {}",
        name_of(dispute),
        dispute.amount,
        dispute.state,
        dispute.announced_at
    );
}
