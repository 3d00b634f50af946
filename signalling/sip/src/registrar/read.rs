//! What a REGISTER asks for, and what stands against it (RFC 3261 §10.3 steps 2 and 5 to 7).
#![deny(clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use core::time::Duration;

use rove_base::{Instant, Transport};

use super::{Aor, Binding, Change, Edit, Edits, Instance, RegistrarConfig};
use crate::{
    message::{HeaderName, NameAddr, Params, Request, StatusCode, Uri, Via},
    transport::Hop,
};

/// A REGISTER that may be carried out.
#[derive(Clone, Debug)]
pub struct Registration {
    /// Whose bindings.
    pub aor: Aor,
    /// Its address as To has it, without parameters: what GRUUs are made of.
    pub address: Uri,
    /// What changes.
    pub change: Change,
    /// Whether it is told GRUUs (RFC 5627).
    pub gruu: bool,
    /// Whether a contact is bound to its flow as RFC 5626 has it.
    pub outbound: bool,
    /// What Path said, to be told in the answer (RFC 3327 §5.3).
    pub path: Vec<NameAddr>,
}

/// Why a REGISTER is refused.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Objection {
    /// With what.
    pub status: StatusCode,
    /// For people; the usual phrase when empty.
    pub reason: &'static str,
    /// One more header.
    pub header: Option<(HeaderName, String)>,
}

impl Objection {
    const fn new(status: StatusCode, reason: &'static str) -> Self {
        Self { status, reason, header: None }
    }

    fn naming(status: StatusCode, name: HeaderName, value: impl Into<String>) -> Self {
        Self { status, reason: "", header: Some((name, value.into())) }
    }
}

/// Reads a REGISTER for one of our domains, which came along `hop`.
///
/// # Errors
///
/// [`Objection`]: 400, 404, 420, 423 or 439.
pub fn read(
    config: &RegistrarConfig,
    now: Instant,
    request: &Request,
    hop: Hop,
) -> Result<Registration, Objection> {
    let bad = |reason| Objection::new(StatusCode::BAD_REQUEST, reason);
    let headers = &request.headers;
    let required = headers.require().map_err(|_| bad("bad Require"))?;
    let unknown: Vec<_> = required.into_iter().filter(|tag| !SUPPORTED.contains(tag)).collect();
    if !unknown.is_empty() {
        return Err(Objection::naming(
            StatusCode::BAD_EXTENSION,
            HeaderName::Unsupported,
            unknown.join(", "),
        ));
    }
    let to = headers.to().map_err(|_| bad("bad To"))?;
    let Uri::Sip(mut address) = to.uri else { return Err(bad("To is no SIP address of record")) };
    if !config.domains.contains(&address.host) {
        return Err(Objection::new(StatusCode::NOT_FOUND, ""));
    }
    let aor = Aor::of(&address);
    address.clear_headers();
    (address.port, address.params) = (None, crate::message::UriParams::new());
    let cseq = headers.cseq().map_err(|_| bad("bad CSeq"))?;
    let call_id = headers.call_id().map_err(|_| bad("bad Call-ID"))?.to_owned();
    let path = headers.elements(&HeaderName::Path, NameAddr::read).map_err(|_| bad("bad Path"))?;
    let supports = |tag| headers.supported().is_ok_and(|tags| tags.contains(&tag));
    let vias = headers.vias().map_err(|_| bad("bad Via"))?;
    let mut draft = Draft {
        config,
        now,
        call_id: call_id.clone(),
        cseq: cseq.number,
        hop: (vias.len() == 1).then_some(hop),
        arrival: hop,
        via: vias.first().cloned(),
        path,
        knows_outbound: supports("outbound"),
        outbound: false,
        header_expires: expires_of(headers.get(&HeaderName::Expires), config),
    };
    let edits = draft.edits(request)?;
    Ok(Registration {
        aor,
        address: Uri::Sip(address),
        change: Change { call_id, cseq: cseq.number, edits },
        gruu: supports("gruu"),
        outbound: draft.outbound,
        path: draft.path,
    })
}

/// Whether whoever sent a request with this Via and Contact along `hop` can be reached that way alone: it says that it is
/// elsewhere than it is, or it is a browser, which listens nowhere.
pub(crate) fn is_bound(via: &Via, contact: Option<&Uri>, hop: Hop) -> bool {
    let contact = contact.and_then(Uri::as_sip);
    match hop.transport {
        Transport::Ws | Transport::Wss => true,
        Transport::Udp => via.host.ip() != Some(hop.remote.ip()) || via.sent_by_port() != hop.remote.port(),
        _ => contact.is_none_or(|uri| uri.params.has("ob") || uri.host.ip() != Some(hop.remote.ip())),
    }
}

struct Draft<'a> {
    config: &'a RegistrarConfig,
    now: Instant,
    call_id: String,
    cseq: u32,
    /// The flow to the client, when nobody stands between.
    hop: Option<Hop>,
    arrival: Hop,
    via: Option<Via>,
    path: Vec<NameAddr>,
    knows_outbound: bool,
    outbound: bool,
    header_expires: Option<Duration>,
}

impl Draft<'_> {
    fn edits(&mut self, request: &Request) -> Result<Edits, Objection> {
        let bad = |reason| Objection::new(StatusCode::BAD_REQUEST, reason);
        let headers = &request.headers;
        if headers.is_wildcard_contact() {
            return match self.header_expires {
                Some(Duration::ZERO) => Ok(Edits::RemoveAll),
                _ => Err(bad("Contact: * without Expires: 0")),
            };
        }
        if headers.all(&HeaderName::Contact).any(|value| value.trim() == "*") {
            return Err(bad("Contact: * beside others"));
        }
        let contacts = headers.contacts().map_err(|_| bad("bad Contact"))?;
        let edits = contacts.into_iter().map(|contact| self.edit(contact)).collect::<Result<Vec<_>, _>>()?;
        let flows = |edit: &&Edit| matches!(edit, Edit::Set(binding) if binding.instance.as_ref().is_some_and(|i| i.reg_id.is_some()));
        // RFC 5626 §6: one flow for each request.
        if edits.iter().filter(flows).count() > 1 {
            return Err(bad("more than one flow"));
        }
        Ok(Edits::Each(edits))
    }

    fn edit(&mut self, contact: NameAddr) -> Result<Edit, Objection> {
        let lasts = match contact.params.get("expires") {
            Some(value) => expires_of(Some(value), self.config),
            None => self.header_expires,
        };
        let lasts = lasts.unwrap_or(self.config.default_expires);
        let instance = self.instance(&contact)?;
        let Duration::ZERO = lasts else { return self.set(contact, lasts, instance) };
        Ok(Edit::Remove { contact: contact.uri, instance })
    }

    fn set(
        &mut self,
        contact: NameAddr,
        lasts: Duration,
        instance: Option<Instance>,
    ) -> Result<Edit, Objection> {
        if lasts < self.config.min_expires && lasts < HOUR {
            let least = self.config.min_expires.as_secs().to_string();
            return Err(Objection::naming(StatusCode::INTERVAL_TOO_BRIEF, HeaderName::MinExpires, least));
        }
        let bound = instance.as_ref().is_some_and(|instance| instance.reg_id.is_some());
        self.outbound |= bound;
        let alone = self.via.as_ref().is_none_or(|via| is_bound(via, Some(&contact.uri), self.arrival));
        let flow = self.hop.filter(|_| bound || alone);
        let q = contact.params.get("q").and_then(thousandths).unwrap_or(1_000);
        Ok(Edit::Set(Binding {
            q,
            until: self.now + lasts.min(self.config.max_expires),
            call_id: self.call_id.clone(),
            cseq: self.cseq,
            path: self.path.clone(),
            instance,
            flow,
            params: others(&contact.params),
            contact: contact.uri,
        }))
    }

    /// The device and its flow, where the client and all between us can keep to it (RFC 5626 §6).
    fn instance(&self, contact: &NameAddr) -> Result<Option<Instance>, Objection> {
        let Some(urn) = contact.params.text("+sip.instance") else { return Ok(None) };
        let urn = urn.trim_start_matches('<').trim_end_matches('>').to_owned();
        let reg_id = contact.params.get("reg-id").and_then(|id| id.parse().ok()).filter(|id| *id > 0);
        let first = self.path.last().and_then(|path| path.uri.as_sip());
        let kept = self.hop.is_some() || first.is_some_and(|first| first.params.has("ob"));
        match (reg_id, kept) {
            (Some(_), false) if self.knows_outbound => {
                Err(Objection::new(StatusCode::FIRST_HOP_LACKS_OUTBOUND, ""))
            }
            (Some(_), false) => Ok(Some(Instance { urn, reg_id: None })),
            (reg_id, _) => Ok(Some(Instance { urn, reg_id })),
        }
    }
}

/// Seconds; what is no number counts as the usual time (RFC 3261 §10.3 step 6, §20.19).
fn expires_of(text: Option<&str>, config: &RegistrarConfig) -> Option<Duration> {
    let text = text?.trim();
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let seconds: Option<u32> = if digits { text.parse().ok() } else { None };
    Some(seconds.map_or(config.default_expires, |seconds| Duration::from_secs(seconds.into())))
}

/// A qvalue in thousandths (RFC 3261 §25.1).
fn thousandths(text: &str) -> Option<u16> {
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    if part.len() > 3 || !part.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let part: u16 = format!("{part:0<3}").parse().ok()?;
    match whole {
        "0" => Some(part),
        "1" if part == 0 => Some(1_000),
        _ => None,
    }
}

/// The parameters that are not about the binding itself.
fn others(params: &Params) -> Params {
    let mut others = params.clone();
    for name in ["q", "expires", "+sip.instance", "reg-id", "pub-gruu", "temp-gruu"] {
        others.remove(name);
    }
    others
}

/// What may be required of us.
const SUPPORTED: [&str; 3] = ["path", "outbound", "gruu"];
const HOUR: Duration = Duration::from_secs(3_600);
