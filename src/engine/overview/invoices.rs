//! What was issued to an account, and how that stands.

use std::sync::Arc;

use quick_cache::sync::Cache;

use crate::domain::ids::AccountId;
use crate::domain::invoice::document::Document;
use crate::domain::invoice::{InvoiceNumber, InvoiceState};
use crate::engine::issued::IssuedBooks;
use crate::engine::run::Engine;
use crate::on;
use crate::store::rows::AccountInvoice;
use crate::store::{StoreError, Tx};

/// Of a few KiB each.
const DOCUMENTS_MAX: usize = 10_000;

/// Documents that were asked for lately: an issued invoice never changes, but for an
/// identity that is emptied when its account, and with it its access, is long gone.
pub struct Documents(Cache<InvoiceNumber, Arc<Document>>);

impl Default for Documents {
    fn default() -> Self {
        Self(Cache::new(DOCUMENTS_MAX))
    }
}

impl Documents {
    /// The document of each invoice.
    pub(super) async fn of(
        &self,
        tx: &mut Tx,
        invoices: &[AccountInvoice],
    ) -> Result<Vec<Arc<Document>>, StoreError> {
        let mut books = None;
        let mut documents = Vec::with_capacity(invoices.len());
        for invoice in invoices {
            let number = &invoice.number;
            if let Some(known) = self.0.get(number) {
                documents.push(known);
                continue;
            }
            let stored = on!(&mut *tx, conn, q => q::load_invoice(conn, number).await)?;
            let stored = stored.ok_or_else(|| StoreError::Inconsistent {
                table: "invoice",
                column: "sequence",
                row: number.to_string(),
                value: "gone".to_owned(),
            })?;
            let books = match &mut books {
                Some(books) => &*books,
                none => &*none.insert(IssuedBooks::load(tx).await?),
            };
            let document = Arc::new(books.document(stored)?);
            self.0.insert(number.clone(), Arc::clone(&document));
            documents.push(document);
        }
        Ok(documents)
    }
}

/// An invoice as its customer sees it.
#[derive(Debug, Clone)]
pub struct ShownInvoice {
    pub document: Arc<Document>,
    pub state: InvoiceState,
    pub open_minor: i64,
}

impl Engine {
    /// A page of an account's invoices, the latest month first, and how many there
    /// are.
    ///
    /// # Errors
    /// When the database refuses or holds nonsense.
    pub async fn account_invoices(
        &self,
        documents: &Documents,
        account: AccountId,
        limit: i64,
        offset: i64,
    ) -> Result<(Vec<ShownInvoice>, i64), StoreError> {
        let mut tx = self.store.lookup().await?;
        let (page, of_all) = on!(&mut tx, conn, q => {
            q::invoices_of_account(conn, account, limit, offset).await
        })?;
        let shown = self.shown(&mut tx, documents, page).await?;
        tx.rollback().await?;
        Ok((shown, of_all))
    }

    /// One invoice of an account; `None` where it has none of this number.
    ///
    /// # Errors
    /// When the database refuses or holds nonsense.
    pub async fn account_invoice(
        &self,
        documents: &Documents,
        account: AccountId,
        number: &InvoiceNumber,
    ) -> Result<Option<ShownInvoice>, StoreError> {
        let mut tx = self.store.lookup().await?;
        let found = on!(&mut tx, conn, q => q::invoice_of_account(conn, account, number).await)?;
        let shown = self
            .shown(&mut tx, documents, Vec::from_iter(found))
            .await?;
        tx.rollback().await?;
        Ok(shown.into_iter().next())
    }

    async fn shown(
        &self,
        tx: &mut Tx,
        documents: &Documents,
        invoices: Vec<AccountInvoice>,
    ) -> Result<Vec<ShownInvoice>, StoreError> {
        let today = self.clock.today(self.config.zone());
        let documents = documents.of(tx, &invoices).await?;
        let each = invoices.iter().zip(documents);
        Ok(each
            .map(|(invoice, document)| ShownInvoice {
                document,
                state: invoice.standing.state(today),
                open_minor: invoice.standing.open_minor,
            })
            .collect())
    }
}
