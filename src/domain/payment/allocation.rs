//! Payments to invoices, oldest first. What is allocated never exceeds what is
//! due, and *paid* is derived from it, never stored.

/// An allocation is not possible.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AllocationError {
    #[error("{amount_minor} cannot be allocated, it has to be positive")]
    NotPositive { amount_minor: i64 },
    #[error("{amount_minor} cannot be allocated: only {open_minor} is open")]
    OverDue { amount_minor: i64, open_minor: i64 },
    #[error("{amount_minor} cannot be taken back: only {allocated_minor} is allocated")]
    OverAllocated {
        amount_minor: i64,
        allocated_minor: i64,
    },
    #[error("{allocated_minor} is allocated to a total of {total_minor}")]
    Inconsistent {
        total_minor: i64,
        allocated_minor: i64,
    },
}

/// What an invoice is due and what was allocated to it, in minor units:
/// `0 <= allocated <= total`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InvoiceBalance {
    total_minor: i64,
    allocated_minor: i64,
}

impl InvoiceBalance {
    /// # Errors
    /// When something is negative or more is allocated than due.
    pub const fn new(total_minor: i64, allocated_minor: i64) -> Result<Self, AllocationError> {
        if allocated_minor < 0 || allocated_minor > total_minor {
            return Err(AllocationError::Inconsistent {
                total_minor,
                allocated_minor,
            });
        }
        Ok(Self {
            total_minor,
            allocated_minor,
        })
    }

    #[must_use]
    pub const fn total_minor(self) -> i64 {
        self.total_minor
    }

    #[must_use]
    pub const fn allocated_minor(self) -> i64 {
        self.allocated_minor
    }

    /// What is still due.
    #[must_use]
    pub const fn open_minor(self) -> i64 {
        // Both are within 0 and the total, so the difference is too.
        self.total_minor.saturating_sub(self.allocated_minor)
    }

    /// Whether nothing is due any more; an invoice of zero is paid from the start.
    #[must_use]
    pub const fn is_paid(self) -> bool {
        self.open_minor() == 0
    }

    /// The balance after a payment.
    ///
    /// # Errors
    /// When the amount is not positive, or over what is open.
    pub fn allocate(self, amount_minor: i64) -> Result<Self, AllocationError> {
        let open_minor = self.open_minor();
        if amount_minor <= 0 {
            return Err(AllocationError::NotPositive { amount_minor });
        }
        match self.allocated_minor.checked_add(amount_minor) {
            Some(allocated_minor) if amount_minor <= open_minor => Ok(Self {
                allocated_minor,
                ..self
            }),
            _ => Err(AllocationError::OverDue {
                amount_minor,
                open_minor,
            }),
        }
    }

    /// The balance after a return, a refund or a chargeback: the debt is open
    /// again by that much.
    ///
    /// # Errors
    /// When the amount is not positive, or over what is allocated.
    pub fn take_back(self, amount_minor: i64) -> Result<Self, AllocationError> {
        if amount_minor <= 0 {
            return Err(AllocationError::NotPositive { amount_minor });
        }
        match self.allocated_minor.checked_sub(amount_minor) {
            Some(allocated_minor) if allocated_minor >= 0 => Ok(Self {
                allocated_minor,
                ..self
            }),
            _ => Err(AllocationError::OverAllocated {
                amount_minor,
                allocated_minor: self.allocated_minor,
            }),
        }
    }
}

/// An invoice that waits for money. `K` is its key; keys that are greater are
/// younger (a due date with the number, say).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OpenInvoice<K> {
    pub key: K,
    pub balance: InvoiceBalance,
}

/// What a payment gives to one invoice, in minor units.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Allocation<K> {
    pub key: K,
    pub amount_minor: i64,
}

/// Shares an amount among invoices, the oldest first, each in full before the
/// next. Returns the shares and what is left when all are paid, which becomes
/// credit. An amount that is not positive is left as it is.
#[must_use]
pub fn allocate<K: Ord + Clone>(
    amount_minor: i64,
    invoices: &[OpenInvoice<K>],
) -> (Vec<Allocation<K>>, i64) {
    let mut oldest_first: Vec<&OpenInvoice<K>> = invoices.iter().collect();
    oldest_first.sort_by(|left, right| left.key.cmp(&right.key));
    let mut rest = amount_minor;
    let mut shares = Vec::new();
    for invoice in oldest_first {
        let share = invoice.balance.open_minor().min(rest);
        if share > 0 {
            rest = rest.saturating_sub(share);
            shares.push(Allocation {
                key: invoice.key.clone(),
                amount_minor: share,
            });
        }
    }
    (shares, rest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn invoices(rows: &[(u32, i64, i64)]) -> Vec<OpenInvoice<u32>> {
        let balance = |total, allocated| InvoiceBalance::new(total, allocated).unwrap();
        rows.iter()
            .map(|&(key, total, allocated)| OpenInvoice {
                key,
                balance: balance(total, allocated),
            })
            .collect()
    }

    #[test]
    fn the_oldest_is_paid_first() {
        // November is paid, October and December are not, August is partly.
        let open = invoices(&[
            (12, 500, 0),
            (8, 300, 100),
            (11, 400, 400),
            (10, 1_000, 0),
            (9, 0, 0),
        ]);
        // (amount, shares, rest)
        let table: [(i64, &[(u32, i64)], i64); 8] = [
            (0, &[], 0),
            (-5, &[], -5),
            (1, &[(8, 1)], 0),
            (200, &[(8, 200)], 0),
            (201, &[(8, 200), (10, 1)], 0),
            (1_200, &[(8, 200), (10, 1_000)], 0),
            (1_700, &[(8, 200), (10, 1_000), (12, 500)], 0),
            (2_000, &[(8, 200), (10, 1_000), (12, 500)], 300),
        ];
        for (amount, expected, left) in table {
            let (shares, rest) = allocate(amount, &open);
            let shares: Vec<(u32, i64)> = shares.iter().map(|s| (s.key, s.amount_minor)).collect();
            assert_eq!(shares, expected, "{amount}");
            assert_eq!(rest, left, "{amount}");
        }
    }

    #[test]
    fn an_invoice_never_holds_more_than_it_is_due() {
        use AllocationError::{Inconsistent, NotPositive, OverAllocated, OverDue};
        let balance = |total, allocated| InvoiceBalance::new(total, allocated);
        for (total_minor, allocated_minor) in [(100, 101), (100, -1), (-1, 0), (-1, -1)] {
            assert_eq!(
                balance(total_minor, allocated_minor),
                Err(Inconsistent {
                    total_minor,
                    allocated_minor
                })
            );
        }
        let half = balance(100, 50).unwrap();
        let over = |amount_minor, open_minor| OverDue {
            amount_minor,
            open_minor,
        };
        assert_eq!(half.allocate(50), balance(100, 100));
        assert_eq!(half.allocate(51), Err(over(51, 50)));
        assert_eq!(half.allocate(i64::MAX), Err(over(i64::MAX, 50)));
        assert_eq!(half.allocate(0), Err(NotPositive { amount_minor: 0 }));
        assert_eq!(half.take_back(50), balance(100, 0));
        assert_eq!(half.take_back(-1), Err(NotPositive { amount_minor: -1 }));
        assert_eq!(
            half.take_back(51),
            Err(OverAllocated {
                amount_minor: 51,
                allocated_minor: 50
            })
        );
        assert!(balance(0, 0).unwrap().is_paid());
        assert!(balance(100, 100).unwrap().is_paid());
        assert!(!half.is_paid());
    }

    proptest! {
        #[test]
        fn shares_are_the_payment_and_fit_what_is_open(
            rows in prop::collection::vec((any::<u32>(), 0_i64..10_000, 0_i64..10_000), 0..12),
            amount in 0_i64..50_000,
        ) {
            let rows: Vec<_> = rows.into_iter()
                .map(|(key, a, b)| (key, a.max(b), a.min(b)))
                .collect();
            let open = invoices(&rows);
            let (shares, rest) = allocate(amount, &open);
            let shared: i64 = shares.iter().map(|share| share.amount_minor).sum();
            prop_assert_eq!(shared + rest, amount);
            let due: i64 = open.iter().map(|invoice| invoice.balance.open_minor()).sum();
            prop_assert!(rest == 0 || shared == due);
            prop_assert!(shares.iter().all(|share| share.amount_minor > 0));
            prop_assert!(shares.windows(2).all(|pair| pair[0].key <= pair[1].key));
        }
    }
}
