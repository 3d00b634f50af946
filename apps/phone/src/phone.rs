//! The handle a program holds.

use core::time::Duration;
use std::{
    io,
    net::{IpAddr, SocketAddr},
    sync::{Mutex, PoisonError, mpsc},
    thread::JoinHandle,
};

use rove_base::Transport;
use rove_dns::{lookup::LookupId, tsig::TsigKey};
use rove_driver::TlsError;
use rove_io::net::{BindError, BindFailure};
use rove_session::{AccountId, CallId, Refused, Target, TargetError};
use rove_sip::{message::StatusCode, transport::LocalAddress};
use tokio::sync::mpsc::UnboundedSender;

use crate::{
    Loses, PhoneConfig, PhoneEvent, SipAccount,
    driver::{self, Command},
};

/// A phone on real sockets. Any thread may call any method; none of them waits for the network.
///
/// Dropping it hangs up all calls, withdraws its name and waits until that is done, at most a few seconds.
pub struct Phone {
    commands: UnboundedSender<Command>,
    events: Mutex<mpsc::Receiver<PhoneEvent>>,
    sip: Vec<SocketAddr>,
    sip_streams: Vec<LocalAddress>,
    transport: Option<Transport>,
    control: Option<JoinHandle<()>>,
}

/// What is to be published in the DNS, and how.
#[derive(Clone)]
pub struct DnsRegistration {
    /// The host name of this phone.
    pub name: String,
    /// The server that takes updates for the name's zone.
    pub server: SocketAddr,
    /// What updates are signed with (RFC 8945).
    pub key: TsigKey,
    /// The addresses to publish; empty for the one that leads to `server`.
    pub addresses: Vec<IpAddr>,
    /// The port that SIP listens on; `None` for this phone's own.
    pub port: Option<u16>,
    /// How long others may remember them.
    pub ttl: Duration,
}

impl Phone {
    /// Opens the phone's sockets and starts its threads.
    ///
    /// # Errors
    ///
    /// [`StartError`] names the address, file or setting that cannot be used.
    pub fn start(config: PhoneConfig) -> Result<Self, StartError> {
        let (sender, events) = mpsc::channel();
        let (commands, inbox) = tokio::sync::mpsc::unbounded_channel();
        let transport = config.transport;
        let control = driver::Control::open(config, sender)?;
        let (sip, sip_streams) = (control.sip_addresses(), control.sip_streams());
        let thread = std::thread::Builder::new()
            .name("rove-control".into())
            .spawn(move || driver::run(control, inbox))
            .map_err(StartError::Thread)?;
        Ok(Self { commands, events: Mutex::new(events), sip, sip_streams, transport, control: Some(thread) })
    }

    /// The addresses its SIP listens on; the IP address may be the unspecified one.
    #[must_use]
    pub fn sip_addresses(&self) -> &[SocketAddr] {
        &self.sip
    }

    /// The addresses it listens on for streams; the IP address may be the unspecified one.
    #[must_use]
    pub fn sip_streams(&self) -> &[LocalAddress] {
        &self.sip_streams
    }

    /// Calls a host name, IP address, `user@host`, `sip:` or `sips:` URI, with the account whose domain is the target's, else
    /// with the first.
    ///
    /// # Errors
    ///
    /// [`DialError`] when the target cannot be dialled, or the phone has stopped.
    pub fn dial(&self, target: &str) -> Result<CallId, DialError> {
        let target = Target::parse(target)?.or_over(self.transport);
        self.ask(|reply| Command::Dial { target, account: None, reply })
    }

    /// The same with a certain account.
    ///
    /// # Errors
    ///
    /// As [`Phone::dial`].
    pub fn dial_with(&self, target: &str, account: AccountId) -> Result<CallId, DialError> {
        let target = Target::parse(target)?.or_over(self.transport);
        self.ask(|reply| Command::Dial { target, account: Some(account), reply })
    }

    /// Looks a target up without calling it; [`PhoneEvent::LookedUp`] answers.
    ///
    /// # Errors
    ///
    /// As [`Phone::dial`].
    pub fn look_up(&self, target: &str) -> Result<LookupId, DialError> {
        let target = Target::parse(target)?.or_over(self.transport);
        self.ask(|reply| Command::LookUp { target, reply })
    }

    /// Looks for the names of an address; [`PhoneEvent::LookedUp`] answers, with a candidate for each name.
    ///
    /// # Errors
    ///
    /// As [`Phone::dial`].
    pub fn look_up_names(&self, address: IpAddr) -> Result<LookupId, DialError> {
        self.ask(|reply| Command::LookUpNames { address, reply })
    }

    /// Picks up an incoming call.
    pub fn answer(&self, call: CallId) {
        self.tell(Command::Answer { call });
    }

    /// Refuses an incoming call as declined.
    pub fn decline(&self, call: CallId) {
        self.tell(Command::Decline { call, status: StatusCode::DECLINE });
    }

    /// Refuses an incoming call as busy.
    pub fn refuse_busy(&self, call: CallId) {
        self.tell(Command::Decline { call, status: StatusCode::BUSY_HERE });
    }

    /// Sends the caller of an incoming call to `target` instead, which ends the call here.
    ///
    /// # Errors
    ///
    /// [`DialError`] when the target cannot be dialled.
    pub fn forward(&self, call: CallId, target: &str) -> Result<(), DialError> {
        let to = Target::parse(target)?;
        self.tell(Command::Forward { call, to });
        Ok(())
    }

    /// Tells the other side that a key was pressed (RFC 4733): `0` to `9`, `*`, `#`, `A` to `D`, for 40 ms at least and about
    /// a second at most. Keys queue up; where none were agreed they are passed over.
    pub fn press(&self, call: CallId, key: char, duration: Duration) {
        self.tell(Command::Press { call, key, duration });
    }

    /// The same by SIP (RFC 6086), for who does not understand RFC 4733.
    pub fn send_dtmf(&self, call: CallId, key: char, duration: Duration) {
        self.tell(Command::Info { call, key, duration });
    }

    /// Holds a call: the other side hears nothing of us, and we nothing of it. [`Progress::Held`](crate::Progress::Held)
    /// or [`Progress::Unchanged`](crate::Progress::Unchanged) follows.
    pub fn hold(&self, call: CallId) {
        self.tell(Command::Hold { call });
    }

    /// Goes on with a call that we hold. [`Progress::Resumed`](crate::Progress::Resumed) or
    /// [`Progress::Unchanged`](crate::Progress::Unchanged) follows.
    pub fn resume(&self, call: CallId) {
        self.tell(Command::Resume { call });
    }

    /// Hands the other side of `call` over to `target`, which it then calls. The call with us ends when somebody answers
    /// there; [`Progress::TransferFailed`](crate::Progress::TransferFailed) says that nobody does.
    ///
    /// # Errors
    ///
    /// [`DialError`] when the target cannot be dialled.
    pub fn transfer(&self, call: CallId, target: &str) -> Result<(), DialError> {
        let to = Target::parse(target)?;
        self.tell(Command::Transfer { call, to });
        Ok(())
    }

    /// Connects the other sides of two calls with each other, which ends both for us.
    /// [`Progress::TransferFailed`](crate::Progress::TransferFailed) says that it did not take place.
    pub fn transfer_to(&self, call: CallId, other: CallId) {
        self.tell(Command::Join { call, other });
    }

    /// Makes one conversation of these calls, eight at most or as many as [`Audio::Room`](crate::Audio) has seats, which this
    /// phone mixes: each hears all others. Held calls go on;
    /// calls that were in it and are not named stand alone again. [`PhoneEvent::Conference`] tells who is in it, also when
    /// somebody leaves; nothing follows when one of the calls does not stand.
    pub fn confer(&self, calls: &[CallId]) {
        self.tell(Command::Confer { calls: calls.to_vec() });
    }

    /// Whether nobody hears the other side of a call, this phone's device and recording included.
    pub fn mute(&self, call: CallId, muted: bool) {
        self.tell(Command::Mute { call, muted });
    }

    /// What was refused because somebody wanted too much; `None` when the phone has stopped.
    pub fn refused(&self) -> Option<Refused> {
        self.ask(|reply| Command::Refused { reply }).ok()
    }

    /// What comes by a flow for which `loses` says so is lost, as if the network had lost it; `None` ends that. For
    /// demonstrations and tests: it is asked for each datagram on the media thread, and must neither block nor allocate.
    pub fn lose(&self, loses: Option<Loses>) {
        self.tell(Command::Lose(loses));
    }

    /// This host has moved to another network: the calls that stand go on from its new address.
    pub fn moved(&self) {
        self.tell(Command::Moved);
    }

    /// Ports are opened anew for the media of a call, by way of whoever lends addresses now as well
    /// ([`Phone::borrow_from`]), and the other side is asked to send there; where ways are checked, they are anew (RFC 8445 §9).
    /// [`Progress::Moved`](crate::Progress::Moved) follows, or [`Progress::Unchanged`](crate::Progress::Unchanged).
    pub fn relocate(&self, call: CallId) {
        self.tell(Command::Relocate { call });
    }

    /// This host is reached at `ip` from now on, where it listens on all addresses of that family: the calls that stand go
    /// on from there, and later ones begin there.
    pub fn moved_to(&self, ip: IpAddr) {
        self.tell(Command::MovedTo(ip));
    }

    /// Ends a call, whatever state it is in. [`PhoneEvent::Ended`] follows.
    pub fn hang_up(&self, call: CallId) {
        self.tell(Command::HangUp { call });
    }

    /// Takes up an account at a SIP server, and keeps it registered. [`PhoneEvent::Account`] tells what becomes of it.
    ///
    /// # Errors
    ///
    /// [`DialError`] when its address or its server cannot be understood, or the phone has stopped.
    pub fn sign_in(&self, account: SipAccount) -> Result<AccountId, DialError> {
        let account = Box::new(account.understood()?);
        self.ask(|reply| Command::SignIn { account, reply })
    }

    /// Gives an account up. Where it is registered, [`AccountNews::Unregistered`](crate::AccountNews) follows. Leaving
    /// does so for all.
    pub fn sign_out(&self, account: AccountId) {
        self.tell(Command::SignOut { account });
    }

    /// Publishes this phone's address under a name. [`PhoneEvent::Registered`] or
    /// [`PhoneEvent::RegistrationFailed`] follows. Leaving withdraws it.
    pub fn register(&self, registration: DnsRegistration) {
        self.tell(Command::Register(Box::new(registration)));
    }

    /// Withdraws what [`Phone::register`] published. [`PhoneEvent::Unregistered`] or
    /// [`PhoneEvent::RegistrationFailed`] follows.
    pub fn unregister(&self) {
        self.tell(Command::Unregister);
    }

    /// The next event; waits for it at most `patience`. `None`: none came in time, or the phone has stopped.
    pub fn next_event(&self, patience: Duration) -> Option<PhoneEvent> {
        self.events.lock().unwrap_or_else(PoisonError::into_inner).recv_timeout(patience).ok()
    }

    /// Whether it has left, after [`Phone::close`] or by trouble with its threads: no event comes any more but those that wait.
    #[must_use]
    pub fn has_stopped(&self) -> bool {
        self.control.as_ref().is_none_or(JoinHandle::is_finished)
    }

    pub(crate) const fn transport(&self) -> Option<Transport> {
        self.transport
    }

    pub(crate) fn tell(&self, command: Command) {
        // Fails only when the control thread is gone; the owner learns it from the events that stay away.
        let _ = self.commands.send(command);
    }

    pub(crate) fn ask<T>(
        &self,
        command: impl FnOnce(mpsc::SyncSender<T>) -> Command,
    ) -> Result<T, DialError> {
        let (reply, answer) = mpsc::sync_channel(1);
        self.commands.send(command(reply)).map_err(|_| DialError::Stopped)?;
        answer.recv().map_err(|_| DialError::Stopped)
    }
}

impl Drop for Phone {
    fn drop(&mut self) {
        self.tell(Command::Close);
        if let Some(control) = self.control.take() {
            let _ = control.join();
        }
    }
}

/// Why a phone could not be started. `Display` says what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// An address cannot be listened on.
    #[error("{0}; choose another one with --listen")]
    Bind(#[from] BindError),
    /// An address cannot be listened on for SIP.
    #[error("cannot use {address} ({over}): {what}; choose another one with --listen")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// UDP or TCP.
        over: &'static str,
        /// What stands against it.
        what: BindFailure,
    },
    /// Secure streams were to be listened for, and there is nothing to show to whoever opens one.
    #[error("TLS needs a certificate and its key: give --tls-cert and --tls-key")]
    NoCertificate,
    /// A certificate, key or list of authorities cannot be used.
    #[error("{0}")]
    Tls(#[from] TlsError),
    /// The identity is not a name, address or URI.
    #[error("the identity cannot be used: {0}")]
    Identity(TargetError),
    /// What is to be played or recorded with cannot be used.
    #[error("{0}")]
    Audio(String),
    /// A thread could not be started.
    #[error("a thread could not be started: {0}")]
    Thread(io::Error),
    /// The system refused something else.
    #[error("{what}: {error}")]
    System {
        /// What was tried.
        what: &'static str,
        /// What the system said.
        error: io::Error,
    },
}

/// Why a call or look-up could not begin.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum DialError {
    /// The target cannot be dialled.
    #[error(transparent)]
    Target(#[from] TargetError),
    /// The phone has stopped.
    #[error("the phone has stopped")]
    Stopped,
}
