//! What carries between model, line, store and window: once for each frame, and whenever something wakes it.

use std::{
    sync::mpsc,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use eframe::egui::{self, UserAttentionType, ViewportCommand};

use crate::{
    line::{Answer, Line},
    model::{Ask, Language, Model, Moment, Screen, State, Wish},
    notify::Notifier,
    single::{Asked, Order},
    store::{Store, Stored},
    theme, view,
    words::Words,
};

/// The window's program.
pub struct App<L> {
    /// What is known.
    pub model: Model,
    /// The phone.
    pub line: L,
    words: (Language, Words),
    store: Option<Store>,
    orders: Option<mpsc::Receiver<Asked>>,
    notifier: Option<Notifier>,
    started: Instant,
}

impl<L: Line> App<L> {
    /// A window on `line` that begins with what was stored.
    pub fn new(line: L, stored: Stored, store: Option<Store>) -> Self {
        let Stored { settings, contacts, history, troubles } = stored;
        let words = (settings.language, Words::of(settings.language));
        let mut model = Model::new(settings, contacts, history);
        for trouble in troubles {
            model.refused("cannot-read", &trouble.to_string());
        }
        Self { model, line, words, store, orders: None, notifier: None, started: Instant::now() }
    }

    /// Takes orders from outside as well.
    #[must_use]
    pub fn with_orders(self, orders: mpsc::Receiver<Asked>) -> Self {
        Self { orders: Some(orders), ..self }
    }

    /// Has the desktop show that somebody calls.
    #[must_use]
    pub fn with_notifier(self, notifier: Notifier) -> Self {
        Self { notifier: Some(notifier), ..self }
    }

    /// Dresses the window before it is first drawn.
    pub fn dress(&self, ctx: &egui::Context) {
        theme::dress(ctx);
        theme::choose(ctx, self.model.settings.look);
    }

    /// Carries what has come to the model, and what it wants to where it belongs.
    pub fn turn(&mut self, ctx: &egui::Context) {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        self.model.tick(Moment { running: self.started.elapsed(), unix: since.as_secs() });
        while let Some(event) = self.line.next_event() {
            self.model.heard(&event);
        }
        while let Some(asked) = self.orders.as_ref().and_then(|orders| orders.try_recv().ok()) {
            let answer = self.obey(ctx, &asked.order);
            self.carry(ctx);
            asked.answer(answer);
        }
        self.carry(ctx);
        let shown = self.model.shown().filter(|call| call.state == State::Up).map(|call| call.id);
        if let Some(call) = shown {
            let levels = self.line.levels(call).unwrap_or_default();
            self.model.measured(call, levels);
            ctx.request_repaint_after(METERED);
        }
    }

    /// Draws one frame.
    pub fn draw(&mut self, ui: &mut egui::Ui) {
        if self.words.0 != self.model.settings.language {
            self.words = (self.model.settings.language, Words::of(self.model.settings.language));
        }
        theme::choose(ui.ctx(), self.model.settings.look);
        view::show(ui, &mut self.model, &self.words.1);
        let ctx = ui.ctx().clone();
        self.carry(&ctx);
    }

    /// What is wanted from outside of the window.
    fn obey(&mut self, ctx: &egui::Context, order: &Order) -> String {
        let model = &mut self.model;
        let first = model.incoming().next().map(|call| call.id);
        match (order, first) {
            (Order::Show, _) => ctx.send_viewport_cmd(ViewportCommand::Focus),
            (Order::Link(target), _) => {
                model.wish(Wish::Prepare(target.clone()));
                ctx.send_viewport_cmd(ViewportCommand::Focus);
            }
            (Order::Call(target), _) => model.wish(Wish::Call(target.clone())),
            (Order::Mute, _) => model.wish(Wish::MuteAll(true)),
            (Order::Unmute, _) => model.wish(Wish::MuteAll(false)),
            (Order::ToggleMute, _) => model.wish(Wish::MuteAll(!model.muted)),
            (Order::HangUp, _) => model.wish(Wish::HangUpAll),
            (Order::Answer, Some(call)) => model.wish(Wish::Answer(call)),
            (Order::Decline, Some(call)) => model.wish(Wish::Decline(call)),
            (Order::Answer | Order::Decline, None) => return "no: nobody calls".into(),
            (Order::Status, _) => return self.status(),
            (Order::Quit, _) => ctx.send_viewport_cmd(ViewportCommand::Close),
        }
        "ok".into()
    }

    /// Which calls there are, for programs.
    fn status(&self) -> String {
        let calls = self.model.calls.iter().map(|call| {
            serde_json::json!({
                "call": call.id.0,
                "peer": call.peer.address,
                "state": call.state.word(),
                "muted": call.muted || self.model.muted,
                "held": call.held,
                "held_by_peer": call.held_by_peer,
                "route": call.route.map(|route| route.name()),
                "security": call.security.map(|security| security.name()),
                "said_dbov": call.levels.said,
                "heard_dbov": call.levels.heard,
                "mos": call.series.last().and_then(|second| second.mos),
            })
        });
        serde_json::json!({
            "muted": self.model.muted,
            "sip": self.line.addresses(),
            "calls": calls.collect::<Vec<_>>(),
        })
        .to_string()
    }

    fn carry(&mut self, ctx: &egui::Context) {
        while let Some(ask) = self.model.next_ask() {
            match &ask {
                Ask::KeepContacts | Ask::KeepHistory | Ask::KeepSettings => self.keep(&ask),
                Ask::Announce(call, name) => {
                    let attention = UserAttentionType::Informational;
                    ctx.send_viewport_cmd(ViewportCommand::RequestUserAttention(attention));
                    if let Some(notifier) = &self.notifier {
                        notifier.show(*call, self.words.1.say_of("notify-call", &[("about", name)]));
                    }
                }
                Ask::Withdraw(call) => {
                    ctx.send_viewport_cmd(ViewportCommand::RequestUserAttention(UserAttentionType::Reset));
                    if let Some(notifier) = &self.notifier {
                        notifier.close(*call);
                    }
                }
                _ => self.have_done(&ask),
            }
            // What has changed by that is drawn.
            ctx.request_repaint();
        }
    }

    fn have_done(&mut self, ask: &Ask) {
        match (self.line.carry(ask, &self.model.settings), ask) {
            (Answer::Asked, _) => {}
            (Answer::Begun(call), Ask::Dial(target)) => self.model.dialled(target, Ok(call)),
            (Answer::Refused(key, about), Ask::Dial(_)) => self.model.dialled(&about, Err(key)),
            (Answer::Refused(key, about), _) => self.model.refused(&key, &about),
            (Answer::Devices(devices), _) => self.model.devices = devices,
            (Answer::Begun(_), _) => {}
        }
    }

    fn keep(&mut self, ask: &Ask) {
        let Some(store) = &self.store else { return };
        let kept = match ask {
            Ask::KeepContacts => store.keep_contacts(&self.model.contacts),
            Ask::KeepHistory => store.keep_history(&self.model.history),
            _ => store.keep_settings(&self.model.settings),
        };
        if let Err(error) = kept {
            self.model.refused("cannot-store", &error.to_string());
        }
    }

    /// Begins with a link in the field for it.
    pub fn prepare(&mut self, target: &str) {
        self.model.screen = Screen::Phone;
        self.model.wish(Wish::Prepare(target.to_owned()));
    }
}

/// How often levels are looked at; a call's time is shown in seconds.
const METERED: Duration = Duration::from_millis(100);

impl<L: Line> eframe::App for App<L> {
    fn logic(&mut self, ctx: &egui::Context, _frame: &mut eframe::Frame) {
        self.turn(ctx);
    }

    fn ui(&mut self, ui: &mut egui::Ui, _frame: &mut eframe::Frame) {
        self.draw(ui);
    }

    fn clear_color(&self, visuals: &egui::Visuals) -> [f32; 4] {
        visuals.panel_fill.to_normalized_gamma_f32()
    }
}
