//! The issuer of the demo.

use crate::domain::invoice::document::{Issuer, LegalTexts};

/// An issuer that does not exist; its numbers have right check digits.
#[must_use]
pub fn sample_issuer() -> Issuer {
    let text = str::to_owned;
    Issuer {
        name: text("Nuage Exemple SAS"),
        legal_form: text("SAS au capital de 120 000 EUR"),
        address_line1: text("12 rue des Forgerons"),
        postal_code: text("67000"),
        city: text("Strasbourg"),
        country: text("FR"),
        siren: text("404833048"),
        siret: text("40483304800022"),
        register: text("RCS Strasbourg"),
        vat_number: text("FR83404833048"),
        email: text("billing@nuage.example"),
        website: text("https://nuage.example"),
        texts_en: LegalTexts {
            payment_terms: text(
                "Payable on receipt; charged to your prepaid credit, direct debit or card on the issue date.",
            ),
            late_penalty: text(
                "Late payment bears interest at the European Central Bank's refinancing rate plus 10 points.",
            ),
            recovery_fee: text(
                "A fixed fee of 40 EUR for recovery costs is due on late payment (art. D441-5 Code de commerce).",
            ),
            early_payment: text("No discount for early payment."),
        },
        texts_fr: LegalTexts {
            payment_terms: text(
                "Payable à réception ; prélevé sur votre crédit prépayé, par prélèvement SEPA ou par carte à la \
                 date d’émission.",
            ),
            late_penalty: text(
                "Tout retard de paiement porte intérêt au taux de refinancement de la Banque centrale européenne \
                 majoré de 10 points.",
            ),
            recovery_fee: text(
                "Une indemnité forfaitaire de 40 EUR pour frais de recouvrement est due en cas de retard \
                 (art. D441-5 du Code de commerce).",
            ),
            early_payment: text("Pas d’escompte pour paiement anticipé."),
        },
    }
}
