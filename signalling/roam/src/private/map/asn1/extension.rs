//! The private extension.

use rasn::{AsnType, Decode, Decoder as _, Encode};

use super::{BitString, Octets, Rest};

/// What the private extension says.
#[derive(AsnType, Decode, Encode, Default)]
pub(crate) struct RoveExtension {
    #[rasn(tag(0))]
    pub network: Option<Octets>,
    #[rasn(tag(1))]
    pub generation: Option<u64>,
    #[rasn(tag(2))]
    pub name: Option<Octets>,
    #[rasn(tag(3))]
    pub bind: Option<RoveBind>,
    #[rasn(tag(4))]
    pub lease: Option<u32>,
    #[rasn(tag(5))]
    pub services: Option<BitString>,
    #[rasn(tag(6))]
    pub forwarding: Option<RoveForwarding>,
    #[rasn(tag(7))]
    pub keys: Option<Vec<RoveKey>>,
    #[rasn(tag(8))]
    pub cause: Option<u64>,
    pub rest: Rest,
}

#[derive(AsnType, Decode, Encode)]
pub(crate) struct RoveBind {
    #[rasn(tag(0))]
    pub v4: Option<Octets>,
    #[rasn(tag(1))]
    pub v6: Option<Octets>,
    #[rasn(tag(2))]
    pub proof: Octets,
    #[rasn(tag(3))]
    pub lease: u32,
    pub rest: Rest,
}

#[derive(AsnType, Decode, Encode, Default)]
pub(crate) struct RoveForwarding {
    #[rasn(tag(0))]
    pub always: Option<Octets>,
    #[rasn(tag(1))]
    pub busy: Option<Octets>,
    #[rasn(tag(2))]
    pub no_answer: Option<Octets>,
    #[rasn(tag(3))]
    pub seconds: Option<u16>,
    pub rest: Rest,
}

#[derive(AsnType, Decode, Encode)]
pub(crate) struct RoveKey {
    pub nonce: Octets,
    pub public_key: Octets,
    pub rest: Rest,
}
