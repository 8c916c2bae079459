//! What happened to an account, as its customer is shown it. The names and units are
//! those that the platform's clients print it by: amounts in the currency's own unit.

// The address alone, without what `std` does with one.
use core::net::IpAddr;

use serde_json::{Number, Value, json};

use crate::domain::money::Money;

/// Something that happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AccountEvent<'a> {
    NewKey {
        name: &'a str,
        fingerprint: &'a str,
    },
    DeleteKey {
        name: &'a str,
        fingerprint: &'a str,
    },
    NewToken {
        token_name: &'a str,
        token_id: &'a str,
    },
    RegenerateToken {
        token_name: &'a str,
        token_id: &'a str,
    },
    DeleteToken {
        token_name: &'a str,
        token_id: &'a str,
    },
    LoginSuccess {
        from: Origin,
    },
    LoginFailure {
        from: Origin,
    },
    /// Too many in a row: nobody is let in any more.
    LoginLock {
        from: Origin,
    },
    LoginUnlockSuccess {
        from: Origin,
    },
    /// Somebody says that its password is forgotten.
    PasswordResetQuery {
        from: Origin,
    },
    PasswordResetSuccess {
        from: Origin,
    },
    TfaEnabled,
    TfaDisabled,
    EditHdsContact {
        app_name: &'a str,
        /// Of the contact.
        name: &'a str,
    },
    /// A discount or voucher was granted.
    AddVoucher {
        label: &'a str,
    },
    /// Prepaid credit was bought, or given by the house.
    AddCredit {
        payment_method: &'a str,
        amount: Money,
    },
    /// An invoice was charged.
    PaymentAttempt {
        amount: Money,
        payment_method: &'a str,
        status: ChargeStatus,
    },
    AddPaymentMethod {
        payment_method: &'a str,
    },
    /// The account was suspended: its apps stand still.
    StopApp {
        reason: &'a str,
    },
    /// The account was suspended: its addons stand still.
    SuspendAddon {
        reason: &'a str,
    },
    /// The account was restored.
    ResumeAddon,
}

/// The address that somebody asked from, where it is known.
pub type Origin = Option<IpAddr>;

/// What became of a charge, as its customer is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChargeStatus {
    /// Its outcome is out.
    Pending,
    Success,
    /// There is no money of it, or none any more.
    Failed,
}

impl ChargeStatus {
    /// The code that clients know; it never changes.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Pending => "new",
            Self::Success => "paid",
            Self::Failed => "failed",
        }
    }
}

impl AccountEvent<'_> {
    /// The code that clients and the database know; it never changes.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::NewKey { .. } => "new_key",
            Self::DeleteKey { .. } => "delete_key",
            Self::NewToken { .. } => "new_token",
            Self::RegenerateToken { .. } => "regenerate_token",
            Self::DeleteToken { .. } => "delete_token",
            Self::LoginSuccess { .. } => "login_success",
            Self::LoginFailure { .. } => "login_failure",
            Self::LoginLock { .. } => "login_lock",
            Self::LoginUnlockSuccess { .. } => "login_unlock_success",
            Self::PasswordResetQuery { .. } => "password_reset_query",
            Self::PasswordResetSuccess { .. } => "password_reset_success",
            Self::TfaEnabled => "tfa_enabled",
            Self::TfaDisabled => "tfa_disabled",
            Self::EditHdsContact { .. } => "edit_hds_contact",
            Self::AddVoucher { .. } => "add_voucher",
            Self::AddCredit { .. } => "add_credit",
            Self::PaymentAttempt { .. } => "payment_attempt",
            Self::AddPaymentMethod { .. } => "add_payment_method",
            Self::StopApp { .. } => "stop_app",
            Self::SuspendAddon { .. } => "suspend_addon",
            Self::ResumeAddon => "resume_addon",
        }
    }

    /// What is particular about it: an object, with the names that clients know.
    #[must_use]
    pub fn data(self) -> Value {
        match self {
            Self::NewKey { name, fingerprint } | Self::DeleteKey { name, fingerprint } => {
                json!({ "name": name, "fingerprint": fingerprint })
            }
            Self::NewToken {
                token_name,
                token_id,
            }
            | Self::RegenerateToken {
                token_name,
                token_id,
            }
            | Self::DeleteToken {
                token_name,
                token_id,
            } => json!({ "token_name": token_name, "token_id": token_id }),
            Self::EditHdsContact { app_name, name } => {
                json!({ "app_name": app_name, "name": name })
            }
            // A voucher has no code here: it is known by its label.
            Self::AddVoucher { label } => json!({ "label": label, "code": label }),
            Self::AddCredit {
                payment_method,
                amount,
            } => json!({ "payment_method": payment_method, "amount": number(amount) }),
            Self::PaymentAttempt {
                amount,
                payment_method,
                status,
            } => json!({
                "amount": number(amount), "payment_method": payment_method, "status": status.code(),
            }),
            Self::AddPaymentMethod { payment_method } => {
                json!({ "payment_method": payment_method, "payment_method_type": payment_method })
            }
            Self::StopApp { reason } => json!({ "reason": reason }),
            Self::SuspendAddon { reason } => {
                json!({ "resource_id": ALL_ADDONS, "addon_provider_name": ALL, "reason": reason })
            }
            Self::ResumeAddon => {
                json!({ "resource_id": ALL_ADDONS, "addon_provider_name": ALL })
            }
            Self::LoginSuccess { from }
            | Self::LoginFailure { from }
            | Self::LoginLock { from }
            | Self::LoginUnlockSuccess { from }
            | Self::PasswordResetQuery { from }
            | Self::PasswordResetSuccess { from } => match from {
                Some(address) => json!({ "remote_ip": address }),
                None => json!({}),
            },
            Self::TfaEnabled | Self::TfaDisabled => json!({ "provider": "totp" }),
        }
    }
}

/// An account is suspended and restored as a whole.
const ALL_ADDONS: &str = "all addons";
const ALL: &str = "all";

/// An amount as clients print it, such as 34.56; `null` for one that no number of theirs
/// holds.
fn number(amount: Money) -> Option<Number> {
    amount.to_decimal().normalize().to_string().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::money::Currency;

    #[test]
    fn amounts_are_in_the_unit_of_their_currency() {
        for (minor, currency, expected) in [
            (3_456, "EUR", "34.56"),
            (10_000, "EUR", "100"),
            (5, "EUR", "0.05"),
            (-150, "USD", "-1.5"),
            (500, "JPY", "500"),
            (900_719_925_474_099, "EUR", "9007199254740.99"),
        ] {
            let currency: Currency = currency.parse().unwrap();
            let amount = Money::new(minor, currency);
            let data = AccountEvent::AddCredit {
                payment_method: "house",
                amount,
            };
            assert_eq!(data.data()["amount"].to_string(), expected);
        }
    }
}
