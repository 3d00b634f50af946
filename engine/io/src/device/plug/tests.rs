use std::{
    cell::RefCell,
    collections::BTreeMap,
    rc::Rc,
    sync::{Arc, Mutex},
};

use super::*;

/// A sound system of a test: which cards are plugged in, and those at work.
#[derive(Clone, Default)]
struct Fake(Rc<RefCell<System>>);

#[derive(Default)]
struct System {
    plugged: Vec<&'static str>,
    default: Option<&'static str>,
    microphones: BTreeMap<&'static str, (Box<dyn Capture>, Lost)>,
    loudspeakers: BTreeMap<&'static str, (Box<dyn Render>, Lost)>,
}

struct Stream(Fake, &'static str, Direction);

impl Drop for Stream {
    fn drop(&mut self) {
        let mut system = self.0.0.borrow_mut();
        match self.2 {
            Direction::Input => drop(system.microphones.remove(self.1)),
            Direction::Output => drop(system.loudspeakers.remove(self.1)),
        }
    }
}

impl Fake {
    fn find(&self, name: Option<&str>) -> Result<&'static str, DeviceError> {
        let system = self.0.borrow();
        let found = match name {
            None => system.default,
            Some(name) => system.plugged.iter().copied().find(|card| *card == name),
        };
        found.ok_or_else(|| DeviceError::NotFound { name: format!("{name:?}"), direction: "input" })
    }

    fn plug(&self, cards: &[&'static str]) {
        let mut system = self.0.borrow_mut();
        (system.plugged, system.default) = (cards.to_vec(), cards.first().copied());
    }

    /// Pulls a card out: it says so, more than once.
    fn unplug(&self, card: &'static str, left: &[&'static str]) {
        self.plug(left);
        let system = self.0.borrow();
        for _ in 0..3 {
            system.microphones.get(card).iter().for_each(|(_, lost)| lost.tell("gone".into()));
            system.loudspeakers.get(card).iter().for_each(|(_, lost)| lost.tell("gone".into()));
        }
    }

    /// One callback of every card at work; answers which.
    fn callbacks(&self, now: Instant) -> Vec<(&'static str, f32)> {
        let mut system = self.0.borrow_mut();
        let mut played = Vec::new();
        system.microphones.values_mut().for_each(|(capture, _)| capture.capture(now, &[0.5; 4]));
        for (card, (render, _)) in &mut system.loudspeakers {
            let mut out = [0.0; 1];
            render.render(now, &mut out);
            played.push((*card, out[0]));
        }
        played
    }
}

impl Cards for Fake {
    type Stream = Stream;

    fn listen(
        &mut self,
        name: Option<&str>,
        capture: Box<dyn Capture>,
        lost: Lost,
    ) -> Result<Stream, DeviceError> {
        let card = self.find(name)?;
        self.0.borrow_mut().microphones.insert(card, (capture, lost));
        Ok(Stream(self.clone(), card, Direction::Input))
    }

    fn speak(
        &mut self,
        name: Option<&str>,
        render: Box<dyn Render>,
        lost: Lost,
    ) -> Result<Stream, DeviceError> {
        let card = self.find(name)?;
        self.0.borrow_mut().loudspeakers.insert(card, (render, lost));
        Ok(Stream(self.clone(), card, Direction::Output))
    }
}

/// Counts what it is given.
struct Counted(Arc<Mutex<usize>>);

impl Capture for Counted {
    fn capture(&mut self, _now: Instant, pcm: &[f32]) {
        *self.0.lock().unwrap() += pcm.len();
    }
}

/// Counts on: one that began anew would show.
struct Counting(f32);

impl Render for Counting {
    fn render(&mut self, _now: Instant, out: &mut [f32]) {
        for sample in out {
            self.0 += 1.0;
            *sample = self.0;
        }
    }
}

struct World {
    system: Fake,
    plugged: Plugged<Fake>,
    reports: Receiver<Report>,
    heard: Arc<Mutex<usize>>,
    now: Instant,
}

impl World {
    fn new(cards: &[&'static str], name: &str) -> Self {
        let system = Fake::default();
        system.plug(cards);
        let heard = Arc::new(Mutex::new(0));
        let capture = Box::new(Counted(Arc::clone(&heard)));
        let names = [Some(name.to_owned()), Some(name.to_owned())];
        let opened = Plugged::open(system.clone(), names, capture, Box::new(Counting(0.0)));
        let (plugged, reports) = opened.ok().unwrap();
        Self { system, plugged, reports, heard, now: Instant::ZERO }
    }

    /// Goes on by `ms`, hands in all reports, and answers what is told.
    fn after(&mut self, ms: u64) -> Vec<DeviceEvent> {
        self.now += Duration::from_millis(ms);
        let mut told = Vec::new();
        while let Ok(Report::Gone(gone)) = self.reports.try_recv() {
            self.plugged.lost(self.now, gone, &mut |event| told.push(event));
        }
        self.plugged.turn(self.now, &mut |event| told.push(event));
        told
    }

    fn heard(&self) -> usize {
        *self.heard.lock().unwrap()
    }
}

fn lost(direction: &'static str) -> DeviceEvent {
    DeviceEvent::Lost { direction, why: "gone".into() }
}

fn reopened(direction: &'static str, name: Option<&str>) -> DeviceEvent {
    DeviceEvent::Reopened { direction, name: name.map(str::to_owned) }
}

#[test]
fn the_default_takes_over_from_a_lost_card_and_the_call_goes_on_where_it_was() {
    let mut world = World::new(&["built-in", "headset"], "headset");
    assert_eq!(world.system.callbacks(world.now), [("headset", 1.0)]);
    world.system.unplug("headset", &["built-in"]);
    let told = world.after(10);
    assert_eq!(told, [lost("input"), reopened("input", None), lost("output"), reopened("output", None)]);
    assert_eq!(world.system.callbacks(world.now), [("built-in", 2.0)], "the same end plays on");
    assert_eq!(world.heard(), 8, "the same end hears on");
    assert_eq!((world.after(1_000), world.plugged.failure()), (vec![], None));
}

#[test]
fn a_card_that_was_only_reset_is_opened_again_by_its_name() {
    let mut world = World::new(&["built-in", "headset"], "headset");
    world.system.unplug("headset", &["built-in", "headset"]);
    let again = Some("headset");
    let told = world.after(10);
    assert_eq!(told, [lost("input"), reopened("input", again), lost("output"), reopened("output", again)]);
    assert_eq!(world.system.callbacks(world.now), [("headset", 1.0)]);
}

#[test]
fn without_any_card_one_is_looked_for_until_there_is_one() {
    let mut world = World::new(&["headset"], "headset");
    world.system.callbacks(world.now);
    world.system.unplug("headset", &[]);
    assert_eq!(world.after(10), [lost("input"), lost("output")]);
    assert!(world.plugged.failure().is_some());
    assert_eq!(world.system.callbacks(world.now), []);
    assert_eq!(world.after(600), [], "nothing yet");
    world.system.plug(&["speakerphone"]);
    assert_eq!(world.after(100), [], "it is not looked at every moment");
    assert_eq!(world.after(500), [reopened("input", None), reopened("output", None)]);
    assert_eq!(world.system.callbacks(world.now), [("speakerphone", 2.0)]);
    assert_eq!((world.plugged.failure(), world.heard()), (None, 8));
}

#[test]
fn a_card_that_is_not_there_at_the_start_fails_the_start() {
    let system = Fake::default();
    let capture = Box::new(Counted(Arc::default()));
    let opened = Plugged::open(system, [None, None], capture, Box::new(Counting(0.0)));
    assert!(matches!(opened.err(), Some(DeviceError::NotFound { .. })));
}
