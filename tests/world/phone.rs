//! A phone as a host: the whole phone of `rove_phone`, and what its owner does when it rings.

use std::net::{IpAddr, SocketAddr};

use rove_base::{Arrival, Flow, Instant, Machine, Now, Scratch, UdpFlow};
use rove_phone::{CallId, CallReport, PhoneEvent, Progress, virtual_time::VirtualPhone};

use crate::host::{Host, Outlet, Taken, drain_machine};

/// A phone and its owner.
pub struct PhoneHost {
    /// The phone.
    pub phone: VirtualPhone,
    /// What happened, with its instant; the figures of each second are left out.
    pub events: Vec<(Instant, PhoneEvent)>,
    owner: Owner,
}

/// What a phone's owner does with a call.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Owner {
    /// Picks up at once.
    Answers,
    /// Is in another call.
    IsBusy,
    /// Does not want to.
    Declines,
    /// Is not there.
    IsAway,
    /// Sends the caller there.
    Forwards(&'static str),
}

impl PhoneHost {
    /// A phone whose owner behaves like that.
    #[must_use]
    pub const fn new(phone: VirtualPhone, owner: Owner) -> Self {
        Self { phone, events: Vec::new(), owner }
    }

    /// The reports of all calls that are over.
    pub fn reports(&self) -> impl Iterator<Item = &CallReport> {
        self.events.iter().filter_map(|(_, event)| match event {
            PhoneEvent::Ended { report, .. } => Some(&**report),
            _ => None,
        })
    }

    /// Whether an event like that has come.
    #[must_use]
    pub fn saw(&self, like: impl Fn(&PhoneEvent) -> bool) -> bool {
        self.events.iter().any(|(_, event)| like(event))
    }

    fn react(&mut self, now: Now, call: CallId) {
        match self.owner {
            Owner::Answers => self.phone.answer(now, call),
            Owner::IsBusy => self.phone.refuse_busy(now, call),
            Owner::Declines => self.phone.decline(now, call),
            Owner::IsAway => {}
            Owner::Forwards(to) => {
                let _ = self.phone.forward(now, call, to);
            }
        }
    }
}

impl Host for PhoneHost {
    fn addresses(&self) -> Vec<IpAddr> {
        vec![self.phone.ip()]
    }

    fn receive(&mut self, now: Now, flow: UdpFlow, bytes: &[u8], _arrived: Instant) {
        self.phone.handle(now, Arrival::Datagram { flow: Flow::Udp(flow), bytes });
    }

    fn stream(&mut self, now: Now, arrival: Arrival<'_>) {
        self.phone.handle(now, arrival);
    }

    fn listens(&self, local: SocketAddr) -> bool {
        self.phone.listens(local)
    }

    fn tick(&mut self, now: Now) {
        self.phone.tick(now);
    }

    fn drain(&mut self, now: Now, out: &mut Scratch, net: &mut dyn Outlet) -> Option<Instant> {
        loop {
            let before = self.events.len();
            let Self { phone, events, .. } = self;
            let wake = drain_machine(phone, out, net, |taken, net| match taken {
                // Its own line of the trace would be the same again each second.
                Taken::Event(PhoneEvent::Quality { .. }) | Taken::Record { .. } => {}
                Taken::Event(event) => {
                    net.note(format_args!("{event:?}"));
                    events.push((now.mono, event));
                }
            });
            let ringing: Vec<CallId> = self.events[before..]
                .iter()
                .filter_map(|(_, event)| match event {
                    PhoneEvent::Call { call, progress: Progress::Incoming { .. } } => Some(*call),
                    _ => None,
                })
                .collect();
            if ringing.is_empty() {
                return wake;
            }
            ringing.into_iter().for_each(|call| self.react(now, call));
        }
    }
}
