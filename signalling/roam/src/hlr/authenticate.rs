//! Challenges, and the sequence numbers they use up.

use std::collections::VecDeque;

use crate::{
    Cause, Challenge, Imsi, NetworkName, Outcome, Plmn, Resynchronisation,
    aka::{AkaKeys, BindingSecret, Sqn, eps_vector, resynchronise, vector},
    private::PartnerId,
    subscriber::{Credential, Record},
};

use super::{Asker, Hlr, MOST_WAITING, commit::Then};

/// What is remembered of a subscriber's challenges. Not durable: after a restart numbers go on behind all that were
/// reserved, so none is used twice.
pub(super) struct Authentications {
    /// The next vector's number.
    next: u64,
    /// Secrets of vectors that were given away, oldest first.
    issued: Vec<(PartnerId, BindingSecret)>,
    /// Whether more numbers are being made durable.
    reserving: bool,
    /// What waits for them.
    waiting: VecDeque<Wanted>,
}

/// A question for challenges.
pub(super) struct Wanted {
    pub(super) asker: Asker,
    pub(super) network: NetworkName,
    pub(super) count: u8,
    /// Of EPS, for the network with this code.
    pub(super) eps: Option<Plmn>,
}

impl Authentications {
    pub(super) fn starting_at(next: u64) -> Self {
        Self { next, issued: Vec::new(), reserving: false, waiting: VecDeque::new() }
    }

    /// The secrets of what `partner` got lately.
    pub(super) fn issued_to(&self, partner: PartnerId) -> impl Iterator<Item = &BindingSecret> {
        self.issued.iter().filter(move |(to, _)| *to == partner).map(|(_, secret)| secret)
    }

    /// Remembers a secret in the place of the same partner's oldest: no partner drives out another's.
    fn issue(&mut self, partner: PartnerId, secret: BindingSecret) {
        let of_partner = self.issued.iter().filter(|(to, _)| *to == partner).count();
        if of_partner >= usize::from(MOST_CHALLENGES) {
            let oldest = self.issued.iter().position(|(to, _)| *to == partner);
            oldest.map(|oldest| self.issued.remove(oldest));
        } else if self.issued.len() >= MOST_ISSUED {
            self.issued.remove(0);
        }
        self.issued.push((partner, secret));
    }

    fn end(&self, count: u8) -> u64 {
        self.next.saturating_add(u64::from(count))
    }
}

impl Hlr {
    pub(super) fn authenticate(
        &mut self,
        imsi: Imsi,
        wanted: Wanted,
        resynchronisation: Option<Resynchronisation>,
    ) {
        let asker = wanted.asker;
        if let Err(cause) = self.challenge(imsi, wanted, resynchronisation) {
            self.answer(asker, Err(cause));
        }
    }

    fn challenge(
        &mut self,
        imsi: Imsi,
        wanted: Wanted,
        resynchronisation: Option<Resynchronisation>,
    ) -> Result<(), Cause> {
        let Wanted { asker, ref network, count, eps } = wanted;
        self.agreement_of(asker.partner, network)?;
        let entry = self.entry(imsi)?;
        if !(1..=MOST_CHALLENGES).contains(&count) {
            return Err(Cause::UnexpectedDataValue);
        }
        let reserved = entry.reserved;
        match &entry.subscriber.credential {
            Credential::Ed25519 { .. } if resynchronisation.is_some() => Err(Cause::UnexpectedDataValue),
            // Without a SIM there is no subscription of EPS.
            Credential::Ed25519 { .. } if eps.is_some() => Err(Cause::NoPacketData),
            Credential::Ed25519 { public_key } => {
                let public_key = *public_key;
                let challenges = (0..count).map(|_| Challenge::Ed25519 { nonce: self.draw(), public_key });
                let challenges = challenges.collect();
                self.answer(asker, Ok(Outcome::AuthenticationInfo(challenges)));
                Ok(())
            }
            Credential::Aka { keys, .. } => {
                let known = resynchronisation.map(|wanted| resynchronise(keys, &wanted));
                let known = known.map(|sqn| sqn.ok_or(Cause::ProofInvalid)).transpose()?;
                self.give(imsi, reserved, known, wanted)
            }
        }
    }

    /// Gives vectors, now or when enough numbers are durable.
    fn give(&mut self, imsi: Imsi, reserved: u64, known: Option<Sqn>, wanted: Wanted) -> Result<(), Cause> {
        let room = self.room();
        let own = self.authentications.entry(imsi);
        let own = own.or_insert_with(|| Authentications::starting_at(reserved.max(1)));
        if let Some(sqn) = known {
            // Only ever forward: an old AUTS that comes again does nothing.
            own.next = own.next.max(sqn.seq().saturating_add(1));
        }
        if own.end(wanted.count) > reserved || !own.waiting.is_empty() {
            if own.waiting.len() >= MOST_WAITING {
                return Err(Cause::Overload);
            }
            if !own.reserving {
                room?;
            }
            own.waiting.push_back(wanted);
        } else {
            self.issue(imsi, wanted);
        }
        self.reserve(imsi, reserved);
        Ok(())
    }

    /// Makes more numbers durable when few are left.
    fn reserve(&mut self, imsi: Imsi, reserved: u64) {
        let ahead = self.config.limits.sequence_ahead;
        let room = self.has_room();
        let Some(own) = self.authentications.get_mut(&imsi) else { return };
        let few = own.next.saturating_add(ahead.div_euclid(8)) >= reserved || !own.waiting.is_empty();
        if few && room && !own.reserving {
            own.reserving = true;
            let reserved = own.next.max(reserved).saturating_add(ahead.max(u64::from(MOST_CHALLENGES)));
            let record = Record::Reserved { imsi, reserved };
            self.commit_aside(imsi, vec![record], Then::Reserved);
        }
    }

    /// More numbers are durable, or cannot be made so.
    pub(super) fn reserved(&mut self, imsi: Imsi, done: bool) {
        let Some(own) = self.authentications.get_mut(&imsi) else { return };
        own.reserving = false;
        let waiting = core::mem::take(&mut own.waiting);
        let reserved = self.database.get(imsi).map(|entry| entry.reserved);
        let mut later = VecDeque::new();
        for wanted in waiting {
            let enough = reserved.zip(self.authentications.get(&imsi));
            let enough = enough.is_some_and(|(reserved, own)| own.end(wanted.count) <= reserved);
            match reserved {
                _ if !done => self.answer(wanted.asker, Err(Cause::SystemFailure)),
                None => self.answer(wanted.asker, Err(Cause::UnknownSubscriber)),
                Some(_) if enough => self.issue(imsi, wanted),
                Some(_) => later.push_back(wanted),
            }
        }
        if let Some(own) = self.authentications.get_mut(&imsi) {
            own.waiting = later;
        }
        if let Some(reserved) = reserved.filter(|_| done) {
            self.reserve(imsi, reserved);
        }
    }

    /// The subscriber is none any more.
    pub(super) fn forget_authentications(&mut self, imsi: Imsi) {
        if let Some(own) = self.authentications.remove(&imsi) {
            for wanted in own.waiting {
                self.answer(wanted.asker, Err(Cause::UnknownSubscriber));
            }
        }
    }

    fn issue(&mut self, imsi: Imsi, wanted: Wanted) {
        let Wanted { asker, network, count, eps } = wanted;
        let Some((keys, amf)) = self.aka_keys(imsi) else {
            return self.answer(asker, Err(Cause::UnknownSubscriber));
        };
        let mut challenges = Vec::with_capacity(usize::from(count));
        for _ in 0..count {
            let rand = self.draw();
            let Some(own) = self.authentications.get_mut(&imsi) else { break };
            let sqn = Sqn::of_vector(own.next);
            own.next = own.next.saturating_add(1);
            if let Some(serving) = eps {
                challenges.push(Challenge::Eps(Box::new(eps_vector(&keys, amf, sqn, rand, serving))));
                continue;
            }
            let (vector, secret) = vector(&keys, amf, sqn, rand, &network);
            own.issue(asker.partner, secret);
            challenges.push(Challenge::Aka(Box::new(vector)));
        }
        self.answer(asker, Ok(Outcome::AuthenticationInfo(challenges)));
    }

    fn aka_keys(&self, imsi: Imsi) -> Option<(AkaKeys, [u8; 2])> {
        match &self.database.get(imsi)?.subscriber.credential {
            Credential::Aka { keys, amf } => Some((keys.clone(), *amf)),
            Credential::Ed25519 { .. } => None,
        }
    }

    fn draw<const N: usize>(&mut self) -> [u8; N] {
        let mut bytes = [0; N];
        self.entropy.fill(&mut bytes);
        bytes
    }
}

/// Of one question (3GPP TS 29.002 §17.7.1), and the secrets kept of one partner.
const MOST_CHALLENGES: u8 = 5;

/// Secrets kept of all partners.
const MOST_ISSUED: usize = 20;
