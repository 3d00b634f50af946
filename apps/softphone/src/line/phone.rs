//! A phone on real sockets, and the thread that listens to it.

use core::time::Duration;
use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    thread::JoinHandle,
};

use rove_phone::{
    AccountId, AccountNews, Audio, CallId, Phone, PhoneConfig, PhoneEvent, SipAccount, SoundLevels,
    StartError, Tolerance,
};

use super::{Answer, Device, Line, cannot_dial};
use crate::model::{Ask, Settings};

/// Wakes the window: something has come.
pub type Wake = Arc<dyn Fn() + Send + Sync>;

/// A phone on real sockets.
pub struct PhoneLine {
    /// What the command line says, over which settings are laid.
    base: PhoneConfig,
    wake: Wake,
    running: Option<Listening>,
}

/// A phone and who listens to it.
struct Listening {
    phone: Arc<Phone>,
    events: mpsc::Receiver<PhoneEvent>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl PhoneLine {
    /// Starts a phone by `base` and `settings`; `wake` is called from another thread whenever it has told something.
    ///
    /// # Errors
    ///
    /// [`StartError`] names what cannot be used.
    pub fn start(base: PhoneConfig, settings: &Settings, wake: Wake) -> Result<Self, StartError> {
        let running = Some(Listening::start(config(&base, settings), settings, Arc::clone(&wake))?);
        Ok(Self { base, wake, running })
    }

    fn restart(&mut self, settings: &Settings) -> Answer {
        // First the old one leaves, so that its ports are free.
        self.running = None;
        match Listening::start(config(&self.base, settings), settings, Arc::clone(&self.wake)) {
            Ok(running) => {
                self.running = Some(running);
                Answer::Asked
            }
            Err(error) => Answer::Refused("cannot-start".into(), error.to_string()),
        }
    }
}

impl Line for PhoneLine {
    fn carry(&mut self, ask: &Ask, settings: &Settings) -> Answer {
        match ask {
            Ask::Restart => return self.restart(settings),
            Ask::LookForDevices => return Answer::Devices(devices()),
            _ => {}
        }
        let Some(Listening { phone, .. }) = &self.running else {
            return Answer::Refused("cannot-dial-stopped".into(), String::new());
        };
        match ask {
            Ask::Dial(target) => return dialled(phone.dial(target), target),
            Ask::Transfer(call, target) => {
                if let Err(error) = phone.transfer(*call, target) {
                    return Answer::Refused(cannot_dial(&error).into(), target.clone());
                }
            }
            Ask::Tolerate => phone.tolerate(tolerance(&self.base, settings)),
            Ask::Answer(call) => phone.answer(*call),
            Ask::Decline(call) => phone.decline(*call),
            Ask::HangUp(call) => phone.hang_up(*call),
            Ask::Mute(call, muted) => phone.mute_self(*call, *muted),
            Ask::Hold(call) => phone.hold(*call),
            Ask::Resume(call) => phone.resume(*call),
            Ask::Press(call, key) => phone.press(*call, *key, KEY),
            Ask::TransferTo(call, other) => phone.transfer_to(*call, *other),
            Ask::Confer(calls) => phone.confer(calls),
            Ask::Write(call, text) => phone.write(*call, text),
            _ => {}
        }
        Answer::Asked
    }

    fn next_event(&mut self) -> Option<PhoneEvent> {
        self.running.as_ref()?.events.try_recv().ok()
    }

    fn levels(&mut self, call: CallId) -> Option<SoundLevels> {
        self.running.as_ref()?.phone.levels(call)
    }

    fn addresses(&self) -> Vec<SocketAddr> {
        self.running.as_ref().map_or_else(Vec::new, |running| running.phone.sip_addresses().to_vec())
    }
}

fn dialled(outcome: Result<CallId, rove_phone::DialError>, target: &str) -> Answer {
    match outcome {
        Ok(call) => Answer::Begun(call),
        Err(error) => Answer::Refused(cannot_dial(&error).into(), target.to_owned()),
    }
}

impl Listening {
    fn start(config: PhoneConfig, settings: &Settings, wake: Wake) -> Result<Self, StartError> {
        let phone = Arc::new(Phone::start(config)?);
        let (sender, events) = mpsc::channel();
        if let Some(account) = &settings.account {
            let mut known = SipAccount::new(account.address.clone());
            let password = account.password.clone();
            known.password = (!password.is_empty()).then(|| password.into());
            // What cannot be understood of it is told as of any account that does not come to stand.
            if let Err(error) = phone.sign_in(known) {
                let news = AccountNews::Failed { why: error.to_string(), retry_in: None };
                let _ = sender.send(PhoneEvent::Account { account: AccountId(0), news });
            }
        }
        let stop = Arc::new(AtomicBool::new(false));
        let (heard, stopped) = (Arc::clone(&phone), Arc::clone(&stop));
        let thread = std::thread::Builder::new()
            .name("rove-window".into())
            .spawn(move || listen(&heard, &stopped, &sender, &wake))
            .map_err(StartError::Thread)?;
        Ok(Self { phone, events, stop, thread: Some(thread) })
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        self.phone.close();
        self.stop.store(true, Ordering::Release);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Carries events over until the phone has left or nobody wants them.
fn listen(phone: &Phone, stop: &AtomicBool, sender: &mpsc::Sender<PhoneEvent>, wake: &Wake) {
    while !stop.load(Ordering::Acquire) && !phone.has_stopped() {
        if let Some(event) = phone.next_event(GLANCE) {
            if sender.send(event).is_err() {
                return;
            }
            wake();
        }
    }
}

/// The phone that command line and settings describe together; the command line goes first.
fn config(base: &PhoneConfig, settings: &Settings) -> PhoneConfig {
    let usual = PhoneConfig::default();
    let mut config = base.clone();
    if config.identity == usual.identity {
        let own = settings.account.as_ref().map(|account| account.address.clone());
        config.identity = own.or_else(|| settings.identity.clone()).unwrap_or(usual.identity);
    }
    if config.dns_servers.is_empty() {
        config.dns_servers.clone_from(&settings.dns_servers);
    }
    if let Audio::SoundCard { input, output } = &mut config.audio {
        *input = input.take().or_else(|| settings.audio.input.clone());
        *output = output.take().or_else(|| settings.audio.output.clone());
    }
    config.tolerance = tolerance(base, settings);
    config
}

/// What is put up with; the command line goes first.
fn tolerance(base: &PhoneConfig, settings: &Settings) -> Tolerance {
    Tolerance { mos: base.tolerance.mos.or(settings.min_mos), ..base.tolerance }
}

/// The sound devices of this machine; none where the sound card is not built in.
fn devices() -> Vec<Device> {
    let lines = rove_phone::sound_devices().unwrap_or_default();
    lines.iter().filter_map(|line| device(line)).collect()
}

/// Reads one line of [`rove_phone::sound_devices`].
fn device(line: &str) -> Option<Device> {
    let (name, roles) = line.strip_prefix("sound ")?.trim_start().rsplit_once(": ")?;
    let (input, output) = (roles.contains("input"), roles.contains("output"));
    (input || output).then(|| Device { name: name.to_owned(), input, output })
}

/// How long an event is waited for before it is looked whether to stop.
const GLANCE: Duration = Duration::from_millis(50);
/// How long a key is pressed.
const KEY: Duration = Duration::from_millis(120);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sound_device_is_read_from_its_line() {
        let read = |line| device(line).map(|device| (device.name, device.input, device.output));
        assert_eq!(read("sound   pulse: input (default) output"), Some(("pulse".into(), true, true)));
        assert_eq!(read("sound   USB: mic: input"), Some(("USB: mic".into(), true, false)));
        assert_eq!(read("sound cards are not built in: build with --features sound-card"), None);
    }

    #[test]
    fn the_command_line_goes_before_settings_and_an_account_before_a_name() {
        let settings: Settings = toml::from_str(
            "identity = 'bob.example'\nmin_mos = 4.0\ndns_servers = ['192.0.2.1:53']\n\
             [account]\naddress = 'bob@b.example'\n",
        )
        .unwrap();
        let config = config(&PhoneConfig::default(), &settings);
        assert_eq!(config.identity, "bob@b.example");
        assert_eq!((config.tolerance.mos, config.dns_servers.len()), (Some(4.0), 1));
        let base = PhoneConfig { identity: "al.example".into(), ..PhoneConfig::default() };
        assert_eq!(super::config(&base, &settings).identity, "al.example");
    }
}
