//! What the owner wants of accounts at SIP servers.

use std::net::SocketAddr;

use rove_base::Now;

use super::Switchboard;
use crate::{Account, AccountId};

impl Switchboard {
    /// Takes up an account at a SIP server; [`crate::Event::Account`] tells what becomes of it. Calls are made with the one
    /// whose domain is that of the target, else with the first.
    pub fn sign_in(&mut self, now: Now, account: Account) -> AccountId {
        self.accounts.add(now, &mut self.resolver, account)
    }

    /// Gives an account up. `true` when [`crate::Event::Account`] tells later that its registration was taken back.
    pub fn sign_out(&mut self, now: Now, account: AccountId) -> bool {
        self.accounts.remove(now, &mut self.agent, account)
    }

    /// All accounts.
    #[must_use]
    pub fn accounts(&self) -> Vec<AccountId> {
        self.accounts.ids()
    }

    /// The address of ours that leads where [`crate::Event::FindRoute`] asks, or why there is none.
    pub fn routed(&mut self, now: Now, account: AccountId, local: Result<SocketAddr, String>) {
        self.now = now;
        let machines = (&self.config, &mut self.agent);
        self.accounts.routed(now, account, local, machines, &mut self.events);
    }
}
