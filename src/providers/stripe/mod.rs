//! stub
use super::*;
use crate::config::StripeSettings;
use secrecy::SecretString;
pub struct Stripe;
pub struct Payment { pub key: Option<String>, pub amount: Money, pub answer: Answer }
pub struct StripeEvent { pub id: String, pub kind: String, pub object_id: String }
#[derive(Debug, thiserror::Error)] #[error("x")] pub struct EventError;
pub enum SetupStatus { Succeeded, Processing, WaitsForCustomer, Canceled }
pub struct Setup { pub customer: Option<String>, pub status: SetupStatus, pub payment_method: Option<String> }
pub struct Card { pub id: String, pub brand: String, pub last4: String, pub expires: i32 }
pub enum DisputeStatus { Inquiry, Open, Won, Lost }
pub struct Dispute { pub payment: Option<String>, pub amount: Money, pub fee_minor: i64, pub status: DisputeStatus }
impl Stripe {
 pub fn open(_: &StripeSettings) -> Result<Self, SetupError> { todo!() }
 pub async fn payment(&self, _: &str) -> Result<Payment, CallError> { todo!() }
 pub async fn refund(&self, _: &str) -> Result<(Option<String>, Answer), CallError> { todo!() }
 pub fn verify_event(&self, _: &str, _: &[u8], _: Instant) -> Result<StripeEvent, EventError> { todo!() }
 pub async fn create_customer(&self, _: &str) -> Result<String, CallError> { todo!() }
 pub async fn create_setup_intent(&self, _: &str) -> Result<(String, SecretString), CallError> { todo!() }
 pub async fn setup_intent(&self, _: &str) -> Result<Setup, CallError> { todo!() }
 pub async fn card(&self, _: &str) -> Result<Card, CallError> { todo!() }
 pub async fn cancel(&self, _: &str) -> Result<Answer, CallError> { todo!() }
 pub async fn dispute(&self, _: &str) -> Result<Dispute, CallError> { todo!() }
}
impl PaymentProvider for Stripe {
 const KEY_HOURS: i64 = 24;
 async fn take(&self, _: &Charge<'_>) -> Result<Answer, CallError> { todo!() }
 async fn find(&self, _: &Charge<'_>, _: Option<&str>) -> Result<Option<Answer>, CallError> { todo!() }
 async fn give_back(&self, _: &GiveBack<'_>) -> Result<Answer, CallError> { todo!() }
 async fn find_refund(&self, _: &GiveBack<'_>, _: Option<&str>) -> Result<Option<Answer>, CallError> { todo!() }
}
