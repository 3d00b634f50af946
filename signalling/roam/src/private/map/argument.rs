//! The arguments of the operations (3GPP TS 29.002 §17.7.1): their ASN.1 and what they mean.

use super::{
    asn1::{
        self, CancelLocationArg, Identity, Octets, PurgeMsArg, ReSynchronisationInfo, Rest,
        SendAuthenticationInfoArg, SubjectArg, UpdateLocationArg,
    },
    extension::{Bind, Extension},
    kind::Kind,
    profile,
};
use crate::{
    BindClaim, CancelReason, E164, Generation, Imsi, NetworkName, Operation, Resynchronisation,
    VisitedNetwork,
    private::{
        ber::{BerError, Tag, Writer},
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
        Operation::CancelLocation { imsi, reason, generation } => {
            let argument = CancelLocationArg {
                identity: Identity::Imsi(Octets::new(digits::imsi(imsi))),
                cancellation_type: Some(cancellation_type(*reason)),
                extension_container: stay(*generation).container(),
                rest: Rest,
            };
            asn1::write(&argument, out);
        }
        Operation::PurgeMs { imsi, visited, generation } => {
            let network = Some(visited.network.clone());
            let argument = PurgeMsArg {
                imsi: Octets::new(digits::imsi(imsi)),
                vlr_number: Some(Octets::new(digits::isdn(&visited.vlr))),
                sgsn_number: None,
                extension_container: Extension { network, ..stay(*generation) }.container(),
                rest: Rest,
            };
            asn1::write(&argument, out);
        }
        Operation::RestoreData { imsi } => {
            asn1::write(&SubjectArg { subject: Octets::new(digits::imsi(imsi)), rest: Rest }, out);
        }
        Operation::Reset { hlr } => {
            asn1::write(&SubjectArg { subject: Octets::new(digits::isdn(hlr)), rest: Rest }, out);
        }
    }
}

/// Reads the argument of an operation of this kind; an update of the location that carries a claim becomes
/// [`Operation::Bind`].
///
/// # Errors
///
/// [`BerError`] says what is wrong with it.
pub fn read(kind: Kind, argument: &[u8], around: &Around<'_>) -> Result<Operation, BerError> {
    match kind {
        Kind::SendAuthenticationInfo => read_authentication(asn1::read(argument)?, around),
        Kind::UpdateLocation | Kind::Bind => read_location(asn1::read(argument)?, around),
        Kind::InsertSubscriberData => {
            let (imsi, subscription) = profile::read(asn1::read(argument)?)?;
            let imsi = imsi.or(around.imsi).ok_or(BerError::Missing(Tag::context(0)))?;
            Ok(Operation::InsertSubscriberData { imsi, subscription })
        }
        Kind::DeleteSubscriberData => {
            let (imsi, services) = profile::read_withdrawal(asn1::read(argument)?)?;
            Ok(Operation::DeleteSubscriberData { imsi, services })
        }
        Kind::CancelLocation => read_cancellation(asn1::read(argument)?),
        Kind::PurgeMs => {
            let PurgeMsArg { imsi, vlr_number, extension_container, .. } = asn1::read(argument)?;
            let imsi = read_imsi(Tag::OCTET_STRING, &imsi)?;
            let vlr = vlr_number.map(|vlr| read_isdn(Tag::context(0), &vlr)).transpose()?;
            let extension = Extension::read(extension_container)?;
            let network = extension.network.unwrap_or_else(|| around.network.clone());
            let visited = VisitedNetwork { vlr: vlr.unwrap_or(around.title), network };
            Ok(Operation::PurgeMs { imsi, visited, generation: extension.generation.unwrap_or_default() })
        }
        Kind::RestoreData => {
            let SubjectArg { subject, .. } = asn1::read(argument)?;
            Ok(Operation::RestoreData { imsi: read_imsi(Tag::OCTET_STRING, &subject)? })
        }
        Kind::Reset => {
            let SubjectArg { subject, .. } = asn1::read(argument)?;
            Ok(Operation::Reset { hlr: read_isdn(Tag::OCTET_STRING, &subject)? })
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
    let re_synchronisation_info = resynchronisation.map(|Resynchronisation { rand, auts }| {
        ReSynchronisationInfo { rand: Octets::new(rand), auts: Octets::new(auts), rest: Rest }
    });
    let extension = Extension { network: Some(visited.network.clone()), ..Extension::default() };
    let argument = SendAuthenticationInfoArg {
        imsi: Octets::new(digits::imsi(imsi)),
        number_of_requested_vectors: u64::from(count.clamp(1, MAX_VECTORS)),
        segmentation_prohibited: None,
        immediate_response_preferred: None,
        re_synchronisation_info,
        extension_container: extension.container(),
        rest: Rest,
    };
    asn1::write(&argument, out);
}

fn read_authentication(
    argument: SendAuthenticationInfoArg,
    around: &Around<'_>,
) -> Result<Operation, BerError> {
    let imsi = read_imsi(Tag::context(0), &argument.imsi)?;
    let count = u8::try_from(argument.number_of_requested_vectors).ok();
    let count = count.filter(|count| (1..=MAX_VECTORS).contains(count));
    let count = count.ok_or(BerError::Value(Tag::INTEGER))?;
    let resynchronisation =
        argument.re_synchronisation_info.as_ref().map(read_resynchronisation).transpose()?;
    let extension = Extension::read(argument.extension_container)?;
    let network = extension.network.unwrap_or_else(|| around.network.clone());
    let visited = VisitedNetwork { vlr: around.title, network };
    Ok(Operation::SendAuthenticationInfo { imsi, visited, count, resynchronisation, eps: None })
}

fn read_resynchronisation(info: &ReSynchronisationInfo) -> Result<Resynchronisation, BerError> {
    let wrong = |_| BerError::Value(Tag::OCTET_STRING);
    let rand = info.rand.0.as_slice().try_into().map_err(wrong)?;
    let auts = info.auts.0.as_slice().try_into().map_err(wrong)?;
    Ok(Resynchronisation { rand, auts })
}

/// UpdateLocationArg: the switching centre and the register are one node.
fn location(imsi: &Imsi, vlr: &E164, extension: &Extension, out: &mut Writer<'_>) {
    let number = Octets::new(digits::isdn(vlr));
    let argument = UpdateLocationArg {
        imsi: Octets::new(digits::imsi(imsi)),
        msc_number: number.clone(),
        vlr_number: number,
        lmsi: None,
        extension_container: extension.container(),
        rest: Rest,
    };
    asn1::write(&argument, out);
}

fn read_location(argument: UpdateLocationArg, around: &Around<'_>) -> Result<Operation, BerError> {
    let imsi = read_imsi(Tag::OCTET_STRING, &argument.imsi)?;
    let vlr = read_isdn(Tag::OCTET_STRING, &argument.vlr_number)?;
    let extension = Extension::read(argument.extension_container)?;
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
fn read_cancellation(argument: CancelLocationArg) -> Result<Operation, BerError> {
    let imsi = match argument.identity {
        Identity::Imsi(imsi) => imsi,
        // With the identity of the register's own beside it.
        Identity::ImsiWithLmsi(both) => both.imsi,
    };
    let imsi = read_imsi(Tag::OCTET_STRING, &imsi)?;
    let reason = match argument.cancellation_type {
        Some(1) => CancelReason::SubscriptionWithdrawn,
        _ => CancelReason::UpdateProcedure,
    };
    let extension = Extension::read(argument.extension_container)?;
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
pub(super) fn read_imsi(tag: Tag, octets: &Octets) -> Result<Imsi, BerError> {
    digits::read_imsi(&octets.0).ok_or(BerError::Value(tag))
}

/// A number in the field `tag`.
pub(super) fn read_isdn(tag: Tag, octets: &Octets) -> Result<E164, BerError> {
    digits::read_isdn(&octets.0).ok_or(BerError::Value(tag))
}

/// NumberOfRequestedVectors.
const MAX_VECTORS: u8 = 5;
