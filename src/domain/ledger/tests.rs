use super::*;
use proptest::prelude::*;

use Currency::{Eur, Usd};

fn postings(movement: Movement) -> String {
    let entry = Entry::new(movement, Eur).unwrap();
    let posted = entry.postings().iter();
    let texts: Vec<String> = posted
        .map(|posting| format!("{} {:+}", posting.account, posting.amount_minor))
        .collect();
    texts.join(", ")
}

#[test]
fn every_movement_and_the_accounts_it_moves() {
    use Movement::*;
    let (amount_minor, fee_minor, bank_fee_minor) = (1_000, 40, 500);
    let card = Disputed::CardPayment;
    let credit = Disputed::CreditPurchase;
    let paypal = ProviderName::PayPal;
    // (movement, allocated to invoices, postings)
    #[rustfmt::skip]
    let table = [
        (InvoiceIssued { net_minor: 1_000, vat_minor: 200 }, 0, "receivable +1200, revenue -1000, vat_payable -200"),
        (InvoiceIssued { net_minor: 1_000, vat_minor: 0 }, 0, "receivable +1000, revenue -1000"),
        (InvoiceIssued { net_minor: 0, vat_minor: 0 }, 0, ""),
        (CreditBought { provider: paypal, gross_minor: 1_000, fee_minor }, 0, "clearing_paypal +960, provider_fees +40, customer_credit -1000"),
        (CreditBought { provider: ProviderName::Bank, gross_minor: 1_000, fee_minor: 0 }, 0, "clearing_bank +1000, customer_credit -1000"),
        (CreditGranted { amount_minor }, 0, "goodwill +1000, customer_credit -1000"),
        (CreditUsed { amount_minor }, 1_000, "customer_credit +1000, receivable -1000"),
        (CreditPaidBack { provider: paypal, amount_minor }, 0, "customer_credit +1000, clearing_paypal -1000"),
        (CardCaptured { amount_minor, fee_minor }, 1_000, "clearing_stripe +960, provider_fees +40, receivable -1000"),
        (CardCaptured { amount_minor: 40, fee_minor }, 40, "provider_fees +40, receivable -40"),
        (CardCaptured { amount_minor: 30, fee_minor }, 30, "clearing_stripe -10, provider_fees +40, receivable -30"),
        (SepaSettled { amount_minor }, 1_000, "clearing_bank +1000, receivable -1000"),
        (SepaReturned { amount_minor, bank_fee_minor }, -1_000, "receivable +1000, bank_fees +500, clearing_bank -1500"),
        (SepaReturned { amount_minor, bank_fee_minor: 0 }, -1_000, "receivable +1000, clearing_bank -1000"),
        (BankCharged { bank_fee_minor }, 0, "bank_fees +500, clearing_bank -500"),
        (RefundedToCard { amount_minor }, -1_000, "receivable +1000, clearing_stripe -1000"),
        (RefundToCardFailed { amount_minor }, 1_000, "clearing_stripe +1000, receivable -1000"),
        (CreditPayBackFailed { provider: paypal, amount_minor }, 0, "clearing_paypal +1000, customer_credit -1000"),
        (CreditGrantUndone { amount_minor }, 0, "customer_credit +1000, goodwill -1000"),
        (CreditLapsed { amount_minor }, 0, "customer_credit +1000, goodwill -1000"),
        (CreditGivenUp { amount_minor }, 0, "customer_credit +1000, credit_breakage -1000"),
        (RefundedToCredit { amount_minor }, -1_000, "receivable +1000, customer_credit -1000"),
        (ChargebackOpened { disputed: card, amount_minor, fee_minor }, -1_000, "receivable +1000, provider_fees +40, clearing_stripe -1040"),
        (ChargebackOpened { disputed: credit, amount_minor, fee_minor }, 0, "customer_credit +1000, provider_fees +40, clearing_paypal -1040"),
        (ChargebackWon { disputed: card, amount_minor, fee_minor }, 1_000, "clearing_stripe +1040, provider_fees -40, receivable -1000"),
        (ChargebackWon { disputed: card, amount_minor, fee_minor: 0 }, 1_000, "clearing_stripe +1000, receivable -1000"),
        (ChargebackWon { disputed: credit, amount_minor, fee_minor }, 0, "clearing_paypal +1040, provider_fees -40, customer_credit -1000"),
        (WrittenOff { amount_minor }, 1_000, "write_off +1000, receivable -1000"),
        (WriteOffRecovered { amount_minor }, -1_000, "receivable +1000, write_off -1000"),
    ];
    let mut codes = std::collections::BTreeSet::new();
    for (movement, allocated, expected) in table {
        assert_eq!(postings(movement), expected, "{movement:?}");
        assert_eq!(movement.allocated_minor(), allocated, "{movement:?}");
        codes.insert(movement.code());
    }
    assert_eq!(
        codes.len(),
        20,
        "a movement is missing, or two share a code"
    );
}

#[test]
fn amounts_that_cannot_be_booked() {
    use Movement::*;
    let table = [
        (
            InvoiceIssued {
                net_minor: -1,
                vat_minor: 0,
            },
            "invoice_issued: a tax or fee of -1 cannot be booked, it may not be negative",
        ),
        (
            CreditUsed { amount_minor: 0 },
            "credit_used: an amount of 0 cannot be booked, it has to be positive",
        ),
        (
            CardCaptured {
                amount_minor: -5,
                fee_minor: 0,
            },
            "card_captured: an amount of -5 cannot be booked, it has to be positive",
        ),
        (
            CardCaptured {
                amount_minor: 5,
                fee_minor: -1,
            },
            "card_captured: a tax or fee of -1 cannot be booked, it may not be negative",
        ),
        (
            SepaReturned {
                amount_minor: i64::MAX,
                bank_fee_minor: 1,
            },
            "the amount is out of range",
        ),
        (
            WrittenOff {
                amount_minor: i64::MIN,
            },
            "written_off: an amount of -9223372036854775808 cannot be booked, it has to be positive",
        ),
    ];
    for (movement, message) in table {
        let refused = Entry::new(movement, Eur).unwrap_err();
        assert_eq!(refused.to_string(), message);
    }
}

#[test]
fn an_entry_that_does_not_balance_cannot_be_built() {
    let movement = Movement::SepaSettled { amount_minor: 7 };
    let posting = |account, amount_minor| Posting {
        account,
        amount_minor,
    };
    let cash = LedgerAccount::Clearing(ProviderName::Bank);
    let off_by_one = vec![posting(cash, 7), posting(LedgerAccount::Receivable, -6)];
    assert_eq!(
        Entry::balanced(movement, Eur, off_by_one),
        Err(LedgerError::Unbalanced {
            movement: "sepa_settled",
            sum_minor: 1
        })
    );
    let huge = vec![posting(cash, i64::MAX), posting(cash, 1)];
    assert_eq!(
        Entry::balanced(movement, Eur, huge),
        Err(LedgerError::Overflow)
    );
}

#[test]
fn codes_are_read_back() {
    for account in LedgerAccount::ALL {
        assert_eq!(LedgerAccount::from_code(account.code()), Some(account));
    }
    assert_eq!(LedgerAccount::from_code("cash"), None);
}

#[test]
fn a_balance_out_of_range_changes_nothing() {
    let mut balances = Balances::default();
    let entry = |amount_minor| Entry::new(Movement::CreditGranted { amount_minor }, Eur).unwrap();
    balances.add(&entry(i64::MAX)).unwrap();
    let before = balances.clone();
    assert_eq!(balances.add(&entry(1)), Err(LedgerError::Overflow));
    assert_eq!(balances, before);
}

#[test]
fn a_goodwill_refund_to_the_card_leaves_the_invoice_paid() {
    use Movement::*;
    let amount_minor = 1_200;
    let mut balances = Balances::default();
    for movement in [
        InvoiceIssued {
            net_minor: 1_000,
            vat_minor: 200,
        },
        CardCaptured {
            amount_minor,
            fee_minor: 30,
        },
        CreditGranted { amount_minor },
        CreditPaidBack {
            provider: ProviderName::Stripe,
            amount_minor,
        },
    ] {
        balances.add(&Entry::new(movement, Eur).unwrap()).unwrap();
    }
    let of = |account| balances.of(Eur, account);
    assert_eq!(of(LedgerAccount::Receivable), 0);
    assert_eq!(of(LedgerAccount::CustomerCredit), 0);
    assert_eq!(of(LedgerAccount::Goodwill), 1_200);
    assert_eq!(of(LedgerAccount::Clearing(ProviderName::Stripe)), -30);
}

fn any_movement() -> impl Strategy<Value = Movement> {
    use Movement::*;
    let provider = prop_oneof![
        Just(ProviderName::Stripe),
        Just(ProviderName::PayPal),
        Just(ProviderName::Bank)
    ];
    let disputed = prop_oneof![Just(Disputed::CardPayment), Just(Disputed::CreditPurchase)];
    let minor = 1_i64..1_000_000;
    (0..20, minor, 0_i64..10_000, provider, disputed).prop_map(
        |(kind, amount_minor, fee_minor, provider, disputed)| match kind {
            0 => InvoiceIssued {
                net_minor: amount_minor,
                vat_minor: fee_minor,
            },
            1 => CreditBought {
                provider,
                gross_minor: amount_minor,
                fee_minor,
            },
            2 => CreditGranted { amount_minor },
            3 => CreditUsed { amount_minor },
            4 => CreditPaidBack {
                provider,
                amount_minor,
            },
            5 => CardCaptured {
                amount_minor,
                fee_minor,
            },
            6 => SepaSettled { amount_minor },
            7 => SepaReturned {
                amount_minor,
                bank_fee_minor: fee_minor,
            },
            8 => BankCharged {
                bank_fee_minor: amount_minor,
            },
            9 => RefundedToCard { amount_minor },
            10 => RefundedToCredit { amount_minor },
            11 => ChargebackOpened {
                disputed,
                amount_minor,
                fee_minor,
            },
            12 => ChargebackWon {
                disputed,
                amount_minor,
                fee_minor,
            },
            13 => WrittenOff { amount_minor },
            14 => RefundToCardFailed { amount_minor },
            15 => CreditPayBackFailed {
                provider,
                amount_minor,
            },
            16 => CreditGrantUndone { amount_minor },
            17 => CreditLapsed { amount_minor },
            18 => CreditGivenUp { amount_minor },
            _ => WriteOffRecovered { amount_minor },
        },
    )
}

proptest! {
    #[test]
    fn any_sequence_sums_to_zero_and_receivable_is_issued_less_allocated(
        movements in prop::collection::vec((any_movement(), any::<bool>()), 0..60)
    ) {
        let mut balances = Balances::default();
        let (mut issued, mut allocated) = ([0, 0], [0, 0]);
        for (movement, in_euros) in movements {
            let (currency, at) = if in_euros { (Eur, 0) } else { (Usd, 1) };
            let entry = Entry::new(movement, currency).unwrap();
            prop_assert!(entry.postings().iter().all(|posting| posting.amount_minor != 0));
            balances.add(&entry).unwrap();
            if let Movement::InvoiceIssued { net_minor, vat_minor } = movement {
                issued[at] += net_minor + vat_minor;
            }
            allocated[at] += movement.allocated_minor();
        }
        for (currency, at) in [(Eur, 0), (Usd, 1)] {
            prop_assert_eq!(balances.sum(currency), 0);
            prop_assert_eq!(
                balances.of(currency, LedgerAccount::Receivable),
                issued[at] - allocated[at]
            );
        }
    }
}
