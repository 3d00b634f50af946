//! What the profile does to calls.

use core::net::IpAddr;

use crate::{Cause, E164, HostName, Imsi, NetworkName, Subscriber, subscriber::Entry};

use super::Hlr;

/// A call that a subscriber wants to make, or to widen.
#[derive(Clone, Copy, Debug)]
pub struct Call<'a> {
    /// Where the subscriber is.
    pub network: &'a NetworkName,
    /// How many there will be in it, the subscriber included.
    pub parties: u8,
}

/// Where a call to a subscriber goes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Destination<'a> {
    /// To the subscriber's terminal, by its name.
    Terminal {
        /// The name.
        name: &'a HostName,
        /// Whether it resolves to an address now.
        reachable: bool,
    },
    /// All calls go there: a URI, host name or number.
    Forwarded(&'a str),
}

impl Hlr {
    /// Whether `imsi` may make this call.
    ///
    /// # Errors
    ///
    /// [`Cause::UnknownSubscriber`], [`Cause::NotServing`] when it has not proven to be in that network,
    /// [`Cause::RoamingNotAllowed`], [`Cause::NoPacketData`], and [`Cause::NotSupported`] for a third party that the
    /// subscription does not allow.
    pub fn authorise(&self, imsi: Imsi, call: Call<'_>) -> Result<(), Cause> {
        let entry = self.entry(imsi)?;
        if entry.serving.as_ref().is_none_or(|stay| stay.network != *call.network) {
            return Err(Cause::NotServing);
        }
        let own = self.agreement_with(call.network).is_some_and(|agreement| agreement.own);
        let services = entry.subscriber.profile.services;
        if !entry.subscriber.may_be_in(call.network, own) {
            Err(Cause::RoamingNotAllowed)
        } else if !services.packet_data {
            Err(Cause::NoPacketData)
        } else if call.parties > 2 && !services.three_way {
            Err(Cause::NotSupported)
        } else {
            Ok(())
        }
    }

    /// A subscriber by name.
    #[must_use]
    pub fn named(&self, name: &HostName) -> Option<&Subscriber> {
        self.database.by_name(name).map(|entry| &entry.subscriber)
    }

    /// A subscriber by number.
    #[must_use]
    pub fn numbered(&self, number: E164) -> Option<&Subscriber> {
        self.database.by_number(number).map(|entry| &entry.subscriber)
    }

    /// Whose name resolves to `address`.
    #[must_use]
    pub fn owner(&self, address: IpAddr) -> Option<&Subscriber> {
        self.subscriber(self.database.owner(address)?)
    }

    /// Where calls to `name` go; `None` when it is no subscriber's.
    #[must_use]
    pub fn destination_of_name(&self, name: &HostName) -> Option<Destination<'_>> {
        Some(destination(self.database.by_name(name)?))
    }

    /// Where calls to `number` go; `None` when it is no subscriber's.
    #[must_use]
    pub fn destination_of_number(&self, number: E164) -> Option<Destination<'_>> {
        Some(destination(self.database.by_number(number)?))
    }

    /// Whether `called` is shown who calls: the caller does not restrict it (3GPP TS 23.081), and the called one has
    /// the service. Who is no subscriber of ours neither restricts nor lacks anything here.
    #[must_use]
    pub fn is_caller_shown(&self, caller: &HostName, called: &HostName) -> bool {
        let of = |name: &HostName| self.database.by_name(name).map(|entry| &entry.subscriber);
        let restricted = |subscriber: &Subscriber| subscriber.profile.services.caller_id_restricted;
        let sees = |subscriber: &Subscriber| subscriber.profile.services.caller_id;
        !of(caller).is_some_and(restricted) && of(called).is_none_or(sees)
    }
}

fn destination(entry: &Entry) -> Destination<'_> {
    match &entry.subscriber.profile.forwarding.always {
        Some(to) => Destination::Forwarded(to),
        None => {
            let reachable = !entry.addresses().is_empty();
            Destination::Terminal { name: &entry.subscriber.name, reachable }
        }
    }
}
