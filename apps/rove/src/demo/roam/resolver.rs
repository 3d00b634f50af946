//! The callers' resolver: it knows the root alone and goes from there from delegation to delegation, as any does
//! (RFC 1034 §5.3.3). It remembers nothing, so what it answers is what is true now.

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::JoinHandle,
    time::Duration,
};

use rove_dns::wire::{Header, Reader, rtype};

/// A resolver at work.
pub(super) struct Resolver {
    over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Resolver {
    /// Answers at `at`, where this thread is, and begins at `root`.
    pub(super) fn start(at: SocketAddr, root: SocketAddr) -> std::io::Result<Self> {
        let socket = UdpSocket::bind(at)?;
        socket.set_read_timeout(Some(GLANCE))?;
        let over = Arc::new(AtomicBool::new(false));
        let ended = Arc::clone(&over);
        let thread = std::thread::spawn(move || {
            let mut buffer = [0; LONGEST];
            while !ended.load(Ordering::Relaxed) {
                let Ok((count, from)) = socket.recv_from(&mut buffer) else { continue };
                let question = buffer.get(..count).unwrap_or_default().to_vec();
                let Ok(answering) = socket.try_clone() else { continue };
                // As many at a time as the demo's few phones ask.
                std::thread::spawn(move || {
                    if let Some(answer) = resolve(root, &question) {
                        let _ = answering.send_to(&answer, from);
                    }
                });
            }
        });
        Ok(Self { over, thread: Some(thread) })
    }
}

impl Drop for Resolver {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// What the server that is responsible says, found from the root on.
fn resolve(root: SocketAddr, question: &[u8]) -> Option<Vec<u8>> {
    let mut server = root;
    for _ in 0..MOST_STEPS {
        let answer = ask(server, question)?;
        match delegated(&answer) {
            Some(next) => server = SocketAddr::new(next.into(), root.port()),
            None => return Some(answer),
        }
    }
    None
}

fn ask(server: SocketAddr, question: &[u8]) -> Option<Vec<u8>> {
    let any: IpAddr = Ipv4Addr::UNSPECIFIED.into();
    let socket = UdpSocket::bind((any, 0)).ok()?;
    socket.set_read_timeout(Some(PATIENCE)).ok()?;
    socket.connect(server).ok()?;
    let mut buffer = [0; LONGEST];
    // What is lost is asked again by whoever asked us.
    socket.send(question).ok()?;
    let count = socket.recv(&mut buffer).ok()?;
    buffer.get(..count).filter(|answer| answer.get(..2) == question.get(..2)).map(<[u8]>::to_vec)
}

/// Whom an answer refers to: it is not that of a responsible server, has no records, and tells the address of one.
fn delegated(answer: &[u8]) -> Option<Ipv4Addr> {
    let mut reader = Reader::new(answer);
    let header = reader.header().ok()?;
    let [questions, answers, authorities, additional] = header.counts;
    if header.flags & Header::AA != 0 || answers > 0 || authorities == 0 {
        return None;
    }
    for _ in 0..questions {
        reader.question().ok()?;
    }
    for _ in 0..authorities.saturating_add(additional) {
        let record = reader.record().ok()?;
        if record.rtype == rtype::A {
            return answer
                .get(record.rdata)
                .and_then(|rdata| <[u8; 4]>::try_from(rdata).ok())
                .map(Into::into);
        }
    }
    None
}

/// Delegations one below the other.
const MOST_STEPS: usize = 8;
/// The longest question or answer.
const LONGEST: usize = 4_096;
const GLANCE: Duration = Duration::from_millis(100);
const PATIENCE: Duration = Duration::from_millis(500);
