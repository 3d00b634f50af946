//! What the journal holds of subscribers.

use rove_base::UnixTime;

use crate::{
    Addresses, Forwarding, Generation, Imsi, Profile, Services,
    aka::{AkaKeys, BindingSecret},
};

use super::{
    Binding, Credential, Entry, Networks, Stay, Subscriber,
    bytes::{Reader, Writer},
};

/// A record that cannot be read back.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ReplayError {
    /// Of another version of this program.
    #[error("the record is of version {0}, which is not known here")]
    Version(u8),
    /// Not one of those there are.
    #[error("a record of kind {0} is not known")]
    Kind(u8),
    /// It ends too early.
    #[error("the record is cut short")]
    Truncated,
    /// A field cannot be what it says.
    #[error("{0} has a value that cannot be")]
    Value(&'static str),
}

/// One change of the database.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Record {
    /// Stays up to this one have been, and sequence numbers below `floor`: of snapshots.
    Counters { newest: Generation, floor: u64 },
    /// A subscriber is new, or different.
    Subscriber(Box<Subscriber>),
    /// A subscriber with its whereabouts: of snapshots.
    Whole(Box<Entry>),
    /// A subscriber is none any more.
    Removed(Imsi),
    /// Sequence numbers below `reserved` may be used.
    Reserved { imsi: Imsi, reserved: u64 },
    /// A stay begins.
    Located { imsi: Imsi, stay: Stay },
    /// Its terminal has proven itself, its name is bound.
    Bound { imsi: Imsi, generation: Generation, binding: Binding },
    /// The binding holds longer.
    Renewed { imsi: Imsi, generation: Generation, until: UnixTime },
    /// The binding is over, the stay is not.
    Unbound { imsi: Imsi, generation: Generation },
    /// The stay is over.
    Left { imsi: Imsi, generation: Generation },
}

/// All of `records` as one record of the journal.
pub(crate) fn encode(records: &[Record]) -> Vec<u8> {
    let mut out = Writer::default();
    out.u8(VERSION);
    records.iter().for_each(|record| write(&mut out, record));
    out.0
}

/// What [`encode`] wrote.
///
/// # Errors
///
/// [`ReplayError`] if `bytes` are not such a record.
pub(crate) fn decode(bytes: &[u8]) -> Result<Vec<Record>, ReplayError> {
    let mut from = Reader(bytes);
    let version = from.u8()?;
    if version != VERSION {
        return Err(ReplayError::Version(version));
    }
    let mut records = Vec::new();
    while !from.0.is_empty() {
        records.push(read(&mut from)?);
    }
    Ok(records)
}

fn write(out: &mut Writer, record: &Record) {
    match record {
        Record::Counters { newest, floor } => {
            out.u8(0);
            out.u64(newest.0);
            out.u64(*floor);
        }
        Record::Subscriber(subscriber) => {
            out.u8(1);
            write_subscriber(out, subscriber);
        }
        Record::Whole(entry) => {
            out.u8(2);
            write_subscriber(out, &entry.subscriber);
            out.u64(entry.reserved);
            out.option(entry.serving.as_ref(), write_stay);
            out.option(entry.arriving.as_ref(), write_stay);
        }
        Record::Removed(imsi) => {
            out.u8(3);
            out.text(imsi.as_str());
        }
        Record::Reserved { imsi, reserved } => {
            out.u8(4);
            out.text(imsi.as_str());
            out.u64(*reserved);
        }
        Record::Located { imsi, stay } => {
            out.u8(5);
            out.text(imsi.as_str());
            write_stay(out, stay);
        }
        Record::Bound { imsi, generation, binding } => {
            of_stay(out, 6, *imsi, *generation);
            write_binding(out, *binding);
        }
        Record::Renewed { imsi, generation, until } => {
            of_stay(out, 7, *imsi, *generation);
            out.u64(until.as_nanos());
        }
        Record::Unbound { imsi, generation } => of_stay(out, 8, *imsi, *generation),
        Record::Left { imsi, generation } => of_stay(out, 9, *imsi, *generation),
    }
}

fn of_stay(out: &mut Writer, kind: u8, imsi: Imsi, generation: Generation) {
    out.u8(kind);
    out.text(imsi.as_str());
    out.u64(generation.0);
}

fn read(from: &mut Reader<'_>) -> Result<Record, ReplayError> {
    let kind = from.u8()?;
    Ok(match kind {
        0 => Record::Counters { newest: Generation(from.u64()?), floor: from.u64()? },
        1 => Record::Subscriber(Box::new(read_subscriber(from)?)),
        2 => Record::Whole(Box::new(Entry {
            subscriber: read_subscriber(from)?,
            reserved: from.u64()?,
            serving: from.option(read_stay)?,
            arriving: from.option(read_stay)?,
        })),
        3 => Record::Removed(from.parsed("IMSI")?),
        4 => Record::Reserved { imsi: from.parsed("IMSI")?, reserved: from.u64()? },
        5 => Record::Located { imsi: from.parsed("IMSI")?, stay: read_stay(from)? },
        6..=9 => {
            let (imsi, generation) = (from.parsed("IMSI")?, Generation(from.u64()?));
            match kind {
                6 => Record::Bound { imsi, generation, binding: read_binding(from)? },
                7 => Record::Renewed { imsi, generation, until: UnixTime::from_nanos(from.u64()?) },
                8 => Record::Unbound { imsi, generation },
                _ => Record::Left { imsi, generation },
            }
        }
        kind => return Err(ReplayError::Kind(kind)),
    })
}

fn write_subscriber(out: &mut Writer, subscriber: &Subscriber) {
    let Subscriber { imsi, msisdn, name, credential, profile, networks, gives_name, ttl } = subscriber;
    out.text(imsi.as_str());
    out.option(msisdn.as_ref(), |out, number| out.text(number.as_str()));
    out.text(name.as_str());
    match credential {
        Credential::Aka { keys, amf } => {
            out.u8(0);
            out.raw(keys.k());
            out.raw(keys.opc());
            out.raw(amf);
        }
        Credential::Ed25519 { public_key } => {
            out.u8(1);
            out.raw(public_key);
        }
    }
    let Services { roaming, packet_data, caller_id, caller_id_restricted, three_way } = profile.services;
    for granted in [roaming, packet_data, caller_id, caller_id_restricted, three_way, *gives_name] {
        out.u8(u8::from(granted));
    }
    let Forwarding { always, busy, no_answer } = &profile.forwarding;
    out.option(always.as_ref(), |out, to| out.text(to));
    out.option(busy.as_ref(), |out, to| out.text(to));
    out.option(no_answer.as_ref(), |out, (to, seconds)| {
        out.text(to);
        out.u16(*seconds);
    });
    let networks = match networks {
        Networks::All => None,
        Networks::Only(networks) => Some(networks),
    };
    out.option(networks, |out, networks| out.list(networks, |out, network| out.text(network.as_str())));
    out.option(*ttl, Writer::u32);
}

fn read_subscriber(from: &mut Reader<'_>) -> Result<Subscriber, ReplayError> {
    let imsi = from.parsed("IMSI")?;
    let msisdn = from.option(|from| from.parsed("number"))?;
    let name = from.parsed("name")?;
    let credential = match from.u8()? {
        0 => Credential::Aka { keys: AkaKeys::new(from.array()?, from.array()?), amf: from.array()? },
        1 => Credential::Ed25519 { public_key: from.array()? },
        _ => return Err(ReplayError::Value("credential")),
    };
    let services = Services {
        roaming: from.flag()?,
        packet_data: from.flag()?,
        caller_id: from.flag()?,
        caller_id_restricted: from.flag()?,
        three_way: from.flag()?,
    };
    let gives_name = from.flag()?;
    let forwarding = Forwarding {
        always: from.option(Reader::text)?,
        busy: from.option(Reader::text)?,
        no_answer: from.option(|from| Ok((from.text()?, from.u16()?)))?,
    };
    let networks = from.option(|from| from.list(|from| from.parsed("network")))?;
    let networks = networks.map_or(Networks::All, Networks::Only);
    let ttl = from.option(Reader::u32)?;
    let profile = Profile { services, forwarding };
    Ok(Subscriber { imsi, msisdn, name, credential, profile, networks, gives_name, ttl })
}

fn write_stay(out: &mut Writer, stay: &Stay) {
    let Stay { generation, network, vlr, binding, prove_by, secrets } = stay;
    out.u64(generation.0);
    out.text(network.as_str());
    out.text(vlr.as_str());
    out.option(*binding, write_binding);
    out.u64(prove_by.as_nanos());
    out.list(secrets, |out, secret| out.raw(secret.as_bytes()));
}

fn read_stay(from: &mut Reader<'_>) -> Result<Stay, ReplayError> {
    Ok(Stay {
        generation: Generation(from.u64()?),
        network: from.parsed("network")?,
        vlr: from.parsed("number of the visited node")?,
        binding: from.option(read_binding)?,
        prove_by: UnixTime::from_nanos(from.u64()?),
        secrets: from.list(|from| Ok(BindingSecret::from_bytes(&from.array()?)))?,
    })
}

fn write_binding(out: &mut Writer, binding: Binding) {
    let Binding { addresses, until, digest } = binding;
    out.option(addresses.v4, |out, v4| out.raw(&v4.octets()));
    out.option(addresses.v6, |out, v6| out.raw(&v6.octets()));
    out.u64(until.as_nanos());
    out.raw(&digest);
}

fn read_binding(from: &mut Reader<'_>) -> Result<Binding, ReplayError> {
    let v4 = from.option(|from| from.array::<4>())?.map(Into::into);
    let v6 = from.option(|from| from.array::<16>())?.map(Into::into);
    let addresses = Addresses { v4, v6 };
    Ok(Binding { addresses, until: UnixTime::from_nanos(from.u64()?), digest: from.array()? })
}

/// Of the format.
const VERSION: u8 = 1;
