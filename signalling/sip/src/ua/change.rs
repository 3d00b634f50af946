//! A change of the session that we want: when it goes out, and when again (RFC 3261 §14.1, RFC 3311 §5.3).

use core::time::Duration;

use rove_base::{Entropy, Instant};

use super::{SessionChange, context::Context};
use crate::{
    message::{Response, StatusCode},
    transaction::ClientKey,
};

/// One change on its way.
#[derive(Debug)]
pub(super) struct Change {
    pub(super) wish: SessionChange,
    pub(super) stage: Stage,
    /// Whether it changes nothing, and only says that we are still there (RFC 4028 §7.4).
    pub(super) refreshes: bool,
    tries: u8,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Stage {
    /// As soon as no other exchange is under way.
    Ready,
    /// With the other end.
    Out(ClientKey),
    /// Once more then: it met a change of the other end.
    After(Instant),
}

/// What follows a refusal.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Retry {
    Never,
    Later,
    /// When the session may last as long as the other end wants.
    Longer,
    /// The other end does not understand UPDATE.
    AsInvite,
}

impl Change {
    pub(super) const fn new(wish: SessionChange) -> Self {
        Self { wish, stage: Stage::Ready, refreshes: false, tries: 0 }
    }

    /// A refresh of the session.
    pub(super) const fn refresh() -> Self {
        let wish = SessionChange { body: Vec::new(), hop: None, by_update: true };
        Self { wish, stage: Stage::Ready, refreshes: true, tries: 0 }
    }

    /// The owner wants this instead, before anything has gone out.
    pub(super) fn replace(&mut self, wish: SessionChange) {
        self.refreshes = false;
        self.wish = SessionChange { hop: wish.hop.or(self.wish.hop), ..wish };
    }

    pub(super) const fn is_ready(&self) -> bool {
        matches!(self.stage, Stage::Ready)
    }

    pub(super) const fn is_out(&self) -> bool {
        matches!(self.stage, Stage::Out(_))
    }

    pub(super) fn is_out_as(&self, key: ClientKey) -> bool {
        matches!(self.stage, Stage::Out(out) if out == key)
    }

    /// What to do after this refusal.
    pub(super) fn retry(&mut self, cx: &mut Context, caller: bool, response: &Response) -> Retry {
        let wait = match response.status {
            StatusCode::REQUEST_PENDING => glare(&mut cx.entropy, caller),
            StatusCode::SERVER_INTERNAL_ERROR => match response.headers.retry_after() {
                Ok(Some(seconds)) => Duration::from_secs(seconds.min(MOST_SECONDS).into()),
                _ => return Retry::Never,
            },
            StatusCode::SESSION_INTERVAL_TOO_SMALL => {
                self.stage = Stage::Ready;
                return Retry::Longer;
            }
            StatusCode::METHOD_NOT_ALLOWED | StatusCode::NOT_IMPLEMENTED if self.wish.by_update => {
                self.wish.by_update = false;
                self.stage = Stage::Ready;
                return Retry::AsInvite;
            }
            _ => return Retry::Never,
        };
        self.tries = self.tries.saturating_add(1);
        if self.tries >= MOST_TRIES {
            return Retry::Never;
        }
        self.stage = Stage::After(cx.now + wait);
        Retry::Later
    }

    pub(super) fn tick(&mut self, now: Instant) {
        if matches!(self.stage, Stage::After(at) if at <= now) {
            self.stage = Stage::Ready;
        }
    }

    pub(super) const fn deadline(&self) -> Option<Instant> {
        match self.stage {
            Stage::After(at) => Some(at),
            Stage::Ready | Stage::Out(_) => None,
        }
    }
}

/// How long to wait after a glare, in steps of 10 ms: 2.1 to 4 s for who chose the Call-ID, 0 to 2 s for the other
/// (RFC 3261 §14.1).
fn glare(entropy: &mut Entropy, caller: bool) -> Duration {
    let (least, span) = if caller { (210, 191) } else { (0, 201) };
    Duration::from_millis(10 * u64::from(least + entropy.next_u32() % span))
}

/// Longer than this a refusal does not keep us waiting: RFC 3261 §14.2 has at most ten seconds.
const MOST_SECONDS: u32 = 32;
/// How often the same change goes out.
const MOST_TRIES: u8 = 10;
