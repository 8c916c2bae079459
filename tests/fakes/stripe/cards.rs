//! How a card behaves when it is charged.

use std::collections::VecDeque;

/// What comes of one charge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    Succeeds,
    /// 402 with this decline code.
    Declines(String),
    /// 402: the bank wants its customer to authenticate.
    NeedsAuthentication,
    /// 200 with the status `requires_action`, as where the customer is there.
    RequiresAction,
    /// The bank takes its time; see [`super::StripeFake::settle`].
    Processing,
}

/// What comes of its charges, one after the other; the last goes on.
#[derive(Debug, Clone)]
pub struct CardScript {
    first: VecDeque<Outcome>,
    then: Outcome,
    pub brand: &'static str,
    pub last4: &'static str,
    pub exp_month: i64,
    pub exp_year: i64,
}

impl CardScript {
    pub fn always(then: Outcome) -> Self {
        Self {
            first: VecDeque::new(),
            then,
            brand: "visa",
            last4: "4242",
            exp_month: 8,
            exp_year: 2030,
        }
    }

    pub fn succeeds() -> Self {
        Self::always(Outcome::Succeeds)
    }

    pub fn declines(code: &str) -> Self {
        Self::always(Outcome::Declines(code.to_owned()))
    }

    pub fn needs_authentication() -> Self {
        Self::always(Outcome::NeedsAuthentication)
    }

    pub fn processing() -> Self {
        Self::always(Outcome::Processing)
    }

    /// One outcome for each charge; the last goes on.
    pub fn each(outcomes: impl IntoIterator<Item = Outcome>) -> Self {
        let mut first: VecDeque<Outcome> = outcomes.into_iter().collect();
        let then = first.pop_back().unwrap();
        Self {
            first,
            ..Self::always(then)
        }
    }

    pub fn next(&mut self) -> Outcome {
        self.first.pop_front().unwrap_or_else(|| self.then.clone())
    }
}
