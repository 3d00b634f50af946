//! From a name to an address, and from an address to ports for the media.

use std::collections::VecDeque;

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
                let ways: VecDeque<Candidate> = candidates.into_iter().take(MOST_WAYS).collect();
                cx.tell(Progress::Resolved { addresses: ways.iter().map(|way| way.address).collect() });
                Opening::start(cx, self.target, ways)
            }
            Fact::NotFound(error) => {
                let cause = lookup_failed(&self.target, error);
                cx.over(cause)
            }
            Fact::Number(uri) => match self.target.found_at(&uri) {
                Ok(target) => State::Dialing(Self { target }),
                Err(error) => {
                    cx.over(Cause::LookupFailed { name: self.target.to_string(), why: error.to_string() })
                }
            },
            Fact::HangUp => cx.over(Cause::HungUp),
            _ => State::Dialing(self),
        }
    }
}

/// Ports for the media are being opened, on the address that leads to the first of `ways`.
#[derive(Debug)]
pub(crate) struct Opening {
    target: Target,
    ways: VecDeque<Candidate>,
}

impl Opening {
    /// Goes for the first of `ways`; without any the call is over.
    pub(crate) fn start(cx: &mut Context<'_>, target: Target, ways: VecDeque<Candidate>) -> State {
        let Some(first) = ways.front().map(|way| way.address) else {
            let name = target.host();
            return cx.over(Cause::NoAddress { name });
        };
        cx.ask(Ask::OpenMedia(first));
        State::Opening(Self { target, ways })
    }

    pub(super) fn on(mut self, cx: &mut Context<'_>, fact: Fact) -> State {
        match fact {
            Fact::MediaOpened(ports) => {
                let Some(way) = self.ways.pop_front() else { return State::Opening(self) };
                let local = cx.config.local(way.transport, ports.signalling);
                let hop = Hop::toward(way.transport, local, way.address);
                Offering::start(cx, self.target, hop, &ports, self.ways)
            }
            Fact::NoMedia(why) => {
                self.ways.pop_front();
                if self.ways.is_empty() {
                    return cx.over(Cause::NoMedia { why });
                }
                Self::start(cx, self.target, self.ways)
            }
            Fact::HangUp => {
                cx.ask(Ask::StopMedia);
                cx.over(Cause::HungUp)
            }
            _ => State::Opening(self),
        }
    }
}

fn lookup_failed(target: &Target, error: LookupError) -> Cause {
    let name = target.host();
    match error {
        LookupError::NoSuchName { .. } => Cause::NoSuchName { name },
        LookupError::NoAddress { .. } => Cause::NoAddress { name },
        other => Cause::LookupFailed { name, why: other.to_string() },
    }
}

/// More ways than this are not tried: each dead one costs the caller 32 s.
const MOST_WAYS: usize = 8;
