use core::task::Waker;
use std::{
    io::{Read as _, Write as _},
    net::{TcpListener, TcpStream},
    time::Instant,
};

use rove_nat::stun::turn::ChannelData;
use tokio::io::{AsyncRead, AsyncWrite};

use super::*;

/// Nothing here takes longer, even on a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);

/// Data in a channel, as it goes by UDP or, padded, in a stream.
fn data(bytes: &[u8], padded: bool) -> Vec<u8> {
    let mut out = Vec::new();
    ChannelData { channel: 0x4001, data: bytes }.write(&mut out, padded);
    out
}

fn port() -> Port {
    let port = Port::bind("127.0.0.1:0").unwrap();
    port.set_read_timeout(Some(PATIENCE)).unwrap();
    port
}

fn listener() -> (TcpListener, Far) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let server = listener.local_addr().unwrap();
    (listener, Far { server, secure: None })
}

/// Waits until it is known whether the stream stands.
fn stands(bridge: &mut Bridge) -> io::Result<()> {
    let until = Instant::now() + PATIENCE;
    loop {
        if let Some(told) = bridge.stands() {
            return told;
        }
        assert!(Instant::now() < until, "nothing is told");
        thread::park_timeout(Duration::from_millis(1));
    }
}

/// A bridge whose stream stands, the call's port, and the server's end.
fn standing() -> (Bridge, Port, TcpStream) {
    let (port, (listener, far)) = (port(), listener());
    let mut bridge = Bridge::open(&port, far, PATIENCE).unwrap();
    let (server, _) = listener.accept().unwrap();
    server.set_read_timeout(Some(PATIENCE)).unwrap();
    stands(&mut bridge).unwrap();
    (bridge, port, server)
}

#[test]
fn datagrams_go_to_the_server_in_a_stream_and_come_from_there_one_by_one() {
    let (bridge, port, mut server) = standing();
    port.send_to(&data(b"voice", false), bridge.at()).unwrap();
    let mut heard = [0; 12];
    server.read_exact(&mut heard).unwrap();
    assert_eq!(heard[..], data(b"voice", true));
    // Two and a half, and then the rest.
    let [one, two, three] = [b"one".as_slice(), b"two2", b"three"].map(|bytes| data(bytes, true));
    let (first, rest) = three.split_at(5);
    server.write_all(&[&one[..], &two, first].concat()).unwrap();
    let mut bytes = [0; 64];
    for expected in [&one, &two] {
        let (len, from) = port.recv_from(&mut bytes).unwrap();
        assert_eq!((&bytes[..len], from), (&expected[..], bridge.at()));
    }
    server.write_all(rest).unwrap();
    assert_eq!(port.recv(&mut bytes).unwrap(), three.len());
    assert_eq!(bytes[..three.len()], three);
}

#[test]
fn what_was_said_last_still_leaves_when_the_way_is_of_no_more_use_and_then_the_stream_ends() {
    let (bridge, port, mut server) = standing();
    port.send_to(&data(b"last", false), bridge.at()).unwrap();
    drop(bridge.life());
    let mut heard = Vec::new();
    server.read_to_end(&mut heard).unwrap();
    assert_eq!(heard, data(b"last", true));
}

#[test]
fn a_server_that_is_not_there_or_says_nothing_is_told_as_such() {
    let (listener, far) = listener();
    drop(listener);
    let mut bridge = Bridge::open(&port(), far, PATIENCE).unwrap();
    assert_eq!(stands(&mut bridge).unwrap_err().kind(), io::ErrorKind::ConnectionRefused);
    // Who takes the stream, and never shows a certificate.
    let (_listener, far) = self::listener();
    let far = Far { secure: Some((Tls::default(), None)), ..far };
    let mut bridge = Bridge::open(&port(), far, Duration::from_millis(50)).unwrap();
    assert_eq!(stands(&mut bridge).unwrap_err().kind(), io::ErrorKind::TimedOut);
}

#[test]
fn what_does_not_speak_turn_ends_the_stream_and_nobody_else_gets_what_the_call_still_sends() {
    let (bridge, _port, mut server) = standing();
    server.write_all(b"\xffHTTP/1.1 400\r\n\r\n").unwrap();
    let mut heard = Vec::new();
    // Closed or reset, as it has read all or not.
    let _ = server.read_to_end(&mut heard);
    assert_eq!(heard, b"");
    let at = bridge.at();
    assert_eq!(Port::bind(at).unwrap_err().kind(), io::ErrorKind::AddrInUse);
    drop(bridge.life());
    let until = Instant::now() + PATIENCE;
    while Port::bind(at).is_err() {
        assert!(Instant::now() < until, "the port is given back");
        thread::park_timeout(Duration::from_millis(1));
    }
}

#[test]
fn where_the_server_does_not_read_late_media_are_thrown_away_and_the_newest_come_first() {
    let (bridge, port, mut server) = standing();
    // More than the system keeps for both ends, several times.
    let sent = 40_000_u32;
    for number in 0..sent {
        port.send_to(&data(&[&number.to_be_bytes()[..], &[0; 996]].concat(), false), bridge.at()).unwrap();
    }
    let (mut message, mut heard) = ([0; 1_004], 0_u32);
    loop {
        // What the system did not hand to the bridge was lost as it would be on any way.
        port.send_to(&data(&[0xff; 1_000], false), bridge.at()).unwrap();
        server.read_exact(&mut message).unwrap();
        assert_eq!(message[..4], [0x40, 1, 3, 232], "whole messages alone");
        if message[4..8] == [0xff; 4] {
            break;
        }
        heard += 1;
    }
    assert!(heard < sent / 2, "{heard} of {sent} were kept for a server that did not read");
}

/// A stream that takes all at once, as TLS does, and lets nothing leave.
struct Stuck {
    taken: std::sync::Arc<std::sync::atomic::AtomicUsize>,
}

impl AsyncRead for Stuck {
    fn poll_read(self: Pin<&mut Self>, _: &mut Context<'_>, _: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Poll::Pending
    }
}

impl AsyncWrite for Stuck {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.taken.fetch_add(bytes.len(), std::sync::atomic::Ordering::Relaxed);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.taken.load(std::sync::atomic::Ordering::Relaxed) {
            0 => Poll::Ready(Ok(())),
            _ => Poll::Pending,
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[test]
fn a_stream_that_would_take_in_more_than_leaves_is_given_one_message_at_a_time() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build().unwrap();
    runtime.block_on(async {
        let taken = std::sync::Arc::default();
        let stream = Box::new(Stuck { taken: std::sync::Arc::clone(&taken) });
        let (near, call) = (port(), port());
        near.connect(call.local_addr().unwrap()).unwrap();
        near.set_nonblocking(true).unwrap();
        let port = UdpSocket::from_std(near).unwrap();
        let mut span = Span {
            port,
            stream,
            outbox: Outbox::new(),
            inbox: Inbox::new(),
            datagram: Box::new([0; DATAGRAM]),
        };
        (0..10).for_each(|_| span.outbox.push(&data(&[0; 160], false)));
        let mut cx = Context::from_waker(Waker::noop());
        for _ in 0..3 {
            assert!(span.turn(&mut cx).is_pending());
            assert_eq!(taken.load(std::sync::atomic::Ordering::Relaxed), 164);
        }
    });
}
