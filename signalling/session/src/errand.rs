//! What is done outside of calls: a message is sent, an event watched. Each is looked up as a call is, and takes the same way.

use core::time::Duration;
use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    net::SocketAddr,
};

use rove_base::Now;
use rove_dns::lookup::{Candidate, LookupError, LookupId, Resolver};
use rove_sip::{
    event::{Reason, State},
    message::{HeaderName, Method, NameAddr, StatusCode, Uri},
    transport::Hop,
    ua::{self, Failure, OutgoingRequest, RequestId, Subscribing, SubscriptionId, UserAgent},
};

use crate::{AccountId, Config, Event, Target, account::Accounts, event::Asker, switchboard::find};

/// Names one errand, for the life of the switchboard.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct ErrandId(pub u64);

/// Something to be done with somebody, outside of calls.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Errand {
    /// To tell a message (RFC 3428).
    Message {
        /// What it is: a media type.
        kind: String,
        /// What it says.
        body: Vec<u8>,
    },
    /// To watch an event (RFC 6665).
    Watch {
        /// The event package.
        package: String,
        /// The media types of its documents that can be read.
        accept: String,
        /// How long it is asked for at a time; zero asks once.
        expires: Duration,
    },
}

/// What became of an errand.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum ErrandNews {
    /// The message was taken. The errand is over.
    Delivered {
        /// 200 by whom it is for; 202 by somebody who will pass it on.
        status: StatusCode,
    },
    /// How what is watched is.
    State {
        /// How the subscription stands.
        state: State,
        /// What the document is; `None` when there is none.
        kind: Option<String>,
        /// The document.
        body: Vec<u8>,
    },
    /// What was watched is told no longer. The errand is over.
    Over {
        /// Why, by whoever told it.
        reason: Option<Reason>,
    },
    /// It did not come about. The errand is over.
    Failed {
        /// A sentence for the person at the phone.
        why: String,
    },
}

/// All errands of a switchboard.
#[derive(Default)]
pub(crate) struct Errands {
    all: BTreeMap<ErrandId, Entry>,
    by_lookup: HashMap<LookupId, ErrandId>,
    by_request: HashMap<RequestId, ErrandId>,
    by_subscription: HashMap<SubscriptionId, ErrandId>,
    last: u64,
}

struct Entry {
    errand: Errand,
    target: Target,
    account: Option<AccountId>,
    stage: Stage,
}

enum Stage {
    /// The target is being looked up.
    Finding,
    /// Our end of the way to the first of these is asked for.
    Routing(Vec<Candidate>),
    Asking,
    Watching(SubscriptionId),
}

/// What an errand needs beside itself.
pub(crate) struct Tools<'a> {
    pub(crate) config: &'a Config,
    pub(crate) agent: &'a mut UserAgent,
    pub(crate) accounts: &'a Accounts,
    pub(crate) events: &'a mut VecDeque<Event>,
}

impl Errands {
    /// Takes one up. More than [`MOST_ERRANDS`] at a time fail at once.
    pub(crate) fn begin(
        &mut self,
        now: Now,
        (resolver, accounts): (&mut Resolver, &Accounts),
        (target, account): (Target, Option<AccountId>),
        errand: Errand,
        events: &mut VecDeque<Event>,
    ) -> ErrandId {
        self.last += 1;
        let id = ErrandId(self.last);
        if self.all.len() >= MOST_ERRANDS {
            let why = format!("there are {MOST_ERRANDS} messages and watches under way already");
            events.push_back(Event::Errand { id, news: ErrandNews::Failed { why } });
            return id;
        }
        let lookup = find(resolver, now, &accounts.way(&target, account));
        self.by_lookup.insert(lookup, id);
        self.all.insert(id, Entry { errand, target, account, stage: Stage::Finding });
        id
    }

    /// Ends a watch: [`ErrandNews::Over`] follows. One that has not begun is forgotten.
    pub(crate) fn end(&mut self, now: Now, id: ErrandId, tools: &mut Tools<'_>) {
        match self.all.get(&id).map(|entry| &entry.stage) {
            Some(Stage::Watching(subscription)) => tools.agent.unsubscribe(now, *subscription),
            Some(_) => {
                self.all.remove(&id);
                tools.events.push_back(Event::Errand { id, news: ErrandNews::Over { reason: None } });
            }
            None => {}
        }
    }

    /// Ends all watches.
    pub(crate) fn end_all(&mut self, now: Now, tools: &mut Tools<'_>) {
        let all: Vec<ErrandId> = self.all.keys().copied().collect();
        all.into_iter().for_each(|id| self.end(now, id, tools));
    }

    /// A look-up is done. Gives its result back when it was none of ours.
    pub(crate) fn looked_up(
        &mut self,
        lookup: LookupId,
        found: Result<Vec<Candidate>, LookupError>,
        events: &mut VecDeque<Event>,
    ) -> Option<Result<Vec<Candidate>, LookupError>> {
        let Some(id) = self.by_lookup.remove(&lookup) else { return Some(found) };
        let target = self.all.get(&id)?.target.to_string();
        match found {
            Ok(candidates) if !candidates.is_empty() => self.route_to_first(id, candidates, events),
            Ok(_) => self.fail(id, format!("{target} has no address"), events),
            Err(error) => self.fail(id, format!("{target} cannot be found: {error}"), events),
        }
        None
    }

    /// The number that an errand is for is reached at `uri`. `false` when it is none of ours.
    pub(crate) fn number(&mut self, lookup: LookupId, uri: &str, events: &mut VecDeque<Event>) -> bool {
        let Some(id) = self.by_lookup.get(&lookup).copied() else { return false };
        match self.all.get_mut(&id).map(|entry| (entry.target.found_at(uri), entry)) {
            Some((Ok(target), entry)) => entry.target = target,
            Some((Err(error), _)) => self.fail(id, error.to_string(), events),
            None => {}
        }
        true
    }

    /// Our end of the way is known, or there is none.
    pub(crate) fn routed(
        &mut self,
        now: Now,
        id: ErrandId,
        local: Result<SocketAddr, String>,
        tools: &mut Tools<'_>,
    ) {
        let Some(entry) = self.all.get_mut(&id) else { return };
        let Stage::Routing(candidates) = core::mem::replace(&mut entry.stage, Stage::Asking) else { return };
        let local = match local {
            Ok(local) => local,
            Err(_) if candidates.len() > 1 => {
                let others = candidates.into_iter().skip(1).collect();
                return self.route_to_first(id, others, tools.events);
            }
            Err(why) => return self.fail(id, why, tools.events),
        };
        let same_family = candidates.iter().filter(|one| one.address.is_ipv4() == local.is_ipv4());
        let hops: Vec<Hop> = same_family
            .map(|one| Hop::toward(one.transport, tools.config.local(one.transport, local), one.address))
            .collect();
        if let Some(name) = tools.accounts.way(&entry.target, entry.account).name() {
            for hop in hops.iter().filter(|hop| hop.transport.is_secure()) {
                tools.agent.connections().expect_name(hop.transport, hop.remote, &name);
            }
        }
        self.ask(now, id, hops, tools);
    }

    fn ask(&mut self, now: Now, id: ErrandId, hops: Vec<Hop>, tools: &mut Tools<'_>) {
        let Some(entry) = self.all.get_mut(&id) else { return };
        let account = entry.account;
        let target = &tools.accounts.spelled(&entry.target, account);
        let uri = Uri::from(target.uri().clone());
        let known = tools.accounts.identity(target, account).unwrap_or(&tools.config.identity);
        let from = tools.config.shown(known);
        let route = hops.first().map(|hop| tools.accounts.route(target, account, hop)).unwrap_or_default();
        let privacy = tools.config.anonymous.then(|| (HeaderName::Privacy, "id".to_owned()));
        let headers = route.into_iter().map(|route| (HeaderName::Route, route)).chain(privacy).collect();
        match &entry.errand {
            Errand::Message { kind, body } => {
                let to = NameAddr::new(uri.clone());
                let content = Some((kind.clone(), body.clone()));
                let outgoing =
                    OutgoingRequest { hops, method: Method::Message, uri, from, to, headers, content };
                self.by_request.insert(tools.agent.request(now, outgoing), id);
            }
            Errand::Watch { package, accept, expires } => {
                let (package, accept, expires) = (package.clone(), accept.clone(), *expires);
                let wanted = Subscribing { hops, uri, from, package, accept, expires, headers };
                let subscription = tools.agent.subscribe(now, wanted);
                entry.stage = Stage::Watching(subscription);
                self.by_subscription.insert(subscription, id);
            }
        }
    }

    /// What the user agent says of an errand. Gives the event back when it is about something else.
    pub(crate) fn on_agent(&mut self, event: ua::Event, events: &mut VecDeque<Event>) -> Option<ua::Event> {
        let (id, news) = match event {
            ua::Event::Responded { request, response } => {
                let id = self.by_request.remove(&request)?;
                let status = response.status;
                let news = if status.is_success() {
                    ErrandNews::Delivered { status }
                } else {
                    ErrandNews::Failed { why: format!("the other side says {status} {}", response.reason) }
                };
                (id, news)
            }
            ua::Event::RequestFailed { request, failure } => {
                let id = self.by_request.remove(&request)?;
                (id, ErrandNews::Failed { why: why(&failure) })
            }
            ua::Event::Notified { subscription, state, kind, body } => {
                let id = self.by_subscription.get(&subscription).copied()?;
                let kind = kind.map(|kind| kind.to_string());
                (id, ErrandNews::State { state, kind, body })
            }
            ua::Event::SubscriptionEnded { subscription, reason, failure, .. } => {
                let id = self.by_subscription.remove(&subscription)?;
                let news = match failure {
                    Some(failure) => ErrandNews::Failed { why: why(&failure) },
                    None => ErrandNews::Over { reason },
                };
                (id, news)
            }
            other => return Some(other),
        };
        if !matches!(news, ErrandNews::State { .. }) {
            self.all.remove(&id);
        }
        events.push_back(Event::Errand { id, news });
        None
    }

    fn route_to_first(&mut self, id: ErrandId, candidates: Vec<Candidate>, events: &mut VecDeque<Event>) {
        let (Some(first), Some(entry)) = (candidates.first(), self.all.get_mut(&id)) else { return };
        events.push_back(Event::FindRoute { whose: Asker::Errand(id), toward: first.address });
        entry.stage = Stage::Routing(candidates);
    }

    fn fail(&mut self, id: ErrandId, why: String, events: &mut VecDeque<Event>) {
        self.all.remove(&id);
        events.push_back(Event::Errand { id, news: ErrandNews::Failed { why } });
    }
}

/// A failure for people.
fn why(failure: &Failure) -> String {
    match failure {
        Failure::Status { code, reason, warning, .. } => match (code.code(), warning) {
            (_, Some(warning)) => format!("the other side says {code} {reason}: {warning}"),
            (489, None) => "the other side does not tell of that (489)".into(),
            (401 | 407, None) => format!("a password is asked for ({code}): give an account that has it"),
            _ => format!("the other side says {code} {reason}"),
        },
        Failure::Timeout => "nobody answers".into(),
        Failure::Transport => "there is no way to the other side".into(),
        other => format!("{other:?}"),
    }
}

/// Errands at a time.
const MOST_ERRANDS: usize = 1_000;
