//! An account on its way out, and what it pays by.

use chrono::NaiveDate;

use super::one_line;
use super::pen::Pen;
use crate::domain::calendar::PeriodKey;
use crate::domain::money::Money;
use crate::domain::notice::DeletionCause;
use crate::mail::letter::{Button, Content, Tone};
use crate::mail::occasion::{Link, LinkFacts};

/// A customer asked for its account to be deleted, and confirms it.
pub fn deletion_confirmation(pen: Pen<'_>, link: &LinkFacts) -> Content {
    let product = &pen.house.product;
    Content {
        subject: words!(
            pen,
            "Please confirm the deletion of your account with {product}",
            "Confirmez la suppression de votre compte {product}"
        ),
        tone: Tone::Urgent,
        opening: vec![
            words!(
                pen,
                "You asked us to delete your account. Please confirm it with the link below, which works once.",
                "Vous nous avez demandé de supprimer votre compte. Merci de le confirmer avec le lien ci-dessous, \
                 qui ne fonctionne qu’une fois."
            ),
            words!(
                pen,
                "Everything on your account will be deleted, and that cannot be undone. Your invoices are \
                 kept, as the law asks.",
                "Tout ce que contient votre compte sera supprimé définitivement. Vos factures sont \
                 conservées, comme la loi l’exige."
            ),
        ],
        facts: vec![pen.until(link)],
        button: Some(Button {
            label: pen
                .pick("Delete my account", "Supprimer mon compte")
                .to_owned(),
            url: link.link.0.clone(),
        }),
        closing: vec![words!(
            pen,
            "If that was not you, do nothing: nothing is deleted. Then please change your password.",
            "Si cette demande ne vient pas de vous, ne faites rien : rien ne sera supprimé. Changez alors \
             votre mot de passe."
        )],
    }
}

/// The deletion of an account has begun.
pub fn deletion_begun(pen: Pen<'_>, cause: DeletionCause, on: NaiveDate) -> Content {
    let product = &pen.house.product;
    let why = match cause {
        DeletionCause::Request => pen.pick(
            "You confirmed that your account is to be deleted.",
            "Vous avez confirmé la suppression de votre compte.",
        ),
        DeletionCause::Unpaid => pen.pick(
            "Your account was suspended, and what you owe was not paid in time.",
            "Votre compte était suspendu et ce que vous devez n’a pas été payé à temps.",
        ),
    };
    Content {
        subject: words!(
            pen,
            "The deletion of your account with {product} has begun",
            "La suppression de votre compte {product} a commencé"
        ),
        tone: Tone::Urgent,
        opening: vec![words!(
            pen,
            "{why} We are now deleting your apps, addons and all their data. We will write to you when it \
             is done.",
            "{why} Nous supprimons maintenant vos applications, vos addons et toutes leurs données. Nous \
             vous écrirons quand ce sera terminé."
        )],
        facts: vec![pen.fact("Begun on", "Commencée le", pen.date(on))],
        button: None,
        closing: vec![words!(
            pen,
            "Your invoices are kept, as the law asks.",
            "Vos factures sont conservées, comme la loi l’exige."
        )],
    }
}

/// An account is gone.
pub fn deleted(pen: Pen<'_>, cause: DeletionCause, on: NaiveDate) -> Content {
    let product = &pen.house.product;
    let owed = words!(
        pen,
        "What you owe is still to be paid.",
        "Ce que vous devez reste à payer."
    );
    Content {
        subject: words!(
            pen,
            "Your account with {product} is deleted",
            "Votre compte {product} est supprimé"
        ),
        tone: Tone::Neutral,
        opening: vec![
            words!(
                pen,
                "Your account is deleted, with your apps, addons and all their data.",
                "Votre compte est supprimé, avec vos applications, vos addons et toutes leurs données."
            ),
            words!(
                pen,
                "We keep your invoices, as the law asks.",
                "Nous conservons vos factures, comme la loi l’exige."
            ),
        ],
        facts: vec![pen.fact("Deleted on", "Supprimé le", pen.date(on))],
        button: None,
        closing: match cause {
            DeletionCause::Request => Vec::new(),
            DeletionCause::Unpaid => vec![owed],
        },
    }
}

/// A card that will not be good any more.
pub fn card_expiring(pen: Pen<'_>, label: &str, expires: PeriodKey) -> Content {
    let month = pen.month(expires);
    Content {
        subject: words!(
            pen,
            "Your card {label} expires at the end of {month}",
            "Votre carte {label} expire fin {month}"
        ),
        tone: Tone::Warning,
        opening: vec![words!(
            pen,
            "Your card {label}, which is on file for your invoices, expires at the end of {month}. Please add its \
             successor or another payment method before.",
            "Votre carte {label}, enregistrée pour régler vos factures, expire fin {month}. Merci d’ajouter d’ici \
             là la suivante ou un autre moyen de paiement."
        )],
        facts: vec![
            pen.fact("Card", "Carte", label),
            pen.fact("Good until", "Valable jusqu’à fin", &month),
        ],
        button: pen.manage("Add a payment method", "Ajouter un moyen de paiement"),
        closing: vec![words!(
            pen,
            "If you do nothing, the next payment may fail.",
            "Sans action de votre part, le prochain paiement risque d’échouer."
        )],
    }
}

/// A contact about health data is to be looked at again.
pub fn hds_review(pen: Pen<'_>, app: &str, on: NaiveDate) -> Content {
    let date = pen.date(on);
    Content {
        subject: words!(
            pen,
            "Is the health data contact of {app} still right?",
            "Le contact données de santé de {app} est-il toujours exact ?"
        ),
        tone: Tone::Neutral,
        opening: vec![words!(
            pen,
            "You named whom to turn to about the health data that {app} hosts on {date}. It has to be looked at again \
             every 12 months: please send us the contact again, even if nothing changed.",
            "Le {date}, vous avez indiqué le contact pour les données de santé hébergées par {app}. Il doit être revu \
             tous les 12 mois : merci de nous le transmettre de nouveau, même si rien n’a changé."
        )],
        facts: vec![
            pen.fact("App", "Application", app),
            pen.fact("Given on", "Indiqué le", date.clone()),
        ],
        button: pen.manage("Open my account", "Ouvrir mon compte"),
        closing: vec![words!(
            pen,
            "Whoever hosts health data has to be able to reach somebody about it at any time.",
            "L’hébergeur de données de santé doit pouvoir joindre à tout moment la personne responsable."
        )],
    }
}

/// A part of what the customer means to spend in a month is used up.
pub fn budget_reached(
    pen: Pen<'_>,
    period: PeriodKey,
    percent: i16,
    spent: Money,
    budget: Money,
) -> Content {
    let (month, so_far, amount) = (pen.month(period), pen.amount(spent), pen.amount(budget));
    let opening = if percent < 100 {
        words!(
            pen,
            "What you used in {month} comes to {so_far} so far: {percent}% of the budget of {amount} that you set is \
             used up.",
            "Votre consommation de {month} s’élève à {so_far} à ce jour : {percent}\u{a0}% du budget de {amount} que vous \
             avez fixé sont consommés."
        )
    } else {
        words!(
            pen,
            "What you used in {month} comes to {so_far} so far: the budget of {amount} that you set is used up.",
            "Votre consommation de {month} s’élève à {so_far} à ce jour : le budget de {amount} que vous avez fixé est \
             épuisé."
        )
    };
    Content {
        subject: words!(
            pen,
            "{percent}% of your budget for {month} is used",
            "{percent}\u{a0}% de votre budget pour {month} est consommé"
        ),
        tone: if percent < 100 {
            Tone::Neutral
        } else {
            Tone::Warning
        },
        opening: vec![opening],
        facts: vec![
            pen.fact("Budget", "Budget", amount),
            pen.fact("So far, with VAT", "À ce jour, TVA comprise", so_far),
        ],
        button: pen.manage("Look at my usage", "Voir ma consommation"),
        closing: vec![words!(
            pen,
            "Nothing is stopped by that. You are told once for each of 50%, 80% and 100% of a month’s budget.",
            "Rien n’est interrompu pour autant. Vous êtes averti une fois à 50, 80 et 100\u{a0}% du budget du mois."
        )],
    }
}

/// Somebody is invited to look at the invoices of a customer.
pub fn accountant_invited(pen: Pen<'_>, customer: &str, link: &Link, on: NaiveDate) -> Content {
    let (customer, product) = (one_line(customer), &pen.house.product);
    Content {
        subject: words!(
            pen,
            "{customer} shares its {product} invoices with you",
            "{customer} partage ses factures {product} avec vous"
        ),
        tone: Tone::Neutral,
        opening: vec![words!(
            pen,
            "{customer} invites you to look at its invoices and to download them, without an account of your own. The \
             link below shows them whenever you open it, new ones included: please keep it, and pass it on to nobody.",
            "{customer} vous invite à consulter et à télécharger ses factures, sans compte de votre part. Le lien \
             ci-dessous les affiche à chaque ouverture, y compris les nouvelles : conservez-le et ne le transmettez à \
             personne."
        )],
        facts: vec![
            pen.fact("Invited by", "Invité par", customer.clone()),
            pen.fact("Invited on", "Invité le", pen.date(on)),
        ],
        button: Some(Button {
            label: pen
                .pick("Look at the invoices", "Voir les factures")
                .to_owned(),
            url: link.0.clone(),
        }),
        closing: vec![words!(
            pen,
            "The link shows invoices and nothing else. It works until {customer} takes it back.",
            "Le lien ne montre que les factures. Il fonctionne jusqu’à ce que {customer} le retire."
        )],
    }
}
