//! The update messages (RFC 2136 §2): prerequisites, deletions and additions, unsigned as yet.

use std::net::IpAddr;

use hickory_proto::{
    op::{Message, MessageType, OpCode, Query},
    rr::{
        DNSClass, Name, RData, Record, RecordType,
        rdata::{PTR, SRV},
    },
};

/// What stands, or shall stand, under a name.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct Publication {
    pub(crate) addresses: Vec<IpAddr>,
    pub(crate) sip_port: Option<u16>,
}

/// One change of one zone.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Change {
    /// Make the name hold exactly `new`; `had_service` when an SRV of ours may be left over.
    Replace { name: Name, new: Publication, had_service: bool },
    /// Take away `old`, if the name still holds exactly its addresses.
    Remove { name: Name, old: Publication },
    /// Make the address lead to the name.
    Point { ip: IpAddr, to: Name },
    /// Let the address no longer lead to the name.
    Unpoint { ip: IpAddr, from: Name },
}

impl Change {
    /// The name whose zone has to be changed.
    pub(crate) fn subject(&self) -> Name {
        match self {
            Self::Replace { name, .. } | Self::Remove { name, .. } => name.clone(),
            Self::Point { ip, .. } | Self::Unpoint { ip, .. } => Name::from(*ip),
        }
    }

    /// The message; `None` when it cannot be written, which only too long a name can cause.
    pub(crate) fn write(&self, id: u16, zone: &Name, ttl: u32) -> Option<Vec<u8>> {
        let mut message = Message::new(id, MessageType::Query, OpCode::Update);
        message.add_query(Query::query(zone.clone(), RecordType::SOA));
        match self {
            Self::Replace { name, new, had_service } => replace(&mut message, name, new, *had_service, ttl)?,
            Self::Remove { name, old } => remove(&mut message, name, old)?,
            Self::Point { ip, to } => {
                message.add_authority(delete_set(&Name::from(*ip), RecordType::PTR));
                message.add_authority(Record::from_rdata(Name::from(*ip), ttl, RData::PTR(PTR(to.clone()))));
            }
            Self::Unpoint { ip, from } => {
                message.add_authority(delete_one(&Name::from(*ip), RData::PTR(PTR(from.clone()))));
            }
        }
        message.to_vec().ok()
    }
}

fn replace(message: &mut Message, name: &Name, new: &Publication, had_service: bool, ttl: u32) -> Option<()> {
    message.add_authority(delete_set(name, RecordType::A));
    message.add_authority(delete_set(name, RecordType::AAAA));
    message
        .add_authorities(new.addresses.iter().map(|ip| Record::from_rdata(name.clone(), ttl, (*ip).into())));
    if had_service || new.sip_port.is_some() {
        message.add_authority(delete_set(&service_name(name)?, RecordType::SRV));
    }
    if let Some(port) = new.sip_port {
        message.add_authority(Record::from_rdata(service_name(name)?, ttl, service(name, port)));
    }
    Some(())
}

fn remove(message: &mut Message, name: &Name, old: &Publication) -> Option<()> {
    for kind in [RecordType::A, RecordType::AAAA] {
        let ours: Vec<RData> = old.addresses.iter().map(|ip| RData::from(*ip)).collect();
        let ours: Vec<RData> = ours.into_iter().filter(|data| data.record_type() == kind).collect();
        if ours.is_empty() {
            message.add_answer(with_class(Record::update0(name.clone(), 0, kind), DNSClass::NONE));
        }
        // Exists with exactly these values (RFC 2136 §2.4.2).
        message.add_answers(ours.iter().map(|data| Record::from_rdata(name.clone(), 0, data.clone())));
        message.add_authorities(ours.into_iter().map(|data| delete_one(name, data)));
    }
    if let Some(port) = old.sip_port {
        message.add_authority(delete_one(&service_name(name)?, service(name, port)));
    }
    Some(())
}

/// Deletes all records of a type (RFC 2136 §2.5.2).
fn delete_set(name: &Name, kind: RecordType) -> Record {
    with_class(Record::update0(name.clone(), 0, kind), DNSClass::ANY)
}

/// Deletes one record (RFC 2136 §2.5.4).
fn delete_one(name: &Name, data: RData) -> Record {
    with_class(Record::from_rdata(name.clone(), 0, data), DNSClass::NONE)
}

fn with_class(mut record: Record, class: DNSClass) -> Record {
    record.dns_class = class;
    record
}

fn service_name(name: &Name) -> Option<Name> {
    name.prepend_label("_udp").and_then(|name| name.prepend_label("_sip")).ok()
}

/// The host itself, before any service of its home (priority 20).
fn service(name: &Name, port: u16) -> RData {
    RData::SRV(SRV::new(10, 0, port, name.clone()))
}
