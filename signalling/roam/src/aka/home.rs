//! The home's side of AKA.

use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::{
    AkaKeys, BindingSecret, Sqn,
    derive::{kasme, network_keys},
};
use crate::{EpsVector, NetworkName, Plmn, Quintuplet, Resynchronisation};

/// One vector for `network`, and what the home keeps to itself of it.
///
/// `rand` must be unpredictable and `sqn` never used before.
#[must_use]
pub fn vector(
    keys: &AkaKeys,
    amf: [u8; 2],
    sqn: Sqn,
    rand: [u8; 16],
    network: &NetworkName,
) -> (Quintuplet, BindingSecret) {
    let answers = keys.answers(&rand);
    let secret = BindingSecret::of(&answers);
    let concealed = xor(sqn.to_bytes(), answers.ak);
    let (ck, ik) = network_keys(&secret, network, concealed);
    let autn = autn(concealed, amf, keys.mac_a(&rand, sqn, amf));
    let xres = Zeroizing::new(answers.res.to_vec());
    (Quintuplet { rand, xres, ck, ik, autn }, secret)
}

/// One vector of EPS for the network with this code. Nothing can be bound by it: its keys are KASME's, and nobody's else.
///
/// `rand` must be unpredictable and `sqn` never used before. Whatever `amf` says, the separation bit is set, without which
/// a terminal would not believe a node of EPS (3GPP TS 33.401 §6.1.1).
#[must_use]
pub fn eps_vector(keys: &AkaKeys, amf: [u8; 2], sqn: Sqn, rand: [u8; 16], network: Plmn) -> EpsVector {
    let answers = keys.answers(&rand);
    let [first, second] = amf;
    let amf = [first | SEPARATION, second];
    let concealed = xor(sqn.to_bytes(), answers.ak);
    let kasme = kasme(&BindingSecret::of(&answers), network, concealed);
    let autn = autn(concealed, amf, keys.mac_a(&rand, sqn, amf));
    EpsVector { rand, xres: Zeroizing::new(answers.res.to_vec()), autn, kasme }
}

/// The terminal's own sequence number out of AUTS, when its MAC-S holds (TS 33.102 §6.3.5).
#[must_use]
pub fn resynchronise(keys: &AkaKeys, wanted: &Resynchronisation) -> Option<Sqn> {
    let (concealed, mac_s) = wanted.auts.split_first_chunk::<6>()?;
    let sqn = Sqn::from_bytes(xor(*concealed, keys.ak_star(&wanted.rand)));
    let expected = keys.mac_s(&wanted.rand, sqn, RESYNCHRONISATION_AMF);
    bool::from(expected.as_slice().ct_eq(mac_s)).then_some(sqn)
}

/// `SQN ⊕ AK || AMF || MAC-A` (TS 33.102 §6.3.2).
pub(super) fn autn(concealed: [u8; 6], amf: [u8; 2], mac: [u8; 8]) -> [u8; 16] {
    let mut autn = [0; 16];
    for (to, from) in autn.iter_mut().zip(concealed.into_iter().chain(amf).chain(mac)) {
        *to = from;
    }
    autn
}

/// Bitwise exclusive or.
pub(super) fn xor(a: [u8; 6], b: [u8; 6]) -> [u8; 6] {
    let mut out = a;
    for (a, b) in out.iter_mut().zip(b) {
        *a ^= b;
    }
    out
}

/// The bit of AMF that keeps vectors of EPS apart (3GPP TS 33.102 annex H).
const SEPARATION: u8 = 0x80;

/// AMF*, a dummy value (TS 33.102 §6.3.3).
pub(super) const RESYNCHRONISATION_AMF: [u8; 2] = [0, 0];
