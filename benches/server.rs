//! What a registrar and proxy spends: on a REGISTER, with and without a password, on OPTIONS, on a whole call.
#![expect(clippy::expect_used, reason = "a bench may stop")]

use std::{net::SocketAddr, time::Duration};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use rove_base::{Arrival, Entropy, Flow, Machine, Now, Scratch, Step};
use rove_sip::{
    digest::{Algorithm, Answerer, Asking, Login, Users, VerifierConfig},
    message::{HeaderName, Message, Request, Response, StatusCode},
    registrar::RegistrarConfig,
    server::{Limits, SipServer, SipServerConfig},
    transport::LocalAddress,
};
use rustix::time::{ClockId, clock_gettime};

const HERE: ([u8; 4], u16) = ([192, 0, 2, 1], 5060);
const CALLER: ([u8; 4], u16) = ([192, 0, 2, 11], 5060);
const CALLEE: ([u8; 4], u16) = ([192, 0, 2, 12], 5060);

/// A server, its time, and the processor time it alone has used.
struct Desk {
    server: SipServer,
    now: Now,
    scratch: Scratch,
    busy: Duration,
    number: u64,
}

impl Desk {
    fn new(password: bool) -> Self {
        let registrar = RegistrarConfig::new(vec!["home.example".parse().expect("a host")]);
        let mut config = SipServerConfig::new(registrar, vec![LocalAddress::udp(HERE.into())]);
        config.limits = Limits { requests_per_second: 0, transactions: 1_000_000, ..Limits::default() };
        config.bindings.bindings = 10_000_000;
        config.bindings.bindings_per_aor = 10_000;
        if password {
            let mut users = Users::new("home.example");
            users.add_password("bob", "builder", &[Algorithm::Sha256]);
            config.users = Some(users);
            config.verifier =
                VerifierConfig { algorithms: vec![Algorithm::Sha256], ..VerifierConfig::default() };
        }
        let server = SipServer::new(config, Entropy::from_number(1));
        Self {
            server,
            now: Now::default(),
            scratch: Scratch::with_capacity(65_536),
            busy: Duration::ZERO,
            number: 0,
        }
    }

    /// Hands a datagram over and answers what is sent, with the time that took.
    fn say(&mut self, from: ([u8; 4], u16), bytes: &[u8]) -> Vec<(SocketAddr, Vec<u8>)> {
        let flow = Flow::udp(HERE.into(), from.into());
        self.scratch.clear();
        let mut sent = Vec::with_capacity(4);
        let start = cpu_time();
        self.server.handle(self.now, Arrival::Datagram { flow, bytes });
        loop {
            match self.server.poll(&mut self.scratch) {
                Step::Send(transmit) => sent.push(transmit),
                Step::Wait(_) => break,
                _ => {}
            }
        }
        self.busy += cpu_time() - start;
        let to = |flow| match flow {
            Flow::Udp(flow) => flow.remote,
            Flow::Stream(_) => CALLER.into(),
        };
        sent.into_iter().map(|one| (to(one.flow), self.scratch.get(one.range).to_vec())).collect()
    }

    fn next(&mut self) -> u64 {
        self.number += 1;
        self.now = self.now.later(PACE);
        self.number
    }

    /// A REGISTER of a contact that is not there yet.
    fn register(&mut self, user: &str, more: &str) -> Response {
        let number = self.next();
        let text = format!(
            "REGISTER sip:home.example SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.12:5060;branch=z9hG4bK{number};rport\r\n\
             Max-Forwards: 70\r\nFrom: <sip:{user}@home.example>;tag={number}\r\nTo: <sip:{user}@home.example>\r\n\
             Call-ID: {number}@192.0.2.12\r\nCSeq: 1 REGISTER\r\nContact: <sip:{user}@192.0.2.12:5060>\r\n\
             {more}Expires: 3600\r\nUser-Agent: bench\r\nContent-Length: 0\r\n\r\n"
        );
        let sent = self.say(CALLEE, text.as_bytes());
        response(&sent[0].1)
    }

    fn options(&mut self) {
        let number = self.next();
        let text = format!(
            "OPTIONS sip:home.example SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.11:5060;branch=z9hG4bK{number};rport\r\n\
             Max-Forwards: 70\r\nFrom: <sip:alice@home.example>;tag={number}\r\nTo: <sip:home.example>\r\n\
             Call-ID: {number}@192.0.2.11\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n"
        );
        assert_eq!(response(&self.say(CALLER, text.as_bytes())[0].1).status, StatusCode::OK);
    }

    /// INVITE, 180, 200, ACK, BYE, 200, each through the server.
    fn call(&mut self) {
        let number = self.next();
        let invite = from_caller(number, "INVITE", "sip:bob@home.example", "<sip:bob@home.example>", "", SDP);
        let sent = self.say(CALLER, invite.as_bytes());
        let invite = request(&sent.last().expect("a copy").1);
        let ringing = self.say(CALLEE, &answer(&invite, StatusCode::RINGING, ""));
        assert_eq!(ringing.len(), 1);
        let ok = self.say(CALLEE, &answer(&invite, StatusCode::OK, SDP));
        let ok = response(&ok[0].1);
        let to = ok.headers.get(&HeaderName::To).expect("a To").to_owned();
        let routes: String =
            ok.headers.all(&HeaderName::RecordRoute).map(|one| format!("Route: {one}\r\n")).collect();
        let ack = from_caller(number, "ACK", "sip:bob@192.0.2.12:5060", &to, &routes, "");
        assert_eq!(self.say(CALLER, ack.as_bytes()).len(), 1);
        let bye = from_caller(number, "BYE", "sip:bob@192.0.2.12:5060", &to, &routes, "");
        let sent = self.say(CALLER, bye.as_bytes());
        let bye = request(&sent[0].1);
        assert_eq!(self.say(CALLEE, &answer(&bye, StatusCode::OK, "")).len(), 1);
    }

    /// Does one thing `count` times and answers what the server has used for it.
    fn spend(&mut self, count: u64, mut once: impl FnMut(&mut Self)) -> Duration {
        self.busy = Duration::ZERO;
        (0..count).for_each(|_| once(self));
        self.busy
    }
}

fn from_caller(number: u64, method: &str, uri: &str, to: &str, more: &str, body: &str) -> String {
    let cseq = if method == "BYE" { 2 } else { 1 };
    format!(
        "{method} {uri} SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.11:5060;branch=z9hG4bK{method}{number};rport\r\n\
         Max-Forwards: 70\r\n{more}From: <sip:alice@home.example>;tag={number}\r\nTo: {to}\r\n\
         Call-ID: {number}@192.0.2.11\r\nCSeq: {cseq} {method}\r\nContact: <sip:alice@192.0.2.11:5060>\r\n\
         Content-Type: application/sdp\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

fn answer(request: &Request, status: StatusCode, body: &str) -> Vec<u8> {
    let mut response = request.response(status);
    let to = request.headers.to().expect("a To");
    if to.tag().is_none() {
        response.headers.set(HeaderName::To, to.with_tag("callee").to_string());
    }
    response.headers.copy(&HeaderName::RecordRoute, &request.headers);
    response.headers.push(HeaderName::Contact, "<sip:bob@192.0.2.12:5060>");
    response.body = body.as_bytes().to_vec();
    let mut bytes = Vec::new();
    response.write(&mut bytes);
    bytes
}

fn request(bytes: &[u8]) -> Request {
    match Message::parse(bytes) {
        Ok(Message::Request(request)) => Some(request),
        _ => None,
    }
    .expect("a request")
}

fn response(bytes: &[u8]) -> Response {
    match Message::parse(bytes) {
        Ok(Message::Response(response)) => Some(response),
        _ => None,
    }
    .expect("a response")
}

/// What this thread has used of a processor.
fn cpu_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), time.tv_nsec.try_into().unwrap_or(0))
}

fn server(c: &mut Criterion) {
    let mut group = c.benchmark_group("sip/server");
    group.throughput(Throughput::Elements(1));
    let mut desk = Desk::new(false);
    group.bench_function("first_register", |b| {
        b.iter_custom(|count| {
            desk.spend(count, |desk| {
                let user = format!("user{}", desk.number);
                assert_eq!(desk.register(&user, "").status, StatusCode::OK);
            })
        });
    });
    // As a client sees it: refused once, then taken; the figure is for both requests together.
    let mut desk = Desk::new(true);
    let login = Login { user: "bob".into(), password: "builder".to_owned().into(), realm: None };
    let mut entropy = Entropy::from_number(2);
    group.bench_function("register_with_sha256", |b| {
        b.iter_custom(|count| {
            desk.spend(count, |desk| {
                let refused = desk.register("bob", "");
                let challenges: Vec<&str> = refused.headers.all(&HeaderName::WwwAuthenticate).collect();
                let mut answerer = Answerer::choose(&challenges, &login, &mut entropy).expect("a challenge");
                let asking = Asking { method: "REGISTER", uri: "sip:home.example", body: b"" };
                let more = format!("Authorization: {}\r\n", answerer.answer(&asking));
                assert_eq!(desk.register("bob", &more).status, StatusCode::OK);
            })
        });
    });
    let mut desk = Desk::new(false);
    group.bench_function("options", |b| b.iter_custom(|count| desk.spend(count, Desk::options)));
    let mut desk = Desk::new(false);
    desk.register("bob", "");
    group.bench_function("relayed_call", |b| b.iter_custom(|count| desk.spend(count, Desk::call)));
    group.finish();
}

/// A thousand a second.
const PACE: Duration = Duration::from_millis(1);
const SDP: &str = "v=0\r\no=a 1 1 IN IP4 192.0.2.11\r\ns=-\r\nc=IN IP4 192.0.2.11\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0 8 101\r\na=rtpmap:101 telephone-event/8000\r\n";

criterion_group!(benches, server);
criterion_main!(benches);
