//! PDFs of invoices, made when they are asked for.

use std::sync::{Arc, Mutex};

use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};

use super::answer::Refused;
use crate::documents::{DocumentError, PdfRenderer};
use crate::domain::invoice::InvoiceNumber;
use crate::engine::issued::load_document;
use crate::store::Store;

/// Whoever makes them, one at a time.
#[derive(Clone)]
pub struct Pdfs(Arc<Mutex<PdfRenderer>>);

impl Pdfs {
    /// # Errors
    /// When an embedded font is broken.
    pub fn new() -> Result<Self, DocumentError> {
        Ok(Self(Arc::new(Mutex::new(PdfRenderer::new()?))))
    }

    /// The PDF of an invoice, to be kept under its number.
    ///
    /// # Errors
    /// When there is no such invoice, or it cannot be made.
    pub async fn answer(&self, store: &Store, id: &str) -> Result<Response, Refused> {
        let unknown = || Refused::NotFound("Invoice");
        let number: InvoiceNumber = id.parse().map_err(|_| unknown())?;
        let document = load_document(store, &number).await;
        let document = document.map_err(Refused::internal)?;
        let document = document.ok_or_else(unknown)?;
        let renderer = Arc::clone(&self.0);
        // Milliseconds of computing: not where requests are waited for.
        let pdf = tokio::task::spawn_blocking(move || match renderer.lock() {
            Ok(mut renderer) => renderer
                .render(&document)
                .map_err(|error| error.to_string()),
            Err(broken) => Err(broken.to_string()),
        });
        let pdf = pdf.await.map_err(Refused::internal)?;
        let pdf = pdf.map_err(Refused::Internal)?;
        let kind = HeaderValue::from_static("application/pdf");
        attachment(&format!("{number}.pdf"), kind, pdf)
    }
}

/// A file to be kept under a name.
///
/// # Errors
/// When the name is no header.
pub fn attachment(name: &str, kind: HeaderValue, content: Vec<u8>) -> Result<Response, Refused> {
    let name = HeaderValue::try_from(format!("attachment; filename=\"{name}\""))
        .map_err(|error| Refused::Internal(format!("the name is no header: {error}")))?;
    let headers = [
        (header::CONTENT_TYPE, kind),
        (header::CONTENT_DISPOSITION, name),
    ];
    Ok((headers, content).into_response())
}
