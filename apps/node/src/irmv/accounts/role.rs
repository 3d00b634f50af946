//! The role's part in it: orders are done one after the other, and what they change is at work before they are answered.

use rove_base::Now;
use rove_irmv::{Identifier, Name, Record, Uid};
use serde_json::{Value, json};

use super::{
    Accounts, Change, Doing, Kept,
    order::{AccountOrder, changed, name_of},
};
use crate::{
    config::ConfigError,
    driver::Reply,
    irmv::{IrmvConfig, IrmvRole, IrmvUser},
};

impl IrmvRole {
    /// The same with accounts of a database.
    pub(crate) fn with_accounts(mut self, accounts: Option<Accounts>) -> Self {
        for user in accounts.iter().flat_map(|accounts| accounts.of.values()) {
            if let Ok((name, account)) = user.read(&self.server.config().domain) {
                self.server.set_account(Now::default(), &name, Some(account));
            }
        }
        self.accounts = accounts;
        self
    }

    /// All records were read back: who is registered by an account is its user, and who could not register is not there.
    pub(in crate::irmv) fn start_accounts(&mut self) {
        let Some(accounts) = &self.accounts else { return };
        let free: Vec<Name> =
            accounts.of.iter().filter(|(_, user)| user.uid.is_none()).map(|(name, _)| name.clone()).collect();
        let (known, forgotten) = (accounts.of.len(), self.server.hold_to_accounts());
        free.iter().for_each(|name| self.pin_who_is_there(name));
        tracing::info!(target: "rove::irmv", accounts = known, forgotten, "accounts were read");
    }

    /// Does what the operator wants, after what was wanted before; hands the answer's way back where there are no accounts.
    pub(in crate::irmv) fn take_order(
        &mut self,
        now: Now,
        order: &AccountOrder,
        reply: Reply,
    ) -> Option<Reply> {
        let Some(accounts) = &mut self.accounts else { return Some(reply) };
        if let AccountOrder::Show(name) = order {
            reply.send(&said(self.show(now, name.as_deref())));
        } else if accounts.queue.len() >= MOST_WAITING {
            reply.send(&said(Err("too many changes wait for the disk; ask again".into())));
        } else {
            accounts.queue.push_back((order.clone(), reply));
            self.next_order();
        }
        None
    }

    /// Begins with the next order, unless one is being done.
    fn next_order(&mut self) {
        while let Some(accounts) = self.accounts.as_mut().filter(|accounts| accounts.doing.is_none())
            && let Some((order, reply)) = accounts.queue.pop_front()
        {
            match self.judged(&order) {
                Ok((name, after)) => {
                    let Some(accounts) = &mut self.accounts else { return };
                    let change = after.clone().map_or_else(|| Change::Remove(name.to_string()), Change::Put);
                    let number = accounts.keep(change);
                    accounts.doing = Some(Doing { number, name, after, reply });
                }
                Err(error) => reply.send(&said(Err(error))),
            }
        }
    }

    /// Whose account an order is about, and what that will be.
    fn judged(&self, order: &AccountOrder) -> Result<(Name, Option<IrmvUser>), String> {
        let Some(accounts) = &self.accounts else { return Err("this node keeps no accounts".into()) };
        let known = |text: &str| {
            let name = name_of(text)?;
            match accounts.of.get(&name) {
                Some(user) => Ok((name, user)),
                None if self.server.config().accounts.contains_key(&name) => Err(elsewhere(&name)),
                None => Err(format!("{name}: there is no such account")),
            }
        };
        let user = match order {
            AccountOrder::Remove(name) => return known(name).map(|(name, _)| (name, None)),
            AccountOrder::Set { name, changes } => {
                known(name).and_then(|(_, user)| changed(user, changes))?
            }
            AccountOrder::Add(user) => {
                let name = name_of(&user.name)?;
                if accounts.of.contains_key(&name) {
                    return Err(format!("{name} is an account already; say roved account set"));
                }
                if self.server.config().accounts.contains_key(&name) {
                    return Err(elsewhere(&name));
                }
                IrmvUser { name: name.to_string(), ..user.clone() }
            }
            AccountOrder::Show(_) => return Err("nothing is to be changed".into()),
        };
        let (name, account) = user.read(&accounts.domain)?;
        let owner = account.number.and_then(|number| self.server.whose_number(&number));
        match owner.filter(|owner| **owner != name) {
            Some(owner) => Err(format!("{name}: its number is that of {owner}; take it from that one first")),
            None => Ok((name, Some(user))),
        }
    }

    /// A change is durable, or cannot be.
    pub(in crate::irmv) fn kept_account(&mut self, now: Now, kept: &Kept) {
        let Some(accounts) = &mut self.accounts else { return };
        let path = accounts.path.display();
        let Some(doing) = accounts.doing.take_if(|doing| doing.number == kept.number) else {
            if let Err(error) = &kept.result {
                tracing::error!(target: "rove::irmv", %path, %error, "the key of an account is in the journal alone");
            }
            return;
        };
        if let Err(error) = &kept.result {
            tracing::error!(target: "rove::irmv", %path, %error, "an account stays as it is");
            let what = format!("[irmv] accounts {path}: {error}; {} stays as it was", doing.name);
            return self.done(doing, Err(what));
        }
        let account = match &doing.after {
            Some(user) => {
                accounts.of.insert(doing.name.clone(), user.clone());
                user.read(&accounts.domain).ok().map(|(_, account)| account)
            }
            None => {
                accounts.of.remove(&doing.name);
                None
            }
        };
        tracing::info!(target: "rove::irmv", name = %doing.name, exists = account.is_some(), "an account is another");
        if self.server.set_account(now, &doing.name, account) {
            // Whoever was registered by it has to go first.
            if let Some(accounts) = &mut self.accounts {
                accounts.doing = Some(doing);
            }
        } else {
            self.done(doing, Ok(()));
        }
    }

    /// Whoever was registered by a name is not any more.
    pub(in crate::irmv) fn dismissed(&mut self, name: &Name, kept: bool) {
        let Some(accounts) = &mut self.accounts else { return };
        let Some(doing) = accounts.doing.take_if(|doing| doing.name == *name) else { return };
        let what = "is as it should be, but the journal cannot be written: who was registered by it may be there again \
                    after a restart, until that ends";
        let result = if kept { Ok(()) } else { Err(format!("{name} {what}")) };
        self.done(doing, result);
    }

    /// Answers, and goes on.
    fn done(&mut self, doing: Doing, result: Result<(), String>) {
        self.pin_who_is_there(&doing.name);
        let user = self.accounts.as_ref().and_then(|accounts| accounts.of.get(&doing.name));
        doing.reply.send(&said(result.map(|()| json!(user))));
        self.next_order();
    }

    fn show(&self, now: Now, name: Option<&str>) -> Result<Value, String> {
        let Some(accounts) = &self.accounts else { return Err("this node keeps no accounts".into()) };
        let one = |name: &Name, user: &IrmvUser| {
            let record = self.server.registry().lock().present(&Identifier::Name(name.clone()), now.wall);
            let mut shown = json!(user);
            shown["status"] = json!(record.map(|record| record.claim.status.to_string()));
            shown
        };
        let Some(name) = name else {
            return Ok(accounts.of.iter().map(|(name, user)| one(name, user)).collect());
        };
        let name = name_of(name)?;
        match accounts.of.get(&name) {
            Some(user) => Ok(json!([one(&name, user)])),
            None if self.server.config().accounts.contains_key(&name) => Err(elsewhere(&name)),
            None => Err(format!("{name}: there is no such account")),
        }
    }

    /// Somebody is registered: where its account has no key yet, this one is its from now on.
    pub(in crate::irmv) fn pin(&mut self, name: &Name, uid: Uid) {
        let Some(accounts) = &mut self.accounts else { return };
        // Of an account that is being changed it is seen when that is done.
        if accounts.doing.as_ref().is_some_and(|doing| doing.name == *name) {
            return;
        }
        let Some(user) = accounts.of.get_mut(name).filter(|user| user.uid.is_none()) else { return };
        user.uid = Some(uid.to_string());
        let user = user.clone();
        accounts.keep(Change::Put(user));
        self.server.pin(name, uid);
        tracing::info!(target: "rove::irmv", %name, %uid, "its first key is the account's from now on");
    }

    /// The same of who was registered before.
    fn pin_who_is_there(&mut self, name: &Name) {
        let record = self.server.registry().lock().find(&Identifier::Name(name.clone()));
        if let Some(record) = record.filter(|record| !record.claim.contacts.is_empty()) {
            self.pin(name, record.claim.uid());
        }
    }

    /// The same of who has registered at another server of the domain.
    pub(in crate::irmv) fn pin_learned(&mut self, record: &[u8]) {
        if self.accounts.is_some()
            && let Ok(Record { claim, .. }) = Record::decode(record)
            && !claim.contacts.is_empty()
        {
            self.pin(&claim.name, claim.uid());
        }
    }

    /// Whether a configuration says nothing of whom the database speaks.
    pub(in crate::irmv) fn agrees_with(&self, config: &IrmvConfig) -> Result<(), ConfigError> {
        self.accounts.as_ref().map_or(Ok(()), |accounts| accounts.agree_with(config))
    }
}

/// Of somebody whom the configuration names.
fn elsewhere(name: &Name) -> String {
    format!("{name} is an [[irmv.user]] of the configuration; change it there, and say roved reload")
}

fn said(result: Result<Value, String>) -> Value {
    match result {
        Ok(value) => json!({ "ok": value }),
        Err(error) => json!({ "error": error }),
    }
}

/// Orders that wait for the one that is done.
const MOST_WAITING: usize = 1_000;
