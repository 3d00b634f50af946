//! The parameters of the operations (TIA-41.550-E): those of the standard that each must have, and one private parameter
//! with all that the standard has no room for, as `signalling/roam/ansi41.md` specifies it.

use super::super::map::{
    Kind,
    extension::{Bind, Extension},
    outcome::{read_challenges, write_challenges},
};
use crate::{
    BindClaim, CancelReason, Cause, E164, Forwarding, Generation, Imsi, NetworkName, Operation, Outcome,
    Profile, Resynchronisation, Subscription, VisitedNetwork,
    private::{
        ber::{BerError, Reader, Tag, Writer, unsigned},
        digits,
    },
};

/// The operation's code (TIA-41.540-E): AUTHREQ, REGNOT, QUALREQ, QUALDIR, REGCANC, MSINACT, and for a home that was
/// started again UNRELDIR.
#[must_use]
pub const fn code(kind: Kind) -> u8 {
    match kind {
        Kind::RestoreData => 6,
        Kind::InsertSubscriberData | Kind::DeleteSubscriberData => 7,
        Kind::UpdateLocation | Kind::Bind => 13,
        Kind::CancelLocation => 14,
        Kind::Reset => 20,
        Kind::PurgeMs => 22,
        Kind::SendAuthenticationInfo => 28,
    }
}

/// Writes the parameters of a question.
pub fn write(operation: &Operation, out: &mut Writer<'_>) {
    let kind = Kind::of(operation);
    let (imsi, private) = match operation {
        Operation::SendAuthenticationInfo { imsi, visited, .. }
        | Operation::UpdateLocation { imsi, visited } => (*imsi, with_network(&visited.network)),
        Operation::InsertSubscriberData { imsi, subscription } => {
            let Subscription { name, profile: Profile { services, forwarding }, .. } = subscription;
            let forwarding = Some(forwarding.clone()).filter(|to| *to != Forwarding::default());
            let (name, services) = (name.clone(), Some(*services));
            (*imsi, Extension { name, services, forwarding, ..Extension::default() })
        }
        Operation::DeleteSubscriberData { imsi, services } => {
            (*imsi, Extension { services: Some(*services), ..Extension::default() })
        }
        Operation::Bind { claim, proof, lease } => {
            let bind = Bind { addresses: claim.addresses, proof: proof.clone(), lease: *lease };
            let extension = Extension {
                generation: Some(claim.generation),
                name: Some(claim.name.clone()),
                bind: Some(bind),
                ..with_network(&claim.network)
            };
            (claim.imsi, extension)
        }
        Operation::CancelLocation { imsi, generation, .. } => (*imsi, with_generation(*generation)),
        Operation::PurgeMs { imsi, visited, generation } => {
            (*imsi, Extension { generation: Some(*generation), ..with_network(&visited.network) })
        }
        Operation::RestoreData { imsi } => (*imsi, Extension::default()),
        Operation::Reset { hlr } => {
            out.nest(PRIVATE, |out| out.value(NODE, &digits::isdn(hlr)));
            return;
        }
    };
    standard(kind, operation, &imsi, out);
    out.nest(PRIVATE, |out| {
        private.fields(out);
        out.value(SUBSCRIBER, &digits::imsi(&imsi));
        extras(operation, out);
    });
}

/// What only this wire has no field for.
fn extras(operation: &Operation, out: &mut Writer<'_>) {
    match operation {
        Operation::SendAuthenticationInfo { visited, count, resynchronisation, .. } => {
            out.value(NODE, &digits::isdn(&visited.vlr));
            out.unsigned(COUNT, u64::from(*count));
            if let Some(Resynchronisation { rand, auts }) = resynchronisation {
                out.value(RESYNCHRONISATION, &[&rand[..], auts].concat());
            }
        }
        Operation::UpdateLocation { visited, .. } | Operation::PurgeMs { visited, .. } => {
            out.value(NODE, &digits::isdn(&visited.vlr));
        }
        Operation::InsertSubscriberData { subscription, .. } => {
            if let Some(msisdn) = &subscription.msisdn {
                out.value(NUMBER, &digits::isdn(msisdn));
            }
        }
        Operation::DeleteSubscriberData { .. } => out.value(WITHDRAWN, &[]),
        Operation::CancelLocation { reason: CancelReason::SubscriptionWithdrawn, .. } => {
            out.value(WITHDRAWN, &[]);
        }
        _ => {}
    }
}

/// The parameters that the standard wants to be there.
fn standard(kind: Kind, operation: &Operation, imsi: &Imsi, out: &mut Writer<'_>) {
    let names_min = matches!(kind, Kind::CancelLocation | Kind::PurgeMs);
    if names_min {
        out.value(Tag::long(8), &mobile_identification_number(imsi));
    }
    // No terminal here has a serial number; the parameter must be there.
    out.value(Tag::long(9), &[0; 4]);
    if !names_min {
        out.value(Tag::long(242), &digits::imsi(imsi));
    }
    match kind {
        Kind::SendAuthenticationInfo => {
            out.value(Tag::long(21), &switch(operation));
            out.value(Tag::long(34), &[ACCESS_UNSPECIFIED]);
            out.value(Tag::long(35), &[0; 3]);
            out.value(Tag::long(49), &[0]);
        }
        Kind::UpdateLocation | Kind::Bind | Kind::RestoreData => {
            out.value(Tag::long(17), &[VALIDATION_AND_PROFILE]);
            out.value(Tag::long(21), &switch(operation));
            out.value(Tag::long(22), &[SYSTEM_TYPE]);
        }
        Kind::InsertSubscriberData | Kind::DeleteSubscriberData => {
            out.value(Tag::long(17), &[PROFILE_ONLY]);
            out.value(Tag::long(22), &[SYSTEM_TYPE]);
        }
        Kind::CancelLocation => out.value(Tag::long(85), &[SERVING_SYSTEM_OPTION]),
        Kind::PurgeMs => out.value(Tag::long(73), &[DEREGISTERED_FOR_ADMINISTRATION]),
        Kind::Reset => {}
    }
}

/// Reads the parameters of a question. `title` and `network` are those of the partner it comes from, where it does not
/// say them itself.
///
/// # Errors
///
/// [`BerError`] says what is wrong with them.
pub fn read(code: u8, parameters: &[u8], title: E164, network: &NetworkName) -> Result<Operation, BerError> {
    let private = Reader::new(parameters).need(PRIVATE)?;
    let extension = Extension::read_fields(private)?;
    let field = |tag: Tag| Reader::new(private).field(tag);
    let number = |tag: Tag| -> Result<Option<E164>, BerError> {
        field(tag)?.map(|number| digits::read_isdn(number).ok_or(BerError::Value(tag))).transpose()
    };
    if code == self::code(Kind::Reset) {
        return Ok(Operation::Reset { hlr: number(NODE)?.unwrap_or(title) });
    }
    let imsi = field(SUBSCRIBER)?.ok_or(BerError::Missing(SUBSCRIBER))?;
    let imsi = digits::read_imsi(imsi).ok_or(BerError::Value(SUBSCRIBER))?;
    let network = extension.network.unwrap_or_else(|| network.clone());
    let visited = VisitedNetwork { vlr: number(NODE)?.unwrap_or(title), network };
    let generation = extension.generation.ok_or(BerError::Missing(PRIVATE));
    let withdrawn = field(WITHDRAWN)?.is_some();
    Ok(match code {
        28 => {
            let count = unsigned(COUNT, field(COUNT)?.ok_or(BerError::Missing(COUNT))?)?;
            let count = u8::try_from(count).ok().filter(|count| (1..=5).contains(count));
            let resynchronisation = field(RESYNCHRONISATION)?.map(read_resynchronisation).transpose()?;
            let count = count.ok_or(BerError::Value(COUNT))?;
            Operation::SendAuthenticationInfo { imsi, visited, count, resynchronisation, eps: None }
        }
        13 => match extension.bind {
            None => Operation::UpdateLocation { imsi, visited },
            Some(Bind { addresses, proof, lease }) => {
                let name = extension.name.ok_or(BerError::Missing(PRIVATE))?;
                let (generation, network) = (generation?, visited.network);
                Operation::Bind {
                    claim: BindClaim { imsi, generation, name, addresses, network },
                    proof,
                    lease,
                }
            }
        },
        7 => {
            let services = extension.services.ok_or(BerError::Missing(PRIVATE))?;
            if withdrawn {
                return Ok(Operation::DeleteSubscriberData { imsi, services });
            }
            let profile = Profile { services, forwarding: extension.forwarding.unwrap_or_default() };
            let subscription = Subscription { msisdn: number(NUMBER)?, name: extension.name, profile };
            Operation::InsertSubscriberData { imsi, subscription }
        }
        14 => {
            let reason =
                if withdrawn { CancelReason::SubscriptionWithdrawn } else { CancelReason::UpdateProcedure };
            Operation::CancelLocation { imsi, reason, generation: generation? }
        }
        22 => Operation::PurgeMs { imsi, visited, generation: generation? },
        _ => Operation::RestoreData { imsi },
    })
}

fn read_resynchronisation(both: &[u8]) -> Result<Resynchronisation, BerError> {
    let wrong = BerError::Value(RESYNCHRONISATION);
    let (rand, auts) = both.split_first_chunk().ok_or(wrong)?;
    Ok(Resynchronisation { rand: *rand, auts: auts.try_into().map_err(|_| wrong)? })
}

/// Writes the parameters of an answer. `own` is this node's number.
pub fn write_outcome(kind: Kind, outcome: &Outcome, own: &E164, out: &mut Writer<'_>) {
    if matches!(kind, Kind::UpdateLocation | Kind::Bind | Kind::RestoreData) {
        out.value(Tag::long(22), &[SYSTEM_TYPE]);
    }
    match outcome {
        Outcome::AuthenticationInfo(challenges) => {
            out.nest(PRIVATE, |out| out.nest(CHALLENGES, |out| write_challenges(challenges, out)));
        }
        Outcome::Located { hlr, generation } => out.nest(PRIVATE, |out| {
            with_generation(*generation).fields(out);
            out.value(NODE, &digits::isdn(hlr));
        }),
        Outcome::Bound { lease } => out.nest(PRIVATE, |out| {
            Extension { lease: Some(*lease), ..Extension::default() }.fields(out);
            out.value(NODE, &digits::isdn(own));
        }),
        Outcome::Restored { hlr } => out.nest(PRIVATE, |out| out.value(NODE, &digits::isdn(hlr))),
        Outcome::Done => {}
    }
}

/// Reads what a question of this kind was answered with.
///
/// # Errors
///
/// [`BerError`] says what is wrong with it.
pub fn read_outcome(kind: Kind, parameters: &[u8]) -> Result<Outcome, BerError> {
    let private = Reader::new(parameters).field(PRIVATE)?.unwrap_or_default();
    let extension = Extension::read_fields(private)?;
    let missing = BerError::Missing(PRIVATE);
    let hlr = || {
        let node = Reader::new(private).need(NODE)?;
        digits::read_isdn(node).ok_or(BerError::Value(NODE))
    };
    Ok(match kind {
        Kind::SendAuthenticationInfo => {
            let challenges = Reader::new(private).need(CHALLENGES)?;
            read_challenges(challenges)?
        }
        Kind::UpdateLocation => {
            Outcome::Located { hlr: hlr()?, generation: extension.generation.ok_or(missing)? }
        }
        Kind::Bind => Outcome::Bound { lease: extension.lease.ok_or(missing)? },
        Kind::RestoreData => Outcome::Restored { hlr: hlr()? },
        _ => Outcome::Done,
    })
}

/// The causes by the error that says or comes nearest to them (TIA-41.540-E): unrecognized MIN, resource shortage,
/// operation not supported, parameter error, system failure, unrecognized parameter value, feature inactive, missing
/// parameter.
const ERRORS: [(Cause, u8); 8] = [
    (Cause::UnknownSubscriber, 0x81),
    (Cause::Overload, 0x85),
    (Cause::NotSupported, 0x86),
    (Cause::ProofInvalid, 0x88),
    (Cause::SystemFailure, 0x89),
    (Cause::UnexpectedDataValue, 0x8a),
    (Cause::RoamingNotAllowed, 0x8b),
    (Cause::DataMissing, 0x8c),
];

/// The code of the error that says `cause`, or comes nearest.
#[must_use]
pub fn error_code(cause: Cause) -> u8 {
    let exact = ERRORS.iter().find(|(known, _)| *known == cause).map(|&(_, code)| code);
    exact.unwrap_or(match cause {
        Cause::NoAgreement | Cause::NoPacketData => 0x8b,
        Cause::NoAnswer => 0x89,
        _ => 0x8a,
    })
}

/// Writes the parameters of an error.
pub fn write_error(cause: Cause, out: &mut Writer<'_>) {
    if !ERRORS.iter().any(|(known, _)| *known == cause) {
        out.nest(PRIVATE, |out| Extension { cause: Some(cause), ..Extension::default() }.fields(out));
    }
}

/// Why a question was refused.
#[must_use]
pub fn read_error(code: u8, parameters: &[u8]) -> Cause {
    let private = Reader::new(parameters).field(PRIVATE).ok().flatten().unwrap_or_default();
    let ours = Extension::read_fields(private).ok().and_then(|extension| extension.cause);
    let standard = ERRORS.iter().find(|&&(_, known)| known == code).map(|&(cause, _)| cause);
    ours.or(standard).unwrap_or(Cause::SystemFailure)
}

fn with_network(network: &NetworkName) -> Extension {
    Extension { network: Some(network.clone()), ..Extension::default() }
}

fn with_generation(generation: Generation) -> Extension {
    Extension { generation: Some(generation), ..Extension::default() }
}

/// The last ten digits of an IMSI: the number of a terminal of ANSI-41's own networks (TIA-41.550-E §2.155).
fn mobile_identification_number(imsi: &Imsi) -> digits::Octets {
    let digits = imsi.as_str();
    let padded = format!("{digits:0>10}");
    let mut out = digits::Octets::new();
    digits::pack(padded.get(padded.len().saturating_sub(10)..).unwrap_or_default(), 0, &mut out);
    out
}

/// MSCID: market and switch, made of the node's number where the question says one.
fn switch(operation: &Operation) -> [u8; 3] {
    let node = match operation {
        Operation::SendAuthenticationInfo { visited, .. } | Operation::UpdateLocation { visited, .. } => {
            visited.vlr
        }
        _ => return [0, 0, 1],
    };
    let number = node
        .as_str()
        .bytes()
        .fold(0_u16, |number, digit| number.wrapping_mul(10).wrapping_add(u16::from(digit & 0x0f)));
    let [high, low] = number.to_be_bytes();
    [high, low, 1]
}

/// `[16256]`, of those kept for extensions of the protocol.
const PRIVATE: Tag = Tag::long(16_256).nested();
const SUBSCRIBER: Tag = Tag::context(16);
const NODE: Tag = Tag::context(17);
const COUNT: Tag = Tag::context(18);
const RESYNCHRONISATION: Tag = Tag::context(19);
const CHALLENGES: Tag = Tag::constructed(20);
const NUMBER: Tag = Tag::context(21);
const WITHDRAWN: Tag = Tag::context(22);

const ACCESS_UNSPECIFIED: u8 = 1;
const VALIDATION_AND_PROFILE: u8 = 3;
const PROFILE_ONLY: u8 = 4;
/// SystemMyTypeCode: one of those that no vendor of telephony has.
const SYSTEM_TYPE: u8 = 0;
const SERVING_SYSTEM_OPTION: u8 = 1;
const DEREGISTERED_FOR_ADMINISTRATION: u8 = 2;
