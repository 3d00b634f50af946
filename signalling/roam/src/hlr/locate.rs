//! A terminal is somewhere else now, or a visited network has forgotten what it knew.

use rove_base::Now;

use crate::{
    Cause, Generation, Imsi, Operation, Outcome, Subscription, VisitedNetwork,
    subscriber::{Record, Stay},
};

use super::{
    Asker, Hlr, HlrEvent,
    commit::{Taken, Then},
    errands::Ask,
};

impl Hlr {
    /// A stay begins. It takes the place of one that was not proven, and of no other.
    pub(super) fn update_location(
        &mut self,
        now: Now,
        asker: Asker,
        imsi: Imsi,
        visited: VisitedNetwork,
    ) -> Result<(), Cause> {
        let agreement = self.agreement_of(asker.partner, &visited.network)?;
        let entry = self.entry(imsi)?;
        if !entry.subscriber.may_be_in(&visited.network, agreement.own) {
            return Err(Cause::RoamingNotAllowed);
        }
        self.room()?;
        let replaced = entry.arriving.as_ref().map(|stay| (stay.network.clone(), stay.generation));
        let replaced = replaced.filter(|(network, _)| *network != visited.network);
        let issued = self.authentications.get(&imsi);
        let secrets = issued.into_iter().flat_map(|own| own.issued_to(asker.partner)).cloned().collect();
        let prove_by = now.later(self.config.limits.prove_within);
        self.last_generation = Generation(self.last_generation.0.saturating_add(1));
        let generation = self.last_generation;
        let stay = Stay {
            generation,
            network: visited.network,
            vlr: visited.vlr,
            binding: None,
            prove_by: prove_by.wall,
            secrets,
        };
        let then = Then::Located { asker, generation, prove_at: prove_by.mono, replaced };
        self.commit(imsi, vec![Record::Located { imsi, stay }], Vec::new(), Taken::default(), then);
        Ok(())
    }

    /// The stay is durable: its network hears what the subscriber may do.
    pub(super) fn tell_located(&mut self, asker: Asker, imsi: Imsi, generation: Generation) {
        let entry = self.database.get(imsi);
        let told = entry.and_then(|entry| Some((entry.stay(generation)?, &entry.subscriber)));
        let Some((stay, subscriber)) = told else {
            return self.answer(asker, Err(Cause::UnknownSubscriber));
        };
        let (subscription, network) = (subscriber.subscription(), stay.network.clone());
        self.event(HlrEvent::Located { imsi, network, generation });
        let told = Box::new(subscription.clone());
        let ask = Ask::Located { asker, imsi, stay: generation, told };
        self.ask(asker.partner, Operation::InsertSubscriberData { imsi, subscription }, ask);
    }

    /// The network knows the profile, or does not take it.
    pub(super) fn located(
        &mut self,
        now: Now,
        asker: Asker,
        imsi: Imsi,
        generation: Generation,
        told: &Subscription,
        result: Result<Outcome, Cause>,
    ) {
        let entry = self.database.get(imsi);
        let answer = match (result, entry) {
            (_, None) => Err(Cause::UnknownSubscriber),
            (Err(_), _) => Err(Cause::SystemFailure),
            (Ok(_), Some(entry)) if entry.stay(generation).is_none() => Err(Cause::StaleGeneration),
            (Ok(_), Some(_)) => Ok(Outcome::Located { hlr: self.config.hlr, generation }),
        };
        let changed = entry.is_some_and(|entry| entry.subscriber.subscription() != *told);
        let told = answer.is_ok();
        self.answer(asker, answer);
        if told && changed {
            self.tell_profile(now, asker.partner, imsi, None);
        }
    }

    /// A network has lost what it knew of a subscriber that is there.
    pub(super) fn restore(&mut self, asker: Asker, imsi: Imsi) -> Result<(), Cause> {
        let network = self.agreement(asker.partner)?.network.clone();
        let entry = self.entry(imsi)?;
        if !entry.stays().any(|stay| stay.network == network) {
            return Err(Cause::NotServing);
        }
        self.room()?;
        let subscription = entry.subscriber.subscription();
        let operation = Operation::InsertSubscriberData { imsi, subscription };
        self.ask(asker.partner, operation, Ask::Restored { asker });
        Ok(())
    }
}
