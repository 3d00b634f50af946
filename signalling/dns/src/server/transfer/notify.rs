//! Other servers are told that a zone changed (RFC 1996): at once, again until they answer, and not more often than
//! they can ask.

use core::time::Duration;
use std::net::SocketAddr;

use rove_base::{Flow, Instant, Now};

use super::{ZoneTransfer, silent};
use crate::{
    server::Outbox,
    tsig::{self, Mac, TsigKey},
    wire::{Header, Name, class, opcode, rtype},
    zones::{Zone, Zones},
};

/// All secondaries of all zones.
#[derive(Debug, Default)]
pub(super) struct Notifier {
    targets: Vec<Target>,
    last_id: u16,
}

/// One secondary of one zone.
#[derive(Debug)]
struct Target {
    zone: Name,
    secondary: SocketAddr,
    /// Which key signs; `None`: none does.
    key: Option<usize>,
    /// Our end, once it is known.
    local: Option<SocketAddr>,
    /// There is something it has not been told.
    pending: bool,
    serial: u32,
    /// When it was told last.
    told_at: Option<Instant>,
    asked: Option<Asked>,
}

/// A NOTIFY that is not answered yet.
#[derive(Debug)]
struct Asked {
    id: u16,
    attempt: u32,
    until: Instant,
    mac: Option<Mac>,
    serial: u32,
}

impl Notifier {
    pub(super) fn new(rules: &[ZoneTransfer], keys: &[TsigKey]) -> Self {
        let mut targets = Vec::new();
        for rule in rules {
            for secondary in &rule.secondaries {
                targets.push(Target {
                    zone: rule.zone.clone(),
                    secondary: secondary.address,
                    key: secondary
                        .key
                        .as_ref()
                        .and_then(|name| keys.iter().position(|key| key.name() == name)),
                    local: None,
                    pending: true,
                    serial: 0,
                    told_at: None,
                    asked: None,
                });
            }
        }
        Self { targets, last_id: 0 }
    }

    pub(super) fn leave_from(&mut self, local: impl Fn(SocketAddr) -> Option<SocketAddr>) {
        for target in &mut self.targets {
            (target.local, target.pending) = (local(target.secondary), true);
        }
    }

    pub(super) fn changed(&mut self, zone: &Name, serial: u32) {
        for target in self.targets.iter_mut().filter(|target| target.zone == *zone) {
            (target.pending, target.serial) = (true, serial);
        }
    }

    /// Tells whoever has to be told now.
    pub(super) fn run(&mut self, now: Now, zones: &Zones, keys: &[TsigKey], outbox: &mut Outbox) {
        for target in &mut self.targets {
            if target.next_at().is_none_or(|at| at > now.mono) {
                continue;
            }
            let Some(zone) = zones.get(&target.zone) else { continue };
            let attempt = match &target.asked {
                // Something changed again: told at once, and counted from the start.
                Some(_) if target.pending => 0,
                Some(asked) => asked.attempt.saturating_add(1),
                None => 0,
            };
            if attempt >= ATTEMPTS {
                outbox.event(silent(&target.zone, target.secondary, target.serial));
                (target.asked, target.pending) = (None, false);
                continue;
            }
            self.last_id = self.last_id.wrapping_add(1);
            target.tell(now, self.last_id, attempt, zone, keys, outbox);
        }
    }

    pub(super) fn next_deadline(&self) -> Option<Instant> {
        self.targets.iter().filter_map(Target::next_at).min()
    }

    /// Whether `bytes` answer what was told.
    pub(super) fn answered(
        &mut self,
        now: Now,
        from: SocketAddr,
        id: u16,
        bytes: &[u8],
        keys: &[TsigKey],
    ) -> bool {
        let is_his = |target: &&mut Target| {
            target.secondary == from && target.asked.as_ref().is_some_and(|asked| asked.id == id)
        };
        let Some(target) = self.targets.iter_mut().find(is_his) else { return false };
        let mac = target.asked.as_ref().and_then(|asked| asked.mac);
        if let Some(mac) = mac
            && tsig::verify(bytes, keys, now.wall, Some(mac.as_bytes())).is_err()
        {
            return false;
        }
        target.asked = None;
        true
    }
}

impl Target {
    /// When it is to be told, or told again.
    fn next_at(&self) -> Option<Instant> {
        self.local?;
        let spaced = self.told_at.map_or(Instant::ZERO, |told| {
            told.later(if self.asked.is_some() { GAP_UNANSWERED } else { GAP })
        });
        match &self.asked {
            Some(asked) if self.pending && asked.serial != self.serial => Some(spaced.min(asked.until)),
            Some(asked) => Some(asked.until),
            None => self.pending.then_some(spaced),
        }
    }

    fn tell(&mut self, now: Now, id: u16, attempt: u32, zone: &Zone, keys: &[TsigKey], outbox: &mut Outbox) {
        let Some(local) = self.local else { return };
        let mut message = write(id, zone);
        let key = self.key.and_then(|index| keys.get(index));
        let mac = key.map(|key| tsig::sign(&mut message, key, now.wall, None));
        outbox.send(Flow::udp(local, self.secondary), &message);
        let until = now.mono.later(PATIENCE.saturating_mul(1 << attempt.min(ATTEMPTS)));
        self.serial = zone.serial();
        self.asked = Some(Asked { id, attempt, until, mac, serial: self.serial });
        (self.pending, self.told_at) = (false, Some(now.mono));
    }
}

/// NOTIFY with the SOA that the zone has now (RFC 1996 §3.7).
fn write(id: u16, zone: &Zone) -> Vec<u8> {
    let flags = u16::from(opcode::NOTIFY) << 11 | Header::AA;
    let soa = zone.soa();
    let counts = [1, u16::from(soa.is_some()), 0, 0];
    let mut message = Vec::with_capacity(256);
    for number in [id, flags].into_iter().chain(counts) {
        message.extend_from_slice(&number.to_be_bytes());
    }
    message.extend_from_slice(zone.origin().as_wire());
    message.extend_from_slice(&rtype::SOA.to_be_bytes());
    message.extend_from_slice(&class::IN.to_be_bytes());
    if let Some((set, rdata)) = soa {
        message.extend_from_slice(&[0xc0, 12]);
        message.extend_from_slice(&rtype::SOA.to_be_bytes());
        message.extend_from_slice(&class::IN.to_be_bytes());
        message.extend_from_slice(&set.ttl.to_be_bytes());
        message.extend_from_slice(&u16::try_from(rdata.len()).unwrap_or(u16::MAX).to_be_bytes());
        message.extend_from_slice(rdata);
    }
    message
}

/// Times that a secondary is told of one change.
const ATTEMPTS: u32 = 5;
/// How long the first waits for its answer; doubled with each: given up after 31 s.
const PATIENCE: Duration = Duration::from_secs(1);
/// Between two that are answered: many changes are told as one.
const GAP: Duration = Duration::from_millis(10);
/// Between two when the first is not answered.
const GAP_UNANSWERED: Duration = Duration::from_millis(100);
