use super::*;
use crate::event::Figures;

fn quality(call: u64) -> Event {
    Event::Quality { call, figures: Figures::default() }
}

#[test]
fn when_nobody_takes_events_figures_go_first_and_the_loss_is_told() {
    let outbox = Outbox::default();
    outbox.put(Event::Connecting { call: 1 });
    for _ in 0..MOST {
        outbox.put(quality(1));
    }
    outbox.put(Event::Connected { call: 1 });
    assert_eq!(outbox.take(Duration::ZERO), Some(Event::Missed { events: 2 }));
    assert_eq!(outbox.take(Duration::ZERO), Some(Event::Connecting { call: 1 }));
    let rest: Vec<Event> = core::iter::from_fn(|| outbox.take(Duration::ZERO)).collect();
    assert_eq!((rest.len(), rest.last()), (MOST - 1, Some(&Event::Connected { call: 1 })));
}

#[test]
fn who_waits_is_woken_by_an_event_and_by_the_end() {
    let outbox = Outbox::default();
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| (outbox.take(FAR), outbox.take(FAR), outbox.wait_over(FAR)));
        outbox.put(Event::Stopped);
        outbox.end();
        assert_eq!(waiting.join().unwrap(), (Some(Event::Stopped), None, true));
    });
    assert_eq!(outbox.take(FAR), None);
}
