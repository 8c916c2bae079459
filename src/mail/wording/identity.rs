//! What a customer signs in with.

use super::pen::Pen;
use crate::mail::letter::{Button, Content, Tone};
use crate::mail::occasion::{LinkFacts, Moment};

/// Nobody is let in any more: the password was wrong too often.
pub fn login_locked(pen: Pen<'_>, link: &LinkFacts) -> Content {
    let product = &pen.house.product;
    Content {
        subject: words!(
            pen,
            "Your account with {product} is locked",
            "Votre compte {product} est verrouillé"
        ),
        tone: Tone::Urgent,
        opening: vec![words!(
            pen,
            "Somebody tried to sign in to your account with a wrong password or code ten times in a row. To protect it, \
             nobody can sign in with a password now, until you unlock it with the link below, which works once.",
            "Dix tentatives de connexion à votre compte ont échoué de suite à cause d’un mot de passe ou d’un code incorrect. Pour le \
             protéger, plus personne ne peut se connecter avec un mot de passe, jusqu’à ce que vous le \
             déverrouilliez avec le lien ci-dessous, qui ne fonctionne qu’une fois."
        )],
        facts: vec![pen.until(link)],
        button: Some(Button {
            label: pen
                .pick("Unlock my account", "Déverrouiller mon compte")
                .to_owned(),
            url: link.link.0.clone(),
        }),
        closing: vec![words!(
            pen,
            "Your apps go on running, and your API tokens still work. If the link has run out, ask for a new password: \
             that unlocks your account as well.",
            "Vos applications continuent de tourner et vos jetons d’API fonctionnent toujours. Si le lien a expiré, \
             demandez un nouveau mot de passe : cela déverrouille aussi votre compte."
        )],
    }
}

/// Somebody says that the password is forgotten.
pub fn password_reset(pen: Pen<'_>, link: &LinkFacts) -> Content {
    let product = &pen.house.product;
    Content {
        subject: words!(
            pen,
            "Choose a new password for {product}",
            "Choisissez un nouveau mot de passe {product}"
        ),
        tone: Tone::Neutral,
        opening: vec![words!(
            pen,
            "You asked for a new password. Please choose it with the link below, which works once.",
            "Vous avez demandé un nouveau mot de passe. Choisissez-le avec le lien ci-dessous, qui ne fonctionne \
             qu’une fois."
        )],
        facts: vec![pen.until(link)],
        button: Some(Button {
            label: pen
                .pick("Choose a password", "Choisir un mot de passe")
                .to_owned(),
            url: link.link.0.clone(),
        }),
        closing: vec![words!(
            pen,
            "If that was not you, do nothing: your password stays as it is.",
            "Si cette demande ne vient pas de vous, ne faites rien : votre mot de passe reste inchangé."
        )],
    }
}

/// The password is another.
pub fn password_changed(pen: Pen<'_>, at: &Moment) -> Content {
    let product = &pen.house.product;
    let contact = &pen.house.contact;
    Content {
        subject: words!(
            pen,
            "Your password for {product} was changed",
            "Votre mot de passe {product} a été modifié"
        ),
        tone: Tone::Neutral,
        opening: vec![words!(
            pen,
            "The password of your account was changed. Whoever was signed in has to sign in again; your API tokens \
             still work.",
            "Le mot de passe de votre compte a été modifié. Toutes les sessions ouvertes ont été fermées ; vos jetons \
             d’API fonctionnent toujours."
        )],
        facts: vec![pen.fact("Changed on", "Modifié le", pen.moment(at))],
        button: None,
        closing: vec![words!(
            pen,
            "If that was not you, ask for a new password at once and write to {contact}.",
            "Si ce n’est pas vous, demandez immédiatement un nouveau mot de passe et écrivez à {contact}."
        )],
    }
}

/// Whoever reads this confirms that the address is its own.
pub fn email_confirmation(pen: Pen<'_>, link: &LinkFacts, email: &str) -> Content {
    let product = &pen.house.product;
    Content {
        subject: words!(
            pen,
            "Please confirm your email address for {product}",
            "Confirmez votre adresse e-mail {product}"
        ),
        tone: Tone::Neutral,
        opening: vec![words!(
            pen,
            "{email} is to be the address of your account. Please confirm it with the link below, which works once. \
             Until then, everything goes to the address before.",
            "{email} doit devenir l’adresse de votre compte. Merci de la confirmer avec le lien ci-dessous, qui ne \
             fonctionne qu’une fois. D’ici là, tout est envoyé à l’adresse actuelle."
        )],
        facts: vec![pen.until(link)],
        button: Some(Button {
            label: pen
                .pick("Confirm the address", "Confirmer l’adresse")
                .to_owned(),
            url: link.link.0.clone(),
        }),
        closing: vec![words!(
            pen,
            "If that was not you, do nothing: no address is changed.",
            "Si cette demande ne vient pas de vous, ne faites rien : aucune adresse ne sera modifiée."
        )],
    }
}

/// The address of an account is to be another.
pub fn email_change_asked(pen: Pen<'_>, email: &str, at: &Moment) -> Content {
    let product = &pen.house.product;
    let contact = &pen.house.contact;
    Content {
        subject: words!(
            pen,
            "The email address of your account with {product} is to change",
            "L’adresse e-mail de votre compte {product} va changer"
        ),
        tone: Tone::Neutral,
        opening: vec![words!(
            pen,
            "You asked us to use another address for your account. It changes once the link that we sent there is \
             used.",
            "Vous nous avez demandé d’utiliser une autre adresse pour votre compte. Elle changera dès que le lien que \
             nous y avons envoyé sera utilisé."
        )],
        facts: vec![
            pen.fact("New address", "Nouvelle adresse", email),
            pen.fact("Asked on", "Demandé le", pen.moment(at)),
        ],
        button: None,
        closing: vec![words!(
            pen,
            "If that was not you, change your password at once and write to {contact}.",
            "Si ce n’est pas vous, changez immédiatement votre mot de passe et écrivez à {contact}."
        )],
    }
}

/// The address of an account is another.
pub fn email_changed(pen: Pen<'_>, email: &str, at: &Moment) -> Content {
    let product = &pen.house.product;
    let contact = &pen.house.contact;
    Content {
        subject: words!(
            pen,
            "The email address of your account with {product} was changed",
            "L’adresse e-mail de votre compte {product} a été modifiée"
        ),
        tone: Tone::Neutral,
        opening: vec![words!(
            pen,
            "Your account has another address now: this is the last message to this one.",
            "Votre compte a maintenant une autre adresse : ceci est le dernier message envoyé à celle-ci."
        )],
        facts: vec![
            pen.fact("New address", "Nouvelle adresse", email),
            pen.fact("Changed on", "Modifiée le", pen.moment(at)),
        ],
        button: None,
        closing: vec![words!(
            pen,
            "If that was not you, write to {contact} at once.",
            "Si ce n’est pas vous, écrivez immédiatement à {contact}."
        )],
    }
}

/// Signing in asks for a code from now on.
pub fn tfa_enabled(pen: Pen<'_>, at: &Moment) -> Content {
    let product = &pen.house.product;
    let contact = &pen.house.contact;
    Content {
        subject: words!(
            pen,
            "Two-factor authentication is on for your account with {product}",
            "L’authentification à deux facteurs est activée pour votre compte {product}"
        ),
        tone: Tone::Neutral,
        opening: vec![words!(
            pen,
            "From now on, signing in to your account asks for a code of your phone beside the password. Keep your \
             recovery codes in a safe place: each of them lets you in once if you lose the phone.",
            "Désormais, la connexion à votre compte demande, en plus du mot de passe, un code affiché par votre \
             téléphone. Conservez vos codes de secours en lieu sûr : chacun permet de vous connecter une fois si \
             vous perdez le téléphone."
        )],
        facts: vec![pen.fact("Turned on", "Activée le", pen.moment(at))],
        button: None,
        closing: vec![words!(
            pen,
            "If that was not you, write to {contact} at once.",
            "Si ce n’est pas vous, écrivez immédiatement à {contact}."
        )],
    }
}

/// Signing in asks for the password alone again.
pub fn tfa_disabled(pen: Pen<'_>, at: &Moment) -> Content {
    let product = &pen.house.product;
    let contact = &pen.house.contact;
    Content {
        subject: words!(
            pen,
            "Two-factor authentication is off for your account with {product}",
            "L’authentification à deux facteurs est désactivée pour votre compte {product}"
        ),
        tone: Tone::Urgent,
        opening: vec![words!(
            pen,
            "Signing in to your account asks for the password alone again. Your recovery codes work no more.",
            "La connexion à votre compte ne demande plus que le mot de passe. Vos codes de secours ne fonctionnent \
             plus."
        )],
        facts: vec![pen.fact("Turned off", "Désactivée le", pen.moment(at))],
        button: None,
        closing: vec![words!(
            pen,
            "If that was not you, ask for a new password at once and write to {contact}.",
            "Si ce n’est pas vous, demandez immédiatement un nouveau mot de passe et écrivez à {contact}."
        )],
    }
}

/// Somebody signed up with the address of an account that is there.
pub fn email_in_use(pen: Pen<'_>, at: &Moment) -> Content {
    let product = &pen.house.product;
    Content {
        subject: words!(
            pen,
            "You have an account with {product} already",
            "Vous avez déjà un compte {product}"
        ),
        tone: Tone::Neutral,
        opening: vec![words!(
            pen,
            "Somebody signed up with your address, which has an account already. If that was you, sign in to it, or \
             ask for a new password.",
            "Quelqu’un s’est inscrit avec votre adresse, qui a déjà un compte. Si c’est vous, connectez-vous à ce \
             compte ou demandez un nouveau mot de passe."
        )],
        facts: vec![pen.fact("Asked on", "Demandé le", pen.moment(at))],
        button: None,
        closing: vec![words!(
            pen,
            "If that was not you, do nothing: your account stays as it is, and nobody else gets your address.",
            "Si ce n’est pas vous, ne faites rien : votre compte reste inchangé et personne d’autre n’obtiendra votre \
             adresse."
        )],
    }
}
