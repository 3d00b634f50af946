//! What homes order.

use super::{Event, Vlr, locate::admit, metrics::add, visitor::Stage};
use crate::{
    CancelReason, Cause, Generation, Imsi, Operation, Outcome, Services, Subscription,
    attach::Reason,
    private::{DialogueId, PartnerId},
};

impl Vlr {
    pub(super) fn asked(&mut self, partner: PartnerId, id: DialogueId, operation: Operation) {
        let result = match operation {
            Operation::InsertSubscriberData { imsi, subscription } => {
                self.ordered(partner, imsi).map(|()| self.insert(imsi, subscription))
            }
            Operation::DeleteSubscriberData { imsi, services } => {
                self.ordered(partner, imsi).map(|()| self.withdraw(imsi, services))
            }
            Operation::CancelLocation { imsi, reason, generation } => match self.is_home(partner, imsi) {
                Ok(()) => return self.cancel(partner, id, imsi, (reason, generation)),
                Err(cause) => Err(cause),
            },
            Operation::Reset { .. } => {
                self.renew_all(partner, true);
                Ok(())
            }
            _ => Err(Cause::NotSupported),
        };
        self.outbox.event(Event::Answer { partner, id, result: result.map(|()| Outcome::Done) });
    }

    /// Only the subscriber's home gives orders about it.
    fn is_home(&mut self, partner: PartnerId, imsi: Imsi) -> Result<(), Cause> {
        if self.config.agreements.is_home(partner, &imsi) {
            return Ok(());
        }
        add(&mut self.metrics.foreign_orders);
        Err(Cause::UnknownSubscriber)
    }

    fn ordered(&mut self, partner: PartnerId, imsi: Imsi) -> Result<(), Cause> {
        self.is_home(partner, imsi)?;
        if self.visitors.contains_key(&imsi) { Ok(()) } else { Err(Cause::UnknownSubscriber) }
    }

    fn insert(&mut self, imsi: Imsi, subscription: Subscription) {
        let Some(visitor) = self.visitors.get_mut(&imsi) else { return };
        let changed = visitor.subscription.as_ref() != Some(&subscription);
        visitor.subscription = Some(subscription);
        visitor.refresh = false;
        if changed {
            self.profile_changed(imsi);
        }
    }

    fn withdraw(&mut self, imsi: Imsi, services: Services) {
        let subscription = self.visitors.get_mut(&imsi).and_then(|visitor| visitor.subscription.as_mut());
        let Some(subscription) = subscription else { return };
        let has = &mut subscription.profile.services;
        has.roaming &= !services.roaming;
        has.packet_data &= !services.packet_data;
        has.caller_id &= !services.caller_id;
        has.caller_id_restricted &= !services.caller_id_restricted;
        has.three_way &= !services.three_way;
        self.profile_changed(imsi);
    }

    /// A stay that the profile does not allow any more is over; so is one under a name that is not the subscriber's any
    /// more, since a terminal's proof is over one name.
    fn profile_changed(&mut self, imsi: Imsi) {
        let Some(visitor) = self.visitors.get(&imsi) else { return };
        let name = visitor.subscription.as_ref().and_then(|subscription| subscription.name.as_ref());
        let claimed = visitor.journaled().map(|kept| &kept.claim.name);
        let renamed = matches!((name, claimed), (Some(name), Some(claimed)) if name != claimed);
        match (&visitor.stage, admit(visitor)) {
            (Stage::Locating, _) => {}
            (_, Err(cause)) => self.leave(imsi, Reason::Home(cause), true),
            (Stage::Binding(_) | Stage::Bound(_), Ok(())) if renamed => {
                self.leave(imsi, Reason::Home(Cause::NameMismatch), true);
            }
            (Stage::Bound(_), Ok(())) => self.tell_profile(imsi),
            _ => {}
        }
    }

    fn cancel(
        &mut self,
        partner: PartnerId,
        id: DialogueId,
        imsi: Imsi,
        (reason, last): (CancelReason, Generation),
    ) {
        let stay = self.visitors.get(&imsi).and_then(super::Visitor::generation);
        match stay {
            Some(stay) if stay <= last => {
                let reason = match reason {
                    CancelReason::UpdateProcedure => Reason::ServedElsewhere,
                    CancelReason::SubscriptionWithdrawn => Reason::Withdrawn,
                };
                self.leave(imsi, reason, false);
            }
            Some(_) => add(&mut self.metrics.stale_orders),
            None => {}
        }
        self.answer_when_gone(partner, id, imsi, last);
    }
}
