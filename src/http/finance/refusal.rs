//! What the engine refuses, as the finance API answers it: 404 for what is not there,
//! 409 for what cannot be done as things stand, 503 where somebody else has to answer
//! first, 500 for what is our fault.

use crate::engine::bank::BankError;
use crate::engine::collect::CollectError;
use crate::engine::desk::asked::ScopeError;
use crate::engine::desk::waiting::WaitingError;
use crate::engine::dunning::{DunningError, PersonError};
use crate::engine::refund::RefundError;
use crate::engine::run::RunError;
use crate::engine::sepa::SepaError;
use crate::engine::write_off::WriteOffError;
use crate::http::answer::Refused;

impl From<ScopeError> for Refused {
    fn from(error: ScopeError) -> Self {
        match error {
            ScopeError::Store(error) => Self::internal(error),
            ScopeError::NoAccount(_) => Self::NotFound("Account"),
            ScopeError::NoInvoice(_) => Self::NotFound("Invoice"),
        }
    }
}

impl From<RunError> for Refused {
    fn from(error: RunError) -> Self {
        match error {
            RunError::Store(error) => Self::internal(error),
            RunError::NoRun(_) => Self::NotFound("Run"),
            RunError::UnknownAccount(_) => Self::NotFound("Account"),
            error => Self::Conflict(error.to_string()),
        }
    }
}

impl From<CollectError> for Refused {
    fn from(error: CollectError) -> Self {
        match error {
            CollectError::Store(error) => Self::internal(error),
            CollectError::Call(error) => Self::Unavailable(error.to_string()),
            error => Self::Conflict(error.to_string()),
        }
    }
}

impl From<RefundError> for Refused {
    fn from(error: RefundError) -> Self {
        match error {
            RefundError::Store(error) => Self::internal(error),
            RefundError::NoPayment(_) => Self::NotFound("Payment"),
            error => Self::Conflict(error.to_string()),
        }
    }
}

impl From<DunningError> for Refused {
    fn from(error: DunningError) -> Self {
        Self::internal(error)
    }
}

impl From<PersonError> for Refused {
    fn from(error: PersonError) -> Self {
        match error {
            PersonError::Store(error) => Self::internal(error),
            PersonError::Dunning(error) => error.into(),
            error => Self::Conflict(error.to_string()),
        }
    }
}

impl From<WaitingError> for Refused {
    fn from(error: WaitingError) -> Self {
        match error {
            WaitingError::Dunning(error) => error.into(),
            WaitingError::Run(error) => error.into(),
        }
    }
}

impl From<SepaError> for Refused {
    fn from(error: SepaError) -> Self {
        match error {
            SepaError::Store(error) => Self::internal(error),
            SepaError::UnknownBatch(_) => Self::NotFound("SepaFile"),
            error => Self::Conflict(error.to_string()),
        }
    }
}

impl From<BankError> for Refused {
    fn from(error: BankError) -> Self {
        match error {
            BankError::Store(error) => Self::internal(error),
            BankError::NotUnmatched(_) => Self::NotFound("BankFact"),
            error => Self::Conflict(error.to_string()),
        }
    }
}

impl From<WriteOffError> for Refused {
    fn from(error: WriteOffError) -> Self {
        match error {
            WriteOffError::Store(error) => Self::internal(error),
            WriteOffError::NoInvoice(_) => Self::NotFound("Invoice"),
            error => Self::Conflict(error.to_string()),
        }
    }
}
