//! The thread that carries a phone's events to whoever wants them.

use core::time::Duration;
use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use super::{Agent, calls::Calls};
use crate::event::Event;

/// Works until the phone has left and all is told.
pub(super) fn run(agent: &Arc<Agent>) {
    let _ = agent.pump.set(std::thread::current().id());
    let mut calls = Calls::new(agent.first);
    loop {
        // Asked before: what was told until then is seen by the look that follows.
        let stopped = agent.phone.has_stopped();
        match agent.phone.next_event(if stopped { Duration::ZERO } else { GLANCE }) {
            Some(event) => calls.translate(event, &mut |event| deliver(agent, event)),
            None if stopped => break,
            // Who has just begun to listen is told what waited for being asked.
            None => hand_over(agent),
        }
    }
    deliver(agent, Event::Stopped);
    agent.listen(None);
    agent.outbox.end();
}

fn deliver(agent: &Agent, event: Event) {
    hand_over(agent);
    match agent.listener() {
        // A fault in what is called back is not ours, and must not take the phone with it.
        Some(listener) => drop(catch_unwind(AssertUnwindSafe(|| listener.on_event(event)))),
        None => agent.outbox.put(event),
    }
}

fn hand_over(agent: &Agent) {
    while let Some(listener) = agent.listener()
        && let Some(event) = agent.outbox.take(Duration::ZERO)
    {
        let _ = catch_unwind(AssertUnwindSafe(|| listener.on_event(event)));
    }
}

/// How long an event is waited for before the phone is looked at. Its end wakes the pump at once.
const GLANCE: Duration = Duration::from_millis(200);
