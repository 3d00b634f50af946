//! Documents of the dialog package: which calls somebody has (RFC 4235).
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use core::fmt::Write as _;

use super::xml::{Element, HEAD, XmlError, escape};

/// Somebody's dialogs, all of them or what has changed.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct DialogInfo {
    /// Grows by one with each document of a subscription.
    pub version: u32,
    /// Whether what is not here does not exist.
    pub full: bool,
    /// Whose they are.
    pub entity: String,
    /// The dialogs.
    pub dialogs: Vec<DialogEntry>,
}

/// One dialog.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct DialogEntry {
    /// Names it among the others.
    pub id: String,
    /// Its Call-ID, and the tags of both ends, so that it can be replaced (RFC 3891).
    pub call_id: Option<String>,
    /// The tag of whoever tells.
    pub local_tag: Option<String>,
    /// The tag of the other end.
    pub remote_tag: Option<String>,
    /// Whether whoever tells has called. `None`: it is not said.
    pub initiator: Option<bool>,
    /// How far it is.
    pub state: DialogState,
    /// Who is at the other end.
    pub remote: Option<String>,
}

/// How far a dialog is (RFC 4235 §3.7.1).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum DialogState {
    /// The INVITE is out.
    Trying,
    /// Somebody has it.
    Proceeding,
    /// It rings.
    Early,
    /// It stands.
    Confirmed,
    /// It is over.
    Terminated,
}

impl DialogState {
    const ALL: [(Self, &'static str); 5] = [
        (Self::Trying, "trying"),
        (Self::Proceeding, "proceeding"),
        (Self::Early, "early"),
        (Self::Confirmed, "confirmed"),
        (Self::Terminated, "terminated"),
    ];

    fn parse(text: &str) -> Option<Self> {
        Self::ALL.iter().find(|(_, name)| *name == text).map(|(state, _)| *state)
    }

    fn name(self) -> &'static str {
        Self::ALL.iter().find(|(state, _)| *state == self).map_or("", |(_, name)| name)
    }
}

impl DialogInfo {
    /// The media type of such documents.
    pub const KIND: &str = "application/dialog-info+xml";

    /// Reads a document. Dialogs in a state that is not known are left out.
    ///
    /// # Errors
    ///
    /// [`XmlError`] when it is no such document.
    pub fn read(document: &[u8]) -> Result<Self, XmlError> {
        let root = Element::read(document, "dialog-info")?;
        let owned = |text: Option<&str>| text.map(str::to_owned);
        let dialog = |dialog: &Element| {
            let remote = dialog.child("remote").and_then(|remote| remote.text_of("identity"));
            Some(DialogEntry {
                id: dialog.attribute("id").unwrap_or_default().to_owned(),
                call_id: owned(dialog.attribute("call-id")),
                local_tag: owned(dialog.attribute("local-tag")),
                remote_tag: owned(dialog.attribute("remote-tag")),
                initiator: dialog.attribute("direction").map(|direction| direction == "initiator"),
                state: DialogState::parse(&dialog.text_of("state")?)?,
                remote,
            })
        };
        Ok(Self {
            version: root.attribute("version").and_then(|text| text.parse().ok()).unwrap_or(0),
            full: root.attribute("state") != Some("partial"),
            entity: root.attribute("entity").unwrap_or_default().to_owned(),
            dialogs: root.all("dialog").filter_map(dialog).collect(),
        })
    }

    /// Writes the document.
    #[must_use]
    pub fn write(&self) -> String {
        let mut out = String::from(HEAD);
        let (entity, state) = (escape(&self.entity), if self.full { "full" } else { "partial" });
        // Writing to a string does not fail, here and below.
        let _ = writeln!(
            out,
            "<dialog-info xmlns=\"urn:ietf:params:xml:ns:dialog-info\" version=\"{}\" state=\"{state}\" \
             entity=\"{entity}\">",
            self.version
        );
        for dialog in &self.dialogs {
            let _ = write!(out, "<dialog id=\"{}\"", escape(&dialog.id));
            let attributes = [
                ("call-id", &dialog.call_id),
                ("local-tag", &dialog.local_tag),
                ("remote-tag", &dialog.remote_tag),
            ];
            for (name, value) in attributes {
                if let Some(value) = value {
                    let _ = write!(out, " {name}=\"{}\"", escape(value));
                }
            }
            if let Some(initiator) = dialog.initiator {
                let _ = write!(out, " direction=\"{}\"", if initiator { "initiator" } else { "recipient" });
            }
            let _ = write!(out, "><state>{}</state>", dialog.state.name());
            if let Some(remote) = &dialog.remote {
                let _ = write!(out, "<remote><identity>{}</identity></remote>", escape(remote));
            }
            out.push_str("</dialog>\n");
        }
        out.push_str("</dialog-info>\n");
        out
    }
}
