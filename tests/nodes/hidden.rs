//! Callers who are not to be shown: what is on the wire of their calls names them nowhere.

use std::{
    net::{SocketAddr, UdpSocket},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread::JoinHandle,
    time::Duration,
};

use crate::{
    calls::{Calls, NUMBER, T1, succeeds},
    programs::{HOME, write},
};

/// What would tell who calls: `t1`, in whatever way, its number, identity, or network.
const TELLING: [&str; 7] = ["t1@", "t1.home", "sip:t1", "46700000101", T1, "visited.example", "rove/"];

/// Datagrams that came.
type Kept = Arc<Mutex<Vec<Vec<u8>>>>;

/// A wire of its own before a phone: all that comes to `at` is kept and handed on, and answers go back.
struct Wire {
    at: SocketAddr,
    kept: Kept,
    over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Wire {
    fn before(phone: SocketAddr) -> Self {
        let socket = UdpSocket::bind((phone.ip(), 0)).unwrap();
        socket.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
        let (at, kept, over) =
            (socket.local_addr().unwrap(), Kept::default(), Arc::new(AtomicBool::new(false)));
        let (keeps, ends) = (Arc::clone(&kept), Arc::clone(&over));
        let thread = std::thread::spawn(move || {
            let (mut buffer, mut caller) = ([0; 8_192], None);
            while !ends.load(Ordering::Relaxed) {
                let Ok((count, from)) = socket.recv_from(&mut buffer) else { continue };
                let bytes = &buffer[..count];
                let to = if from == phone { caller } else { Some(phone) };
                if from != phone {
                    caller = Some(from);
                    keeps.lock().unwrap().push(bytes.to_vec());
                }
                if let Some(to) = to {
                    let _ = socket.send_to(bytes, to);
                }
            }
        });
        Self { at, kept, over, thread: Some(thread) }
    }

    /// What came, as text; there is an INVITE in it.
    fn heard(mut self) -> String {
        self.over.store(true, Ordering::Relaxed);
        self.thread.take().unwrap().join().unwrap();
        let kept = self.kept.lock().unwrap();
        let text = kept.iter().map(|bytes| String::from_utf8_lossy(bytes)).collect::<Vec<_>>().join("\n");
        assert!(text.starts_with("INVITE "), "{text:?}");
        text
    }
}

/// What of [`TELLING`] stands in `text`, and the name of this machine, if it is one that can be told from words.
fn told(text: &str) -> Vec<String> {
    let host = std::fs::read_to_string("/etc/hostname").unwrap_or_default().trim().to_owned();
    let words = TELLING.iter().map(|word| (*word).to_owned()).chain((host.len() > 6).then_some(host));
    words.filter(|word| text.contains(word.as_str())).collect()
}

#[test]
fn a17_of_a_hidden_caller_no_byte_of_its_call_says_who_it_is() {
    let calls = Calls::new();
    calls.stage.subscribe();
    calls.set(&format!("--msisdn {NUMBER}"));
    // The phone is told a name of its owner's, and has an account besides.
    let settings = calls.stage.path("owner.toml");
    write(&settings, "[[account]]\naddress = \"sip:t1@home.example\"\nregister = false\n");
    let (settings, attach) = (settings.display().to_string(), calls.stage.attach.to_string());
    let (sim, authority) = (calls.stage.path("sim.toml"), calls.stage.path("ca.pem"));
    let more = [
        "--config",
        &settings,
        "--identity",
        "sip:t1@home.example",
        "--attach",
        &attach,
        "--sim",
        sim.to_str().unwrap(),
        "--authority",
        authority.to_str().unwrap(),
        "--for",
        "0.2",
    ];
    // Who calls once more attaches anew; the nodes have found each other by then.
    drop(calls.stage.attached());
    for hides in [false, true] {
        calls.set(if hides { "--hide-caller-id yes" } else { "--hide-caller-id no" });
        let (phone, at) = calls.phone_at("fixed", FLAGS);
        let wire = Wire::before(at);
        succeeds("the call", calls.call(&format!("sip:{}", wire.at), &more));
        let peer = calls.told("fixed", phone)["peer"].to_string();
        let text = wire.heard();
        assert_eq!(peer.contains("anonymous"), hides, "{peer}");
        assert_eq!(told(&text).is_empty(), hides, "{:?} in\n{text}", told(&text));
        assert_eq!(text.contains("home.example"), !hides, "{text}");
        assert_eq!(text.contains("\r\nPrivacy: id;header\r\n"), hides, "{text}");
        assert!(!hides || text.contains("\r\nFrom: \"Anonymous\" <sip:anonymous@anonymous.invalid>;tag="));
    }
}

#[test]
fn a17_forwarding_shows_nothing_that_the_first_leg_hid() {
    let calls = Calls::new();
    let (_terminal, ip) = calls.terminal();
    calls.stage.subscribe_as(BOB, "bob.home.example");
    for hides in [false, true] {
        calls.set(if hides { "--hide-caller-id yes" } else { "--hide-caller-id no" });
        let (phone, at) = calls.phone_at("carol", FLAGS);
        let wire = Wire::before(at);
        let to = format!("sip:carol@{}", wire.at);
        let (code, said, complaints) =
            calls.stage.roved(&["subscriber", "set", BOB, "--forward-always", &to]);
        assert_eq!(code, 0, "{said} {complaints}");
        // This phone does not know that it is hidden: it says all about itself to its home.
        succeeds("the call", calls.call_by(HOME, "t1@home.example", ip, "sip:bob@home.example", "0.2"));
        calls.told("carol", phone);
        let text = wire.heard();
        assert!(text.contains("\r\nHistory-Info: <sip:bob@home.example>"), "{text}");
        assert_eq!(told(&text).is_empty(), hides, "{:?} in\n{text}", told(&text));
    }
}

const BOB: &str = "001010000000002";
/// Of the called phone.
const FLAGS: &str = "--listen 127.0.10.9:0";
