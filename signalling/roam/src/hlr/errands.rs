//! What visited networks are told until they have heard it.

use std::collections::BTreeMap;

use core::time::Duration;

use rove_base::{Instant, Now};

use crate::{
    CancelReason, Cause, Generation, Imsi, NetworkName, Operation, Services, Subscription, private::PartnerId,
};

use super::{Asker, Hlr, HlrEvent};

/// A question of ours that is not answered yet.
pub(super) enum Ask {
    /// The profile for a stay that begins; then its own question is answered.
    Located { asker: Asker, imsi: Imsi, stay: Generation, told: Box<Subscription> },
    /// The profile for a network that has lost it; then its own question is answered.
    Restored { asker: Asker },
    /// Nobody waits for the answer.
    Errand(Errand),
}

/// Something to tell.
pub(super) struct Errand {
    partner: PartnerId,
    /// `None` for a reset.
    imsi: Option<Imsi>,
    task: Task,
    /// Before it is told again; doubles.
    pause: Duration,
    give_up: Instant,
}

#[derive(Clone, Copy)]
enum Task {
    Cancel {
        reason: CancelReason,
        generation: Generation,
    },
    /// What is withdrawn and nothing else; `None` for all of the profile as it is then.
    Profile {
        withdrawn: Option<Services>,
    },
    Reset,
}

/// Those that wait to be told again, and how many are under way.
#[derive(Default)]
pub(super) struct Errands {
    waiting: BTreeMap<(Instant, u64), Errand>,
    last: u64,
    pub(super) under_way: usize,
    /// Networks that are being told of a profile, one telling at a time; `true` when it has changed since.
    profiles: BTreeMap<(PartnerId, Imsi), bool>,
}

impl Errands {
    fn wait(&mut self, until: Instant, errand: Errand) {
        self.last = self.last.wrapping_add(1);
        self.waiting.insert((until, self.last), errand);
    }

    pub(super) fn due(&mut self, now: Now) -> Option<Errand> {
        let first = self.waiting.first_entry()?;
        (first.key().0 <= now.mono).then(|| first.remove())
    }

    pub(super) fn next(&self) -> Option<Instant> {
        self.waiting.first_key_value().map(|(&(at, _), _)| at)
    }

    /// Whatever waits for `partner` is due now.
    pub(super) fn hurry(&mut self, now: Now, partner: PartnerId) {
        let (of_partner, others) =
            core::mem::take(&mut self.waiting).into_iter().partition(|(_, errand)| errand.partner == partner);
        self.waiting = others;
        let of_partner: BTreeMap<_, _> = of_partner;
        for errand in of_partner.into_values() {
            self.wait(now.mono, errand);
        }
    }

    fn count(&self) -> usize {
        self.waiting.len().saturating_add(self.under_way)
    }
}

impl Hlr {
    /// The stay is over because there is another.
    pub(super) fn cancel_replaced(
        &mut self,
        now: Now,
        imsi: Imsi,
        replaced: Option<(NetworkName, Generation)>,
    ) {
        if let Some((network, generation)) = replaced {
            self.cancel(now, imsi, &network, generation, CancelReason::UpdateProcedure);
        }
    }

    /// The stay is over.
    pub(super) fn cancel(
        &mut self,
        now: Now,
        imsi: Imsi,
        network: &NetworkName,
        generation: Generation,
        reason: CancelReason,
    ) {
        if let Some(partner) = self.agreement_with(network).map(|agreement| agreement.partner) {
            self.tell(now, partner, Some(imsi), Task::Cancel { reason, generation });
        }
    }

    /// The home was started again.
    pub(super) fn tell_reset(&mut self, now: Now, network: &NetworkName) {
        if let Some(partner) = self.agreement_with(network).map(|agreement| agreement.partner) {
            self.tell(now, partner, None, Task::Reset);
        }
    }

    /// The profile has changed: `withdrawn` and nothing else, where it is given.
    pub(super) fn tell_profile(
        &mut self,
        now: Now,
        partner: PartnerId,
        imsi: Imsi,
        withdrawn: Option<Services>,
    ) {
        if let Some(changed) = self.errands.profiles.get_mut(&(partner, imsi)) {
            *changed = true;
        } else {
            self.errands.profiles.insert((partner, imsi), false);
            self.tell(now, partner, Some(imsi), Task::Profile { withdrawn });
        }
    }

    fn tell(&mut self, now: Now, partner: PartnerId, imsi: Option<Imsi>, task: Task) {
        let give_up = now.mono.later(self.config.limits.tell_within);
        let errand = Errand { partner, imsi, task, pause: FIRST_PAUSE, give_up };
        if self.errands.count() >= self.config.limits.errands {
            self.give_up(&errand, Cause::Overload);
        } else {
            self.run_errand(now, errand);
        }
    }

    pub(super) fn run_errand(&mut self, _now: Now, errand: Errand) {
        match self.operation(&errand) {
            Some(operation) => {
                self.errands.under_way = self.errands.under_way.saturating_add(1);
                self.ask(errand.partner, operation, Ask::Errand(errand));
            }
            None => drop(self.forget_profile(&errand)),
        }
    }

    /// What to ask; `None` when the subscriber is not there any more.
    fn operation(&self, errand: &Errand) -> Option<Operation> {
        let Some(imsi) = errand.imsi else { return Some(Operation::Reset { hlr: self.config.hlr }) };
        Some(match errand.task {
            Task::Reset => Operation::Reset { hlr: self.config.hlr },
            Task::Cancel { reason, generation } => Operation::CancelLocation { imsi, reason, generation },
            Task::Profile { withdrawn } => {
                let entry = self.database.get(imsi)?;
                let network = &self.agreement(errand.partner).ok()?.network;
                entry.stays().find(|stay| stay.network == *network)?;
                match withdrawn {
                    Some(services) => Operation::DeleteSubscriberData { imsi, services },
                    None => Operation::InsertSubscriberData {
                        imsi,
                        subscription: entry.subscriber.subscription(),
                    },
                }
            }
        })
    }

    pub(super) fn errand_answered(&mut self, now: Now, errand: &Errand, refused: Option<Cause>) {
        self.errands.under_way = self.errands.under_way.saturating_sub(1);
        match refused {
            None => {
                if self.forget_profile(errand)
                    && let Some(imsi) = errand.imsi
                {
                    self.tell_profile(now, errand.partner, imsi, None);
                }
            }
            Some(cause) if is_worth_another(cause) && now.mono.later(errand.pause) < errand.give_up => {
                let until = now.mono.later(errand.pause);
                let pause = errand.pause.saturating_mul(2).min(LONGEST_PAUSE);
                // Told again, a profile is told as it is then.
                let task = match errand.task {
                    Task::Profile { .. } => Task::Profile { withdrawn: None },
                    task => task,
                };
                self.errands.wait(until, Errand { pause, task, ..*errand });
            }
            Some(cause) => self.give_up(errand, cause),
        }
    }

    fn give_up(&mut self, errand: &Errand, cause: Cause) {
        self.forget_profile(errand);
        let (partner, imsi) = (errand.partner, errand.imsi);
        self.event(HlrEvent::Untold { partner, imsi, cause });
    }

    /// The telling is over. Whether the profile has changed meanwhile.
    fn forget_profile(&mut self, errand: &Errand) -> bool {
        match (errand.task, errand.imsi) {
            (Task::Profile { .. }, Some(imsi)) => {
                self.errands.profiles.remove(&(errand.partner, imsi)).unwrap_or(false)
            }
            _ => false,
        }
    }
}

/// Whether the answer may be another in a while.
fn is_worth_another(cause: Cause) -> bool {
    matches!(cause, Cause::NoAnswer | Cause::Overload | Cause::SystemFailure)
}

/// Before something is told the second time.
const FIRST_PAUSE: Duration = Duration::from_secs(1);

/// Between two tellings.
const LONGEST_PAUSE: Duration = Duration::from_secs(16);
