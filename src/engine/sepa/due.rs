//! What waits, opened and ready to be collected.

use rustc_hash::FxHashMap;

use super::SepaError;
use super::batch::LeftOutReason;
use crate::config::SepaSettings;
use crate::domain::ids::{AccountId, AttemptId};
use crate::domain::invoice::InvoiceNumber;
use crate::domain::payment::AttemptState;
use crate::domain::sepa::address::Address;
use crate::domain::sepa::collection::DebitDue;
use crate::domain::sepa::iban::IbanText;
use crate::domain::sepa::mandate::{Amendment, Mandate};
use crate::domain::sepa::message::Debtor;
use crate::domain::sepa::standing::{DebitStanding, MandateVersion};
use crate::domain::sepa::text::{NAME_LENGTH_MAX, latin};
use crate::engine::methods::seal_context;
use crate::on;
use crate::store::Tx;
use crate::store::rows::{DebtorAddress, WaitingDebit};
use crate::vault::Vault;

/// The lines of a hybrid address, and their length (EPC153-22).
const ADDRESS_LINES_MAX: usize = 2;
const ADDRESS_LINE_LENGTH_MAX: usize = 70;

/// What a debit is of, beside what the bank is told.
#[derive(Debug, Clone)]
pub struct Known {
    pub account: AccountId,
    pub attempt: AttemptId,
    pub external_id: String,
    pub number: InvoiceNumber,
    /// What the file says of its mandate.
    pub mandate: MandateVersion,
}

/// Everything that waits.
#[derive(Default)]
pub struct Waiting {
    /// What can be collected.
    pub debits: Vec<DebitDue>,
    /// What those are of.
    pub known: FxHashMap<AttemptId, Known>,
    pub left_out: Vec<(Known, LeftOutReason)>,
}

/// Reads all of it. The snapshot is the caller's.
pub async fn load(tx: &mut Tx, sepa: &SepaSettings, vault: &Vault) -> Result<Waiting, SepaError> {
    let mut all = Waiting::default();
    for lost in on!(&mut *tx, conn, q => q::waiting_without_mandate(conn).await)? {
        let known = Known {
            account: lost.account,
            attempt: lost.attempt,
            external_id: lost.external_id,
            number: lost.number,
            mandate: MandateVersion {
                iban: 0,
                history: 0,
            },
        };
        all.left_out.push((known, LeftOutReason::NoMandate));
    }
    on!(&mut *tx, conn, q => {
        q::each_waiting_debit(conn, |waiting| all.take(waiting, sepa, vault)).await
    })?;
    Ok(all)
}

impl Waiting {
    fn take(&mut self, waiting: WaitingDebit, sepa: &SepaSettings, vault: &Vault) {
        let known = Known {
            account: waiting.account,
            attempt: waiting.attempt,
            external_id: waiting.external_id.clone(),
            number: waiting.number.clone(),
            mandate: waiting.mandate.version,
        };
        let standing = DebitStanding {
            attempt: &AttemptState::Created,
            mandate: &waiting.state,
            amount: waiting.amount,
            open_minor: waiting.open_minor,
        };
        let debit = match standing.obstacle() {
            Some(obstacle) => Err(obstacle.into()),
            None => debit(waiting, sepa, vault),
        };
        match debit {
            Ok(debit) => {
                self.debits.push(debit);
                self.known.insert(known.attempt, known);
            }
            Err(reason) => self.left_out.push((known, reason)),
        }
    }
}

fn debit(
    waiting: WaitingDebit,
    sepa: &SepaSettings,
    vault: &Vault,
) -> Result<DebitDue, LeftOutReason> {
    let creditor = &sepa.creditor;
    let mandate = waiting.mandate;
    let context = seal_context(waiting.account, waiting.method);
    let iban = String::from_utf8(vault.unseal(&mandate.iban, &context)?)
        .map_err(|_| LeftOutReason::NotText)?;
    let iban = IbanText::new(&iban);
    let presented_by = mandate
        .history
        .presented_by
        .as_ref()
        .map(|(name, identifier)| (name.as_str(), identifier.as_str()));
    // The name as the bank knows it, or a name that only lost its accents would
    // be told as another.
    let name_now = latin(&creditor.name, NAME_LENGTH_MAX);
    let now = (name_now.as_str(), creditor.identifier.as_str());
    // Within the EEA no bank needs it, so none is told (EPC130-08).
    let in_eea = iban.verify().is_ok_and(|iban| iban.is_in_eea());
    let address = (!in_eea).then(|| hybrid(&waiting.address));
    Ok(DebitDue {
        id: waiting.attempt.to_string(),
        amount: waiting.amount,
        due_on: waiting.due_on,
        // The invoice is the pre-notification.
        notified_on: waiting.issued_on,
        is_last: false,
        remittance: format!("{} {}", waiting.number, creditor.name),
        mandate: Mandate {
            amendment: Amendment::since(presented_by, now, mandate.history.account_changed),
            reference: mandate.reference,
            signed_on: mandate.signed_on,
            scheme: mandate.scheme,
            usage: mandate.usage,
            last_sequence: mandate.history.last_sequence,
            last_presented_on: mandate.history.last_presented_on,
        },
        debtor: Debtor {
            name: mandate.debtor_name,
            address,
            iban,
            bic: mandate.bic,
        },
    })
}

/// The parts that a billing profile has, and its line as it is: street and
/// building are not told apart there.
fn hybrid(address: &DebtorAddress) -> Address {
    Address {
        post_code: address.post_code.clone(),
        town: address.town.clone(),
        country: address.country.clone(),
        lines: wrapped(&latin(&address.line1, usize::MAX)),
        ..Address::default()
    }
}

/// Words on as few lines as hold them. What two lines do not hold stays on the
/// second, for the check to refuse: an address is told whole or not at all.
fn wrapped(text: &str) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split(' ').filter(|word| !word.is_empty()) {
        let at_end = lines.len() == ADDRESS_LINES_MAX;
        match lines.last_mut() {
            Some(line) if at_end || line.len() + 1 + word.len() <= ADDRESS_LINE_LENGTH_MAX => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_address_line_is_wrapped_at_words() {
        let long = "x".repeat(60);
        let table = [
            (String::new(), vec![]),
            ("1 rue du Pont".to_owned(), vec!["1 rue du Pont".to_owned()]),
            (
                format!("{long} 1 rue du Pont"),
                vec![format!("{long} 1 rue du"), "Pont".to_owned()],
            ),
            (
                format!("{long} {long} {long}"),
                vec![long.clone(), format!("{long} {long}")],
            ),
        ];
        for (text, lines) in table {
            assert_eq!(wrapped(&text), lines, "{text}");
        }
    }

    proptest! {
        #[test]
        fn nothing_of_an_address_is_lost(text in "[a-z]{0,80}( [a-z0-9]{1,30}){0,9}") {
            let lines = wrapped(&text);
            prop_assert_eq!(lines.join(" "), text.trim());
            prop_assert!(lines.len() <= ADDRESS_LINES_MAX);
        }
    }
}
