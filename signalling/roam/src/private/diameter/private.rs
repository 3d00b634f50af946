//! What S6a has no pair for, in pairs of our own, as `signalling/roam/diameter.md` specifies them.

use super::{
    avp::{AvpError, Avps, Writer},
    codes,
};
use crate::{
    Addresses, BindClaim, Cause, Forwarding, Generation, HostName, Imsi, NetworkName, Proof, Services,
    private::map::extension::{cause_code, cause_from_code},
};

/// Writes a claim and its proof.
pub(super) fn write_bind(claim: &BindClaim, proof: &Proof, lease: u32, out: &mut Writer<'_>) {
    out.value(codes::GENERATION, &claim.generation.0.to_be_bytes());
    out.value(codes::HOST_NAME, claim.name.as_str().as_bytes());
    out.nest(codes::BIND, |out| {
        if let Some(v4) = claim.addresses.v4 {
            out.value(codes::ADDRESS_V4, &v4.octets());
        }
        if let Some(v6) = claim.addresses.v6 {
            out.value(codes::ADDRESS_V6, &v6.octets());
        }
        out.value(codes::PROOF, &proof.0);
        out.number(codes::LEASE, lease);
    });
}

/// Reads a claim, its proof, and how long it is to hold.
pub(super) fn read_bind(
    avps: Avps<'_>,
    group: Avps<'_>,
    imsi: Imsi,
    network: NetworkName,
) -> Result<(BindClaim, Proof, u32), AvpError> {
    let v4 = group.find(codes::ADDRESS_V4)?.map(|_| group.fixed::<4>(codes::ADDRESS_V4)).transpose()?;
    let v6 = group.find(codes::ADDRESS_V6)?.map(|_| group.fixed::<16>(codes::ADDRESS_V6)).transpose()?;
    let proof = group.need(codes::PROOF)?;
    if proof.is_empty() || proof.len() > MAX_PROOF {
        return Err(AvpError::Value(codes::PROOF));
    }
    let lease = group.number(codes::LEASE)?.ok_or(AvpError::Missing(codes::LEASE))?;
    let claim = BindClaim {
        imsi,
        generation: generation(avps)?.ok_or(AvpError::Missing(codes::GENERATION))?,
        name: avps.parse::<HostName>(codes::HOST_NAME)?.ok_or(AvpError::Missing(codes::HOST_NAME))?,
        addresses: Addresses { v4: v4.map(Into::into), v6: v6.map(Into::into) },
        network,
    };
    Ok((claim, Proof(proof.to_vec()), lease))
}

/// Which stay is meant, where it is said.
pub(super) fn generation(avps: Avps<'_>) -> Result<Option<Generation>, AvpError> {
    Ok(avps.long(codes::GENERATION)?.map(Generation))
}

/// Writes what is granted, or withdrawn.
pub(super) fn write_services(services: Services, out: &mut Writer<'_>) {
    let Services { roaming, packet_data, caller_id, caller_id_restricted, three_way } = services;
    let bits = [roaming, packet_data, caller_id, caller_id_restricted, three_way];
    let word = bits.iter().zip(BITS).fold(0, |word, (&on, bit)| if on { word | bit } else { word });
    out.number(codes::SERVICES, word);
}

/// Bits beyond those known are of services that a later version may add.
pub(super) fn read_services(avps: Avps<'_>) -> Result<Option<Services>, AvpError> {
    let services = |word: u32| {
        let [roaming, packet_data, caller_id, caller_id_restricted, three_way] =
            BITS.map(|bit| word & bit != 0);
        Services { roaming, packet_data, caller_id, caller_id_restricted, three_way }
    };
    Ok(avps.number(codes::SERVICES)?.map(services))
}

/// Writes where calls go; nothing when they go nowhere else.
pub(super) fn write_forwarding(forwarding: &Forwarding, out: &mut Writer<'_>) {
    let Forwarding { always, busy, no_answer } = forwarding;
    if *forwarding == Forwarding::default() {
        return;
    }
    out.nest(codes::FORWARDING, |out| {
        for (code, target) in [(codes::ALWAYS, always), (codes::BUSY, busy)] {
            if let Some(target) = target {
                out.value(code, target.as_bytes());
            }
        }
        if let Some((target, seconds)) = no_answer {
            out.value(codes::NO_ANSWER, target.as_bytes());
            out.number(codes::SECONDS, u32::from(*seconds));
        }
    });
}

/// Reads where calls go.
pub(super) fn read_forwarding(avps: Avps<'_>) -> Result<Forwarding, AvpError> {
    let Some(group) = avps.group(codes::FORWARDING)? else { return Ok(Forwarding::default()) };
    let target = |code| -> Result<Option<String>, AvpError> {
        let target = group.parse::<String>(code)?;
        if target.as_ref().is_some_and(String::is_empty) { Err(AvpError::Value(code)) } else { Ok(target) }
    };
    let no_answer = match target(codes::NO_ANSWER)? {
        None => None,
        Some(target) => {
            let seconds = group.number(codes::SECONDS)?.ok_or(AvpError::Missing(codes::SECONDS))?;
            Some((target, u16::try_from(seconds).map_err(|_| AvpError::Value(codes::SECONDS))?))
        }
    };
    Ok(Forwarding { always: target(codes::ALWAYS)?, busy: target(codes::BUSY)?, no_answer })
}

/// Writes a cause that no result code says.
pub(super) fn write_cause(cause: Cause, out: &mut Writer<'_>) {
    if let Some(code) = cause_code(cause) {
        out.number(codes::CAUSE, u32::from(code));
    }
}

/// Reads it.
pub(super) fn read_cause(avps: Avps<'_>) -> Result<Option<Cause>, AvpError> {
    Ok(avps.number(codes::CAUSE)?.and_then(|code| cause_from_code(u64::from(code))))
}

const BITS: [u32; 5] = [1, 2, 4, 8, 16];
const MAX_PROOF: usize = 64;
