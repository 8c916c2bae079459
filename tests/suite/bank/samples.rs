//! The samples, fact by fact.

use std::collections::BTreeSet;

use super::{described, fixture, fixtures, read};
use crate::support::golden;

#[test]
fn every_sample_reads_as_it_did() {
    for name in fixtures() {
        let answer = read(&fixture(&name)).unwrap_or_else(|error| panic!("{name}: {error}"));
        let golden_name = name.replace(".xml", ".txt");
        golden(&format!("bank/{golden_name}"), &described(&answer));
    }
}

#[test]
fn a_booking_has_one_key_in_every_message_and_version() {
    let keys = |name: &str| -> BTreeSet<String> {
        let answer = read(&fixture(name)).unwrap();
        answer
            .entries
            .iter()
            .map(|entry| entry.key.to_string())
            .collect()
    };
    let notified = keys("camt.054.001.02-sdd-returns.xml");
    assert_eq!(notified.len(), 5);
    assert_eq!(notified, keys("camt.054.001.08-sdd-returns.xml"));
    let stated = keys("camt.053.001.02-collection-and-returns.xml");
    assert_eq!(stated, keys("camt.053.001.08-collection-and-returns.xml"));
    // The statement has the same five, and the collection.
    assert!(stated.is_superset(&notified));
    assert_eq!(stated.len(), 6);
    for kind in ["sdd-file-rejected", "sdd-part-rejected"] {
        assert_eq!(
            keys(&format!("pain.002.001.03-{kind}.xml")),
            keys(&format!("pain.002.001.10-{kind}.xml"))
        );
    }
}
