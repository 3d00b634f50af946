//! The session timer: a call whose other end has vanished without a word does not last (RFC 4028).

use core::time::Duration;

use rove_base::Instant;

use super::{UaConfig, context::Context};
use crate::message::{HeaderName, Headers, Request, Response, StatusCode};

/// How long a session lasts without a refresh, and whose task that is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct SessionTimer {
    seconds: u32,
    /// Whether the one who sent the request that this was agreed with refreshes.
    by_client: bool,
    /// Whether that one is us.
    client: bool,
    /// The least that a proxy or the other end has asked for.
    least: Option<u32>,
    refresh: Option<Instant>,
    expires: Instant,
}

/// What time asks for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Due {
    Nothing,
    Refresh,
    Expired,
}

impl SessionTimer {
    /// What a 2xx of ours to `request` says. `None` when neither end wants a timer (RFC 4028 §9).
    pub(super) fn answering(config: &UaConfig, request: &Headers) -> Option<Self> {
        let theirs = supports(request);
        let least = number(request.get(&HeaderName::MinSe)).unwrap_or(0).max(config.min_session_expires);
        let (seconds, refresher) = match read(request.get(&HeaderName::SessionExpires)) {
            Some((seconds, refresher)) => (seconds.max(LEAST), refresher),
            None => (config.session_expires.filter(|_| theirs)?.max(least), Some(false)),
        };
        let by_client = theirs && refresher.unwrap_or(true);
        Some(Self { seconds, by_client, client: false, least: None, refresh: None, expires: Instant::ZERO })
    }

    /// What the 2xx of the other end to a request of ours says. `None` when it does without.
    pub(super) fn answered(response: &Headers, now: Instant) -> Option<Self> {
        let (seconds, refresher) = read(response.get(&HeaderName::SessionExpires))?;
        let by_client = refresher.unwrap_or(true);
        let timer = Self {
            seconds: seconds.max(LEAST),
            by_client,
            client: true,
            least: None,
            refresh: None,
            expires: Instant::ZERO,
        };
        Some(timer.started(now))
    }

    /// The session is new, or was refreshed: it lasts from `now` on.
    pub(super) fn started(self, now: Instant) -> Self {
        let interval = Duration::from_secs(self.seconds.into());
        // RFC 4028 §10: BYE a third of the interval before its end, but 32 s at most.
        let margin = (interval / 3).min(Duration::from_secs(32));
        Self {
            refresh: self.is_ours().then_some(now + interval / 2),
            expires: now + interval.saturating_sub(margin),
            ..self
        }
    }

    /// Whether it is ours to refresh.
    const fn is_ours(&self) -> bool {
        self.by_client == self.client
    }

    /// Into a 2xx of ours.
    pub(super) fn put_into_response(&self, response: &mut Response) {
        if self.by_client {
            response.headers.push(HeaderName::Require, TIMER);
        }
        response.headers.push(HeaderName::SessionExpires, self.text(self.by_client));
    }

    /// Into a request of ours inside the dialog: who refreshes stays the same.
    pub(super) fn put_into_request(&self, request: &mut Request) {
        request.headers.push(HeaderName::SessionExpires, self.text(self.is_ours()));
        if let Some(least) = self.least {
            request.headers.push(HeaderName::MinSe, least.to_string());
        }
    }

    fn text(&self, by_client: bool) -> String {
        format!("{};refresher={}", self.seconds, if by_client { "uac" } else { "uas" })
    }

    /// A 422 has come. `false` when it does not ask for more than there was.
    pub(super) fn lengthen(&mut self, response: &Response) -> bool {
        let least = number(response.headers.get(&HeaderName::MinSe)).filter(|least| *least > self.seconds);
        if let Some(least) = least {
            self.seconds = least;
            self.least = Some(least);
        }
        least.is_some()
    }

    /// The refresh did not succeed, though the call goes on: it is tried again until the session expires.
    pub(super) fn failed(&mut self, now: Instant) {
        self.refresh = self.is_ours().then_some(now + AGAIN);
    }

    pub(super) fn tick(&mut self, now: Instant) -> Due {
        if self.expires <= now {
            return Due::Expired;
        }
        self.refresh.take_if(|at| *at <= now).map_or(Due::Nothing, |_| Due::Refresh)
    }

    pub(super) fn deadline(&self) -> Option<Instant> {
        Instant::earliest(self.refresh, Some(self.expires))
    }
}

/// Into an INVITE of ours that starts a call; `least` is what a 422 has asked for.
pub(super) fn propose(config: &UaConfig, headers: &mut Headers, least: Option<u32>) {
    if let Some(seconds) = config.session_expires {
        headers.set(HeaderName::SessionExpires, seconds.max(least.unwrap_or(0)).to_string());
        if let Some(least) = least {
            headers.set(HeaderName::MinSe, least.to_string());
        }
    }
}

/// What a 422 to an INVITE that proposed this asks for. `None` when that is not more.
pub(super) fn demanded(invite: &Headers, response: &Response) -> Option<u32> {
    let proposed = read(invite.get(&HeaderName::SessionExpires)).map_or(0, |(seconds, _)| seconds);
    (response.status == StatusCode::SESSION_INTERVAL_TOO_SMALL)
        .then(|| number(response.headers.get(&HeaderName::MinSe)).filter(|least| *least > proposed))?
}

/// The least that we accept, when `request` asks for less and may be told so (RFC 4028 §9).
pub(super) fn objection(cx: &Context, request: &Headers) -> Option<u32> {
    let least = cx.config.min_session_expires;
    let (seconds, _) = read(request.get(&HeaderName::SessionExpires))?;
    (seconds < least && supports(request)).then_some(least)
}

fn supports(headers: &Headers) -> bool {
    headers.supported().is_ok_and(|tags| tags.iter().any(|tag| tag.eq_ignore_ascii_case(TIMER)))
}

fn number(value: Option<&str>) -> Option<u32> {
    value?.split(';').next()?.trim().parse().ok()
}

/// Seconds, and whether the client refreshes if that is said (RFC 4028 §4).
fn read(value: Option<&str>) -> Option<(u32, Option<bool>)> {
    let seconds = number(value)?;
    let refresher = value?.split(';').skip(1).find_map(|param| {
        let (name, value) = param.split_once('=')?;
        let client = value.trim().eq_ignore_ascii_case("uac");
        let known = client || value.trim().eq_ignore_ascii_case("uas");
        (known && name.trim().eq_ignore_ascii_case("refresher")).then_some(client)
    });
    Some((seconds, refresher))
}

/// The option tag.
pub(super) const TIMER: &str = "timer";
/// What a peer says below this counts as this: a session is not refreshed more often than every 45 s (RFC 4028 §5).
const LEAST: u32 = 90;
/// How long after a refresh that was refused it is tried again.
const AGAIN: Duration = Duration::from_secs(10);
