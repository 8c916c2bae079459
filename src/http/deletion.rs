//! What the page says that confirms a deletion, and what keeps an account, in the
//! customer's own words.

use super::link_page::{Button, Content, pick};
use super::mailed::Trouble;
use crate::domain::account::Language;
use crate::domain::deletion::Refusal;
use crate::engine::deletion::{Confirmed, DeletionError};

pub(super) fn question(language: Language, token: &str) -> Content<'_> {
    Content {
        title: pick(
            language,
            "Delete your account?",
            "Supprimer votre compte ?",
        ),
        paragraphs: vec![
            pick(
                language,
                "Your apps and addons stop at once. What you used this month is billed now and charged as \
                 usual. Once it is paid, everything on your account is deleted.",
                "Vos applications et addons s’arrêtent immédiatement. Votre consommation du mois est facturée \
                 maintenant et prélevée comme d’habitude. Une fois la facture payée, tout ce que contient \
                 votre compte est supprimé.",
            )
            .to_owned(),
            pick(
                language,
                "That cannot be undone. Your invoices are kept, as the law asks.",
                "Cette opération est définitive. Vos factures sont conservées, comme la loi l’exige.",
            )
            .to_owned(),
        ],
        links: Vec::new(),
        button: Some(Button {
            label: pick(language, "Delete my account", "Supprimer mon compte"),
            action: "confirm",
            token,
        }),
    }
}

pub(super) fn done(language: Language, confirmed: &Confirmed) -> Content<'static> {
    let mut paragraphs = vec![
        pick(
            language,
            "The deletion of your account is confirmed. We will write to you when it is done.",
            "La suppression de votre compte est confirmée. Nous vous écrirons quand elle sera terminée.",
        )
        .to_owned(),
    ];
    if let Some(number) = &confirmed.final_invoice {
        paragraphs.push(match language {
            Language::English => format!(
                "Your final invoice is {number}. The deletion goes on once it is paid; we have sent it to you by mail."
            ),
            Language::French => format!(
                "Votre dernière facture porte le numéro {number}. La suppression se poursuit dès qu’elle est \
                 payée ; nous vous l’avons envoyée par e-mail."
            ),
        });
    }
    Content {
        title: pick(language, "Thank you", "Merci"),
        paragraphs,
        links: Vec::new(),
        button: None,
    }
}

pub(super) const fn otherwise(language: Language) -> &'static str {
    pick(
        language,
        "It was used already, was replaced by a newer one, or has run out. If you confirmed the \
         deletion of your account before, there is nothing left to do. Otherwise, please ask for it \
         again.",
        "Il a déjà été utilisé, a été remplacé par un lien plus récent, ou a expiré. Si vous avez déjà \
         confirmé la suppression de votre compte, vous n’avez plus rien à faire. Sinon, demandez-la \
         de nouveau.",
    )
}

/// A reason in the customer's own words.
pub(super) fn said(language: Language, reason: &Refusal) -> String {
    match (language, reason) {
        (Language::English, Refusal::Running { app, .. }) => {
            format!("The app {app} still runs: delete it or hand it over first.")
        }
        (Language::French, Refusal::Running { app, .. }) => {
            format!("L’application {app} tourne encore : supprimez-la ou transférez-la d’abord.")
        }
        (Language::English, Refusal::Unbilled(month) | Refusal::Parked { period: month, .. }) => {
            format!("Your invoice of {month} is not made yet.")
        }
        (Language::French, Refusal::Unbilled(month) | Refusal::Parked { period: month, .. }) => {
            format!("Votre facture de {month} n’est pas encore établie.")
        }
        (Language::English, Refusal::Owed { number, open }) => {
            format!("{open} of invoice {number} is not paid.")
        }
        (Language::French, Refusal::Owed { number, open }) => {
            format!("La facture {number} n’est pas payée : {open}.")
        }
        (Language::English, Refusal::PaymentOut { number, amount, .. }) => {
            format!("A payment of {amount} for invoice {number} is on its way.")
        }
        (Language::French, Refusal::PaymentOut { number, amount, .. }) => {
            format!("Un paiement de {amount} pour la facture {number} est en cours.")
        }
        (Language::English, Refusal::Dispute(amount)) => {
            format!("A dispute about {amount} is not decided.")
        }
        (Language::French, Refusal::Dispute(amount)) => {
            format!("Une contestation de {amount} n’est pas encore tranchée.")
        }
        (Language::English, Refusal::PurchaseOut(amount)) => {
            format!("A purchase of credit for {amount} is on its way.")
        }
        (Language::French, Refusal::PurchaseOut(amount)) => {
            format!("Un achat de crédit de {amount} est en cours.")
        }
        (Language::English, Refusal::RefundOut(amount)) => {
            format!("A refund of {amount} is on its way to you.")
        }
        (Language::French, Refusal::RefundOut(amount)) => {
            format!("Un remboursement de {amount} est en cours.")
        }
        (Language::English, Refusal::CreditOwed(amount)) => {
            format!("Your credit is below zero by {amount}.")
        }
        (Language::French, Refusal::CreditOwed(amount)) => {
            format!("Votre crédit est négatif de {amount}.")
        }
        (Language::English, Refusal::CreditLeft(amount)) => format!(
            "You have credit of {amount} left: have it refunded first, or tell us that you give it up."
        ),
        (Language::French, Refusal::CreditLeft(amount)) => format!(
            "Il vous reste un crédit de {amount} : demandez son remboursement, ou indiquez-nous que vous y \
             renoncez."
        ),
        (Language::English, Refusal::LateUsage(_)) => {
            "Some of your usage was reported late and is being looked at.".to_owned()
        }
        (Language::French, Refusal::LateUsage(_)) => {
            "Une partie de votre consommation a été signalée en retard et doit être vérifiée."
                .to_owned()
        }
    }
}

/// Something keeps the account from leaving. The reasons name invoices and amounts,
/// and whoever has the link is the customer.
fn refused(language: Language, reasons: Vec<String>) -> Content<'static> {
    let mut paragraphs = vec![
        pick(
            language,
            "Something changed since you asked, and your account cannot be deleted now. The link still \
             works: use it again once this is settled.",
            "Un élément a changé depuis votre demande : votre compte ne peut pas être supprimé maintenant. \
             Le lien reste valable : utilisez-le de nouveau une fois ces points réglés.",
        )
        .to_owned(),
    ];
    paragraphs.extend(reasons);
    Content {
        title: pick(
            language,
            "Your account cannot be deleted yet",
            "Votre compte ne peut pas encore être supprimé",
        ),
        paragraphs,
        links: Vec::new(),
        button: None,
    }
}

/// What keeps a link from being used.
pub(super) fn trouble(language: Language, error: &DeletionError) -> Trouble {
    match error {
        DeletionError::Link => Trouble::Link,
        DeletionError::Refused(reasons) => {
            let reasons = reasons.iter().map(|reason| said(language, reason));
            Trouble::Conflict(refused(language, reasons.collect()))
        }
        DeletionError::FinalInvoice(reason) => {
            tracing::warn!(%reason, "a final invoice is held back");
            let words = pick(
                language,
                "Your final invoice has to be looked at by a person first. Please write to us.",
                "Votre dernière facture doit d’abord être vérifiée par une personne. Merci de nous écrire.",
            );
            Trouble::Conflict(refused(language, vec![words.to_owned()]))
        }
        error => Trouble::Ours(error.to_string()),
    }
}
