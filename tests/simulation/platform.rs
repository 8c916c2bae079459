//! What the platform says of the steps of deletions: that they are done, some of it
//! twice or out of order, for all of it is a webhook.

use quittance::engine::deletion::{StepError, StepOutcome};
use quittance::engine::run::Engine;
use quittance::providers::platform::{Delivery, SigningKey};
use secrecy::SecretString;
use serde_json::json;

use crate::dice::Dice;

/// What both sides sign with.
pub const SECRET: &str = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
const LAST_STEP: &str = "billing_subscription";

/// A step that the platform has the order for: the account, the deletion and the step.
pub type Asked = (String, i64, String);

/// Something that the platform says is done.
#[derive(Debug, Clone)]
pub struct Said {
    account: String,
    deletion: i64,
    step: String,
    /// Whether it may be taken.
    is_right: bool,
}

/// What the platform says on a day.
pub fn says(asked: &[Asked], dice: &mut Dice) -> Vec<Said> {
    let mut said = Vec::new();
    for (account, deletion, step) in asked {
        let right = Said {
            account: account.clone(),
            deletion: *deletion,
            step: step.clone(),
            is_right: true,
        };
        let wrong = match dice.below(40) {
            0 if step != LAST_STEP => Some(Said {
                step: LAST_STEP.to_owned(),
                is_right: false,
                ..right.clone()
            }),
            1 => Some(Said {
                deletion: deletion + 1,
                is_right: false,
                ..right.clone()
            }),
            _ => None,
        };
        said.extend(wrong);
        let times = dice.pick(&[0, 1, 1, 1, 1, 1, 2]);
        said.extend((0..times).map(|_| right.clone()));
    }
    said
}

impl Said {
    pub async fn tell(&self, engine: &Engine) -> Result<StepOutcome, StepError> {
        let body = json!({
            "type": "account.deletion.step_done",
            "data": {"account": self.account, "deletion": self.deletion, "step": self.step},
        });
        let body = body.to_string();
        let at_s = engine.clock.now().0.div_euclid(1_000_000);
        let key = SigningKey::new(&SecretString::from(SECRET)).unwrap();
        let signature = key.sign("msg_1", at_s, &body).unwrap();
        let delivery = Delivery {
            id: "msg_1",
            timestamp: &at_s.to_string(),
            signature: &signature,
            body: body.as_bytes(),
        };
        let answer = engine.handle_platform_webhook(&delivery).await;
        assert_eq!(answer.is_ok(), self.is_right, "{self:?}: {answer:?}");
        answer
    }
}
