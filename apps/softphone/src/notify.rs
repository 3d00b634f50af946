//! Tells the desktop that somebody calls (Desktop Notifications Specification 1.2), in a thread of its own: no desktop makes the
//! window wait.

use std::{
    collections::{BTreeMap, HashMap},
    sync::mpsc,
};

use rove_phone::CallId;
use zbus::{blocking::Connection, zvariant::Value};

/// What the desktop is to show.
enum Note {
    Show { call: CallId, text: String },
    Close(CallId),
}

/// The desktop's notifications; without a session bus nothing is shown.
#[derive(Debug)]
pub struct Notifier(mpsc::Sender<Note>);

impl Notifier {
    /// Starts the thread; the bus is looked for when there is something to tell.
    ///
    /// # Errors
    ///
    /// There is no further thread.
    pub fn start() -> std::io::Result<Self> {
        let (sender, notes) = mpsc::channel();
        std::thread::Builder::new().name("rove-notify".into()).spawn(move || {
            if let Err(error) = tell(&notes) {
                eprintln!("rove-softphone: the desktop shows no notifications: {error}");
            }
        })?;
        Ok(Self(sender))
    }

    /// Shows that somebody calls.
    pub fn show(&self, call: CallId, text: String) {
        let _ = self.0.send(Note::Show { call, text });
    }

    /// Takes that away again.
    pub fn close(&self, call: CallId) {
        let _ = self.0.send(Note::Close(call));
    }
}

fn tell(notes: &mpsc::Receiver<Note>) -> zbus::Result<()> {
    let mut bus = None;
    let mut shown: BTreeMap<CallId, u32> = BTreeMap::new();
    for note in notes {
        let bus = match &mut bus {
            Some(bus) => bus,
            none => none.insert(Connection::session()?),
        };
        let ask = |method: &str| (Some(NAME), PATH, Some(NAME), method.to_owned());
        match note {
            Note::Show { call, text } => {
                let (to, path, interface, method) = ask("Notify");
                let hints: HashMap<&str, Value<'_>> = HashMap::from([
                    ("urgency", Value::U8(CRITICAL)),
                    ("category", Value::from("call.incoming")),
                ]);
                let actions: [&str; 0] = [];
                let body = ("rove", 0_u32, "call-start", text, "", &actions[..], hints, 0_i32);
                let answer = bus.call_method(to, path, interface, method.as_str(), &body)?;
                shown.insert(call, answer.body().deserialize()?);
            }
            Note::Close(call) => {
                if let Some(id) = shown.remove(&call) {
                    let (to, path, interface, method) = ask("CloseNotification");
                    // The person may have closed it already.
                    let _ = bus.call_method(to, path, interface, method.as_str(), &id);
                }
            }
        }
    }
    Ok(())
}

const NAME: &str = "org.freedesktop.Notifications";
const PATH: &str = "/org/freedesktop/Notifications";
/// The urgency of what waits for an answer.
const CRITICAL: u8 = 2;
