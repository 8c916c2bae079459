//! Payments of invoices: taken, refused, come back.

use super::pen::Pen;
use crate::domain::dunning::Step;
use crate::domain::payment::PaymentMethod;
use crate::mail::letter::{Content, Fact, Tone};
use crate::mail::occasion::{PaymentFacts, Refusal, Upcoming};

fn facts(pen: Pen<'_>, payment: &PaymentFacts) -> Vec<Fact> {
    vec![
        pen.fact("Invoice", "Facture", &payment.invoice.number),
        pen.fact("Amount", "Montant", pen.amount(payment.amount)),
        pen.fact(
            "Payment method",
            "Moyen de paiement",
            pen.by(payment.method),
        ),
        pen.fact("Date", "Date", pen.date(payment.on)),
    ]
}

/// A receipt.
pub fn succeeded(pen: Pen<'_>, payment: &PaymentFacts) -> Content {
    let (number, paid) = (&payment.invoice.number, pen.amount(payment.amount));
    let (by, open) = (pen.by(payment.method), pen.amount(payment.invoice.open));
    let is_open = payment.invoice.open.minor > 0;
    let mut facts = facts(pen, payment);
    if is_open {
        facts.push(pen.fact("Still open", "Reste à payer", &open));
    }
    Content {
        subject: words!(
            pen,
            "Receipt: {paid} for invoice {number}",
            "Reçu : {paid} pour la facture {number}"
        ),
        tone: Tone::Good,
        opening: vec![words!(
            pen,
            "Thank you. We received {paid} by {by} for invoice {number}.",
            "Merci. Nous avons bien reçu {paid} par {by} pour la facture {number}."
        )],
        facts,
        button: is_open
            .then(|| pen.pay("Pay the rest", "Payer le reste", &payment.invoice))
            .flatten(),
        closing: vec![if is_open {
            words!(
                pen,
                "{open} of the invoice is still open.",
                "Il reste {open} à payer pour cette facture."
            )
        } else {
            words!(
                pen,
                "The invoice is paid in full. There is nothing to do.",
                "La facture est entièrement payée. Vous n’avez rien à faire."
            )
        }],
    }
}

/// The payment could not be taken.
pub fn failed(
    pen: Pen<'_>,
    payment: &PaymentFacts,
    refusal: Refusal,
    upcoming: &Upcoming,
) -> Content {
    let (number, wanted) = (&payment.invoice.number, pen.amount(payment.amount));
    let (by, why) = (pen.by(payment.method), because(pen, refusal));
    let mut facts = facts(pen, payment);
    let open = pen.amount(payment.invoice.open);
    facts.push(pen.fact("To be paid", "À payer", open));
    if let Some(on) = upcoming.attempt_on {
        facts.push(pen.fact("Next attempt", "Prochain essai", pen.date(on)));
    }
    Content {
        subject: words!(
            pen,
            "Payment of {wanted} for invoice {number} failed",
            "Échec du paiement de {wanted} pour la facture {number}"
        ),
        tone: Tone::Warning,
        opening: vec![
            words!(
                pen,
                "We could not take {wanted} by {by} for invoice {number}: {why}.",
                "Le paiement de {wanted} par {by} pour la facture {number} a échoué : {why}."
            ),
            what_to_do(pen, refusal, payment.method, upcoming),
        ],
        facts,
        button: pen.pay("Pay now", "Payer maintenant", &payment.invoice),
        closing: otherwise(pen, upcoming).into_iter().collect(),
    }
}

/// The customer has to confirm the payment with its bank.
pub fn authentication_needed(pen: Pen<'_>, payment: &PaymentFacts, upcoming: &Upcoming) -> Content {
    let (number, wanted) = (&payment.invoice.number, pen.amount(payment.amount));
    let mut closing = vec![words!(
        pen,
        "We do not charge this card again before you confirmed. You can also pay in another way.",
        "Nous ne débiterons plus cette carte avant votre confirmation. Vous pouvez aussi payer autrement."
    )];
    closing.extend(otherwise(pen, upcoming));
    Content {
        subject: words!(
            pen,
            "Please confirm the payment of {wanted} for invoice {number}",
            "Confirmez le paiement de {wanted} pour la facture {number}"
        ),
        tone: Tone::Warning,
        opening: vec![words!(
            pen,
            "Your bank wants you to confirm the payment of {wanted} for invoice {number}. It takes a \
             minute: follow the link below, and then your bank’s steps.",
            "Votre banque vous demande de confirmer le paiement de {wanted} pour la facture {number}. \
             Cela prend une minute : suivez le lien ci-dessous, puis les étapes de votre banque."
        )],
        facts: facts(pen, payment),
        button: pen.pay(
            "Confirm the payment",
            "Confirmer le paiement",
            &payment.invoice,
        ),
        closing,
    }
}

/// Money that had come went back.
pub fn returned(
    pen: Pen<'_>,
    payment: &PaymentFacts,
    refusal: Refusal,
    upcoming: &Upcoming,
) -> Content {
    let (number, back) = (&payment.invoice.number, pen.amount(payment.amount));
    let (by, why) = (pen.by(payment.method), because(pen, refusal));
    let is_open = payment.invoice.open.minor > 0;
    let mut facts = facts(pen, payment);
    let open = pen.amount(payment.invoice.open);
    facts.push(pen.fact("To be paid", "À payer", open));
    let next = if is_open {
        what_to_do(pen, refusal, payment.method, upcoming)
    } else {
        words!(
            pen,
            "The invoice has been paid since. There is nothing to do.",
            "La facture a été payée depuis. Vous n’avez rien à faire."
        )
    };
    Content {
        subject: words!(
            pen,
            "The payment of {back} for invoice {number} came back",
            "Le paiement de {back} pour la facture {number} a été rejeté"
        ),
        tone: Tone::Warning,
        opening: vec![
            words!(
                pen,
                "The payment of {back} by {by} for invoice {number} came back: {why}.",
                "Le paiement de {back} par {by} pour la facture {number} nous a été repris : {why}."
            ),
            next,
        ],
        facts,
        button: is_open
            .then(|| pen.pay("Pay now", "Payer maintenant", &payment.invoice))
            .flatten(),
        closing: otherwise(pen, upcoming)
            .filter(|_| is_open)
            .into_iter()
            .collect(),
    }
}

const fn because(pen: Pen<'_>, refusal: Refusal) -> &'static str {
    match refusal {
        Refusal::NotEnoughMoney => pen.pick(
            "there was not enough money on the account",
            "le compte n’était pas suffisamment approvisionné",
        ),
        Refusal::CardOutOfDate => pen.pick(
            "the card has expired or its data is not right any more",
            "la carte a expiré ou ses données ne sont plus valables",
        ),
        Refusal::AccountUnusable => pen.pick(
            "the bank account is closed, blocked or not the right one",
            "le compte bancaire est fermé, bloqué ou incorrect",
        ),
        Refusal::NoMandate => pen.pick(
            "your bank does not have the mandate",
            "votre banque ne reconnaît pas le mandat",
        ),
        Refusal::TakenBack => pen.pick(
            "it was given back at your request",
            "il vous a été remboursé à votre demande",
        ),
        Refusal::MustConfirm => pen.pick(
            "your bank wants you to confirm it",
            "votre banque vous demande de le confirmer",
        ),
        Refusal::ForGood | Refusal::ForNow => {
            pen.pick("your bank refused it", "votre banque l’a refusé")
        }
    }
}

fn what_to_do(
    pen: Pen<'_>,
    refusal: Refusal,
    method: PaymentMethod,
    upcoming: &Upcoming,
) -> String {
    if let Some(on) = upcoming.attempt_on {
        let on = pen.date(on);
        return words!(
            pen,
            "We will try again on {on}. You can also pay now, or add another payment method.",
            "Nous réessaierons le {on}. Vous pouvez aussi payer dès maintenant ou ajouter un autre moyen \
             de paiement."
        );
    }
    match refusal {
        Refusal::CardOutOfDate
        | Refusal::AccountUnusable
        | Refusal::NoMandate
        | Refusal::TakenBack
        | Refusal::ForGood => {
            let it = if method == PaymentMethod::Sepa {
                pen.pick("mandate", "ce mandat")
            } else {
                pen.pick("card", "cette carte")
            };
            words!(
                pen,
                "We will not use this {it} again. Please add another payment method: it is charged right \
                 away.",
                "Nous n’utiliserons plus {it}. Merci d’ajouter un autre moyen de paiement : il sera débité \
                 aussitôt."
            )
        }
        Refusal::NotEnoughMoney | Refusal::MustConfirm | Refusal::ForNow => words!(
            pen,
            "Please pay now, or add another payment method: it is charged right away.",
            "Merci de payer dès maintenant ou d’ajouter un autre moyen de paiement : il sera débité \
             aussitôt."
        ),
    }
}

/// What happens if the invoice is not paid.
fn otherwise(pen: Pen<'_>, upcoming: &Upcoming) -> Option<String> {
    let (step, on) = upcoming.step?;
    let on = pen.date(on);
    Some(match step {
        Step::SuspensionWarning { .. } => words!(
            pen,
            "If the invoice stays unpaid, we will remind you on {on}, and later suspend your apps and \
             addons. Your data is then kept, and everything starts again as soon as you pay.",
            "Si la facture reste impayée, nous vous relancerons le {on}, puis vos applications et addons \
             seront suspendus. Vos données seront conservées et tout redémarrera dès votre paiement."
        ),
        Step::Suspension => words!(
            pen,
            "If the invoice stays unpaid, your apps and addons will be suspended on {on}. Your data is \
             then kept, and everything starts again as soon as you pay.",
            "Si la facture reste impayée, vos applications et addons seront suspendus le {on}. Vos données \
             seront conservées et tout redémarrera dès votre paiement."
        ),
        Step::DeletionWarning { .. } => words!(
            pen,
            "If the invoice stays unpaid, we will remind you on {on}, and later delete your data.",
            "Si la facture reste impayée, nous vous relancerons le {on}, puis vos données seront \
             supprimées."
        ),
        Step::Deletion => words!(
            pen,
            "If the invoice stays unpaid, your data will be deleted on {on}.",
            "Si la facture reste impayée, vos données seront supprimées le {on}."
        ),
    })
}
