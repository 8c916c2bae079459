//! Every combination of methods and settings, against the rules said another way.

use super::*;

/// The rules again: who blocks the way, then who pays.
fn reference(
    credit_minor: i64,
    sepa: Option<MethodState>,
    card: Option<MethodState>,
    (credit_falls, sepa_falls, partial): (bool, bool, bool),
) -> String {
    if credit_minor >= OPEN {
        return format!("credit {OPEN}");
    }
    let short = credit_minor > 0;
    let used = if partial { credit_minor } else { 0 };
    let card_reached =
        sepa.is_none() || sepa == Some(MandateLapsed) || (sepa == Some(HardDeclined) && sepa_falls);
    let outcome: Result<&str, &str> = if short && !credit_falls {
        Err("credit short and no other method")
    } else if sepa == Some(Usable) {
        Ok("sepa")
    } else if card_reached && card == Some(Usable) {
        Ok("card")
    } else if card_reached && card == Some(ActionRequired) {
        Err("card: the customer has to act")
    } else if sepa == Some(HardDeclined) {
        Err("hard decline of sepa")
    } else if card == Some(HardDeclined) {
        Err("hard decline of card")
    } else if sepa == Some(MandateLapsed) {
        Err("the mandate lapsed")
    } else {
        Err("credit short and no other method")
    };
    let credit_part = format!("credit {used}, ");
    match (outcome, used) {
        (Ok(method), 0) => format!("{method} {OPEN}"),
        (Ok(method), _) => format!("{credit_part}{method} {}", OPEN - used),
        (Err(reason), 0) => reason.to_owned(),
        (Err(reason), _) => format!("{credit_part}rest: {reason}"),
    }
}

#[test]
fn every_combination() {
    let mut combinations = 0;
    let flags = [false, true];
    for credit in [0, 300, 1_000] {
        for sepa in [None, Some(Usable), Some(MandateLapsed), Some(HardDeclined)] {
            for card in [None, Some(Usable), Some(HardDeclined), Some(ActionRequired)] {
                for credit_falls in flags {
                    for sepa_falls in flags {
                        for partial in flags {
                            let settings = (credit_falls, sepa_falls, partial);
                            let got = on_day(
                                &facts(credit, sepa, card),
                                &policy(credit_falls, sepa_falls, partial),
                                0,
                            );
                            assert_eq!(
                                got,
                                reference(credit, sepa, card, settings),
                                "credit {credit}, sepa {sepa:?}, card {card:?}, {settings:?}"
                            );
                            combinations += 1;
                        }
                    }
                }
            }
        }
    }
    assert_eq!(combinations, 3 * 4 * 4 * 8);
}
