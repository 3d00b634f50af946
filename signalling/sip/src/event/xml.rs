//! XML as the packages use it: read into a small tree within bounds, written with what must be escaped escaped.
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use quick_xml::{
    Reader,
    events::{BytesStart, Event},
};

/// Why a document cannot be used.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum XmlError {
    /// It is not well formed, or not UTF-8.
    #[error("not well-formed XML")]
    Malformed,
    /// It declares a document type, which could make it grow without end.
    #[error("a document type is declared")]
    DocType,
    /// It is deeper or larger than such documents are.
    #[error("too deep or too large")]
    TooLarge,
    /// Its root is another element than expected.
    #[error("another document than expected")]
    Root,
}

/// An element, with names without their prefixes.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct Element {
    pub(super) name: String,
    attributes: Vec<(String, String)>,
    pub(super) text: String,
    pub(super) children: Vec<Self>,
}

impl Element {
    /// Reads a document whose root is called `root`.
    pub(super) fn read(bytes: &[u8], root: &str) -> Result<Self, XmlError> {
        let text = core::str::from_utf8(bytes).map_err(|_| XmlError::Malformed)?;
        let mut reader = Reader::from_str(text);
        let mut open: Vec<Self> = vec![Self::default()];
        let mut count = 0_usize;
        loop {
            match reader.read_event().map_err(|_| XmlError::Malformed)? {
                Event::Start(start) => open.push(Self::start(&start)?),
                Event::Empty(start) => close(&mut open, Self::start(&start)?)?,
                Event::End(_) => {
                    let done = open.pop().ok_or(XmlError::Malformed)?;
                    close(&mut open, done)?;
                }
                Event::Text(text) => add(&mut open, &text),
                Event::CData(text) => add(&mut open, &text),
                Event::GeneralRef(name) => {
                    let char = name.resolve_char_ref().map_err(|_| XmlError::Malformed)?;
                    let char = char.or_else(|| entity(&name)).ok_or(XmlError::Malformed)?;
                    add(&mut open, char.encode_utf8(&mut [0; 4]));
                }
                Event::DocType(_) => return Err(XmlError::DocType),
                Event::Eof => break,
                _ => {}
            }
            count = count.saturating_add(1);
            if open.len() > MAX_DEPTH || count > MAX_EVENTS {
                return Err(XmlError::TooLarge);
            }
        }
        let (Some(mut document), true) = (open.pop(), open.is_empty()) else {
            return Err(XmlError::Malformed);
        };
        document.children.pop().filter(|found| found.name == root).ok_or(XmlError::Root)
    }

    fn start(start: &BytesStart<'_>) -> Result<Self, XmlError> {
        let name = start.local_name().as_ref().to_owned();
        let mut attributes = Vec::new();
        for attribute in start.attributes() {
            let attribute = attribute.map_err(|_| XmlError::Malformed)?;
            let value = quick_xml::escape::unescape(&attribute.value).map_err(|_| XmlError::Malformed)?;
            attributes.push((attribute.key.local_name().as_ref().to_owned(), value.into_owned()));
            if attributes.len() > MAX_DEPTH {
                return Err(XmlError::TooLarge);
            }
        }
        Ok(Self { name, attributes, ..Self::default() })
    }

    pub(super) fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(have, _)| have == name).map(|(_, value)| value.as_str())
    }

    pub(super) fn child(&self, name: &str) -> Option<&Self> {
        self.all(name).next()
    }

    pub(super) fn all<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a Self> {
        self.children.iter().filter(move |child| child.name == name)
    }

    /// The text of a child, without space around it.
    pub(super) fn text_of(&self, name: &str) -> Option<String> {
        self.child(name).map(|child| child.text.trim().to_owned()).filter(|text| !text.is_empty())
    }
}

fn close(open: &mut [Element], done: Element) -> Result<(), XmlError> {
    open.last_mut().ok_or(XmlError::Malformed)?.children.push(done);
    Ok(())
}

fn add(open: &mut [Element], text: &str) {
    if let Some(element) = open.last_mut() {
        element.text.push_str(text);
    }
}

fn entity(name: &str) -> Option<char> {
    Some(match name {
        "lt" => '<',
        "gt" => '>',
        "amp" => '&',
        "apos" => '\'',
        "quot" => '"',
        _ => return None,
    })
}

/// Text as it may stand in an element or an attribute; what XML cannot carry at all is left out.
pub(super) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for char in text.chars() {
        match char {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '"' => out.push_str("&quot;"),
            '\t' | '\n' | '\r' | ' '.. => out.push(char),
            _ => {}
        }
    }
    out
}

/// What begins each document.
pub(super) const HEAD: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";
/// Elements inside each other, and attributes of one.
const MAX_DEPTH: usize = 32;
/// Tags and texts of a document.
const MAX_EVENTS: usize = 10_000;
