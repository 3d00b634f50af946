//! What follows the roam in `rove demo --story`: the way of the call gets worse and is left, and a third comes in.

use core::time::Duration;
use std::time::Instant;

use rove_phone::{CallId, Loses};

use super::{GLANCE, PATIENCE, Stage};
use crate::{failure::Failure, report::Conference};

impl Stage<'_> {
    /// `call` is the first caller's, with the terminal. What the conference was.
    pub(super) fn tell(&mut self, call: CallId) -> Result<Conference, Failure> {
        self.story = Some(call);
        self.worsen()?;
        let asked = Instant::now();
        let third = self.invite()?;
        let joined = asked.elapsed().as_secs_f64() * 1_000.0;
        self.callers[0].confer(&[call, third]);
        self.until(|stage| stage.parties, "the three are not one conversation")?;
        self.talk(CONFERENCE)?;
        self.callers[0].hang_up(third);
        Ok(Conference { parties: self.parties, joined_ms: vec![joined], mos: Vec::new() })
    }

    /// A quarter of all packets by the first caller's first address is lost, until the call has left it.
    fn worsen(&mut self) -> Result<(), Failure> {
        let Some(worse) = self.callers[0].sip_addresses().first().map(|at| at.ip()) else {
            return Err(Failure::environment("the caller has no address"));
        };
        // There may have been a move before, for a reason of its own.
        self.left = None;
        self.note(&format!("a quarter of all packets by alice's address {worse} is lost from now on"));
        let loses = |mut seed: u32| -> Loses {
            Box::new(move |flow| {
                // A generator of Marsaglia's: it is asked for each packet.
                seed ^= seed << 13;
                seed ^= seed >> 17;
                seed ^= seed << 5;
                (flow.local.ip() == worse || flow.remote.ip() == worse) && seed.is_multiple_of(4)
            })
        };
        self.callers[0].lose(Some(loses(1)));
        self.mobile.lose(Some(loses(2)));
        self.until(|stage| stage.left, "the call does not leave the way that loses packets")?;
        self.talk(AFTERWARDS)?;
        self.note("no more packets are lost");
        self.callers[0].lose(None);
        self.mobile.lose(None);
        Ok(())
    }

    /// The first caller calls the second.
    fn invite(&mut self) -> Result<CallId, Failure> {
        let Some(carol) = self.callers[1].sip_addresses().first().copied() else {
            return Err(Failure::environment("carol has no address"));
        };
        self.note("alice calls carol into the conversation");
        let third = self.callers[0].dial(&format!("sip:carol@{carol}"))?;
        self.answered(0, third)?;
        Ok(third)
    }

    fn until<T>(&mut self, found: impl Fn(&Self) -> Option<T>, otherwise: &str) -> Result<T, Failure> {
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            if let Some(found) = found(self) {
                return Ok(found);
            }
            self.talk(GLANCE)?;
        }
        Err(Failure::call(otherwise))
    }
}

/// So long is talked by the better way,
const AFTERWARDS: Duration = Duration::from_secs(4);
/// and so long by three.
const CONFERENCE: Duration = Duration::from_secs(4);
