//! What is charged by which method now, or why nothing is: a pure function of
//! the facts of one invoice and the policy (`domain.md` section 3).
//!
//! The methods are asked in the policy's order. One that is not there is passed
//! over: no credit, nothing on file, a mandate that lapsed. One that is there
//! and fails lets the next one try only if its fallback says so.

use std::fmt;

use chrono::NaiveDate;

use super::ladder::{Ladder, NextStep, PastAttempt, TriedBefore, tried_before};
use super::{Instrument, PaymentMethod};
use crate::domain::ids::PaymentMethodId;

/// A method stands twice in `collection.order`, or none does.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("collection.order has to name at least one of credit, sepa, card, and none of them twice")]
pub struct OrderError;

/// In which order methods are asked: `collection.order`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CollectionOrder(Vec<PaymentMethod>);

impl CollectionOrder {
    /// # Errors
    /// When there is no method, or one stands twice.
    pub fn new(methods: Vec<PaymentMethod>) -> Result<Self, OrderError> {
        let mut unique = methods.clone();
        unique.sort_unstable();
        unique.dedup();
        if methods.is_empty() || unique.len() != methods.len() {
            return Err(OrderError);
        }
        Ok(Self(methods))
    }
}

/// Whether the next method is asked when this one fails: `collection.fallback`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fallback {
    /// When the credit does not suffice.
    pub credit: bool,
    /// When a debit failed.
    pub sepa: bool,
    /// When a card was declined.
    pub card: bool,
}

impl Fallback {
    const fn of(self, method: PaymentMethod) -> bool {
        match method {
            PaymentMethod::Credit => self.credit,
            PaymentMethod::Sepa => self.sepa,
            PaymentMethod::Card => self.card,
        }
    }
}

/// The settings of collection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CollectionPolicy {
    pub order: CollectionOrder,
    pub fallback: Fallback,
    /// Whether credit that does not suffice is used up, and only the rest is
    /// charged: `collection.partial_credit`.
    pub partial_credit: bool,
    pub ladder: Ladder,
}

/// The defaults of `domain.md`: credit, SEPA, card; credit falls back, a failed
/// debit does not; all of an invoice by credit or nothing.
impl Default for CollectionPolicy {
    fn default() -> Self {
        Self {
            order: CollectionOrder(vec![
                PaymentMethod::Credit,
                PaymentMethod::Sepa,
                PaymentMethod::Card,
            ]),
            fallback: Fallback {
                credit: true,
                sepa: false,
                card: false,
            },
            partial_credit: false,
            ladder: Ladder::default(),
        }
    }
}

/// How a card or mandate on file stands for every invoice of its account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MethodState {
    Usable,
    /// It was declined hard, and stays on file until the customer replaces it.
    HardDeclined,
    /// 36 months passed since the mandate's last collection (SDD Core rulebook,
    /// EPC016-06).
    MandateLapsed,
    /// It is not charged before the customer acted.
    ActionRequired,
}

/// The card or mandate that an account uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OnFile {
    pub id: PaymentMethodId,
    pub state: MethodState,
}

/// Why the invoice is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trigger {
    /// Its time on the ladder, or a top-up: credit never waits for a step.
    Schedule,
    /// The customer put a card or mandate on file: it is charged right away,
    /// whatever stands before it in the order.
    NewMethod(PaymentMethodId),
    /// Finance re-runs charges and does not wait for the ladder, by one method
    /// or in the policy's order.
    Person { only: Option<PaymentMethod> },
}

/// The facts of one invoice and its account. Amounts are in minor units of the
/// invoice's currency.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CollectionFacts<'a> {
    pub due_on: NaiveDate,
    pub total_minor: i64,
    /// What no payment is allocated to yet.
    pub open_minor: i64,
    /// The prepaid credit; negative after a chargeback.
    pub credit_minor: i64,
    pub sepa: Option<OnFile>,
    pub card: Option<OnFile>,
    /// Everything that was tried for this invoice.
    pub attempts: &'a [PastAttempt],
}

/// What one method is charged, in minor units; positive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Part {
    pub by: Instrument,
    pub amount_minor: i64,
}

/// Why an invoice, or a rest of it, is not charged now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum LeftOut {
    /// The invoice is over zero.
    NothingToCharge,
    AlreadyPaid,
    InFlight(PaymentMethod),
    /// The credit does not suffice and no other method may pay.
    CreditShort,
    /// The method that was asked for is not on file.
    NoMethod,
    MandateLapsed,
    HardDecline(PaymentMethod),
    ActionRequired(PaymentMethod),
    /// The next step on the ladder comes on this day.
    WaitsUntil(NaiveDate),
    LadderExhausted,
}

impl LeftOut {
    /// The code that exports hold; it never changes.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NothingToCharge => "nothing_to_charge",
            Self::AlreadyPaid => "already_paid",
            Self::InFlight(_) => "in_flight",
            Self::CreditShort => "credit_short",
            Self::NoMethod => "no_method",
            Self::MandateLapsed => "mandate_lapsed",
            Self::HardDecline(_) => "hard_decline",
            Self::ActionRequired(_) => "action_required",
            Self::WaitsUntil(_) => "waits_until",
            Self::LadderExhausted => "ladder_exhausted",
        }
    }
}

impl fmt::Display for LeftOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NothingToCharge => f.write_str("nothing to charge"),
            Self::AlreadyPaid => f.write_str("already paid"),
            Self::InFlight(method) => write!(f, "in flight by {method}"),
            Self::CreditShort => f.write_str("credit short and no other method"),
            Self::NoMethod => f.write_str("no such method on file"),
            Self::MandateLapsed => f.write_str("the mandate lapsed"),
            Self::HardDecline(method) => write!(f, "hard decline of {method}"),
            Self::ActionRequired(method) => write!(f, "{method}: the customer has to act"),
            Self::WaitsUntil(day) => write!(f, "waits until {day}"),
            Self::LadderExhausted => f.write_str("every step was tried"),
        }
    }
}

/// What becomes of an open invoice now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    Charge {
        /// One, or a credit part and a rest; each method once. A part by credit
        /// comes first and is settled at once.
        parts: Vec<Part>,
        /// Why the parts are not the whole, if they are not.
        rest: Option<LeftOut>,
        /// Attempts of the invoice that wait for their customer could still
        /// succeed: they have to be seen canceled at the provider before
        /// anything is charged.
        cancel_waiting: bool,
    },
    LeaveOut(LeftOut),
}

/// How a method stands for this invoice.
enum Standing {
    Absent,
    Lapsed,
    RuledOut,
    AwaitsCustomer,
    /// It can be charged; `tried` says whether it was before, without success.
    Usable {
        by: Instrument,
        tried: bool,
    },
}

/// Decides. Nothing is charged while an attempt is in flight.
#[must_use]
pub fn decide(
    facts: &CollectionFacts<'_>,
    policy: &CollectionPolicy,
    trigger: Trigger,
    today: NaiveDate,
) -> Decision {
    if let Some(reason) = obstacle(facts, trigger, today) {
        return Decision::LeaveOut(reason);
    }
    let candidates = candidates(facts, policy, trigger);
    let mut walk = Walk {
        open_minor: facts.open_minor,
        parts: Vec::new(),
        chosen: None,
        reason: if candidates.contains(&PaymentMethod::Credit) {
            LeftOut::CreditShort
        } else {
            LeftOut::NoMethod
        },
    };
    for method in candidates {
        let goes_on = match method {
            PaymentMethod::Credit => walk.ask_credit(facts, policy, trigger),
            PaymentMethod::Sepa | PaymentMethod::Card => walk.ask(method, facts, policy),
        };
        if !goes_on {
            break;
        }
    }
    walk.decision(facts, policy, trigger, today)
}

/// What keeps an invoice from being charged by any method.
fn obstacle(facts: &CollectionFacts<'_>, trigger: Trigger, today: NaiveDate) -> Option<LeftOut> {
    if facts.total_minor <= 0 {
        return Some(LeftOut::NothingToCharge);
    }
    if facts.open_minor <= 0 {
        return Some(LeftOut::AlreadyPaid);
    }
    let mut attempts = facts.attempts.iter();
    if let Some(out) = attempts.find(|attempt| attempt.state.in_flight()) {
        return Some(LeftOut::InFlight(out.by.method()));
    }
    let early = trigger == Trigger::Schedule && today < facts.due_on;
    early.then_some(LeftOut::WaitsUntil(facts.due_on))
}

/// The methods that may be asked, in order.
fn candidates(
    facts: &CollectionFacts<'_>,
    policy: &CollectionPolicy,
    trigger: Trigger,
) -> Vec<PaymentMethod> {
    let is = |on_file: Option<OnFile>, id| on_file.is_some_and(|method| method.id == id);
    let order = policy.order.0.iter().copied();
    let asked = |method: &PaymentMethod| match trigger {
        Trigger::Schedule | Trigger::Person { only: None } => true,
        Trigger::Person { only: Some(only) } => *method == only,
        Trigger::NewMethod(id) => match method {
            PaymentMethod::Credit => true,
            PaymentMethod::Sepa => is(facts.sepa, id),
            PaymentMethod::Card => is(facts.card, id),
        },
    };
    order.filter(asked).collect()
}

fn standing(method: PaymentMethod, facts: &CollectionFacts<'_>) -> Standing {
    let (on_file, by): (_, fn(PaymentMethodId) -> Instrument) = match method {
        PaymentMethod::Credit => return Standing::Absent,
        PaymentMethod::Sepa => (facts.sepa, Instrument::Sepa),
        PaymentMethod::Card => (facts.card, Instrument::Card),
    };
    let Some(on_file) = on_file else {
        return Standing::Absent;
    };
    match on_file.state {
        MethodState::MandateLapsed => Standing::Lapsed,
        MethodState::HardDeclined => Standing::RuledOut,
        MethodState::ActionRequired => Standing::AwaitsCustomer,
        MethodState::Usable => match tried_before(on_file.id, facts.attempts) {
            TriedBefore::RuledOut => Standing::RuledOut,
            TriedBefore::AwaitsCustomer => Standing::AwaitsCustomer,
            tried => Standing::Usable {
                by: by(on_file.id),
                tried: tried == TriedBefore::Softly,
            },
        },
    }
}

/// The way through the methods.
struct Walk {
    /// What no part pays yet.
    open_minor: i64,
    parts: Vec<Part>,
    /// The card or mandate that pays the rest, and whether it was tried before.
    chosen: Option<(Instrument, bool)>,
    /// Why nothing pays the rest, should it come to that: what the customer can
    /// do most about.
    reason: LeftOut,
}

impl Walk {
    /// Whether the next method is asked.
    fn ask_credit(
        &mut self,
        facts: &CollectionFacts<'_>,
        policy: &CollectionPolicy,
        trigger: Trigger,
    ) -> bool {
        if facts.credit_minor <= 0 {
            return true;
        }
        let suffices = facts.credit_minor >= self.open_minor;
        if suffices || policy.partial_credit {
            let amount_minor = facts.credit_minor.min(self.open_minor);
            self.open_minor = self.open_minor.saturating_sub(amount_minor);
            self.parts.push(Part {
                by: Instrument::Credit,
                amount_minor,
            });
        }
        let asked_for = matches!(trigger, Trigger::NewMethod(_));
        !suffices && (policy.fallback.credit || asked_for)
    }

    /// Whether the next method is asked.
    fn ask(
        &mut self,
        method: PaymentMethod,
        facts: &CollectionFacts<'_>,
        policy: &CollectionPolicy,
    ) -> bool {
        match standing(method, facts) {
            Standing::Absent => return true,
            Standing::Lapsed => {
                self.note(LeftOut::MandateLapsed);
                return true;
            }
            Standing::RuledOut => self.note(LeftOut::HardDecline(method)),
            Standing::AwaitsCustomer => self.note(LeftOut::ActionRequired(method)),
            Standing::Usable { by, tried } => {
                self.chosen = Some((by, tried));
                if !tried {
                    return false;
                }
            }
        }
        policy.fallback.of(method)
    }

    fn note(&mut self, reason: LeftOut) {
        let rank = |reason: &LeftOut| match reason {
            LeftOut::ActionRequired(_) => 3,
            LeftOut::HardDecline(_) => 2,
            LeftOut::MandateLapsed => 1,
            _ => 0,
        };
        if rank(&reason) > rank(&self.reason) {
            self.reason = reason;
        }
    }

    fn decision(
        mut self,
        facts: &CollectionFacts<'_>,
        policy: &CollectionPolicy,
        trigger: Trigger,
        today: NaiveDate,
    ) -> Decision {
        let rest = if self.open_minor == 0 {
            None
        } else {
            match self.chosen {
                None => Some(self.reason),
                // Its first time does not wait: the method is new, or the one
                // before it just failed.
                Some((by, tried)) if !tried || trigger != Trigger::Schedule => {
                    self.take(by);
                    None
                }
                Some((by, _)) => match policy.ladder.next(facts.due_on, facts.attempts, today) {
                    NextStep::Due { .. } => {
                        self.take(by);
                        None
                    }
                    NextStep::Waits { on, .. } => Some(LeftOut::WaitsUntil(on)),
                    NextStep::InFlight => Some(LeftOut::InFlight(by.method())),
                    NextStep::Exhausted => Some(LeftOut::LadderExhausted),
                },
            }
        };
        match rest {
            Some(reason) if self.parts.is_empty() => Decision::LeaveOut(reason),
            rest => Decision::Charge {
                parts: self.parts,
                rest,
                cancel_waiting: facts.attempts.iter().any(PastAttempt::waits_for_customer),
            },
        }
    }

    fn take(&mut self, by: Instrument) {
        self.parts.push(Part {
            by,
            amount_minor: self.open_minor,
        });
        self.open_minor = 0;
    }
}

#[cfg(test)]
mod tests;
