//! The metadata that makes a PDF a Factur-X document. krilla 0.8 writes no
//! properties but its own, so they are added by an incremental update (ISO
//! 32000-1, 7.5.6): the file as it was, then the longer packet under the same
//! object number and a cross-reference table for it.

use crate::documents::DocumentError;

/// Describes the four properties, as PDF/A asks for any it does not know
/// (ISO 19005-3, 6.6.2.3.3).
const SCHEMA: &str = r#"<rdf:li rdf:parseType="Resource"><pdfaSchema:schema>Factur-X PDFA Extension Schema</pdfaSchema:schema><pdfaSchema:namespaceURI>urn:factur-x:pdfa:CrossIndustryDocument:invoice:1p0#</pdfaSchema:namespaceURI><pdfaSchema:prefix>fx</pdfaSchema:prefix><pdfaSchema:property><rdf:Seq><rdf:li rdf:parseType="Resource"><pdfaProperty:name>DocumentFileName</pdfaProperty:name><pdfaProperty:valueType>Text</pdfaProperty:valueType><pdfaProperty:category>external</pdfaProperty:category><pdfaProperty:description>The name of the embedded XML document</pdfaProperty:description></rdf:li><rdf:li rdf:parseType="Resource"><pdfaProperty:name>DocumentType</pdfaProperty:name><pdfaProperty:valueType>Text</pdfaProperty:valueType><pdfaProperty:category>external</pdfaProperty:category><pdfaProperty:description>The type of the hybrid document in capital letters, e.g. INVOICE or ORDER</pdfaProperty:description></rdf:li><rdf:li rdf:parseType="Resource"><pdfaProperty:name>Version</pdfaProperty:name><pdfaProperty:valueType>Text</pdfaProperty:valueType><pdfaProperty:category>external</pdfaProperty:category><pdfaProperty:description>The actual version of the standard applying to the embedded XML document</pdfaProperty:description></rdf:li><rdf:li rdf:parseType="Resource"><pdfaProperty:name>ConformanceLevel</pdfaProperty:name><pdfaProperty:valueType>Text</pdfaProperty:valueType><pdfaProperty:category>external</pdfaProperty:category><pdfaProperty:description>The conformance level of the embedded XML document</pdfaProperty:description></rdf:li></rdf:Seq></pdfaSchema:property></rdf:li>"#;
const PROPERTIES: &str = r#"<rdf:Description rdf:about="" xmlns:fx="urn:factur-x:pdfa:CrossIndustryDocument:invoice:1p0#"><fx:DocumentType>INVOICE</fx:DocumentType><fx:DocumentFileName>factur-x.xml</fx:DocumentFileName><fx:Version>1.0</fx:Version><fx:ConformanceLevel>EN 16931</fx:ConformanceLevel></rdf:Description>"#;

/// Where krilla's packet lists the schemas it uses, and where the packet ends.
const SCHEMAS_END: &str = "</rdf:Bag></pdfaExtension:schemas>";
const PACKET_END: &str = "</rdf:RDF>";

/// Adds the Factur-X properties to a PDF's metadata.
///
/// # Errors
/// When the PDF is not built as krilla builds it.
pub fn declare_factur_x(mut pdf: Vec<u8>) -> Result<Vec<u8>, DocumentError> {
    let revision = revision(&pdf)?;
    pdf.extend_from_slice(revision.as_bytes());
    Ok(pdf)
}

/// The text of the update.
fn revision(pdf: &[u8]) -> Result<String, DocumentError> {
    let file = |part: &str, missing| find_last(pdf, part).ok_or(DocumentError::Metadata(missing));
    let subtype =
        file("/Subtype /XML", "its metadata").or_else(|_| file("/Subtype/XML", "its metadata"))?;
    let before = pdf.get(..subtype).unwrap_or_default();
    let object_end = find_last(before, " obj").ok_or(DocumentError::Metadata("an object"))?;
    let line_start = find_last(pdf.get(..object_end).unwrap_or_default(), "\n");
    let line = text(pdf.get(line_start.map_or(0, |at| at + 1)..object_end))?;
    let object = line
        .split(' ')
        .next()
        .filter(|number| number.parse::<u32>().is_ok())
        .ok_or(DocumentError::Metadata("the number of its metadata"))?;
    let stream = text(pdf.get(subtype..))?;
    let packet = between(stream, "stream\n", "\nendstream", "its packet")?;
    let packet = extended(packet)?;
    let trailer_start = file("trailer", "its trailer")?;
    let tail = text(pdf.get(trailer_start..))?;
    let trailer = between(tail, "<<", ">>\nstartxref", "its trailer")?;
    let previous = between(tail, "startxref\n", "\n", "its cross-reference table")?;

    let metadata_at = pdf.len() + 1;
    let length = packet.len();
    let body = format!(
        "\n{object} 0 obj\n<<\n  /Length {length}\n  /Type /Metadata\n  /Subtype /XML\n>>\nstream\n{packet}\nendstream\nendobj\n\n"
    );
    let table_at = pdf.len() + body.len();
    Ok(format!(
        "{body}xref\n{object} 1\n{metadata_at:010} 00000 n\r\ntrailer\n<<{trailer}  /Prev {previous}\n>>\nstartxref\n{table_at}\n%%EOF"
    ))
}

/// The packet with the Factur-X schema and properties.
fn extended(packet: &str) -> Result<String, DocumentError> {
    let schemas = packet
        .find(SCHEMAS_END)
        .ok_or(DocumentError::Metadata("its extension schemas"))?;
    let end = packet
        .rfind(PACKET_END)
        .ok_or(DocumentError::Metadata("the end of its packet"))?;
    let (head, rest) = packet.split_at(schemas);
    let (middle, tail) = rest.split_at(end - schemas);
    Ok([head, SCHEMA, middle, PROPERTIES, tail].concat())
}

fn text(bytes: Option<&[u8]>) -> Result<&str, DocumentError> {
    std::str::from_utf8(bytes.unwrap_or_default())
        .map_err(|_| DocumentError::Metadata("readable text"))
}

fn between<'a>(
    text: &'a str,
    start: &str,
    end: &str,
    missing: &'static str,
) -> Result<&'a str, DocumentError> {
    text.split_once(start)
        .and_then(|(_, rest)| rest.split_once(end))
        .map(|(inner, _)| inner)
        .ok_or(DocumentError::Metadata(missing))
}

fn find_last(haystack: &[u8], needle: &str) -> Option<usize> {
    memchr::memmem::rfind(haystack, needle.as_bytes())
}
