//! Questions to another program of this machine, each on a connection of its own to its socket: as Kea wants it.

use std::path::PathBuf;

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::UnixStream,
    sync::mpsc::{Receiver, Sender, channel},
    time::{Duration, timeout},
};

/// The way to that program. One question is under way at a time.
#[derive(Debug)]
pub(crate) struct Outside {
    path: PathBuf,
    answers: Receiver<Option<Vec<u8>>>,
    told: Sender<Option<Vec<u8>>>,
}

impl Outside {
    pub(crate) fn at(path: PathBuf) -> Self {
        let (told, answers) = channel(1);
        Self { path, answers, told }
    }

    /// Asks. Must be called on the runtime.
    pub(super) fn ask(&self, question: String) {
        let (path, told) = (self.path.clone(), self.told.clone());
        tokio::spawn(async move {
            let answer = timeout(PATIENCE, ask(path, question)).await;
            let _ = told.send(answer.ok().and_then(Result::ok)).await;
        });
    }

    /// What the program said last; `None` when it could not be reached. Waits for ever without one. May be dropped and
    /// asked again.
    pub(super) async fn answer(outside: &mut Option<Self>) -> Option<Vec<u8>> {
        match outside {
            Some(outside) => match outside.answers.recv().await {
                Some(answer) => answer,
                None => std::future::pending().await,
            },
            None => std::future::pending().await,
        }
    }
}

async fn ask(path: PathBuf, question: String) -> std::io::Result<Vec<u8>> {
    let mut stream = UnixStream::connect(path).await?;
    stream.write_all(question.as_bytes()).await?;
    let mut answer = Vec::new();
    stream.take(LONGEST_ANSWER).read_to_end(&mut answer).await?;
    Ok(answer)
}

/// From the connection to the end of the answer.
const PATIENCE: Duration = Duration::from_secs(5);
/// Bytes.
const LONGEST_ANSWER: u64 = 1 << 20;
