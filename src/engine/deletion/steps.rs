//! The platform removes what an account has, one thing after the other: each is
//! asked for once the one before it is confirmed. From here on an account that
//! asked to leave and one that did not pay take the same road.

use serde::Deserialize;
use serde_json::json;

use super::ask::LINK_TOPIC;
use crate::domain::account::DeletionStep;
use crate::domain::calendar::Instant;
use crate::domain::deletion::{DeletionState, NotAsked, StepDone, step_done};
use crate::domain::ids::AccountId;
use crate::domain::notice::{DeletionCause, OrderTopic, Topic};
use crate::engine::run::Engine;
use crate::on;
use crate::providers::platform::{Delivery, OpenError, Rejected, SigningKey};
use crate::store::rows::{NewNotice, NewOrder};
use crate::store::{StoreError, Tx};

/// The type of the webhook by which the platform says that a step is done.
const STEP_DONE: &str = "account.deletion.step_done";

/// What the platform's word led to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StepOutcome {
    /// It is recorded, and the next step is asked for, or all are done.
    Recorded,
    /// It was recorded before: nothing changed.
    Again,
}

/// What the platform says of a step is not taken.
#[derive(Debug, thiserror::Error)]
pub enum StepError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Open(#[from] OpenError),
    /// Nobody takes the platform's webhooks here.
    #[error("there is no platform.webhook_secret in the settings")]
    NotSet,
    #[error("the webhook is not the platform's: {0}")]
    NotTheirs(#[from] Rejected),
    #[error("the body cannot be read: {0}")]
    Body(String),
    #[error("type is {0:?}, and only {STEP_DONE} is taken")]
    Type(String),
    #[error("data.step is {0:?}, and no step of a deletion")]
    Step(String),
    #[error("data.account is {0:?}, and no account here")]
    Account(String),
    #[error(
        "data.deletion is {deletion}, and no deletion of account {account:?} that was confirmed"
    )]
    Deletion { account: String, deletion: i64 },
    #[error("data.step: {0}")]
    NotAsked(#[from] NotAsked),
}

#[derive(Deserialize)]
struct Webhook {
    #[serde(rename = "type")]
    kind: String,
    data: serde_json::Value,
}

#[derive(Deserialize)]
struct StepDoneData {
    account: String,
    deletion: i64,
    step: String,
}

impl Engine {
    /// Takes a webhook of the platform. It is recorded in the one transaction that
    /// also asks for the next step, and a step is confirmed once: so one that comes
    /// twice, late, or from somebody who repeats it changes nothing.
    ///
    /// # Errors
    /// When it is not the platform's; when it says something that cannot be, with
    /// where; or when the database refuses, and it is to be sent again.
    pub async fn handle_platform_webhook(
        &self,
        delivery: &Delivery<'_>,
    ) -> Result<StepOutcome, StepError> {
        let settings = self.config.platform.as_ref();
        let secret = settings.and_then(|settings| settings.webhook_secret.as_ref());
        let secret = secret.ok_or(StepError::NotSet)?;
        let key = SigningKey::new(&secret.read().map_err(OpenError::from)?)?;
        key.verify(delivery, self.clock.now())?;
        let webhook: Webhook = serde_json::from_slice(delivery.body)
            .map_err(|error| StepError::Body(error.to_string()))?;
        if webhook.kind != STEP_DONE {
            return Err(StepError::Type(webhook.kind));
        }
        let data: StepDoneData = serde_json::from_value(webhook.data)
            .map_err(|error| StepError::Body(format!("data: {error}")))?;
        let step = DeletionStep::from_code(&data.step)
            .ok_or_else(|| StepError::Step(data.step.clone()))?;
        self.record_step(&data.account, data.deletion, step).await
    }

    /// Records that the platform did a step, and asks for the next.
    async fn record_step(
        &self,
        external_id: &str,
        no: i64,
        step: DeletionStep,
    ) -> Result<StepOutcome, StepError> {
        let now = self.clock.now();
        let mut tx = self.store.begin().await?;
        let account = on!(&mut tx, conn, q => q::find_account(conn, external_id).await)?
            .ok_or_else(|| StepError::Account(external_id.to_owned()))?;
        on!(&mut tx, conn, q => q::lock_account(conn, account).await)?;
        let deletion = on!(&mut tx, conn, q => q::find_deletion(conn, account, no).await)?;
        let is_erased =
            |state: DeletionState| matches!(state, DeletionState::Erasing | DeletionState::Done);
        let deletion = deletion
            .filter(|deletion| is_erased(deletion.state))
            .ok_or_else(|| StepError::Deletion {
                account: external_id.to_owned(),
                deletion: no,
            })?;
        let steps = on!(&mut tx, conn, q => q::deletion_steps(conn, account, no).await)?;
        let done = step_done(&steps, step)?;
        if done == StepDone::Again {
            return Ok(StepOutcome::Again);
        }
        on!(&mut tx, conn, q => q::mark_step_confirmed(conn, account, no, step, now).await)?;
        match done {
            StepDone::Next(next) => ask(&mut tx, account, no, next, now).await?,
            _ => {
                let (key, cause) = (deleted_key(no), deletion.cause);
                tell(&mut tx, account, key, Topic::Deleted, cause, now).await?;
            }
        }
        tx.commit().await?;
        Ok(StepOutcome::Recorded)
    }
}

/// Begins to delete an account that did not pay. What its customer asked for
/// before is overtaken by it. The caller holds the account.
pub(in crate::engine) async fn begin_for_debt(
    tx: &mut Tx,
    account: AccountId,
    now: Instant,
) -> Result<(), StoreError> {
    on!(&mut *tx, conn, q => q::withdraw_deletion(conn, account, now).await)?;
    on!(&mut *tx, conn, q => q::forget_links(conn, account, LINK_TOPIC, now).await)?;
    let cause = DeletionCause::Unpaid;
    let no = on!(&mut *tx, conn, q => q::begin_deletion(conn, account, cause, now).await)?;
    begin_erasing(tx, account, no, cause, now).await
}

/// Asks the platform for the first step of a deletion.
pub(super) async fn begin_erasing(
    tx: &mut Tx,
    account: AccountId,
    no: i64,
    cause: DeletionCause,
    now: Instant,
) -> Result<(), StoreError> {
    on!(&mut *tx, conn, q => q::insert_deletion_steps(conn, account, no).await)?;
    let key = format!("deletion_begun:{no}");
    tell(tx, account, key, Topic::DeletionBegun, cause, now).await?;
    ask(tx, account, no, DeletionStep::ALL[0], now).await
}

/// Asks the platform for a step.
async fn ask(
    tx: &mut Tx,
    account: AccountId,
    no: i64,
    step: DeletionStep,
    now: Instant,
) -> Result<(), StoreError> {
    on!(&mut *tx, conn, q => q::mark_step_asked(conn, account, no, step, now).await)?;
    let order = NewOrder {
        account,
        key: format!("deletion:{no}:{}", step.code()),
        topic: OrderTopic::DeletionStep,
        payload: json!({ "deletion": no, "step": step.code() }).to_string(),
    };
    on!(&mut *tx, conn, q => q::insert_orders(conn, &[order], now).await)
}

/// The key of the last thing that an account is told.
pub(super) fn deleted_key(no: i64) -> String {
    format!("deleted:{no}")
}

/// Tells the customer, as long as there is an address.
async fn tell(
    tx: &mut Tx,
    account: AccountId,
    key: String,
    topic: Topic,
    cause: DeletionCause,
    now: Instant,
) -> Result<(), StoreError> {
    let notice = NewNotice {
        account,
        key,
        topic,
        payload: json!({ "cause": cause.code() }).to_string(),
    };
    on!(&mut *tx, conn, q => q::insert_notices(conn, &[notice], now).await)
}
