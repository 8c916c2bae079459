//! What happened to an account, as its customer is shown it.

use serde_json::{Value, json};

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
    LoginSuccess,
    LoginFailure,
    /// Too many in a row: nobody is let in any more.
    LoginLock,
    LoginUnlockSuccess,
    /// Somebody says that its password is forgotten.
    PasswordResetQuery,
    PasswordResetSuccess,
    TfaEnabled,
    TfaDisabled,
    EditHdsContact {
        app_name: &'a str,
    },
    /// A discount or voucher was granted.
    AddVoucher {
        label: &'a str,
    },
    /// Prepaid credit was bought, or given by the house.
    AddCredit {
        payment_method: &'a str,
        amount_minor: i64,
    },
    /// An invoice was charged.
    PaymentAttempt {
        amount_minor: i64,
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
            Self::Pending => "pending",
            Self::Success => "success",
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
            Self::LoginSuccess => "login_success",
            Self::LoginFailure => "login_failure",
            Self::LoginLock => "login_lock",
            Self::LoginUnlockSuccess => "login_unlock_success",
            Self::PasswordResetQuery => "password_reset_query",
            Self::PasswordResetSuccess => "password_reset_success",
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
            Self::EditHdsContact { app_name } => json!({ "app_name": app_name }),
            Self::AddVoucher { label } => json!({ "label": label }),
            Self::AddCredit {
                payment_method,
                amount_minor,
            } => json!({ "payment_method": payment_method, "amount": amount_minor }),
            Self::PaymentAttempt {
                amount_minor,
                payment_method,
                status,
            } => json!({
                "amount": amount_minor, "payment_method": payment_method, "status": status.code(),
            }),
            Self::AddPaymentMethod { payment_method } => {
                json!({ "payment_method": payment_method })
            }
            Self::StopApp { reason } | Self::SuspendAddon { reason } => json!({ "reason": reason }),
            Self::LoginSuccess
            | Self::LoginFailure
            | Self::LoginLock
            | Self::LoginUnlockSuccess
            | Self::PasswordResetQuery
            | Self::PasswordResetSuccess
            | Self::TfaEnabled
            | Self::TfaDisabled
            | Self::ResumeAddon => json!({}),
        }
    }
}
