//! What becomes of an account that does not pay.

use chrono::NaiveDate;

use super::pen::Pen;
use crate::mail::letter::{Content, Fact, Tone};
use crate::mail::occasion::InvoiceFacts;

fn facts(pen: Pen<'_>, invoice: &InvoiceFacts) -> Vec<Fact> {
    vec![
        pen.fact("Invoice", "Facture", &invoice.number),
        pen.fact("To be paid", "À payer", pen.amount(invoice.open)),
        pen.fact("Was due on", "Échéance", pen.date(invoice.due_on)),
    ]
}

/// A suspension to come.
pub fn suspension_warning(
    pen: Pen<'_>,
    invoice: &InvoiceFacts,
    on: NaiveDate,
    days_left: i64,
) -> Content {
    let (number, open) = (&invoice.number, pen.amount(invoice.open));
    let (when, day) = (pen.in_days(days_left), pen.date(on));
    let mut facts = facts(pen, invoice);
    facts.push(pen.fact("Suspension on", "Suspension le", &day));
    Content {
        subject: words!(
            pen,
            "Your apps will be suspended {when} unless {open} is paid",
            "Vos applications seront suspendues {when} sans paiement de {open}"
        ),
        tone: Tone::Urgent,
        opening: vec![
            words!(
                pen,
                "{open} of invoice {number} is not paid.",
                "Il reste {open} à payer pour la facture {number}."
            ),
            words!(
                pen,
                "If we do not receive it, your apps and addons will be suspended on {day} ({when}). Please \
                 pay before that day.",
                "Sans paiement de votre part, vos applications et addons seront suspendus le {day} \
                 ({when}). Merci de payer avant cette date."
            ),
        ],
        facts,
        button: pen.pay("Pay now", "Payer maintenant", invoice),
        closing: vec![words!(
            pen,
            "A suspension stops your apps and addons. Your data is kept, and everything starts again as \
             soon as the invoice is paid.",
            "Une suspension arrête vos applications et addons. Vos données sont conservées et tout \
             redémarre dès que la facture est payée."
        )],
    }
}

/// Apps and addons were stopped.
pub fn suspended(
    pen: Pen<'_>,
    invoice: &InvoiceFacts,
    on: NaiveDate,
    deletion_on: NaiveDate,
) -> Content {
    let (number, open) = (&invoice.number, pen.amount(invoice.open));
    let deletion = pen.date(deletion_on);
    let mut facts = facts(pen, invoice);
    facts.push(pen.fact("Suspended on", "Suspendu le", pen.date(on)));
    facts.push(pen.fact("Data deleted on", "Suppression des données le", &deletion));
    Content {
        subject: words!(
            pen,
            "Your account is suspended: {open} is not paid",
            "Votre compte est suspendu : {open} impayés"
        ),
        tone: Tone::Urgent,
        opening: vec![
            words!(
                pen,
                "{open} of invoice {number} is not paid, so your apps and addons were suspended. Your data \
                 is kept for now.",
                "Il reste {open} à payer pour la facture {number}. Vos applications et addons ont donc été \
                 suspendus. Vos données sont conservées pour le moment."
            ),
            words!(
                pen,
                "As soon as the invoice is paid, everything starts again by itself.",
                "Dès que la facture sera payée, tout redémarrera automatiquement."
            ),
        ],
        facts,
        button: pen.pay("Pay and restore", "Payer et réactiver", invoice),
        closing: vec![words!(
            pen,
            "If it is not paid, your data will be deleted on {deletion}. That cannot be undone.",
            "Sans paiement, vos données seront supprimées le {deletion}. Cette suppression est définitive."
        )],
    }
}

/// A suspension is over.
pub fn restored(pen: Pen<'_>, on: NaiveDate) -> Content {
    Content {
        subject: words!(pen, "Your account is restored", "Votre compte est réactivé"),
        tone: Tone::Good,
        opening: vec![words!(
            pen,
            "Thank you. The suspension of your account is over, and your apps and addons are starting \
             again. There is nothing to do.",
            "Merci. La suspension de votre compte est levée : vos applications et addons redémarrent. Vous \
             n’avez rien à faire."
        )],
        facts: vec![pen.fact("Restored on", "Réactivé le", pen.date(on))],
        button: pen.manage("See your account", "Voir votre compte"),
        closing: vec![words!(
            pen,
            "Starting may take a few minutes.",
            "Le redémarrage peut prendre quelques minutes."
        )],
    }
}

/// A deletion to come.
pub fn deletion_warning(
    pen: Pen<'_>,
    invoice: &InvoiceFacts,
    on: NaiveDate,
    days_left: i64,
) -> Content {
    let (number, open) = (&invoice.number, pen.amount(invoice.open));
    let (when, day) = (pen.in_days(days_left), pen.date(on));
    let mut facts = facts(pen, invoice);
    facts.push(pen.fact("Data deleted on", "Suppression des données le", &day));
    Content {
        subject: words!(
            pen,
            "Your data will be deleted {when} unless {open} is paid",
            "Vos données seront supprimées {when} sans paiement de {open}"
        ),
        tone: Tone::Urgent,
        opening: vec![
            words!(
                pen,
                "Your account is suspended because {open} of invoice {number} is not paid. If we do not \
                 receive it, your apps, addons and all their data will be deleted on {day} ({when}).",
                "Votre compte est suspendu, car il reste {open} à payer pour la facture {number}. Sans \
                 paiement de votre part, vos applications, vos addons et toutes leurs données seront \
                 supprimés le {day} ({when})."
            ),
            words!(
                pen,
                "A deletion cannot be undone. Please pay before that day: everything then starts again by \
                 itself.",
                "Une suppression est définitive. Merci de payer avant cette date : tout redémarrera alors \
                 automatiquement."
            ),
        ],
        facts,
        button: pen.pay(
            "Pay and keep my data",
            "Payer et garder mes données",
            invoice,
        ),
        closing: vec![words!(
            pen,
            "If you cannot pay in time, please write to us.",
            "Si vous ne pouvez pas payer à temps, écrivez-nous."
        )],
    }
}
