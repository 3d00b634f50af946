//! What the owner wants of accounts at SIP servers, and of its name in the DNS.

use std::net::SocketAddr;

use rove_base::Now;

use super::Switchboard;
use crate::{Account, AccountId, Asker, Registration, registration::Registrar};

impl Switchboard {
    /// Publishes this phone's name; [`crate::Event::Registered`] or [`crate::Event::RegistrationFailed`] answers.
    pub fn register(&mut self, now: Now, local: SocketAddr, wanted: Registration) {
        self.registrar = Some(Registrar::publish(now, local, wanted, self.entropy.fork()));
    }

    /// Takes the name back; [`crate::Event::Unregistered`] or [`crate::Event::RegistrationFailed`] answers.
    pub fn unregister(&mut self, now: Now) {
        if let Some(registrar) = &mut self.registrar {
            registrar.withdraw(now);
        }
    }

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

    /// Registers an account anew at once: this phone was woken by a push service (RFC 8599 §4.1.3).
    pub fn refresh(&mut self, now: Now, account: AccountId) {
        self.accounts.refresh(now, &mut self.agent, account);
    }

    /// The address of ours that leads where [`crate::Event::FindRoute`] asks, or why there is none.
    pub fn routed(&mut self, now: Now, whose: Asker, local: Result<SocketAddr, String>) {
        self.now = now;
        match whose {
            Asker::Account(account) => {
                let machines = (&self.config, &mut self.agent);
                self.accounts.routed(now, account, local, machines, &mut self.events);
            }
            Asker::Errand(errand) => {
                let (errands, mut tools) = self.errands_with_tools();
                errands.routed(now, errand, local, &mut tools);
            }
        }
    }
}
