//! Other traffic than voice, and links whose ends do not agree.

use std::cell::RefCell;

use rove_tests::programs::{Running, peer};

use crate::place::{PATIENCE, Place};

/// Sends and receives of each kind what it is told to, and compares it: TCP both ways, ICMP, and UDP over IPv6. Never more is
/// on its way than the socket of the link holds while its node waits for a processor, so that what is lost was lost by the node.
const TALK: &str = r#"
import hashlib, os, socket, struct, sys
side, bulk = sys.argv[1], int(sys.argv[2])
def take(s, n):
    got = b''
    while len(got) < n:
        part = s.recv(65536)
        if not part: raise SystemExit('closed after %d' % len(got))
        got += part
    return got
data = hashlib.shake_128(b'thin').digest(bulk)
if side == 'callee':
    tcp = socket.socket(); tcp.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16384)
    tcp.bind(('10.9.0.2', 7000)); tcp.listen(); tcp.settimeout(30)
    six = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM); six.bind(('fd00:9::2', 7001)); six.settimeout(30)
    print('{}', flush=True)
    s, _ = tcp.accept(); s.settimeout(30)
    assert take(s, bulk) == data
    s.sendall(data[::-1])
    for n in range(100):
        text, to = six.recvfrom(2000); six.sendto(text[::-1], to)
    assert s.recv(10) == b''
else:
    s = socket.socket(); s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16384)
    s.settimeout(30); s.connect(('10.9.0.2', 7000))
    s.sendall(data)
    assert take(s, bulk) == data[::-1]
    six = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM); six.settimeout(30)
    for n in range(100):
        text = data[n * 10:n * 14 + 1]; six.sendto(text, ('fd00:9::2', 7001))
        assert six.recv(2000) == text[::-1]
    icmp = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP); icmp.settimeout(30)
    for n in range(50):
        body = struct.pack('!BBHHH', 8, 0, 0, 77, n) + data[:56]
        total = sum(struct.unpack('!32H', body)); total = (total & 65535) + (total >> 16); total = (total & 65535) + (total >> 16)
        icmp.sendto(body[:2] + struct.pack('!H', ~total & 65535) + body[4:], ('10.9.0.2', 0))
        while True:
            answer = icmp.recv(2000)[20:]
            if answer[0] == 0: break
        assert answer[4:] == body[4:], n
    s.close()
print('done', flush=True)
"#;

/// Has both sides talk; `None`, said aloud, without Python.
fn talk(place: &Place) -> Option<()> {
    let python = peer("python3")?;
    let start = |side: usize, name: &str| {
        let mut command = place.command(side, &python);
        command.args(["-c", TALK, name, "300000"]);
        Running::spawn(command)
    };
    let mut callee = start(1, "callee");
    callee.ready(PATIENCE);
    let caller = start(0, "caller");
    for end in [caller, callee] {
        let (code, said, complaints) = end.outcome(PATIENCE);
        assert_eq!(code, 0, "{said} {complaints}");
        assert!(said.contains("done"));
    }
    Some(())
}

const OUT: &str = "rove_thin_packets_total{direction=\"out\",kind=";
const IN: &str = "rove_thin_packets_total{direction=\"in\",kind=";

#[test]
fn b17_tcp_icmp_and_ipv6_pass_a_link_that_compresses_and_one_that_pads_short_frames() {
    for more in ["padding = false\n", "padding = true\nflows = 200\n"] {
        let Some(mut place) = Place::new() else { return };
        place.start_both(more);
        // The device itself says something before both agree.
        let before = place.metrics(0);
        if talk(&place).is_none() {
            return;
        }
        let [out, come] = [OUT, IN].map(|begin| format!("{begin}\"other\"}}"));
        // What was given away last is still on its way.
        let seen = RefCell::new([before.clone(), before.clone()]);
        let all_came = place.until(PATIENCE, |place| {
            let [mine, theirs] = [0, 1].map(|side| place.metrics(side));
            let same = mine[&out] == theirs[&come];
            *seen.borrow_mut() = [mine, theirs];
            same
        });
        let [mine, theirs] = seen.into_inner();
        println!("{more:?}: {mine:?}");
        assert!(all_came, "{mine:?} {theirs:?}");
        assert!(mine[&out] > 350.0, "{mine:?}");
        let plain = format!("{OUT}\"plain\"}}");
        assert_eq!(mine[&plain], before[&plain], "{mine:?}");
        for name in ["checksum", "context", "repairing", "unagreed", "malformed"] {
            assert_eq!(theirs[&format!("rove_thin_refused_total{{cause={name:?}}}")], 0.0, "{theirs:?}");
        }
    }
}

#[test]
fn b17_a_link_whose_ends_do_not_agree_carries_packets_as_they_are() {
    // The other node compresses nothing, on a cable and in a tunnel.
    for tunnel in [false, true] {
        let Some(mut place) = Place::new() else { return };
        let way = |side: usize| {
            let (own, other) = (side + 1, 2 - side);
            if tunnel {
                format!("listen = \"10.62.0.{own}:4810\"\npeer = \"10.62.0.{other}:4810\"\n")
            } else {
                String::new()
            }
        };
        place.start(0, &way(0));
        place.start(1, &format!("{}compress = false\n", way(1)));
        if talk(&place).is_none() {
            return;
        }
        let mine = place.metrics(0);
        assert_eq!(mine["rove_thin_agreed"], 0.0);
        assert!(
            mine["rove_thin_hellos_total{direction=\"in\"}"] >= 1.0,
            "they have heard each other: {mine:?}"
        );
        assert!(mine[&format!("{OUT}\"plain\"}}")] > 350.0, "{mine:?}");
        assert_eq!(mine[&format!("{OUT}\"other\"}}")], 0.0);
    }
    // On the other side there is no node, but a host as any.
    let Some(mut place) = Place::new() else { return };
    place.start(0, "");
    place.ip(1, "address add 10.9.0.2/30 dev eth1");
    place.ip(1, "-6 address add fd00:9::2/64 dev eth1 nodad");
    place.ip(1, "neighbour add 10.9.0.1 lladdr 02:00:00:00:00:01 dev eth1");
    place.ip(1, "neighbour add fd00:9::1 lladdr 02:00:00:00:00:01 dev eth1");
    if talk(&place).is_none() {
        return;
    }
    let mine = place.metrics(0);
    assert!(mine[&format!("{OUT}\"plain\"}}")] > 150.0 && mine["rove_thin_agreed"] == 0.0, "{mine:?}");
}

#[test]
fn a_tunnel_carries_other_traffic_too_where_its_ends_agree() {
    let Some(mut place) = Place::new() else { return };
    for side in [0, 1] {
        let (own, other) = (side + 1, 2 - side);
        place.start(side, &format!("listen = \"10.62.0.{own}:4810\"\npeer = \"10.62.0.{other}:4810\"\n"));
    }
    let agreed =
        |place: &Place| [0, 1].iter().all(|&side| place.metrics(side).get("rove_thin_agreed") == Some(&1.0));
    assert!(place.until(PATIENCE, agreed));
    if talk(&place).is_some() {
        let mine = place.metrics(0);
        assert!(mine[&format!("{OUT}\"other\"}}")] > 350.0, "{mine:?}");
    }
}
