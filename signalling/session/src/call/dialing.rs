//! From a name to an address, and from an address to ports for the media.

use std::{collections::VecDeque, net::SocketAddr};

use rove_base::Transport;
use rove_dns::lookup::{Candidate, LookupError};
use rove_sip::transport::Hop;

use super::{Ask, Context, Fact, Offering, Progress, State};
use crate::{Cause, Target};

/// The target is being looked up.
#[derive(Debug)]
pub(crate) struct Dialing {
    target: Target,
}

impl Dialing {
    /// Begins with the look-up.
    pub(crate) fn start(cx: &mut Context<'_>, target: Target) -> State {
        cx.ask(Ask::Resolve(target.clone()));
        State::Dialing(Self { target })
    }

    pub(super) fn on(self, cx: &mut Context<'_>, fact: Fact) -> State {
        match fact {
            Fact::Found(candidates) => {
                cx.record.resolved = Some(cx.now.mono);
                let addresses: VecDeque<SocketAddr> = reachable(&candidates);
                cx.tell(Progress::Resolved { addresses: addresses.iter().copied().collect() });
                Opening::start(cx, self.target, addresses)
            }
            Fact::NotFound(error) => {
                let cause = lookup_failed(&self.target, error);
                cx.over(cause)
            }
            Fact::HangUp => cx.over(Cause::HungUp),
            _ => State::Dialing(self),
        }
    }
}

/// Ports for the media are being opened, on the address that leads to the first of `addresses`.
#[derive(Debug)]
pub(crate) struct Opening {
    target: Target,
    addresses: VecDeque<SocketAddr>,
}

impl Opening {
    /// Goes for the first of `addresses`; without any the call is over.
    pub(super) fn start(cx: &mut Context<'_>, target: Target, addresses: VecDeque<SocketAddr>) -> State {
        let Some(&first) = addresses.front() else {
            let name = target.host();
            return cx.over(Cause::NoAddress { name });
        };
        cx.ask(Ask::OpenMedia(first));
        State::Opening(Self { target, addresses })
    }

    pub(super) fn on(mut self, cx: &mut Context<'_>, fact: Fact) -> State {
        match fact {
            Fact::MediaOpened(ports) => {
                let Some(remote) = self.addresses.pop_front() else { return State::Opening(self) };
                let hop = Hop::udp(ports.signalling, remote);
                Offering::start(cx, self.target, hop, &ports, self.addresses)
            }
            Fact::NoMedia(why) => {
                self.addresses.pop_front();
                if self.addresses.is_empty() {
                    return cx.over(Cause::NoMedia { why });
                }
                Self::start(cx, self.target, self.addresses)
            }
            Fact::HangUp => {
                cx.ask(Ask::StopMedia);
                cx.over(Cause::HungUp)
            }
            _ => State::Opening(self),
        }
    }
}

/// The addresses we have a transport for, in the order they were found.
fn reachable(candidates: &[Candidate]) -> VecDeque<SocketAddr> {
    candidates
        .iter()
        .filter(|c| c.transport == Transport::Udp)
        .map(|c| c.address)
        .take(MOST_ADDRESSES)
        .collect()
}

fn lookup_failed(target: &Target, error: LookupError) -> Cause {
    let name = target.host();
    match error {
        LookupError::NoSuchName { .. } => Cause::NoSuchName { name },
        LookupError::NoAddress { .. } => Cause::NoAddress { name },
        other => Cause::LookupFailed { name, why: other.to_string() },
    }
}

/// More addresses than this are not tried: each dead one costs the caller 32 s.
const MOST_ADDRESSES: usize = 8;
