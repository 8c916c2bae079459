//! `quittance verify` sees every edit behind its back.

use crate::on_both;
use crate::support::{House, furnish};

on_both!(sound_books_are_sound, every_edit_is_named);

fn sound_books_are_sound(house: &House) {
    house.import_catalog();
    house.run(&["verify"]);
    furnish(house);
    house.run(&["run", "2026-10"]);
    let answer = house.run(&["verify"]);
    assert!(answer.stdout.contains("3 invoices"), "{answer:?}");
    assert!(
        answer.stdout.contains("series up to Q-2026-000003: "),
        "{answer:?}"
    );
}

fn every_edit_is_named(house: &House) {
    furnish(house);
    // A settled September, and a piece of it that October takes in.
    house.run(&["run", "2026-09", "--account", "acc-2"]);
    house.import_usage(
        "late,acc-2,blog,container,web,L,1,2026-09-02T00:00:00Z,2026-09-05T00:00:00Z\n",
    );
    house.run(&["run", "2026-10"]);
    let account =
        |id: &str| format!("account_id = (SELECT id FROM account WHERE external_id = '{id}')");
    let one = account("acc-1");
    // An edit, and the edit that takes it back.
    let edits = [
        (
            format!(
                "UPDATE invoice SET net_minor = net_minor + 1, total_minor = total_minor + 1 WHERE {one}"
            ),
            format!(
                "UPDATE invoice SET net_minor = net_minor - 1, total_minor = total_minor - 1 WHERE {one}"
            ),
        ),
        (
            format!("UPDATE invoice SET issued_on = '2026-11-03' WHERE {one}"),
            format!("UPDATE invoice SET issued_on = '2026-11-02' WHERE {one}"),
        ),
        (
            format!(
                "UPDATE invoice_line SET amount_minor = amount_minor + 1 WHERE {one} AND line_no = 1"
            ),
            format!(
                "UPDATE invoice_line SET amount_minor = amount_minor - 1 WHERE {one} AND line_no = 1"
            ),
        ),
        (
            format!("UPDATE invoice_line SET minutes = minutes + 1 WHERE {one} AND line_no = 1"),
            format!("UPDATE invoice_line SET minutes = minutes - 1 WHERE {one} AND line_no = 1"),
        ),
        (
            format!("UPDATE invoice_vat SET amount_minor = amount_minor + 1 WHERE {one}"),
            format!("UPDATE invoice_vat SET amount_minor = amount_minor - 1 WHERE {one}"),
        ),
        (
            format!("UPDATE billing_profile SET city = 'Paris' WHERE {one}"),
            format!("UPDATE billing_profile SET city = 'Strasbourg' WHERE {one}"),
        ),
        (
            "UPDATE number_series SET last_sequence = last_sequence + 1".to_owned(),
            "UPDATE number_series SET last_sequence = last_sequence - 1".to_owned(),
        ),
        (
            format!("UPDATE invoice SET sequence = 9 WHERE {one}"),
            format!("UPDATE invoice SET sequence = 1 WHERE {one}"),
        ),
        (
            format!("UPDATE period_outcome SET total_minor = 1 WHERE {one}"),
            format!("UPDATE period_outcome SET total_minor = 4138 WHERE {one}"),
        ),
        (
            "UPDATE price SET name = 'Gold' WHERE plan = 'M'".to_owned(),
            "UPDATE price SET name = 'M' WHERE plan = 'M'".to_owned(),
        ),
        (
            "UPDATE billing_run SET end_at = end_at + 1 WHERE period = 202609".to_owned(),
            "UPDATE billing_run SET end_at = end_at - 1 WHERE period = 202609".to_owned(),
        ),
        (
            "UPDATE usage_late SET taken_period = NULL".to_owned(),
            "UPDATE usage_late SET taken_period = 202610".to_owned(),
        ),
    ];
    for (edit, back) in edits {
        house.edit(&edit);
        let answer = house.try_run(&["verify"]);
        assert_eq!(answer.code, Some(1), "{edit}: {answer:?}");
        house.edit(&back);
        let answer = house.try_run(&["verify"]);
        assert_eq!(answer.code, Some(0), "{back}: {answer:?}");
    }
    house.edit(&format!("DELETE FROM invoice WHERE {}", account("acc-2")));
    let answer = house.refuse(&["verify"]);
    assert!(
        answer.stdout.contains("Q-2026") || answer.stdout.contains("series Q"),
        "{answer:?}"
    );
}
