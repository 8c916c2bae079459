//! Rows in PostgreSQL's binary COPY format.

use super::queries::Conn;

/// The signature, no flags, no header extension (PostgreSQL, "COPY", binary format).
const HEADER: &[u8] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";

/// A buffer of rows to be sent in one COPY.
pub struct CopyRows {
    bytes: Vec<u8>,
}

impl CopyRows {
    pub fn new(capacity_bytes: usize) -> Self {
        let mut bytes = Vec::with_capacity(HEADER.len() + capacity_bytes);
        bytes.extend_from_slice(HEADER);
        Self { bytes }
    }

    /// Starts a row of so many fields.
    pub fn row(&mut self, fields: i16) {
        self.bytes.extend_from_slice(&fields.to_be_bytes());
    }

    pub fn i64(&mut self, value: i64) {
        self.field(&value.to_be_bytes());
    }

    pub fn i64_or_null(&mut self, value: Option<i64>) {
        self.or_null(value, Self::i64);
    }

    /// A field that may be missing.
    pub fn or_null<T>(&mut self, value: Option<T>, field: impl FnOnce(&mut Self, T)) {
        match value {
            Some(value) => field(self, value),
            None => self.bytes.extend_from_slice(&(-1_i32).to_be_bytes()),
        }
    }

    pub fn i16(&mut self, value: i16) {
        self.field(&value.to_be_bytes());
    }

    pub fn i32(&mut self, value: i32) {
        self.field(&value.to_be_bytes());
    }

    pub fn text(&mut self, value: &str) {
        self.field(value.as_bytes());
    }

    pub fn bytes(&mut self, value: &[u8]) {
        self.field(value);
    }

    /// The text of something, such as an id or a date.
    pub fn display(&mut self, value: &impl std::fmt::Display) {
        self.text(&value.to_string());
    }

    /// A field: its length and its bytes. Fields are checked to be short long
    /// before they come here; one of 2 GiB would be refused by the server.
    fn field(&mut self, value: &[u8]) {
        let length = i32::try_from(value.len()).unwrap_or(i32::MAX);
        self.bytes.extend_from_slice(&length.to_be_bytes());
        self.bytes.extend_from_slice(value);
    }

    /// # Errors
    /// When the server refuses a row.
    pub async fn send(mut self, conn: &mut Conn, statement: &'static str) -> sqlx::Result<()> {
        self.bytes.extend_from_slice(&(-1_i16).to_be_bytes());
        let mut copy = conn.copy_in_raw(statement).await?;
        copy.send(self.bytes).await?;
        copy.finish().await.map(drop)
    }
}
