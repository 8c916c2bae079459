//! A mandate: its text, its signature, and the account it debits.

use std::net::IpAddr;

use super::{MethodError, audit, held, subject};
use crate::domain::account::Language;
use crate::domain::calendar::Instant;
use crate::domain::ids::{AccountId, PaymentMethodId};
use crate::domain::money::Currency;
use crate::domain::payment::PaymentMethod;
use crate::domain::sepa::bic::Bic;
use crate::domain::sepa::iban::Iban;
use crate::domain::sepa::mandate::{MandateUse, is_exhausted};
use crate::domain::sepa::message::Scheme;
use crate::domain::sepa::text::{NAME_LENGTH_MAX, check_identifier, check_text, latin};
use crate::domain::sepa::wording::MandateForm;
use crate::engine::run::Engine;
use crate::on;
use crate::store::Tx;
use crate::store::rows::{ByPerson, NewMandate};
use crate::vault::Vault;

/// What a debtor wants to sign.
#[derive(Debug, Clone, Copy)]
pub struct MandateRequest<'a> {
    pub debtor_name: &'a str,
    pub iban: &'a Iban,
    /// Within SEPA the IBAN is enough.
    pub bic: Option<&'a Bic>,
    pub scheme: Scheme,
    pub language: Language,
}

/// What is to be signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MandateOffer {
    /// The unique mandate reference. Nothing keeps it: another mandate of the
    /// account that is signed first takes it.
    pub reference: String,
    pub text: String,
}

/// The evidence that it was signed.
#[derive(Debug, Clone, Copy)]
pub struct Signature<'a> {
    pub at: Instant,
    pub from: IpAddr,
    /// The reference in the text that was shown, where it is known.
    pub reference: Option<&'a str>,
}

/// A mandate that is on file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewMethod {
    pub id: PaymentMethodId,
    pub reference: String,
    pub text: String,
}

/// What the number of a mandate is sealed for.
pub(crate) fn seal_context(account: AccountId, id: PaymentMethodId) -> String {
    format!("mandate {account}/{id}")
}

impl Engine {
    /// The text of the mandate that an account's customer is to sign; nothing is
    /// written.
    ///
    /// # Errors
    /// When it could not be collected by it.
    pub async fn offer_mandate(
        &self,
        account: AccountId,
        request: &MandateRequest<'_>,
    ) -> Result<MandateOffer, MethodError> {
        let mut tx = self.store.snapshot().await?;
        let (_, offer) = self.offer(&mut tx, account, request).await?;
        Ok(offer)
    }

    /// Puts a signed mandate on file, preferred from now on. The caller charges
    /// what is unpaid ([`Trigger::NewMethod`](crate::domain::payment::Trigger)).
    ///
    /// # Errors
    /// When it could not be collected by it, or the signature cannot be right.
    pub async fn add_mandate(
        &self,
        account: AccountId,
        request: &MandateRequest<'_>,
        signature: Signature<'_>,
        by: ByPerson<'_>,
    ) -> Result<NewMethod, MethodError> {
        let vault = Vault::open(self.config.vault.as_ref())?;
        let now = self.clock.now();
        if signature.at > now {
            return Err(MethodError::SignedInFuture {
                signed_at: signature.at,
                now,
            });
        }
        let zone = self.config.zone();
        let signed_on = signature.at.date_in(zone).ok_or(MethodError::Date)?;
        if is_exhausted(signed_on, None, None, self.clock.today(zone)) {
            return Err(MethodError::Lapsed(signed_on));
        }
        let mut tx = self.store.begin().await?;
        on!(&mut tx, conn, q => q::lock_account(conn, account).await)?;
        let (id, offer) = self.offer(&mut tx, account, request).await?;
        if let Some(signed) = signature.reference
            && signed != offer.reference
        {
            return Err(MethodError::OtherReference {
                signed: signed.to_owned(),
                next: offer.reference,
            });
        }
        let context = seal_context(account, id);
        let iban = vault.seal(request.iban.expose().as_bytes(), &context)?;
        let new = NewMandate {
            account,
            id,
            reference: &offer.reference,
            scheme: request.scheme,
            usage: MandateUse::Recurrent,
            debtor_name: request.debtor_name.trim(),
            bic: request.bic.map(Bic::as_str),
            iban: &iban,
            iban_masked: &request.iban.to_string(),
            signed_on,
            signed_at: signature.at,
            signed_from: signature.from,
            signed_text: &offer.text,
            added_at: now,
        };
        on!(&mut tx, conn, q => q::insert_mandate(conn, new).await)?;
        audit(&mut tx, account, by, "mandate_added", now, &subject(id)).await?;
        tx.commit().await?;
        Ok(NewMethod {
            id,
            reference: offer.reference,
            text: offer.text,
        })
    }

    async fn offer(
        &self,
        tx: &mut Tx,
        account: AccountId,
        request: &MandateRequest<'_>,
    ) -> Result<(PaymentMethodId, MandateOffer), MethodError> {
        let sepa = self.sepa_settings()?;
        let name = request.debtor_name.trim();
        // As the bank will get it.
        check_text(&latin(name, usize::MAX), NAME_LENGTH_MAX).map_err(MethodError::Name)?;
        if on!(&mut *tx, conn, q => q::is_being_erased(conn, account).await)? {
            return Err(MethodError::Leaving);
        }
        let currency = on!(&mut *tx, conn, q => q::account_currency(conn, account).await)?;
        if currency != Currency::Eur {
            return Err(MethodError::NotInEuros(currency));
        }
        let id = on!(&mut *tx, conn, q => q::next_method(conn, account).await)?;
        let reference = format!("{}-{account}-{id}", self.config.series);
        if let Err(error) = check_identifier(&reference) {
            return Err(MethodError::Reference(reference, error));
        }
        let issuer = &self.config.issuer;
        let creditor_address = format!(
            "{}, {} {}, {}",
            issuer.address_line1, issuer.postal_code, issuer.city, issuer.country
        );
        let text = MandateForm {
            reference: &reference,
            scheme: request.scheme,
            creditor_name: &sepa.creditor.name,
            creditor_id: &sepa.creditor.identifier,
            creditor_address: &creditor_address,
            debtor_name: name,
            debtor_iban: request.iban,
            prenotification_days: sepa.policy.prenotification_days,
        }
        .text(request.language);
        Ok((id, MandateOffer { reference, text }))
    }

    /// Gives a mandate another account of the same debtor. Its next collection
    /// tells the bank (same mandate, new debtor account), and a file that was made
    /// with the former one can no longer be released.
    ///
    /// # Errors
    /// When there is no such mandate, it was removed, or has this account already.
    pub async fn change_iban(
        &self,
        account: AccountId,
        id: PaymentMethodId,
        iban: &Iban,
        bic: Option<&Bic>,
        by: ByPerson<'_>,
    ) -> Result<(), MethodError> {
        let vault = Vault::open(self.config.vault.as_ref())?;
        let now = self.clock.now();
        let mut tx = self.store.begin().await?;
        let (method, subject) = held(&mut tx, account, id).await?;
        if method != PaymentMethod::Sepa {
            return Err(MethodError::NotAMandate(id, method));
        }
        let context = seal_context(account, id);
        let before = on!(&mut tx, conn, q => q::sealed_iban(conn, account, id).await)?
            .ok_or(MethodError::Unknown(id))?;
        if vault.unseal(&before, &context)? == iban.expose().as_bytes() {
            return Err(MethodError::SameAccount);
        }
        let sealed = vault.seal(iban.expose().as_bytes(), &context)?;
        let masked = iban.to_string();
        let bic = bic.map(Bic::as_str);
        let changed = on!(&mut tx, conn, q => {
            q::change_iban(conn, account, id, &sealed, &masked, bic).await
        })?;
        if !changed {
            return Err(MethodError::Removed);
        }
        audit(
            &mut tx,
            account,
            by,
            "mandate_account_changed",
            now,
            &subject,
        )
        .await?;
        tx.commit().await?;
        Ok(())
    }
}
