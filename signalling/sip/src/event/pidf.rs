//! Presence documents: who can be reached, and how (RFC 3863).
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use core::fmt::Write as _;

use super::xml::{Element, HEAD, XmlError, escape};

/// What is known of somebody's presence.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Presence {
    /// Whose it is: a `pres:` or `sip:` URI.
    pub entity: String,
    /// The ways to reach them.
    pub tuples: Vec<Tuple>,
    /// A sentence for people.
    pub note: Option<String>,
}

/// One way to reach somebody.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Tuple {
    /// Names it among the others.
    pub id: String,
    /// Whether messages and calls are taken there. `None`: it is not said.
    pub open: Option<bool>,
    /// Where.
    pub contact: Option<String>,
    /// A sentence for people.
    pub note: Option<String>,
}

impl Presence {
    /// The media type of such documents.
    pub const KIND: &str = "application/pidf+xml";

    /// Reads a document. What other namespaces add is passed over.
    ///
    /// # Errors
    ///
    /// [`XmlError`] when it is no such document.
    pub fn read(document: &[u8]) -> Result<Self, XmlError> {
        let root = Element::read(document, "presence")?;
        let tuple = |tuple: &Element| Tuple {
            id: tuple.attribute("id").unwrap_or_default().to_owned(),
            open: tuple.child("status").and_then(|status| status.text_of("basic")).and_then(|basic| {
                match basic.as_str() {
                    "open" => Some(true),
                    "closed" => Some(false),
                    _ => None,
                }
            }),
            contact: tuple.text_of("contact"),
            note: tuple.text_of("note"),
        };
        Ok(Self {
            entity: root.attribute("entity").unwrap_or_default().to_owned(),
            tuples: root.all("tuple").map(tuple).collect(),
            note: root.text_of("note"),
        })
    }

    /// Writes the document.
    #[must_use]
    pub fn write(&self) -> String {
        let mut out = String::from(HEAD);
        let entity = escape(&self.entity);
        // Writing to a string does not fail, here and below.
        let _ = writeln!(out, "<presence xmlns=\"urn:ietf:params:xml:ns:pidf\" entity=\"{entity}\">");
        for tuple in &self.tuples {
            let _ = write!(out, "<tuple id=\"{}\"><status>", escape(&tuple.id));
            if let Some(open) = tuple.open {
                let _ = write!(out, "<basic>{}</basic>", if open { "open" } else { "closed" });
            }
            out.push_str("</status>");
            element(&mut out, "contact", tuple.contact.as_deref());
            element(&mut out, "note", tuple.note.as_deref());
            out.push_str("</tuple>\n");
        }
        element(&mut out, "note", self.note.as_deref());
        out.push_str("</presence>\n");
        out
    }

    /// Whether any way to reach them is open. `None` when none says.
    #[must_use]
    pub fn is_open(&self) -> Option<bool> {
        self.tuples.iter().filter_map(|tuple| tuple.open).reduce(|a, b| a || b)
    }
}

fn element(out: &mut String, name: &str, text: Option<&str>) {
    if let Some(text) = text {
        let _ = write!(out, "<{name}>{}</{name}>", escape(text));
    }
}
