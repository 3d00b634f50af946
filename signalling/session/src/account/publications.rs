//! What is told of us, kept at the servers of our accounts (RFC 3903).

use core::time::Duration;
use std::collections::{BTreeMap, VecDeque};

use rove_base::Now;
use rove_sip::{
    event::EventState,
    message::{HeaderName, NameAddr},
    transport::Hop,
    ua::{self, PublicationId, Publishing, UserAgent},
};

use super::{AccountId, AccountNews, reason};
use crate::Event;

/// All that is published, by account and event package.
#[derive(Default)]
pub(super) struct Publications(BTreeMap<(AccountId, String), One>);

struct One {
    /// `None`: the server does not take it, and is not asked again.
    id: Option<PublicationId>,
    state: EventState,
    /// How many documents were published: what the next one counts itself as.
    version: u32,
    /// Whether it is told that the server keeps it.
    told: bool,
}

/// Where, and as whose, something is published.
pub(super) struct Place<'a> {
    pub(super) hops: &'a [Hop],
    pub(super) entity: &'a NameAddr,
    pub(super) route: Vec<(HeaderName, String)>,
}

impl Publications {
    /// Publishes `states` for an account, anew when they have changed.
    pub(super) fn publish(
        &mut self,
        now: Now,
        agent: &mut UserAgent,
        account: AccountId,
        place: &Place<'_>,
        states: &[(&str, EventState)],
    ) {
        for (package, state) in states {
            let key = (account, (*package).to_owned());
            match self.0.get_mut(&key) {
                Some(known) if known.state == *state => {}
                Some(known) => {
                    if let Some(id) = known.id {
                        agent.republish(now, id, state.document(known.version, None));
                        known.version = known.version.saturating_add(1);
                    }
                    known.state = state.clone();
                }
                None => {
                    let wanted = Publishing {
                        hops: place.hops.to_vec(),
                        entity: place.entity.clone(),
                        package: (*package).to_owned(),
                        kind: state.kind().to_owned(),
                        body: state.document(0, None),
                        expires: EXPIRES,
                        headers: place.route.clone(),
                    };
                    let id = Some(agent.publish(now, wanted));
                    self.0.insert(key, One { id, state: state.clone(), version: 1, told: false });
                }
            }
        }
    }

    /// Takes back what an account has published.
    pub(super) fn withdraw(&mut self, now: Now, agent: &mut UserAgent, account: AccountId) {
        self.0.retain(|(whose, _), one| {
            if let Some(id) = one.id.filter(|_| *whose == account) {
                agent.unpublish(now, id);
            }
            *whose != account
        });
    }

    /// What the user agent says of a publication. Gives the event back when it is about something else.
    pub(super) fn on_agent(&mut self, event: ua::Event, events: &mut VecDeque<Event>) -> Option<ua::Event> {
        let (id, failure) = match event {
            ua::Event::Published { publication, .. } => (publication, None),
            ua::Event::PublicationFailed { publication, failure } => (publication, Some(failure)),
            ua::Event::Unpublished { .. } => return None,
            other => return Some(other),
        };
        let ((account, package), one) = self.0.iter_mut().find(|(_, one)| one.id == Some(id))?;
        let (account, package) = (*account, package.clone());
        let news = match failure {
            Some(failure) => {
                one.id = None;
                AccountNews::NotPublished { package, why: reason(&failure) }
            }
            None if core::mem::replace(&mut one.told, true) => return None,
            None => AccountNews::Published { package },
        };
        events.push_back(Event::Account { account, news });
        None
    }
}

/// How long the server keeps it when it hears no more of us.
const EXPIRES: Duration = Duration::from_secs(600);
