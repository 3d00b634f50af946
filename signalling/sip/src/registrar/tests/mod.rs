//! REGISTERs against a store in memory.

mod extensions;
mod rules;

use core::time::Duration;

use rove_base::{Entropy, Instant, Now, UnixTime};

use super::*;
use crate::{
    message::{HeaderName, Message, Request, Response, StatusCode},
    transport::Hop,
};

/// A registrar for home.example, its store, and the time.
pub(super) struct Desk {
    pub(super) config: RegistrarConfig,
    pub(super) store: MemoryStore,
    pub(super) gruus: Gruus,
    pub(super) now: Now,
    pub(super) hop: Hop,
}

impl Desk {
    pub(super) fn new() -> Self {
        let mut entropy = Entropy::from_number(1);
        let domains = ["home.example", "[2001:db8::10]"].map(|host| host.parse().unwrap());
        Self {
            config: RegistrarConfig::new(domains.into()),
            store: MemoryStore::new(
                MemoryLimits { bindings_per_aor: 3, bindings: 5, ..MemoryLimits::default() },
                &mut entropy,
            ),
            gruus: Gruus::new(&mut entropy),
            now: Now { mono: Instant::ZERO, wall: UnixTime::from_secs(1_289_606_400) },
            hop: Hop::udp("192.0.2.1:5060".parse().unwrap(), "192.0.2.7:5060".parse().unwrap()),
        }
    }

    pub(super) fn later(&mut self, secs: u64) {
        self.now = self.now.later(Duration::from_secs(secs));
    }

    /// Says this, and hears the answer.
    pub(super) fn register(&mut self, text: &str) -> Response {
        let request = parse(text);
        let mut response = request.response(StatusCode::OK);
        match read(&self.config, self.now.mono, &request, self.hop) {
            Err(objection) => {
                response.status = objection.status;
                objection.header.into_iter().for_each(|(name, value)| response.headers.push(name, value));
            }
            Ok(registration) => {
                let ask = Ask::Change(registration.aor.clone(), registration.change.clone());
                self.store.ask(self.now, AskId(7), ask);
                let (id, answer) = self.store.poll().unwrap();
                assert_eq!(id, AskId(7));
                respond(&mut response, &self.config, &mut self.gruus, &registration, &answer, self.now);
            }
        }
        response
    }

    /// The bindings of bob.
    pub(super) fn bindings(&mut self) -> Vec<Binding> {
        self.store.ask(self.now, AskId(8), Ask::Find(Aor::from_parts(b"bob", "home.example")));
        match self.store.poll().unwrap().1 {
            Answer::Bindings(bindings) => bindings.to_vec(),
            other => panic!("{other:?}"),
        }
    }
}

/// A REGISTER of bob; `lines` are added.
pub(super) fn of_bob(call_id: &str, cseq: u32, lines: &str) -> String {
    let lines = lines.lines().map(|line| format!("{line}\r\n")).collect::<String>();
    format!(
        "REGISTER sip:home.example SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.7;branch=z9hG4bKr{cseq}\r\n\
         Max-Forwards: 70\r\nFrom: <sip:bob@home.example>;tag=1\r\nTo: <sip:bob@home.example>\r\n\
         Call-ID: {call_id}\r\nCSeq: {cseq} REGISTER\r\n{lines}\r\n"
    )
}

pub(super) fn parse(text: &str) -> Request {
    match Message::parse(text.as_bytes()) {
        Ok(Message::Request(request)) => request,
        other => panic!("{other:?}: {text}"),
    }
}

/// What Contact says, in order.
pub(super) fn contacts(response: &Response) -> Vec<String> {
    response.headers.all(&HeaderName::Contact).map(str::to_owned).collect()
}
