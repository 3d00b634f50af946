//! The socket at which a node's operator asks: a file that its owner alone may use.

use std::{
    io,
    os::unix::{
        fs::{FileTypeExt as _, PermissionsExt as _},
        net::UnixListener as StdListener,
    },
    path::{Path, PathBuf},
};

use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    net::{UnixListener, UnixStream},
    sync::{mpsc, oneshot},
    time::{Duration, timeout},
};

/// A socket for orders. The file goes with it.
pub(crate) struct Control {
    /// `None` where only this program asks.
    path: Option<PathBuf>,
    listener: Option<StdListener>,
    told: mpsc::Sender<(String, Reply)>,
    inbox: mpsc::Receiver<(String, Reply)>,
}

/// Where an answer goes. Whoever asked and is not answered hears that nothing came of it.
#[derive(Debug)]
pub(crate) struct Reply(oneshot::Sender<String>);

/// Asks whoever takes the orders of a [`Control`].
#[derive(Clone, Debug)]
pub(crate) struct Asker(mpsc::Sender<(String, Reply)>);

impl Asker {
    /// What is answered to a line; nothing when nobody does in time.
    pub(crate) async fn ask(self, line: String) -> Option<serde_json::Value> {
        let (reply, answer) = Reply::pair();
        self.0.send((line, reply)).await.ok()?;
        serde_json::from_str(&timeout(PATIENCE, answer).await.ok()?.ok()?).ok()
    }

    /// Says something whose answer nobody waits for; lost where too much waits.
    pub(crate) fn tell(&self, line: String) {
        let _ = self.0.try_send((line, Reply::pair().0));
    }
}

impl Reply {
    /// One, and where its answer comes.
    pub(crate) fn pair() -> (Self, oneshot::Receiver<String>) {
        let (reply, answer) = oneshot::channel();
        (Self(reply), answer)
    }

    /// Answers.
    pub(crate) fn send(self, answer: &serde_json::Value) {
        // Who has gone does not wait for it.
        let _ = self.0.send(answer.to_string());
    }
}

impl Control {
    /// Listens at `path`, where a socket that nobody listens at any more is removed.
    pub(crate) fn bind(path: &Path) -> io::Result<Self> {
        let left_over = std::fs::symlink_metadata(path).is_ok_and(|file| file.file_type().is_socket());
        if left_over && std::os::unix::net::UnixStream::connect(path).is_err() {
            std::fs::remove_file(path)?;
        }
        // Made beside its place and moved there once nobody else may use it.
        let draft = path.with_extension(format!("{}.new", std::process::id()));
        let _ = std::fs::remove_file(&draft);
        if std::fs::symlink_metadata(path).is_ok() {
            return Err(io::ErrorKind::AddrInUse.into());
        }
        let listener = StdListener::bind(&draft)?;
        std::fs::set_permissions(&draft, std::fs::Permissions::from_mode(0o600))?;
        std::fs::rename(&draft, path)?;
        listener.set_nonblocking(true)?;
        let mut control = Self::inside();
        (control.path, control.listener) = (Some(path.to_owned()), Some(listener));
        Ok(control)
    }

    /// One that only this program asks at.
    pub(crate) fn inside() -> Self {
        let (told, inbox) = mpsc::channel(WAITING);
        Self { path: None, listener: None, told, inbox }
    }

    /// Something to ask it with.
    pub(crate) fn asker(&self) -> Asker {
        Asker(self.told.clone())
    }

    /// Must be called on the runtime.
    pub(crate) fn watch(&mut self) -> io::Result<()> {
        if let Some(listener) = self.listener.take() {
            let listener = UnixListener::from_std(listener)?;
            let told = self.told.clone();
            tokio::spawn(accept(listener, told));
        }
        Ok(())
    }

    /// What is asked next. Waits for ever without a socket. May be dropped and asked again.
    pub(crate) async fn next(control: &mut Option<Self>) -> (String, Reply) {
        match control {
            Some(control) => match control.inbox.recv().await {
                Some(order) => order,
                None => std::future::pending().await,
            },
            None => std::future::pending().await,
        }
    }
}

impl Drop for Control {
    fn drop(&mut self) {
        if let Some(path) = &self.path {
            let _ = std::fs::remove_file(path);
        }
    }
}

async fn accept(listener: UnixListener, told: mpsc::Sender<(String, Reply)>) {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => drop(tokio::spawn(serve(stream, told.clone()))),
            Err(error) => {
                tracing::warn!(target: "rove::node", %error, "an order was not accepted");
                tokio::time::sleep(BREATHER).await;
            }
        }
    }
}

/// One line, one answer, as often as there are lines.
async fn serve(stream: UnixStream, told: mpsc::Sender<(String, Reply)>) {
    let (reader, mut writer) = stream.into_split();
    let mut reader = BufReader::new(reader);
    loop {
        let mut line = String::new();
        let read = timeout(PATIENCE, (&mut reader).take(LONGEST_LINE).read_line(&mut line)).await;
        if !matches!(read, Ok(Ok(1..))) {
            return;
        }
        let (reply, answer) = Reply::pair();
        if told.send((line, reply)).await.is_err() {
            return;
        }
        let answer = timeout(PATIENCE, answer).await;
        let nothing = || r#"{"error":"nothing came of it"}"#.to_owned();
        let mut answer = answer.ok().and_then(Result::ok).unwrap_or_else(nothing);
        answer.push('\n');
        if !matches!(timeout(PATIENCE, writer.write_all(answer.as_bytes())).await, Ok(Ok(()))) {
            return;
        }
    }
}

/// Orders that wait for the role.
const WAITING: usize = 16;
/// Bytes of one order.
const LONGEST_LINE: u64 = 64 * 1_024;
/// For a line, for its answer, and for the answer to be read.
const PATIENCE: Duration = Duration::from_secs(30);
/// Pause after a failure to accept.
const BREATHER: Duration = Duration::from_millis(100);
