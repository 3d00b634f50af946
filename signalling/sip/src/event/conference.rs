//! Documents of the conference package: who is in a conference (RFC 4575).
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use core::fmt::Write as _;

use super::xml::{Element, HEAD, XmlError, escape};

/// A conference, all of it or what has changed.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Conference {
    /// Grows by one with each document of a subscription (RFC 4575 §5.1).
    pub version: u32,
    /// How much of it this is.
    pub part: Part,
    /// Its URI.
    pub entity: String,
    /// What it is about.
    pub subject: Option<String>,
    /// How many may take part. `None`: it is not said.
    pub most_users: Option<u32>,
    /// How many take part. `None`: it is not said.
    pub count: Option<u32>,
    /// Who takes part.
    pub users: Vec<User>,
}

/// How much of something a document tells (RFC 4575 §4.4).
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Part {
    /// All of it.
    #[default]
    Full,
    /// What has changed.
    Partial,
    /// That it is gone.
    Deleted,
}

/// One who takes part.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct User {
    /// Who: a URI, which names it among the others.
    pub entity: String,
    /// How much of it is told.
    pub part: Part,
    /// A name for people.
    pub name: Option<String>,
    /// What it takes part with.
    pub endpoints: Vec<Endpoint>,
}

/// What somebody takes part with.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Endpoint {
    /// Where it is reached, which names it among those of its user.
    pub entity: String,
    /// How far it is: `connected`, `on-hold`, `disconnected` and others of RFC 4575 §5.7.2.
    pub status: Option<String>,
    /// How it came in: `dialed-in`, `dialed-out`.
    pub joined: Option<String>,
}

impl Part {
    const ALL: [(Self, &'static str); 3] =
        [(Self::Full, "full"), (Self::Partial, "partial"), (Self::Deleted, "deleted")];

    fn read(element: &Element) -> Self {
        let text = element.attribute("state").unwrap_or("full");
        Self::ALL.iter().find(|(_, name)| *name == text).map_or(Self::Full, |(part, _)| *part)
    }

    fn name(self) -> &'static str {
        Self::ALL.iter().find(|(part, _)| *part == self).map_or("", |(_, name)| name)
    }
}

impl Conference {
    /// The media type of such documents.
    pub const KIND: &str = "application/conference-info+xml";

    /// Reads a document. What it says of media, sidebars and roles is passed over.
    ///
    /// # Errors
    ///
    /// [`XmlError`] when it is no such document.
    pub fn read(document: &[u8]) -> Result<Self, XmlError> {
        let root = Element::read(document, "conference-info")?;
        let number = |text: Option<String>| text.and_then(|text| text.parse().ok());
        let described = root.child("conference-description");
        let users = root.child("users");
        Ok(Self {
            version: root.attribute("version").and_then(|text| text.parse().ok()).unwrap_or(0),
            part: Part::read(&root),
            entity: root.attribute("entity").unwrap_or_default().to_owned(),
            subject: described.and_then(|one| one.text_of("subject")),
            most_users: number(described.and_then(|one| one.text_of("maximum-user-count"))),
            count: number(root.child("conference-state").and_then(|one| one.text_of("user-count"))),
            users: users.into_iter().flat_map(|users| users.all("user")).map(User::read).collect(),
        })
    }

    /// Writes the document.
    #[must_use]
    pub fn write(&self) -> String {
        let mut out = String::from(HEAD);
        // Writing to a string does not fail, here and below.
        let _ = writeln!(
            out,
            "<conference-info xmlns=\"urn:ietf:params:xml:ns:conference-info\" entity=\"{}\" state=\"{}\" \
             version=\"{}\">",
            escape(&self.entity),
            self.part.name(),
            self.version
        );
        if self.subject.is_some() || self.most_users.is_some() {
            out.push_str("<conference-description>");
            element(&mut out, "subject", self.subject.as_deref());
            element(&mut out, "maximum-user-count", self.most_users.map(|most| most.to_string()).as_deref());
            out.push_str("</conference-description>\n");
        }
        if let Some(count) = self.count {
            let _ = writeln!(out, "<conference-state><user-count>{count}</user-count></conference-state>");
        }
        let whole = if self.part == Part::Full { "full" } else { "partial" };
        let _ = writeln!(out, "<users state=\"{whole}\">");
        self.users.iter().for_each(|user| user.write(&mut out));
        out.push_str("</users>\n</conference-info>\n");
        out
    }

    /// What is to be told to who knows `before`: those that came or are as they were not, and those that left.
    #[must_use]
    pub fn since(&self, before: &Self) -> Self {
        let changed = self.users.iter().filter(|user| !before.users.contains(user)).cloned();
        let here = |gone: &User| self.users.iter().any(|user| user.entity == gone.entity);
        let left = before.users.iter().filter(|user| !here(user));
        let left =
            left.map(|user| User { entity: user.entity.clone(), part: Part::Deleted, ..User::default() });
        Self {
            version: self.version,
            part: Part::Partial,
            entity: self.entity.clone(),
            subject: self.subject.clone().filter(|_| self.subject != before.subject),
            most_users: self.most_users.filter(|_| self.most_users != before.most_users),
            count: self.count,
            users: changed.chain(left).collect(),
        }
    }

    /// Takes over what a later document tells. `false` when one in between is missing, which leaves everything as it was: a
    /// whole document is to be asked for (RFC 4575 §4.6).
    #[must_use]
    pub fn take(&mut self, news: &Self) -> bool {
        if news.part != Part::Partial {
            self.clone_from(news);
            return true;
        }
        if news.version <= self.version {
            // Told before.
            return true;
        }
        if self.version.checked_add(1) != Some(news.version) {
            return false;
        }
        self.version = news.version;
        self.subject = news.subject.clone().or(self.subject.take());
        (self.most_users, self.count) = (news.most_users.or(self.most_users), news.count.or(self.count));
        for user in &news.users {
            let at = self.users.iter().position(|known| known.entity == user.entity);
            match (user.part, at) {
                (Part::Deleted, Some(at)) => drop(self.users.remove(at)),
                (Part::Deleted, None) => {}
                (_, Some(at)) => {
                    if let Some(known) = self.users.get_mut(at) {
                        known.clone_from(user);
                    }
                }
                (_, None) if self.users.len() < MOST_USERS => self.users.push(user.clone()),
                (_, None) => {}
            }
        }
        true
    }
}

impl User {
    fn read(user: &Element) -> Self {
        let endpoint = |endpoint: &Element| Endpoint {
            entity: endpoint.attribute("entity").unwrap_or_default().to_owned(),
            status: endpoint.text_of("status"),
            joined: endpoint.text_of("joining-method"),
        };
        Self {
            entity: user.attribute("entity").unwrap_or_default().to_owned(),
            part: Part::read(user),
            name: user.text_of("display-text"),
            endpoints: user.all("endpoint").map(endpoint).collect(),
        }
    }

    fn write(&self, out: &mut String) {
        let _ = write!(out, "<user entity=\"{}\" state=\"{}\">", escape(&self.entity), self.part.name());
        element(out, "display-text", self.name.as_deref());
        for endpoint in &self.endpoints {
            let _ = write!(out, "<endpoint entity=\"{}\">", escape(&endpoint.entity));
            element(out, "status", endpoint.status.as_deref());
            element(out, "joining-method", endpoint.joined.as_deref());
            out.push_str("</endpoint>");
        }
        out.push_str("</user>\n");
    }
}

fn element(out: &mut String, name: &str, text: Option<&str>) {
    if let Some(text) = text {
        let _ = write!(out, "<{name}>{}</{name}>", escape(text));
    }
}

/// More that take part are not kept.
const MOST_USERS: usize = 1_000;
