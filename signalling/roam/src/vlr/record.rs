//! What a visited register keeps in the journal: who is here, under which name and addresses.
//!
//! Not what the subscriber may do: that is the home's, and is asked for again after a crash.

use crate::{
    Addresses, BindClaim, Generation, Imsi, NetworkName, Proof,
    attach::{Fields, Writer},
};

/// A record of the journal.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Record {
    /// A stay stands.
    Here(Box<Kept>),
    /// A stay is over.
    Gone(Imsi, Generation),
}

/// What is kept of a stay.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Kept {
    /// What was bound.
    pub(super) claim: BindClaim,
    /// The terminal's word, with which the binding is renewed.
    pub(super) proof: Proof,
    /// SHA-256 of the ticket that the terminal comes back with.
    pub(super) ticket: [u8; 32],
}

/// A record that cannot be read.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("a record of a visited register that cannot be read")]
pub struct ReplayError;

impl Record {
    pub(super) fn encode(&self) -> Vec<u8> {
        match self {
            Self::Here(kept) => {
                let claim = &kept.claim;
                Writer::new(HERE)
                    .put(IMSI, claim.imsi.as_str().as_bytes())
                    .put(GENERATION, &claim.generation.0.to_be_bytes())
                    .put(NAME, claim.name.as_str().as_bytes())
                    .put_if(V4, claim.addresses.v4.map(|v4| v4.octets()).as_ref().map(|v4| v4.as_slice()))
                    .put_if(V6, claim.addresses.v6.map(|v6| v6.octets()).as_ref().map(|v6| v6.as_slice()))
                    .put(NETWORK, claim.network.as_str().as_bytes())
                    .put(PROOF, &kept.proof.0)
                    .put(TICKET, &kept.ticket)
                    .done()
            }
            Self::Gone(imsi, generation) => Writer::new(GONE)
                .put(IMSI, imsi.as_str().as_bytes())
                .put(GENERATION, &generation.0.to_be_bytes())
                .done(),
        }
    }

    pub(super) fn decode(record: &[u8]) -> Result<Self, ReplayError> {
        let (kind, mut fields) = Fields::open(record).map_err(|_| ReplayError)?;
        Self::read(kind, &mut fields).ok_or(ReplayError)
    }

    fn read(kind: u8, fields: &mut Fields<'_>) -> Option<Self> {
        let imsi: Imsi = fields.want_text(IMSI).ok()?;
        let generation = Generation(u64::from_be_bytes(fields.want_array(GENERATION).ok()?));
        match kind {
            GONE => Some(Self::Gone(imsi, generation)),
            HERE => {
                let v4 = fields.array::<4>(V4).ok()?.map(Into::into);
                let v6 = fields.array::<16>(V6).ok()?.map(Into::into);
                let name = fields.want_text(NAME).ok()?;
                let network: NetworkName = fields.want_text(NETWORK).ok()?;
                let claim = BindClaim { imsi, generation, name, addresses: Addresses { v4, v6 }, network };
                let proof = Proof(fields.take(PROOF)?.to_vec());
                Some(Self::Here(Box::new(Kept { claim, proof, ticket: fields.want_array(TICKET).ok()? })))
            }
            _ => None,
        }
    }
}

const HERE: u8 = 1;
const GONE: u8 = 2;

const IMSI: u8 = 1;
const GENERATION: u8 = 2;
const NAME: u8 = 3;
const V4: u8 = 4;
const V6: u8 = 5;
const NETWORK: u8 = 6;
const PROOF: u8 = 7;
const TICKET: u8 = 8;
