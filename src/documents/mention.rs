//! What the law wants said where an invoice charges no VAT, or another
//! country's.

use super::wording::{country_name, pick};
use crate::domain::invoice::document::Document;
use crate::domain::tax::{VatCategory, VatGroup};

/// Why a VAT group is taxed as it is.
pub struct Mention {
    /// The code of the reason (CEF code list VATEX); `None` where a text alone
    /// says it.
    pub code: Option<&'static str>,
    pub text: String,
}

/// The mention of a group; `None` for VAT of the issuer's own country.
pub fn mention(document: &Document, group: &VatGroup) -> Option<Mention> {
    let language = document.language;
    let french = document.issuer.country == "FR";
    let (code, en, fr) = match group.category {
        VatCategory::Standard => return one_stop_shop(document),
        VatCategory::ReverseCharge if french => (
            Some("VATEX-EU-AE"),
            "Reverse charge: VAT is due by the customer (art. 196 of Directive 2006/112/EC, art. 283-2 CGI).",
            "Autoliquidation : TVA due par le preneur (art. 196 de la directive 2006/112/CE, art. 283-2 du CGI).",
        ),
        VatCategory::ReverseCharge => (
            Some("VATEX-EU-AE"),
            "Reverse charge: VAT is due by the customer (art. 196 of Directive 2006/112/EC).",
            "Autoliquidation : TVA due par le preneur (art. 196 de la directive 2006/112/CE).",
        ),
        VatCategory::Exempt => (
            None,
            "VAT does not apply (art. 294 CGI).",
            "TVA non applicable (art. 294 du CGI).",
        ),
        VatCategory::Export => (
            Some("VATEX-EU-G"),
            "Export outside the EU: exempt from VAT (art. 146 of Directive 2006/112/EC).",
            "Exportation hors UE : exonérée de TVA (art. 146 de la directive 2006/112/CE).",
        ),
        VatCategory::OutOfScope if french => (
            Some("VATEX-EU-O"),
            "Not subject to French VAT: the customer is outside the EU (art. 259 CGI).",
            "Non soumis à la TVA française : preneur établi hors de l’UE (art. 259 du CGI).",
        ),
        VatCategory::OutOfScope => (
            Some("VATEX-EU-O"),
            "Not subject to VAT: the customer is outside the EU (art. 44 and 59 of Directive 2006/112/EC).",
            "Non soumis à la TVA : preneur établi hors de l’UE (art. 44 et 59 de la directive 2006/112/CE).",
        ),
    };
    Some(Mention {
        code,
        text: pick(language, en, fr).to_owned(),
    })
}

/// VAT of the customer's country, declared through the One Stop Shop
/// (directive 2006/112/EC art. 369a and following). Overseas departments with
/// codes of their own are domestic.
fn one_stop_shop(document: &Document) -> Option<Mention> {
    let country = document.customer.country;
    if country.code() == document.issuer.country || !country.is_member_state() {
        return None;
    }
    let name = country_name(country, document.language);
    let text = match document.language {
        crate::domain::account::Language::English => {
            format!("VAT of the customer's country ({name}), One Stop Shop.")
        }
        crate::domain::account::Language::French => {
            format!("TVA du pays du client ({name}), guichet unique OSS.")
        }
    };
    Some(Mention { code: None, text })
}
