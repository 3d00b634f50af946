//! The terminal's side of AKA.

use core::fmt;

use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::{
    AkaKeys, BindingSecret, Sqn,
    derive::network_keys,
    home::{RESYNCHRONISATION_AMF, xor},
    sequence::{SLOTS, Taken},
};
use crate::NetworkName;

/// A SIM: keys, and which challenges it has seen.
pub struct Usim {
    keys: AkaKeys,
    taken: Taken,
}

/// What a challenge is answered with.
#[derive(Clone, Eq, PartialEq)]
pub struct UsimAnswer {
    /// For the visited network, which compares it with XRES.
    pub res: Zeroizing<Vec<u8>>,
    /// For [`binding_proof`](super::binding_proof). Never leaves the terminal.
    pub binding_secret: BindingSecret,
    /// CK', shared with the visited network.
    pub ck: Zeroizing<[u8; 16]>,
    /// IK', shared with the visited network.
    pub ik: Zeroizing<[u8; 16]>,
}

/// Why a challenge is not answered.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum UsimError {
    /// The home has not made it, or not for a network of this kind (the separation bit of AMF is not set, RFC 5448
    /// §3.1).
    #[error("the challenge is not the home's")]
    Mac,
    /// It was seen before, or is too old; AUTS goes home (TS 33.102 §6.3.5).
    #[error("the challenge is not fresh")]
    Sync([u8; 14]),
}

impl Usim {
    /// A SIM that has seen nothing yet.
    #[must_use]
    pub fn new(keys: AkaKeys) -> Self {
        Self::restored(keys, [0; SLOTS])
    }

    /// A SIM that has seen what [`Usim::taken`] said.
    #[must_use]
    pub fn restored(keys: AkaKeys, taken: [u64; 32]) -> Self {
        Self { keys, taken: Taken(taken) }
    }

    /// What has to be kept over a restart, after each answer: the highest SEQ taken of each IND.
    #[must_use]
    pub fn taken(&self) -> [u64; 32] {
        self.taken.0
    }

    /// Answers a challenge that `network` passes on.
    ///
    /// # Errors
    ///
    /// [`UsimError`] if it is not the home's, or not fresh. The SIM is unchanged then.
    pub fn answer(
        &mut self,
        rand: &[u8; 16],
        autn: &[u8; 16],
        network: &NetworkName,
    ) -> Result<UsimAnswer, UsimError> {
        let [c0, c1, c2, c3, c4, c5, a0, a1, mac @ ..] = *autn;
        let (concealed, amf) = ([c0, c1, c2, c3, c4, c5], [a0, a1]);
        let answers = self.keys.answers(rand);
        let sqn = Sqn::from_bytes(xor(concealed, answers.ak));
        let genuine = bool::from(self.keys.mac_a(rand, sqn, amf).as_slice().ct_eq(mac.as_slice()));
        if !genuine || a0 & SEPARATION_BIT == 0 {
            return Err(UsimError::Mac);
        }
        self.taken.take(sqn).map_err(|highest| UsimError::Sync(self.auts(rand, highest)))?;
        let binding_secret = BindingSecret::of(&answers);
        let (ck, ik) = network_keys(&binding_secret, network, concealed);
        Ok(UsimAnswer { res: Zeroizing::new(answers.res.to_vec()), binding_secret, ck, ik })
    }

    /// `SQN_MS ⊕ AK* || MAC-S` (TS 33.102 §6.3.3).
    fn auts(&self, rand: &[u8; 16], highest: Sqn) -> [u8; 14] {
        let concealed = xor(highest.to_bytes(), self.keys.ak_star(rand));
        let mac = self.keys.mac_s(rand, highest, RESYNCHRONISATION_AMF);
        let mut auts = [0; 14];
        for (to, from) in auts.iter_mut().zip(concealed.into_iter().chain(mac)) {
            *to = from;
        }
        auts
    }
}

impl fmt::Debug for Usim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Usim(..)")
    }
}

impl fmt::Debug for UsimAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("UsimAnswer(..)")
    }
}

/// The highest bit of AMF (TS 33.401 §6.1.2).
const SEPARATION_BIT: u8 = 0x80;
