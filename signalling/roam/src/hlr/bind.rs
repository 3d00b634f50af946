//! A name is bound to addresses of a visited network, on a proof that the home verifies itself.

use core::{net::IpAddr, time::Duration};

use rove_base::Now;

use crate::{
    BindClaim, Cause, Generation, NameChange, NetworkName, Proof,
    aka::{is_binding_proof, is_binding_signature},
    subscriber::{Binding, Credential, Entry, Record, Stay, digest},
};

use super::{
    Agreement, Asker, Hlr,
    commit::{Taken, Then},
};

impl Hlr {
    pub(super) fn bind(
        &mut self,
        now: Now,
        asker: Asker,
        claim: &BindClaim,
        proof: &Proof,
        lease: u32,
    ) -> Result<(), Cause> {
        let agreement = self.agreement_of(asker.partner, &claim.network)?;
        let imsi = claim.imsi;
        let entry = self.entry(imsi)?;
        let stay = stay_of(entry, &claim.network, claim.generation)?;
        self.check(entry, agreement, claim)?;
        let digest = digest(claim, proof);
        let known = stay.binding.filter(|binding| binding.digest == digest);
        if known.is_none() && !self.proves(entry, stay, asker, claim, proof) {
            return Err(Cause::ProofInvalid);
        }
        if lease == 0 {
            return Err(Cause::UnexpectedDataValue);
        }
        self.room()?;
        let longest = self.config.limits.longest_lease.as_secs();
        let lease = lease.min(u32::try_from(longest).unwrap_or(u32::MAX));
        let until = now.later(Duration::from_secs(u64::from(lease)));
        let generation = claim.generation;
        if known.is_some() {
            let record = Record::Renewed { imsi, generation, until: until.wall };
            let then = Then::Renewed { asker, lease, until: until.mono };
            self.commit(imsi, vec![record], Vec::new(), Taken::default(), then);
            return Ok(());
        }
        let binding = Binding { addresses: claim.addresses, until: until.wall, digest };
        let names = vec![self.forward(entry, claim.addresses.iter().collect())];
        let before = entry.serving.as_ref().filter(|before| before.generation != generation);
        let replaced = before.map(|before| (before.network.clone(), before.generation));
        let replaced = replaced.filter(|(network, _)| *network != claim.network);
        let then = Then::Bound { asker, generation, lease, until: until.mono, replaced };
        let taken = Taken { addresses: claim.addresses.iter().collect(), ..Taken::default() };
        self.commit(imsi, vec![Record::Bound { imsi, generation, binding }], names, taken, then);
        Ok(())
    }

    /// Everything but the proof.
    fn check(&self, entry: &Entry, agreement: &Agreement, claim: &BindClaim) -> Result<(), Cause> {
        let subscriber = &entry.subscriber;
        if !subscriber.may_be_in(&claim.network, agreement.own) {
            return Err(Cause::RoamingNotAllowed);
        }
        if !subscriber.profile.services.packet_data {
            return Err(Cause::NoPacketData);
        }
        if claim.name != subscriber.name {
            return Err(Cause::NameMismatch);
        }
        if claim.addresses.iter().next().is_none() {
            return Err(Cause::DataMissing);
        }
        let free = |address: IpAddr| match self.database.owner(address) {
            Some(owner) => owner == claim.imsi,
            None => !self.claims.addresses.contains(&address),
        };
        if !claim.addresses.iter().all(|address| agreement.holds(address) && free(address)) {
            return Err(Cause::AddressNotAllowed);
        }
        Ok(())
    }

    /// Whether the subscriber itself stands behind `claim`.
    fn proves(&self, entry: &Entry, stay: &Stay, asker: Asker, claim: &BindClaim, proof: &Proof) -> bool {
        match &entry.subscriber.credential {
            Credential::Ed25519 { public_key } => is_binding_signature(public_key, claim, proof),
            Credential::Aka { .. } => {
                let issued = self.authentications.get(&claim.imsi);
                let later = issued.into_iter().flat_map(|own| own.issued_to(asker.partner));
                let mut secrets = stay.secrets.iter().chain(later);
                secrets.any(|secret| is_binding_proof(secret, &claim.network, claim, proof))
            }
        }
    }

    /// What the name resolves to from now on.
    pub(super) fn forward(&self, entry: &Entry, addresses: Vec<IpAddr>) -> NameChange {
        let ttl = entry.subscriber.ttl.unwrap_or(self.config.ttl).max(1);
        NameChange::Forward { name: entry.subscriber.name.clone(), addresses, ttl }
    }
}

/// The stay that `network` speaks of.
pub(super) fn stay_of<'e>(
    entry: &'e Entry,
    network: &NetworkName,
    generation: Generation,
) -> Result<&'e Stay, Cause> {
    if let Some(stay) = entry.stay(generation) {
        return if stay.network == *network { Ok(stay) } else { Err(Cause::NotServing) };
    }
    let there = entry.stays().any(|stay| stay.network == *network);
    let newer = entry.stays().any(|stay| stay.generation > generation);
    Err(if there || newer { Cause::StaleGeneration } else { Cause::NotServing })
}

/// Whether the name is bound in this stay.
pub(super) fn is_bound(entry: &Entry, generation: Generation) -> bool {
    entry.serving.as_ref().is_some_and(|stay| stay.generation == generation && stay.binding.is_some())
}
