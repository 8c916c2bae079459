//! Prepaid credit, refunds and disputes.

use chrono::NaiveDate;

use super::pen::Pen;
use crate::domain::money::Money;
use crate::domain::payment::refund::RefundPurpose;
use crate::mail::letter::{Content, Fact, Tone};
use crate::mail::occasion::Disputed;

/// Credit is on the account.
pub fn bought(pen: Pen<'_>, money: Money, on: NaiveDate, invoices_paid: &[String]) -> Content {
    let amount = pen.amount(money);
    let mut facts = vec![
        pen.fact("Credit bought", "Crédit acheté", &amount),
        pen.fact("Date", "Date", pen.date(on)),
        pen.fact("Payment method", "Moyen de paiement", "PayPal"),
    ];
    let used = if invoices_paid.is_empty() {
        words!(
            pen,
            "It pays your next invoices by itself.",
            "Il servira à payer vos prochaines factures."
        )
    } else {
        let paid = invoices_paid.join(", ");
        facts.push(pen.fact("Used for", "Utilisé pour", paid));
        words!(
            pen,
            "It was used at once for what was open, and what is left pays your next invoices.",
            "Il a servi aussitôt à payer ce qui était dû, et le reste servira à vos prochaines factures."
        )
    };
    Content {
        subject: words!(
            pen,
            "{amount} of credit bought",
            "Achat de {amount} de crédit"
        ),
        tone: Tone::Good,
        opening: vec![words!(
            pen,
            "Thank you. {amount} of prepaid credit is on your account. {used}",
            "Merci. Votre compte a été crédité de {amount}. {used}"
        )],
        facts,
        button: pen.manage("See your credit", "Voir votre crédit"),
        closing: Vec::new(),
    }
}

/// Credit that was not bought after all.
pub fn purchase_failed(pen: Pen<'_>, money: Money, on: NaiveDate) -> Content {
    let amount = pen.amount(money);
    Content {
        subject: words!(
            pen,
            "Your purchase of {amount} of credit failed",
            "Échec de votre achat de {amount} de crédit"
        ),
        tone: Tone::Warning,
        opening: vec![words!(
            pen,
            "PayPal did not carry out your purchase of {amount} of credit, and we received no money. Please \
             try again, or pay in another way.",
            "PayPal n’a pas exécuté votre achat de {amount} de crédit et nous n’avons rien reçu. Merci de \
             réessayer ou de payer autrement."
        )],
        facts: vec![
            pen.fact("Amount", "Montant", &amount),
            pen.fact("Date", "Date", pen.date(on)),
        ],
        button: pen.manage("Try again", "Réessayer"),
        closing: Vec::new(),
    }
}

/// Money given back.
pub fn refunded(pen: Pen<'_>, money: Money, purpose: RefundPurpose, on: NaiveDate) -> Content {
    let amount = pen.amount(money);
    let why = match purpose {
        RefundPurpose::Goodwill => pen.pick("The invoice stays paid.", "La facture reste payée."),
        RefundPurpose::Reopen => pen.pick(
            "What it had paid is to be paid again.",
            "Ce qu’il avait réglé est à nouveau dû.",
        ),
        RefundPurpose::UnusedCredit => pen.pick(
            "It was credit that you had not used.",
            "Il s’agit de crédit que vous n’aviez pas utilisé.",
        ),
    };
    Content {
        subject: words!(pen, "{amount} refunded", "Remboursement de {amount}"),
        tone: Tone::Good,
        opening: vec![words!(
            pen,
            "We gave {amount} back to you, the way it was paid. {why} It may take your bank a few days to \
             show it.",
            "Nous vous avons remboursé {amount} par le moyen de paiement d’origine. {why} Votre banque peut \
             mettre quelques jours à l’afficher."
        )],
        facts: vec![
            pen.fact("Amount", "Montant", &amount),
            pen.fact("Date", "Date", pen.date(on)),
        ],
        button: None,
        closing: Vec::new(),
    }
}

/// Money that was told to be on its way back, and did not arrive.
pub fn refund_failed(pen: Pen<'_>, money: Money, on: NaiveDate) -> Content {
    let amount = pen.amount(money);
    Content {
        subject: words!(
            pen,
            "{amount} could not be given back",
            "Le remboursement de {amount} a échoué"
        ),
        tone: Tone::Warning,
        opening: vec![words!(
            pen,
            "We told you that {amount} was on its way back to you. Your bank did not take it, so it is on your \
             account as before: it pays what is open, or stays as your credit. Please tell us where we may \
             send it instead.",
            "Nous vous avions annoncé le remboursement de {amount}. Votre banque ne l’a pas accepté : la somme \
             est revenue sur votre compte, où elle règle ce qui est dû ou reste à votre crédit. Dites-nous par \
             quel moyen nous pouvons vous la rendre."
        )],
        facts: vec![
            pen.fact("Amount", "Montant", &amount),
            pen.fact("Date", "Date", pen.date(on)),
        ],
        button: pen.manage("See your account", "Voir votre compte"),
        closing: Vec::new(),
    }
}

fn about(pen: Pen<'_>, disputed: &Disputed) -> String {
    match disputed {
        Disputed::Payment { invoice } => {
            let number = &invoice.number;
            words!(
                pen,
                "the payment of invoice {number}",
                "le paiement de la facture {number}"
            )
        }
        Disputed::Credit => words!(pen, "your purchase of credit", "votre achat de crédit"),
    }
}

fn dispute_facts(pen: Pen<'_>, disputed: &Disputed, money: Money, on: NaiveDate) -> Vec<Fact> {
    let mut facts = Vec::new();
    if let Disputed::Payment { invoice } = disputed {
        facts.push(pen.fact("Invoice", "Facture", &invoice.number));
    }
    facts.push(pen.fact("Amount", "Montant", pen.amount(money)));
    facts.push(pen.fact("Date", "Date", pen.date(on)));
    if let Disputed::Payment { invoice } = disputed {
        facts.push(pen.fact("To be paid", "À payer", pen.amount(invoice.open)));
    }
    facts
}

/// The customer's bank, or PayPal, took a payment back.
pub fn chargeback_opened(
    pen: Pen<'_>,
    disputed: &Disputed,
    money: Money,
    on: NaiveDate,
) -> Content {
    let (amount, about) = (pen.amount(money), about(pen, disputed));
    let (effect, button) = match disputed {
        Disputed::Payment { invoice } => {
            let open = pen.amount(invoice.open);
            let effect = words!(
                pen,
                "The money went back, and {open} of the invoice is to be paid.",
                "L’argent a été rendu et {open} restent à payer pour cette facture."
            );
            (
                effect,
                pen.pay("Pay in another way", "Payer autrement", invoice),
            )
        }
        Disputed::Credit => {
            let effect = words!(
                pen,
                "The money went back, and {amount} was taken off your credit.",
                "L’argent a été rendu et {amount} ont été retirés de votre crédit."
            );
            (effect, pen.manage("See your credit", "Voir votre crédit"))
        }
    };
    Content {
        subject: words!(
            pen,
            "A payment of {amount} is disputed",
            "Contestation d’un paiement de {amount}"
        ),
        tone: Tone::Warning,
        opening: vec![
            words!(
                pen,
                "We were told that {about} is disputed: {amount}. {effect}",
                "On nous signale une contestation concernant {about} : {amount}. {effect}"
            ),
            words!(
                pen,
                "If that is a mistake, please tell your bank or PayPal, and write to us.",
                "S’il s’agit d’une erreur, prévenez votre banque ou PayPal et écrivez-nous."
            ),
        ],
        facts: dispute_facts(pen, disputed, money, on),
        button,
        closing: Vec::new(),
    }
}

/// A dispute was decided for the house.
pub fn chargeback_won(pen: Pen<'_>, disputed: &Disputed, money: Money, on: NaiveDate) -> Content {
    let (amount, about) = (pen.amount(money), about(pen, disputed));
    let effect = match disputed {
        Disputed::Payment { .. } => pen.pick(
            "It counts for the invoice again.",
            "Il compte de nouveau pour la facture.",
        ),
        Disputed::Credit => pen.pick(
            "It is part of your credit again.",
            "Il fait de nouveau partie de votre crédit.",
        ),
    };
    Content {
        subject: words!(
            pen,
            "The dispute about {amount} is over",
            "La contestation de {amount} est close"
        ),
        tone: Tone::Neutral,
        opening: vec![words!(
            pen,
            "The dispute about {about} was decided, and {amount} came back to us. {effect} There is nothing \
             to do.",
            "La contestation concernant {about} a été tranchée et {amount} nous sont revenus. {effect} Vous \
             n’avez rien à faire."
        )],
        facts: dispute_facts(pen, disputed, money, on),
        button: pen.manage("See your account", "Voir votre compte"),
        closing: Vec::new(),
    }
}
