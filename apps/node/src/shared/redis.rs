//! The store is Redis, or what speaks like it. Two threads: one writes, one reads.

use core::time::Duration;
use std::{
    collections::HashMap,
    io,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel},
    },
    thread::JoinHandle,
};

use redis::{
    Client, Connection, ConnectionAddr, ConnectionInfo, IntoConnectionInfo as _, RedisError, RedisResult,
    TlsCertificates,
};
use tokio::sync::mpsc::Sender;

use super::{Share, unusable};
use crate::{
    config::{ConfigError, read_secret},
    irmv::IrmvConfig,
};

/// The servers that `config` names, each of which may be the one that takes what is written.
pub(super) fn servers(config: &IrmvConfig) -> Result<Option<Vec<ConnectionInfo>>, ConfigError> {
    let Some(text) = &config.store else { return Ok(None) };
    let password = config.store_password_file.as_deref().map(read_secret).transpose()?;
    let authorities = config.store_authorities.as_deref().map(read_authorities).transpose()?;
    let one = |text: &str| {
        let example =
            "name servers as redis://ADDRESS:PORT or rediss://NAME:PORT, several separated by commas";
        // The text is not repeated: who writes a password there all the same has not to read it in a log.
        let info =
            text.trim().into_connection_info().map_err(|_| unusable(format!("not understood; {example}")))?;
        let settings = info.redis_settings().clone();
        if settings.password().is_some() {
            return Err(unusable("a password has its own file; name it in store_password_file".into()));
        }
        let info = match &password {
            Some(password) => info.set_redis_settings(settings.set_password(password.trim_end())),
            None => info,
        };
        match (info.addr(), &authorities) {
            (ConnectionAddr::TcpTls { insecure: true, .. }, _) => {
                Err(unusable("a store over TLS is always verified; leave #insecure away".into()))
            }
            (ConnectionAddr::TcpTls { .. }, Some(_)) => verified(info, authorities.clone()),
            _ => Ok(info),
        }
    };
    text.split(',').map(one).collect::<Result<_, _>>().map(Some)
}

fn read_authorities(path: &Path) -> Result<Vec<u8>, ConfigError> {
    std::fs::read(path).map_err(|source| ConfigError::Read { path: path.to_owned(), source })
}

/// The same server, whose certificate has to be of one of these authorities instead of those of the system.
fn verified(info: ConnectionInfo, authorities: Option<Vec<u8>>) -> Result<ConnectionInfo, ConfigError> {
    let certificates = TlsCertificates { client_tls: None, root_cert: authorities };
    let client = Client::build_with_tls(info, certificates)
        .map_err(|error| ConfigError::Irmv { key: "store_authorities", what: error.to_string() })?;
    Ok(client.get_connection_info().clone())
}

/// Both threads; dropping it ends them.
pub(super) struct Store {
    queue: Option<SyncSender<Share>>,
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

impl Store {
    pub(super) fn start(
        servers: Vec<ConnectionInfo>,
        domain: &str,
        told: Sender<Vec<u8>>,
    ) -> io::Result<Self> {
        let (queue, waiting) = sync_channel(QUEUE);
        let stop = Arc::new(AtomicBool::new(false));
        // What is between braces says where it lies in a cluster: all of a domain in one place.
        let keys = Keys { prefix: format!("rove:{{{domain}}}:"), channel: format!("rove:{{{domain}}}") };
        let writer = Writer {
            to: Servers::new(servers.clone()),
            keys: keys.clone(),
            queue: waiting,
            waiting: HashMap::new(),
        };
        let reader = Reader { from: Servers::new(servers), keys, told, stop: Arc::clone(&stop) };
        let spawn = |name: &str| std::thread::Builder::new().name(name.into());
        let threads = vec![
            spawn("rove-store-out").spawn(move || writer.run())?,
            spawn("rove-store-in").spawn(move || reader.run())?,
        ];
        Ok(Self { queue: Some(queue), stop, threads })
    }

    /// Never waits: what finds no room is left out, and comes with the user's next registration.
    pub(super) fn share(&self, share: Share) {
        let full = self.queue.as_ref().map(|queue| queue.try_send(share));
        if let Some(Err(TrySendError::Full(_))) = full {
            tracing::debug!(target: "rove::store", "too much waits for the store");
        }
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        self.queue = None;
        self.stop.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            if thread.join().is_err() {
                tracing::error!(target: "rove::store", "a thread of the store panicked");
            }
        }
    }
}

#[derive(Clone)]
struct Keys {
    prefix: String,
    channel: String,
}

/// Servers of which one is spoken with.
struct Servers {
    all: Vec<ConnectionInfo>,
    at: usize,
    /// It has been said that none is there.
    said: bool,
}

impl Servers {
    fn new(all: Vec<ConnectionInfo>) -> Self {
        Self { all, at: 0, said: false }
    }

    fn connect(&self) -> RedisResult<Connection> {
        let info = self.all.get(self.at).or(self.all.first()).cloned();
        let info = info.ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))?;
        let connection = Client::open(info)?.get_connection_with_timeout(DEADLINE)?;
        connection.set_read_timeout(Some(DEADLINE))?;
        connection.set_write_timeout(Some(DEADLINE))?;
        Ok(connection)
    }

    fn works(&mut self, what: &str) {
        if std::mem::take(&mut self.said) {
            tracing::info!(target: "rove::store", what, "the store is back");
        }
    }

    /// It did not do what it should: the next, or the one that a cluster names, has its turn.
    fn next(&mut self, what: &str, error: &RedisError) {
        if !std::mem::replace(&mut self.said, true) {
            let server = self.all.get(self.at).map(|info| info.addr().to_string());
            tracing::warn!(target: "rove::store", what, server, %error, "the store does not answer; others of it are tried");
        }
        let named = error.redirect_node().and_then(|(address, _)| address.rsplit_once(':'));
        let named = named.and_then(|(host, port)| Some((host, port.parse().ok()?)));
        if let (Some((host, port)), Some(one)) = (named, self.all.first().cloned()) {
            let to = elsewhere(one.addr(), host, port);
            let known = self.all.iter().position(|info| *info.addr() == to);
            self.at = known.unwrap_or(self.all.len());
            if known.is_none() && self.all.len() < MOST_SERVERS {
                self.all.push(one.set_addr(to));
            }
        } else {
            self.at = (self.at + 1) % self.all.len().max(1);
        }
    }
}

/// A server of the same cluster, which is spoken with as the one that named it.
fn elsewhere(like: &ConnectionAddr, host: &str, port: u16) -> ConnectionAddr {
    match like.clone() {
        ConnectionAddr::TcpTls { insecure, tls_params, .. } => {
            ConnectionAddr::TcpTls { host: host.to_owned(), port, insecure, tls_params }
        }
        _ => ConnectionAddr::Tcp(host.to_owned(), port),
    }
}

struct Writer {
    to: Servers,
    keys: Keys,
    queue: Receiver<Share>,
    /// The newest of each user.
    waiting: HashMap<String, Share>,
}

impl Writer {
    fn run(mut self) {
        let mut connection = None;
        loop {
            let open = self.take();
            match self.write(&mut connection) {
                Ok(()) => self.to.works("writing"),
                Err(error) => {
                    connection = None;
                    self.to.next("writing", &error);
                }
            }
            if !open {
                return;
            }
        }
    }

    /// What is to be written; `false` when there will be no more.
    fn take(&mut self) -> bool {
        let first = if self.waiting.is_empty() {
            self.queue.recv().map_err(|_| RecvTimeoutError::Disconnected)
        } else {
            self.queue.recv_timeout(PAUSE)
        };
        let mut open = true;
        match first {
            Ok(share) => self.add(share),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => open = false,
        }
        while self.waiting.len() < MOST_WAITING
            && let Ok(share) = self.queue.try_recv()
        {
            self.add(share);
        }
        open
    }

    fn add(&mut self, share: Share) {
        self.waiting.insert(share.name.clone(), share);
    }

    fn write(&mut self, connection: &mut Option<Connection>) -> RedisResult<()> {
        while !self.waiting.is_empty() {
            let connection = match connection {
                Some(connection) => connection,
                None => connection.insert(self.to.connect()?),
            };
            let names: Vec<String> = self.waiting.keys().take(TOGETHER).cloned().collect();
            let mut pipe = redis::pipe();
            for share in names.iter().filter_map(|name| self.waiting.get(name)) {
                let key = format!("{}{}", self.keys.prefix, share.name);
                pipe.cmd("SET").arg(key).arg(&share.record[..]).arg("EXAT").arg(share.until).ignore();
                pipe.cmd("PUBLISH").arg(&self.keys.channel).arg(&share.record[..]).ignore();
            }
            pipe.query::<()>(connection)?;
            names.iter().for_each(|name| drop(self.waiting.remove(name)));
        }
        Ok(())
    }
}

struct Reader {
    from: Servers,
    keys: Keys,
    told: Sender<Vec<u8>>,
    stop: Arc<AtomicBool>,
}

impl Reader {
    fn run(mut self) {
        while !self.stopped() {
            if let Err(error) = self.listen() {
                self.from.next("reading", &error);
                std::thread::park_timeout(PAUSE);
            }
        }
    }

    fn stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    /// All that is there, and then what comes, until the server is gone.
    fn listen(&mut self) -> RedisResult<()> {
        let mut connection = self.from.connect()?;
        let mut news = connection.as_pubsub();
        news.subscribe(&self.keys.channel)?;
        self.read_all()?;
        self.from.works("reading");
        let mut quiet = 0;
        while !self.stopped() {
            match news.get_message() {
                Ok(message) => {
                    quiet = 0;
                    if !self.tell(message.get_payload()?) {
                        return Ok(());
                    }
                }
                Err(error) if error.is_timeout() => {
                    quiet += 1;
                    if quiet % QUIET == 0 {
                        news.ping::<redis::Value>()?;
                    }
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn read_all(&self) -> RedisResult<()> {
        let mut connection = self.from.connect()?;
        // A server of a cluster that does not have these keys would find none; asked for one of them, it says who has.
        redis::cmd("EXISTS").arg(&self.keys.prefix).query::<u8>(&mut connection)?;
        let pattern = format!("{}*", self.keys.prefix.replace(['*', '?', '[', ']'], "?"));
        let mut at = 0_u64;
        loop {
            let mut scan = redis::cmd("SCAN");
            scan.arg(at).arg("MATCH").arg(&pattern).arg("COUNT").arg(TOGETHER);
            let (next, keys): (u64, Vec<String>) = scan.query(&mut connection)?;
            if !keys.is_empty() {
                let values: Vec<Option<Vec<u8>>> = redis::cmd("MGET").arg(&keys).query(&mut connection)?;
                if !values.into_iter().flatten().all(|record| self.tell(record)) {
                    return Ok(());
                }
            }
            at = next;
            if at == 0 || self.stopped() {
                return Ok(());
            }
        }
    }

    /// `false` when the node has ended.
    fn tell(&self, record: Vec<u8>) -> bool {
        record.len() > MOST_BYTES || self.told.blocking_send(record).is_ok()
    }
}

/// For each word of a server.
const DEADLINE: Duration = Duration::from_secs(1);
/// Before another server is tried.
const PAUSE: Duration = Duration::from_millis(200);
/// Deadlines without a word, after which the server is asked whether it is there.
const QUIET: u32 = 5;
/// Records between node and thread.
const QUEUE: usize = 4_096;
/// Users whose records wait for a server that takes them; those of more wait in the queue.
const MOST_WAITING: usize = 1 << 20;
/// Records in one round trip.
const TOGETHER: usize = 256;
/// Servers, those included that a cluster has named.
const MOST_SERVERS: usize = 64;
/// No record is as long.
const MOST_BYTES: usize = 8_192;
