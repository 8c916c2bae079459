//! A small part of a file as a tree: a header, an entry's head, a transaction.

use std::io::BufRead;
use std::ops::Range;

use super::error::{AnswerError, Place};
use super::xml::{Elements, Step};

/// Elements in one tree; a transaction has about 50.
const NODES_MAX: usize = 2_000;
/// Bytes of names and texts in one tree.
const TREE_BYTES_MAX: usize = 64 * 1024;

struct Node {
    name: Range<usize>,
    text: Range<usize>,
    currency: Option<Range<usize>>,
    parent: Option<usize>,
    /// The first node after this one's descendants.
    end: usize,
    place: Place,
}

/// Elements read into memory, several beside each other if need be.
#[derive(Default)]
pub struct Tree {
    nodes: Vec<Node>,
    bytes: String,
    /// The path of the element they stand in.
    base: String,
    base_place: Option<Place>,
}

impl Tree {
    /// Empties it, for what stands in the innermost element of `elements`.
    pub fn begin<R: BufRead>(&mut self, elements: &Elements<R>) {
        self.nodes.clear();
        self.bytes.clear();
        self.base.clear();
        self.base.push_str(elements.path());
        self.base_place = Some(elements.place());
    }

    /// Holds the element that has just started, and no other.
    pub fn read<R: BufRead>(&mut self, elements: &mut Elements<R>) -> Result<(), AnswerError> {
        self.begin(elements);
        let parent = self.base.rfind('/').unwrap_or(0);
        self.base.truncate(parent);
        self.add(elements)
    }

    /// Reads the element that has just started, to its end.
    pub fn add<R: BufRead>(&mut self, elements: &mut Elements<R>) -> Result<(), AnswerError> {
        let outside = elements.depth().saturating_sub(1);
        self.push(elements, None)?;
        let mut parent = Some(self.nodes.len() - 1);
        while elements.depth() > outside {
            let step = elements.next_in_leaf()?;
            let Some(index) = parent else { break };
            let is_leaf = self.nodes.len() == index + 1;
            match step {
                Step::Open => {
                    if !elements.text().is_empty() {
                        return Err(elements.bad(elements.text(), "is text between elements"));
                    }
                    if elements.name() == "SplmtryData" {
                        elements.skip()?;
                        continue;
                    }
                    self.push(elements, parent)?;
                    parent = Some(self.nodes.len() - 1);
                }
                Step::Close => {
                    let start = self.bytes.len();
                    if is_leaf {
                        self.bytes.push_str(elements.text());
                    } else if !elements.text().is_empty() {
                        return Err(elements.bad(elements.text(), "is text between elements"));
                    }
                    elements.forget_text();
                    let (end, text) = (self.nodes.len(), start..self.bytes.len());
                    if let Some(node) = self.nodes.get_mut(index) {
                        node.end = end;
                        node.text = text;
                        parent = node.parent;
                    }
                }
                Step::End => return Err(elements.bad("", "the file ends too early")),
            }
        }
        Ok(())
    }

    fn push<R: BufRead>(
        &mut self,
        elements: &mut Elements<R>,
        parent: Option<usize>,
    ) -> Result<(), AnswerError> {
        if self.nodes.len() >= NODES_MAX || self.bytes.len() >= TREE_BYTES_MAX {
            return Err(elements.bad("", "there is too much in the element around this one"));
        }
        elements.forget_text();
        let name = self.keep(elements.name());
        let currency = elements.take_currency().map(|text| self.keep(&text));
        self.nodes.push(Node {
            name,
            text: 0..0,
            currency,
            parent,
            end: self.nodes.len() + 1,
            place: elements.place(),
        });
        Ok(())
    }

    fn keep(&mut self, text: &str) -> Range<usize> {
        let start = self.bytes.len();
        self.bytes.push_str(text);
        start..self.bytes.len()
    }

    /// What the elements stand in.
    pub fn root(&self) -> At<'_> {
        At {
            tree: self,
            index: None,
        }
    }
}

/// An element of a tree; without an index, the one that all stand in.
#[derive(Clone, Copy)]
pub struct At<'t> {
    tree: &'t Tree,
    index: Option<usize>,
}

impl<'t> At<'t> {
    fn node(self) -> Option<&'t Node> {
        self.index.and_then(|index| self.tree.nodes.get(index))
    }

    fn slice(self, range: &Range<usize>) -> &'t str {
        self.tree.bytes.get(range.clone()).unwrap_or_default()
    }

    pub fn name(self) -> &'t str {
        self.node().map_or("", |node| self.slice(&node.name))
    }

    pub fn text(self) -> &'t str {
        self.node().map_or("", |node| self.slice(&node.text))
    }

    pub fn currency(self) -> Option<&'t str> {
        self.node()
            .and_then(|node| node.currency.as_ref())
            .map(|range| self.slice(range))
    }

    pub fn place(self) -> Place {
        self.node()
            .map(|node| node.place)
            .or(self.tree.base_place)
            .unwrap_or(Place { line: 1, byte: 0 })
    }

    pub fn path(self) -> String {
        match self.node() {
            None => self.tree.base.clone(),
            Some(node) => {
                let parent = At {
                    index: node.parent,
                    ..self
                };
                format!("{}/{}", parent.path(), self.name())
            }
        }
    }

    /// An error at this element.
    pub fn bad(self, value: &str, reason: impl ToString) -> AnswerError {
        AnswerError::bad(self.place(), &self.path(), value, reason)
    }

    /// The elements right in this one.
    pub fn children(self) -> impl Iterator<Item = At<'t>> {
        let (mut next, end) = match (self.index, self.node()) {
            (Some(index), Some(node)) => (index + 1, node.end),
            _ => (0, self.tree.nodes.len()),
        };
        std::iter::from_fn(move || {
            if next >= end {
                return None;
            }
            let child = At {
                index: Some(next),
                ..self
            };
            next = child.node().map_or(end, |node| node.end);
            Some(child)
        })
    }

    pub fn all(self, name: &str) -> impl Iterator<Item = At<'t>> {
        self.children().filter(move |child| child.name() == name)
    }

    /// The one element of a name.
    ///
    /// # Errors
    /// When it is there twice.
    pub fn one(self, name: &str) -> Result<Option<At<'t>>, AnswerError> {
        let mut found = self.all(name);
        let first = found.next();
        match found.next() {
            Some(second) => Err(second.bad(second.text(), "is there twice")),
            None => Ok(first),
        }
    }

    /// As [`Self::one`], further down.
    pub fn at(self, path: &[&str]) -> Result<Option<At<'t>>, AnswerError> {
        let mut place = self;
        for name in path {
            match place.one(name)? {
                Some(child) => place = child,
                None => return Ok(None),
            }
        }
        Ok(Some(place))
    }

    /// As [`Self::one`], when it must be there and not be empty.
    pub fn need(self, name: &str) -> Result<At<'t>, AnswerError> {
        match self.one(name)? {
            Some(child) if child.text().is_empty() && child.children().next().is_none() => {
                Err(child.bad("", "is empty"))
            }
            Some(child) => Ok(child),
            None => Err(self.bad("", format!("{name} is missing"))),
        }
    }

    /// A text further down; `None` when it is not there or empty.
    pub fn text_at(self, path: &[&str]) -> Result<Option<&'t str>, AnswerError> {
        let found = self.at(path)?.map(At::text);
        Ok(found.filter(|text| !text.is_empty()))
    }

    /// Every text in it as `element=value`, for a person.
    pub fn words(self) -> String {
        let (mut path, mut words) = (String::new(), String::new());
        self.add_words(&mut path, &mut words);
        words
    }

    fn add_words(self, path: &mut String, words: &mut String) {
        if !self.text().is_empty() {
            if !words.is_empty() {
                words.push_str(", ");
            }
            words.push_str(path);
            words.push('=');
            words.push_str(self.text());
            if let Some(currency) = self.currency() {
                words.push(' ');
                words.push_str(currency);
            }
        }
        for child in self.children() {
            let end = path.len();
            if end > 0 {
                path.push('/');
            }
            path.push_str(child.name());
            child.add_words(path, words);
            path.truncate(end);
        }
    }
}
