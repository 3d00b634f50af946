//! What MAP has no field for, in a private extension of its extension container (3GPP TS 29.002 §17.7.11), as
//! `signalling/roam/extension.md` specifies it.

use core::net::{Ipv4Addr, Ipv6Addr};

use super::asn1::{
    self, Any, BitString, ExtensionContainer, Octets, PrivateExtension, Rest, RoveBind, RoveExtension,
    RoveForwarding, RoveKey,
};
use crate::{
    Addresses, Cause, Forwarding, Generation, HostName, Proof, Services,
    private::ber::{BerError, Reader, Tag, Writer},
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
    /// The extension container that carries it; `None` when the extension says nothing.
    pub(super) fn container(&self) -> Option<ExtensionContainer> {
        if *self == Self::default() {
            return None;
        }
        let mut value = Vec::new();
        asn1::write(&self.to_asn1(), &mut Writer::new(&mut value));
        let ours = PrivateExtension { ext_id: Octets::new(OID), ext_type: Some(Any::new(value)) };
        Some(ExtensionContainer { private_extension_list: Some(vec![ours]), rest: Rest })
    }

    /// The fields alone, as ANSI-41 carries them too.
    pub fn fields(&self, out: &mut Writer<'_>) {
        let mut value = Vec::new();
        asn1::write(&self.to_asn1(), &mut Writer::new(&mut value));
        out.raw(Reader::new(&value).expect(Tag::SEQUENCE).unwrap_or_default());
    }

    /// Reads an extension container. Extensions of others are passed over, and so are fields that a later version may
    /// add.
    ///
    /// # Errors
    ///
    /// [`BerError`] when it is ill-formed or a field holds what it may not.
    pub(super) fn read(container: Option<ExtensionContainer>) -> Result<Self, BerError> {
        let list = container.and_then(|container| container.private_extension_list).unwrap_or_default();
        match list.into_iter().find(|extension| extension.ext_id.0.as_slice() == OID) {
            Some(PrivateExtension { ext_type: Some(value), .. }) => {
                Self::from_asn1(asn1::read(value.as_bytes())?)
            }
            Some(_) => Err(BerError::Missing(Tag::SEQUENCE)),
            None => Ok(Self::default()),
        }
    }

    /// Reads the fields alone.
    ///
    /// # Errors
    ///
    /// As of a whole container.
    pub fn read_fields(fields: &[u8]) -> Result<Self, BerError> {
        let mut value = Vec::new();
        Writer::new(&mut value).value(Tag::SEQUENCE, fields);
        Self::from_asn1(asn1::read(&value)?)
    }

    fn to_asn1(&self) -> RoveExtension {
        let keys = self.keys.iter().map(|(nonce, public_key)| RoveKey {
            nonce: Octets::new(nonce),
            public_key: Octets::new(public_key),
            rest: Rest,
        });
        RoveExtension {
            network: self.network.as_ref().map(|name| Octets::new(name.as_str())),
            generation: self.generation.map(|generation| generation.0),
            name: self.name.as_ref().map(|name| Octets::new(name.as_str())),
            bind: self.bind.as_ref().map(Bind::to_asn1),
            lease: self.lease,
            services: self.services.map(service_bits),
            forwarding: self.forwarding.as_ref().map(forwarding_to_asn1),
            keys: Some(keys.collect::<Vec<_>>()).filter(|keys| !keys.is_empty()),
            cause: self.cause.and_then(cause_code).map(u64::from),
            rest: Rest,
        }
    }

    fn from_asn1(value: RoveExtension) -> Result<Self, BerError> {
        let keys = value.keys.unwrap_or_default();
        if keys.len() > MAX_KEYS {
            return Err(BerError::Value(KEYS));
        }
        let key = |key: &RoveKey| -> Result<Key, BerError> {
            Ok((fixed(Tag::OCTET_STRING, &key.nonce)?, fixed(Tag::OCTET_STRING, &key.public_key)?))
        };
        Ok(Self {
            network: value.network.map(|name| host(NETWORK, &name)).transpose()?,
            generation: value.generation.map(Generation),
            name: value.name.map(|name| host(NAME, &name)).transpose()?,
            bind: value.bind.map(Bind::from_asn1).transpose()?,
            lease: value.lease,
            services: value.services.as_ref().map(read_services),
            forwarding: value.forwarding.map(forwarding_from_asn1).transpose()?,
            keys: keys.iter().map(key).collect::<Result<_, _>>()?,
            cause: value.cause.and_then(cause_from_code),
        })
    }
}

impl Bind {
    fn to_asn1(&self) -> RoveBind {
        RoveBind {
            v4: self.addresses.v4.map(|v4| Octets::new(v4.octets())),
            v6: self.addresses.v6.map(|v6| Octets::new(v6.octets())),
            proof: Octets::new(&self.proof.0),
            lease: self.lease,
            rest: Rest,
        }
    }

    fn from_asn1(value: RoveBind) -> Result<Self, BerError> {
        let RoveBind { v4, v6, proof, lease, .. } = value;
        let v4 = v4.map(|v4| fixed::<4>(Tag::context(0), &v4).map(Ipv4Addr::from)).transpose()?;
        let v6 = v6.map(|v6| fixed::<16>(Tag::context(1), &v6).map(Ipv6Addr::from)).transpose()?;
        if proof.0.is_empty() || proof.0.len() > MAX_PROOF {
            return Err(BerError::Value(Tag::context(2)));
        }
        Ok(Self { addresses: Addresses { v4, v6 }, proof: Proof(proof.0.to_vec()), lease })
    }
}

fn forwarding_to_asn1(forwarding: &Forwarding) -> RoveForwarding {
    let Forwarding { always, busy, no_answer } = forwarding;
    RoveForwarding {
        always: always.as_ref().map(Octets::new),
        busy: busy.as_ref().map(Octets::new),
        no_answer: no_answer.as_ref().map(|(target, _)| Octets::new(target)),
        seconds: no_answer.as_ref().map(|(_, seconds)| *seconds),
        rest: Rest,
    }
}

fn forwarding_from_asn1(value: RoveForwarding) -> Result<Forwarding, BerError> {
    let RoveForwarding { always, busy, no_answer, seconds, .. } = value;
    let always = always.map(|target| text(Tag::context(0), &target)).transpose()?;
    let busy = busy.map(|target| text(Tag::context(1), &target)).transpose()?;
    let no_answer = match no_answer {
        None => None,
        Some(target) => {
            let seconds = seconds.ok_or(BerError::Missing(Tag::context(3)))?;
            Some((text(Tag::context(2), &target)?, seconds))
        }
    };
    Ok(Forwarding { always, busy, no_answer })
}

/// Bits in the order of the named ones.
fn service_bits(services: Services) -> BitString {
    let Services { roaming, packet_data, caller_id, caller_id_restricted, three_way } = services;
    [roaming, packet_data, caller_id, caller_id_restricted, three_way].into_iter().collect()
}

/// Bits beyond those known are of services that a later version may add; those that are not there are off.
fn read_services(bits: &BitString) -> Services {
    let [roaming, packet_data, caller_id, caller_id_restricted, three_way] =
        [0, 1, 2, 3, 4].map(|bit| bits.get(bit).is_some_and(|bit| *bit));
    Services { roaming, packet_data, caller_id, caller_id_restricted, three_way }
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

fn text(tag: Tag, value: &Octets) -> Result<String, BerError> {
    let text = core::str::from_utf8(&value.0).ok().filter(|text| !text.is_empty() && text.len() <= MAX_TEXT);
    text.map(str::to_owned).ok_or(BerError::Value(tag))
}

fn host(tag: Tag, value: &Octets) -> Result<HostName, BerError> {
    core::str::from_utf8(&value.0).ok().and_then(|text| text.parse().ok()).ok_or(BerError::Value(tag))
}

fn fixed<const N: usize>(tag: Tag, value: &Octets) -> Result<[u8; N], BerError> {
    value.0.as_slice().try_into().map_err(|_| BerError::Value(tag))
}

/// 1.3.6.1.4.1.32473.1.1, below the enterprise number for examples (RFC 5612).
pub const OID: &[u8] = &[0x2b, 0x06, 0x01, 0x04, 0x01, 0x81, 0xfd, 0x59, 0x01, 0x01];

const NETWORK: Tag = Tag::context(0);
const NAME: Tag = Tag::context(2);
const KEYS: Tag = Tag::constructed(7);
/// As many as one question may ask for.
const MAX_KEYS: usize = 5;
const MAX_PROOF: usize = 64;
const MAX_TEXT: usize = 255;
