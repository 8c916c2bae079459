//! How much of a payment may be given back, and what that books.

use crate::domain::ledger::{Movement, ProviderName};

/// A refund is not possible.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RefundError {
    #[error("{amount_minor} cannot be given back, it has to be positive")]
    NotPositive { amount_minor: i64 },
    #[error("{amount_minor} cannot be given back: {left_minor} of the payment is left")]
    OverPayment { amount_minor: i64, left_minor: i64 },
}

/// Refuses what is not left of a payment of `paid_minor`, of which
/// `given_back_minor` was given back or is on its way back. All in minor units.
///
/// # Errors
/// When the amount is not positive, or more than is left.
pub const fn check_refund(
    paid_minor: i64,
    given_back_minor: i64,
    amount_minor: i64,
) -> Result<(), RefundError> {
    if amount_minor <= 0 {
        return Err(RefundError::NotPositive { amount_minor });
    }
    let left_minor = paid_minor.saturating_sub(given_back_minor);
    if amount_minor > left_minor {
        return Err(RefundError::OverPayment {
            amount_minor,
            left_minor,
        });
    }
    Ok(())
}

/// What a card refund that went through books. For goodwill the house gives
/// credit and pays it back. A reopened invoice is owed again by as much as is
/// still allocated to it: what a dispute or another refund took back meanwhile
/// cannot be taken back twice, and is the house's cost.
#[must_use]
pub fn refund_movements(amount_minor: i64, reopens: bool, allocated_minor: i64) -> Vec<Movement> {
    let reopened = if reopens {
        amount_minor.min(allocated_minor.max(0))
    } else {
        0
    };
    let goodwill = amount_minor.saturating_sub(reopened);
    let mut movements = Vec::new();
    if reopened > 0 {
        movements.push(Movement::RefundedToCard {
            amount_minor: reopened,
        });
    }
    if goodwill > 0 {
        movements.push(Movement::CreditGranted {
            amount_minor: goodwill,
        });
        movements.push(Movement::CreditPaidBack {
            provider: ProviderName::Stripe,
            amount_minor: goodwill,
        });
    }
    movements
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn no_more_than_was_paid_is_given_back() {
        let over = |amount_minor, left_minor| {
            Err(RefundError::OverPayment {
                amount_minor,
                left_minor,
            })
        };
        // (paid, given back, asked, verdict)
        let table = [
            (100, 0, 100, Ok(())),
            (100, 0, 1, Ok(())),
            (100, 99, 1, Ok(())),
            (100, 0, 101, over(101, 100)),
            (100, 60, 41, over(41, 40)),
            (100, 100, 1, over(1, 0)),
            (100, 0, 0, Err(RefundError::NotPositive { amount_minor: 0 })),
            (
                100,
                0,
                -5,
                Err(RefundError::NotPositive { amount_minor: -5 }),
            ),
            (i64::MAX, 0, i64::MAX, Ok(())),
        ];
        for (paid, given, asked, verdict) in table {
            assert_eq!(
                check_refund(paid, given, asked),
                verdict,
                "{paid} {given} {asked}"
            );
        }
    }

    proptest! {
        #[test]
        fn a_refund_moves_what_was_given_back_and_never_reopens_too_much(
            amount in 1_i64..500,
            reopens in any::<bool>(),
            allocated in 0_i64..500,
        ) {
            let movements = refund_movements(amount, reopens, allocated);
            let reopened: i64 = movements.iter().map(|one| -one.allocated_minor()).sum();
            prop_assert!((0..=allocated).contains(&reopened));
            prop_assert!(reopens || reopened == 0);
            let paid_back: i64 = movements
                .iter()
                .map(|movement| match movement {
                    Movement::RefundedToCard { amount_minor }
                    | Movement::CreditPaidBack { amount_minor, .. } => *amount_minor,
                    _ => 0,
                })
                .sum();
            prop_assert_eq!(paid_back, amount);
        }

        #[test]
        fn any_sequence_stays_within_the_payment(
            paid in 1_i64..1_000,
            asked in prop::collection::vec(-10_i64..500, 0..20),
        ) {
            let mut given = 0;
            for amount in asked {
                if check_refund(paid, given, amount).is_ok() {
                    given += amount;
                }
                prop_assert!((0..=paid).contains(&given));
            }
        }
    }
}
