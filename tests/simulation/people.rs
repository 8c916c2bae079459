//! Customers and staff, and what they do on a day.

use std::net::IpAddr;
use std::rc::Rc;

use chrono::{Days, NaiveDate};
use quittance::domain::account::Language;
use quittance::domain::ids::{AccountId, PaymentMethodId};
use quittance::domain::money::{Currency, Money};
use quittance::domain::payment::{FileState, PaymentMethod};
use quittance::domain::sepa::iban::Iban;
use quittance::domain::sepa::message::Scheme;
use quittance::engine::methods::{CardAdded, MandateRequest, Signature};
use quittance::engine::run::Engine;
use quittance::store::rows::ByPerson;

use crate::auditor::Auditor;
use crate::bank::Temper;
use crate::cardholders::part_of;
use crate::dice::Dice;
use crate::fakes::paypal::PayPalFake;
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
    /// By direct debit, and some by a card too.
    Debtor(Temper),
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
    pub fn draw(
        account: i64,
        external_id: String,
        debtor_permille: usize,
        dice: &mut Dice,
    ) -> Self {
        use Kind::{Asked, Card, Debtor, Never, ShortOfMoney, Slow, Transfers};
        use Temper::{Closes, IsShort, Pays, TakesBack};
        let kind = if dice.permille(debtor_permille) {
            Debtor(dice.pick(&[Pays, Pays, IsShort, IsShort, TakesBack, Closes]))
        } else {
            dice.pick(&[
                Card,
                Card,
                ShortOfMoney,
                ShortOfMoney,
                Asked,
                Slow,
                Transfers,
                Never,
            ])
        };
        Self {
            account: AccountId(account),
            external_id,
            kind,
            plan: dice.pick(&["S", "M", "L", "XL"]),
        }
    }

    pub fn email(&self) -> String {
        format!("{}@example.com", self.external_id)
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
    SignMandate {
        account: AccountId,
        temper: Temper,
    },
    /// Another account under the mandate that is there.
    ChangeIban {
        account: AccountId,
        temper: Temper,
    },
    RemoveMandate {
        account: AccountId,
    },
    Transfer {
        account: AccountId,
        minor: i64,
    },
    /// By PayPal; whoever comes back from there has approved it.
    BuyCredit {
        account: AccountId,
        minor: i64,
        comes_back: bool,
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
    /// All of it where no amount is named.
    Refund {
        payment: String,
        minor: Option<i64>,
        reopens: bool,
    },
    /// All that is left of it where no amount is named.
    PayBack {
        purchase: String,
        minor: Option<i64>,
    },
}

/// What people set out to do on a day.
pub fn deeds(
    customers: &[Customer],
    auditor: &Auditor,
    (stripe, paypal): (&StripeFake, &PayPalFake),
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
            deeds.push(match (customer.kind, dice.below(5)) {
                (_, 4) => Deed::BuyCredit {
                    account,
                    minor: match dice.below(3) {
                        0 => i64::try_from(dice.between(500, 5_000)).unwrap(),
                        _ => all.max(500),
                    },
                    comes_back: dice.permille(600),
                },
                (Kind::Transfers, _) | (_, 0) => Deed::Transfer {
                    account,
                    minor: match dice.below(3) {
                        0 => i64::try_from(dice.between(100, 3_000)).unwrap(),
                        _ => all.max(500),
                    },
                },
                (Kind::Debtor(temper), no) => match (no, dice.below(10)) {
                    (1, 0..3) => Deed::ChangeIban { account, temper },
                    (1, 3) => Deed::RemoveMandate { account },
                    (2, 0..4) => Deed::EnterCard { account },
                    _ => Deed::SignMandate { account, temper },
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
                minor: dice.permille(500).then(|| part_of(intent, dice)),
                reopens: dice.permille(500),
            });
        }
    }
    let bought = paypal.left_of_captures();
    if !bought.is_empty() && dice.permille(staff_permille) {
        let (capture, left) = &bought[dice.below(bought.len())];
        let all = usize::try_from(*left).unwrap();
        deeds.push(Deed::PayBack {
            purchase: paypal.purchase_of(capture),
            minor: dice
                .permille(500)
                .then(|| i64::try_from(dice.between(1, all)).unwrap()),
        });
    }
    deeds
}

pub const BY: ByPerson<'static> = ByPerson {
    actor: "ada",
    reason: "played",
};

/// What a deed needs beside: a card, or an account with a bank.
pub enum Means {
    None,
    Card(CardScript),
    Account(Iban),
}

/// What a customer gave to be charged by, or was sent to PayPal with.
#[derive(Debug, Clone)]
pub enum Given {
    Card(i64),
    Mandate(i64),
    Order(String),
}

/// What a deed leaves behind that its doer knows.
pub struct Doer {
    pub engine: Engine,
    pub stripe: std::sync::Arc<StripeFake>,
    pub paypal: std::sync::Arc<PayPalFake>,
    pub log: std::sync::Arc<Log>,
    /// What was given.
    pub given: Rc<std::cell::RefCell<Vec<Given>>>,
}

impl Doer {
    /// Does it; a refusal is an answer too.
    pub async fn act(self, deed: Deed, means: Means) {
        self.log.say(format!("person: {deed:?}"));
        let engine = &self.engine;
        let answer = match &deed {
            Deed::EnterCard { account } => self.enter_card(*account, means.card()).await,
            Deed::SignMandate { account, .. } => self.sign_mandate(*account, means.iban()).await,
            Deed::ChangeIban { account, .. } => self.change_iban(*account, means.iban()).await,
            Deed::RemoveMandate { account } => self.remove_mandate(*account).await,
            Deed::Transfer { account, minor } => engine
                .grant_credit(*account, Money::new(*minor, Currency::Eur), BY)
                .await
                .map(|_| ())
                .map_err(|error| error.to_string()),
            Deed::BuyCredit {
                account,
                minor,
                comes_back,
            } => self.buy_credit(*account, *minor, *comes_back).await,
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
            Deed::Refund {
                payment,
                minor,
                reopens,
            } => engine
                .refund_payment(payment.parse().unwrap(), *minor, *reopens, BY)
                .await
                .map(|_| ())
                .map_err(|error| error.to_string()),
            Deed::PayBack { purchase, minor } => engine
                .refund_purchase(purchase.parse().unwrap(), *minor, BY)
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
        self.given.borrow_mut().push(Given::Card(account.0));
        // The customer's browser comes back, before or after the event.
        match self.engine.finish_card(&setup.setup_intent).await {
            Ok(CardAdded::Added { .. } | CardAdded::Already(_) | CardAdded::TakenOff) => Ok(()),
            Ok(CardAdded::NotYet(why)) => Err(why.to_owned()),
            Err(error) => Err(error.to_string()),
        }
    }

    async fn buy_credit(
        &self,
        account: AccountId,
        minor: i64,
        comes_back: bool,
    ) -> Result<(), String> {
        let paypal = self.engine.providers.paypal(&self.engine.config);
        let paypal = paypal.map_err(|error| error.to_string())?;
        let amount = Money::new(minor, Currency::Eur);
        let bought = self.engine.buy_credit(paypal, account, amount).await;
        let bought = bought.map_err(|error| error.to_string())?.purchase;
        let Some(order) = bought.order_reference else {
            return Ok(());
        };
        self.given.borrow_mut().push(Given::Order(order.clone()));
        if !comes_back {
            return Ok(());
        }
        if self.paypal.is_approvable(&order) {
            self.paypal.approve(&order);
        }
        let captured = self.engine.advance_purchase(paypal, bought.id).await;
        captured.map(|_| ()).map_err(|error| error.to_string())
    }

    async fn sign_mandate(&self, account: AccountId, iban: Iban) -> Result<(), String> {
        let request = MandateRequest {
            debtor_name: "Jan Kowalski",
            iban: &iban,
            bic: None,
            scheme: Scheme::Core,
            language: Language::English,
        };
        let signature = Signature {
            at: self.engine.clock.now(),
            from: IpAddr::from([127, 0, 0, 1]),
            reference: None,
        };
        let signed = self
            .engine
            .add_mandate(account, &request, signature, BY)
            .await;
        let signed = signed.map_err(|error| error.to_string())?;
        self.given.borrow_mut().push(Given::Mandate(account.0));
        let charged = self.engine.charge_by_new_method(account, signed.id).await;
        charged.map(|_| ()).map_err(|error| error.to_string())
    }

    async fn mandate(&self, account: AccountId) -> Result<PaymentMethodId, String> {
        let methods = self.engine.methods(account).await;
        let methods = methods.map_err(|error| error.to_string())?;
        let mut mandates = methods.into_iter().filter(|method| {
            method.method() == PaymentMethod::Sepa && method.state != FileState::Removed
        });
        let last = mandates.next_back().ok_or("there is no mandate")?;
        Ok(last.id)
    }

    async fn change_iban(&self, account: AccountId, iban: Iban) -> Result<(), String> {
        let mandate = self.mandate(account).await?;
        let changed = self
            .engine
            .change_iban(account, mandate, &iban, None, BY)
            .await;
        changed.map_err(|error| error.to_string())
    }

    async fn remove_mandate(&self, account: AccountId) -> Result<(), String> {
        let mandate = self.mandate(account).await?;
        let removed = self.engine.remove_method(account, mandate, BY).await;
        removed.map(|_| ()).map_err(|error| error.to_string())
    }
}

impl Means {
    fn card(self) -> CardScript {
        match self {
            Self::Card(card) => card,
            _ => panic!("no card"),
        }
    }

    fn iban(self) -> Iban {
        match self {
            Self::Account(iban) => iban,
            _ => panic!("no account with a bank"),
        }
    }
}
