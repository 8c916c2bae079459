//! Every movement of money, with its facts, and the accounts it moves.

use super::LedgerAccount::{
    BankFees, Clearing, CreditBreakage, CustomerCredit, Goodwill, ProviderFees, Receivable,
    Revenue, VatPayable, WriteOff,
};
use super::{LedgerAccount, LedgerError, Posting, ProviderName};

/// What a chargeback is about, and with it who paid and what is owed again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Disputed {
    /// A card payment of an invoice: the invoice is owed again.
    CardPayment,
    /// Prepaid credit bought with PayPal: the credit is taken back, below zero
    /// where it was used already.
    CreditPurchase,
}

/// A movement of money. Amounts are in minor units and positive; fees may be zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Movement {
    /// Receivable grows by the total, revenue by the net, VAT by the tax. Never
    /// written as an entry: the invoice's own row is it.
    InvoiceIssued { net_minor: i64, vat_minor: i64 },
    /// The customer owns the gross, the provider holds what its fee leaves.
    CreditBought {
        provider: ProviderName,
        gross_minor: i64,
        fee_minor: i64,
    },
    /// The house owes more credit, at its own cost.
    CreditGranted { amount_minor: i64 },
    /// Credit pays an invoice: the house owes less credit, the customer less money.
    CreditUsed { amount_minor: i64 },
    /// Unused credit is paid back through the provider. After a
    /// [`Self::CreditGranted`] it is a goodwill refund: the invoice stays paid.
    CreditPaidBack {
        provider: ProviderName,
        amount_minor: i64,
    },
    /// A card paid an invoice in full, Stripe holds what its fee leaves.
    CardCaptured { amount_minor: i64, fee_minor: i64 },
    /// The bank credited a direct debit.
    SepaSettled { amount_minor: i64 },
    /// The bank took a settled debit back and charges for it: the invoice is
    /// owed again, the fee is the house's cost.
    SepaReturned {
        amount_minor: i64,
        bank_fee_minor: i64,
    },
    /// The bank charges for a debit that never settled (a reject), or keeps of one
    /// that did.
    BankCharged { bank_fee_minor: i64 },
    /// A card payment is given back: it no longer settles its invoice, which is
    /// owed again. The provider keeps its fee.
    RefundedToCard { amount_minor: i64 },
    /// A refund to a card did not arrive, and the provider holds its money again:
    /// it settles the invoice that [`Self::RefundedToCard`] reopened.
    RefundToCardFailed { amount_minor: i64 },
    /// Credit that was paid back did not arrive: the provider holds the money and
    /// the customer the credit again, as before [`Self::CreditPaidBack`].
    CreditPayBackFailed {
        provider: ProviderName,
        amount_minor: i64,
    },
    /// Credit that was given to be paid back at once is taken back, because it
    /// could not be: the reverse of [`Self::CreditGranted`].
    CreditGrantUndone { amount_minor: i64 },
    /// Credit that was given away lapses with the account that did not use it.
    CreditLapsed { amount_minor: i64 },
    /// A customer that leaves gives up credit it paid for.
    CreditGivenUp { amount_minor: i64 },
    /// A payment no longer settles an invoice and becomes credit: a refund, or
    /// what was received beyond the debt.
    RefundedToCredit { amount_minor: i64 },
    /// The provider takes a disputed payment back, and a fee.
    ChargebackOpened {
        disputed: Disputed,
        amount_minor: i64,
        fee_minor: i64,
    },
    /// The dispute was won: the payment stands again, with what the provider
    /// gives back of its fee.
    ChargebackWon {
        disputed: Disputed,
        amount_minor: i64,
        fee_minor: i64,
    },
    /// A debt is given up, VAT included (its relief is claimed in the VAT return).
    WrittenOff { amount_minor: i64 },
    /// A debt that was given up is owed again, because it is being paid after
    /// all: the payment follows as a movement of its own.
    WriteOffRecovered { amount_minor: i64 },
}

impl Disputed {
    const fn accounts(self) -> (LedgerAccount, ProviderName) {
        match self {
            Self::CardPayment => (Receivable, ProviderName::Stripe),
            Self::CreditPurchase => (CustomerCredit, ProviderName::PayPal),
        }
    }
}

impl Movement {
    /// The code that stores and exports hold; it never changes.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::InvoiceIssued { .. } => "invoice_issued",
            Self::CreditBought { .. } => "credit_bought",
            Self::CreditGranted { .. } => "credit_granted",
            Self::CreditUsed { .. } => "credit_used",
            Self::CreditPaidBack { .. } => "credit_paid_back",
            Self::CardCaptured { .. } => "card_captured",
            Self::SepaSettled { .. } => "sepa_settled",
            Self::SepaReturned { .. } => "sepa_returned",
            Self::BankCharged { .. } => "bank_charged",
            Self::RefundedToCard { .. } => "refunded_to_card",
            Self::RefundToCardFailed { .. } => "refund_to_card_failed",
            Self::CreditPayBackFailed { .. } => "credit_pay_back_failed",
            Self::CreditGrantUndone { .. } => "credit_grant_undone",
            Self::CreditLapsed { .. } => "credit_lapsed",
            Self::CreditGivenUp { .. } => "credit_given_up",
            Self::RefundedToCredit { .. } => "refunded_to_credit",
            Self::ChargebackOpened { .. } => "chargeback_opened",
            Self::ChargebackWon { .. } => "chargeback_won",
            Self::WrittenOff { .. } => "written_off",
            Self::WriteOffRecovered { .. } => "write_off_recovered",
        }
    }

    /// What the movement allocates to invoices, in minor units: how much less
    /// customers owe on what was issued. Negative where a debt is reopened.
    #[must_use]
    pub const fn allocated_minor(&self) -> i64 {
        match *self {
            Self::CreditUsed { amount_minor }
            | Self::CardCaptured { amount_minor, .. }
            | Self::SepaSettled { amount_minor }
            | Self::RefundToCardFailed { amount_minor }
            | Self::WrittenOff { amount_minor }
            | Self::ChargebackWon {
                disputed: Disputed::CardPayment,
                amount_minor,
                ..
            } => amount_minor,
            Self::SepaReturned { amount_minor, .. }
            | Self::RefundedToCard { amount_minor }
            | Self::RefundedToCredit { amount_minor }
            | Self::WriteOffRecovered { amount_minor }
            | Self::ChargebackOpened {
                disputed: Disputed::CardPayment,
                amount_minor,
                ..
            } => amount_minor.saturating_neg(),
            Self::InvoiceIssued { .. }
            | Self::CreditBought { .. }
            | Self::CreditGranted { .. }
            | Self::CreditPaidBack { .. }
            | Self::CreditPayBackFailed { .. }
            | Self::CreditGrantUndone { .. }
            | Self::CreditLapsed { .. }
            | Self::CreditGivenUp { .. }
            | Self::BankCharged { .. }
            | Self::ChargebackOpened { .. }
            | Self::ChargebackWon { .. } => 0,
        }
    }

    /// The accounts that move; none with an amount of zero.
    pub(super) fn postings(&self) -> Result<Vec<Posting>, LedgerError> {
        let mut book = Book::new(self.code());
        match *self {
            Self::InvoiceIssued {
                net_minor,
                vat_minor,
            } => {
                let net = book.fee(net_minor)?;
                let vat = book.fee(vat_minor)?;
                book.debit(Receivable, plus(net, vat)?);
                book.credit(Revenue, net);
                book.credit(VatPayable, vat);
            }
            Self::CreditBought {
                provider,
                gross_minor,
                fee_minor,
            } => book.receipt(CustomerCredit, provider, gross_minor, fee_minor)?,
            Self::CreditGranted { amount_minor } => {
                book.transfer(Goodwill, CustomerCredit, amount_minor)?;
            }
            Self::CreditUsed { amount_minor } => {
                book.transfer(CustomerCredit, Receivable, amount_minor)?;
            }
            Self::CreditPaidBack {
                provider,
                amount_minor,
            } => book.transfer(CustomerCredit, Clearing(provider), amount_minor)?,
            Self::CardCaptured {
                amount_minor,
                fee_minor,
            } => book.receipt(Receivable, ProviderName::Stripe, amount_minor, fee_minor)?,
            Self::SepaSettled { amount_minor } => {
                book.transfer(Clearing(ProviderName::Bank), Receivable, amount_minor)?;
            }
            Self::SepaReturned {
                amount_minor,
                bank_fee_minor,
            } => {
                let amount = book.amount(amount_minor)?;
                let fee = book.fee(bank_fee_minor)?;
                book.debit(Receivable, amount);
                book.debit(BankFees, fee);
                book.credit(Clearing(ProviderName::Bank), plus(amount, fee)?);
            }
            Self::BankCharged { bank_fee_minor } => {
                book.transfer(BankFees, Clearing(ProviderName::Bank), bank_fee_minor)?;
            }
            Self::RefundedToCard { amount_minor } => {
                book.transfer(Receivable, Clearing(ProviderName::Stripe), amount_minor)?;
            }
            Self::RefundToCardFailed { amount_minor } => {
                book.transfer(Clearing(ProviderName::Stripe), Receivable, amount_minor)?;
            }
            Self::CreditPayBackFailed {
                provider,
                amount_minor,
            } => book.transfer(Clearing(provider), CustomerCredit, amount_minor)?,
            Self::CreditGrantUndone { amount_minor } | Self::CreditLapsed { amount_minor } => {
                book.transfer(CustomerCredit, Goodwill, amount_minor)?;
            }
            Self::CreditGivenUp { amount_minor } => {
                book.transfer(CustomerCredit, CreditBreakage, amount_minor)?;
            }
            Self::RefundedToCredit { amount_minor } => {
                book.transfer(Receivable, CustomerCredit, amount_minor)?;
            }
            Self::ChargebackOpened {
                disputed,
                amount_minor,
                fee_minor,
            } => {
                let (owed_again, provider) = disputed.accounts();
                let amount = book.amount(amount_minor)?;
                let fee = book.fee(fee_minor)?;
                book.debit(owed_again, amount);
                book.debit(ProviderFees, fee);
                book.credit(Clearing(provider), plus(amount, fee)?);
            }
            Self::ChargebackWon {
                disputed,
                amount_minor,
                fee_minor,
            } => {
                let (settled, provider) = disputed.accounts();
                let amount = book.amount(amount_minor)?;
                let fee = book.fee(fee_minor)?;
                book.debit(Clearing(provider), plus(amount, fee)?);
                book.credit(ProviderFees, fee);
                book.credit(settled, amount);
            }
            Self::WrittenOff { amount_minor } => {
                book.transfer(WriteOff, Receivable, amount_minor)?;
            }
            Self::WriteOffRecovered { amount_minor } => {
                book.transfer(Receivable, WriteOff, amount_minor)?;
            }
        }
        Ok(book.postings)
    }
}

fn plus(left: i64, right: i64) -> Result<i64, LedgerError> {
    left.checked_add(right).ok_or(LedgerError::Overflow)
}

/// The postings of one movement in the making. Debits and credits take amounts
/// that were found not to be negative.
struct Book {
    movement: &'static str,
    postings: Vec<Posting>,
}

impl Book {
    const fn new(movement: &'static str) -> Self {
        Self {
            movement,
            postings: Vec::new(),
        }
    }

    const fn amount(&self, amount_minor: i64) -> Result<i64, LedgerError> {
        if amount_minor > 0 {
            Ok(amount_minor)
        } else {
            Err(LedgerError::NotPositive {
                movement: self.movement,
                amount_minor,
            })
        }
    }

    const fn fee(&self, amount_minor: i64) -> Result<i64, LedgerError> {
        if amount_minor >= 0 {
            Ok(amount_minor)
        } else {
            Err(LedgerError::Negative {
                movement: self.movement,
                amount_minor,
            })
        }
    }

    fn post(&mut self, account: LedgerAccount, amount_minor: i64) {
        if amount_minor != 0 {
            self.postings.push(Posting {
                account,
                amount_minor,
            });
        }
    }

    fn debit(&mut self, account: LedgerAccount, minor: i64) {
        self.post(account, minor);
    }

    fn credit(&mut self, account: LedgerAccount, minor: i64) {
        self.post(account, minor.saturating_neg());
    }

    fn transfer(
        &mut self,
        debited: LedgerAccount,
        credited: LedgerAccount,
        amount_minor: i64,
    ) -> Result<(), LedgerError> {
        let amount = self.amount(amount_minor)?;
        self.debit(debited, amount);
        self.credit(credited, amount);
        Ok(())
    }

    /// Money came in at a provider, which kept its fee. A fee over the amount
    /// (a few cents by card) leaves the provider's account lower than before.
    fn receipt(
        &mut self,
        settled: LedgerAccount,
        provider: ProviderName,
        amount_minor: i64,
        fee_minor: i64,
    ) -> Result<(), LedgerError> {
        let amount = self.amount(amount_minor)?;
        let fee = self.fee(fee_minor)?;
        let kept = amount.checked_sub(fee).ok_or(LedgerError::Overflow)?;
        self.debit(Clearing(provider), kept);
        self.debit(ProviderFees, fee);
        self.credit(settled, amount);
        Ok(())
    }
}
