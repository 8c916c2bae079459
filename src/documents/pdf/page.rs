//! Laid-out pages: what is drawn where, and what it means. It knows nothing
//! of PDF; [`writer`](super::writer) makes one of it.

use super::font::{Glyph, Weight};

/// A4, in points of 1/72 inch.
pub const PAGE_WIDTH: f32 = 595.276;
pub const PAGE_HEIGHT: f32 = 841.89;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Color(pub u8, pub u8, pub u8);

/// Index of a node in [`Pages::nodes`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NodeId(pub usize);

/// What a reader who cannot see the page is told about a part of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Role {
    Section,
    Paragraph,
    /// A heading of a level, and its text.
    Heading(u16, String),
    Table,
    TableHead,
    TableBody,
    Row,
    ColumnHeader,
    RowHeader,
    Cell,
}

#[derive(Debug)]
pub struct Node {
    pub role: Role,
    /// Always before the node itself; `None` at the top.
    pub parent: Option<NodeId>,
}

/// What a drawing belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    /// Decoration.
    Layout,
    /// Repeated at the head of the page.
    Header,
    /// Repeated at the foot of the page.
    Footer,
    /// Content of a node.
    Content(NodeId),
}

#[derive(Debug)]
pub enum Drawing {
    Text(TextRun),
    Rectangle {
        x: f32,
        y: f32,
        width: f32,
        height: f32,
        color: Color,
    },
}

/// A line of text from its baseline's left end.
#[derive(Debug)]
pub struct TextRun {
    pub x: f32,
    pub y: f32,
    pub size: f32,
    pub weight: Weight,
    pub color: Color,
    pub text: String,
    pub glyphs: Vec<Glyph>,
}

#[derive(Debug, Default)]
pub struct Page {
    pub drawings: Vec<(Mark, Drawing)>,
}

#[derive(Debug, Default)]
pub struct Pages {
    pub pages: Vec<Page>,
    /// In reading order; parents before their children.
    pub nodes: Vec<Node>,
}
