//! PUBLISH: who asks, for whom, and what becomes of it (RFC 3903 §6).
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use core::time::Duration;

use super::{
    PACKAGES, Package,
    published::{Document, Refused, Wanted},
};
use crate::{
    message::{HeaderName, Request, Response, StatusCode},
    registrar::{Aor, RegistryStore},
    server::{SipServer, requests::Incoming, shared::ServerUse},
    transaction::Outgoing,
};

/// Why a PUBLISH is refused, and what is said beside the status.
struct Objection(StatusCode, Option<(HeaderName, String)>);

impl From<StatusCode> for Objection {
    fn from(status: StatusCode) -> Self {
        Self(status, None)
    }
}

impl<R: RegistryStore> SipServer<R> {
    pub(in crate::server) fn on_publish(&mut self, incoming: &Incoming) {
        let Incoming { reply, key, .. } = incoming;
        if self.lacks_memory(false) {
            return self.overloaded(reply, *key);
        }
        let aor = match self.publisher(incoming) {
            Ok(aor) => aor,
            Err(refusal) => return self.core.answer(reply, &refusal),
        };
        match self.published(&incoming.request, aor) {
            Ok((tag, expires)) => {
                let mut response = self.core.plain(reply, *key, StatusCode::OK);
                response.headers.push(HeaderName::SipEtag, format!("{tag:016x}"));
                response.headers.push(HeaderName::Expires, expires.as_secs().to_string());
                // The same PUBLISH again must hear the same, though its entity-tag is known no more.
                let bytes = self.core.response_bytes(&response);
                let outgoing = Outgoing { hop: reply.hop(), bytes };
                let (now, status) = (self.core.now.mono, response.status.code());
                self.core.layer.answered(now, *key, status, outgoing, ServerUse { relay: None });
            }
            Err(Objection(status, header)) => {
                let mut response = self.core.plain(reply, *key, status);
                if let Some((name, value)) = header {
                    response.headers.push(name, value);
                }
                self.core.answer(reply, &response);
            }
        }
    }

    /// For whom it is, when its sender may publish for them: each user for itself alone.
    fn publisher(&mut self, incoming: &Incoming) -> Result<Aor, Response> {
        let Incoming { request, reply, key, hop, .. } = incoming;
        let refuse = |server: &Self, status| Err(server.core.plain(reply, *key, status));
        let Some(uri) = request.uri.as_sip() else { return refuse(self, StatusCode::UNSUPPORTED_URI_SCHEME) };
        let aor = Aor::of(uri);
        if self.verifier.is_some() {
            let user = self
                .prove(request, *hop, &HeaderName::Authorization)
                .map_err(|refusal| self.challenge(incoming, refusal, StatusCode::UNAUTHORIZED))?;
            if user.as_bytes() != aor.user() {
                return refuse(self, StatusCode::FORBIDDEN);
            }
        } else {
            let from = request.headers.from().ok().and_then(|from| Aor::of_uri(&from.uri));
            if from.is_none_or(|from| from != aor) {
                return refuse(self, StatusCode::FORBIDDEN);
            }
        }
        Ok(aor)
    }

    /// Keeps what a PUBLISH wants to be kept; answers its new entity-tag, and for how long.
    fn published(&mut self, request: &Request, aor: Aor) -> Result<(u64, Duration), Objection> {
        let headers = &request.headers;
        let allow = || Objection(StatusCode::BAD_EVENT, Some((HeaderName::AllowEvents, PACKAGES.into())));
        let package = Package::of(request).ok_or_else(allow)?;
        let known = entity_tag(request)?;
        let topic = (aor, package);
        if known.is_some_and(|tag| !self.state.published.knows(&topic, tag)) {
            return Err(StatusCode::CONDITIONAL_REQUEST_FAILED.into());
        }
        let asked = headers.expires().map_err(|_| StatusCode::BAD_REQUEST)?.unwrap_or(USUAL);
        if asked > 0 && asked < LEAST {
            let least = (HeaderName::MinExpires, LEAST.to_string());
            return Err(Objection(StatusCode::INTERVAL_TOO_BRIEF, Some(least)));
        }
        let document =
            if request.body.is_empty() || asked == 0 { None } else { Some(self.document(request, package)?) };
        let expires = Duration::from_secs(asked.min(MOST).into());
        let until = (asked > 0).then(|| self.core.now.later(expires).mono);
        let tag = self.core.entropy.next_u64();
        match self.state.published.publish(&topic, Wanted { known, document, until, tag }) {
            Ok(true) => self.state_changed(&topic),
            Ok(false) => {}
            Err(Refused::Unknown) => return Err(StatusCode::CONDITIONAL_REQUEST_FAILED.into()),
            Err(Refused::Empty) => return Err(StatusCode::BAD_REQUEST.into()),
            Err(Refused::Full) => return Err(StatusCode::SERVICE_UNAVAILABLE.into()),
        }
        Ok((tag, expires))
    }

    fn document(&self, request: &Request, package: Package) -> Result<Document, Objection> {
        if request.body.len() > self.state.config.limits.document {
            return Err(StatusCode::REQUEST_ENTITY_TOO_LARGE.into());
        }
        let kind = request.headers.content_type().ok().flatten();
        let accept = || {
            Objection(StatusCode::UNSUPPORTED_MEDIA_TYPE, Some((HeaderName::Accept, package.kind().into())))
        };
        let fits =
            kind.zip(package.kind().split_once('/')).is_some_and(|(kind, (one, other))| kind.is(one, other));
        if !fits || request.headers.get(&HeaderName::ContentEncoding).is_some() {
            return Err(accept());
        }
        Document::read(package, &request.body).map_err(|_| StatusCode::BAD_REQUEST.into())
    }
}

/// The entity-tag of SIP-If-Match. One that was never given out stands for nothing that is kept.
fn entity_tag(request: &Request) -> Result<Option<u64>, Objection> {
    let mut lines = request.headers.all(&HeaderName::SipIfMatch);
    let Some(tag) = lines.next() else { return Ok(None) };
    let tag = tag.trim();
    if lines.next().is_some() || tag.is_empty() || tag.contains([',', ' ', '\t']) {
        return Err(StatusCode::BAD_REQUEST.into());
    }
    let ours =
        tag.len() == 16 && tag.bytes().all(|byte| byte.is_ascii_hexdigit() && !byte.is_ascii_uppercase());
    let number = if ours { u64::from_str_radix(tag, 16).ok() } else { None };
    number.map(Some).ok_or_else(|| StatusCode::CONDITIONAL_REQUEST_FAILED.into())
}

/// Seconds that a publication stands when nothing is asked for, at least, and at most.
const USUAL: u32 = 3_600;
const LEAST: u32 = 30;
const MOST: u32 = 86_400;
