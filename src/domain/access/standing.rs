//! What an account may still do that is suspended or on its way out: look at
//! everything, and pay.

/// What is touched by a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Touch {
    /// It is looked at only.
    Read,
    /// What is owed, and how it is paid.
    Payment,
    /// Whether the account stays.
    Leave,
    /// Anything else is changed.
    Change,
}

/// How an account stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    pub is_suspended_for_debt: bool,
    pub is_suspended_by_staff: bool,
    /// Its deletion was confirmed, or it is being deleted.
    pub is_leaving: bool,
    /// It is gone.
    pub is_deleted: bool,
}

/// Why an account may not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Barred {
    #[error("the account was deleted")]
    Deleted,
    #[error("the account is being deleted")]
    Leaving,
    #[error("the account is suspended: write to support")]
    ByStaff,
    #[error("the account is suspended until its invoices are paid")]
    Unpaid,
}

/// Whether an account may touch that.
///
/// # Errors
/// The reason, the one that lasts longest where there are several.
pub const fn may(standing: Standing, touch: Touch) -> Result<(), Barred> {
    if standing.is_deleted {
        return Err(Barred::Deleted);
    }
    match touch {
        Touch::Read | Touch::Payment | Touch::Leave => Ok(()),
        Touch::Change if standing.is_leaving => Err(Barred::Leaving),
        Touch::Change if standing.is_suspended_by_staff => Err(Barred::ByStaff),
        Touch::Change if standing.is_suspended_for_debt => Err(Barred::Unpaid),
        Touch::Change => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_is_suspended_may_look_and_pay() {
        // Suspended for debt, by staff, leaving, deleted.
        for (standing, payment, change) in [
            ([false, false, false, false], Ok(()), Ok(())),
            ([true, false, false, false], Ok(()), Err(Barred::Unpaid)),
            ([false, true, false, false], Ok(()), Err(Barred::ByStaff)),
            ([true, true, false, false], Ok(()), Err(Barred::ByStaff)),
            ([true, false, true, false], Ok(()), Err(Barred::Leaving)),
            (
                [true, true, true, true],
                Err(Barred::Deleted),
                Err(Barred::Deleted),
            ),
        ] {
            let [debt, staff, leaving, deleted] = standing;
            let standing = Standing {
                is_suspended_for_debt: debt,
                is_suspended_by_staff: staff,
                is_leaving: leaving,
                is_deleted: deleted,
            };
            assert_eq!(may(standing, Touch::Read), payment, "{standing:?}");
            assert_eq!(may(standing, Touch::Payment), payment, "{standing:?}");
            assert_eq!(may(standing, Touch::Change), change, "{standing:?}");
        }
    }
}
