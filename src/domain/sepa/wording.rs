//! The text that a debtor signs.
//!
//! Sources: in English the rulebooks of the two schemes (EPC016-06 and EPC222-07,
//! section 4.7.2, "The Mandate"; EPC392-08 shows its look). In French, for Core,
//! the translation that creditors' forms have of it; for B2B the words of the
//! French banks' form, as the public treasury (DGFiP) has debtors sign it, which
//! leaves the rulebook's last sentence away: that one is our translation. The
//! notice of the days between telling and debiting is ours too: they are 14 unless
//! another number is agreed (section 4.3).

use super::iban::Iban;
use super::message::Scheme;
use crate::domain::account::Language;

/// What a mandate says beside the words that all have.
#[derive(Debug, Clone, Copy)]
pub struct MandateForm<'a> {
    /// The unique mandate reference.
    pub reference: &'a str,
    pub scheme: Scheme,
    pub creditor_name: &'a str,
    pub creditor_id: &'a str,
    /// On one line.
    pub creditor_address: &'a str,
    pub debtor_name: &'a str,
    /// Shown masked: the text is stored, and the number is not to be read there.
    pub debtor_iban: &'a Iban,
    /// Calendar days between telling a debtor and debiting, which the debtor
    /// agrees to where it is less than 14.
    pub prenotification_days: u32,
}

impl MandateForm<'_> {
    /// The text as it is shown, signed and kept.
    #[must_use]
    pub fn text(&self, language: Language) -> String {
        let words = match language {
            Language::English => &ENGLISH,
            Language::French => &FRENCH,
        };
        let (title, paragraphs) = match self.scheme {
            Scheme::Core => (words.core_title, words.core),
            Scheme::B2b => (words.b2b_title, words.b2b),
        };
        let days = self.prenotification_days.to_string();
        let iban = self.debtor_iban.to_string();
        let lines = [
            (words.reference, self.reference),
            (words.creditor, self.creditor_name),
            (words.creditor_id, self.creditor_id),
            (words.creditor_address, self.creditor_address),
            (words.debtor, self.debtor_name),
            (words.iban, &iban),
            (words.payment, words.recurrent),
        ];
        let mut text = format!("{title}\n\n");
        for (name, value) in lines {
            text.push_str(&format!("{name}{}{value}\n", words.colon));
        }
        for paragraph in paragraphs.iter().chain([&words.notice]) {
            let paragraph = paragraph
                .replace("{creditor}", self.creditor_name)
                .replace("{days}", &days);
            text.push_str(&format!("\n{paragraph}\n"));
        }
        text
    }
}

struct Words {
    core_title: &'static str,
    b2b_title: &'static str,
    /// Between a name and its value.
    colon: &'static str,
    reference: &'static str,
    creditor: &'static str,
    creditor_id: &'static str,
    creditor_address: &'static str,
    debtor: &'static str,
    iban: &'static str,
    payment: &'static str,
    recurrent: &'static str,
    core: [&'static str; 3],
    b2b: [&'static str; 3],
    notice: &'static str,
}

const ENGLISH: Words = Words {
    core_title: "SEPA Direct Debit Mandate",
    b2b_title: "SEPA Business-to-Business Direct Debit Mandate",
    colon: ": ",
    reference: "Mandate reference",
    creditor: "Creditor",
    creditor_id: "Creditor identifier",
    creditor_address: "Creditor's address",
    debtor: "Debtor",
    iban: "Account number (IBAN)",
    payment: "Type of payment",
    recurrent: "recurrent",
    core: [
        "By signing this mandate form, you authorise (A) {creditor} to send instructions to your bank to debit \
         your account and (B) your bank to debit your account in accordance with the instructions from {creditor}.",
        "As part of your rights, you are entitled to a refund from your bank under the terms and conditions of \
         your agreement with your bank. A refund must be claimed within 8 weeks starting from the date on which \
         your account was debited.",
        "Your rights are explained in a statement that you can obtain from your bank.",
    ],
    b2b: [
        "By signing this mandate form, you authorise (A) {creditor} to send instructions to your bank to debit \
         your account and (B) your bank to debit your account in accordance with the instructions from {creditor}.",
        "This mandate is only intended for business-to-business transactions. You are not entitled to a refund \
         from your bank after your account has been debited, but you are entitled to request your bank not to \
         debit your account up until the day on which the payment is due.",
        "Please contact your bank for detailed procedures in such a case.",
    ],
    notice: "You are told the amount and the date of every debit at least {days} calendar days before.",
};

const FRENCH: Words = Words {
    core_title: "Mandat de prélèvement SEPA",
    b2b_title: "Mandat de prélèvement SEPA interentreprises",
    colon: " : ",
    reference: "Référence unique du mandat",
    creditor: "Créancier",
    creditor_id: "Identifiant créancier SEPA",
    creditor_address: "Adresse du créancier",
    debtor: "Débiteur",
    iban: "Numéro de compte (IBAN)",
    payment: "Type de paiement",
    recurrent: "récurrent",
    core: [
        "En signant ce formulaire de mandat, vous autorisez (A) {creditor} à envoyer des instructions à votre \
         banque pour débiter votre compte, et (B) votre banque à débiter votre compte conformément aux \
         instructions de {creditor}.",
        "Vous bénéficiez d’un droit à remboursement par votre banque selon les conditions décrites dans la \
         convention que vous avez passée avec elle. Toute demande de remboursement doit être présentée dans les \
         8 semaines suivant la date de débit de votre compte.",
        "Vos droits concernant le présent mandat sont expliqués dans un document que vous pouvez obtenir auprès \
         de votre banque.",
    ],
    b2b: [
        "En signant ce formulaire de mandat, vous autorisez (A) {creditor} à envoyer des instructions à votre \
         banque pour débiter votre compte, et (B) votre banque à débiter votre compte conformément aux \
         instructions de {creditor}.",
        "Ce mandat est dédié aux prélèvements SEPA interentreprises. Vous n’êtes pas en droit de demander à votre \
         banque le remboursement d’un prélèvement SEPA interentreprises une fois que le montant est débité de votre \
         compte. Vous pouvez cependant demander à votre banque de ne pas débiter votre compte jusqu’au jour de \
         l’échéance.",
        "Veuillez contacter votre banque pour connaître la procédure à suivre dans ce cas.",
    ],
    notice: "Le montant et la date de chaque prélèvement vous sont annoncés au moins {days} jours calendaires à \
             l’avance.",
};

#[cfg(test)]
mod tests {
    use super::*;

    fn text(scheme: Scheme, language: Language) -> String {
        MandateForm {
            reference: "Q-7-1",
            scheme,
            creditor_name: "Nuage Exemple SAS",
            creditor_id: "FR72ZZZ123456",
            creditor_address: "12 rue des Forgerons, 67000 Strasbourg, FR",
            debtor_name: "Ada Lovelace",
            debtor_iban: &"DE89370400440532013000".parse().unwrap(),
            prenotification_days: 5,
        }
        .text(language)
    }

    #[test]
    fn says_who_takes_what_and_which_rights_the_debtor_has() {
        // (scheme, language, what it says, what it must not say)
        let table = [
            (
                Scheme::Core,
                Language::English,
                "within 8 weeks",
                "business-to-business",
            ),
            (
                Scheme::Core,
                Language::French,
                "8 semaines",
                "interentreprises",
            ),
            (
                Scheme::B2b,
                Language::English,
                "not entitled to a refund",
                "8 weeks",
            ),
            (
                Scheme::B2b,
                Language::French,
                "pas en droit de demander",
                "8 semaines",
            ),
        ];
        for (scheme, language, said, unsaid) in table {
            let text = text(scheme, language);
            for part in [
                "Q-7-1",
                "(A) Nuage Exemple SAS",
                "FR72ZZZ123456",
                "12 rue des Forgerons, 67000 Strasbourg, FR",
                "Ada Lovelace",
                "DE…3000",
                " 5 ",
                said,
            ] {
                assert!(text.contains(part), "{part}: {text}");
            }
            for part in [unsaid, "{", "}", "89370400440532013000", "  "] {
                assert!(!text.contains(part), "{part}: {text}");
            }
        }
    }

    #[test]
    fn reads_as_a_form() {
        let text = text(Scheme::Core, Language::English);
        let head =
            "SEPA Direct Debit Mandate\n\nMandate reference: Q-7-1\nCreditor: Nuage Exemple SAS\n";
        assert!(text.starts_with(head), "{text}");
        assert!(
            text.contains("\nType of payment: recurrent\n\nBy signing"),
            "{text}"
        );
    }
}
