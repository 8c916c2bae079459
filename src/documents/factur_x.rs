//! The invoice as UN/CEFACT CII XML: Factur-X 1.0, profile EN 16931, with the
//! notes that France asks for (BR-FR-05). The order of the elements is the
//! schema's.

use std::io;

use chrono::NaiveDate;
use rust_decimal::Decimal;

use super::DocumentError;
use super::mention::{Mention, mention};
use super::wording::{line_detail, line_title};
use crate::domain::account::BillingProfile;
use crate::domain::calendar::PeriodKey;
use crate::domain::invoice::document::{Document, DocumentLine, Issuer};
use crate::domain::money::Currency;
use crate::domain::tax::{VatCategory, VatGroup};
use crate::xml::Xml;

const NAMESPACES: [(&str, &str); 3] = [
    (
        "xmlns:rsm",
        "urn:un:unece:uncefact:data:standard:CrossIndustryInvoice:100",
    ),
    (
        "xmlns:ram",
        "urn:un:unece:uncefact:data:standard:ReusableAggregateBusinessInformationEntity:100",
    ),
    (
        "xmlns:udt",
        "urn:un:unece:uncefact:data:standard:UnqualifiedDataType:100",
    ),
];
const PROFILE: &str = "urn:cen.eu:en16931:2017";
/// An invoice for services (BR-FR-08).
const BUSINESS_PROCESS: &str = "S1";
/// Commercial invoice (UNTDID 1001).
const INVOICE_TYPE: &str = "380";
/// How it is paid is settled after the issue (UNTDID 4461).
const PAYMENT_MEANS_NOT_DEFINED: &str = "1";
/// UN/ECE Recommendation 20.
const MINUTE: &str = "MIN";
const PIECE: &str = "C62";
/// A price per minute has up to 10 decimals and BT-146 at most 6
/// (BR-FR-DEC-03), so it is given for this many minutes: the same price, exact.
const PRICE_BASE_MINUTES: u32 = 10_000;
/// SIREN, as a legal registration (ISO/IEC 6523).
const SIREN_SCHEME: &str = "0002";
/// SIREN, as an electronic address in France.
const FRENCH_ADDRESS_SCHEME: &str = "0225";
const EMAIL_SCHEME: &str = "EM";

/// Writes an invoice as Factur-X XML.
///
/// # Errors
/// When the invoice has not exactly one VAT group.
pub fn factur_x(document: &Document) -> Result<Vec<u8>, DocumentError> {
    let [group] = document.vat.as_slice() else {
        return Err(DocumentError::VatGroups(document.vat.len()));
    };
    let mut xml = Xml::new(8_192 + document.lines.len() * 1_100)?;
    xml.within_with("rsm:CrossIndustryInvoice", &NAMESPACES, |xml| {
        context(xml)?;
        head(xml, document)?;
        xml.within("rsm:SupplyChainTradeTransaction", |xml| {
            for (index, line) in document.lines.iter().enumerate() {
                trade_line(xml, document, group, index + 1, line)?;
            }
            agreement(xml, document, group)?;
            xml.within("ram:ApplicableHeaderTradeDelivery", |xml| {
                xml.within("ram:ActualDeliverySupplyChainEvent", |xml| {
                    date(xml, "ram:OccurrenceDateTime", document.last_day)
                })
            })?;
            settlement(xml, document, group)
        })
    })?;
    Ok(xml.finish())
}

fn context(xml: &mut Xml) -> io::Result<()> {
    xml.within("rsm:ExchangedDocumentContext", |xml| {
        xml.within(
            "ram:BusinessProcessSpecifiedDocumentContextParameter",
            |xml| xml.text("ram:ID", BUSINESS_PROCESS),
        )?;
        xml.within("ram:GuidelineSpecifiedDocumentContextParameter", |xml| {
            xml.text("ram:ID", PROFILE)
        })
    })
}

fn head(xml: &mut Xml, document: &Document) -> io::Result<()> {
    let texts = document.issuer.texts(document.language);
    let notes = [
        ("PMT", &texts.recovery_fee),
        ("PMD", &texts.late_penalty),
        ("AAB", &texts.early_payment),
        ("REG", &document.issuer.legal_form),
        ("AAI", &document.customer.invoice_note),
    ];
    xml.within("rsm:ExchangedDocument", |xml| {
        xml.text("ram:ID", &document.number)?;
        xml.text("ram:TypeCode", INVOICE_TYPE)?;
        date(xml, "ram:IssueDateTime", document.issued_on)?;
        for (code, text) in notes {
            if text.trim().is_empty() {
                continue;
            }
            xml.within("ram:IncludedNote", |xml| {
                xml.text("ram:Content", text)?;
                xml.text("ram:SubjectCode", code)
            })?;
        }
        Ok(())
    })
}

fn trade_line(
    xml: &mut Xml,
    document: &Document,
    group: &VatGroup,
    no: usize,
    line: &DocumentLine,
) -> io::Result<()> {
    // An allowance is one piece taken off: a price is never negative (BR-27).
    let (quantity, unit, price, per) = match &line.usage {
        Some(usage) => {
            let price = usage.unit_price * Decimal::from(PRICE_BASE_MINUTES);
            (usage.minutes, MINUTE, price.normalize(), PRICE_BASE_MINUTES)
        }
        None => (-1, PIECE, major(-line.amount_minor, document.currency), 1),
    };
    xml.within("ram:IncludedSupplyChainTradeLineItem", |xml| {
        xml.within("ram:AssociatedDocumentLineDocument", |xml| {
            xml.text("ram:LineID", &no.to_string())
        })?;
        xml.within("ram:SpecifiedTradeProduct", |xml| {
            xml.text("ram:Name", &line_title(line, document.language))?;
            let detail = line_detail(line, document.period, document.language);
            xml.optional_text("ram:Description", &detail)
        })?;
        xml.within("ram:SpecifiedLineTradeAgreement", |xml| {
            xml.within("ram:NetPriceProductTradePrice", |xml| {
                xml.text("ram:ChargeAmount", &price.to_string())?;
                xml.text_with("ram:BasisQuantity", &[("unitCode", unit)], &per.to_string())
            })
        })?;
        xml.within("ram:SpecifiedLineTradeDelivery", |xml| {
            xml.text_with(
                "ram:BilledQuantity",
                &[("unitCode", unit)],
                &quantity.to_string(),
            )
        })?;
        xml.within("ram:SpecifiedLineTradeSettlement", |xml| {
            xml.within("ram:ApplicableTradeTax", |xml| {
                xml.text("ram:TypeCode", "VAT")?;
                xml.text("ram:CategoryCode", group.category.code())?;
                rate(xml, group)
            })?;
            if line.period != document.period {
                line_period(xml, line.period)?;
            }
            xml.within("ram:SpecifiedTradeSettlementLineMonetarySummation", |xml| {
                money(
                    xml,
                    "ram:LineTotalAmount",
                    line.amount_minor,
                    document.currency,
                )
            })
        })
    })
}

/// The month of late usage (BG-26): its dates lie in the line, not the invoice.
fn line_period(xml: &mut Xml, period: PeriodKey) -> io::Result<()> {
    let first = NaiveDate::from_ymd_opt(period.year(), period.month(), 1);
    let next = period
        .next()
        .and_then(|next| NaiveDate::from_ymd_opt(next.year(), next.month(), 1));
    let (Some(first), Some(last)) = (first, next.and_then(|day| day.pred_opt())) else {
        return Ok(());
    };
    billing_period(xml, first, last)
}

fn agreement(xml: &mut Xml, document: &Document, group: &VatGroup) -> io::Result<()> {
    // Category O forbids the VAT numbers of both sides (BR-O-02).
    let with_vat_numbers = group.category != VatCategory::OutOfScope;
    xml.within("ram:ApplicableHeaderTradeAgreement", |xml| {
        xml.text("ram:BuyerReference", &document.customer.account)?;
        seller(xml, &document.issuer, with_vat_numbers)?;
        buyer(xml, &document.customer, with_vat_numbers)
    })
}

fn seller(xml: &mut Xml, issuer: &Issuer, with_vat_number: bool) -> io::Result<()> {
    let french = issuer.country == "FR";
    xml.within("ram:SellerTradeParty", |xml| {
        if french && !issuer.siret.is_empty() {
            xml.text_with("ram:GlobalID", &[("schemeID", "0009")], &issuer.siret)?;
        }
        xml.text("ram:Name", &issuer.name)?;
        xml.within("ram:SpecifiedLegalOrganization", |xml| {
            if french {
                xml.text_with("ram:ID", &[("schemeID", SIREN_SCHEME)], &issuer.siren)
            } else {
                xml.text("ram:ID", &issuer.siren)
            }
        })?;
        address(
            xml,
            &Address {
                postal_code: &issuer.postal_code,
                lines: [&issuer.address_line1, ""],
                city: &issuer.city,
                country: &issuer.country,
                state: "",
            },
        )?;
        let electronic = if french {
            (FRENCH_ADDRESS_SCHEME, issuer.siren.as_str())
        } else {
            (EMAIL_SCHEME, issuer.email.as_str())
        };
        electronic_address(xml, electronic)?;
        vat_number(xml, with_vat_number, &issuer.vat_number)
    })
}

fn buyer(xml: &mut Xml, customer: &BillingProfile, with_vat_number: bool) -> io::Result<()> {
    let siren = french_siren(customer);
    xml.within("ram:BuyerTradeParty", |xml| {
        xml.text("ram:Name", customer.legal_name())?;
        if let Some(siren) = &siren {
            xml.within("ram:SpecifiedLegalOrganization", |xml| {
                xml.text_with("ram:ID", &[("schemeID", SIREN_SCHEME)], siren)
            })?;
        }
        address(
            xml,
            &Address {
                postal_code: &customer.postal_code,
                lines: [&customer.address_line1, &customer.address_line2],
                city: &customer.city,
                country: customer.country.code(),
                state: &customer.state,
            },
        )?;
        match &siren {
            Some(siren) => electronic_address(xml, (FRENCH_ADDRESS_SCHEME, siren))?,
            None => electronic_address(xml, (EMAIL_SCHEME, &customer.email))?,
        }
        vat_number(xml, with_vat_number, &compact(&customer.vat_number))
    })
}

/// The SIREN of a French company: the last nine digits of its VAT number.
fn french_siren(customer: &BillingProfile) -> Option<String> {
    let number = compact(&customer.vat_number);
    let siren = number.strip_prefix("FR")?.get(2..)?;
    let digits = siren.len() == 9 && siren.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| siren.to_owned())
}

fn compact(vat_number: &str) -> String {
    vat_number
        .chars()
        .filter(|c| c.is_ascii_alphanumeric())
        .map(|c| c.to_ascii_uppercase())
        .collect()
}

/// What is empty of it is left out.
struct Address<'a> {
    postal_code: &'a str,
    lines: [&'a str; 2],
    city: &'a str,
    country: &'a str,
    state: &'a str,
}

fn address(xml: &mut Xml, address: &Address<'_>) -> io::Result<()> {
    let [line1, line2] = address.lines;
    xml.within("ram:PostalTradeAddress", |xml| {
        xml.optional_text("ram:PostcodeCode", address.postal_code)?;
        xml.optional_text("ram:LineOne", line1)?;
        xml.optional_text("ram:LineTwo", line2)?;
        xml.optional_text("ram:CityName", address.city)?;
        xml.text("ram:CountryID", address.country)?;
        xml.optional_text("ram:CountrySubDivisionName", address.state)
    })
}

fn electronic_address(xml: &mut Xml, (scheme, address): (&str, &str)) -> io::Result<()> {
    xml.within("ram:URIUniversalCommunication", |xml| {
        xml.text_with("ram:URIID", &[("schemeID", scheme)], address)
    })
}

fn vat_number(xml: &mut Xml, allowed: bool, number: &str) -> io::Result<()> {
    if !allowed || number.is_empty() {
        return Ok(());
    }
    xml.within("ram:SpecifiedTaxRegistration", |xml| {
        xml.text_with("ram:ID", &[("schemeID", "VA")], number)
    })
}

fn settlement(xml: &mut Xml, document: &Document, group: &VatGroup) -> io::Result<()> {
    let currency = document.currency;
    xml.within("ram:ApplicableHeaderTradeSettlement", |xml| {
        xml.text("ram:PaymentReference", &document.number)?;
        // French VAT is accounted for in euros; without VAT that needs no
        // exchange rate (BR-FR-CO-12, CGI annexe II art. 242 nonies A).
        let vat_in_euros = currency != Currency::Eur && document.vat_minor == 0;
        if vat_in_euros {
            xml.text("ram:TaxCurrencyCode", Currency::Eur.code())?;
        }
        xml.text("ram:InvoiceCurrencyCode", currency.code())?;
        xml.within("ram:SpecifiedTradeSettlementPaymentMeans", |xml| {
            xml.text("ram:TypeCode", PAYMENT_MEANS_NOT_DEFINED)
        })?;
        trade_tax(xml, document, group)?;
        billing_period(xml, document.first_day, document.last_day)?;
        xml.within("ram:SpecifiedTradePaymentTerms", |xml| {
            let terms = &document.issuer.texts(document.language).payment_terms;
            xml.optional_text("ram:Description", terms)?;
            date(xml, "ram:DueDateDateTime", document.due_on)
        })?;
        xml.within(
            "ram:SpecifiedTradeSettlementHeaderMonetarySummation",
            |xml| {
                money(xml, "ram:LineTotalAmount", document.net_minor, currency)?;
                money(xml, "ram:TaxBasisTotalAmount", document.net_minor, currency)?;
                let tax = major(document.vat_minor, currency).to_string();
                xml.text_with(
                    "ram:TaxTotalAmount",
                    &[("currencyID", currency.code())],
                    &tax,
                )?;
                if vat_in_euros {
                    let attributes = [("currencyID", Currency::Eur.code())];
                    let zero = major(0, Currency::Eur).to_string();
                    xml.text_with("ram:TaxTotalAmount", &attributes, &zero)?;
                }
                money(xml, "ram:GrandTotalAmount", document.total_minor, currency)?;
                money(xml, "ram:DuePayableAmount", document.total_minor, currency)
            },
        )
    })
}

fn trade_tax(xml: &mut Xml, document: &Document, group: &VatGroup) -> io::Result<()> {
    // A reason belongs to a rate of zero alone (BR-S-10).
    let reason: Option<Mention> = match group.category {
        VatCategory::Standard => None,
        _ => mention(document, group),
    };
    xml.within("ram:ApplicableTradeTax", |xml| {
        money(
            xml,
            "ram:CalculatedAmount",
            group.amount_minor,
            document.currency,
        )?;
        xml.text("ram:TypeCode", "VAT")?;
        if let Some(reason) = &reason {
            xml.text("ram:ExemptionReason", &reason.text)?;
        }
        money(xml, "ram:BasisAmount", group.base_minor, document.currency)?;
        xml.text("ram:CategoryCode", group.category.code())?;
        if let Some(code) = reason.and_then(|reason| reason.code) {
            xml.text("ram:ExemptionReasonCode", code)?;
        }
        rate(xml, group)
    })
}

/// Category O has no rate (BR-O-05); every other has one, zero included.
fn rate(xml: &mut Xml, group: &VatGroup) -> io::Result<()> {
    if group.category == VatCategory::OutOfScope {
        return Ok(());
    }
    let mut rate = group.rate.normalize();
    rate.rescale(rate.scale().max(2));
    xml.text("ram:RateApplicablePercent", &rate.to_string())
}

fn billing_period(xml: &mut Xml, first: NaiveDate, last: NaiveDate) -> io::Result<()> {
    xml.within("ram:BillingSpecifiedPeriod", |xml| {
        date(xml, "ram:StartDateTime", first)?;
        date(xml, "ram:EndDateTime", last)
    })
}

fn date(xml: &mut Xml, name: &str, date: NaiveDate) -> io::Result<()> {
    xml.within(name, |xml| {
        // 102 is CCYYMMDD (UNTDID 2379).
        xml.text_with(
            "udt:DateTimeString",
            &[("format", "102")],
            &date.format("%Y%m%d").to_string(),
        )
    })
}

fn money(xml: &mut Xml, name: &str, minor: i64, currency: Currency) -> io::Result<()> {
    xml.text(name, &major(minor, currency).to_string())
}

fn major(minor: i64, currency: Currency) -> Decimal {
    Decimal::new(minor, currency.minor_digits())
}
