//! Where the terminal is, and what follows it there.

use core::time::Duration;
use std::time::Instant;

use rove_phone::roaming::{Access, TerminalEvent, first_address};
use serde_json::Value;

use super::{
    NAME, PATIENCE, Stage, Stay, dhcp,
    ground::Place,
    networks::{self, asked},
    tunnel,
};
use crate::{command::GLANCE, failure::Failure};

impl Stage<'_> {
    /// Takes a place in visited network `at`; tries again while the nodes find each other.
    pub(super) fn attach(&mut self, at: usize) -> Result<Stay, Failure> {
        let network = networks::VISITED[at];
        let address = self.networks.attach[at];
        let access = || Access { address, network: network.parse().ok() };
        self.accepted = None;
        self.ground.enter(at + 1)?;
        self.terminal.attach(access());
        let deadline = Instant::now() + PATIENCE;
        loop {
            match self.terminal.next_event(GLANCE) {
                Some(TerminalEvent::Attached { addresses, .. }) => {
                    let ip = first_address(&addresses)
                        .ok_or_else(|| Failure::call("the terminal has a name and no address"))?;
                    if let Some(client) = &mut self.client {
                        client.settled(&self.ground, at + 1, ip)?;
                        self.ground.route(at + 1, ip)?;
                        self.note(&format!("{} has {ip} by DHCP", dhcp::name(ip.is_ipv6())));
                    }
                    self.mobile.moved_to(ip);
                    self.note(&format!("{NAME} is in {network} at {ip}"));
                    return Ok(Stay { network, at, ip });
                }
                Some(TerminalEvent::Token { token, .. }) if self.dhcp => {
                    self.accepted = Some(Instant::now());
                    let client = dhcp::Client::start(&self.ground, &self.dir, at + 1, token.bytes());
                    self.client = Some(client?);
                }
                Some(TerminalEvent::Token { addresses, .. }) => {
                    self.accepted = Some(Instant::now());
                    if let (true, Some(ip)) = (self.ground.is_real(), first_address(&addresses)) {
                        self.ground.settle(at + 1, ip)?;
                        self.terminal.ready();
                    }
                }
                Some(TerminalEvent::Refused(_)) if Instant::now() < deadline => {
                    std::thread::sleep(GLANCE * 4);
                    self.terminal.attach(access());
                }
                Some(TerminalEvent::Refused(why)) => return Err(Failure::call(format!("{network}: {why}"))),
                _ if Instant::now() > deadline => {
                    return Err(Failure::call(format!("{network} did not take the terminal in")));
                }
                _ => self.look()?,
            }
        }
    }

    /// Leaves for network `at` in the middle of what is going on: where it is then, and how long, from when the network
    /// took the terminal's proof, names took to follow, in ms.
    pub(super) fn roam(&mut self, at: usize) -> Result<(Stay, f64, f64), Failure> {
        self.note("the terminal leaves for the other network in mid-call");
        self.client = None;
        self.ground.leave(2 - at)?;
        let stay = self.attach(at)?;
        let taken_in = self.accepted.unwrap_or_else(Instant::now);
        let servers = self.networks.names;
        let ground = &self.ground;
        let until = |what: &str, follows: &(dyn Fn() -> bool + Sync)| {
            while !ground.at(Place::Caller, follows)? {
                if taken_in.elapsed() > PATIENCE {
                    return Err(Failure::call(format!("{what} does not follow the terminal")));
                }
                std::thread::sleep(Duration::from_millis(1));
            }
            Ok(taken_in.elapsed().as_secs_f64() * 1_000.0)
        };
        let resolvable = until("the name", &|| asked::forward(servers[0], NAME) == [stay.ip])?;
        let reverse = until("the address", &|| asked::reverse(servers[at + 1], stay.ip) == 1)?;
        self.note(&format!("{NAME} answers {} and {} answers {NAME}", stay.ip, stay.ip));
        self.walk_from_root(stay)?;
        Ok((stay, resolvable, reverse))
    }

    /// Both names are found by who knows nothing but the root.
    fn walk_from_root(&mut self, stay: Stay) -> Result<(), Failure> {
        if !self.ground.is_real() {
            return Ok(());
        }
        let resolver = self.networks.resolver;
        let (forward, reverse) = self
            .ground
            .at(Place::Caller, || (asked::forward(resolver, NAME), asked::reverse(resolver, stay.ip)))?;
        if forward != [stay.ip] || reverse != 1 {
            let found =
                format!("from the root on, {NAME} is {forward:?} and {} has {reverse} names", stay.ip);
            return Err(Failure::call(found));
        }
        self.note("so they do from the root of names on, from delegation to delegation");
        Ok(())
    }

    /// What a home address kept by a tunnel would have cost.
    pub(super) fn tunnel(&mut self, stay: Stay) -> Result<Value, Failure> {
        let measured = tunnel::measure(&self.ground, &self.counters, stay.at + 1, stay.ip)?;
        let told = measured.map_or(Value::Null, |tunnel| tunnel.to_json());
        if let Some(added) = told["added_ms"].as_f64() {
            let kind = told["kind"].as_str().unwrap_or_default().to_owned();
            self.note(&format!(
                "to compare: by a tunnel ({kind}) through home, a packet takes {added:.3} ms more"
            ));
        }
        Ok(told)
    }

    /// Ends the stay, and makes sure that nothing is left of it or those before.
    pub(super) fn leave(&mut self, stays: &[Stay]) -> Result<(), Failure> {
        self.terminal.detach();
        let deadline = Instant::now() + PATIENCE;
        while !matches!(self.terminal.next_event(GLANCE), Some(TerminalEvent::Detached)) {
            if Instant::now() > deadline {
                return Err(Failure::call("the terminal cannot leave"));
            }
        }
        let names = self.networks.names;
        let (left, forward) = self.ground.at(Place::Caller, || {
            let left = stays.iter().filter(|stay| asked::reverse(names[stay.at + 1], stay.ip) != 0).count();
            (left, asked::forward(names[0], NAME))
        })?;
        if left + forward.len() > 0 {
            return Err(Failure::call(format!("left behind: {forward:?}, and {left} reverse names")));
        }
        self.note("the terminal has left: no name and no reverse name is left");
        Ok(())
    }
}
