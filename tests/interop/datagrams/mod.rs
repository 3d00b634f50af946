//! Random and mutated datagrams at every port of running programs: none dies, hangs or grows.

mod call;

use std::{
    fs,
    net::{SocketAddr, UdpSocket},
    time::Duration,
};

use rove_base::Entropy;
use rove_tests::programs::{Running, program};

use self::call::Call;
use crate::stage::{Names, PATIENCE, answer};

/// In all, over four ports: a taste of it in each run, 10⁶ in a proving one.
fn how_many() -> usize {
    if std::env::var_os("ROVE_PROVE").is_some() { 1_000_000 } else { 40_000 }
}

#[test]
fn programs_survive_any_datagram_at_their_sip_rtp_rtcp_and_dns_ports() {
    let mut names = Names::start();
    let (mut callee, sip) = answer(&[]);
    let target = sip.to_string();
    let mut caller = Running::start(
        &program("rove"),
        ["call", &target, "--listen", "127.0.0.1:0", "--dns-server", "127.0.0.1:9", "--for", "600"],
    );
    let media = media_ports(&callee, sip);
    assert!(media.len() >= 2, "no RTP and RTCP ports: {media:?}");
    let mut barrage = Barrage::new(names.address, sip, media, Call::place(sip));
    barrage.fire(how_many() / 4);
    let before = [&names.process, &callee].map(|process| process.resident_kib().expect("alive"));
    barrage.fire(how_many() - how_many() / 4);
    let after = [&names.process, &callee].map(|process| process.resident_kib().expect("alive"));
    println!("{} datagrams, resident KiB before {before:?}, after {after:?}", barrage.sent);
    for (before, after) in before.iter().zip(after) {
        assert!(after <= before + before / 5 + 8_192, "grew from {before} KiB to {after} KiB");
    }
    assert!(barrage.call.was_reported(), "no sender report was read");
    let received = barrage.call.end(&callee).expect("a report of the call");
    println!("{received} spoilt RTP packets were received as media");
    assert!(received > 0, "no RTP packet was read");
    assert!(names.process.is_alive() && callee.is_alive() && caller.is_alive(), "the call went on");
    caller.interrupt();
    assert_eq!(caller.wait(PATIENCE).and_then(|status| status.code()), Some(0), "and ended in order");
}

/// The UDP ports of a process besides its SIP port: RTP and RTCP, once a call stands.
fn media_ports(process: &Running, sip: SocketAddr) -> Vec<SocketAddr> {
    let deadline = std::time::Instant::now() + PATIENCE;
    loop {
        let ports: Vec<SocketAddr> = udp_ports(process.id())
            .into_iter()
            .filter(|&port| port != sip.port())
            .map(|p| (sip.ip(), p).into())
            .collect();
        if ports.len() >= 2 || std::time::Instant::now() > deadline {
            return ports;
        }
        std::thread::park_timeout(Duration::from_millis(20));
    }
}

/// Local UDP ports on IPv4 loopback that `pid` has open.
fn udp_ports(pid: u32) -> Vec<u16> {
    let inodes: Vec<String> = fs::read_dir(format!("/proc/{pid}/fd"))
        .expect("a child of ours")
        .filter_map(|entry| fs::read_link(entry.ok()?.path()).ok())
        .filter_map(|link| Some(link.to_str()?.strip_prefix("socket:[")?.strip_suffix(']')?.to_owned()))
        .collect();
    let table = fs::read_to_string(format!("/proc/{pid}/net/udp")).expect("Linux");
    table
        .lines()
        .skip(1)
        .filter_map(|line| {
            let columns: Vec<&str> = line.split_whitespace().collect();
            let (address, port) = columns.get(1)?.split_once(':')?;
            (inodes.iter().any(|inode| Some(&inode.as_str()) == columns.get(9)) && address == "0100007F")
                .then(|| u16::from_str_radix(port, 16).ok())?
        })
        .collect()
}

/// Fires datagrams, and now and then waits for a sane answer, which shows that the program hears and keeps pace.
struct Barrage {
    socket: UdpSocket,
    entropy: Entropy,
    names: SocketAddr,
    sip: SocketAddr,
    /// Ports that hear media, to which `socket` is a stranger.
    media: Vec<SocketAddr>,
    /// What comes out of it is parsed.
    call: Call,
    sent: usize,
}

impl Barrage {
    fn new(names: SocketAddr, sip: SocketAddr, mut media: Vec<SocketAddr>, call: Call) -> Self {
        media.extend(call.ears());
        let socket = UdpSocket::bind("127.0.0.1:0").expect("loopback");
        socket.set_read_timeout(Some(Duration::from_secs(1))).expect("a timeout");
        Self { socket, entropy: Entropy::from_number(20), names, sip, media, call, sent: 0 }
    }

    fn fire(&mut self, count: usize) {
        for round in 0..count {
            let seed = match round % 4 {
                0 => invite(self.sip, round),
                1 => question(round),
                2 => rtp(self.sent / 4),
                _ => rtcp(),
            };
            let datagram = self.spoil(seed);
            // A quarter of the media comes from an address that nobody agreed on.
            let stranger = round / 4 % 4 == 3;
            let target = match round % 4 {
                0 => self.sip,
                1 => self.names,
                _ => self.media[round / 16 % self.media.len()],
            };
            match round % 4 {
                2 if !stranger => self.call.send_rtp(&datagram),
                3 if !stranger => self.call.send_rtcp(&datagram),
                _ => drop(self.socket.send_to(&datagram, target)),
            }
            self.sent += 1;
            if round % 400 == 399 {
                self.must_answer(self.sip, &options(self.sip, round), b"SIP/2.0 200");
                let question = question(round);
                self.must_answer(self.names, &question, &question[..2]);
            }
        }
    }

    /// Random bytes, or the message with a few bytes changed, cut out, doubled, or its end cut off.
    fn spoil(&mut self, mut bytes: Vec<u8>) -> Vec<u8> {
        let mut pick = |below: usize| self.entropy.next_u32() as usize % below.max(1);
        match pick(5) {
            0 => (0..pick(1_500)).map(|_| pick(256) as u8).collect(),
            1 => {
                bytes.truncate(pick(bytes.len()));
                bytes
            }
            2 => {
                let (from, to) = (pick(bytes.len()), pick(bytes.len()));
                let piece = bytes[from.min(to)..from.max(to)].to_vec();
                bytes.splice(from..from, piece);
                bytes
            }
            _ => {
                for _ in 0..=pick(8) {
                    let at = pick(bytes.len());
                    bytes[at] = pick(256) as u8;
                }
                bytes
            }
        }
    }

    /// Asks until the answer comes, 10 s at most.
    fn must_answer(&self, target: SocketAddr, question: &[u8], begins: &[u8]) {
        let mut buffer = [0; 65_536];
        for _ in 0..10 {
            let _ = self.socket.send_to(question, target);
            while let Ok((length, from)) = self.socket.recv_from(&mut buffer) {
                if from == target && buffer[..length].starts_with(begins) {
                    return;
                }
            }
        }
        panic!("{target} does not answer after {} datagrams", self.sent);
    }
}

fn invite(target: SocketAddr, round: usize) -> Vec<u8> {
    format!(
        "INVITE sip:bob@{target} SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:9;branch=z9hG4bKspoilt{round}\r\n\
         Max-Forwards: 70\r\nFrom: <sip:eve@127.0.0.1>;tag={round}\r\nTo: <sip:bob@{target}>\r\n\
         Call-ID: {round}@spoilt\r\nCSeq: 1 INVITE\r\nContact: <sip:eve@127.0.0.1:9>\r\n\
         Content-Type: application/sdp\r\nContent-Length: 107\r\n\r\n\
         v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n\
         m=audio 9 RTP/AVP 0 8 111\r\na=rtpmap:0 PCMU/8000\r\n"
    )
    .into_bytes()
}

fn options(target: SocketAddr, round: usize) -> Vec<u8> {
    format!(
        "OPTIONS sip:{target} SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:9;rport;branch=z9hG4bKsane{round}\r\n\
         Max-Forwards: 70\r\nFrom: <sip:test@127.0.0.1>;tag=s{round}\r\nTo: <sip:{target}>\r\n\
         Call-ID: {round}@sane\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n"
    )
    .into_bytes()
}

/// The packet `number` of 20 ms in PCMU.
fn rtp(number: usize) -> Vec<u8> {
    let timestamp = (number as u32).wrapping_mul(160).to_be_bytes();
    [&[0x80, 0][..], &(number as u16).to_be_bytes(), &timestamp, &[7; 4], &[0x55; 160]].concat()
}

/// A sender report and a name, of the source of [`rtp`].
fn rtcp() -> Vec<u8> {
    let name = [0x81, 202, 0, 3, 7, 7, 7, 7, 1, 2, b'a', b'b', 0, 0, 0, 0];
    [&[0x80, 200, 0, 6][..], &[7; 24], &name].concat()
}

/// A question for home.example SOA.
fn question(round: usize) -> Vec<u8> {
    let id = (round as u16).to_be_bytes();
    [&id[..], &[1, 0, 0, 1, 0, 0, 0, 0, 0, 0], b"\x04home\x07example\x00", &[0, 6, 0, 1]].concat()
}
