//! What the answers of S6a say (3GPP TS 29.272 §7.2, §7.4).

use zeroize::Zeroizing;

use super::{
    avp::{AvpError, Avps, VENDOR_3GPP, Writer},
    codes, private,
};
use crate::{Cause, Challenge, E164, EpsVector, Outcome, Quintuplet, private::map::Kind};

/// Writes what an answer to a question of this kind says, beside what every answer does. `title` is our number.
pub fn write(kind: Kind, outcome: &Outcome, title: &E164, out: &mut Writer<'_>) {
    out.number(codes::RESULT_CODE, codes::SUCCESS);
    if matches!(kind, Kind::UpdateLocation | Kind::Bind | Kind::RestoreData) {
        out.number(codes::ULA_FLAGS, SEPARATION);
    }
    match outcome {
        Outcome::AuthenticationInfo(challenges) => write_challenges(challenges, out),
        Outcome::Located { hlr, generation } => {
            out.value(codes::NODE, hlr.as_str().as_bytes());
            out.value(codes::GENERATION, &generation.0.to_be_bytes());
        }
        Outcome::Restored { hlr } => out.value(codes::NODE, hlr.as_str().as_bytes()),
        Outcome::Bound { lease } => out.number(codes::LEASE, *lease),
        Outcome::Done if kind == Kind::Reset => out.value(codes::NODE, title.as_str().as_bytes()),
        Outcome::Done => {}
    }
}

/// Reads what an answer to a question of this kind says. `title` is the partner's number, where the answer says none.
///
/// # Errors
///
/// [`AvpError`] says what is wrong with it.
pub fn read(kind: Kind, avps: Avps<'_>, title: E164) -> Result<Outcome, AvpError> {
    let hlr = || Ok(avps.parse(codes::NODE)?.unwrap_or(title));
    Ok(match kind {
        Kind::SendAuthenticationInfo => Outcome::AuthenticationInfo(read_challenges(avps)?),
        Kind::UpdateLocation => {
            Outcome::Located { hlr: hlr()?, generation: private::generation(avps)?.unwrap_or_default() }
        }
        Kind::Bind => {
            Outcome::Bound { lease: avps.number(codes::LEASE)?.ok_or(AvpError::Missing(codes::LEASE))? }
        }
        Kind::RestoreData => Outcome::Restored { hlr: hlr()? },
        _ => Outcome::Done,
    })
}

/// How a cause is told: the code, and whether it is one of 3GPP's own.
const fn code(cause: Cause) -> (u32, bool) {
    match cause {
        Cause::UnknownSubscriber => (codes::USER_UNKNOWN, true),
        Cause::RoamingNotAllowed | Cause::NoAgreement => (codes::ROAMING_NOT_ALLOWED, true),
        Cause::NoPacketData => (codes::UNKNOWN_EPS_SUBSCRIPTION, true),
        Cause::Overload => (codes::TOO_BUSY, false),
        Cause::SystemFailure | Cause::NoAnswer => (codes::UNABLE_TO_COMPLY, false),
        Cause::DataMissing => (codes::MISSING_AVP, false),
        Cause::UnexpectedDataValue => (codes::INVALID_AVP_VALUE, false),
        Cause::NotSupported => (codes::COMMAND_UNSUPPORTED, false),
        Cause::NotServing
        | Cause::WrongNetwork
        | Cause::StaleGeneration
        | Cause::NameMismatch
        | Cause::AddressNotAllowed
        | Cause::ProofInvalid => (codes::AUTHORIZATION_REJECTED, false),
    }
}

/// Writes why a question is refused; `true` when that is a protocol error, whose answer has the E bit.
pub fn write_refusal(cause: Cause, out: &mut Writer<'_>) {
    match code(cause) {
        (code, false) => out.number(codes::RESULT_CODE, code),
        (code, true) => out.nest(codes::EXPERIMENTAL_RESULT, |out| {
            out.number(codes::VENDOR_ID, VENDOR_3GPP);
            out.number(codes::EXPERIMENTAL_RESULT_CODE, code);
        }),
    }
    private::write_cause(cause, out);
}

/// Whether the answer that tells of this cause has the E bit (RFC 6733 §7.1.3).
#[must_use]
pub const fn is_protocol_error(cause: Cause) -> bool {
    let (code, experimental) = code(cause);
    !experimental && code / 1_000 == 3
}

/// Why a question was refused; `None` when it was not.
///
/// # Errors
///
/// [`AvpError`] when the answer says neither.
pub fn read_refusal(avps: Avps<'_>) -> Result<Option<Cause>, AvpError> {
    let (number, experimental) = match avps.number(codes::RESULT_CODE)? {
        Some(number) => (number, false),
        None => {
            let group = avps.group(codes::EXPERIMENTAL_RESULT)?;
            let group = group.ok_or(AvpError::Missing(codes::RESULT_CODE))?;
            let missing = AvpError::Missing(codes::EXPERIMENTAL_RESULT_CODE);
            (group.number(codes::EXPERIMENTAL_RESULT_CODE)?.ok_or(missing)?, true)
        }
    };
    if number / 1_000 == 2 {
        return Ok(None);
    }
    let standard = STANDARD.into_iter().find(|cause| code(*cause) == (number, experimental));
    Ok(Some(private::read_cause(avps)?.or(standard).unwrap_or(Cause::SystemFailure)))
}

/// Those that their codes alone say.
const STANDARD: [Cause; 9] = [
    Cause::UnknownSubscriber,
    Cause::RoamingNotAllowed,
    Cause::NoPacketData,
    Cause::Overload,
    Cause::SystemFailure,
    Cause::DataMissing,
    Cause::UnexpectedDataValue,
    Cause::NotSupported,
    Cause::NotServing,
];

fn write_challenges(challenges: &[Challenge], out: &mut Writer<'_>) {
    let of_a_sim = |challenge: &&Challenge| !matches!(challenge, Challenge::Ed25519 { .. });
    let vectors = challenges.iter().filter(of_a_sim);
    if vectors.clone().next().is_some() {
        out.nest(codes::AUTHENTICATION_INFO, |out| {
            (1..).zip(vectors).for_each(|(item, vector)| write_vector(item, vector, out));
        });
    }
    for challenge in challenges {
        if let Challenge::Ed25519 { nonce, public_key } = challenge {
            out.nest(codes::KEY, |out| {
                out.value(codes::NONCE, nonce);
                out.value(codes::PUBLIC_KEY, public_key);
            });
        }
    }
}

fn write_vector(item: u32, challenge: &Challenge, out: &mut Writer<'_>) {
    match challenge {
        Challenge::Aka(vector) => out.nest(codes::UTRAN_VECTOR, |out| {
            out.number(codes::ITEM_NUMBER, item);
            out.value(codes::RAND, &vector.rand);
            out.value(codes::XRES, &vector.xres);
            out.value(codes::AUTN, &vector.autn);
            out.value(codes::CONFIDENTIALITY_KEY, &*vector.ck);
            out.value(codes::INTEGRITY_KEY, &*vector.ik);
        }),
        Challenge::Eps(vector) => out.nest(codes::EUTRAN_VECTOR, |out| {
            out.number(codes::ITEM_NUMBER, item);
            out.value(codes::RAND, &vector.rand);
            out.value(codes::XRES, &vector.xres);
            out.value(codes::AUTN, &vector.autn);
            out.value(codes::KASME, &*vector.kasme);
        }),
        Challenge::Ed25519 { .. } => {}
    }
}

/// In the order of the message, which is that of the vectors' numbers where we wrote it; vectors before keys.
fn read_challenges(avps: Avps<'_>) -> Result<Vec<Challenge>, AvpError> {
    let mut challenges = Vec::new();
    let mut add = |challenge| {
        let full = challenges.len() == MAX_CHALLENGES;
        if !full {
            challenges.push(challenge);
        }
        if full { Err(AvpError::Value(codes::AUTHENTICATION_INFO)) } else { Ok(()) }
    };
    let mut vectors = avps.group(codes::AUTHENTICATION_INFO)?.unwrap_or(Avps::new(&[]));
    while let Some((code, data)) = vectors.take()? {
        let vector = Avps::new(data);
        if code == codes::UTRAN_VECTOR {
            add(Challenge::Aka(Box::new(read_vector(vector)?)))?;
        } else if code == codes::EUTRAN_VECTOR {
            add(Challenge::Eps(Box::new(read_eps_vector(vector)?)))?;
        }
    }
    let mut rest = avps;
    while let Some((code, data)) = rest.take()? {
        if code == codes::KEY {
            let key = Avps::new(data);
            let (nonce, public_key) = (key.fixed(codes::NONCE)?, key.fixed(codes::PUBLIC_KEY)?);
            add(Challenge::Ed25519 { nonce, public_key })?;
        }
    }
    if challenges.is_empty() { Err(AvpError::Missing(codes::AUTHENTICATION_INFO)) } else { Ok(challenges) }
}

fn read_xres(vector: Avps<'_>) -> Result<Zeroizing<Vec<u8>>, AvpError> {
    let xres = vector.need(codes::XRES)?;
    let fits = (4..=16).contains(&xres.len());
    if fits { Ok(Zeroizing::new(xres.to_vec())) } else { Err(AvpError::Value(codes::XRES)) }
}

fn read_eps_vector(vector: Avps<'_>) -> Result<EpsVector, AvpError> {
    Ok(EpsVector {
        rand: vector.fixed(codes::RAND)?,
        xres: read_xres(vector)?,
        autn: vector.fixed(codes::AUTN)?,
        kasme: Zeroizing::new(vector.fixed(codes::KASME)?),
    })
}

fn read_vector(vector: Avps<'_>) -> Result<Quintuplet, AvpError> {
    Ok(Quintuplet {
        rand: vector.fixed(codes::RAND)?,
        xres: read_xres(vector)?,
        ck: Zeroizing::new(vector.fixed(codes::CONFIDENTIALITY_KEY)?),
        ik: Zeroizing::new(vector.fixed(codes::INTEGRITY_KEY)?),
        autn: vector.fixed(codes::AUTN)?,
    })
}

/// ULA-Flags (§7.3.8): the home keeps apart who serves by which kind of node.
const SEPARATION: u32 = 1;
/// As many as one question may ask for.
const MAX_CHALLENGES: usize = 5;
