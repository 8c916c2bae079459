//! The sample platform, and what it must leave alone.

use crate::support::House;

#[test]
fn a_demo_is_replaced_by_the_next_one_and_nothing_else_is() {
    let house = House::sqlite();
    let first = house.run(&["demo", "--into", "sample"]);
    assert!(first.stdout.contains("Q-20"), "{first:?}");
    let own = house.file("sample/notes.txt", "mine");
    house.run(&["demo", "--into", "sample"]);
    assert!(own.exists());

    // A real platform's folder, whose database has the documented name.
    std::fs::create_dir(house.path("real")).unwrap();
    let database = house.file("real/quittance.sqlite", "a year of invoices");
    let answer = house.refuse(&["demo", "--into", "real"]);
    assert!(answer.stderr.contains("no demo made it"), "{answer:?}");
    assert_eq!(
        std::fs::read_to_string(database).unwrap(),
        "a year of invoices"
    );
    assert_eq!(house.path("real").read_dir().unwrap().count(), 1);
}
