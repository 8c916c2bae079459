//! Invoices.

use super::pen::Pen;
use crate::domain::money::Money;
use crate::mail::letter::{Content, Tone};
use crate::mail::occasion::{HowPaid, InvoiceFacts, PreNotification};

/// An invoice, and how it will be paid; for a direct debit it is the
/// pre-notification.
pub fn issued(
    pen: Pen<'_>,
    invoice: &InvoiceFacts,
    how: &HowPaid,
    from_credit: Option<Money>,
) -> Content {
    let (number, month) = (&invoice.number, pen.month(invoice.period));
    let total = pen.amount(invoice.total);
    let mut content = Content {
        subject: words!(
            pen,
            "Invoice {number}: {total}",
            "Facture {number} : {total}"
        ),
        tone: Tone::Neutral,
        opening: vec![words!(
            pen,
            "Your invoice {number} for {month} is attached as a PDF.",
            "Votre facture {number} pour {month} est jointe à ce message au format PDF."
        )],
        facts: vec![
            pen.fact("Invoice", "Facture", number),
            pen.fact("Period", "Période", &month),
            pen.fact("Total including VAT", "Total TTC", &total),
            pen.fact("Due on", "Échéance", pen.date(invoice.due_on)),
        ],
        button: None,
        closing: Vec::new(),
    };
    if let Some(credit) = from_credit {
        let credit = pen.amount(credit);
        content
            .facts
            .push(pen.fact("From prepaid credit", "Sur crédit prépayé", credit));
    }
    payment(pen, invoice, how, &mut content);
    content
}

fn payment(pen: Pen<'_>, invoice: &InvoiceFacts, how: &HowPaid, content: &mut Content) {
    let open = pen.amount(invoice.open);
    let due = pen.date(invoice.due_on);
    let says = match how {
        HowPaid::Settled => words!(
            pen,
            "Nothing is left to pay, and there is nothing to do.",
            "Il ne reste rien à payer et vous n’avez rien à faire."
        ),
        HowPaid::OnItsWay(method) => {
            let by = pen.by(*method);
            words!(
                pen,
                "A payment of it by {by} is on its way. There is nothing to do.",
                "Un paiement par {by} est en cours. Vous n’avez rien à faire."
            )
        }
        HowPaid::Credit { on } => {
            let on = pen.date(*on);
            words!(
                pen,
                "{open} will be paid from your prepaid credit on {on}. There is nothing to do.",
                "{open} seront prélevés sur votre crédit prépayé le {on}. Vous n’avez rien à faire."
            )
        }
        HowPaid::Card { amount, on } => {
            let (amount, on) = (pen.amount(*amount), pen.date(*on));
            words!(
                pen,
                "We will charge {amount} to your card on {on}. There is nothing to do.",
                "Nous débiterons votre carte bancaire de {amount} le {on}. Vous n’avez rien à faire."
            )
        }
        HowPaid::Debit(debit) => {
            announce(pen, debit, content);
            return;
        }
        HowPaid::ByCustomer => {
            content.tone = Tone::Warning;
            content.button = pen.pay("Pay this invoice", "Payer cette facture", invoice);
            content.closing.push(words!(
                pen,
                "A payment method that you add is charged right away, and for your next invoices.",
                "Le moyen de paiement que vous ajoutez est débité aussitôt, puis pour vos prochaines factures."
            ));
            words!(
                pen,
                "There is no payment method on your account that can pay it. Please pay {open} by {due}: \
                 add a card or a bank account, or buy credit.",
                "Aucun moyen de paiement de votre compte ne permet de la régler. Merci de payer {open} \
                 avant le {due} : ajoutez une carte ou un compte bancaire, ou achetez du crédit."
            )
        }
    };
    content.opening.push(says);
}

fn announce(pen: Pen<'_>, debit: &PreNotification, content: &mut Content) {
    let (amount, on) = (pen.amount(debit.amount), pen.date(debit.collect_on));
    content.opening.push(words!(
        pen,
        "We will collect {amount} from your bank account by SEPA direct debit on {on}. Please make sure \
         that there is enough money on it. There is nothing else to do.",
        "Nous prélèverons {amount} sur votre compte bancaire par prélèvement SEPA le {on}. Veillez à ce \
         qu’il soit suffisamment approvisionné. Vous n’avez rien d’autre à faire."
    ));
    content.facts.extend([
        pen.fact("Debited on", "Date du prélèvement", &on),
        pen.fact("Amount debited", "Montant prélevé", &amount),
        pen.fact("Bank account", "Compte bancaire", &debit.account_masked),
        pen.fact("Creditor", "Créancier", &debit.creditor_name),
        pen.fact(
            "Creditor identifier",
            "Identifiant créancier SEPA",
            &debit.creditor_id,
        ),
        pen.fact(
            "Mandate reference",
            "Référence unique de mandat",
            &debit.mandate_reference,
        ),
    ]);
    content.closing.push(words!(
        pen,
        "This message is the pre-notification of the debit. If you disagree with it, please write to us \
         before {on}.",
        "Ce message vaut notification préalable du prélèvement. Si vous le contestez, merci de nous \
         écrire avant le {on}."
    ));
}
