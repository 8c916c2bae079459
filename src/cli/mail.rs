//! `quittance mail`.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, Result, bail};
use clap::{Args, Subcommand};

use super::Global;
use super::print::counted;
use crate::config::Config;
use crate::domain::account::Language;
use crate::domain::calendar::Instant;
use crate::domain::ids::AccountId;
use crate::engine::outbox::house;
use crate::mail::letter::Letter;
use crate::mail::message::{self, MessageKey};
use crate::mail::sample::{self, Sample};
use crate::mail::smtp::{Sent, Smtp};
use crate::mail::wording::{self, Addressee, House};
use crate::mail::{html, text};
use crate::say;

#[derive(Debug, Args)]
pub struct MailArgs {
    #[command(subcommand)]
    command: MailCommand,
}

#[derive(Debug, Subcommand)]
enum MailCommand {
    /// Write a mail with made-up facts to files, as HTML and as text
    Preview {
        /// Which mail; without one, all of them
        #[arg(conflicts_with = "list")]
        template: Option<String>,
        /// Print the names of all mails
        #[arg(long)]
        list: bool,
        /// en or fr [default: both]
        #[arg(long, value_name = "LANGUAGE")]
        language: Option<Language>,
        /// Where to write the files
        #[arg(long, value_name = "DIR", default_value = ".")]
        out: PathBuf,
    },
    /// Send a mail with made-up facts to an address, to see that the server takes it
    Test {
        /// Such as you@example.com
        address: String,
        /// Which mail
        #[arg(long, default_value = "payment_succeeded")]
        template: String,
        /// en or fr
        #[arg(long, value_name = "LANGUAGE", default_value = "en")]
        language: Language,
    },
}

pub async fn mail(global: &Global, args: MailArgs) -> Result<ExitCode> {
    let config = global.load_config()?;
    let samples = sample::samples()?;
    match args.command {
        MailCommand::Preview { list: true, .. } => {
            for sample in samples {
                say!("{}", sample.name);
            }
        }
        MailCommand::Preview {
            template,
            language,
            out,
            ..
        } => {
            let samples = match &template {
                Some(name) => vec![find(samples, name)?],
                None => samples,
            };
            let languages = match language {
                Some(language) => vec![language],
                None => vec![Language::English, Language::French],
            };
            let house = house_of(&config);
            std::fs::create_dir_all(&out)
                .with_context(|| format!("{} cannot be made", out.display()))?;
            let mut written = 0;
            for sample in &samples {
                for language in &languages {
                    let letter = letter_of(sample, &house, *language);
                    let name = format!("{}.{language}", sample.name);
                    write(&out.join(format!("{name}.html")), &html::render(&letter))?;
                    let plain = format!(
                        "Subject: {}\n\n{}",
                        letter.content.subject,
                        text::render(&letter)
                    );
                    write(&out.join(format!("{name}.txt")), &plain)?;
                    written += 2;
                }
            }
            say!("{} written to {}", counted(written, "file"), out.display());
        }
        MailCommand::Test {
            address,
            template,
            language,
        } => {
            let now = global.clock().now();
            let sample = find(samples, &template)?;
            test(&config, &sample, &address, language, now).await?;
            say!("the mail server took {template} for {address}");
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn find(samples: Vec<Sample>, name: &str) -> Result<Sample> {
    let found = samples.into_iter().find(|sample| sample.name == name);
    found.with_context(|| {
        format!("there is no mail {name:?}: `quittance mail preview --list` names them")
    })
}

fn letter_of(sample: &Sample, house: &House, language: Language) -> Letter {
    let to = sample::addressee(language);
    wording::letter(&sample.occasion, house, &to, Vec::new())
}

/// As the settings say; without `[mail]`, with links that lead nowhere.
fn house_of(config: &Config) -> House {
    house(&config.issuer, config.mail.as_ref())
}

fn write(path: &Path, content: &str) -> Result<()> {
    std::fs::write(path, content).with_context(|| format!("{} cannot be written", path.display()))
}

async fn test(
    config: &Config,
    sample: &Sample,
    address: &str,
    language: Language,
    now: Instant,
) -> Result<()> {
    let settings = config
        .mail
        .as_ref()
        .context("there is no [mail] in the settings")?;
    let smtp = Smtp::open(settings)?;
    let to = Addressee {
        name: String::new(),
        ..sample::addressee(language)
    };
    let letter = wording::letter(&sample.occasion, &house_of(config), &to, Vec::new());
    // Another one each time, or a mail program would show the first alone.
    let key = MessageKey::of_row(AccountId(0), &format!("test:{address}"), now);
    let message = message::build(&letter, &settings.sender, ("", address), &key, now)?;
    let mut connection = match smtp.connect().await {
        Ok(connection) => connection,
        Err(problem) => bail!("the mail server is not reached: {problem}"),
    };
    let sent = connection.send(&message).await;
    connection.close().await;
    match sent {
        Sent::Accepted => Ok(()),
        Sent::Refused(problem) => bail!("the mail server refuses it: {problem}"),
        Sent::Deferred(problem) => bail!("the mail server takes it later at best: {problem}"),
        Sent::Broken(problem) => bail!("the connection broke, and it may have the mail: {problem}"),
        Sent::Unavailable(problem) => bail!("the mail server takes nothing from us: {problem}"),
    }
}
