//! What `rove answer` publishes at its server: a server of the test's own keeps it.

use std::{
    collections::BTreeMap,
    net::UdpSocket,
    time::{Duration, Instant},
};

use crate::stage::{PATIENCE, account, answer, begin, registrar, rove, words};
use rove_tests::programs::{Running, program};

/// Takes whatever it is sent, and answers it as a registrar and a keeper of state would.
struct Keeper {
    socket: UdpSocket,
    tags: u32,
}

/// A request that came.
#[derive(Debug)]
struct Heard {
    method: String,
    lines: BTreeMap<String, String>,
    body: String,
}

impl Keeper {
    /// The next request, answered. `None`: none has come for so long.
    fn next(&mut self, patience: Duration) -> Option<Heard> {
        self.socket.set_read_timeout(Some(patience)).unwrap();
        let mut buffer = [0; 65_536];
        let (length, from) = self.socket.recv_from(&mut buffer).ok()?;
        let text = String::from_utf8_lossy(&buffer[..length]).into_owned();
        let (head, body) = text.split_once("\r\n\r\n").expect("a message");
        let mut lines = head.split("\r\n");
        let method = lines.next().unwrap().split(' ').next().unwrap().to_owned();
        let lines: BTreeMap<String, String> = lines
            .filter_map(|line| line.split_once(": "))
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        let line = |name: &str| lines.get(name).cloned().unwrap_or_default();
        self.tags += 1;
        let own = match method.as_str() {
            "REGISTER" => format!("Contact: {}\r\n", line("Contact")),
            _ => format!("SIP-ETag: e{}\r\nExpires: {}\r\n", self.tags, line("Expires")),
        };
        let answer = format!(
            "SIP/2.0 200 OK\r\nVia: {}\r\nFrom: {}\r\nTo: {};tag=keeper\r\nCall-ID: {}\r\nCSeq: {}\r\n{own}\
             Content-Length: 0\r\n\r\n",
            line("Via"),
            line("From"),
            line("To"),
            line("Call-ID"),
            line("CSeq")
        );
        self.socket.send_to(answer.as_bytes(), from).unwrap();
        Some(Heard { method, lines, body: body.to_owned() })
    }

    /// The next PUBLISH of this package that does not take it back.
    fn publish(&mut self, package: &str) -> Heard {
        let deadline = Instant::now() + PATIENCE;
        let mut seen = Vec::new();
        while Instant::now() < deadline {
            let Some(heard) = self.next(Duration::from_millis(100)) else { continue };
            let about =
                heard.method == "PUBLISH" && heard.lines.get("Event").is_some_and(|one| one == package);
            if about && heard.lines.get("Expires").is_some_and(|time| time != "0") {
                return heard;
            }
            seen.push(heard);
        }
        panic!("no PUBLISH of {package}: {seen:#?}");
    }
}

#[test]
fn presence_and_dialogs_are_published_anew_when_they_change_and_taken_back_at_the_end() {
    let mut keeper = Keeper { socket: UdpSocket::bind("127.0.0.1:0").unwrap(), tags: 0 };
    let server = keeper.socket.local_addr().unwrap();
    let line = format!(
        "answer --listen 127.0.0.1:0 --dns-server 127.0.0.1:9 --register sip:bob@h.example --server {server} \
         --publish-state --ready-json"
    );
    let mut bob = Running::start(&program("rove"), words(&line));
    let first = keeper.publish("presence");
    assert!(first.body.contains("<basic>open</basic>"), "{first:#?}");
    assert!(!first.lines.contains_key("SIP-If-Match"));
    let none = keeper.publish("dialog");
    assert!(none.body.contains("dialog-info") && !none.body.contains("<dialog "), "{none:#?}");
    let ready = bob.ready(PATIENCE);
    let address = ready["sip"][0].as_str().unwrap().to_owned();
    let mut alice = begin("call", &format!("sip:bob@{address}"), "");
    let call = loop {
        let call = keeper.publish("dialog");
        if call.body.contains("confirmed") {
            break call;
        }
    };
    assert!(call.lines.contains_key("SIP-If-Match"), "it takes the place of the one before: {call:#?}");
    assert!(!call.body.contains("version=\"0\""), "it counts: {call:#?}");
    bob.interrupt();
    let mut gone = std::collections::BTreeSet::new();
    let until = Instant::now() + PATIENCE;
    while gone.len() < 2 {
        assert!(Instant::now() < until, "only {gone:?} were taken back");
        let Some(heard) = keeper.next(Duration::from_millis(100)) else { continue };
        if heard.method == "PUBLISH" && heard.lines.get("Expires").is_some_and(|time| time == "0") {
            assert!(heard.lines.contains_key("SIP-If-Match") && heard.body.is_empty(), "{heard:#?}");
            gone.insert(heard.lines["Event"].clone());
        }
    }
    alice.wait(PATIENCE);
    while bob.is_alive() {
        keeper.next(Duration::from_millis(50));
    }
}

#[test]
fn b7_what_a_phone_publishes_is_kept_by_roved_and_told_to_who_watches() {
    let (_node, server) = registrar();
    let dir = tempfile::tempdir().unwrap();
    let config = account(dir.path(), "alice", server);
    let (mut bob, _) =
        answer(&format!("--register sip:bob@home.example --server {server} --publish-state --most-calls 1"));
    let mut watch = begin("watch", "sip:bob@home.example", &format!("--config {config}"));
    watch.line_with("is open", PATIENCE);
    let mut call = begin("call", "sip:bob@home.example", &format!("--for 3 --config {config}"));
    let busy = watch.line_with("in a call", PATIENCE);
    assert!(busy.contains("is closed, in a call"), "{busy}");
    watch.line_with("is open", PATIENCE);
    assert_eq!(call.wait(PATIENCE).and_then(|status| status.code()), Some(0), "{}", call.complaints());
    bob.interrupt();
    watch.line_with("is closed", PATIENCE);
    assert_eq!(bob.wait(PATIENCE).and_then(|status| status.code()), Some(0), "{}", bob.complaints());
    watch.interrupt();
    watch.wait(PATIENCE);
    // Who is not of the domain learns nothing, of nobody.
    for user in ["bob", "nobody"] {
        let target = format!("sip:{user}@home.example");
        let stranger = dir.path().join("eve.toml");
        let text =
            std::fs::read_to_string(&config).unwrap().replace("alice@home.example", "eve@elsewhere.example");
        std::fs::write(&stranger, text).unwrap();
        let line = format!("--account eve@elsewhere.example --config {}", stranger.display());
        let (code, said, complaints) = rove("watch", &target, &line);
        assert_eq!(code, 1, "{said}{complaints}");
        assert!(complaints.contains("403"), "{complaints}");
    }
}
