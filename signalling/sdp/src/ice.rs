//! Ways to reach each other: `candidate`, `ice-ufrag`, `ice-pwd` and their company (RFC 8839 §5).
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use core::{fmt, str::FromStr};
use std::net::{IpAddr, SocketAddr};

use rove_base::{CandidateKind, Foundation, IceCredentials};

use crate::{Description, Line, Media, ParseError};

/// One way to reach somebody: the attribute `candidate` (RFC 8839 §5.1).
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Candidate {
    /// The same for candidates that stand and fall together: 1 to 32 ice-chars.
    pub foundation: String,
    /// 1 for RTP, 2 for RTCP; at most 256.
    pub component: u16,
    /// `UDP`, or the name of a transport that is not spoken here.
    pub transport: String,
    /// The higher the better.
    pub priority: u32,
    /// An address, or the host name that stands for it.
    pub address: String,
    /// The port.
    pub port: u16,
    /// `host`, `srflx`, `prflx`, `relay`, or another type.
    pub kind: String,
    /// The address behind it, which serves only to find faults.
    pub related: Option<(String, u16)>,
    /// Further pairs of name and value, in order.
    pub extensions: Vec<(String, String)>,
}

impl Candidate {
    /// Where it leads, when it is a UDP address. `None` for a host name, which is not looked up, and for other transports.
    #[must_use]
    pub fn socket(&self) -> Option<SocketAddr> {
        let ip: IpAddr = self.address.parse().ok()?;
        let udp = self.transport.eq_ignore_ascii_case("UDP") && self.port != 0;
        let usable = !ip.is_unspecified() && !ip.is_multicast();
        (udp && usable).then(|| SocketAddr::new(ip.to_canonical(), self.port))
    }

    /// The same for the engine. `None` for what it does not use: other components, transports, types, and names.
    #[must_use]
    pub fn to_engine(&self) -> Option<rove_base::Candidate> {
        let kind = KINDS.into_iter().find(|kind| kind.name().eq_ignore_ascii_case(&self.kind))?;
        let related = self.related.as_ref();
        Some(rove_base::Candidate {
            address: self.socket().filter(|_| self.component == 1)?,
            kind,
            priority: self.priority,
            foundation: Foundation::new(&self.foundation)?,
            related: related.and_then(|(ip, port)| Some(SocketAddr::new(ip.parse().ok()?, *port))),
        })
    }
}

impl From<&rove_base::Candidate> for Candidate {
    fn from(one: &rove_base::Candidate) -> Self {
        Self {
            foundation: one.foundation.as_str().into(),
            component: 1,
            transport: "UDP".into(),
            priority: one.priority,
            address: one.address.ip().to_string(),
            port: one.address.port(),
            kind: one.kind.name().into(),
            related: one.related.map(|related| (related.ip().to_string(), related.port())),
            extensions: Vec::new(),
        }
    }
}

impl FromStr for Candidate {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        read(text).ok_or(ParseError::Malformed { line: 0, what: "candidate" })
    }
}

fn read(text: &str) -> Option<Candidate> {
    let text = text.trim();
    // Some write the attribute's name again where it stands alone.
    let mut words = text.strip_prefix("candidate:").unwrap_or(text).split_ascii_whitespace();
    let foundation = words.next().filter(|word| ice_chars(word, 1, 32))?.to_owned();
    let component = words.next()?.parse().ok().filter(|component| (1..=256).contains(component))?;
    let transport = words.next()?.to_owned();
    let priority = words.next()?.parse().ok()?;
    let (address, port) = (words.next()?.to_owned(), words.next()?.parse().ok()?);
    words.next().filter(|word| word.eq_ignore_ascii_case("typ"))?;
    let kind = words.next()?.to_owned();
    let mut related = None;
    let mut extensions = Vec::new();
    while let Some(name) = words.next() {
        let value = words.next()?;
        match &mut related {
            None if name.eq_ignore_ascii_case("raddr") && extensions.is_empty() => {
                words.next().filter(|word| word.eq_ignore_ascii_case("rport"))?;
                related = Some((value.to_owned(), words.next()?.parse().ok()?));
            }
            _ => extensions.push((name.to_owned(), value.to_owned())),
        }
    }
    Some(Candidate { foundation, component, transport, priority, address, port, kind, related, extensions })
}

impl fmt::Display for Candidate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { foundation, component, transport, priority, address, port, kind, .. } = self;
        write!(f, "{foundation} {component} {transport} {priority} {address} {port} typ {kind}")?;
        if let Some((address, port)) = &self.related {
            write!(f, " raddr {address} rport {port}")?;
        }
        self.extensions.iter().try_for_each(|(name, value)| write!(f, " {name} {value}"))
    }
}

/// How one side can be reached: its credentials and candidates for one medium. The password is never printed.
#[derive(Clone, Eq, PartialEq)]
pub struct Ice {
    /// Names this generation of candidates: 4 to 256 ice-chars.
    pub ufrag: String,
    /// What checks are authenticated with: 22 to 256 ice-chars.
    pub pwd: String,
    /// Only answers checks and never makes any (RFC 8445 §2.5).
    pub lite: bool,
    /// Candidates may follow later (RFC 8838).
    pub trickle: bool,
    /// No more candidates will follow (RFC 8838 §14).
    pub ended: bool,
    /// The candidates known by now.
    pub candidates: Vec<Candidate>,
    /// The other side's candidates that have been chosen, once they have (RFC 8839 §4.4.1.2.2).
    pub remote: RemoteCandidates,
}

impl fmt::Debug for Ice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ice")
            .field("ufrag", &self.ufrag)
            .field("lite", &self.lite)
            .field("trickle", &self.trickle)
            .field("ended", &self.ended)
            .field("candidates", &self.candidates)
            .field("remote", &self.remote)
            .finish_non_exhaustive()
    }
}

impl Ice {
    /// What the engine says about this side. Candidates may trickle, both ways, unless this side's are `complete`.
    #[must_use]
    pub fn new(credentials: &IceCredentials, candidates: &[rove_base::Candidate], complete: bool) -> Self {
        Self {
            ufrag: credentials.ufrag().to_owned(),
            pwd: credentials.password().to_owned(),
            lite: false,
            trickle: !complete,
            ended: complete,
            candidates: candidates.iter().map(Candidate::from).collect(),
            remote: RemoteCandidates::default(),
        }
    }

    /// The credentials for the engine. `None` where they do not follow their grammar.
    #[must_use]
    pub fn credentials(&self) -> Option<IceCredentials> {
        IceCredentials::new(&self.ufrag, &self.pwd).ok()
    }

    /// The candidates that the engine can use, in order.
    #[must_use]
    pub fn engine_candidates(&self) -> Vec<rove_base::Candidate> {
        self.candidates.iter().filter_map(Candidate::to_engine).collect()
    }

    /// What `description` says about `media`; the credentials may be the session's. Candidates that cannot be read are
    /// passed over (RFC 8839 §5.1). `None` without usable credentials.
    #[must_use]
    pub fn of(description: &Description, media: &Media) -> Option<Self> {
        let ufrag = description.attribute(media, "ice-ufrag").filter(|text| ice_chars(text, 4, 256))?;
        let pwd = description.attribute(media, "ice-pwd").filter(|text| ice_chars(text, 22, 256))?;
        let options = description.session_attributes("ice-options").chain(media.attributes("ice-options"));
        let has =
            |name: &str| media.attribute(name).or_else(|| description.session_attribute(name)).is_some();
        let candidates = media.attributes("candidate").take(MOST_CANDIDATES);
        Some(Self {
            ufrag: ufrag.to_owned(),
            pwd: pwd.to_owned(),
            lite: description.session_attribute("ice-lite").is_some(),
            trickle: options
                .flat_map(str::split_ascii_whitespace)
                .any(|option| option.eq_ignore_ascii_case("trickle")),
            ended: has("end-of-candidates"),
            candidates: candidates.filter_map(|text| text.parse().ok()).collect(),
            remote: media
                .attribute("remote-candidates")
                .and_then(|text| text.parse().ok())
                .unwrap_or_default(),
        })
    }

    /// The lines for one medium.
    pub(crate) fn lines(&self) -> Vec<Line> {
        let Self { ufrag, pwd, remote, .. } = self;
        let mut lines =
            vec![Line::attribute(format!("ice-ufrag:{ufrag}")), Line::attribute(format!("ice-pwd:{pwd}"))];
        if self.trickle {
            lines.push(Line::attribute("ice-options:trickle"));
        }
        lines.extend(self.candidates.iter().map(|one| Line::attribute(format!("candidate:{one}"))));
        if self.ended {
            lines.push(Line::attribute("end-of-candidates"));
        }
        if !remote.0.is_empty() {
            lines.push(Line::attribute(format!("remote-candidates:{remote}")));
        }
        lines
    }

    /// Whether one of the candidates is where `default` leads.
    pub(crate) fn leads_to(&self, default: SocketAddr) -> bool {
        let default = SocketAddr::new(default.ip().to_canonical(), default.port());
        self.candidates.iter().any(|one| {
            let tcp = !one.transport.eq_ignore_ascii_case("UDP");
            let named = one.address.parse::<IpAddr>().is_err();
            tcp || named || one.socket() == Some(default)
        })
    }

    /// The best candidate for RTP that an address of the family of `local` can reach.
    pub(crate) fn best_for(&self, local: SocketAddr) -> Option<SocketAddr> {
        let rtp = self.candidates.iter().filter(|one| one.component == 1);
        let usable = rtp.filter_map(|one| Some((one.priority, one.socket()?)));
        let usable = usable.filter(|(_, to)| to.is_ipv4() == local.ip().to_canonical().is_ipv4());
        usable.max_by_key(|(priority, _)| *priority).map(|(_, to)| to)
    }
}

/// The default destinations that an offer names as chosen: the attribute `remote-candidates`, one for each component
/// (RFC 8839 §5.2).
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct RemoteCandidates(pub Vec<(u16, String, u16)>);

impl FromStr for RemoteCandidates {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let mut words = text.split_ascii_whitespace();
        let mut all = Vec::new();
        let mut next = || {
            let component = words.next()?;
            Some((component.parse().ok(), words.next().map(str::to_owned), words.next()?.parse().ok()))
        };
        while let Some(one) = next() {
            match one {
                (Some(component), Some(address), Some(port)) => all.push((component, address, port)),
                _ => return Err(REMOTE),
            }
        }
        let whole = text.split_ascii_whitespace().count() == all.len().saturating_mul(3);
        if all.is_empty() || !whole { Err(REMOTE) } else { Ok(Self(all)) }
    }
}

const REMOTE: ParseError = ParseError::Malformed { line: 0, what: "remote-candidates" };

impl fmt::Display for RemoteCandidates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().enumerate().try_for_each(|(at, (component, address, port))| {
            let before = if at == 0 { "" } else { " " };
            write!(f, "{before}{component} {address} {port}")
        })
    }
}

/// Whether `text` is of letters, digits, `+` and `/`, and of a length in this range.
pub(crate) fn ice_chars(text: &str, least: usize, most: usize) -> bool {
    (least..=most).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/'))
}

/// The types that the engine knows.
const KINDS: [CandidateKind; 4] = [
    CandidateKind::Host,
    CandidateKind::ServerReflexive,
    CandidateKind::PeerReflexive,
    CandidateKind::Relayed,
];
/// Candidates of one medium that are read; more are passed over.
pub const MOST_CANDIDATES: usize = 64;
