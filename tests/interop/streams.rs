//! Phones whose signalling goes over streams: TCP, TLS, WebSocket, secure WebSocket.

use std::{
    net::{SocketAddr, TcpStream},
    path::PathBuf,
    time::{Duration, Instant},
};

use rove_phone::{CallId, CallReport, Certificate, Phone, PhoneConfig, PhoneEvent, Progress, Transport};

use crate::stage::{PATIENCE, answer, answer_ready};

/// An authority made for one test, and what it certifies.
pub(crate) struct Trust {
    _folder: tempfile::TempDir,
    pub(crate) authority: PathBuf,
    pub(crate) certificate: Certificate,
}

impl Trust {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut params = rcgen::CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        let issuer =
            rcgen::CertifiedIssuer::self_signed(params, rcgen::KeyPair::generate().unwrap()).unwrap();
        let key = rcgen::KeyPair::generate().unwrap();
        let names = ["localhost", "127.0.0.1", "::1"].map(str::to_owned);
        let own = rcgen::CertificateParams::new(names).unwrap().signed_by(&key, &issuer).unwrap();
        let write = |name: &str, text: String| {
            let path = folder.path().join(name);
            std::fs::write(&path, text).unwrap();
            path
        };
        let authority = write("ca.pem", issuer.pem());
        let certificate =
            Certificate { chain: write("cert.pem", own.pem()), key: write("key.pem", key.serialize_pem()) };
        Self { _folder: folder, authority, certificate }
    }

    /// A phone that listens in all transports at `ip`.
    fn phone(&self, ip: &str) -> Option<Phone> {
        let at = vec![SocketAddr::new(ip.parse().unwrap(), 0)];
        let config = PhoneConfig {
            listen: at.clone(),
            sip_tls: at.clone(),
            sip_ws: at.clone(),
            sip_wss: at,
            tls_certificate: Some(self.certificate.clone()),
            tls_ca: Some(self.authority.clone()),
            dns_servers: vec![NOWHERE.into()],
            ..PhoneConfig::default()
        };
        Phone::start(config).ok()
    }
}

/// Where `phone` listens in `transport`.
fn address(phone: &Phone, transport: Transport) -> SocketAddr {
    let listens = phone.sip_streams().iter().find(|one| one.transport == transport);
    listens.map(|one| one.address).unwrap_or_else(|| phone.sip_addresses()[0])
}

/// A call that is answered, and ended by the caller or by the callee.
fn call(caller: &Phone, callee: &Phone, target: &str, callee_ends: bool) -> [CallReport; 2] {
    let call = caller.dial(target).unwrap();
    let began = Instant::now();
    let mut reports: [Option<CallReport>; 2] = [None, None];
    let mut theirs: Option<CallId> = None;
    while began.elapsed() < PATIENCE {
        while let Some(event) = callee.next_event(Duration::from_millis(5)) {
            match event {
                PhoneEvent::Call { call, progress: Progress::Incoming { .. } } => {
                    theirs = Some(call);
                    callee.answer(call);
                }
                PhoneEvent::Ended { report, .. } => reports[1] = Some(*report),
                _ => {}
            }
        }
        while let Some(event) = caller.next_event(Duration::from_millis(5)) {
            match event {
                PhoneEvent::Call { progress: Progress::Answered { .. }, .. } => match theirs {
                    Some(theirs) if callee_ends => callee.hang_up(theirs),
                    _ => caller.hang_up(call),
                },
                PhoneEvent::Ended { report, .. } => {
                    if !report.succeeded() {
                        return [*report.clone(), *report];
                    }
                    reports[0] = Some(*report);
                }
                _ => {}
            }
        }
        if let [Some(ours), Some(theirs)] = &reports {
            return [ours.clone(), theirs.clone()];
        }
    }
    panic!("the call to {target} does not end");
}

#[test]
fn two_phones_call_each_other_in_every_transport_and_family() {
    let trust = Trust::new();
    for ip in ["127.0.0.1", "::1"] {
        let (Some(alice), Some(bob)) = (trust.phone(ip), trust.phone(ip)) else {
            println!("skipped: no {ip} here");
            continue;
        };
        for transport in [Transport::Udp, Transport::Tcp, Transport::Tls, Transport::Ws, Transport::Wss] {
            for callee_ends in [false, true] {
                let target = format!("sip:bob@{};transport={transport}", address(&bob, transport));
                for report in call(&alice, &bob, &target, callee_ends) {
                    assert!(report.succeeded(), "{target}, callee ends {callee_ends}: {report:?}");
                }
            }
        }
        let secure = format!("sips:bob@{}", address(&bob, Transport::Tls));
        for report in call(&alice, &bob, &secure, false) {
            assert!(report.succeeded(), "{secure}: {report:?}");
        }
    }
}

#[test]
fn a_phone_that_nobody_vouches_for_is_not_called() {
    let trust = Trust::new();
    let bob = trust.phone("127.0.0.1").unwrap();
    let alice = Trust::new().phone("127.0.0.1").unwrap();
    let [report, _] = call(&alice, &bob, &format!("sips:bob@{}", address(&bob, Transport::Tls)), false);
    assert_eq!(report.cause, "unreachable", "{report:?}");
}

/// 500 streams that say nothing, 10 000 in the long form, each from an address of its own: TCP, and TLS without a
/// handshake.
#[test]
fn idle_streams_keep_no_call_out() {
    let count: u32 = if std::env::var_os("ROVE_PROVE").is_some() { 10_000 } else { 500 };
    let trust = Trust::new();
    let path = |path: &PathBuf| path.display().to_string();
    let (cert, key) = (path(&trust.certificate.chain), path(&trust.certificate.key));
    let (mut callee, ready) = answer_ready(&["--tls-cert", &cert, "--tls-key", &key]);
    let stream = |transport: &str| -> SocketAddr {
        let streams = ready["streams"].as_array().unwrap();
        let listens = streams.iter().find(|one| one["transport"] == transport).unwrap();
        listens["address"].as_str().unwrap().parse().unwrap()
    };
    let before = callee.resident_kib();
    let mut idle = Vec::new();
    for n in 0..count {
        let [_, _, c, d] = n.to_be_bytes();
        let from = SocketAddr::from(([127, 1, c, d], 0));
        let to = stream(if n % 2 == 0 { "tcp" } else { "tls" });
        idle.push(open(from, to));
    }
    let alice = trust.phone("127.0.0.1").unwrap();
    for transport in ["udp", "tcp", "tls"] {
        let to = if transport == "udp" { stream("tcp") } else { stream(transport) };
        let began = Instant::now();
        let target = format!("sip:bob@{to};transport={transport}");
        let call = alice.dial(&target).unwrap();
        let report = loop {
            match alice.next_event(PATIENCE).expect("the call goes on") {
                PhoneEvent::Call { progress: Progress::Answered { .. }, .. } => alice.hang_up(call),
                PhoneEvent::Ended { report, .. } => break report,
                _ => {}
            }
        };
        assert!(report.succeeded(), "{target}: {report:?}");
        println!("{count} idle, {transport}: {:?}", began.elapsed());
    }
    let after = callee.resident_kib();
    println!("{count} idle: {before:?} KiB before, {after:?} KiB after");
    if let (Some(before), Some(after)) = (before, after) {
        assert!(after < before + 40_000, "{before} KiB, then {after} KiB");
    }
    assert!(callee.is_alive());
}

/// A stream from an address of our choice.
fn open(from: SocketAddr, to: SocketAddr) -> TcpStream {
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
    socket.bind(&from.into()).unwrap();
    socket.connect_timeout(&to.into(), PATIENCE).unwrap();
    socket.into()
}

#[test]
fn what_cannot_be_framed_is_answered_with_400_and_the_next_caller_is_served() {
    use std::io::{Read as _, Write as _};
    let (_callee, address) = answer(&[]);
    let head = format!(
        "Via: SIP/2.0/TCP {address};branch=z9hG4bK1\r\nFrom: <sip:a@x>;tag=1\r\nTo: <sip:b@x>\r\nCall-ID: 1\r\n\
         CSeq: 1 OPTIONS\r\n"
    );
    for (length, wanted) in [("", "SIP/2.0 400 "), ("Content-Length: 0\r\n", "SIP/2.0 200 ")] {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        write!(stream, "OPTIONS sip:b@{address} SIP/2.0\r\n{head}{length}\r\n").unwrap();
        let mut answer = vec![0; 2_000];
        let count = stream.read(&mut answer).unwrap();
        let text = String::from_utf8_lossy(&answer[..count]);
        assert!(text.starts_with(wanted), "{text}");
        if wanted.contains("400") {
            assert_eq!(stream.read(&mut answer).unwrap(), 0, "closed");
        }
    }
}

/// No name server: these tests call addresses.
pub(crate) const NOWHERE: ([u8; 4], u16) = ([127, 0, 0, 1], 9);
