//! INFO: what the users' programs tell each other inside a call (RFC 6086), keys of the telephone among it.
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use core::time::Duration;

use super::{
    CallId, Event, Failure,
    call::Call,
    caller,
    context::{Context, Purpose},
    leg::Leg,
    reply::Reply,
    requests,
    trickle::{FRAGMENT, TRICKLE},
};
use crate::{
    message::{HeaderName, Method, Request, Response, StatusCode},
    transaction::ServerKey,
};

/// A key of the telephone, as INFO tells it beside RFC 4733.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Key {
    /// `0` to `9`, `*`, `#`, `A` to `D`.
    pub key: char,
    /// How long it was pressed.
    pub duration: Duration,
}

impl Key {
    /// The body of type [`DTMF_RELAY`].
    #[must_use]
    pub fn relay(&self) -> String {
        format!("Signal={}\r\nDuration={}\r\n", self.key, self.duration.as_millis())
    }

    /// Reads a body of type [`DTMF_RELAY`], or of type [`DTMF`], which has the key alone. `None` when it names no key.
    #[must_use]
    pub fn read(body: &[u8]) -> Option<Self> {
        let text = core::str::from_utf8(body).ok()?;
        let (mut signal, mut millis) = (None, None);
        for line in text.lines() {
            match line.split_once('=') {
                Some((name, value)) if name.trim().eq_ignore_ascii_case("signal") => {
                    signal = Some(value.trim());
                }
                Some((name, value)) if name.trim().eq_ignore_ascii_case("duration") => {
                    millis = Some(value.trim().parse::<u64>().ok()?);
                }
                Some(_) => {}
                None => signal = signal.or(Some(line.trim()).filter(|line| !line.is_empty())),
            }
        }
        let key = match signal? {
            "10" => '*',
            "11" => '#',
            text => {
                let mut chars = text.chars();
                chars.next().filter(|_| chars.next().is_none())?.to_ascii_uppercase()
            }
        };
        let known = matches!(key, '0'..='9' | '*' | '#' | 'A'..='D');
        let duration = Duration::from_millis(millis.unwrap_or(USUAL_MILLIS).min(MOST_MILLIS));
        known.then_some(Self { key, duration })
    }
}

impl Leg {
    /// Sends INFO.
    pub(super) fn info(&mut self, cx: &mut Context, call: CallId, kind: &str, body: Vec<u8>) {
        let mut request = self.request(cx, Method::Info);
        if !body.is_empty() {
            request.headers.push(HeaderName::ContentType, kind);
            request.body = body;
        }
        self.send(cx, call, request, Purpose::Info);
    }
}

/// Our INFO was answered, or not.
pub(super) fn answered(cx: &mut Context, call: CallId, outcome: Result<Response, Failure>) {
    let failure = match outcome {
        Ok(response) if response.status.is_success() => return,
        Ok(response) => caller::refusal(response),
        Err(failure) => failure,
    };
    cx.tell(Event::InfoFailed { call, failure });
}

impl Call {
    /// INFO of the other side. What is not understood is refused by what would be (RFC 6086 §4.2.2).
    pub(super) fn info(&mut self, cx: &mut Context, request: &Request, reply: &Reply, key: ServerKey) {
        let kind = request.headers.content_type().ok().flatten();
        let known = |kind: &crate::message::MediaType| {
            kind.is("application", "dtmf-relay") || kind.is("application", "dtmf")
        };
        let refuse = |status, name: HeaderName, value: &str| {
            let mut response = reply.response(status, &self.tag.to_string());
            response.headers.push(name, value);
            response
        };
        let package = request.headers.get(&HeaderName::InfoPackage);
        let package = package.map(|package| package.split(';').next().unwrap_or_default().trim());
        let response = if package.is_some_and(|package| package.eq_ignore_ascii_case(TRICKLE)) {
            match kind {
                Some(kind) if kind.is("application", "trickle-ice-sdpfrag") => {
                    cx.tell(Event::Trickled { call: self.id, body: request.body.clone() });
                    reply.response(StatusCode::OK, &self.tag.to_string())
                }
                _ => refuse(StatusCode::UNSUPPORTED_MEDIA_TYPE, HeaderName::Accept, FRAGMENT),
            }
        } else if package.is_some() {
            refuse(BAD_INFO_PACKAGE.unwrap_or(StatusCode::BAD_EVENT), HeaderName::RecvInfo, TRICKLE)
        } else if request.body.is_empty() {
            reply.response(StatusCode::OK, &self.tag.to_string())
        } else if let (true, Some(pressed)) = (kind.as_ref().is_some_and(known), Key::read(&request.body)) {
            cx.tell(Event::KeyPressed { call: self.id, key: pressed });
            reply.response(StatusCode::OK, &self.tag.to_string())
        } else if kind.as_ref().is_some_and(known) {
            reply.response(StatusCode::BAD_REQUEST, &self.tag.to_string())
        } else {
            refuse(StatusCode::UNSUPPORTED_MEDIA_TYPE, HeaderName::Accept, ACCEPTED)
        };
        requests::answer_once(cx, reply, key, response, self.id, self.tag);
    }
}

/// The type of a body that has a key and its duration.
pub const DTMF_RELAY: &str = "application/dtmf-relay";
/// The type of a body that has a key alone.
pub const DTMF: &str = "application/dtmf";
const ACCEPTED: &str = "application/dtmf-relay, application/dtmf";
/// RFC 6086 §7.
const BAD_INFO_PACKAGE: Option<StatusCode> = StatusCode::new(469);
/// The duration of a key where none is told.
const USUAL_MILLIS: u64 = 160;
/// No key is pressed longer.
const MOST_MILLIS: u64 = 10_000;
