//! `quittance verify` sees every edit of what the bank's answers left.

use super::xml::{batch, returned, settled, statement, status};
use super::*;
use crate::on_both;
use crate::support::House;

on_both!(every_edit_is_named);

fn every_edit_is_named(house: &House) {
    debited(house, 4);
    let amounts = amounts(house);
    import(house, &status("P1", &[(1, Some("AM04")), (2, None)], None));
    import(
        house,
        &statement("S1", &[returned(2, amounts[1], 300, "AM04")]),
    );
    import(
        house,
        &statement("S2", &[batch(3, amounts[1..].iter().sum())]),
    );
    import(house, &statement("S3", &[settled(3, amounts[2])]));
    house.run(&["verify"]);
    let (one, two, three) = (id(1), id(2), id(3));
    let taken = amounts[2];
    // An edit, the edit that takes it back, and what is said.
    let edits = [
        (
            format!(
                "UPDATE payment_attempt SET state = 'pending', decline_code = NULL, decline_class = NULL, \
                 decline_known = NULL, decided_at = NULL WHERE id = '{one}'"
            ),
            format!(
                "UPDATE payment_attempt SET state = 'declined', decline_code = 'AM04', decline_class = 'soft', \
                 decline_known = 1, decided_at = created_at WHERE id = '{one}'"
            ),
            "of P1 (rejected): it is booked, but its attempt is missing or in a state",
        ),
        (
            format!(
                "UPDATE payment_attempt SET state = 'pending', decided_at = NULL WHERE id = '{three}'"
            ),
            format!(
                "UPDATE payment_attempt SET state = 'succeeded', decided_at = created_at WHERE id = '{three}'"
            ),
            "of S2 (settled): it is booked for a whole block, but the outcome of a debit in it is out",
        ),
        (
            format!(
                "UPDATE bank_fact SET attempt_id = 'nothing' WHERE attempt_id = '{two}' AND kind = 'returned'"
            ),
            format!("UPDATE bank_fact SET attempt_id = '{two}' WHERE attempt_id = 'nothing'"),
            "of S1 (returned): it is booked, but its attempt is missing",
        ),
        (
            format!(
                "UPDATE bank_fact SET amount_minor = amount_minor + 1 WHERE attempt_id = '{three}'"
            ),
            format!("UPDATE bank_fact SET amount_minor = {taken} WHERE attempt_id = '{three}'"),
            "of S3 (settled): it is booked, but its debit was asked for another amount",
        ),
        (
            "UPDATE ledger_entry SET movement = 'sepa_given_back' WHERE movement = 'sepa_returned'"
                .to_owned(),
            "UPDATE ledger_entry SET movement = 'sepa_returned' WHERE movement = 'sepa_given_back'"
                .to_owned(),
            "the bank gave it back, but the ledger has no entry that reopens its invoice by as much",
        ),
        (
            format!(
                "UPDATE ledger_entry SET attempt_id = NULL WHERE movement = 'sepa_returned' AND attempt_id = '{two}'"
            ),
            format!(
                "UPDATE ledger_entry SET attempt_id = '{two}' WHERE movement = 'sepa_returned'"
            ),
            "it takes a direct debit back, but its attempt is not returned",
        ),
        (
            "UPDATE sepa_mandate SET last_sequence = 'FRST' WHERE last_sequence IS NULL".to_owned(),
            "UPDATE sepa_mandate SET last_sequence = NULL WHERE account_id = (SELECT account_id \
             FROM payment_attempt WHERE state = 'declined')"
                .to_owned(),
            "it was rejected before it settled, but its mandate goes on as if it had been collected",
        ),
    ];
    for (edit, back, said) in edits {
        house.edit(&edit);
        let answer = house.refuse(&["verify"]);
        assert!(answer.stdout.contains(said), "{said}: {answer:?}");
        house.edit(&back);
        house.run(&["verify"]);
    }
}
