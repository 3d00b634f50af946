//! Stays and bindings that end.

use rove_base::Now;

use crate::{
    Cause, Generation, HostName, Imsi, NameChange, VisitedNetwork,
    subscriber::{Entry, Record},
};

use super::{
    Asker, Hlr,
    bind::{is_bound, stay_of},
    commit::{Taken, Then},
};

impl Hlr {
    /// The visited network says that the subscriber has left. Of another stay than the one it speaks of, nothing
    /// changes.
    pub(super) fn purge(
        &mut self,
        asker: Asker,
        imsi: Imsi,
        visited: &VisitedNetwork,
        generation: Generation,
    ) -> Result<(), Cause> {
        self.agreement_of(asker.partner, &visited.network)?;
        let entry = self.entry(imsi)?;
        stay_of(entry, &visited.network, generation)?;
        self.room()?;
        let (names, name) = self.unbinding(entry, is_bound(entry, generation));
        let then = Then::Left { asker, name };
        self.commit(imsi, vec![Record::Left { imsi, generation }], names, Taken::default(), then);
        Ok(())
    }

    /// A lease is over: the name is unbound, and the stay goes on, so that a network that was only cut off can bind
    /// again. The time for a proof is over: so is the stay.
    pub(super) fn overdue(&mut self, now: Now, imsi: Imsi) {
        let (lease_over, proof_over) = self.timers.over(now, imsi);
        let Some(entry) = self.database.get(imsi) else { return };
        let mut records = Vec::new();
        let expired = entry.serving.as_ref().filter(|stay| lease_over && stay.binding.is_some());
        records.extend(expired.map(|stay| Record::Unbound { imsi, generation: stay.generation }));
        let (names, name) = self.unbinding(entry, expired.is_some());
        let lapsed = entry.arriving.as_ref().filter(|_| proof_over);
        let lapsed = lapsed.map(|stay| (stay.network.clone(), stay.generation));
        records.extend(lapsed.as_ref().map(|&(_, generation)| Record::Left { imsi, generation }));
        if !records.is_empty() {
            let then = Then::Overdue { name, lapsed };
            self.commit(imsi, records, names, Taken::default(), then);
        }
    }

    /// The change of names that goes with the end of a binding, if there is one.
    pub(super) fn unbinding(&self, entry: &Entry, bound: bool) -> (Vec<NameChange>, Option<HostName>) {
        if bound {
            (vec![self.forward(entry, Vec::new())], Some(entry.subscriber.name.clone()))
        } else {
            (Vec::new(), None)
        }
    }
}
