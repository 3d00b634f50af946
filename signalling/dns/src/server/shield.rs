//! What stands against forged addresses: cookies, and a limit for those who show none.

use rove_base::{Entropy, Flow, Instant, Now};

use super::{
    Peer,
    answer::Answer,
    cookie::Cookies,
    limit::{Kind, Limiter, RateLimit, Verdict},
    request::Request,
};
use crate::{wire::rcode, zones::Zones};

/// Cookies, when there is randomness to make them of, and the limit, when there is one.
#[derive(Debug)]
pub(super) struct Shield {
    rate: Option<RateLimit>,
    cookies: Option<Cookies>,
    limiter: Option<Limiter>,
}

/// What came of a request's cookie.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Judged {
    /// It was given to this address.
    pub(super) is_good: bool,
    /// The one to give back.
    pub(super) given: Option<[u8; 24]>,
}

impl Shield {
    pub(super) fn new(rate: Option<RateLimit>) -> Self {
        Self { rate, cookies: None, limiter: rate.map(|rate| Limiter::new(rate, [0; 16])) }
    }

    pub(super) fn seed(&mut self, mut entropy: Entropy) {
        let mut key = [0; 16];
        entropy.fill(&mut key);
        self.limiter = self.rate.map(|rate| Limiter::new(rate, key));
        self.cookies = Some(Cookies::new(entropy));
    }

    pub(super) fn renew(&mut self, now: Instant) {
        if let Some(cookies) = &mut self.cookies {
            cookies.renew(now);
        }
    }

    /// Looks at the cookie of a request.
    pub(super) fn cookie(&self, now: Now, from: Peer, request: &Request<'_>) -> Judged {
        let shown = request.edns.and_then(|edns| edns.cookie);
        let (Some(cookies), Some(cookie)) = (&self.cookies, shown) else { return Judged::default() };
        let address = from.address.ip();
        Judged {
            is_good: cookies.knows(now, address, &cookie),
            given: Some(cookies.give(now.wall, address, cookie.client)),
        }
    }

    /// What becomes of an answer of this kind.
    pub(super) fn verdict(&mut self, now: Now, from: Peer, kind: Kind<'_>) -> Verdict {
        match (&mut self.limiter, from.flow) {
            (Some(limiter), Flow::Udp(_)) => limiter.judge(now.mono, from.address.ip(), kind),
            _ => Verdict::Send,
        }
    }

    /// Cuts an answer that is one too many, or says by `false` that it is not to be sent. Who shows half a cookie is
    /// given the other half instead of being sent to a stream (RFC 7873 §5.2.3).
    pub(super) fn admit(
        &mut self,
        now: Now,
        from: Peer,
        request: &Request<'_>,
        zones: &Zones,
        answer: &mut Answer<'_>,
    ) -> bool {
        if self.limiter.is_none() {
            return true;
        }
        let name = request.question.name.as_wire();
        let kind = match answer.rcode() {
            rcode::NOERROR if answer.has_answers() => Kind::Records(name, request.question.rtype),
            rcode::NOERROR | rcode::NXDOMAIN => {
                Kind::Nothing(zones.nearest(name).map_or(&[], |zone| zone.origin().as_wire()))
            }
            _ => Kind::Error,
        };
        match self.verdict(now, from, kind) {
            Verdict::Send => true,
            Verdict::Drop => false,
            Verdict::Cut => {
                let half = request.edns.is_some_and(|edns| edns.cookie.is_some()) && self.cookies.is_some();
                if half {
                    answer.restart();
                    answer.set_rcode(rcode::BADCOOKIE);
                } else {
                    answer.truncate();
                }
                true
            }
        }
    }
}
