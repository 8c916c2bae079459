//! Laid-out pages as a tagged PDF with the XML attached. Dates and ids come
//! from the invoice alone, so its bytes are always the same.

use std::num::NonZeroU16;

use chrono::Datelike as _;
use krilla::color::rgb;
use krilla::configure::{Accessibility, Archival, ConfigurationBuilder};
use krilla::destination::XyzDestination;
use krilla::embed::{AssociationKind, EmbeddedFile, MimeType};
use krilla::error::KrillaError;
use krilla::geom::{PathBuilder, Point, Rect};
use krilla::metadata::{DateTime, Metadata};
use krilla::num::NormalizedF32;
use krilla::outline::{Outline, OutlineNode};
use krilla::page::PageSettings;
use krilla::paint::{Fill, FillRule};
use krilla::surface::Surface;
use krilla::tagging::{
    Artifact, ArtifactType, ContentTag, Identifier, SpanTag, TableHeaderScope, Tag, TagGroup,
    TagKind, TagTree,
};
use krilla::text::{GlyphId, KrillaGlyph};
use krilla::{Document as Pdf, SerializeSettings};

use super::context::title;
use super::font::Fonts;
use super::page::{
    Color, Drawing, Mark, Node, NodeId, PAGE_HEIGHT, PAGE_WIDTH, Page, Pages, Role, TextRun,
};
use crate::documents::DocumentError;
use crate::domain::invoice::document::Document;

/// The name Factur-X gives the attachment.
const ATTACHMENT: &str = "factur-x.xml";

/// Writes the file, all but the Factur-X metadata.
///
/// # Errors
/// When the pages break a rule of PDF/A-3a or PDF/UA-1.
pub fn write(
    document: &Document,
    pages: &Pages,
    xml: Vec<u8>,
    fonts: &Fonts,
) -> Result<Vec<u8>, DocumentError> {
    let configuration = ConfigurationBuilder::new()
        .with_archival_validator(Archival::A3_A)
        .with_accessibility_validator(Accessibility::UA1)
        .finish()
        .map_err(|error| DocumentError::Pdf(format!("{error:?}")))?;
    let mut pdf = Pdf::new_with(SerializeSettings {
        configuration,
        enable_tagging: true,
        ..SerializeSettings::default()
    });
    let issued_on = issued_on(document)?;
    let title = title(document);
    pdf.set_metadata(metadata(document, &title, issued_on));

    let mut contents: Vec<Vec<Identifier>> = pages.nodes.iter().map(|_| Vec::new()).collect();
    for page in &pages.pages {
        draw_page(&mut pdf, page, fonts, &mut contents)?;
    }
    pdf.set_tag_tree(tag_tree(&pages.nodes, contents));

    let mut outline = Outline::new();
    let top = XyzDestination::new(0, Point::from_xy(0.0, 0.0));
    outline.push_child(OutlineNode::new(title, top));
    pdf.set_outline(outline);

    let attachment = EmbeddedFile {
        path: ATTACHMENT.to_owned(),
        mime_type: MimeType::new("text/xml"),
        description: Some("Factur-X EN 16931".to_owned()),
        association_kind: AssociationKind::Alternative,
        data: xml.into(),
        modification_date: Some(issued_on),
        compress: Some(true),
        location: None,
    };
    pdf.embed_file(attachment)
        .ok_or_else(|| DocumentError::Pdf("the XML is attached twice".to_owned()))?;
    pdf.finish().map_err(|error| refused(&error))
}

fn refused(error: &KrillaError) -> DocumentError {
    DocumentError::Pdf(match error {
        KrillaError::Validation(errors) => format!("{error}: {errors:?}"),
        _ => error.to_string(),
    })
}

fn issued_on(document: &Document) -> Result<DateTime, DocumentError> {
    let day = document.issued_on;
    let out_of_range = || DocumentError::Pdf(format!("the date {day} is out of range"));
    let year = u16::try_from(day.year()).map_err(|_| out_of_range())?;
    let month = u8::try_from(day.month()).map_err(|_| out_of_range())?;
    let day_of_month = u8::try_from(day.day()).map_err(|_| out_of_range())?;
    Ok(DateTime::new(year)
        .month(month)
        .day(day_of_month)
        .hour(0)
        .minute(0)
        .second(0)
        .utc_offset_hour(0))
}

fn metadata(document: &Document, title: &str, issued_on: DateTime) -> Metadata {
    let issuer = &document.issuer;
    Metadata::new()
        .title(title.to_owned())
        .authors(vec![issuer.name.clone()])
        .creator("Quittance".to_owned())
        .producer("Quittance".to_owned())
        .language(document.language.code().to_owned())
        .creation_date(issued_on)
        .document_id(format!("{}/{}", issuer.vat_number, document.number))
}

fn draw_page(
    pdf: &mut Pdf,
    page: &Page,
    fonts: &Fonts,
    contents: &mut [Vec<Identifier>],
) -> Result<(), DocumentError> {
    let size = PageSettings::from_wh(PAGE_WIDTH, PAGE_HEIGHT)
        .ok_or_else(|| DocumentError::Pdf("the page has no size".to_owned()))?;
    let mut pdf_page = pdf.start_page_with(size);
    let mut surface = pdf_page.surface();
    let mut glyphs = Vec::new();
    // Rules and tints first, together: they lie below the text, and one mark
    // around all of them is less to write, compress and read than one for each.
    let mut drawings: Vec<&(Mark, Drawing)> = page.drawings.iter().collect();
    drawings.sort_by_key(|(mark, _)| *mark != Mark::Layout);
    for group in drawings.chunk_by(|a, b| a.0 == b.0) {
        let Some((mark, _)) = group.first() else {
            continue;
        };
        let id = surface.start_tagged(content_tag(*mark));
        for (_, drawing) in group {
            draw(&mut surface, drawing, fonts, &mut glyphs);
        }
        surface.end_tagged();
        if let Mark::Content(NodeId(node)) = mark
            && let Some(content) = contents.get_mut(*node)
        {
            content.push(id);
        }
    }
    surface.finish();
    pdf_page.finish();
    Ok(())
}

fn content_tag(mark: Mark) -> ContentTag<'static> {
    let artifact = |kind| ContentTag::Artifact(Artifact::with_kind(kind));
    match mark {
        Mark::Layout => artifact(ArtifactType::Layout),
        Mark::Header => artifact(ArtifactType::Header),
        Mark::Footer => artifact(ArtifactType::Footer),
        Mark::Content(_) => ContentTag::Span(SpanTag::empty()),
    }
}

fn fill(color: Color) -> Fill {
    Fill {
        paint: rgb::Color::new(color.0, color.1, color.2).into(),
        opacity: NormalizedF32::ONE,
        rule: FillRule::NonZero,
    }
}

fn draw(
    surface: &mut Surface<'_>,
    drawing: &Drawing,
    fonts: &Fonts,
    glyphs: &mut Vec<KrillaGlyph>,
) {
    match drawing {
        Drawing::Text(run) => draw_text(surface, run, fonts, glyphs),
        Drawing::Rectangle {
            x,
            y,
            width,
            height,
            color,
        } => {
            let mut path = PathBuilder::new();
            // A rectangle without an area is not drawn.
            let Some(rectangle) = Rect::from_xywh(*x, *y, *width, *height) else {
                return;
            };
            path.push_rect(rectangle);
            if let Some(path) = path.finish() {
                surface.set_fill(Some(fill(*color)));
                surface.draw_path(&path);
            }
        }
    }
}

fn draw_text(
    surface: &mut Surface<'_>,
    run: &TextRun,
    fonts: &Fonts,
    glyphs: &mut Vec<KrillaGlyph>,
) {
    glyphs.clear();
    let mut start = 0;
    for glyph in &run.glyphs {
        let end = start + usize::from(glyph.bytes);
        let advance = f32::from(glyph.advance) / 1000.0;
        let id = GlyphId::new(glyph.id.into());
        glyphs.push(KrillaGlyph::new(
            id,
            advance,
            0.0,
            0.0,
            0.0,
            start..end,
            None,
        ));
        start = end;
    }
    surface.set_fill(Some(fill(run.color)));
    let origin = Point::from_xy(run.x, run.y);
    let font = fonts.embedded(run.weight).clone();
    surface.draw_glyphs(origin, glyphs, font, &run.text, run.size, false);
}

fn tag_kind(role: &Role) -> TagKind {
    match role {
        Role::Section => Tag::Section.into(),
        Role::Paragraph => Tag::P.into(),
        Role::Heading(level, title) => {
            let level = NonZeroU16::new(*level).unwrap_or(NonZeroU16::MIN);
            Tag::Hn(level, Some(title.clone())).into()
        }
        Role::Table => Tag::Table.into(),
        Role::TableHead => Tag::THead.into(),
        Role::TableBody => Tag::TBody.into(),
        Role::Row => Tag::TR.into(),
        Role::ColumnHeader => Tag::TH(TableHeaderScope::Column).into(),
        Role::RowHeader => Tag::TH(TableHeaderScope::Row).into(),
        Role::Cell => Tag::TD.into(),
    }
}

/// The structure of the document. Built from its last node to its first, since
/// a group takes its children when they are whole.
fn tag_tree(nodes: &[Node], contents: Vec<Vec<Identifier>>) -> TagTree {
    let mut children: Vec<Vec<TagGroup>> = nodes.iter().map(|_| Vec::new()).collect();
    let mut top = Vec::new();
    for (index, (node, content)) in nodes.iter().zip(contents).enumerate().rev() {
        let content = content.into_iter().map(Into::into).collect();
        let mut group = TagGroup::with_children(tag_kind(&node.role), content);
        if let Some(children) = children.get_mut(index) {
            for child in std::mem::take(children).into_iter().rev() {
                group.push(child);
            }
        }
        match node
            .parent
            .and_then(|NodeId(parent)| children.get_mut(parent))
        {
            Some(siblings) => siblings.push(group),
            None => top.push(group),
        }
    }
    let mut tree = TagTree::new();
    for group in top.into_iter().rev() {
        tree.push(group);
    }
    tree
}
