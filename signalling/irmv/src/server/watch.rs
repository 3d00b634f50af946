//! Subscriptions: who is told when somebody's record changes. However many watch somebody of another server that have not
//! said who they are, that server is asked once; else once for each that asks, since it decides what each may see.
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use std::collections::BTreeMap;

use rove_base::StreamId;

use super::Server;
use crate::{Identifier, Message, Name, Reason, Record};

/// What is watched: somebody, by somebody. Those who have not said who they are are one, and so is what they may see.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) struct Topic {
    pub(super) identifier: Identifier,
    pub(super) asker: Option<Name>,
}

/// All subscriptions.
#[derive(Debug, Default)]
pub(super) struct Watches {
    of: BTreeMap<Topic, Watch>,
    /// Which is meant by a number that we gave another server.
    upstream: BTreeMap<u32, Topic>,
}

#[derive(Debug, Default)]
struct Watch {
    watchers: Vec<(StreamId, u32)>,
    /// Where another server is asked.
    remote: Option<Remote>,
}

#[derive(Debug)]
struct Remote {
    domain: String,
    /// `None` while there is no link.
    id: Option<u32>,
    /// What it said last.
    last: Option<Record>,
}

impl Watches {
    /// Whether anybody watches.
    pub(super) fn has(&self, identifier: &Identifier) -> bool {
        self.about(identifier).next().is_some()
    }

    /// All that is watched of somebody.
    pub(super) fn about(&self, identifier: &Identifier) -> impl Iterator<Item = &Topic> {
        let first = Topic { identifier: identifier.clone(), asker: None };
        let same = first.clone();
        self.of
            .range(first..)
            .map(|(topic, _)| topic)
            .take_while(move |one| one.identifier == same.identifier)
    }

    /// A stream is gone, with all that it watched. Other servers go on telling until they are told otherwise, which is
    /// when the next word of theirs finds nobody.
    pub(super) fn forget(&mut self, stream: StreamId, watching: &BTreeMap<u32, Topic>) {
        for identifier in watching.values() {
            if let Some(watch) = self.of.get_mut(identifier) {
                watch.watchers.retain(|(watcher, _)| *watcher != stream);
                if watch.watchers.is_empty() && watch.remote.is_none() {
                    self.of.remove(identifier);
                }
            }
        }
    }
}

impl Server {
    pub(super) fn subscribe(
        &mut self,
        stream: StreamId,
        id: u32,
        identifier: Identifier,
        asker: Option<Name>,
    ) {
        let (now, limits) = (self.now.mono, self.config.limits);
        let most = if self.peer_of(stream).is_some() { usize::MAX } else { limits.watches };
        // The same once more, by whoever has said by now who it is.
        self.unsubscribe(stream, id);
        let Some(link) = self.links.get_mut(&stream) else { return };
        let fits = link.watching.len() < most;
        if !fits || !link.may_ask(now, limits.questions) {
            return self.refuse(stream, id, Reason::Full);
        }
        let topic = Topic { identifier, asker: self.proven(stream, asker) };
        if let Some(link) = self.links.get_mut(&stream) {
            link.watching.insert(id, topic.clone());
        }
        let domain = self.elsewhere(stream, &topic.identifier);
        let watch = self.watches.of.entry(topic.clone()).or_default();
        watch.watchers.push((stream, id));
        match (domain, &watch.remote) {
            (None, _) => {
                let record = self.present(&topic.identifier);
                let record = record.filter(|record| self.shows_record(record, topic.asker.as_ref()));
                self.say(stream, &Message::Notify { id, record });
            }
            (Some(_), Some(remote)) => {
                let record = remote.last.clone();
                self.say(stream, &Message::Notify { id, record });
            }
            (Some(domain), None) => {
                watch.remote = Some(Remote { domain, id: None, last: None });
                self.watch_there(&topic);
            }
        }
    }

    pub(super) fn unsubscribe(&mut self, stream: StreamId, id: u32) {
        let Some(link) = self.links.get_mut(&stream) else { return };
        let Some(identifier) = link.watching.remove(&id) else { return };
        if let Some(watch) = self.watches.of.get_mut(&identifier) {
            watch.watchers.retain(|watcher| *watcher != (stream, id));
        }
        self.leave_if_alone(&identifier);
    }

    /// Nobody watches any more: another server need not tell.
    fn leave_if_alone(&mut self, topic: &Topic) {
        let Some(watch) = self.watches.of.get(topic) else { return };
        if !watch.watchers.is_empty() {
            return;
        }
        if let Some(Remote { domain, id: Some(id), .. }) = &watch.remote {
            let (domain, id) = (domain.clone(), *id);
            self.watches.upstream.remove(&id);
            self.tell_peer(&domain, Message::Unsubscribe { id });
        }
        self.watches.of.remove(topic);
    }

    /// Somebody of ours is another way than before, or is not there any more. Who may not see it does not hear when.
    pub(super) fn tell_watchers(&mut self, identifier: &Identifier, record: &Record, is_there: bool) {
        let topics: Vec<Topic> = self.watches.about(identifier).cloned().collect();
        for topic in
            topics.iter().filter(|topic| self.shows_record(record, topic.asker.as_ref())).collect::<Vec<_>>()
        {
            self.tell_topic(topic, Some(record).filter(|_| is_there));
        }
    }

    /// The same of somebody that the server spoke for, and that is not there any more.
    pub(super) fn tell_gone(&mut self, name: &Name) {
        let identifier = Identifier::Name(name.clone());
        let topics: Vec<Topic> = self.watches.about(&identifier).cloned().collect();
        for topic in topics.iter().filter(|topic| self.showed(name, topic.asker.as_ref())).collect::<Vec<_>>()
        {
            self.tell_topic(topic, None);
        }
    }

    pub(super) fn tell_topic(&mut self, topic: &Topic, record: Option<&Record>) {
        let Some(watch) = self.watches.of.get(topic) else { return };
        for (stream, id) in watch.watchers.clone() {
            self.say(stream, &Message::Notify { id, record: record.cloned() });
        }
    }

    /// Asks the other server to tell, when there is a way to it.
    fn watch_there(&mut self, topic: &Topic) {
        let id = self.asks.number();
        let Some(watch) = self.watches.of.get_mut(topic) else { return };
        let Some(remote) = &mut watch.remote else { return };
        remote.id = Some(id);
        let domain = remote.domain.clone();
        self.watches.upstream.insert(id, topic.clone());
        let Topic { identifier: whom, asker } = topic.clone();
        if !self.tell_peer(&domain, Message::Subscribe { id, identifier: whom, asker }) {
            self.watches_wait(&domain);
        }
    }

    /// What another server says of somebody who is watched.
    pub(super) fn notified(&mut self, stream: StreamId, id: u32, record: Option<&Record>) {
        let Some(domain) = self.peer_of(stream) else { return };
        let Some(topic) = self.watches.upstream.get(&id).cloned() else {
            return self.say(stream, &Message::Unsubscribe { id });
        };
        if record.is_some_and(|record| !self.is_believed(&domain, &topic.identifier, record)) {
            return;
        }
        let Some(watch) = self.watches.of.get_mut(&topic) else { return };
        let Some(remote) = watch.remote.as_mut().filter(|remote| remote.domain == domain) else { return };
        remote.last = record.cloned();
        self.tell_topic(&topic, record);
        self.leave_if_alone(&topic);
    }

    /// The link is gone: nothing is known of those over there until it is back.
    pub(super) fn watches_wait(&mut self, domain: &str) {
        let mut unknown = Vec::new();
        for (topic, watch) in &mut self.watches.of {
            if let Some(remote) = watch.remote.as_mut().filter(|remote| remote.domain == domain) {
                if let Some(id) = remote.id.take() {
                    self.watches.upstream.remove(&id);
                }
                if remote.last.take().is_some() {
                    unknown.push(topic.clone());
                }
            }
        }
        unknown.iter().for_each(|topic| self.tell_topic(topic, None));
        self.watches.of.retain(|_, watch| watch.remote.is_none() || !watch.watchers.is_empty());
        let of_domain = |watch: &Watch| watch.remote.as_ref().is_some_and(|remote| remote.domain == domain);
        let watched = self.watches.of.values().any(of_domain);
        self.may_try(domain, watched);
    }

    /// The link is back.
    pub(super) fn watch_again(&mut self, domain: &str) {
        let waits = |remote: &Remote| remote.id.is_none() && remote.domain == domain;
        let waiting = self.watches.of.iter().filter(|(_, watch)| watch.remote.as_ref().is_some_and(waits));
        let waiting: Vec<_> = waiting.map(|(topic, _)| topic.clone()).collect();
        waiting.iter().for_each(|topic| self.watch_there(topic));
    }

    /// Servers that are watched are tried again when their pause is over.
    pub(super) fn watch_those_that_wait(&mut self) {
        let domains: Vec<String> = self
            .watches
            .of
            .values()
            .filter_map(|watch| watch.remote.as_ref().filter(|remote| remote.id.is_none()))
            .map(|remote| remote.domain.clone())
            .collect();
        let mut last = None;
        for domain in domains {
            if last.as_ref() != Some(&domain) && self.may_try(&domain, true) {
                self.watch_again(&domain);
            }
            last = Some(domain);
        }
    }
}
