//! A proof of the password is given to the server it is for, inside a request of our own, and to nobody else.

use std::{net::SocketAddr, time::Duration};

use rove_tests::programs::{Running, program};

use crate::stage::{Client, Impostor, PASSWORD, PATIENCE, Server, challenge, loopback, number, words};

/// The phone of bob, whose server is `server`, with what else its command line says.
struct Victim {
    process: Running,
    folder: tempfile::TempDir,
}

impl Victim {
    fn start(command: &str, server: SocketAddr, more: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let password = folder.path().join("password");
        std::fs::write(&password, PASSWORD).unwrap();
        let mut args = words(command);
        args.extend(words("--listen 127.0.0.1:0 --dns-server 127.0.0.1:9"));
        args.extend(["--server".into(), format!("sip:{server}"), "--password-file".into()]);
        args.push(password.display().to_string());
        args.extend(more.iter().map(|&word| word.to_owned()));
        Self { process: Running::start(&program("rove"), &args), folder }
    }

    /// One that answers calls and is registered as bob at `server`; and where it listens.
    fn registered(server: &Impostor, more: &[&str]) -> (Self, SocketAddr) {
        let mut victim =
            Self::start("answer --ready-json --register sip:bob@home.example", server.0.address(), more);
        let (register, from) = server.hear("REGISTER", PATIENCE, false).expect("a REGISTER");
        server.reply(&register, from, "401 Unauthorized", &challenge(ASKS, "home.example", "ours"), "");
        let (proven, from) = proven(server);
        server.reply(&proven, from, "200 OK", &format!("{}\r\nExpires: 3600\r\n", contact(&proven)), "");
        let ready = victim.process.ready(PATIENCE);
        let at = ready["sip"][0].as_str().expect("an address").parse().unwrap();
        (victim, at)
    }
}

/// The next REGISTER with a proof for the server's own challenge.
fn proven(server: &Impostor) -> (String, SocketAddr) {
    loop {
        let (register, from) = server.hear("REGISTER", PATIENCE, true).expect("a REGISTER");
        if register.contains("Authorization: Digest") {
            assert!(register.contains("nonce=\"ours\""), "{register}");
            return (register, from);
        }
    }
}

fn contact(request: &str) -> &str {
    request.lines().find(|line| line.starts_with("Contact:")).expect("a contact")
}

#[test]
fn the_server_is_given_the_proof_also_when_the_request_is_too_long_for_datagrams() {
    for server in [Server::start(""), Server::of_datagrams()] {
        let bob = server.bob(&["--calls", "1"]);
        let (alice, _) = server.alice(1);
        let (code, said, complaints) = alice.outcome(PATIENCE);
        assert_eq!(code, 0, "{said}\n{complaints}");
        let (code, said, complaints) = bob.outcome(PATIENCE);
        assert_eq!(code, 0, "{said}\n{complaints}");
    }
}

#[test]
fn a_challenge_from_elsewhere_inside_a_pending_registration_is_not_answered() {
    let (server, stranger) = (Impostor::new(), Impostor::new());
    let _bob = Victim::start("register sip:bob@home.example", server.0.address(), &[]);
    let (register, from) = server.hear("REGISTER", PATIENCE, false).expect("a REGISTER");
    // Word for word what the server might say, but from another address.
    for status in ["401 Unauthorized", "407 Proxy Authentication Required"] {
        for name in [ASKS, PROXY_ASKS] {
            stranger.reply(&register, from, status, &challenge(name, "home.example", "theirs"), "");
        }
    }
    assert_eq!(stranger.hear("REGISTER", LONG_ENOUGH, false), None);
    // It still waits for the server.
    let (register, from) = server.hear("REGISTER", PATIENCE, false).expect("a REGISTER");
    server.reply(&register, from, "401 Unauthorized", &challenge(ASKS, "home.example", "ours"), "");
    proven(&server);
}

#[test]
fn a_challenge_for_another_realm_than_the_one_told_is_not_answered() {
    let server = Impostor::new();
    let more = ["--realm", "home.example"];
    let _bob = Victim::start("register sip:bob@home.example", server.0.address(), &more);
    let (register, from) = server.hear("REGISTER", PATIENCE, false).expect("a REGISTER");
    let both = challenge(ASKS, "evil.example", "theirs") + &challenge(PROXY_ASKS, "evil.example", "theirs");
    server.reply(&register, from, "401 Unauthorized", &both, "");
    while server.hear("REGISTER", LONG_ENOUGH, false).is_some() {}
}

#[test]
fn a_callee_that_challenges_an_invite_sees_no_proof() {
    let (server, peer) = (Impostor::new(), Impostor::new());
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    std::fs::write(path("password"), PASSWORD).unwrap();
    let account = format!(
        "[[account]]\naddress = \"sip:bob@home.example\"\npassword_file = \"{}\"\nserver = \"sip:{}\"\nregister = false\n",
        path("password").display(),
        server.0.address()
    );
    std::fs::write(path("rove.toml"), account).unwrap();
    for (status, name) in [("401 Unauthorized", ASKS), ("407 Proxy Authentication Required", PROXY_ASKS)] {
        let mut args = words("call --for 1 --listen 127.0.0.1:0 --dns-server 127.0.0.1:9");
        args.extend([format!("sip:eve@{}", peer.0.address()), "--config".into()]);
        args.push(path("rove.toml").display().to_string());
        let call = Running::start(&program("rove"), &args);
        let (invite, from) = peer.hear("INVITE", PATIENCE, false).expect("an INVITE");
        peer.reply(&invite, from, status, &challenge(name, "home.example", "theirs"), "");
        assert!(peer.hear("ACK", PATIENCE, false).is_some(), "{status}");
        let (code, said, complaints) = call.outcome(PATIENCE);
        assert_eq!(code, 1, "{said}\n{complaints}");
        assert_eq!(peer.hear("INVITE", Duration::from_millis(100), false), None, "{status}");
    }
}

/// Has eve call bob and the call established.
pub(crate) fn establish(eve: &Client, bob: SocketAddr) -> Dialog {
    let at = eve.address();
    let n = number();
    let sdp = format!(
        "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio {} RTP/AVP 0\r\na=rtcp-mux\r\n",
        at.port()
    );
    let head = |method: &str, to: &str, more: &str, body: &str| {
        format!(
            "{method} sip:bob@{bob} SIP/2.0\r\nVia: SIP/2.0/UDP {at};branch=z9hG4bKe{};rport\r\nMax-Forwards: 70\r\n\
             From: <sip:eve@{at}>;tag=eve{n}\r\nTo: <sip:bob@home.example>{to}\r\nCall-ID: eve{n}\r\nCSeq: 1 {method}\r\n\
             Contact: <sip:eve@{at}>\r\n{more}Content-Length: {}\r\n\r\n{body}",
            number(),
            body.len()
        )
    };
    // Challenges in requests are nobody's to answer either.
    let more = challenge(ASKS, "home.example", "theirs")
        + &challenge(PROXY_ASKS, "home.example", "theirs")
        + "Content-Type: application/sdp\r\n";
    let invite = head("INVITE", "", &more, &sdp);
    let answer = eve.ask(bob, invite.as_bytes());
    assert_eq!(answer.status.code(), 200, "{answer:?}");
    let text = format!("{answer:?}");
    assert!(!text.contains("Digest"), "given away: {text}");
    let to = answer.headers.to().unwrap();
    let tag = format!(";tag={}", to.tag().expect("a tag"));
    eve.socket.send_to(head("ACK", &tag, "", "").as_bytes(), bob).unwrap();
    let body = String::from_utf8_lossy(&answer.body).into_owned();
    let media = body.lines().find_map(|line| line.strip_prefix("m=audio ")?.split(' ').next()?.parse().ok());
    Dialog {
        id: format!("eve{n}"),
        bye: head("BYE", &tag, &more, "").replace("CSeq: 1", "CSeq: 2"),
        media: loopback(media.expect("a port")),
    }
}

/// A call that stands.
pub(crate) struct Dialog {
    id: String,
    /// What ends it.
    pub(crate) bye: String,
    /// Where bob hears.
    pub(crate) media: SocketAddr,
}

#[test]
fn a_bye_of_ours_that_the_peer_challenges_is_not_sent_again_with_a_proof() {
    let server = Impostor::new();
    for (status, name) in [("401 Unauthorized", ASKS), ("407 Proxy Authentication Required", PROXY_ASKS)] {
        let (_bob, at) = Victim::registered(&server, &["--for", "0.2", "--srtp", "off"]);
        let eve = Impostor::new();
        let dialog = establish(&eve.0, at);
        let (bye, from) = eve.hear("BYE", PATIENCE, false).expect("a BYE");
        assert!(bye.contains(&dialog.id), "{bye}");
        eve.reply(&bye, from, status, &challenge(name, "home.example", "theirs"), "");
        assert_eq!(eve.hear("BYE", LONG_ENOUGH, false), None, "{status}");
    }
}

#[test]
fn a_bye_of_the_peer_that_brings_a_challenge_is_answered_without_a_proof() {
    let server = Impostor::new();
    let (_bob, at) = Victim::registered(&server, &["--srtp", "off"]);
    let eve = Client::new();
    let dialog = establish(&eve, at);
    let answer = eve.ask(at, dialog.bye.as_bytes());
    assert_eq!(answer.status.code(), 200, "{answer:?}");
    let text = format!("{answer:?}");
    assert!(!text.contains("uthorization") && !text.contains("Digest"), "given away: {text}");
}

#[test]
fn a_re_invite_of_ours_that_the_peer_challenges_is_not_sent_again_with_a_proof() {
    let server = Impostor::new();
    let (bob, at) = Victim::registered(&server, &["--call-waiting", "--srtp", "off"]);
    let (eve, mallory) = (Impostor::new(), Client::new());
    let dialog = establish(&eve.0, at);
    // A second call puts the first on hold.
    establish(&mallory, at);
    let (invite, from) = eve.hear("INVITE", PATIENCE, false).expect("a re-INVITE");
    assert!(invite.contains(&dialog.id), "{invite}");
    let both = challenge(ASKS, "home.example", "theirs") + &challenge(PROXY_ASKS, "home.example", "theirs");
    eve.reply(&invite, from, "401 Unauthorized", &both, "");
    assert!(eve.hear("ACK", PATIENCE, false).is_some());
    assert_eq!(eve.hear("INVITE", LONG_ENOUGH, false), None);
    drop(bob.folder);
}

const ASKS: &str = "WWW-Authenticate";
const PROXY_ASKS: &str = "Proxy-Authenticate";
/// Longer than any repetition that would still come.
const LONG_ENOUGH: Duration = Duration::from_millis(700);
