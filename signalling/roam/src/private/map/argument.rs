//! The arguments of the operations (3GPP TS 29.002 §17.7.1), each as its ASN.1 orders its fields.

use super::{
    extension::{Bind, Extension},
    kind::Kind,
    profile,
};
use crate::{
    BindClaim, CancelReason, E164, Generation, Imsi, NetworkName, Operation, Resynchronisation,
    VisitedNetwork,
    private::{
        ber::{BerError, Reader, Tag, Writer, unsigned},
        digits,
    },
};

/// What an argument leaves to the message around it.
#[derive(Clone, Copy, Debug)]
pub struct Around<'a> {
    /// Whom the dialogue is about already.
    pub imsi: Option<Imsi>,
    /// The calling node's number, from the layer below.
    pub title: E164,
    /// The domain of the partner whose link it came on.
    pub network: &'a NetworkName,
}

/// Writes the argument of `operation`, tag and length included. `own` is this node's number; in a dialogue that is about
/// the subscriber already, its identity is left out.
pub fn write(operation: &Operation, own: &E164, in_dialogue: bool, out: &mut Writer<'_>) {
    match operation {
        Operation::SendAuthenticationInfo { imsi, visited, count, resynchronisation, .. } => {
            authentication(imsi, visited, *count, resynchronisation.as_ref(), out);
        }
        Operation::UpdateLocation { imsi, visited } => {
            let extension = Extension { network: Some(visited.network.clone()), ..Extension::default() };
            location(imsi, &visited.vlr, &extension, out);
        }
        Operation::Bind { claim, proof, lease } => {
            let bind = Bind { addresses: claim.addresses, proof: proof.clone(), lease: *lease };
            let extension = Extension {
                network: Some(claim.network.clone()),
                generation: Some(claim.generation),
                name: Some(claim.name.clone()),
                bind: Some(bind),
                ..Extension::default()
            };
            location(&claim.imsi, own, &extension, out);
        }
        Operation::InsertSubscriberData { imsi, subscription } => {
            let imsi = if in_dialogue { None } else { Some(imsi) };
            profile::write(imsi, subscription, out);
        }
        Operation::DeleteSubscriberData { imsi, services } => profile::write_withdrawal(imsi, *services, out),
        Operation::CancelLocation { imsi, reason, generation } => out.nest(Tag::constructed(3), |out| {
            out.value(Tag::OCTET_STRING, &digits::imsi(imsi));
            out.unsigned(Tag::ENUMERATED, cancellation_type(*reason));
            stay(*generation).write(Tag::SEQUENCE, out);
        }),
        Operation::PurgeMs { imsi, visited, generation } => out.nest(Tag::constructed(3), |out| {
            out.value(Tag::OCTET_STRING, &digits::imsi(imsi));
            out.value(Tag::context(0), &digits::isdn(&visited.vlr));
            let network = Some(visited.network.clone());
            Extension { network, ..stay(*generation) }.write(Tag::SEQUENCE, out);
        }),
        Operation::RestoreData { imsi } => out.nest(Tag::SEQUENCE, |out| {
            out.value(Tag::OCTET_STRING, &digits::imsi(imsi));
        }),
        Operation::Reset { hlr } => out.nest(Tag::SEQUENCE, |out| {
            out.value(Tag::OCTET_STRING, &digits::isdn(hlr));
        }),
    }
}

/// Reads the argument of an operation of this kind; an update of the location that carries a claim becomes
/// [`Operation::Bind`].
///
/// # Errors
///
/// [`BerError`] says what is wrong with it.
pub fn read(kind: Kind, argument: &[u8], around: &Around<'_>) -> Result<Operation, BerError> {
    let outer = match kind {
        Kind::CancelLocation | Kind::PurgeMs => Tag::constructed(3),
        _ => Tag::SEQUENCE,
    };
    let mut fields = Reader::new(Reader::new(argument).expect(outer)?);
    match kind {
        Kind::SendAuthenticationInfo => read_authentication(fields, around),
        Kind::UpdateLocation | Kind::Bind => read_location(fields, around),
        Kind::InsertSubscriberData => {
            let (imsi, subscription) = profile::read(fields)?;
            let imsi = imsi.or(around.imsi).ok_or(BerError::Missing(Tag::context(0)))?;
            Ok(Operation::InsertSubscriberData { imsi, subscription })
        }
        Kind::DeleteSubscriberData => {
            let (imsi, services) = profile::read_withdrawal(fields)?;
            Ok(Operation::DeleteSubscriberData { imsi, services })
        }
        Kind::CancelLocation => read_cancellation(fields),
        Kind::PurgeMs => {
            let imsi = read_imsi(Tag::OCTET_STRING, fields.expect(Tag::OCTET_STRING)?)?;
            let vlr =
                fields.field(Tag::context(0))?.map(|vlr| read_isdn(Tag::context(0), vlr)).transpose()?;
            let extension = Extension::read(fields.field(Tag::SEQUENCE)?)?;
            let network = extension.network.unwrap_or_else(|| around.network.clone());
            let visited = VisitedNetwork { vlr: vlr.unwrap_or(around.title), network };
            Ok(Operation::PurgeMs { imsi, visited, generation: extension.generation.unwrap_or_default() })
        }
        Kind::RestoreData => {
            let imsi = read_imsi(Tag::OCTET_STRING, fields.expect(Tag::OCTET_STRING)?)?;
            Ok(Operation::RestoreData { imsi })
        }
        Kind::Reset => {
            let hlr = read_isdn(Tag::OCTET_STRING, fields.need(Tag::OCTET_STRING)?)?;
            Ok(Operation::Reset { hlr })
        }
    }
}

/// SendAuthenticationInfoArg. The visited node's number is the calling address's.
fn authentication(
    imsi: &Imsi,
    visited: &VisitedNetwork,
    count: u8,
    resynchronisation: Option<&Resynchronisation>,
    out: &mut Writer<'_>,
) {
    out.nest(Tag::SEQUENCE, |out| {
        out.value(Tag::context(0), &digits::imsi(imsi));
        out.unsigned(Tag::INTEGER, u64::from(count.clamp(1, MAX_VECTORS)));
        if let Some(Resynchronisation { rand, auts }) = resynchronisation {
            out.nest(Tag::SEQUENCE, |out| {
                out.value(Tag::OCTET_STRING, rand);
                out.value(Tag::OCTET_STRING, auts);
            });
        }
        let extension = Extension { network: Some(visited.network.clone()), ..Extension::default() };
        extension.write(Tag::constructed(2), out);
    });
}

fn read_authentication(mut fields: Reader<'_>, around: &Around<'_>) -> Result<Operation, BerError> {
    let imsi = read_imsi(Tag::context(0), fields.need(Tag::context(0))?)?;
    let count = unsigned(Tag::INTEGER, fields.need(Tag::INTEGER)?)?;
    let count = u8::try_from(count).ok().filter(|count| (1..=MAX_VECTORS).contains(count));
    let count = count.ok_or(BerError::Value(Tag::INTEGER))?;
    let resynchronisation = fields.field(Tag::SEQUENCE)?.map(read_resynchronisation).transpose()?;
    let extension = Extension::read(fields.field(Tag::constructed(2))?)?;
    let network = extension.network.unwrap_or_else(|| around.network.clone());
    let visited = VisitedNetwork { vlr: around.title, network };
    Ok(Operation::SendAuthenticationInfo { imsi, visited, count, resynchronisation, eps: None })
}

fn read_resynchronisation(fields: &[u8]) -> Result<Resynchronisation, BerError> {
    let mut fields = Reader::new(fields);
    let wrong = |_| BerError::Value(Tag::OCTET_STRING);
    let rand = fields.expect(Tag::OCTET_STRING)?.try_into().map_err(wrong)?;
    let auts = fields.expect(Tag::OCTET_STRING)?.try_into().map_err(wrong)?;
    Ok(Resynchronisation { rand, auts })
}

/// UpdateLocationArg: the switching centre and the register are one node.
fn location(imsi: &Imsi, vlr: &E164, extension: &Extension, out: &mut Writer<'_>) {
    out.nest(Tag::SEQUENCE, |out| {
        let number = digits::isdn(vlr);
        out.value(Tag::OCTET_STRING, &digits::imsi(imsi));
        out.value(Tag::context(1), &number);
        out.value(Tag::OCTET_STRING, &number);
        extension.write(Tag::SEQUENCE, out);
    });
}

fn read_location(mut fields: Reader<'_>, around: &Around<'_>) -> Result<Operation, BerError> {
    let imsi = read_imsi(Tag::OCTET_STRING, fields.expect(Tag::OCTET_STRING)?)?;
    fields.need(Tag::context(1))?;
    let vlr = read_isdn(Tag::OCTET_STRING, fields.need(Tag::OCTET_STRING)?)?;
    let extension = Extension::read(fields.field(Tag::SEQUENCE)?)?;
    let network = extension.network.unwrap_or_else(|| around.network.clone());
    let Some(Bind { addresses, proof, lease }) = extension.bind else {
        return Ok(Operation::UpdateLocation { imsi, visited: VisitedNetwork { vlr, network } });
    };
    let missing = BerError::Missing(Tag::SEQUENCE);
    let generation = extension.generation.ok_or(missing)?;
    let name = extension.name.ok_or(missing)?;
    Ok(Operation::Bind { claim: BindClaim { imsi, generation, name, addresses, network }, proof, lease })
}

/// CancelLocationArg. Where the extension is missing, all stays are meant.
fn read_cancellation(mut fields: Reader<'_>) -> Result<Operation, BerError> {
    let imsi = match fields.take()? {
        Some((Tag::OCTET_STRING, imsi)) => imsi,
        // With the identity of the register's own beside it.
        Some((Tag::SEQUENCE, both)) => Reader::new(both).expect(Tag::OCTET_STRING)?,
        _ => return Err(BerError::Missing(Tag::OCTET_STRING)),
    };
    let imsi = read_imsi(Tag::OCTET_STRING, imsi)?;
    let kind = fields.field(Tag::ENUMERATED)?.map(|kind| unsigned(Tag::ENUMERATED, kind)).transpose()?;
    let reason = match kind {
        Some(1) => CancelReason::SubscriptionWithdrawn,
        _ => CancelReason::UpdateProcedure,
    };
    let extension = Extension::read(fields.field(Tag::SEQUENCE)?)?;
    let generation = extension.generation.unwrap_or(Generation(u64::MAX));
    Ok(Operation::CancelLocation { imsi, reason, generation })
}

const fn cancellation_type(reason: CancelReason) -> u64 {
    match reason {
        CancelReason::UpdateProcedure => 0,
        CancelReason::SubscriptionWithdrawn => 1,
    }
}

fn stay(generation: Generation) -> Extension {
    Extension { generation: Some(generation), ..Extension::default() }
}

/// An IMSI in the field `tag`.
pub(super) fn read_imsi(tag: Tag, octets: &[u8]) -> Result<Imsi, BerError> {
    digits::read_imsi(octets).ok_or(BerError::Value(tag))
}

/// A number in the field `tag`.
pub(super) fn read_isdn(tag: Tag, octets: &[u8]) -> Result<E164, BerError> {
    digits::read_isdn(octets).ok_or(BerError::Value(tag))
}

/// NumberOfRequestedVectors.
const MAX_VECTORS: u8 = 5;
