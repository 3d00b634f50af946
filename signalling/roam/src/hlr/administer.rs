//! Subscribers come, change and go.

use rove_base::Now;

use crate::{
    CancelReason, Generation, HostName, Imsi, NetworkName, Services,
    aka::is_public_key,
    subscriber::{Credential, Entry, Networks, Record, Subscriber},
};

use super::{
    Hlr, Unbinding, Work,
    bind::is_bound,
    commit::{Taken, Then},
};

/// Names what [`Hlr::administer`] was asked for.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct RequestId(pub u64);

/// What the operator wants.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Command {
    /// A new subscriber.
    Add(Box<Subscriber>),
    /// A subscriber is as this says from now on. Its stays end if they may not go on so, or if name or credential are
    /// others; else the networks where it is are told of the profile.
    Change(Box<Subscriber>),
    /// A subscriber is none any more; its stays end.
    Remove(Imsi),
}

/// Why it is not done.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum AdministerError {
    /// There is one of that identity.
    #[error("there is a subscriber of this IMSI already")]
    IdentityTaken,
    /// There is none.
    #[error("there is no subscriber of this IMSI")]
    Unknown,
    /// Another has the name.
    #[error("another subscriber has this name")]
    NameTaken,
    /// Another has the number.
    #[error("another subscriber has this number")]
    NumberTaken,
    /// The name is not below the home's domain.
    #[error("the name does not stand below this home's domain")]
    ForeignName,
    /// The identity is of another network.
    #[error("the IMSI does not begin with one of this home's network codes")]
    ForeignIdentity,
    /// No Ed25519 key.
    #[error("the public key is none")]
    Key,
    /// Not for networks of this kind.
    #[error("the highest bit of AMF must be set (use 8000)")]
    Amf,
    /// Not 1 s to a day.
    #[error("the time to live must be 1 to 86400 seconds")]
    Ttl,
    /// Empty, too long, or with spaces.
    #[error("a forwarding must name a number, host name or URI of at most 255 characters without spaces")]
    Forwarding,
    /// More than 64.
    #[error("at most 64 networks can be listed")]
    Networks,
    /// As many as there may be.
    #[error("there is no room for more subscribers")]
    Full,
    /// Too much to do.
    #[error("overloaded; try again")]
    Overload,
    /// The journal or the name server failed.
    #[error("the change could not be made durable")]
    NotDurable,
}

/// What follows from a change that is durable.
#[derive(Default)]
pub(super) struct Effect {
    /// A new subscriber's first sequence number.
    pub(super) added: Option<u64>,
    removed: bool,
    ended: Vec<(NetworkName, Generation)>,
    unbound: Option<HostName>,
    /// Networks that hear of the profile.
    told: Vec<NetworkName>,
    withdrawn: Option<Services>,
}

impl Command {
    /// Whom it is about.
    #[must_use]
    pub fn imsi(&self) -> Imsi {
        match self {
            Self::Add(subscriber) | Self::Change(subscriber) => subscriber.imsi,
            Self::Remove(imsi) => *imsi,
        }
    }
}

impl Hlr {
    /// Does what the operator wants; [`HlrEvent::Administered`](super::HlrEvent::Administered) answers.
    pub fn administer(&mut self, now: Now, request: RequestId, command: Command) {
        self.enter(now, command.imsi(), Work::Administer { request, command });
    }

    pub(super) fn command(&mut self, request: RequestId, command: Command) -> Result<(), AdministerError> {
        self.room().map_err(|_| AdministerError::Overload)?;
        match command {
            Command::Add(subscriber) => self.add(request, *subscriber),
            Command::Change(subscriber) => self.change(request, *subscriber),
            Command::Remove(imsi) => self.remove(request, imsi),
        }
    }

    fn add(&mut self, request: RequestId, subscriber: Subscriber) -> Result<(), AdministerError> {
        let imsi = subscriber.imsi;
        if self.database.get(imsi).is_some() {
            return Err(AdministerError::IdentityTaken);
        }
        if self.database.len().saturating_add(self.claims.subscribers) >= self.config.limits.subscribers {
            return Err(AdministerError::Full);
        }
        self.check_subscriber(&subscriber)?;
        let taken = Taken {
            name: Some(subscriber.name.clone()),
            number: subscriber.msisdn,
            subscriber: true,
            ..Taken::default()
        };
        let first = self.database.floor.max(1);
        let reserved = first.saturating_add(self.config.limits.sequence_ahead);
        let records = vec![Record::Subscriber(Box::new(subscriber)), Record::Reserved { imsi, reserved }];
        let effect = Effect { added: Some(first), ..Effect::default() };
        self.commit(imsi, records, Vec::new(), taken, Then::Administered { request, effect });
        Ok(())
    }

    fn change(&mut self, request: RequestId, subscriber: Subscriber) -> Result<(), AdministerError> {
        let imsi = subscriber.imsi;
        let entry = self.database.get(imsi).ok_or(AdministerError::Unknown)?;
        self.check_subscriber(&subscriber)?;
        let before = &entry.subscriber;
        let same = before.name == subscriber.name && before.credential == subscriber.credential;
        let goes_on = |network: &NetworkName| {
            let own = self.agreement_with(network).is_some_and(|agreement| agreement.own);
            same && subscriber.profile.services.packet_data && subscriber.may_be_in(network, own)
        };
        let (told, ended): (Vec<_>, Vec<_>) = entry
            .stays()
            .map(|stay| (stay.network.clone(), stay.generation))
            .partition(|(network, _)| goes_on(network));
        let (mut records, names, unbound) = self.end(entry, &ended);
        let news = before.subscription() != subscriber.subscription();
        let told = told.into_iter().filter(|_| news).map(|(network, _)| network).collect();
        let withdrawn = only_withdrawn(before, &subscriber);
        let taken = Taken {
            name: Some(subscriber.name.clone()).filter(|name| *name != before.name),
            number: subscriber.msisdn.filter(|number| Some(*number) != before.msisdn),
            ..Taken::default()
        };
        records.push(Record::Subscriber(Box::new(subscriber)));
        let effect = Effect { ended, unbound, told, withdrawn, ..Effect::default() };
        self.commit(imsi, records, names, taken, Then::Administered { request, effect });
        Ok(())
    }

    fn remove(&mut self, request: RequestId, imsi: Imsi) -> Result<(), AdministerError> {
        let entry = self.database.get(imsi).ok_or(AdministerError::Unknown)?;
        let ended: Vec<_> = entry.stays().map(|stay| (stay.network.clone(), stay.generation)).collect();
        let (mut records, names, unbound) = self.end(entry, &ended);
        records.push(Record::Removed(imsi));
        let effect = Effect { removed: true, ended, unbound, ..Effect::default() };
        self.commit(imsi, records, names, Taken::default(), Then::Administered { request, effect });
        Ok(())
    }

    /// The records, names and the name unbound with the end of these stays.
    fn end(
        &self,
        entry: &Entry,
        ended: &[(NetworkName, Generation)],
    ) -> (Vec<Record>, Vec<crate::NameChange>, Option<HostName>) {
        let imsi = entry.subscriber.imsi;
        let left = |&(_, generation): &(NetworkName, Generation)| Record::Left { imsi, generation };
        let bound = ended.iter().any(|&(_, generation)| is_bound(entry, generation));
        let (names, name) = self.unbinding(entry, bound);
        (ended.iter().map(left).collect(), names, name)
    }

    pub(super) fn take_effect(&mut self, now: Now, imsi: Imsi, effect: Effect) {
        self.tell_unbound(imsi, effect.unbound, Unbinding::Withdrawn);
        for (network, generation) in &effect.ended {
            self.cancel(now, imsi, network, *generation, CancelReason::SubscriptionWithdrawn);
        }
        for network in &effect.told {
            if let Some(partner) = self.agreement_with(network).map(|agreement| agreement.partner) {
                self.tell_profile(now, partner, imsi, effect.withdrawn);
            }
        }
        if effect.removed {
            self.forget_authentications(imsi);
        }
    }

    fn check_subscriber(&self, subscriber: &Subscriber) -> Result<(), AdministerError> {
        let imsi = subscriber.imsi;
        let plmns = &self.config.plmns;
        if !plmns.is_empty() && !plmns.iter().any(|plmn| imsi.is_of(*plmn)) {
            return Err(AdministerError::ForeignIdentity);
        }
        if !subscriber.name.is_below(self.config.domain.as_str()) {
            return Err(AdministerError::ForeignName);
        }
        let others = |entry: Option<&Entry>| entry.is_some_and(|entry| entry.subscriber.imsi != imsi);
        let name = &subscriber.name;
        if others(self.database.by_name(name)) || self.claims.names.contains(name) {
            return Err(AdministerError::NameTaken);
        }
        if let Some(number) = subscriber.msisdn
            && (others(self.database.by_number(number)) || self.claims.numbers.contains(&number))
        {
            return Err(AdministerError::NumberTaken);
        }
        check_fields(subscriber)
    }
}

fn check_fields(subscriber: &Subscriber) -> Result<(), AdministerError> {
    match &subscriber.credential {
        Credential::Aka { amf: [first, _], .. } if first & 0x80 == 0 => return Err(AdministerError::Amf),
        Credential::Ed25519 { public_key } if !is_public_key(public_key) => return Err(AdministerError::Key),
        _ => {}
    }
    if subscriber.ttl.is_some_and(|ttl| !(1..=86_400).contains(&ttl)) {
        return Err(AdministerError::Ttl);
    }
    if matches!(&subscriber.networks, Networks::Only(networks) if networks.len() > MOST_NETWORKS) {
        return Err(AdministerError::Networks);
    }
    let forwarding = &subscriber.profile.forwarding;
    let no_answer = forwarding.no_answer.as_ref().map(|(to, _)| to);
    let mut all = forwarding.always.iter().chain(&forwarding.busy).chain(no_answer);
    let bad = |to: &String| {
        to.is_empty() || to.len() > 255 || to.contains(|c: char| c.is_whitespace() || c.is_control())
    };
    if all.any(bad) { Err(AdministerError::Forwarding) } else { Ok(()) }
}

/// The services that were taken away, if that is all that has changed.
fn only_withdrawn(before: &Subscriber, after: &Subscriber) -> Option<Services> {
    let (old, new) = (before.profile.services, after.profile.services);
    let withdrawn = Services {
        roaming: old.roaming && !new.roaming,
        packet_data: old.packet_data && !new.packet_data,
        caller_id: old.caller_id && !new.caller_id,
        caller_id_restricted: old.caller_id_restricted && !new.caller_id_restricted,
        three_way: old.three_way && !new.three_way,
    };
    let left = Services {
        roaming: old.roaming && !withdrawn.roaming,
        packet_data: old.packet_data && !withdrawn.packet_data,
        caller_id: old.caller_id && !withdrawn.caller_id,
        caller_id_restricted: old.caller_id_restricted && !withdrawn.caller_id_restricted,
        three_way: old.three_way && !withdrawn.three_way,
    };
    let mut expected = before.subscription();
    expected.profile.services = left;
    (expected == after.subscription() && withdrawn != Services::default()).then_some(withdrawn)
}

/// Listed for one subscriber.
const MOST_NETWORKS: usize = 64;
