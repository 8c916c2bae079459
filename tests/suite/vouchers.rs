//! Vouchers on the command line.

use crate::support::House;

#[test]
fn a_wrong_voucher_is_refused_with_its_reason() {
    let house = House::sqlite();
    house.import_catalog();
    house.import_accounts(
        "euro,a,a@example.com,Ada,,FR,1 rue A,67000,Strasbourg,,EUR,2025-01-05T10:00:00Z\n\
         yen,b,b@example.com,Bo,,JP,1 Ginza,104-0061,Tokyo,,JPY,2025-01-05T10:00:00Z\n",
    );
    // (arguments, exit code, what must be said)
    let wrong = [
        ("euro --percent 0", 1, "--percent 0: must be above 0 and"),
        ("euro --percent -5", 1, "--percent -5: must be above 0 and"),
        (
            "euro --percent 101",
            1,
            "--percent 101: must be above 0 and at most 100",
        ),
        ("euro --percent 100.0001", 1, "at most 100"),
        (
            "euro --percent 12.34567",
            1,
            "--percent 12.34567: has more than 4 decimals",
        ),
        (
            "euro --percent abc",
            2,
            "'abc' for '--percent <PERCENT>': is not a number such as 20",
        ),
        (
            "euro --amount abc",
            2,
            "'abc' for '--amount <AMOUNT>': is not a number such as 20",
        ),
        ("euro --amount 0", 1, "--amount 0: must be above 0"),
        ("euro --amount -5.00", 1, "--amount -5.00: must be above 0"),
        (
            "euro --amount 5.001",
            1,
            "--amount 5.001: EUR has 2 decimals",
        ),
        (
            "yen --amount 500.5",
            1,
            "--amount 500.5: JPY has 0 decimals",
        ),
        (
            "euro --amount 99999999999999999999",
            1,
            "the amount is out of range",
        ),
        (
            "euro --amount 0.00000000000000000000000000001",
            2,
            "is not a number",
        ),
        ("nobody --amount 5", 1, "there is no account \"nobody\""),
        (
            "euro --amount 5 --until 2026-09",
            1,
            "--until 2026-09 is before --from 2026-10",
        ),
        (
            "euro --amount 5 --until 2026-13",
            2,
            "\"2026-13\" is not a month",
        ),
        ("euro --amount 5 --percent 5", 2, "cannot be used with"),
        ("euro", 2, "--amount"),
    ];
    let grant = |args: &str| {
        let mut all = vec!["voucher", "grant", "--from", "2026-10"];
        let mut args = args.split(' ');
        all.extend(args.next());
        all.push("Welcome");
        all.extend(args);
        house.try_run(&all)
    };
    for (args, code, said) in wrong {
        let answer = grant(args);
        assert_eq!(answer.code, Some(code), "{args}: {answer:?}");
        assert!(answer.stderr.contains(said), "{args}: {answer:?}");
    }
    for right in [
        "euro --percent 12.3456",
        "euro --percent 100.00000",
        "euro --amount 5.500",
        "yen --amount 500.0",
        "euro --amount 5 --until 2026-10",
    ] {
        let answer = grant(right);
        assert_eq!(answer.code, Some(0), "{right}: {answer:?}");
    }
}
