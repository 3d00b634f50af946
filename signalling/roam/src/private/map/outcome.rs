//! What operations are answered with (3GPP TS 29.002 §17.7.1), and the errors (§17.6, §17.7.7).

use zeroize::Zeroizing;

use super::{
    argument::read_isdn,
    asn1::{
        self, AuthenticationQuintuplet, ErrorParam, LocationRes, Octets, Rest, SendAuthenticationInfoRes,
    },
    extension::Extension,
    kind::Kind,
};
use crate::{
    Cause, Challenge, E164, Generation, Outcome, Quintuplet,
    private::{
        ber::{BerError, Tag, Writer},
        digits,
    },
};

/// Writes what comes back, tag and length included; nothing where nothing does. `own` is this node's number.
pub fn write(outcome: &Outcome, own: &E164, out: &mut Writer<'_>) {
    match outcome {
        Outcome::AuthenticationInfo(challenges) => write_challenges(challenges, out),
        Outcome::Located { hlr, generation } => {
            located(hlr, &Extension { generation: Some(*generation), ..Extension::default() }, out);
        }
        Outcome::Bound { lease } => {
            located(own, &Extension { lease: Some(*lease), ..Extension::default() }, out);
        }
        Outcome::Restored { hlr } => located(hlr, &Extension::default(), out),
        Outcome::Done => {}
    }
}

/// Reads what came back to a question of this kind.
///
/// # Errors
///
/// [`BerError`] says what is wrong with it.
pub fn read(kind: Kind, result: &[u8]) -> Result<Outcome, BerError> {
    match kind {
        Kind::SendAuthenticationInfo => read_challenges(result),
        Kind::UpdateLocation => {
            let (hlr, extension) = read_located(result)?;
            Ok(Outcome::Located { hlr, generation: extension.generation.unwrap_or(Generation(0)) })
        }
        Kind::Bind => {
            let (_, extension) = read_located(result)?;
            // A home that knows no names has updated the location and bound nothing.
            let lease = extension.lease.ok_or(BerError::Missing(Tag::SEQUENCE))?;
            Ok(Outcome::Bound { lease })
        }
        Kind::RestoreData => Ok(Outcome::Restored { hlr: read_located(result)?.0 }),
        _ => Ok(Outcome::Done),
    }
}

/// UpdateLocationRes and RestoreDataRes.
fn located(hlr: &E164, extension: &Extension, out: &mut Writer<'_>) {
    let result = LocationRes {
        hlr_number: Octets::new(digits::isdn(hlr)),
        ms_not_reachable: None,
        extension_container: extension.container(),
        rest: Rest,
    };
    asn1::write(&result, out);
}

fn read_located(result: &[u8]) -> Result<(E164, Extension), BerError> {
    let LocationRes { hlr_number, extension_container, .. } = asn1::read(result)?;
    Ok((read_isdn(Tag::OCTET_STRING, &hlr_number)?, Extension::read(extension_container)?))
}

/// SendAuthenticationInfoRes: quintuplets in the standard's list, challenges for key pairs in the extension.
pub(crate) fn write_challenges(challenges: &[Challenge], out: &mut Writer<'_>) {
    let quintuplets = challenges.iter().filter_map(|challenge| match challenge {
        Challenge::Aka(quintuplet) => Some(quintuplet_to_asn1(quintuplet)),
        Challenge::Ed25519 { .. } | Challenge::Eps(_) => None,
    });
    let keys = challenges.iter().filter_map(|challenge| match challenge {
        Challenge::Ed25519 { nonce, public_key } => Some((*nonce, *public_key)),
        Challenge::Aka(_) | Challenge::Eps(_) => None,
    });
    let result = SendAuthenticationInfoRes {
        triplet_list: None,
        quintuplet_list: Some(quintuplets.collect::<Vec<_>>()).filter(|list| !list.is_empty()),
        extension_container: Extension { keys: keys.collect(), ..Extension::default() }.container(),
        rest: Rest,
    };
    asn1::write(&result, out);
}

fn quintuplet_to_asn1(quintuplet: &Quintuplet) -> AuthenticationQuintuplet {
    let Quintuplet { rand, xres, ck, ik, autn } = quintuplet;
    let (rand, autn) = (Octets::new(rand), Octets::new(autn));
    let [xres, ck, ik] = [&xres[..], &ck[..], &ik[..]].map(Octets::new);
    AuthenticationQuintuplet { rand, xres, ck, ik, autn, rest: Rest }
}

pub(crate) fn read_challenges(result: &[u8]) -> Result<Outcome, BerError> {
    let SendAuthenticationInfoRes { quintuplet_list, extension_container, .. } = asn1::read(result)?;
    let quintuplets = quintuplet_list.unwrap_or_default();
    if quintuplets.len() > MAX_CHALLENGES {
        return Err(BerError::Value(QUINTUPLETS));
    }
    let aka = |quintuplet: &AuthenticationQuintuplet| {
        quintuplet_from_asn1(quintuplet).map(|quintuplet| Challenge::Aka(Box::new(quintuplet)))
    };
    let mut challenges: Vec<_> = quintuplets.iter().map(aka).collect::<Result<_, _>>()?;
    let keys = Extension::read(extension_container)?.keys.into_iter();
    challenges.extend(keys.map(|(nonce, public_key)| Challenge::Ed25519 { nonce, public_key }));
    if challenges.is_empty() {
        return Err(BerError::Missing(QUINTUPLETS));
    }
    Ok(Outcome::AuthenticationInfo(challenges))
}

fn quintuplet_from_asn1(quintuplet: &AuthenticationQuintuplet) -> Result<Quintuplet, BerError> {
    let wrong = BerError::Value(Tag::OCTET_STRING);
    let fixed = |octets: &Octets| <[u8; 16]>::try_from(octets.0.as_slice()).map_err(|_| wrong);
    let AuthenticationQuintuplet { rand, xres, ck, ik, autn, .. } = quintuplet;
    if !(4..=16).contains(&xres.0.len()) {
        return Err(wrong);
    }
    let (ck, ik) = (Zeroizing::new(fixed(ck)?), Zeroizing::new(fixed(ik)?));
    Ok(Quintuplet { rand: fixed(rand)?, xres: xres.0.clone(), ck, ik, autn: fixed(autn)? })
}

/// The code of the error that says `cause`, or comes nearest.
#[must_use]
pub const fn error_code(kind: Kind, cause: Cause) -> u8 {
    match cause {
        Cause::UnknownSubscriber => match kind {
            Kind::InsertSubscriberData | Kind::DeleteSubscriberData => UNIDENTIFIED_SUBSCRIBER,
            _ => UNKNOWN_SUBSCRIBER,
        },
        Cause::RoamingNotAllowed | Cause::NoAgreement | Cause::NoPacketData => ROAMING_NOT_ALLOWED,
        Cause::DataMissing => DATA_MISSING,
        Cause::NotServing
        | Cause::WrongNetwork
        | Cause::StaleGeneration
        | Cause::NameMismatch
        | Cause::AddressNotAllowed
        | Cause::ProofInvalid
        | Cause::UnexpectedDataValue => UNEXPECTED_DATA_VALUE,
        Cause::NotSupported => FACILITY_NOT_SUPPORTED,
        Cause::Overload | Cause::SystemFailure | Cause::NoAnswer => SYSTEM_FAILURE,
    }
}

/// Writes the parameter of the error with this code: the standard's own where it must be there, and the cause in the
/// extension where the code does not say it.
pub fn write_error(code: u8, cause: Cause, out: &mut Writer<'_>) {
    let extension = Extension { cause: Some(cause), ..Extension::default() };
    let exact = standard_cause(code) == Some(cause);
    let barred = cause == Cause::NoPacketData;
    let reason = if barred { OPERATOR_BARRING } else { PLMN_NOT_ALLOWED };
    let reason = Some(reason).filter(|_| code == ROAMING_NOT_ALLOWED);
    if reason.is_some() || !exact {
        let extension_container = if exact { None } else { extension.container() };
        asn1::write(&ErrorParam { reason, extension_container, rest: Rest }, out);
    }
}

/// Why a question was refused.
#[must_use]
pub fn read_error(code: u8, parameter: &[u8]) -> Cause {
    let parameter = asn1::read::<ErrorParam>(parameter).ok();
    let container = parameter.and_then(|parameter| parameter.extension_container);
    let ours = Extension::read(container).ok().and_then(|extension| extension.cause);
    ours.or_else(|| standard_cause(code)).unwrap_or(Cause::SystemFailure)
}

const fn standard_cause(code: u8) -> Option<Cause> {
    Some(match code {
        UNKNOWN_SUBSCRIBER | UNIDENTIFIED_SUBSCRIBER => Cause::UnknownSubscriber,
        ROAMING_NOT_ALLOWED => Cause::RoamingNotAllowed,
        FACILITY_NOT_SUPPORTED => Cause::NotSupported,
        SYSTEM_FAILURE => Cause::SystemFailure,
        DATA_MISSING => Cause::DataMissing,
        UNEXPECTED_DATA_VALUE => Cause::UnexpectedDataValue,
        _ => return None,
    })
}

/// QuintupletList.
const QUINTUPLETS: Tag = Tag::constructed(1);
const MAX_CHALLENGES: usize = 5;

const UNKNOWN_SUBSCRIBER: u8 = 1;
const UNIDENTIFIED_SUBSCRIBER: u8 = 5;
const ROAMING_NOT_ALLOWED: u8 = 8;
const FACILITY_NOT_SUPPORTED: u8 = 21;
const SYSTEM_FAILURE: u8 = 34;
const DATA_MISSING: u8 = 35;
const UNEXPECTED_DATA_VALUE: u8 = 36;
const PLMN_NOT_ALLOWED: u64 = 0;
const OPERATOR_BARRING: u64 = 3;
