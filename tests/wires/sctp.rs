//! Networks that reach each other by SCTP in UDP: two of ours, as tshark reads what they say, and a foreign stack.

use std::{
    net::{Ipv4Addr, SocketAddr, UdpSocket},
    path::Path,
    process::Command,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use rove_tests::programs::{Running, peer, program};

use crate::{
    pcap::{fields, file, ip},
    stage::{Guest, PATIENCE, Stage, free},
};

const MAP: Guest = Guest { name: "europe", protocol: "map", net: 50, plmn: "00105", title: "46700000005" };
const FOREIGN: Guest =
    Guest { name: "foreign", protocol: "map", net: 60, plmn: "00106", title: "46700000006" };
const UDP: u8 = 17;
/// That of SCTP in UDP, by which dissectors know it.
const SCTP_IN_UDP: [u8; 2] = 9_899_u16.to_be_bytes();

/// Who sent what.
type Seen = Arc<Mutex<Vec<(usize, Vec<u8>)>>>;

/// A relay between two nodes: each takes one of its two addresses for the other's.
struct Relay {
    at: [SocketAddr; 2],
    seen: Seen,
}

impl Relay {
    fn between(ends: [SocketAddr; 2]) -> Self {
        let sockets = [0, 1].map(|end| UdpSocket::bind((ends[1_usize - end].ip(), 0)).unwrap());
        let at = [0, 1].map(|end: usize| sockets[end].local_addr().unwrap());
        let seen = Seen::default();
        for end in 0..2_usize {
            let (near, far) = (sockets[end].try_clone().unwrap(), sockets[1 - end].try_clone().unwrap());
            let (seen, to) = (Arc::clone(&seen), ends[1 - end]);
            std::thread::spawn(move || {
                let mut buffer = [0; 2_048];
                loop {
                    // While nobody is there yet, that is told as an error.
                    let Ok((count, _)) = near.recv_from(&mut buffer) else { continue };
                    let bytes = buffer[..count].to_vec();
                    let _ = far.send_to(&bytes, to);
                    seen.lock().unwrap_or_else(PoisonError::into_inner).push((end, bytes));
                }
            });
        }
        Self { at, seen }
    }

    /// All that went through, as a capture file.
    fn capture(&self) -> Vec<u8> {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        file(seen.iter().map(|(sender, bytes)| {
            let len = u16::try_from(bytes.len() + 8).unwrap().to_be_bytes();
            let head = [SCTP_IN_UDP, SCTP_IN_UDP, len, [0, 0]];
            ip(UDP, *sender, &[head.as_flattened(), bytes].concat())
        }))
    }
}

#[test]
fn a13_a_terminal_attaches_and_leaves_where_two_nodes_reach_each_other_by_sctp() {
    let mut stage = Stage::new(&[MAP], &[]);
    let ends = [10, MAP.net].map(|net| free(Ipv4Addr::new(127, 0, net, 1)));
    let relay = Relay::between(ends);
    stage.turn_to_sctp("home", ends[0], relay.at[0]);
    stage.turn_to_sctp(MAP.name, ends[1], relay.at[1]);
    stage.start_again(&["home", MAP.name]);
    stage.subscribe(1);
    let (mut terminal, address) = stage.attached(1, &stage.guests[0]);
    assert_eq!(stage.forward(1), [address.octets().to_vec()]);
    assert_eq!(stage.reverse(&stage.guests[0], address), 1);
    stage.detach(1, &mut terminal);
    assert_eq!(stage.forward(1), Vec::<Vec<u8>>::new());
    assert_eq!(stage.reverse(&stage.guests[0], address), 0);
    // Both are ended without a word and started again: they find each other all the same.
    stage.start_again(&["home", MAP.name]);
    let (_terminal, address) = stage.attached(1, &stage.guests[0]);
    assert_eq!(stage.forward(1), [address.octets().to_vec()]);

    let Some(tshark) = peer("tshark") else { return };
    let path = stage.path("sctp.pcap");
    std::fs::write(&path, relay.capture()).unwrap();
    let rows = fields(&tshark, &path, "gsm_map", &["frame.protocols", "_ws.col.Info"]);
    println!("sctp: {} frames of gsm_map", rows.len());
    let text = rows.join("\n");
    assert!(rows.iter().all(|row| row.contains("udp:sctp:m3ua:sccp:tcap:gsm_map")), "{text}");
    for operation in ["sendAuthenticationInfo", "updateLocation", "insertSubscriberData", "purgeMS"] {
        assert!(text.contains(operation), "no {operation} in\n{text}");
    }
    let count = |filter: &str| fields(&tshark, &path, filter, &["frame.number"]).len();
    let kinds =
        ["sctp.chunk_type == 1", "sctp.chunk_type == 10", "m3ua.message_class == 3", "sctp.data_sid == 1"];
    assert!(kinds.iter().all(|filter| count(filter) > 0), "{kinds:?}");
    let wrong = "_ws.malformed or (_ws.expert.severity == error) or sctp.checksum.status == 0";
    assert_eq!(fields(&tshark, &path, wrong, &["_ws.col.Info", "_ws.expert.message"]), Vec::<String>::new());
}

/// The foreign end, built; `None`, told by name, without a compiler or its library.
fn foreign(folder: &Path) -> Option<std::path::PathBuf> {
    let cc = peer("cc")?;
    if !Path::new("/usr/include/usrsctp.h").exists() {
        println!("skipped: libusrsctp-dev is not installed");
        return None;
    }
    let (source, built) =
        (Path::new(env!("CARGO_MANIFEST_DIR")).join("wires/usrsctp.c"), folder.join("usrsctp"));
    let output = Command::new(cc).arg("-o").arg(&built).arg(source).arg("-lusrsctp").output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Some(built)
}

#[test]
fn usrsctp_is_up_and_active_at_a_running_home_and_takes_its_leave() {
    let mut stage = Stage::new(&[], &[FOREIGN]);
    let Some(foreign) = foreign(stage.path("").as_path()) else { return };
    let (own, theirs) = (free(Ipv4Addr::new(127, 0, 10, 1)), free(Ipv4Addr::LOCALHOST));
    stage.turn_to_sctp("home", own, theirs);
    stage.start_again(&["home"]);
    let args = [theirs.port().to_string(), own.ip().to_string(), own.port().to_string()];
    // Twice: the first has left in order, and nothing of it stands in the way.
    for _ in 0..2 {
        let mut foreign = Running::start(&foreign, &args);
        for line in ["connected", "up stream 0 ppid 3 bytes 8", "active stream 0 ppid 3 bytes 8"] {
            assert_eq!(foreign.line_with(line, PATIENCE), line);
        }
        assert_eq!(foreign.line_with("beat", PATIENCE), "beat stream 0 ppid 3 bytes 3008");
        assert_eq!(foreign.line_with("left", PATIENCE), "left");
    }
}

#[test]
fn nobody_but_a_partner_is_answered_by_a_running_home() {
    let mut stage = Stage::new(&[], &[FOREIGN]);
    let own = free(Ipv4Addr::new(127, 0, 10, 1));
    let partner = UdpSocket::bind((Ipv4Addr::new(127, 0, FOREIGN.net, 1), 0)).unwrap();
    stage.turn_to_sctp("home", own, partner.local_addr().unwrap());
    stage.start_again(&["home"]);
    let stranger = UdpSocket::bind((Ipv4Addr::new(127, 0, FOREIGN.net, 2), 0)).unwrap();
    let mut buffer = [0; 2_048];
    partner.set_read_timeout(Some(PATIENCE)).unwrap();
    // It asks its partner for an association, and what it says there, said by a stranger, gets no answer.
    let (count, _) = partner.recv_from(&mut buffer).unwrap();
    assert_eq!((buffer[12], count), (1, 32), "INIT");
    for _ in 0..100 {
        stranger.send_to(&buffer[..count], own).unwrap();
    }
    let deadline = Instant::now() + PATIENCE;
    let config = stage.path("home.toml").display().to_string();
    loop {
        let (_, said, _) =
            Running::start(&program("roved"), ["metrics", "--config", &config]).outcome(PATIENCE);
        if said.contains("rove_sctp_dropped_total{cause=\"strangers\"} 100") {
            break;
        }
        assert!(Instant::now() < deadline, "{said}");
        std::thread::park_timeout(Duration::from_millis(50));
    }
    stranger.set_nonblocking(true).unwrap();
    assert!(stranger.recv_from(&mut buffer).is_err(), "nothing was said to it");
    partner.send_to(&buffer[..count], own).unwrap();
    loop {
        let (count, _) = partner.recv_from(&mut buffer).unwrap();
        if buffer[12] == 2 {
            assert!(count > 32, "INIT ACK with a cookie");
            break;
        }
    }
}
