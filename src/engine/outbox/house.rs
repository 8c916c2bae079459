//! What every letter of a house shares.

use crate::config::MailSettings;
use crate::domain::invoice::document::Issuer;
use crate::mail::wording::House;

/// What every letter of a house shares. Without `[mail]` its links lead to the
/// issuer's website: nobody is written to then, but letters can be looked at.
#[must_use]
pub fn house(issuer: &Issuer, settings: Option<&MailSettings>) -> House {
    let reply_to = settings.and_then(|settings| settings.sender.reply_to.as_ref());
    let contact = reply_to.map_or(issuer.email.clone(), |reply_to| reply_to.email.to_string());
    let product = settings.and_then(|settings| settings.product_name.clone());
    let place = format!("{} {}", issuer.postal_code, issuer.city);
    let imprint = [
        issuer.name.as_str(),
        &issuer.legal_form,
        &issuer.address_line1,
        &place,
        &issuer.register,
    ];
    let imprint: Vec<&str> = imprint
        .into_iter()
        .filter(|part| !part.is_empty())
        .collect();
    let link = |of: fn(&MailSettings) -> &String| {
        settings.map_or(issuer.website.clone(), |settings| of(settings).clone())
    };
    House {
        product: product.unwrap_or_else(|| issuer.name.clone()),
        contact,
        pay_url: link(|settings| &settings.pay_url),
        account_url: link(|settings| &settings.account_url),
        imprint: imprint.join(" · "),
    }
}
