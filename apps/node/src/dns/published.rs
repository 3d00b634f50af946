//! Those of the registry that anybody may find, as names of a zone of ours.
//!
//! `bob@b.example` is `bob.b.example`, with the addresses of where he takes calls, for as long as he is registered and
//! listed. What the zone says already, by its configuration or by updates, stays as it is.

use std::collections::{HashSet, VecDeque};

use rove_base::{Append, Now, Scratch};
use rove_dns::{server::Server, update::OwnSet, wire::Name};
use rove_irmv::{Face, Name as User, News, SharedRegistry};

/// What is published, and what is to be looked at.
pub(crate) struct Published {
    registry: SharedRegistry,
    domain: String,
    /// Names that are in the zone, or on their way there, by this.
    ours: HashSet<Name>,
    /// Users to be looked at.
    due: VecDeque<String>,
}

impl Published {
    /// For the users of `domain`.
    pub(crate) fn new(registry: SharedRegistry, domain: &str) -> Self {
        registry.lock().listen(Face::Names);
        let (ours, due) = (HashSet::new(), VecDeque::new());
        Self { registry, domain: domain.to_ascii_lowercase(), ours, due }
    }

    /// The journal was read back: whoever was published and has gone meanwhile is looked at.
    pub(crate) fn start(&mut self, server: &Server) {
        for name in server.owners(MARK) {
            let text = name.to_string();
            if let Some((user, domain)) = text.trim_end_matches('.').split_once('.')
                && domain.eq_ignore_ascii_case(&self.domain)
            {
                self.due.push_back(format!("{user}@{domain}"));
                self.ours.insert(name);
            }
        }
    }

    /// The next change of the zone, as a record for the journal. It shows when that is durable.
    pub(crate) fn next(&mut self, now: Now, server: &mut Server, out: &mut Scratch) -> Option<Append> {
        loop {
            let news = || match self.registry.lock().news(Face::Names)? {
                News::Changed(name) => String::from_utf8(name.into()).ok(),
                News::Ended(record) => Some(record.claim.name.to_string()),
            };
            let waiting = self.registry.lock().has_news(Face::Names);
            let user = match self.due.pop_front() {
                Some(user) => user,
                None if !waiting => return None,
                None => match news() {
                    Some(user) => user,
                    None => continue,
                },
            };
            let Some((name, user)) = self.host(&user) else { continue };
            let addresses = self.registry.lock().listed(&user, now.wall);
            let ours = self.ours.contains(&name);
            // What somebody else has put there is not touched.
            if !ours && (addresses.is_empty() || server.owns(&name)) {
                continue;
            }
            let mark = OwnSet { rdata: Vec::new(), ..mark(&name) };
            let mark = if addresses.is_empty() { mark } else { self::mark(&name) };
            let [v4, v6] = OwnSet::addresses(&name, TTL, &addresses);
            match server.stage_own(&[v4, v6, mark]) {
                Ok((record, own)) => {
                    if addresses.is_empty() {
                        self.ours.remove(&name);
                    } else {
                        self.ours.insert(name);
                    }
                    return Some(Append { range: out.push(&record), ticket: own.ticket() });
                }
                Err(error) => tracing::warn!(target: "rove::dns", %name, %error, "not published"),
            }
        }
    }

    /// The host name of a user, if it can be one: a label of letters, digits and hyphens.
    fn host(&self, user: &str) -> Option<(Name, User)> {
        let user: User = user.parse().ok()?;
        let label = user.user();
        let fits =
            label.len() <= 63 && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        if user.domain() != self.domain || !fits || label.starts_with('-') || label.ends_with('-') {
            return None;
        }
        Some((format!("{label}.{}", self.domain).parse().ok()?, user))
    }
}

/// What tells names that are published so from all others, after a restart as well.
fn mark(name: &Name) -> OwnSet {
    OwnSet { name: name.clone(), rtype: MARK, ttl: TTL, rdata: vec![b"rove"[..].into()] }
}

/// A type for private use (RFC 6895 section 3.1).
const MARK: u16 = 65_281;
/// Seconds that an answer may be cached: who has gone is found no longer than that.
const TTL: u32 = 5;
