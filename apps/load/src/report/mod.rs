//! What a run tells: a row per call while it goes on, figures to whoever asks, and a summary at its end.

mod html;
mod progress;
mod prometheus;
mod summary;

use std::{
    fs::File,
    io::{BufWriter, Write as _},
    net::SocketAddr,
    path::{Path, PathBuf},
};

use tokio::net::{TcpListener, TcpStream};

use self::progress::Progress;
pub(crate) use self::summary::Summary;
use crate::{failure::Failure, run::Count, stats::Outcome};

/// Where a run's figures go.
#[derive(Clone, Debug, Default)]
pub(crate) struct Wanted {
    /// A JSON object per call.
    pub(crate) jsonl: Option<PathBuf>,
    /// The summary; `-` for standard output.
    pub(crate) json: Option<PathBuf>,
    /// The page.
    pub(crate) html: Option<PathBuf>,
    /// A file, or an address to ask at.
    pub(crate) prometheus: Option<String>,
    /// Nothing on standard error but what went wrong.
    pub(crate) quiet: bool,
}

/// The same, open.
#[derive(Debug)]
pub(crate) struct Outputs {
    wanted: Wanted,
    jsonl: Option<BufWriter<File>>,
    listener: Option<TcpListener>,
    file: Option<PathBuf>,
    progress: Progress,
}

impl Outputs {
    /// Opens what is written to while the run goes on; must be called on the runtime.
    ///
    /// # Errors
    ///
    /// [`Failure`] with the file or address.
    pub(crate) async fn open(wanted: Wanted) -> Result<Self, Failure> {
        let create =
            |path: &PathBuf| File::create(path).map(BufWriter::new).map_err(|error| cannot(path, &error));
        let jsonl = wanted.jsonl.as_ref().map(create).transpose()?;
        let address = wanted.prometheus.as_ref().and_then(|place| place.parse::<SocketAddr>().ok());
        let listener = match address {
            Some(address) => Some(TcpListener::bind(address).await.map_err(|error| {
                Failure::fatal(format!("--prometheus {address}: {error}; choose another address or a file"))
            })?),
            None => None,
        };
        let file = wanted.prometheus.as_ref().filter(|_| listener.is_none()).map(PathBuf::from);
        let progress = Progress::new(wanted.quiet);
        Ok(Self { wanted, jsonl, listener, file, progress })
    }

    /// Where figures can be asked for, if anywhere.
    pub(crate) fn listens_at(&self) -> Option<SocketAddr> {
        self.listener.as_ref()?.local_addr().ok()
    }

    /// A call has ended.
    ///
    /// # Errors
    ///
    /// [`Failure`] when it cannot be written.
    pub(crate) fn row(&mut self, outcome: &Outcome) -> Result<(), Failure> {
        let (Some(file), Some(path)) = (&mut self.jsonl, &self.wanted.jsonl) else { return Ok(()) };
        let written = serde_json::to_writer(&mut *file, outcome).map_err(Into::into);
        written.and_then(|()| file.write_all(b"\n")).map_err(|error| cannot(path, &error))
    }

    /// A second is over.
    ///
    /// # Errors
    ///
    /// [`Failure`] when a file cannot be written.
    pub(crate) fn second(&mut self, count: &Count, active: usize) -> Result<(), Failure> {
        if let (Some(file), Some(path)) = (&mut self.jsonl, &self.wanted.jsonl) {
            file.flush().map_err(|error| cannot(path, &error))?;
        }
        if let Some(path) = &self.file {
            write_whole(path, &prometheus::text(count, active))?;
        }
        self.progress.show(count, active);
        Ok(())
    }

    /// Waits until somebody asks for figures.
    pub(crate) async fn asked(&self) -> TcpStream {
        let Some(listener) = &self.listener else { return std::future::pending().await };
        loop {
            // What fails here fails for one who asks, and not for the run.
            if let Ok((stream, _)) = listener.accept().await {
                return stream;
            }
        }
    }

    /// Answers whoever asked.
    pub(crate) fn tell(&self, stream: TcpStream, count: &Count, active: usize) {
        let text = prometheus::text(count, active);
        tokio::spawn(prometheus::answer(stream, text));
    }

    /// Writes the summary wherever it is wanted.
    ///
    /// # Errors
    ///
    /// [`Failure`] with the file.
    pub(crate) fn finish(&mut self, summary: &Summary<'_>) -> Result<(), Failure> {
        if let (Some(file), Some(path)) = (&mut self.jsonl, &self.wanted.jsonl) {
            file.flush().map_err(|error| cannot(path, &error))?;
        }
        self.progress.end();
        if !self.wanted.quiet {
            eprint!("{summary}");
        }
        if let Some(path) = &self.wanted.html {
            write_whole(path, &html::page(summary))?;
        }
        let Some(path) = &self.wanted.json else { return Ok(()) };
        let text = format!("{:#}\n", summary.to_json());
        if path == Path::new("-") {
            return std::io::stdout().write_all(text.as_bytes()).map_err(|error| cannot(path, &error));
        }
        write_whole(path, &text)
    }
}

fn write_whole(path: &Path, text: &str) -> Result<(), Failure> {
    rove_io::write_whole(path, text).map_err(|error| cannot(path, &error))
}

fn cannot(path: &Path, error: &std::io::Error) -> Failure {
    Failure::fatal(format!("{} cannot be written: {error}", path.display()))
}
