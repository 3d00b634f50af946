//! Windows without a desktop, and what stands behind them.

use std::{
    collections::VecDeque,
    net::SocketAddr,
    sync::{Arc, mpsc},
    time::{Duration, Instant},
};

use eframe::egui::accesskit::Role;
use egui_kittest::{
    Harness,
    kittest::{NodeT as _, Queryable as _},
};
use rove_phone::{Audio, CallId, PhoneConfig, PhoneEvent};
use rove_softphone::{
    app::App,
    line::{Answer, Line, PhoneLine},
    model::{Ask, Settings},
    store::Stored,
};

/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(15);

/// A line on which nothing happens but what the test says.
#[derive(Debug, Default)]
pub(crate) struct Script {
    pub(crate) asked: Vec<Ask>,
    pub(crate) events: VecDeque<PhoneEvent>,
    begun: u64,
}

impl Line for Script {
    fn carry(&mut self, ask: &Ask, _: &Settings) -> Answer {
        self.asked.push(ask.clone());
        match ask {
            Ask::Dial(_) => {
                self.begun += 1;
                Answer::Begun(CallId(100 + self.begun))
            }
            _ => Answer::Asked,
        }
    }

    fn next_event(&mut self) -> Option<PhoneEvent> {
        self.events.pop_front()
    }
}

/// A window on `app`.
pub(crate) fn window<L: Line + 'static>(app: App<L>, size: [f32; 2]) -> Harness<'static, App<L>> {
    let mut dressed = false;
    Harness::builder().with_size(size).build_ui_state(
        move |ui, app: &mut App<L>| {
            if !dressed {
                app.dress(ui.ctx());
                dressed = true;
            }
            app.turn(ui.ctx());
            app.draw(ui);
        },
        app,
    )
}

/// A window on a real phone on loopback.
pub(crate) struct Desk {
    pub(crate) window: Harness<'static, App<PhoneLine>>,
    woken: mpsc::Receiver<()>,
}

impl Desk {
    pub(crate) fn new(identity: &str) -> Self {
        Self::with(identity, Audio::Null, Settings::default())
    }

    /// One whose user never stops to speak.
    pub(crate) fn speaking(identity: &str) -> Self {
        let speech = concat!(env!("CARGO_MANIFEST_DIR"), "/../rove/assets/speech-alice.wav");
        Self::with(
            identity,
            Audio::Files { play: Some(speech.into()), repeat: true, record: None },
            Settings::default(),
        )
    }

    pub(crate) fn with(identity: &str, audio: Audio, settings: Settings) -> Self {
        let config = PhoneConfig {
            audio,
            identity: identity.into(),
            listen: vec![SocketAddr::from(([127, 0, 0, 1], 0))],
            ..PhoneConfig::default()
        };
        let (wake, woken) = mpsc::channel();
        let wake = Arc::new(move || wake.send(()).unwrap_or_default());
        let line = PhoneLine::start(config, &settings, wake).unwrap();
        Self {
            window: window(App::new(line, Stored { settings, ..Stored::default() }, None), [440.0, 1_600.0]),
            woken,
        }
    }

    /// What others dial to reach it.
    pub(crate) fn target(&self) -> String {
        self.window.state().line.addresses()[0].to_string()
    }

    /// Types into a field.
    pub(crate) fn type_into(&mut self, field: &str, text: &str) {
        let node = self.window.get_by_role_and_label(Role::TextInput, field);
        node.focus();
        node.type_text(text);
        self.window.run_steps(3);
    }

    /// Presses a button by its name.
    pub(crate) fn press(&mut self, button: &str) {
        self.window.get_by_role_and_label(Role::Button, button).click();
        self.window.run_steps(3);
    }

    /// All that is shown.
    fn labels(&self) -> Vec<String> {
        let nodes = self.window.root().children_recursive();
        nodes.filter_map(|node| node.accesskit_node().label()).collect()
    }

    /// Whether something of this name is shown.
    pub(crate) fn shows(&self, part: &str) -> bool {
        self.window.query_all_by_label_contains(part).next().is_some()
    }
}

/// Has the windows draw whenever something has come, until `done`.
pub(crate) fn until<const N: usize>(
    what: &str,
    mut desks: [&mut Desk; N],
    done: impl Fn([&Desk; N]) -> bool,
) {
    let deadline = Instant::now() + PATIENCE;
    loop {
        for desk in &mut desks {
            desk.window.step();
        }
        let seen = desks.each_ref().map(|desk| &**desk);
        if done(seen) {
            return;
        }
        assert!(Instant::now() < deadline, "{what}: {:?}", seen.map(Desk::labels));
        if let Some(first) = desks.first() {
            let _ = first.woken.recv_timeout(Duration::from_millis(20));
        }
    }
}
