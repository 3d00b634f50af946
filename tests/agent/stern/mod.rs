//! A peer of the test's own that lets nothing pass which is not to the letter of RFC 3261 and RFC 3264.

mod judge;
mod text;

use std::{
    net::{SocketAddr, UdpSocket},
    time::{Duration, Instant},
};

use self::{
    judge::{Dialog, Judge},
    text::{Text, address},
};
use crate::stage::{PATIENCE, answer};

/// The peer: one socket, several dialogs.
struct Stern {
    socket: UdpSocket,
    media: UdpSocket,
    rove: SocketAddr,
    judge: Judge,
    branch: u32,
    version: u32,
    /// What is not asked for yet.
    waiting: Vec<Text>,
    /// Answers to requests of theirs, should these be repeated.
    answered: Vec<(Vec<u8>, Vec<u8>)>,
}

impl Stern {
    fn new(rove: SocketAddr) -> Self {
        let open = || UdpSocket::bind("127.0.0.1:0").unwrap();
        let socket = open();
        socket.set_read_timeout(Some(Duration::from_millis(100))).unwrap();
        let judge = Judge::default();
        Self {
            socket,
            media: open(),
            rove,
            judge,
            branch: 0,
            version: 0,
            waiting: Vec::new(),
            answered: Vec::new(),
        }
    }

    fn own(&self) -> SocketAddr {
        self.socket.local_addr().unwrap()
    }

    /// A description of ours, another with each call.
    fn sdp(&mut self, direction: &str) -> String {
        self.version += 1;
        let port = self.media.local_addr().unwrap().port();
        format!(
            "v=0\r\no=stern 1 {} IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio {port} RTP/AVP 0\r\n\
             a=rtpmap:0 PCMU/8000\r\na={direction}\r\n",
            self.version
        )
    }

    /// Sends a request of ours in `dialog`; the one before it must be answered.
    fn ask(&mut self, dialog: &mut Dialog, method: &str, lines: &str, body: &str) -> Text {
        if method != "ACK" {
            dialog.number += 1;
        }
        self.branch += 1;
        let (own, number, branch) = (self.own(), dialog.number, self.branch);
        let to = if dialog.theirs.is_empty() { String::new() } else { format!(";tag={}", dialog.theirs) };
        let text = format!(
            "{method} {} SIP/2.0\r\nVia: SIP/2.0/UDP {own};branch=z9hG4bKstern{branch};rport\r\nMax-Forwards: 70\r\n\
             From: {};tag={}\r\nTo: {}{to}\r\nCall-ID: {}\r\nCSeq: {number} {method}\r\nContact: <{}>\r\n{lines}\
             Content-Length: {}\r\n\r\n{body}",
            dialog.target,
            dialog.local,
            dialog.ours,
            dialog.remote,
            dialog.call_id,
            dialog.contact,
            body.len()
        );
        self.socket.send_to(text.as_bytes(), self.rove).unwrap();
        Text::read(text.as_bytes()).unwrap()
    }

    /// The next message that `fits`; others wait. Repetitions are answered as before.
    fn next(&mut self, what: &str, fits: impl Fn(&Text) -> bool) -> Text {
        if let Some(at) = self.waiting.iter().position(&fits) {
            return self.waiting.remove(at);
        }
        let deadline = Instant::now() + PATIENCE;
        let mut buffer = vec![0; 65_536];
        while Instant::now() < deadline {
            let Ok((length, from)) = self.socket.recv_from(&mut buffer) else { continue };
            assert_eq!(from, self.rove, "from where it is reached");
            let message = match Text::read(&buffer[..length]) {
                Ok(message) => message,
                Err(why) => {
                    self.judge.complaints.push(why);
                    continue;
                }
            };
            if !message.is_response() && message.method() != "ACK" && !self.judge.request(&message) {
                let again = self.answered.iter().find(|(request, _)| *request == message.raw);
                if let Some((_, response)) = again {
                    self.socket.send_to(response, self.rove).unwrap();
                }
                continue;
            }
            if fits(&message) {
                return message;
            }
            self.waiting.push(message);
        }
        panic!("{what} does not come; waiting: {:#?}; {:#?}", self.waiting, self.judge.complaints);
    }

    /// The final response to `request` of ours.
    fn response(&mut self, request: &Text) -> Text {
        loop {
            let cseq = request.get("CSeq").to_owned();
            let branch = request.branch();
            let fits = |one: &Text| one.is_response() && one.get("CSeq") == cseq && one.branch() == branch;
            let response = self.next(&format!("an answer to {}", request.start), fits);
            self.judge.response(&response, request);
            if response.status() >= 200 {
                return response;
            }
        }
    }

    /// A request of theirs in `dialog`.
    fn request(&mut self, method: &str, dialog: &mut Dialog) -> Text {
        let call_id = dialog.call_id.clone();
        let fits = |one: &Text| !one.is_response() && one.method() == method && one.get("Call-ID") == call_id;
        let request = self.next(method, fits);
        if method != "ACK" {
            self.judge.inside(&request, dialog);
        }
        request
    }

    /// Answers a request of theirs.
    fn answer(&mut self, request: &Text, status: &str, dialog: &Dialog, body: &str) {
        let tag = if request.to_tag().is_empty() { format!(";tag={}", dialog.ours) } else { String::new() };
        let kind = if body.is_empty() { "" } else { "Content-Type: application/sdp\r\n" };
        let text = format!(
            "SIP/2.0 {status}\r\nVia: {}\r\nFrom: {}\r\nTo: {}{tag}\r\nCall-ID: {}\r\nCSeq: {}\r\nContact: <{}>\r\n{kind}\
             Content-Length: {}\r\n\r\n{body}",
            request.get("Via"),
            request.get("From"),
            request.get("To"),
            request.get("Call-ID"),
            request.get("CSeq"),
            dialog.contact,
            body.len()
        );
        self.socket.send_to(text.as_bytes(), self.rove).unwrap();
        self.answered.push((request.raw.clone(), text.into_bytes()));
    }

    /// Calls them.
    fn call(&mut self, name: &str) -> Dialog {
        let (own, rove) = (self.own(), self.rove);
        let mut dialog = Dialog {
            call_id: format!("{name}@stern"),
            ours: format!("t{name}"),
            local: format!("<sip:{name}@stern.example>"),
            remote: format!("<sip:bob@{rove}>"),
            contact: format!("sip:{name}@{own};x=1"),
            target: format!("sip:bob@{rove}"),
            ..Dialog::default()
        };
        self.offer(&mut dialog, "sendrecv");
        dialog
    }

    /// INVITE with an offer of this direction, answered and acknowledged.
    fn offer(&mut self, dialog: &mut Dialog, direction: &str) {
        let sdp = self.sdp(direction);
        let invite = self.ask(dialog, "INVITE", "Content-Type: application/sdp\r\n", &sdp);
        let response = self.response(&invite);
        assert_eq!(response.status(), 200, "{}", response.start);
        if dialog.theirs.is_empty() {
            dialog.theirs = response.to_tag();
        }
        address(response.get("Contact")).clone_into(&mut dialog.target);
        self.judge.description(&response, Some(&sdp), dialog);
        self.ask(dialog, "ACK", "", "");
    }

    /// Takes their re-INVITE, which must have this direction.
    fn reoffered(&mut self, dialog: &mut Dialog, direction: &str) {
        let invite = self.request("INVITE", dialog);
        self.judge.description(&invite, None, dialog);
        assert!(
            invite.body.contains(&format!("a={direction}\r\n")) || direction == "sendrecv",
            "{}",
            invite.body
        );
        let answer = if direction == "sendonly" { "recvonly" } else { "sendrecv" };
        let sdp = self.sdp(answer);
        self.answer(&invite, "200 OK", dialog, &sdp);
        let ack = self.request("ACK", dialog);
        self.judge.ack(&ack, &invite, dialog);
    }

    fn hang_up(&mut self, dialog: &mut Dialog) {
        let bye = self.ask(dialog, "BYE", "", "");
        assert_eq!(self.response(&bye).status(), 200);
    }
}

#[test]
fn a_peer_that_lets_nothing_pass_finds_no_fault_in_a_call_with_hold_reinvite_transfer_and_bye() {
    let (mut bob, rove) = answer("--call-waiting");
    let mut stern = Stern::new(rove);
    let mut first = stern.call("first");
    stern.offer(&mut first, "sendonly");
    stern.offer(&mut first, "sendrecv");
    // Another call: the first is held, and goes on when that is over.
    let mut second = stern.call("second");
    stern.reoffered(&mut first, "sendonly");
    stern.hang_up(&mut second);
    stern.reoffered(&mut first, "sendrecv");
    // They are handed over to somebody else here.
    let own = stern.own();
    let refer = stern.ask(&mut first, "REFER", &format!("Refer-To: <sip:third@{own}>\r\n"), "");
    assert_eq!(stern.response(&refer).status(), 202);
    let invite = stern.next("INVITE", |one| one.method() == "INVITE" && one.to_tag().is_empty());
    assert_eq!(invite.uri(), format!("sip:third@{own}"));
    let mut third = Dialog {
        call_id: invite.get("Call-ID").into(),
        ours: "tthird".into(),
        theirs: invite.tag_of_from(),
        local: invite.get("To").into(),
        remote: invite.get("From").into(),
        contact: format!("sip:third@{own};y=2"),
        target: address(invite.get("Contact")).into(),
        heard: Some(invite.cseq().0),
        ..Dialog::default()
    };
    stern.judge.description(&invite, None, &mut third);
    stern.answer(&invite, "180 Ringing", &third, "");
    let sdp = stern.sdp("sendrecv");
    stern.answer(&invite, "200 OK", &third, &sdp);
    let ack = stern.request("ACK", &mut third);
    stern.judge.ack(&ack, &invite, &third);
    loop {
        let notify = stern.request("NOTIFY", &mut first);
        let status = stern.judge.notify(&notify);
        stern.answer(&notify, "200 OK", &first, "");
        if status >= 200 {
            assert_eq!(status, 200);
            break;
        }
    }
    stern.hang_up(&mut first);
    bob.interrupt();
    let bye = stern.request("BYE", &mut third);
    stern.answer(&bye, "200 OK", &third, "");
    assert_eq!(bob.wait(PATIENCE).and_then(|status| status.code()), Some(0), "{}", bob.complaints());
    assert!(stern.judge.complaints.is_empty(), "{}", stern.judge.complaints.join("\n\n"));
}

#[test]
fn the_stern_peer_does_find_fault_where_there_is_some() {
    let text = |lines: &str| Text::read(format!("BYE sip:a@b SIP/2.0\r\n{lines}\r\n").as_bytes()).unwrap();
    let fine = "Via: SIP/2.0/UDP b;branch=z9hG4bK1;rport\r\nFrom: <sip:t@b>;tag=t\r\nTo: <sip:o@b>;tag=o\r\n\
                Call-ID: c\r\nCSeq: 2 BYE\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n";
    let dialog = || Dialog {
        call_id: "c".into(),
        ours: "o".into(),
        theirs: "t".into(),
        local: "<sip:o@b>".into(),
        remote: "<sip:t@b>".into(),
        contact: "sip:a@b".into(),
        heard: Some(1),
        ..Dialog::default()
    };
    let found = |lines: &str| {
        let (mut judge, mut dialog) = (Judge::default(), dialog());
        let request = text(lines);
        judge.request(&request);
        judge.inside(&request, &mut dialog);
        judge.complaints.len()
    };
    assert_eq!(found(fine), 0);
    for (what, from, to) in [
        ("a number skipped", "CSeq: 2", "CSeq: 3"),
        ("another tag", "tag=t", "tag=x"),
        ("no cookie", "z9hG4bK", "a"),
        ("another method", "2 BYE", "2 INVITE"),
        ("a wrong length", "Length: 0", "Length: 3"),
        ("no Max-Forwards", "Max-Forwards: 70\r\n", ""),
    ] {
        assert!(found(&fine.replace(from, to)) > 0, "{what}");
    }
}
