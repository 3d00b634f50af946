//! The control thread: one loop that owns the switchboard and carries its steps to sockets, timers and media.

mod control;
mod listening;
mod media;

use core::time::Duration;
use std::{
    net::{IpAddr, SocketAddr},
    sync::{Arc, mpsc},
};

use rove_dns::lookup::LookupId;
use rove_driver::Alarm;
use rove_session::{Account, AccountId, CallId, Errand, ErrandId, Refused, RelayStep, Target};
use rove_sip::message::StatusCode;
use tokio::sync::{Notify, mpsc::UnboundedReceiver};

pub(crate) use control::Control;

use crate::{Loses, SoundLevels, Tolerance, TurnServer, phone::DnsRegistration};

/// What the owner of the phone wants.
pub(crate) enum Command {
    Dial {
        target: Target,
        account: Option<AccountId>,
        reply: mpsc::SyncSender<CallId>,
    },
    LookUp {
        target: Target,
        reply: mpsc::SyncSender<LookupId>,
    },
    LookUpNames {
        address: IpAddr,
        reply: mpsc::SyncSender<LookupId>,
    },
    Answer {
        call: CallId,
    },
    Decline {
        call: CallId,
        status: StatusCode,
    },
    HangUp {
        call: CallId,
    },
    Forward {
        call: CallId,
        to: Target,
    },
    Hold {
        call: CallId,
    },
    Resume {
        call: CallId,
    },
    Transfer {
        call: CallId,
        to: Target,
    },
    Join {
        call: CallId,
        other: CallId,
    },
    Info {
        call: CallId,
        key: char,
        duration: Duration,
    },
    Moved,
    Relocate {
        call: CallId,
    },
    Lose(Option<Loses>),
    MovedTo(IpAddr),
    Press {
        call: CallId,
        key: char,
        duration: Duration,
    },
    Register(Box<DnsRegistration>),
    Unregister,
    SignIn {
        account: Box<Account>,
        reply: mpsc::SyncSender<AccountId>,
    },
    SignOut {
        account: AccountId,
    },
    Woken {
        account: AccountId,
    },
    Begin {
        target: Target,
        account: Option<AccountId>,
        errand: Box<Errand>,
        reply: mpsc::SyncSender<ErrandId>,
    },
    End {
        errand: ErrandId,
    },
    Available(bool),
    Borrow(Vec<TurnServer>),
    Confer {
        calls: Vec<CallId>,
    },
    Write {
        call: CallId,
        text: String,
    },
    DialRelayed {
        target: Target,
        toward: SocketAddr,
        reply: mpsc::SyncSender<CallId>,
    },
    RelayedCall {
        from: String,
        toward: SocketAddr,
        offer: Vec<u8>,
        reply: mpsc::SyncSender<CallId>,
    },
    Relayed {
        call: CallId,
        step: RelayStep,
        body: Vec<u8>,
    },
    Mute {
        call: CallId,
        muted: bool,
    },
    MuteSelf {
        call: CallId,
        muted: bool,
    },
    LetSound(bool),
    Levels {
        call: CallId,
        reply: mpsc::SyncSender<Option<SoundLevels>>,
    },
    Tolerate(Tolerance),
    Refused {
        reply: mpsc::SyncSender<Refused>,
    },
    Close,
}

/// Runs a phone until it is closed. The body of the control thread.
pub(crate) fn run(control: Control, commands: UnboundedReceiver<Command>) {
    match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime.block_on(turn(control, commands)),
        Err(error) => tracing::error!(target: "rove::control", %error, "no runtime"),
    }
}

async fn turn(control: Control, mut commands: UnboundedReceiver<Command>) {
    let media_news: Arc<Notify> = control.media_news();
    let mut desk = match control.take_up() {
        Ok(desk) => desk,
        Err(error) => {
            return tracing::error!(target: "rove::control", %error, "the sockets cannot be watched");
        }
    };
    let mut alarm = Alarm::default();
    while let Some(wake) = desk.drain() {
        tokio::select! {
            command = commands.recv() => desk.command(command.unwrap_or(Command::Close)),
            woken = desk.arrival() => desk.receive(woken),
            () = media_news.notified() => {}
            () = alarm.until(wake) => {}
        }
        desk.tick();
    }
    desk.leave().await;
}
