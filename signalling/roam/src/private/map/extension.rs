//! What MAP has no field for, in a private extension of its extension container (3GPP TS 29.002 §17.7.11), as
//! `signalling/roam/extension.md` specifies it.

use core::net::{Ipv4Addr, Ipv6Addr};

use crate::{
    Addresses, Cause, Forwarding, Generation, HostName, Proof, Services,
    private::ber::{BerError, Reader, Tag, Writer, unsigned},
};

/// The private extension, each field of which may be absent.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Extension {
    /// The domain of the visited network.
    pub network: Option<HostName>,
    /// Which stay.
    pub generation: Option<Generation>,
    /// The terminal's host name.
    pub name: Option<HostName>,
    /// What to bind the name to.
    pub bind: Option<Bind>,
    /// How long a binding is granted, in seconds.
    pub lease: Option<u32>,
    /// What is granted, or withdrawn.
    pub services: Option<Services>,
    /// Where calls go that the standard's field has no room for.
    pub forwarding: Option<Forwarding>,
    /// Challenges for key pairs: nonce and public key.
    pub keys: Vec<Key>,
    /// Why a question is refused, when the standard's code does not say it.
    pub cause: Option<Cause>,
}

/// Nonce and public key.
pub type Key = ([u8; 32], [u8; 32]);

/// A claim without what stands elsewhere in the message.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Bind {
    /// What the name is to resolve to.
    pub addresses: Addresses,
    /// The terminal's word for it.
    pub proof: Proof,
    /// How long, in seconds.
    pub lease: u32,
}

impl Extension {
    /// Writes the extension container as the field `tag`; nothing when the extension says nothing.
    pub fn write(&self, tag: Tag, out: &mut Writer<'_>) {
        if *self == Self::default() {
            return;
        }
        out.nest(tag, |out| {
            out.nest(PRIVATE_LIST, |out| {
                out.nest(Tag::SEQUENCE, |out| {
                    out.value(Tag::OID, OID);
                    out.nest(Tag::SEQUENCE, |out| self.fields(out));
                });
            });
        });
    }

    /// The fields alone, as ANSI-41 carries them too.
    pub fn fields(&self, out: &mut Writer<'_>) {
        if let Some(network) = &self.network {
            out.value(NETWORK, network.as_str().as_bytes());
        }
        if let Some(generation) = self.generation {
            out.unsigned(GENERATION, generation.0);
        }
        if let Some(name) = &self.name {
            out.value(NAME, name.as_str().as_bytes());
        }
        if let Some(bind) = &self.bind {
            out.nest(BIND, |out| bind.write(out));
        }
        if let Some(lease) = self.lease {
            out.unsigned(LEASE, u64::from(lease));
        }
        if let Some(services) = self.services {
            out.value(SERVICES, &[UNUSED_BITS, service_bits(services)]);
        }
        if let Some(forwarding) = &self.forwarding {
            out.nest(FORWARDING, |out| write_forwarding(forwarding, out));
        }
        if !self.keys.is_empty() {
            out.nest(KEYS, |out| self.keys.iter().for_each(|key| write_key(key, out)));
        }
        if let Some(code) = self.cause.and_then(cause_code) {
            out.value(CAUSE, &[code]);
        }
    }

    /// Reads the contents of an extension container. Extensions of others are passed over, and so are fields that a
    /// later version may add.
    ///
    /// # Errors
    ///
    /// [`BerError`] when it is ill-formed or a field holds what it may not.
    pub fn read(container: Option<&[u8]>) -> Result<Self, BerError> {
        let Some(list) = Reader::new(container.unwrap_or_default()).field(PRIVATE_LIST)? else {
            return Ok(Self::default());
        };
        let mut list = Reader::new(list);
        while let Some((_, extension)) = list.take()? {
            let mut extension = Reader::new(extension);
            if extension.expect(Tag::OID)? == OID {
                return Self::read_fields(extension.need(Tag::SEQUENCE)?);
            }
        }
        Ok(Self::default())
    }

    /// Reads the fields alone.
    ///
    /// # Errors
    ///
    /// As [`Extension::read`].
    pub fn read_fields(fields: &[u8]) -> Result<Self, BerError> {
        let mut extension = Self::default();
        let mut fields = Reader::new(fields);
        while let Some((tag, value)) = fields.take()? {
            match tag {
                NETWORK => extension.network = Some(host(tag, value)?),
                GENERATION => extension.generation = Some(Generation(unsigned(tag, value)?)),
                NAME => extension.name = Some(host(tag, value)?),
                BIND => extension.bind = Some(Bind::read(value)?),
                LEASE => extension.lease = Some(seconds(tag, value)?),
                SERVICES => extension.services = Some(read_services(value)?),
                FORWARDING => extension.forwarding = Some(read_forwarding(value)?),
                KEYS => extension.keys = read_keys(value)?,
                CAUSE => extension.cause = cause_from_code(unsigned(tag, value)?),
                _ => {}
            }
        }
        Ok(extension)
    }
}

impl Bind {
    fn write(&self, out: &mut Writer<'_>) {
        if let Some(v4) = self.addresses.v4 {
            out.value(Tag::context(0), &v4.octets());
        }
        if let Some(v6) = self.addresses.v6 {
            out.value(Tag::context(1), &v6.octets());
        }
        out.value(Tag::context(2), &self.proof.0);
        out.unsigned(Tag::context(3), u64::from(self.lease));
    }

    fn read(fields: &[u8]) -> Result<Self, BerError> {
        let mut fields = Reader::new(fields);
        let v4 = fields.field(Tag::context(0))?;
        let v4 = v4.map(|v4| fixed::<4>(Tag::context(0), v4).map(Ipv4Addr::from)).transpose()?;
        let v6 = fields.field(Tag::context(1))?;
        let v6 = v6.map(|v6| fixed::<16>(Tag::context(1), v6).map(Ipv6Addr::from)).transpose()?;
        let proof = fields.need(Tag::context(2))?;
        if proof.is_empty() || proof.len() > MAX_PROOF {
            return Err(BerError::Value(Tag::context(2)));
        }
        let lease = seconds(Tag::context(3), fields.need(Tag::context(3))?)?;
        Ok(Self { addresses: Addresses { v4, v6 }, proof: Proof(proof.to_vec()), lease })
    }
}

fn write_forwarding(forwarding: &Forwarding, out: &mut Writer<'_>) {
    let Forwarding { always, busy, no_answer } = forwarding;
    if let Some(always) = always {
        out.value(Tag::context(0), always.as_bytes());
    }
    if let Some(busy) = busy {
        out.value(Tag::context(1), busy.as_bytes());
    }
    if let Some((target, seconds)) = no_answer {
        out.value(Tag::context(2), target.as_bytes());
        out.unsigned(Tag::context(3), u64::from(*seconds));
    }
}

fn read_forwarding(fields: &[u8]) -> Result<Forwarding, BerError> {
    let mut fields = Reader::new(fields);
    let mut target = |number: u8| -> Result<Option<String>, BerError> {
        let tag = Tag::context(number);
        fields.field(tag)?.map(|value| text(tag, value)).transpose()
    };
    let (always, busy, no_answer) = (target(0)?, target(1)?, target(2)?);
    let no_answer = match no_answer {
        None => None,
        Some(target) => {
            let seconds = unsigned(Tag::context(3), fields.need(Tag::context(3))?)?;
            Some((target, u16::try_from(seconds).map_err(|_| BerError::Value(Tag::context(3)))?))
        }
    };
    Ok(Forwarding { always, busy, no_answer })
}

fn write_key((nonce, key): &Key, out: &mut Writer<'_>) {
    out.nest(Tag::SEQUENCE, |out| {
        out.value(Tag::OCTET_STRING, nonce);
        out.value(Tag::OCTET_STRING, key);
    });
}

fn read_keys(list: &[u8]) -> Result<Vec<Key>, BerError> {
    let mut list = Reader::new(list);
    let mut keys = Vec::new();
    while let Some((_, key)) = list.take()? {
        if keys.len() == MAX_KEYS {
            return Err(BerError::Value(KEYS));
        }
        let mut key = Reader::new(key);
        let mut part = || fixed(Tag::OCTET_STRING, key.expect(Tag::OCTET_STRING)?);
        keys.push((part()?, part()?));
    }
    Ok(keys)
}

fn service_bits(services: Services) -> u8 {
    let Services { roaming, packet_data, caller_id, caller_id_restricted, three_way } = services;
    let bits = [roaming, packet_data, caller_id, caller_id_restricted, three_way];
    bits.iter().zip(SERVICE_BITS).fold(0, |octet, (&on, bit)| if on { octet | bit } else { octet })
}

/// Bits beyond those known are of services that a later version may add.
fn read_services(bits: &[u8]) -> Result<Services, BerError> {
    let &[_unused, octet, ..] = bits else { return Err(BerError::Value(SERVICES)) };
    let [roaming, packet_data, caller_id, caller_id_restricted, three_way] =
        SERVICE_BITS.map(|bit| octet & bit != 0);
    Ok(Services { roaming, packet_data, caller_id, caller_id_restricted, three_way })
}

/// The causes that the standard has no code for.
const CAUSES: [(Cause, u8); 9] = [
    (Cause::NoAgreement, 1),
    (Cause::NotServing, 2),
    (Cause::WrongNetwork, 3),
    (Cause::StaleGeneration, 4),
    (Cause::NameMismatch, 5),
    (Cause::AddressNotAllowed, 6),
    (Cause::ProofInvalid, 7),
    (Cause::NoPacketData, 8),
    (Cause::Overload, 9),
];

/// The number of a cause that no standard has a code for.
pub(crate) fn cause_code(cause: Cause) -> Option<u8> {
    CAUSES.iter().find(|(known, _)| *known == cause).map(|&(_, code)| code)
}

/// The cause with this number.
pub(crate) fn cause_from_code(code: u64) -> Option<Cause> {
    CAUSES.iter().find(|&&(_, known)| u64::from(known) == code).map(|&(cause, _)| cause)
}

fn text(tag: Tag, value: &[u8]) -> Result<String, BerError> {
    let text = core::str::from_utf8(value).ok().filter(|text| !text.is_empty() && text.len() <= MAX_TEXT);
    text.map(str::to_owned).ok_or(BerError::Value(tag))
}

fn host(tag: Tag, value: &[u8]) -> Result<HostName, BerError> {
    core::str::from_utf8(value).ok().and_then(|text| text.parse().ok()).ok_or(BerError::Value(tag))
}

fn seconds(tag: Tag, value: &[u8]) -> Result<u32, BerError> {
    u32::try_from(unsigned(tag, value)?).map_err(|_| BerError::Value(tag))
}

fn fixed<const N: usize>(tag: Tag, value: &[u8]) -> Result<[u8; N], BerError> {
    value.try_into().map_err(|_| BerError::Value(tag))
}

/// 1.3.6.1.4.1.32473.1.1, below the enterprise number for examples (RFC 5612).
pub const OID: &[u8] = &[0x2b, 0x06, 0x01, 0x04, 0x01, 0x81, 0xfd, 0x59, 0x01, 0x01];

const PRIVATE_LIST: Tag = Tag::constructed(0);
const NETWORK: Tag = Tag::context(0);
const GENERATION: Tag = Tag::context(1);
const NAME: Tag = Tag::context(2);
const BIND: Tag = Tag::constructed(3);
const LEASE: Tag = Tag::context(4);
const SERVICES: Tag = Tag::context(5);
const FORWARDING: Tag = Tag::constructed(6);
const KEYS: Tag = Tag::constructed(7);
const CAUSE: Tag = Tag::context(8);

/// Bit 0 of a BIT STRING is the highest: roaming, packet data, caller ID, its restriction, three-way calling.
const SERVICE_BITS: [u8; 5] = [0x80, 0x40, 0x20, 0x10, 0x08];
const UNUSED_BITS: u8 = 3;
/// As many as one question may ask for.
const MAX_KEYS: usize = 5;
const MAX_PROOF: usize = 64;
const MAX_TEXT: usize = 255;
