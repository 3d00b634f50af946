//! The role that answers over HTTP: health, counters, and the dashboard.

use core::{convert::Infallible, time::Duration};
use std::collections::{BTreeMap, VecDeque};

use rove_base::{Arrival, Dscp, Flow, Instant, Now, Scratch, Step, StreamId, Transmit};
use rove_driver::Tls;
use serde_json::{Value, json};

use super::{
    HttpConfig,
    request::{Answer, MOST_BYTES, Outcome, Question, Tokens, read},
};
use crate::{
    config::{ConfigError, NodeConfig},
    driver::{Role, Unreadable},
};

/// Answers one request on each stream, and closes it.
pub(crate) struct HttpRole {
    tokens: Tokens,
    clients: BTreeMap<StreamId, Client>,
    /// What the node is to be asked.
    asks: VecDeque<(u64, String)>,
    waiting: BTreeMap<u64, (StreamId, Question)>,
    last: u64,
    out: VecDeque<Pending>,
}

#[derive(Debug)]
struct Client {
    heard: Vec<u8>,
    until: Instant,
    asked: bool,
}

enum Pending {
    Send(StreamId, Vec<u8>),
    Close(StreamId),
}

impl HttpRole {
    pub(crate) fn new(config: &NodeConfig, http: &HttpConfig) -> Result<Self, ConfigError> {
        Ok(Self {
            tokens: tokens(config, http)?,
            clients: BTreeMap::new(),
            asks: VecDeque::new(),
            waiting: BTreeMap::new(),
            last: 0,
            out: VecDeque::new(),
        })
    }

    fn heard(&mut self, stream: StreamId, bytes: &[u8]) {
        let Some(client) = self.clients.get_mut(&stream).filter(|client| !client.asked) else { return };
        let room = MOST_BYTES.saturating_sub(client.heard.len());
        client.heard.extend_from_slice(bytes.get(..room).unwrap_or(bytes));
        match read(&client.heard, &self.tokens) {
            Outcome::Partial => {}
            Outcome::Now(answer) => self.answer(stream, &answer),
            Outcome::Ask(question) => {
                client.asked = true;
                self.last = self.last.wrapping_add(1);
                let line = match &question {
                    Question::Ready => json!({ "ready": null }),
                    Question::Metrics => json!({ "metrics": null }),
                    Question::View(tenant) => json!({ "view": tenant }),
                };
                self.asks.push_back((self.last, line.to_string()));
                self.waiting.insert(self.last, (stream, question));
            }
        }
    }

    fn answer(&mut self, stream: StreamId, answer: &Answer) {
        if self.clients.remove(&stream).is_some() {
            self.out.push_back(Pending::Send(stream, answer.write()));
            self.out.push_back(Pending::Close(stream));
        }
    }
}

impl Role for HttpRole {
    fn tag(&self) -> u8 {
        TAG
    }

    fn handle(&mut self, now: Now, input: Arrival<'_>) {
        match input {
            Arrival::Connected { stream, .. } if self.clients.len() < MOST_CLIENTS => {
                let client = Client { heard: Vec::new(), until: now.mono.later(PATIENCE), asked: false };
                self.clients.insert(stream, client);
            }
            Arrival::Connected { stream, .. } => self.out.push_back(Pending::Close(stream)),
            Arrival::Stream { stream, bytes } => self.heard(stream, bytes),
            Arrival::Closed { stream, .. } => drop(self.clients.remove(&stream)),
            _ => {}
        }
    }

    fn tick(&mut self, now: Now) {
        let late = |client: &Client| client.until <= now.mono;
        let all: Vec<StreamId> =
            self.clients.iter().filter(|(_, client)| late(client)).map(|(stream, _)| *stream).collect();
        for stream in all {
            self.answer(stream, &Answer::text(503, "too slow"));
        }
    }

    fn poll(&mut self, _: Now, out: &mut Scratch) -> Step<Infallible> {
        match self.out.pop_front() {
            Some(Pending::Send(stream, bytes)) => {
                let range = out.push(&bytes);
                Step::Send(Transmit { flow: Flow::Stream(stream), range, dscp: Dscp::DEFAULT })
            }
            Some(Pending::Close(stream)) => Step::Close(stream),
            None => Step::Wait(self.clients.values().map(|client| client.until).min()),
        }
    }

    fn replay(&mut self, _: &[u8]) -> Result<bool, Unreadable> {
        Ok(false)
    }

    fn snapshot(&self) -> Option<Vec<Vec<u8>>> {
        Some(Vec::new())
    }

    fn journal_failed(&mut self, _: Now) {}

    fn reload(&mut self, config: &NodeConfig) -> Option<Tls> {
        let http = config.http.as_ref()?;
        if let Ok(tokens) = tokens(config, http) {
            self.tokens = tokens;
        }
        http.tls().ok()
    }

    fn asks(&mut self) -> Option<(u64, String)> {
        self.asks.pop_front()
    }

    fn told(&mut self, id: u64, answer: &str) {
        let Some((stream, question)) = self.waiting.remove(&id) else { return };
        let said: Value = serde_json::from_str(answer).unwrap_or_default();
        let answer = match question {
            Question::Ready if said["ok"]["ready"] == true => Answer::text(200, "ready"),
            Question::Ready => Answer::text(503, "not ready: nothing can be kept any more"),
            Question::Metrics => {
                let kind = "text/plain; version=0.0.4; charset=utf-8";
                let body = said["ok"].as_str().unwrap_or_default().to_owned();
                Answer { status: 200, kind, body, head: false }
            }
            Question::View(_) if said["ok"].is_object() => {
                Answer { status: 200, kind: "application/json", body: said["ok"].to_string(), head: false }
            }
            Question::View(_) => Answer::text(503, "nothing came of it"),
        };
        self.answer(stream, &answer);
    }
}

fn tokens(config: &NodeConfig, http: &HttpConfig) -> Result<Tokens, ConfigError> {
    let mut all: Vec<_> = http.token()?.map(|token| (token, None)).into_iter().collect();
    for tenant in &config.tenant {
        all.extend(tenant.token()?.map(|token| (token, Some(tenant.domain.clone()))));
    }
    Ok(Tokens(all))
}

/// It keeps nothing in the journal.
const TAG: u8 = 8;
/// Streams at once; beyond, they are closed at once.
const MOST_CLIENTS: usize = 256;
/// From a stream's beginning to its answer.
const PATIENCE: Duration = Duration::from_secs(10);
