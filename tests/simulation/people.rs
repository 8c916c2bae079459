//! Customers and staff, and what they do on a day.

use std::rc::Rc;

use chrono::{Days, NaiveDate};
use quittance::domain::ids::AccountId;
use quittance::domain::money::{Currency, Money};
use quittance::engine::methods::CardAdded;
use quittance::engine::run::Engine;
use quittance::store::rows::ByPerson;

use crate::auditor::Auditor;
use crate::dice::Dice;
use crate::fakes::stripe::{CardScript, Outcome, StripeFake};
use crate::log::Log;

/// How a customer pays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// By a card that is good.
    Card,
    /// By a card that is declined now and then.
    ShortOfMoney,
    /// By a card whose bank asks for authentication.
    Asked,
    /// By a card whose bank takes its time.
    Slow,
    /// By transfers, late; the staff grants credit for them.
    Transfers,
    /// Not at all.
    Never,
}

pub struct Customer {
    pub account: AccountId,
    pub external_id: String,
    pub kind: Kind,
    pub plan: &'static str,
}

impl Customer {
    pub fn draw(account: i64, external_id: String, dice: &mut Dice) -> Self {
        use Kind::{Asked, Card, Never, ShortOfMoney, Slow, Transfers};
        Self {
            account: AccountId(account),
            external_id,
            kind: dice.pick(&[
                Card,
                Card,
                ShortOfMoney,
                ShortOfMoney,
                Asked,
                Slow,
                Transfers,
                Never,
            ]),
            plan: dice.pick(&["S", "M", "L", "XL"]),
        }
    }

    /// The card that such a customer has.
    pub fn card(&self, dice: &mut Dice) -> CardScript {
        let declines = |code: &str| Outcome::Declines(code.to_owned());
        match self.kind {
            Kind::ShortOfMoney => CardScript::each((0..24).map(|_| {
                let code = dice.pick(&["insufficient_funds", "try_again_later", "stolen_card"]);
                match dice.below(10) {
                    0..5 => Outcome::Succeeds,
                    9 => declines(code),
                    _ => declines("insufficient_funds"),
                }
            })),
            Kind::Asked => CardScript::each((0..24).map(|_| match dice.below(3) {
                0 => Outcome::Succeeds,
                1 => Outcome::RequiresAction,
                _ => Outcome::NeedsAuthentication,
            })),
            Kind::Slow => CardScript::processing(),
            _ => CardScript::succeeds(),
        }
    }
}

/// What a person does, by a command of its own.
#[derive(Debug, Clone)]
pub enum Deed {
    EnterCard {
        account: AccountId,
    },
    Transfer {
        account: AccountId,
        minor: i64,
    },
    Hold {
        account: AccountId,
        until: NaiveDate,
    },
    Lift {
        account: AccountId,
    },
    Approve {
        account: AccountId,
    },
    Resume {
        account: AccountId,
        until: NaiveDate,
    },
    WriteOff {
        number: String,
    },
    Refund {
        payment: String,
        reopens: bool,
    },
}

/// What happens at Stripe by itself, by a customer or a bank.
pub fn happens_at_stripe(stripe: &StripeFake, dice: &mut Dice, log: &Log, often_permille: usize) {
    for status in ["requires_action", "requires_payment_method"] {
        let is_asked = |intent: &serde_json::Value| {
            status == "requires_action"
                || intent["last_payment_error"]["code"] == "authentication_required"
        };
        for intent in stripe.intents_that_are(status, is_asked) {
            if dice.permille(150) {
                let id = intent["id"].as_str().unwrap();
                log.say(format!("customer: authenticates {id}"));
                stripe.authenticate(id);
            }
        }
    }
    for intent in stripe.intents_that_are("processing", |_| true) {
        if dice.permille(300) {
            let id = intent["id"].as_str().unwrap();
            let outcome = if dice.permille(700) {
                Outcome::Succeeds
            } else {
                Outcome::Declines("insufficient_funds".to_owned())
            };
            log.say(format!("bank: {id} comes to {outcome:?}"));
            stripe.settle(id, &outcome);
        }
    }
    for (dispute, status) in stripe.disputes_open() {
        if status == "needs_response" && dice.permille(60) {
            let won = dice.permille(500);
            log.say(format!("bank: decides {dispute}, won: {won}"));
            stripe.close_dispute(&dispute, won);
        }
    }
    if dice.permille(often_permille) {
        let paid = stripe.intents_that_are("succeeded", |_| true);
        if paid.is_empty() {
            return;
        }
        let intent = &paid[dice.below(paid.len())];
        let id = intent["id"].as_str().unwrap();
        if stripe.is_disputable(id) {
            let amount = intent["amount"].as_i64().unwrap();
            log.say(format!("customer: disputes {id}"));
            stripe.open_dispute(id, amount, 1_500);
        }
    }
}

/// What people set out to do on a day.
pub fn deeds(
    customers: &[Customer],
    auditor: &Auditor,
    stripe: &StripeFake,
    dice: &mut Dice,
    on: NaiveDate,
    (customer_permille, staff_permille): (usize, usize),
) -> Vec<Deed> {
    let mut deeds = Vec::new();
    for customer in customers {
        let account = customer.account;
        if auditor.is_leaving(account.0) {
            continue;
        }
        let owed = auditor.owed(account.0);
        let all: i64 = owed.iter().map(|(_, minor)| minor).sum();
        // Who owes something is moved to act; who is suspended even more.
        let moved = match (owed.is_empty(), auditor.is_suspended(account.0)) {
            (true, _) => 1,
            (false, false) => 4,
            (false, true) => 6,
        };
        let acts = customer.kind != Kind::Never && dice.permille(customer_permille * moved);
        if acts {
            deeds.push(match (customer.kind, dice.below(4)) {
                (Kind::Transfers, _) | (_, 0) => Deed::Transfer {
                    account,
                    minor: match dice.below(3) {
                        0 => i64::try_from(dice.between(100, 3_000)).unwrap(),
                        _ => all.max(500),
                    },
                },
                _ => Deed::EnterCard { account },
            });
        }
        if !owed.is_empty() && dice.permille(staff_permille) {
            let until = on + Days::new(u64::try_from(dice.between(1, 30)).unwrap());
            let number = owed[0].0.clone();
            deeds.push(match dice.below(8) {
                0 | 1 => Deed::Hold { account, until },
                2 => Deed::Lift { account },
                3 => Deed::WriteOff { number },
                4 => Deed::Resume { account, until },
                _ => Deed::Approve { account },
            });
        }
    }
    if dice.permille(staff_permille) {
        let paid = stripe.intents_that_are("succeeded", |_| true);
        if !paid.is_empty() {
            let intent = &paid[dice.below(paid.len())];
            deeds.push(Deed::Refund {
                payment: intent["metadata"]["attempt"].as_str().unwrap().to_owned(),
                reopens: dice.permille(500),
            });
        }
    }
    deeds
}

const BY: ByPerson<'static> = ByPerson {
    actor: "ada",
    reason: "played",
};

/// What a deed leaves behind that its doer knows.
pub struct Doer {
    pub engine: Engine,
    pub stripe: std::sync::Arc<StripeFake>,
    pub log: std::sync::Arc<Log>,
    /// Who entered a card.
    pub cards: Rc<std::cell::RefCell<Vec<i64>>>,
}

impl Doer {
    /// Does it; a refusal is an answer too.
    pub async fn act(self, deed: Deed, card: Option<CardScript>) {
        self.log.say(format!("person: {deed:?}"));
        let engine = &self.engine;
        let answer = match &deed {
            Deed::EnterCard { account } => self.enter_card(*account, card.unwrap()).await,
            Deed::Transfer { account, minor } => engine
                .grant_credit(*account, Money::new(*minor, Currency::Eur), BY)
                .await
                .map(|_| ())
                .map_err(|error| error.to_string()),
            Deed::Hold { account, until } => engine
                .hold_dunning(*account, *until, BY)
                .await
                .map_err(|error| error.to_string()),
            Deed::Lift { account } => engine
                .lift_dunning_hold(*account, BY)
                .await
                .map_err(|error| error.to_string()),
            Deed::Approve { account } => engine
                .approve_deletion(*account, BY)
                .await
                .map(|_| ())
                .map_err(|error| error.to_string()),
            Deed::Resume { account, until } => engine
                .resume_account(*account, Some(*until), BY)
                .await
                .map_err(|error| error.to_string()),
            Deed::WriteOff { number } => engine
                .write_off(&number.parse().unwrap(), BY)
                .await
                .map(|_| ())
                .map_err(|error| error.to_string()),
            Deed::Refund { payment, reopens } => engine
                .refund_payment(payment.parse().unwrap(), None, *reopens, BY)
                .await
                .map(|_| ())
                .map_err(|error| error.to_string()),
        };
        if let Err(error) = answer {
            self.log.say(format!("  refused: {error}"));
        }
    }

    async fn enter_card(&self, account: AccountId, card: CardScript) -> Result<(), String> {
        let setup = self.engine.begin_card(account).await;
        let setup = setup.map_err(|error| error.to_string())?;
        self.stripe.confirm_setup(&setup.setup_intent, card);
        self.cards.borrow_mut().push(account.0);
        // The customer's browser comes back, before or after the event.
        match self.engine.finish_card(&setup.setup_intent).await {
            Ok(CardAdded::Added { .. } | CardAdded::Already(_)) => Ok(()),
            Ok(CardAdded::NotYet(why)) => Err(why.to_owned()),
            Err(error) => Err(error.to_string()),
        }
    }
}
