//! One window for each user: whoever is started second hands over what it was started for, and is done.
//!
//! The first holds a lock and listens on a socket of its user's runtime folder. An order is one line, its answer another: `ok`,
//! or `no:` and why, or what was asked for.

use core::time::Duration;
use std::{
    fs::{File, TryLockError},
    io::{BufRead as _, BufReader, Read as _, Write as _},
    os::unix::net::{UnixListener, UnixStream},
    path::{Path, PathBuf},
    sync::mpsc,
};

/// What somebody outside of the window wants.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Order {
    /// Come to the front.
    Show,
    /// Put a link's target into the field for it.
    Link(String),
    /// Call at once.
    Call(String),
    /// Let nobody hear us,
    Mute,
    /// or everybody again,
    Unmute,
    /// or the other of the two.
    ToggleMute,
    /// Answer the call that waits longest.
    Answer,
    /// Decline it.
    Decline,
    /// End all calls.
    HangUp,
    /// Tell, as JSON, which calls there are.
    Status,
    /// End the program.
    Quit,
}

impl Order {
    /// Reads a line.
    ///
    /// # Errors
    ///
    /// Says what it does not understand.
    pub fn read(line: &str) -> Result<Self, String> {
        let line = line.trim();
        let (verb, rest) = line.split_once(' ').map_or((line, ""), |(verb, rest)| (verb, rest.trim()));
        match (verb, rest) {
            ("link", target) if !target.is_empty() => Ok(Self::Link(target.to_owned())),
            ("call", target) if !target.is_empty() => Ok(Self::Call(target.to_owned())),
            ("show", "") => Ok(Self::Show),
            ("mute", "") => Ok(Self::Mute),
            ("unmute", "") => Ok(Self::Unmute),
            ("toggle-mute", "") => Ok(Self::ToggleMute),
            ("answer", "") => Ok(Self::Answer),
            ("decline", "") => Ok(Self::Decline),
            ("hang-up", "") => Ok(Self::HangUp),
            ("status", "") => Ok(Self::Status),
            ("quit", "") => Ok(Self::Quit),
            _ => Err(format!("there is no order `{verb}`")),
        }
    }

    /// The line that says it.
    #[must_use]
    pub fn line(&self) -> String {
        let one_line = |text: &str| text.chars().filter(|char| !char.is_control()).collect::<String>();
        match self {
            Self::Show => "show".into(),
            Self::Link(target) => format!("link {}", one_line(target)),
            Self::Call(target) => format!("call {}", one_line(target)),
            Self::Mute => "mute".into(),
            Self::Unmute => "unmute".into(),
            Self::ToggleMute => "toggle-mute".into(),
            Self::Answer => "answer".into(),
            Self::Decline => "decline".into(),
            Self::HangUp => "hang-up".into(),
            Self::Status => "status".into(),
            Self::Quit => "quit".into(),
        }
    }
}

/// An order, and where its answer goes.
#[derive(Debug)]
pub struct Asked {
    /// What is wanted.
    pub order: Order,
    answer: mpsc::SyncSender<String>,
}

impl Asked {
    /// Says what became of it.
    pub fn answer(&self, text: impl Into<String>) {
        // Whoever asked may be gone.
        let _ = self.answer.try_send(text.into());
    }
}

/// The place where windows of one user meet.
#[derive(Clone, Debug)]
pub struct Place(PathBuf);

impl Place {
    /// In the user's runtime folder, else in `otherwise`.
    #[must_use]
    pub fn of_the_desktop(variable: impl Fn(&str) -> Option<String>, otherwise: &Path) -> Self {
        let runtime = variable("XDG_RUNTIME_DIR").map(PathBuf::from).filter(|path| path.is_absolute());
        Self::within(&runtime.unwrap_or_else(|| otherwise.to_owned()))
    }

    /// In this folder.
    #[must_use]
    pub fn within(folder: &Path) -> Self {
        Self(folder.join("rove-softphone.socket"))
    }

    /// Takes the place; `None` when a window has it.
    ///
    /// # Errors
    ///
    /// What the system says of lock or socket.
    pub fn take(&self) -> std::io::Result<Option<Taken>> {
        if let Some(folder) = self.0.parent() {
            std::fs::create_dir_all(folder)?;
        }
        let lock = File::create(self.0.with_extension("lock"))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Ok(None),
            Err(TryLockError::Error(error)) => return Err(error),
        }
        // Whoever held the lock is gone, and its socket leads nowhere.
        let _ = std::fs::remove_file(&self.0);
        let listener = UnixListener::bind(&self.0)?;
        Ok(Some(Taken { place: self.clone(), listener, lock }))
    }

    /// Has the window that is there do something, and reads what became of it.
    ///
    /// # Errors
    ///
    /// There is no window, or it does not answer in time.
    pub fn order(&self, order: &Order) -> std::io::Result<String> {
        let mut stream = UnixStream::connect(&self.0)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.write_all(format!("{}\n", order.line()).as_bytes())?;
        let mut answer = String::new();
        BufReader::new(stream.take(LONGEST_ANSWER)).read_line(&mut answer)?;
        Ok(answer.trim_end().to_owned())
    }
}

/// The place, taken.
#[derive(Debug)]
pub struct Taken {
    place: Place,
    listener: UnixListener,
    lock: File,
}

impl Taken {
    /// Passes on what comes, in a thread of its own; `wake` is called for each. The place is given back when the program ends.
    ///
    /// # Errors
    ///
    /// There is no further thread.
    pub fn listen(self, wake: impl Fn() + Send + 'static) -> std::io::Result<mpsc::Receiver<Asked>> {
        let (sender, orders) = mpsc::channel();
        std::thread::Builder::new().name("rove-orders".into()).spawn(move || {
            let Self { place, listener, lock } = self;
            for stream in listener.incoming() {
                let Ok(stream) = stream else { continue };
                // Whoever does not speak at once, or does not read, is passed over: others wait.
                if serve(&stream, &sender, &wake).is_err_and(|gone| gone) {
                    break;
                }
            }
            let _ = std::fs::remove_file(&place.0);
            drop(lock);
        })?;
        Ok(orders)
    }
}

/// One order of one visitor. `Err(true)`: the window is gone.
fn serve(mut stream: &UnixStream, sender: &mpsc::Sender<Asked>, wake: &impl Fn()) -> Result<(), bool> {
    let quick = Some(QUICK);
    stream.set_read_timeout(quick).and_then(|()| stream.set_write_timeout(quick)).map_err(|_| false)?;
    let mut line = String::new();
    BufReader::new(stream.take(LONGEST_ORDER)).read_line(&mut line).map_err(|_| false)?;
    let text = match Order::read(&line) {
        Err(why) => format!("no: {why}"),
        Ok(order) => {
            let (answer, answered) = mpsc::sync_channel(1);
            sender.send(Asked { order, answer }).map_err(|_| true)?;
            wake();
            answered.recv_timeout(PATIENCE).unwrap_or_else(|_| "no: the window does not answer".into())
        }
    };
    stream.write_all(format!("{text}\n").as_bytes()).map_err(|_| false)
}

/// How long a window may take to do what is wanted.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long a visitor may take to say it.
const QUICK: Duration = Duration::from_secs(1);
/// Bytes of an order,
const LONGEST_ORDER: u64 = 4_096;
/// and of an answer.
const LONGEST_ANSWER: u64 = 65_536;

#[cfg(test)]
mod tests;
