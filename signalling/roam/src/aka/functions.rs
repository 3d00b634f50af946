//! The functions f1 to f5* of Milenage (3GPP TS 35.206), and the keys they stand on.

use core::fmt;

use milenage::Milenage;
use zeroize::{Zeroize, Zeroizing};

use super::Sqn;

/// What a subscriber's SIM and its home share: K, and OPc, which is the operator's constant under K.
#[derive(Clone, Eq, PartialEq)]
pub struct AkaKeys {
    k: Zeroizing<[u8; 16]>,
    opc: Zeroizing<[u8; 16]>,
}

impl AkaKeys {
    /// Keys as a SIM carries them.
    #[must_use]
    pub fn new(k: [u8; 16], opc: [u8; 16]) -> Self {
        Self { k: Zeroizing::new(k), opc: Zeroizing::new(opc) }
    }

    /// Keys from the operator's own constant (TS 35.206 §4.1).
    #[must_use]
    pub fn with_op(k: [u8; 16], op: [u8; 16]) -> Self {
        let functions = Functions(Milenage::new_with_op(k, op));
        Self::new(k, *functions.0.opc())
    }

    /// K. For the journal and nothing else.
    pub(crate) fn k(&self) -> &[u8; 16] {
        &self.k
    }

    /// OPc. For the journal and nothing else.
    pub(crate) fn opc(&self) -> &[u8; 16] {
        &self.opc
    }

    fn functions(&self) -> Functions {
        Functions(Milenage::new_with_opc(*self.k, *self.opc))
    }

    /// f1: MAC-A.
    pub(super) fn mac_a(&self, rand: &[u8; 16], sqn: Sqn, amf: [u8; 2]) -> [u8; 8] {
        self.functions().0.f1(rand, &sqn.to_bytes(), &amf)
    }

    /// f1*: MAC-S.
    pub(super) fn mac_s(&self, rand: &[u8; 16], sqn: Sqn, amf: [u8; 2]) -> [u8; 8] {
        self.functions().0.f1star(rand, &sqn.to_bytes(), &amf)
    }

    /// f2 to f5: RES, CK, IK and AK.
    pub(super) fn answers(&self, rand: &[u8; 16]) -> Answers {
        let (res, mut ck, mut ik, ak) = self.functions().0.f2345(rand);
        let answers =
            Answers { res: Zeroizing::new(res), ck: Zeroizing::new(ck), ik: Zeroizing::new(ik), ak };
        ck.zeroize();
        ik.zeroize();
        answers
    }

    /// f5*: AK for the resynchronisation.
    pub(super) fn ak_star(&self, rand: &[u8; 16]) -> [u8; 6] {
        self.functions().0.f5star(rand)
    }
}

impl fmt::Debug for AkaKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AkaKeys(..)")
    }
}

/// What f2 to f5 say to one RAND.
pub(super) struct Answers {
    pub(super) res: Zeroizing<[u8; 8]>,
    pub(super) ck: Zeroizing<[u8; 16]>,
    pub(super) ik: Zeroizing<[u8; 16]>,
    pub(super) ak: [u8; 6],
}

/// The crate keeps keys and results in itself; they are overwritten when it goes.
struct Functions(Milenage);

impl Drop for Functions {
    fn drop(&mut self) {
        self.0 = Milenage::default();
        core::hint::black_box(&mut self.0);
    }
}
