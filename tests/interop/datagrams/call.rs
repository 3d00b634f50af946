//! A call placed by hand, for the media addresses that both ends agree on.

use std::{
    net::{SocketAddr, UdpSocket},
    time::{Duration, Instant},
};

use rove_core::rtcp::{Packet, parse};
use rove_tests::programs::Running;

use crate::stage::PATIENCE;

/// A standing call in PCMU, with RTCP on a port of its own.
pub(super) struct Call {
    signalling: UdpSocket,
    peer: SocketAddr,
    /// The callee's To header, with its tag.
    to: String,
    rtp: (UdpSocket, SocketAddr),
    rtcp: (UdpSocket, SocketAddr),
}

impl Call {
    /// Calls `peer` and acknowledges its answer.
    pub(super) fn place(peer: SocketAddr) -> Self {
        let [signalling, rtp, rtcp] = [(); 3].map(|()| {
            let socket = UdpSocket::bind("127.0.0.1:0").expect("loopback");
            socket.set_read_timeout(Some(Duration::from_millis(200))).expect("a timeout");
            socket
        });
        let body = format!(
            "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n\
             m=audio {} RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\na=rtcp:{}\r\n",
            port(&rtp),
            port(&rtcp)
        );
        let to = format!("To: <sip:bob@{peer}>");
        let invite = request(&signalling, peer, &to, (1, "INVITE"), &body);
        let answer = ask(&signalling, peer, &invite, "1 INVITE");
        let to = answer.lines().find(|line| line.starts_with("To:")).expect("a To header").to_owned();
        let agreed = media(&answer).unwrap_or_else(|| panic!("no ports in {answer}"));
        let [to_rtp, to_rtcp] = agreed.map(|port| SocketAddr::from((peer.ip(), port)));
        let acknowledgement = request(&signalling, peer, &to, (1, "ACK"), "");
        signalling.send_to(acknowledgement.as_bytes(), peer).expect("loopback");
        Self { signalling, peer, to, rtp: (rtp, to_rtp), rtcp: (rtcp, to_rtcp) }
    }

    /// Where the callee hears: RTP and RTCP.
    pub(super) fn ears(&self) -> [SocketAddr; 2] {
        [self.rtp.1, self.rtcp.1]
    }

    pub(super) fn send_rtp(&self, datagram: &[u8]) {
        let _ = self.rtp.0.send_to(datagram, self.rtp.1);
    }

    pub(super) fn send_rtcp(&self, datagram: &[u8]) {
        let _ = self.rtcp.0.send_to(datagram, self.rtcp.1);
    }

    /// Waits for a report of the callee's that names a sender report of this end: it was read.
    pub(super) fn was_reported(&self) -> bool {
        let deadline = Instant::now() + PATIENCE;
        let mut buffer = [0; 2_048];
        while Instant::now() < deadline {
            let Ok((length, _)) = self.rtcp.0.recv_from(&mut buffer) else { continue };
            let Ok(compound) = parse(&buffer[..length]) else { continue };
            let named = compound.packets().any(|packet| match packet {
                Packet::SenderReport { reports, .. } | Packet::ReceiverReport { reports, .. } => {
                    reports.iter().any(|block| block.last_sr != 0)
                }
                _ => false,
            });
            if named {
                return true;
            }
        }
        false
    }

    /// Ends the call and answers how many packets `callee` says it received in it.
    pub(super) fn end(self, callee: &Running) -> Option<u64> {
        let bye = request(&self.signalling, self.peer, &self.to, (2, "BYE"), "");
        ask(&self.signalling, self.peer, &bye, "2 BYE");
        let deadline = Instant::now() + PATIENCE;
        let mut said = String::new();
        while Instant::now() < deadline {
            said = said + &callee.complaints() + "\n";
            if let Some(received) = received(&said) {
                return Some(received);
            }
            std::thread::park_timeout(Duration::from_millis(20));
        }
        None
    }
}

/// What the table of the call that the other side ended says; nobody but [`Call::end`] ends one meanwhile.
fn received(said: &str) -> Option<u64> {
    let mut lines = said.lines().skip_while(|line| {
        !(line.starts_with("callee → ") && line.contains("the other side ended the call"))
    });
    let figures = lines.find(|line| line.starts_with("  sent "))?;
    figures.split_once("received ")?.1.split_once(',')?.0.parse().ok()
}

/// Repeats `request` until its final answer comes, which has to be 200.
fn ask(socket: &UdpSocket, peer: SocketAddr, request: &str, sequence: &str) -> String {
    let deadline = Instant::now() + PATIENCE;
    let mut buffer = [0; 4_096];
    while Instant::now() < deadline {
        socket.send_to(request.as_bytes(), peer).expect("loopback");
        while let Ok((length, _)) = socket.recv_from(&mut buffer) {
            let text = String::from_utf8_lossy(&buffer[..length]).into_owned();
            let answers = text.contains(&format!("CSeq: {sequence}\r\n"));
            if answers && !text.starts_with("SIP/2.0 1") {
                assert!(text.starts_with("SIP/2.0 200"), "{text}");
                return text;
            }
        }
    }
    panic!("{peer} does not answer {sequence}");
}

fn request(
    socket: &UdpSocket,
    peer: SocketAddr,
    to: &str,
    (number, method): (u32, &str),
    body: &str,
) -> String {
    let own = port(socket);
    let kind = if body.is_empty() { "" } else { "Content-Type: application/sdp\r\n" };
    format!(
        "{method} sip:bob@{peer} SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:{own};branch=z9hG4bKbarrage{method}\r\n\
         Max-Forwards: 70\r\nFrom: <sip:barrage@127.0.0.1>;tag=barrage\r\n{to}\r\nCall-ID: barrage@{own}\r\n\
         CSeq: {number} {method}\r\nContact: <sip:barrage@127.0.0.1:{own}>\r\n\
         {kind}Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

/// The ports of RTP and RTCP in an answer.
fn media(answer: &str) -> Option<[u16; 2]> {
    let after = |name: &str| {
        let rest = answer.lines().find_map(|line| line.strip_prefix(name))?;
        rest.split_whitespace().next()?.parse::<u16>().ok()
    };
    let rtp = after("m=audio ")?;
    Some([rtp, after("a=rtcp:").unwrap_or(rtp + 1)])
}

fn port(socket: &UdpSocket) -> u16 {
    socket.local_addr().expect("bound").port()
}
