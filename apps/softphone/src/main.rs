//! The `rove-softphone` program: one window for each user, and orders to it.

mod cli;

use std::{
    process::ExitCode,
    sync::{Arc, OnceLock},
};

use clap::Parser as _;
use eframe::egui::{Context, ViewportBuilder};
use rove_softphone::{
    app::App,
    line::PhoneLine,
    notify::Notifier,
    single::{Order, Place, Taken},
    store::{Folders, Store},
};

use crate::cli::{Cli, Command, Ctl};

fn main() -> ExitCode {
    match run(&Cli::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("rove-softphone: {}", failure.text);
            ExitCode::from(failure.code)
        }
    }
}

/// A sentence that says what to do, and the exit code of its class.
struct Failure {
    code: u8,
    text: String,
}

impl Failure {
    /// An order was not carried out.
    fn order(text: impl Into<String>) -> Self {
        Self { code: 1, text: text.into() }
    }

    /// The machine lacks something.
    fn environment(text: impl Into<String>) -> Self {
        Self { code: 3, text: text.into() }
    }
}

fn run(cli: &Cli) -> Result<(), Failure> {
    let variable = |name: &str| std::env::var(name).ok();
    let folders = Folders::of_the_desktop(variable)
        .ok_or_else(|| Failure::environment("there is no folder to keep settings in: set HOME"))?;
    let place = Place::of_the_desktop(variable, &folders.data);
    if let Some(Command::Ctl { order }) = &cli.command {
        return tell(&place, &order.order());
    }
    let taken =
        place.take().map_err(|error| Failure::environment(format!("no place for the window: {error}")))?;
    let Some(taken) = taken else {
        let order = cli.target.clone().map_or(Order::Show, Order::Link);
        return tell(&place, &order);
    };
    open(cli, folders, taken)
}

/// Has the window that is open do something, and prints what it answers beyond `ok`.
fn tell(place: &Place, order: &Order) -> Result<(), Failure> {
    let answer = place.order(order).map_err(|error| {
        Failure::environment(format!("no window answers ({error}); start rove-softphone"))
    })?;
    match answer.strip_prefix("no: ") {
        Some(why) => Err(Failure::order(why)),
        None if answer.is_empty() => Err(Failure::environment("the window has gone")),
        None => {
            if answer != "ok" {
                println!("{answer}");
            }
            Ok(())
        }
    }
}

/// Opens the window and stays until it is closed.
fn open(cli: &Cli, folders: Folders, taken: Taken) -> Result<(), Failure> {
    let (store, stored) = Store::open(folders);
    let drawn: Arc<OnceLock<Context>> = Arc::default();
    let wake = {
        let drawn = Arc::clone(&drawn);
        move || {
            if let Some(ctx) = drawn.get() {
                ctx.request_repaint();
            }
        }
    };
    let line = PhoneLine::start(cli.config(), &stored.settings, Arc::new(wake.clone()))
        .map_err(|error| Failure::environment(error.to_string()))?;
    let orders = taken
        .listen(wake)
        .map_err(|error| Failure::environment(format!("orders cannot be taken: {error}")))?;
    let mut app = App::new(line, stored, Some(store)).with_orders(orders);
    if let Ok(notifier) = Notifier::start() {
        app = app.with_notifier(notifier);
    }
    if let Some(target) = &cli.target {
        app.prepare(target);
    }
    if cli.sound.is_silent_by_build() {
        app.model.refused("notice-no-sound-card", "");
    }
    let viewport = ViewportBuilder::default()
        .with_title("rove")
        .with_app_id("rove-softphone")
        .with_inner_size([440.0, 720.0])
        .with_min_inner_size([360.0, 420.0]);
    let options = eframe::NativeOptions { viewport, ..eframe::NativeOptions::default() };
    eframe::run_native(
        "rove-softphone",
        options,
        Box::new(move |creation| {
            let _ = drawn.set(creation.egui_ctx.clone());
            app.dress(&creation.egui_ctx);
            Ok(Box::new(app))
        }),
    )
    .map_err(|error| Failure::environment(format!("no window can be opened here: {error}")))
}

impl Ctl {
    fn order(&self) -> Order {
        match self {
            Self::Show => Order::Show,
            Self::Call { target } => Order::Call(target.clone()),
            Self::Mute => Order::Mute,
            Self::Unmute => Order::Unmute,
            Self::ToggleMute => Order::ToggleMute,
            Self::Answer => Order::Answer,
            Self::Decline => Order::Decline,
            Self::HangUp => Order::HangUp,
            Self::Status => Order::Status,
            Self::Quit => Order::Quit,
        }
    }
}
