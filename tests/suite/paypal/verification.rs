//! That `verify` sees each kind of edit of what was bought.

use super::desk::Desk;
use crate::on_both;
use crate::support::House;

on_both!(every_edit_of_a_purchase_is_seen);

fn every_edit_of_a_purchase_is_seen(house: &House) {
    let desk = Desk::open(house);
    // Entry 1 credits, 2 pays back.
    let id = desk.bought("acc-1", "50.00");
    house.run(&[
        "credit", "refund", &id, "20.00", "--reason", "leaves", "--by", "ada",
    ]);
    // Of another account, entry 1 credits and 2 takes back.
    desk.deliver_all();
    let disputed = desk.bought("acc-2", "30.00");
    let capture = desk.purchase("acc-2", &disputed)["capture"].clone();
    desk.fake.dispute(capture.as_str().unwrap(), 3_000);
    desk.deliver_all();
    house.run(&["verify"]);
    let took = ": it took money, but the ledger has no entry that credits as much";
    let no_purchase =
        "it credits, pays back or disputes a purchase that took no money, or it names none";
    let paid_back = ": its state and amounts are not what the ledger gave back for it";
    let no_refund =
        ": it gives money back, or takes that back, without a refund of the same payment";
    let disputes = ": what disputes took back of it is not what its state says";
    let too_much = ": more was paid back and taken back of it than was bought";
    // An edit, the edit that takes it back, and what is said.
    let edits = [
        (
            "UPDATE credit_purchase SET amount_minor = 5001 WHERE amount_minor = 5000",
            "UPDATE credit_purchase SET amount_minor = 5000 WHERE amount_minor = 5001",
            took,
        ),
        (
            "UPDATE credit_purchase SET currency = 'USD' WHERE amount_minor = 5000",
            "UPDATE credit_purchase SET currency = 'EUR' WHERE amount_minor = 5000",
            took,
        ),
        (
            "UPDATE credit_purchase SET state = 'pending', decided_at = NULL WHERE amount_minor = 5000",
            "UPDATE credit_purchase SET state = 'succeeded', decided_at = created_at WHERE amount_minor = 5000",
            no_purchase,
        ),
        (
            "UPDATE ledger_entry SET purchase_id = NULL WHERE movement = 'credit_bought' AND id = 1",
            "UPDATE ledger_entry SET purchase_id = (SELECT id FROM credit_purchase \
             WHERE account_id = ledger_entry.account_id) WHERE movement = 'credit_bought'",
            no_purchase,
        ),
        (
            "UPDATE ledger_entry SET movement = 'credit_given' WHERE movement = 'credit_bought'",
            "UPDATE ledger_entry SET movement = 'credit_bought' WHERE movement = 'credit_given'",
            took,
        ),
        (
            "UPDATE refund SET amount_minor = 2001",
            "UPDATE refund SET amount_minor = 2000",
            paid_back,
        ),
        (
            "UPDATE refund SET credit_minor = 1999",
            "UPDATE refund SET credit_minor = 2000",
            paid_back,
        ),
        (
            "UPDATE refund SET currency = 'USD'",
            "UPDATE refund SET currency = 'EUR'",
            paid_back,
        ),
        (
            "UPDATE refund SET state = 'pending', decided_at = NULL",
            "UPDATE refund SET state = 'succeeded', decided_at = created_at",
            paid_back,
        ),
        (
            "UPDATE refund SET reason = 'a friend'",
            "UPDATE refund SET reason = 'leaves'",
            no_refund,
        ),
        (
            "UPDATE ledger_entry SET actor = 'eve' WHERE movement = 'credit_paid_back'",
            "UPDATE ledger_entry SET actor = 'ada' WHERE movement = 'credit_paid_back'",
            no_refund,
        ),
        (
            "UPDATE ledger_entry SET refund_id = NULL WHERE movement = 'credit_paid_back'",
            "UPDATE ledger_entry SET refund_id = (SELECT id FROM refund) WHERE movement = 'credit_paid_back'",
            no_refund,
        ),
        (
            "UPDATE credit_purchase SET state = 'succeeded', decline_code = NULL, decline_class = NULL, \
             decline_known = NULL WHERE state = 'returned'",
            "UPDATE credit_purchase SET state = 'returned', decline_code = 'chargeback', decline_class = 'hard', \
             decline_known = 1 WHERE amount_minor = 3000",
            disputes,
        ),
        (
            "UPDATE ledger_entry SET purchase_id = NULL WHERE movement = 'chargeback_opened'",
            "UPDATE ledger_entry SET purchase_id = (SELECT id FROM credit_purchase WHERE state = 'returned') \
             WHERE movement = 'chargeback_opened'",
            disputes,
        ),
        (
            "UPDATE ledger_entry SET dispute_id = NULL WHERE movement = 'chargeback_opened'",
            "UPDATE ledger_entry SET dispute_id = 1 WHERE movement = 'chargeback_opened'",
            "it books a chargeback of no dispute of that payment, amount and currency",
        ),
        (
            "UPDATE payment_dispute SET amount_minor = 2999",
            "UPDATE payment_dispute SET amount_minor = 3000",
            "it books a chargeback of no dispute of that payment, amount and currency",
        ),
        (
            "UPDATE payment_dispute SET fee_minor = 1",
            "UPDATE payment_dispute SET fee_minor = 0",
            "the ledger does not say that it took the money back, or by another fee",
        ),
        (
            "UPDATE payment_dispute SET state = 'announced', opened_at = NULL",
            "UPDATE payment_dispute SET state = 'open', opened_at = announced_at",
            "the ledger does not say that it took the money back, or by another fee",
        ),
        (
            "UPDATE payment_dispute SET state = 'won', closed_at = announced_at",
            "UPDATE payment_dispute SET state = 'open', closed_at = NULL",
            "the ledger does not say what its state says of who won it",
        ),
        (
            "UPDATE payment_dispute SET state = 'won', closed_at = announced_at",
            "UPDATE payment_dispute SET state = 'open', closed_at = NULL",
            ": its state does not say whether a dispute took it back",
        ),
        (
            "UPDATE ledger_posting SET amount_minor = 3 * amount_minor WHERE entry_id = 2",
            "UPDATE ledger_posting SET amount_minor = amount_minor / 3 WHERE entry_id = 2",
            too_much,
        ),
    ];
    for (edit, back, said) in edits {
        house.edit(edit);
        let answer = house.refuse(&["verify"]);
        assert!(answer.stdout.contains(said), "{edit}: {answer:?}");
        house.edit(back);
        house.run(&["verify"]);
    }
    desk.assert_sound();
}
