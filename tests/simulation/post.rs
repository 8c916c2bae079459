//! The mail server and the platform: each down, slow to take or forgetful of its answer
//! on some days.

use std::path::Path;

use crate::dice::Dice;
use crate::fakes::platform::{PlatformFake, Reply};
use crate::fakes::smtp::{Reception, SmtpFake};
use crate::people::Customer;
use crate::platform::SECRET;

/// What came on a day.
#[derive(Debug, Default)]
pub struct Came {
    pub letters: Vec<Letter>,
    pub orders: Vec<Order>,
}

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Letter {
    /// The Message-ID, without what follows the at sign.
    pub id: String,
    /// Whether the connection broke before the server could say that it has it.
    pub is_unanswered: bool,
}

/// In the order that they came in, as far as they are of one account.
#[derive(Debug, PartialEq, Eq)]
pub struct Order {
    pub account: String,
    /// The webhook-id, without what is before it.
    pub id: String,
    pub kind: String,
    /// Whether it was taken, and whether that was said.
    pub is_taken: bool,
    pub is_unanswered: bool,
    /// Whether it is refused for good.
    pub is_refused: bool,
}

pub struct Post {
    smtp: SmtpFake,
    platform: PlatformFake,
    trouble_permille: usize,
}

/// The settings that lead there, or nowhere. One letter after the other: what is sent
/// before a connection breaks has to be the same when the seed is played again.
pub fn settings(folder: &Path, post: Option<&Post>) -> String {
    std::fs::write(folder.join("platform"), SECRET).unwrap();
    let mail = post.map(|post| {
        format!(
            "[mail]\nfrom = \"Nuage <billing@nuage.example>\"\nhost = \"localhost\"\nport = {}\n\
             security = \"none\"\nconnections = 1\n\
             pay_url = \"https://console.example/billing/{{invoice}}\"\n\
             account_url = \"https://console.example/billing\"\n\
             deletion_url = \"https://console.example/deletion/{{token}}\"\n",
            post.smtp.port(),
        )
    });
    // Where nothing is delivered, nobody is called.
    let url = post.map_or("http://127.0.0.1:9".to_owned(), |post| post.platform.url());
    format!(
        "{}[platform]\nurl = \"{url}\"\nsecret = \"file:{folder}/platform\"\n\
         webhook_secret = \"file:{folder}/platform\"\n",
        mail.unwrap_or_default(),
        folder = folder.display(),
    )
}

impl Post {
    pub fn open(trouble_permille: usize) -> Self {
        Self {
            smtp: SmtpFake::start(),
            platform: PlatformFake::start(),
            trouble_permille,
        }
    }

    /// What goes wrong on a day; what was told before is over.
    pub fn draw(&self, customers: &[Customer], dice: &mut Dice, is_quiet: bool) {
        self.smtp.reply_to_senders(None);
        self.platform.forget_replies();
        for customer in customers {
            self.smtp.clear(&customer.email());
            if is_quiet {
                continue;
            }
            if dice.permille(self.trouble_permille) {
                let reception = dice.pick(&[
                    Reception::Recipient(450),
                    Reception::Recipient(450),
                    Reception::Recipient(550),
                    Reception::Message(451),
                    Reception::Message(554),
                    Reception::TakeAndDrop,
                    Reception::TakeAndDrop,
                    Reception::Drop,
                ]);
                self.smtp.receive(&customer.email(), [reception]);
            }
            if dice.permille(self.trouble_permille) {
                let reply = match dice.below(5) {
                    0 => Reply::Status(503),
                    1 => Reply::Later(429, "120"),
                    2 => Reply::Status(dice.pick(&[400, 404, 410, 422])),
                    _ => Reply::BrokenOff,
                };
                self.platform.reply_to(&customer.external_id, [reply]);
            }
        }
        if !is_quiet && dice.permille(self.trouble_permille) {
            let code = dice.pick(&[421, 451, 554]);
            self.smtp.reply_to_senders(Some(code));
        }
    }

    /// What came since the last time.
    pub fn came(&self) -> Came {
        let letters = self.smtp.take_received().into_iter().map(|received| {
            let id = received.header("Message-ID");
            let id = id.trim_start_matches('<').split('@').next().unwrap();
            Letter {
                id: id.to_owned(),
                is_unanswered: received.is_unanswered,
            }
        });
        let orders = self.platform.take_came().into_iter().map(|webhook| {
            let json = webhook.json();
            let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
            Order {
                account: text(&json["data"]["account"]),
                id: webhook.id.trim_start_matches("msg_").to_owned(),
                // Each step of a deletion is an order of its own.
                kind: format!("{} {}", text(&json["type"]), json["data"]["step"]),
                is_taken: matches!(webhook.reply, None | Some(Reply::BrokenOff)),
                is_unanswered: webhook.reply == Some(Reply::BrokenOff),
                is_refused: matches!(webhook.reply, Some(Reply::Status(400..=499))),
            }
        });
        let mut came = Came {
            letters: letters.collect(),
            orders: orders.collect(),
        };
        // Accounts are served side by side, each in its order.
        came.orders.sort_by(|a, b| a.account.cmp(&b.account));
        came
    }
}
