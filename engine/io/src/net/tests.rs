use std::{
    net::SocketAddr,
    os::fd::AsRawFd,
    time::{Duration, Instant as Deadline},
};

use rove_base::{Dscp, Flow, Scratch, Transmit, UdpFlow};

use super::*;
use crate::clock::Clock;

fn address(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

fn bind(text: &str) -> UdpSocket {
    UdpSocket::bind(address(text)).unwrap()
}

/// Whether this host has IPv6 on its loopback.
fn has_v6() -> bool {
    let there = UdpSocket::bind(address("[::1]:0")).is_ok();
    if !there {
        println!("skipped: no IPv6 on the loopback");
    }
    there
}

/// Waits until `socket` is readable, at most two seconds.
fn wait(socket: &UdpSocket) {
    let mut poll = libc::pollfd { fd: socket.as_raw_fd(), events: libc::POLLIN, revents: 0 };
    #[expect(unsafe_code)]
    // SAFETY: one pollfd, alive during the call.
    let ready = unsafe { libc::poll(&raw mut poll, 1, 2_000) };
    assert_eq!(ready, 1, "nothing arrived within two seconds");
}

/// What a test wants to know of a received datagram.
type Seen = (UdpFlow, Vec<u8>, bool);

/// Receives `count` datagrams, at most two seconds.
fn receive(socket: &UdpSocket, batch: &mut RecvBatch, count: usize) -> Vec<Seen> {
    let (clock, deadline) = (Clock::new(), Deadline::now() + Duration::from_secs(2));
    let mut seen: Vec<Seen> = Vec::new();
    while seen.len() < count {
        assert!(Deadline::now() < deadline, "only {} of {count} arrived", seen.len());
        wait(socket);
        batch.recv(socket, clock, |r| seen.push((r.flow, r.bytes.to_vec(), r.truncated))).unwrap();
    }
    seen
}

fn send(
    from: &UdpSocket,
    batch: &mut SendBatch,
    sends: &[(SocketAddr, SocketAddr, &[u8], Dscp)],
) -> SendCounts {
    let mut scratch = Scratch::default();
    for &(local, remote, bytes, dscp) in sends {
        let range = scratch.push(bytes);
        assert!(batch.push(Transmit { flow: Flow::udp(local, remote), range, dscp }));
    }
    batch.flush(&scratch, |local| from.carries(local).then_some(from))
}

#[test]
fn a_hundred_datagrams_arrive_in_order_with_flow_and_stamp_on_both_families() {
    for ip in ["127.0.0.1:0", "[::1]:0"] {
        if ip.starts_with('[') && !has_v6() {
            continue;
        }
        let (here, there) = (bind(ip), bind(ip));
        let bodies: Vec<Vec<u8>> = (0..100_u8).map(|n| vec![n; usize::from(n) + 1]).collect();
        let sends: Vec<_> = bodies
            .iter()
            .map(|body| (here.local_addr(), there.local_addr(), body.as_slice(), Dscp::EF))
            .collect();
        let counts = send(&here, &mut SendBatch::new(128), &sends);
        assert_eq!(counts, SendCounts { sent: 100, ..SendCounts::default() });
        let seen = receive(&there, &mut RecvBatch::new(BATCH, 2_048), 100);
        let flow = UdpFlow { local: there.local_addr(), remote: here.local_addr() };
        for (body, (came, bytes, truncated)) in bodies.iter().zip(&seen) {
            assert_eq!((came, bytes, *truncated), (&flow, body, false));
        }
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_socket_on_all_addresses_reports_and_answers_from_the_one_that_was_asked() {
    for (any, asked) in [("0.0.0.0:0", "127.0.0.2:0"), ("[::]:0", "[::1]:0")] {
        if any.starts_with('[') && !has_v6() {
            continue;
        }
        let (server, client) = (bind(any), bind(asked));
        let mut target = client.local_addr();
        target.set_port(server.local_addr().port());
        let (mut out, mut incoming) = (SendBatch::new(4), RecvBatch::new(4, 100));
        send(&client, &mut out, &[(client.local_addr(), target, b"who?", Dscp::DEFAULT)]);
        let (flow, _, _) = receive(&server, &mut incoming, 1).remove(0);
        assert_eq!(flow, UdpFlow { local: target, remote: client.local_addr() });
        assert!(server.carries(flow.local));
        let counts = send(&server, &mut out, &[(flow.local, flow.remote, b"I", Dscp::EF)]);
        assert_eq!(counts.sent, 1);
        let (flow, bytes, _) = receive(&client, &mut incoming, 1).remove(0);
        assert_eq!((flow.remote, bytes.as_slice()), (target, &b"I"[..]));
    }
}

#[test]
fn what_does_not_fit_is_cut_and_says_so() {
    let (here, there) = (bind("127.0.0.1:0"), bind("127.0.0.1:0"));
    let sends = [
        (here.local_addr(), there.local_addr(), &[7; 100][..], Dscp::DEFAULT),
        (here.local_addr(), there.local_addr(), &[8; 64][..], Dscp::DEFAULT),
        (here.local_addr(), there.local_addr(), &[][..], Dscp::DEFAULT),
    ];
    send(&here, &mut SendBatch::new(4), &sends);
    let seen = receive(&there, &mut RecvBatch::new(4, 64), 3);
    let lengths: Vec<_> = seen.iter().map(|(_, bytes, truncated)| (bytes.len(), *truncated)).collect();
    assert_eq!(lengths, [(64, true), (64, false), (0, false)]);
}

#[test]
fn a_dead_peer_and_a_datagram_too_long_harm_nobody_else() {
    let (here, there) = (bind("127.0.0.1:0"), bind("127.0.0.1:0"));
    let gone = bind("127.0.0.1:0").local_addr();
    let (local, alive) = (here.local_addr(), there.local_addr());
    let endless = vec![0; 70_000];
    let mut out = SendBatch::new(8);
    let sends = [
        (local, gone, &b"lost"[..], Dscp::DEFAULT),
        (local, alive, b"one", Dscp::DEFAULT),
        (local, alive, &endless, Dscp::DEFAULT),
        (local, alive, b"two", Dscp::DEFAULT),
        (address("127.0.0.9:9"), alive, b"three", Dscp::DEFAULT),
    ];
    let counts = send(&here, &mut out, &sends);
    assert_eq!(counts, SendCounts { sent: 3, refused: 1, unroutable: 1, blocked: 0 });
    let bodies: Vec<_> = receive(&there, &mut RecvBatch::new(8, 100), 2).into_iter().map(|s| s.1).collect();
    assert_eq!(bodies, [b"one".to_vec(), b"two".to_vec()]);
    assert_eq!(RecvBatch::new(8, 100).recv(&here, Clock::new(), |_| panic!("no datagram")).unwrap(), 0);
}

#[test]
fn a_full_batch_refuses_and_flushing_makes_room() {
    let here = bind("127.0.0.1:0");
    let (mut out, mut scratch) = (SendBatch::new(2), Scratch::default());
    let transmit = Transmit {
        flow: Flow::udp(here.local_addr(), here.local_addr()),
        range: scratch.push(b"x"),
        dscp: Dscp::DEFAULT,
    };
    assert_eq!([out.push(transmit), out.push(transmit), out.push(transmit)], [true, true, false]);
    assert_eq!(out.flush(&scratch, |_| Some(&here)).sent, 2);
    assert!(out.is_empty() && out.push(transmit));
}

#[test]
fn arrival_is_stamped_before_the_datagram_is_read() {
    let (here, there) = (bind("127.0.0.1:0"), bind("127.0.0.1:0"));
    let (clock, mut batch) = (Clock::new(), RecvBatch::new(BATCH, 100));
    let before = clock.mono();
    send(&here, &mut SendBatch::new(1), &[(here.local_addr(), there.local_addr(), b"x", Dscp::DEFAULT)]);
    wait(&there);
    let read = clock.mono();
    let mut arrived = None;
    batch.recv(&there, clock, |r| arrived = Some(r.arrived)).unwrap();
    let arrived = arrived.unwrap();
    let slack = Duration::from_millis(1);
    assert!(arrived + slack >= before && arrived <= read + slack, "{before:?} <= {arrived:?} <= {read:?}");
}

#[test]
fn the_marking_asked_for_is_on_the_wire() {
    let (here, there) = (bind("127.0.0.1:0"), std::net::UdpSocket::bind("127.0.0.1:0").unwrap());
    socket2::SockRef::from(&there).set_recv_tos_v4(true).unwrap();
    there.set_read_timeout(Some(Duration::from_secs(2))).unwrap();
    let to = there.local_addr().unwrap();
    send(&here, &mut SendBatch::new(1), &[(here.local_addr(), to, b"x", Dscp::EF)]);
    assert_eq!(traffic_class(&there), Some(0xb8));
}

/// The traffic class of the next datagram at `socket`.
#[expect(unsafe_code)]
fn traffic_class(socket: &std::net::UdpSocket) -> Option<u8> {
    let (mut body, mut control) = ([0_u8; 16], [0_u64; 8]);
    let mut vector = libc::iovec { iov_base: body.as_mut_ptr().cast(), iov_len: body.len() };
    // SAFETY: zero is valid for `msghdr`, and its pointers lead to live memory of the lengths given.
    unsafe {
        let mut message: libc::msghdr = std::mem::zeroed();
        message.msg_iov = &raw mut vector;
        message.msg_iovlen = 1;
        message.msg_control = control.as_mut_ptr().cast();
        message.msg_controllen = size_of_val(&control) as _;
        assert_eq!(libc::recvmsg(socket.as_raw_fd(), &raw mut message, 0), 1);
        let header = libc::CMSG_FIRSTHDR(&raw const message);
        (!header.is_null() && (*header).cmsg_type == libc::IP_TOS).then(|| *libc::CMSG_DATA(header))
    }
}

#[test]
fn a_taken_port_and_a_foreign_address_are_named() {
    let holder = bind("127.0.0.1:0");
    let taken = holder.local_addr();
    let error = UdpSocket::bind(taken).unwrap_err();
    assert!(matches!(error, BindError { address, what: BindFailure::InUse } if address == taken));
    assert_eq!(error.to_string(), format!("cannot use {taken} (UDP): another program is using this port"));
    let error = UdpSocket::bind(address("192.0.2.77:0")).unwrap_err();
    assert!(matches!(error.what, BindFailure::NotAvailable), "{error}");
}

#[cfg(target_os = "linux")]
#[test]
fn of_sockets_that_share_an_address_each_reads_what_always_the_same_senders_send() {
    let first = bind("127.0.0.1:0");
    let shared = [first.share().unwrap(), first];
    let at = shared[1].local_addr();
    assert_eq!(shared[0].local_addr(), at);
    assert!(matches!(UdpSocket::bind(at), Err(BindError { what: BindFailure::InUse, .. })));
    let senders: Vec<_> = (0..64).map(|_| bind("127.0.0.1:0")).collect();
    let mut out = SendBatch::new(4);
    for _ in 0..3 {
        for sender in &senders {
            assert_eq!(send(sender, &mut out, &[(sender.local_addr(), at, b"x", Dscp::DEFAULT)]).sent, 1);
        }
    }
    let (clock, deadline) = (Clock::new(), Deadline::now() + Duration::from_secs(2));
    let (mut batch, mut seen) = (RecvBatch::new(BATCH, 100), [Vec::new(), Vec::new()]);
    while seen[0].len() + seen[1].len() < 3 * senders.len() {
        assert!(Deadline::now() < deadline, "{seen:?}");
        for (socket, seen) in shared.iter().zip(&mut seen) {
            batch.recv(socket, clock, |got| seen.push(got.flow.remote)).unwrap();
        }
    }
    for sender in &senders {
        let counts = seen.each_ref().map(|seen| seen.iter().filter(|at| **at == sender.local_addr()).count());
        assert!(counts == [3, 0] || counts == [0, 3], "{counts:?}");
    }
    assert!(seen.iter().all(|seen| !seen.is_empty()), "each has its share");
}

#[test]
fn an_ipv6_socket_leaves_the_ipv4_port_alone() {
    if !has_v6() {
        return;
    }
    let six = bind("[::]:0");
    let four = UdpSocket::bind(SocketAddr::new([0, 0, 0, 0].into(), six.local_addr().port()));
    assert!(four.is_ok() || matches!(four, Err(BindError { what: BindFailure::InUse, .. })));
    assert!(!six.carries(address("127.0.0.1:1")));
}

#[test]
fn media_ports_come_in_pairs_even_first() {
    let pairs: Vec<_> = (0..20).map(|_| bind_pair([127, 0, 0, 1].into()).unwrap()).collect();
    for (rtp, rtcp) in &pairs {
        let (rtp, rtcp) = (rtp.local_addr().port(), rtcp.local_addr().port());
        assert_eq!((rtp % 2, rtp + 1), (0, rtcp));
    }
}

#[test]
fn batches_allocate_only_when_they_are_made() {
    let (here, there) = (bind("127.0.0.1:0"), bind("127.0.0.1:0"));
    let (mut out, mut incoming) = (SendBatch::new(BATCH), RecvBatch::new(BATCH, 2_048));
    let (clock, mut scratch) = (Clock::new(), Scratch::with_capacity(8_192));
    let flow = Flow::udp(here.local_addr(), there.local_addr());
    let mut got = 0;
    assert_no_alloc::assert_no_alloc(|| {
        for _ in 0..20 {
            scratch.clear();
            for _ in 0..BATCH {
                let range = scratch.push(&[0x80; 172]);
                assert!(out.push(Transmit { flow, range, dscp: Dscp::EF }));
            }
            out.flush(&scratch, |_| Some(&here));
            got += incoming.recv(&there, clock, |_| {}).unwrap_or(0);
        }
    });
    assert!(got >= BATCH, "{got}");
}

#[test]
fn datagrams_that_leave_as_one_arrive_as_they_were() {
    let (from, there, other) =
        (bind("127.0.0.1:0").for_questions(), bind("127.0.0.1:0"), bind("127.0.0.1:0"));
    let local = from.local_addr();
    let lengths = [40, 40, 40, 41, 41, 0, 0, 7, 1_232, 1_232, 1_400, 1_400, 40, 40];
    let payloads: Vec<Vec<u8>> =
        lengths.iter().enumerate().map(|(n, &len)| vec![u8::try_from(n).unwrap(); len]).collect();
    let mut sends: Vec<_> =
        payloads.iter().map(|bytes| (local, there.local_addr(), bytes.as_slice(), Dscp::DEFAULT)).collect();
    sends.insert(1, (local, other.local_addr(), &[9; 40], Dscp::DEFAULT));
    let counts = send(&from, &mut SendBatch::new(64), &sends);
    assert_eq!(counts.sent, 15, "{counts:?}");
    let seen = receive(&there, &mut RecvBatch::new(BATCH, 2_048), 14);
    assert_eq!(seen.into_iter().map(|(_, bytes, _)| bytes).collect::<Vec<_>>(), payloads);
    assert_eq!(receive(&other, &mut RecvBatch::new(BATCH, 2_048), 1)[0].1, [9; 40]);
}
