//! Every screen, in every state that changes what is on it.

use std::net::SocketAddr;

use egui_kittest::Harness;
use rove_base::{Band, Instant, Quality, RouteId, RouteKind};
use rove_phone::{
    CallId, CodecId, Complaint, Party, PhoneEvent, Progress, RerouteCause, Rerouted, SecurityKind,
};
use rove_softphone::{
    app::App,
    line::Device,
    model::{Contact, Direction, Language, Look, Outcome, Past, Screen, Settings, Standing, Wish},
    store::Stored,
};

use crate::world::{Script, window};

/// What is not of the program: names, addresses, what was written, and figures.
pub(crate) const GIVEN: &[&str] =
    &["Bob", "bob@b.example", "carl@c.example", "dora.example", "USB card", "me@home.example"];

pub(crate) const ONE: CallId = CallId(1);
const TWO: CallId = CallId(2);

pub(crate) type Window = Harness<'static, App<Script>>;

/// All of them, by name, in a language and a look.
pub(crate) fn all(language: Language, look: Look) -> Vec<(&'static str, Window)> {
    type Arrange = fn(&mut App<Script>);
    let arrange: [(&str, Arrange); 9] = [
        ("nothing", |_| {}),
        ("incoming", |app| tell(app, ONE, Progress::Incoming { from: "Bob <sip:bob@b.example>".into() })),
        ("ringing", |app| {
            app.model.dialled("dora.example", Ok(ONE));
            tell(app, ONE, Progress::Ringing);
        }),
        ("talking", talking),
        ("conference", conference),
        ("over", |app| {
            talking(app);
            app.model.heard(&PhoneEvent::Ended { call: ONE, report: report("peer_hung_up") });
        }),
        ("contacts", |app| app.model.wish(Wish::Show(Screen::Contacts))),
        ("history", |app| app.model.wish(Wish::Show(Screen::History))),
        ("settings", |app| {
            app.model.wish(Wish::Show(Screen::Settings));
            app.model.drafts.settings.min_mos = Some(3.5);
            app.model.devices = vec![Device { name: "USB card".into(), input: true, output: true }];
        }),
    ];
    arrange.into_iter().map(|(name, arrange)| (name, screen(language, look, arrange))).collect()
}

/// One window, tall enough that nothing is scrolled away.
pub(crate) fn screen(language: Language, look: Look, arrange: impl FnOnce(&mut App<Script>)) -> Window {
    let mut app = app(language, look);
    arrange(&mut app);
    let mut window = window(app, [440.0, 1_600.0]);
    window.run_steps(3);
    window
}

fn app(language: Language, look: Look) -> App<Script> {
    let settings = Settings { language, look, echo: Some("dora.example".into()), ..Settings::default() };
    let contacts = vec![Contact { name: "Bob".into(), address: "bob@b.example".into() }];
    let past = |direction, address: &str, outcome| Past {
        at: 0,
        direction,
        name: String::new(),
        address: address.into(),
        outcome,
    };
    let history = vec![
        past(Direction::Incoming, "carl@c.example", Outcome::Missed),
        past(Direction::Outgoing, "bob@b.example", Outcome::Talked(61.0)),
        past(Direction::Outgoing, "dora.example", Outcome::Failed("busy".into())),
    ];
    let mut app =
        App::new(Script::default(), Stored { settings, contacts, history, troubles: Vec::new() }, None);
    app.model.standing = Standing::Registered("me@home.example".into());
    app
}

pub(crate) fn tell(app: &mut App<Script>, call: CallId, progress: Progress) {
    app.model.heard(&PhoneEvent::Call { call, progress });
}

fn answered() -> Progress {
    let remote = SocketAddr::from(([192, 0, 2, 7], 4_000));
    Progress::Answered { codec: CodecId::Opus, remote, security: SecurityKind::Dtls }
}

/// With all that can be said of a call.
pub(crate) fn talking(app: &mut App<Script>) {
    tell(app, ONE, Progress::Incoming { from: "Bob <sip:bob@b.example>".into() });
    app.model.wish(Wish::Answer(ONE));
    tell(app, ONE, answered());
    tell(app, ONE, Progress::Held { by: Party::Peer });
    tell(app, ONE, Progress::Key { key: '5', duration: std::time::Duration::from_millis(80) });
    app.model.wish(Wish::Keypad(true));
    app.model.wish(Wish::Mute(ONE, true));
    let mut quality = Quality::nothing(Instant::ZERO, Band::Full);
    app.model.heard(&PhoneEvent::Quality { call: ONE, quality });
    for mos in [4.4, 4.2, 2.1, 4.3] {
        (quality.mos, quality.interval_loss) = (Some(mos), Some(0.02));
        app.model.heard(&PhoneEvent::Quality { call: ONE, quality });
    }
    app.model.heard(&PhoneEvent::Rerouted { call: ONE, rerouted: rerouted() });
    let complaint = Complaint { cause: RerouteCause::Delay, second: quality, compared: false };
    app.model.heard(&PhoneEvent::Complaint { call: ONE, complaint });
    app.model.refused("notice-too-long", "");
}

fn rerouted() -> Rerouted {
    Rerouted {
        from: RouteId(0),
        to: RouteId(1),
        kinds: [Some(RouteKind::Direct), Some(RouteKind::Relay)],
        cause: RerouteCause::Loss,
        suspected: Instant::ZERO,
        decided: Instant::ZERO,
        gap: Some(std::time::Duration::from_millis(40)),
        lost: Some(3),
    }
}

fn conference(app: &mut App<Script>) {
    talking(app);
    tell(app, TWO, Progress::Incoming { from: "sip:carl@c.example".into() });
    tell(app, TWO, answered());
    app.model.heard(&PhoneEvent::Conference { calls: vec![ONE, TWO] });
    app.model.heard(&PhoneEvent::Speaker { call: Some(TWO) });
}

fn report(cause: &str) -> Box<rove_phone::CallReport> {
    let report = serde_json::json!({
        "side": "caller", "target": "", "peer": "", "protocol": "sip", "cause": cause, "cause_text": "",
        "seconds": 7.0, "recordings": [], "played": [], "quality": []
    });
    Box::new(serde_json::from_value(report).unwrap())
}
