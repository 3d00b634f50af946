//! What the owner wants done outside of calls.

use rove_base::Now;

use super::Switchboard;
use crate::{
    AccountId, Errand, ErrandId, Target,
    errand::{Errands, Tools},
};

impl Switchboard {
    /// Does something with `target` outside of calls, with `account`, else with that of its domain, else with the first.
    /// [`crate::Event::Errand`] tells what becomes of it.
    pub fn begin(
        &mut self,
        now: Now,
        target: Target,
        account: Option<AccountId>,
        errand: Errand,
    ) -> ErrandId {
        self.now = now;
        let ways = (&mut self.resolver, &self.accounts);
        self.errands.begin(now, ways, (target, account), errand, &mut self.events)
    }

    /// Ends an errand that goes on by itself, such as a watch. [`crate::ErrandNews::Over`] follows.
    pub fn end(&mut self, now: Now, errand: ErrandId) {
        self.now = now;
        let (errands, mut tools) = self.errands_with_tools();
        errands.end(now, errand, &mut tools);
    }

    /// Ends all of them, and tells nobody anything any more: whoever watches us hears that it is over.
    pub fn fall_silent(&mut self, now: Now) {
        self.now = now;
        let (errands, mut tools) = self.errands_with_tools();
        errands.end_all(now, &mut tools);
        self.config.disclosure = crate::Disclosure::Nothing;
        for package in super::telling::PACKAGES {
            self.agent.set_state(now, package, None);
        }
    }

    pub(super) fn errands_with_tools(&mut self) -> (&mut Errands, Tools<'_>) {
        let Self { config, agent, accounts, events, errands, .. } = self;
        (errands, Tools { config, agent, accounts, events })
    }
}
