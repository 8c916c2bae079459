//! How what moves money stands, as its columns hold it: the same in attempts,
//! purchases and refunds.

use std::fmt::Display;

use super::Result;
use super::decode::at;
use crate::domain::payment::{AttemptState, Decline, DeclineClass};

/// The columns of a state.
pub struct StateColumns {
    pub state: String,
    pub decline_code: Option<String>,
    pub decline_class: Option<String>,
    pub decline_known: Option<i16>,
}

impl StateColumns {
    /// # Errors
    /// When they hold what no version writes.
    pub fn read(self, table: &'static str, row: impl Display) -> Result<AttemptState> {
        let refusal = match (self.decline_code, self.decline_class, self.decline_known) {
            (Some(code), Some(class), Some(known)) => Some(Decline {
                class: DeclineClass::from_code(&class)
                    .ok_or_else(|| at(table, "decline_class").refuse(&row, &class))?,
                known: known != 0,
                code,
            }),
            (None, None, None) => None,
            _ => return Err(at(table, "decline_code").refuse(&row, "a part of a decline")),
        };
        AttemptState::from_parts(&self.state, refusal)
            .ok_or_else(|| at(table, "state").refuse(&row, &self.state))
    }
}
