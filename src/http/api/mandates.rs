//! `/v1/account/payment-methods/mandates`: a direct debit mandate is read, and signed.

use std::net::IpAddr;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Api;
use super::caller::{Allowed, Caller, ClientAddress};
use super::payment_methods::{AddedPaymentMethod, added, refused};
use crate::domain::access::{Scope, Touch};
use crate::domain::account::Language;
use crate::domain::sepa::bic::Bic;
use crate::domain::sepa::iban::Iban;
use crate::domain::sepa::message::Scheme;
use crate::engine::methods::{MandateRequest, Signature};
use crate::http::answer::Refused;
use crate::http::body::Body;
use crate::store::rows::ByPerson;

/// What a debtor wants to sign.
#[derive(Deserialize, ToSchema)]
pub struct MandateTerms {
    /// The debtor's name, as the bank knows it.
    name: Option<String>,
    iban: Option<String>,
    /// Within SEPA the IBAN is enough.
    bic: Option<String>,
    /// `CORE`, which is the default, or `B2B` between companies, without a right to a
    /// refund.
    scheme: Option<String>,
    /// `en` or `fr`: of the text; the account's by default.
    locale: Option<String>,
}

/// What a debtor signs.
#[derive(Deserialize, ToSchema)]
pub struct SignedMandate {
    #[serde(flatten)]
    terms: MandateTerms,
    /// Of the text that was shown.
    reference: Option<String>,
}

/// What is to be signed.
#[derive(Serialize, ToSchema)]
pub struct MandateOffer {
    /// The unique mandate reference.
    reference: String,
    text: String,
}

#[derive(Serialize, ToSchema)]
pub struct MandateOfferRoot {
    mandate: MandateOffer,
}

/// The same, checked.
struct Terms {
    name: String,
    iban: Iban,
    bic: Option<Bic>,
    scheme: Scheme,
    language: Language,
}

impl Terms {
    const fn request(&self) -> MandateRequest<'_> {
        MandateRequest {
            debtor_name: self.name.as_str(),
            iban: &self.iban,
            bic: self.bic.as_ref(),
            scheme: self.scheme,
            language: self.language,
        }
    }
}

/// Show the text of a mandate
///
/// Nothing is kept: it counts once it is signed.
#[utoipa::path(
    post,
    path = "/v1/account/payment-methods/mandates/offer",
    tag = "billing",
    security(("bearer" = [])),
    extensions(("x-scope" = json!("billing:write")), ("x-touch" = json!("payment"))),
    request_body = MandateTerms,
    responses((status = 200, body = MandateOfferRoot), Refused)
)]
pub async fn offer(
    State(api): State<Arc<Api>>,
    caller: Caller,
    body: Body,
) -> Result<Json<MandateOfferRoot>, Refused> {
    let caller = caller.allow(Scope::BillingWrite, Touch::Payment)?;
    let terms = check(&api, &caller, body.read("mandate")?).await?;
    let request = terms.request();
    let offer = api.engine.offer_mandate(caller.account(), &request).await;
    let offer = offer.map_err(refused)?;
    Ok(Json(MandateOfferRoot {
        mandate: MandateOffer {
            reference: offer.reference,
            text: offer.text,
        },
    }))
}

/// Sign a mandate
///
/// The terms are those of the text that was shown. What is unpaid is debited by it in
/// the next file to the bank.
#[utoipa::path(
    post,
    path = "/v1/account/payment-methods/mandates",
    tag = "billing",
    security(("bearer" = [])),
    extensions(("x-scope" = json!("billing:write")), ("x-touch" = json!("payment"))),
    request_body = SignedMandate,
    responses((status = 201, body = AddedPaymentMethod), Refused)
)]
pub async fn sign(
    State(api): State<Arc<Api>>,
    caller: Caller,
    ClientAddress(from): ClientAddress,
    body: Body,
) -> Result<(StatusCode, Json<AddedPaymentMethod>), Refused> {
    let caller = caller.allow(Scope::BillingWrite, Touch::Payment)?;
    let signed: SignedMandate = body.read("mandate")?;
    let reference = signed.reference.unwrap_or_default();
    if reference.is_empty() {
        return Err(Refused::field(
            "reference",
            "can't be blank: ask for the text first",
        ));
    }
    let terms = check(&api, &caller, signed.terms).await?;
    let done = sign_and_charge(&api, &caller, terms, reference, from).await?;
    Ok((StatusCode::CREATED, done))
}

async fn sign_and_charge(
    api: &Api,
    caller: &Allowed,
    terms: Terms,
    reference: String,
    from: IpAddr,
) -> Result<Json<AddedPaymentMethod>, Refused> {
    let (engine, account) = (Arc::clone(&api.engine), caller.account());
    let reason = caller.person().reason.to_owned();
    let (id, charged) = api
        .shutdown
        .unbroken(async move {
            let signature = Signature {
                at: engine.clock.now(),
                from,
                reference: Some(&reference),
            };
            let by = ByPerson {
                actor: "customer",
                reason: &reason,
            };
            let request = terms.request();
            let signed = engine.add_mandate(account, &request, signature, by);
            let id = signed.await.map_err(refused)?.id;
            let charged = engine.charge_by_new_method(account, id).await;
            charged
                .map(|charged| (id, charged))
                .map_err(Refused::internal)
        })
        .await??;
    added(api, caller, id, &charged).await
}

async fn check(api: &Api, caller: &Allowed, terms: MandateTerms) -> Result<Terms, Refused> {
    let mut problems = Vec::new();
    let mut problem = |field: &'static str, reason: String| problems.push((field.into(), reason));
    let iban = terms.iban.unwrap_or_default();
    let iban = iban.parse::<Iban>();
    let iban = iban
        .map_err(|error| problem("iban", error.to_string()))
        .ok();
    let bic = terms.bic.as_deref().map(str::parse::<Bic>).transpose();
    let bic = bic.map_err(|error| problem("bic", error.to_string())).ok();
    let scheme = match terms.scheme.as_deref() {
        None => Some(Scheme::Core),
        Some(code) => Scheme::from_code(code),
    };
    if scheme.is_none() {
        problem("scheme", "is neither CORE nor B2B".to_owned());
    }
    let language = match terms.locale.as_deref() {
        None => Some(None),
        Some(code) => code.parse().ok().map(Some),
    };
    if language.is_none() {
        problem("locale", "is neither en nor fr".to_owned());
    }
    let (Some(iban), Some(bic), Some(scheme), Some(language)) = (iban, bic, scheme, language)
    else {
        return Err(Refused::Fields(problems));
    };
    let language = match language {
        Some(language) => language,
        None => {
            let profile = api.engine.profile(caller.account()).await;
            profile.map_err(Refused::internal)?.language
        }
    };
    Ok(Terms {
        name: terms.name.unwrap_or_default(),
        iban,
        bic,
        scheme,
        language,
    })
}
