//! Partners that are reached by SCTP in UDP: to the rest of the node their associations are streams as all others.

use std::net::SocketAddr;

use rove_base::{
    Arrival, ClosedBy, Connect, Entropy, Flow, Machine as _, Nested, Now, Scratch, Step, Transmit, Transport,
    UdpFlow,
};
use rove_roam::{
    NetworkName,
    private::{
        PartnerId, Told,
        sctp::{Payload, Sctp, SctpCounts, SctpEvent, SctpInput, SctpPeer},
    },
};

use super::{
    Listening, PartnerCarrier, Protocol, Roam, RoamEvent, RoamSections, drain::Polled, sections::wrong,
    streams::Lane,
};
use crate::{Roaming, config::ConfigError};

/// All associations of a node.
#[derive(Debug)]
pub struct Associations {
    machine: Sctp,
    partners: Vec<SctpPartner>,
}

/// A partner that is reached by SCTP.
#[derive(Clone, Debug)]
pub struct SctpPartner {
    /// Which.
    pub id: PartnerId,
    /// Its domain.
    pub name: NetworkName,
    /// Its address, which is all that it is known by.
    pub address: SocketAddr,
    /// What is spoken.
    pub payload: Payload,
}

impl Associations {
    /// Between the socket at `local` and `partners`.
    #[must_use]
    pub fn new(local: SocketAddr, partners: Vec<SctpPartner>, entropy: Entropy) -> Self {
        let peer = |partner: &SctpPartner| SctpPeer { address: partner.address, payload: partner.payload };
        let machine = Sctp::new(local, partners.iter().map(peer).collect::<Vec<_>>(), entropy);
        Self { machine, partners }
    }
}

impl Roam {
    /// With partners that are reached by SCTP.
    #[must_use]
    pub fn with_associations(mut self, associations: Option<Associations>) -> Self {
        self.associations = associations.map(Box::new);
        self
    }

    /// What its associations dropped; `None` without any.
    #[must_use]
    pub fn sctp_counts(&self) -> Option<SctpCounts> {
        self.associations.as_ref().map(|associations| associations.machine.counts())
    }

    /// The program ends: partners at associations are told.
    pub fn leave(&mut self) {
        if let Some(associations) = &mut self.associations {
            associations.machine.leave();
        }
    }

    /// A datagram that may be for them; whether it is.
    pub(super) fn packet(&mut self, flow: UdpFlow, bytes: &[u8]) -> bool {
        let associations = self.associations.as_mut().filter(|one| one.machine.local() == flow.local);
        let Some(associations) = associations else { return false };
        associations.machine.handle(self.now, SctpInput::Datagram { from: flow.remote, bytes });
        true
    }

    pub(super) fn tick_associations(&mut self, now: Now) {
        if let Some(associations) = &mut self.associations {
            associations.machine.tick(now);
        }
    }

    pub(super) fn poll_associations(&mut self, out: &mut Scratch) -> Polled {
        let Some(associations) = &mut self.associations else { return Polled::Wait(None) };
        let event = match associations.machine.poll(out).nested() {
            Nested::Event(event) => event,
            Nested::Wait(until) => return Polled::Wait(until),
            Nested::Pass(step) => return Polled::Step(step),
        };
        match event {
            SctpEvent::Connected { stream, peer, accepted } => {
                let local = associations.machine.local();
                let Some(partner) = associations.partners.get(peer).cloned() else { return Polled::Again };
                let remote = partner.address;
                if let Some(index) = self.reached.get(&partner.id).filter(|_| accepted) {
                    self.streams.know(Lane::Wire(*index), stream, stream);
                }
                self.carried(Arrival::Connected { stream, local, remote, transport: Transport::Udp });
                if accepted {
                    self.carried(Arrival::Identified { stream, name: partner.name.as_str() });
                }
            }
            SctpEvent::Message { stream, bytes } => self.carried(Arrival::Stream { stream, bytes: &bytes }),
            SctpEvent::Closed { stream, by } => self.carried(Arrival::Closed { stream, by }),
            SctpEvent::Malformed { peer } => {
                if let Some(id) = associations.partners.get(peer).map(|partner| partner.id) {
                    self.told(Told::Malformed(id));
                }
            }
        }
        Polled::Again
    }

    fn carried(&mut self, arrival: Arrival<'_>) {
        if let Some((lane, arrival)) = self.streams.arrived(arrival) {
            self.arrived(lane, arrival);
        }
    }

    /// A step of a wire: for the driver, unless it is about an association.
    pub(super) fn pass_or_associate(&mut self, step: Step<RoamEvent>, out: &Scratch) -> Polled {
        let associations = self.associations.as_mut().map(|associations| &mut associations.machine);
        match (step, associations) {
            (Step::Connect(Connect { stream, remote, transport: Transport::Udp, .. }), Some(machine)) => {
                machine.handle(self.now, SctpInput::Connect { stream, remote });
            }
            (Step::Connect(Connect { stream, transport: Transport::Udp, .. }), None) => {
                self.carried(Arrival::Closed { stream, by: ClosedBy::Failure });
            }
            (Step::Send(Transmit { flow: Flow::Stream(stream), range, .. }), Some(machine))
                if machine.knows(stream) =>
            {
                machine.handle(self.now, SctpInput::Send { stream, bytes: out.get(range) });
            }
            (Step::Close(stream), Some(machine)) if machine.knows(stream) => {
                machine.handle(self.now, SctpInput::Close(stream));
            }
            (step, _) => return Polled::Step(step),
        }
        Polled::Again
    }
}

impl Listening {
    /// Where terminals and partners come to.
    pub(crate) fn addresses(&self) -> Roaming {
        let (attach, partners, dhcp) = (self.attach.clone(), self.map.clone(), self.dhcp.clone());
        Roaming { attach, partners, dhcp, sctp: self.sctp }
    }
}

impl RoamSections<'_> {
    /// The associations with partners that are reached by SCTP, from the socket at `local`; `None` without any.
    pub(crate) fn associations(
        &self,
        local: Option<SocketAddr>,
        entropy: Entropy,
    ) -> Result<Option<Associations>, ConfigError> {
        let refuse = |key, what: String| Err(wrong("[[partner]]", key, what));
        if local.is_some_and(|local| local.ip().is_unspecified()) {
            let what = "an address of this machine is wanted: it is all that partners know this node by";
            return Err(wrong("[roaming]", "sctp_listen", what));
        }
        let mut partners: Vec<SctpPartner> = Vec::new();
        for (known, config) in self.partners()?.into_iter().zip(self.partners) {
            if config.carrier != PartnerCarrier::Sctp {
                continue;
            }
            if local.is_none() {
                let what = "sctp needs sctp_listen in [roaming]; add it".to_owned();
                return refuse("carrier", what);
            }
            let Some(address) = config.address else {
                let what = format!(
                    "{}: sctp shows no certificate; add the address that it is known by",
                    config.name
                );
                return refuse("address", what);
            };
            if partners.iter().any(|other| other.address == address) {
                return refuse("address", format!("{address}: two partners cannot be told apart there"));
            }
            let payload =
                if config.protocol == Protocol::Diameter { Payload::Diameter } else { Payload::M3ua };
            partners.push(SctpPartner { id: known.id, name: known.name, address, payload });
        }
        Ok(local.map(|local| Associations::new(local, partners, entropy)))
    }
}
