//! What terminals, networks and the operator do, in order or not.

use rove_roam::{
    Addresses, BindClaim, Generation, Operation, Proof,
    aka::binding_proof,
    hlr::{Command, RequestId},
};

use super::{
    super::{
        fixture::{NETWORKS, imsi, name, network, subscriber, visited},
        model::Question,
    },
    SUBSCRIBERS, World,
};

impl World {
    pub(super) fn somebody_acts(&mut self) {
        let who = u32::try_from(self.below(SUBSCRIBERS as usize)).expect("few");
        let there = self.below(NETWORKS + 1);
        let operation = match self.below(10) {
            0..3 => Operation::SendAuthenticationInfo {
                imsi: imsi(who),
                visited: visited(there),
                count: 1 + u8::try_from(self.below(3)).expect("few"),
                resynchronisation: None,
                eps: None,
            },
            3..5 => Operation::UpdateLocation { imsi: imsi(who), visited: visited(there) },
            5..8 => return self.bind(who),
            8 => {
                let stay = self.terminals[who as usize].stay;
                let (there, generation) = stay.unwrap_or((there, Generation(1)));
                let generation = Generation(generation.0 - u64::from(self.chance(30) && generation.0 > 0));
                let there = if self.chance(20) { self.below(NETWORKS) } else { there };
                let operation = Operation::PurgeMs { imsi: imsi(who), visited: visited(there), generation };
                return self.send(who, there, operation, false);
            }
            _ if self.chance(50) => Operation::RestoreData { imsi: imsi(who) },
            _ => {
                // What was asked for before, whenever that was.
                if let Some(old) = self.claims.len().checked_sub(1).map(|last| self.below(last + 1)) {
                    self.letters.push(self.claims[old].clone());
                }
                return;
            }
        };
        let over = if self.chance(3) { self.below(NETWORKS) } else { there };
        self.send(who, over, operation, false);
    }

    pub(super) fn bind(&mut self, who: u32) {
        let Some((there, generation)) = self.terminals[who as usize].stay else { return };
        let last = self.claims.iter().rev().find(|question| question.who == who);
        if let Some(last) = last.cloned().filter(|_| self.chance(50)) {
            return self.letters.push(last);
        }
        let host = 1 + u8::try_from(self.below(3)).expect("few");
        let prefix = if self.chance(5) { (there + 1) % NETWORKS } else { there };
        let addresses =
            Addresses { v4: Some([10, u8::try_from(prefix).expect("few"), 0, host].into()), v6: None };
        let whose = if self.chance(5) { (who + 1) % SUBSCRIBERS } else { who };
        let claim =
            BindClaim { imsi: imsi(who), generation, name: name(whose), addresses, network: network(there) };
        let secret = self.terminals[who as usize].secret.clone();
        let (proof, proven) = match secret {
            Some((of, secret)) if self.chance(95) => {
                (binding_proof(&secret, &claim.network, &claim), of == there)
            }
            _ => (Proof(vec![7; 32]), false),
        };
        let over = if self.chance(3) { self.below(NETWORKS) } else { there };
        self.send(who, over, Operation::Bind { claim, proof, lease: 30 }, proven);
    }

    pub(super) fn send(&mut self, who: u32, network: usize, operation: Operation, proven: bool) {
        let question = Question { who, network, operation, proven, at: self.now };
        if matches!(question.operation, Operation::Bind { .. }) {
            self.claims.push(question.clone());
        }
        self.letters.push(question);
    }

    pub(super) fn operator_acts(&mut self) {
        let who = u32::try_from(self.below(SUBSCRIBERS as usize)).expect("few");
        let mut as_it_will_be = subscriber(who);
        as_it_will_be.profile.services.roaming = self.chance(70);
        let command = match self.below(4) {
            0 => Command::Remove(imsi(who)),
            1 => Command::Add(Box::new(as_it_will_be)),
            _ => Command::Change(Box::new(as_it_will_be)),
        };
        self.administer(command);
    }

    pub(super) fn administer(&mut self, command: Command) {
        self.next += 1;
        let request = RequestId(self.next);
        self.commands.insert(request, command.clone());
        self.home.administer(self.now, request, command);
    }
}
