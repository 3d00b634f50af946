//! What the role says to the search network, and what it has heard there.

use std::{
    collections::{HashMap, VecDeque},
    net::SocketAddr,
};

use rove_irmv::{Name, Pointer, Record, SearchKey, Words, server::keys};

use crate::driver::Seek;

/// What waits for the network, and what was learned from it. Without a part in it all of it stays empty.
#[derive(Debug, Default)]
pub(super) struct Searcher {
    takes_part: bool,
    waiting: VecDeque<Seek>,
    /// Under what each user is published.
    published: HashMap<Name, Vec<SearchKey>>,
    /// Under which words anybody may find each.
    listed: HashMap<Name, Vec<SearchKey>>,
    /// Of how many users each of these words is.
    words: HashMap<SearchKey, usize>,
    /// Where servers say they are.
    heard: HashMap<Box<str>, Vec<SocketAddr>>,
}

impl Searcher {
    pub(super) fn new(takes_part: bool) -> Self {
        Self { takes_part, ..Self::default() }
    }

    /// A user is here: others find it here from now on.
    pub(super) fn registered(&mut self, record: &Record) {
        if !self.takes_part {
            return;
        }
        let now: Vec<SearchKey> = keys(record).collect();
        let before = self.published.insert(record.claim.name.clone(), now.clone()).unwrap_or_default();
        let gone = before.iter().filter(|key| !now.contains(key)).map(|key| Seek::Withdraw(*key));
        let new = now.iter().filter(|key| !before.contains(key)).map(|key| Seek::Publish(*key));
        self.waiting.extend(gone.chain(new));
    }

    /// Anybody may find a user by these words, and by no others.
    pub(super) fn listed(&mut self, name: &Name, words: &Words) {
        if !self.takes_part {
            return;
        }
        let now: Vec<SearchKey> = SearchKey::of_words(words).collect();
        for key in &now {
            let users = self.words.entry(*key).or_default();
            *users += 1;
            if *users == 1 {
                self.waiting.push_back(Seek::Publish(*key));
            }
        }
        self.unlisted(name);
        if !now.is_empty() {
            self.listed.insert(name.clone(), now);
        }
    }

    /// By none any more.
    fn unlisted(&mut self, name: &Name) {
        for key in self.listed.remove(name).unwrap_or_default() {
            let Some(users) = self.words.get_mut(&key) else { continue };
            *users -= 1;
            if *users == 0 {
                self.words.remove(&key);
                self.waiting.push_back(Seek::Withdraw(key));
            }
        }
    }

    pub(super) fn left(&mut self, name: &Name) {
        self.unlisted(name);
        let gone = self.published.remove(name).unwrap_or_default();
        self.waiting.extend(gone.into_iter().map(Seek::Withdraw));
    }

    pub(super) fn seek(&mut self, number: u64, key: SearchKey) {
        self.waiting.push_back(Seek::Find(number, key));
    }

    /// What the network is to be told or asked next.
    pub(super) fn next(&mut self) -> Option<Seek> {
        self.waiting.pop_front()
    }

    /// A server says where it is. Nothing is believed for that: its certificate has to be its domain's.
    pub(super) fn heard_of(&mut self, pointer: &Pointer) {
        if self.heard.len() >= MOST_HEARD {
            self.heard.clear();
        }
        self.heard.insert(pointer.domain.clone(), pointer.addresses.clone());
    }

    /// Where the server of a domain has said that it is.
    pub(super) fn told_of(&self, domain: &str) -> &[SocketAddr] {
        self.heard.get(domain).map(Vec::as_slice).unwrap_or_default()
    }
}

/// Servers of which it is remembered where they say they are.
const MOST_HEARD: usize = 4_096;

#[cfg(test)]
mod tests;
