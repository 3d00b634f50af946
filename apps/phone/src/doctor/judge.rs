//! From what was found to a verdict and what to do: no network here.

use std::{net::SocketAddr, time::SystemTime};

use rove_session::Target;
use rove_sip::message::HeaderName;

use super::{
    Finding, Verdict,
    probe::{Answer, Trouble},
};
use crate::{Candidate, LookupError, TraceStep};

fn finding(
    step: &'static str,
    subject: impl Into<String>,
    verdict: Verdict,
    found: String,
    advice: &str,
) -> Finding {
    Finding { step, subject: subject.into(), verdict, found, advice: advice.to_owned() }
}

/// What the look-up of a target says.
pub(super) fn names(
    target: &Target,
    found: &Result<Vec<Candidate>, LookupError>,
    steps: &[TraceStep],
) -> Finding {
    let host = target.host();
    match found {
        Ok(candidates) if !candidates.is_empty() => {
            let ways: Vec<String> = candidates.iter().map(way_of).collect();
            let asked =
                if steps.is_empty() { String::new() } else { format!(", by {} questions", steps.len()) };
            finding("dns", host, Verdict::Good, format!("{}{asked}", ways.join(", ")), "")
        }
        Ok(_) => {
            finding("dns", host, Verdict::Bad, "no address".into(), "add an A or AAAA record for the name")
        }
        Err(error) => {
            let advice = match error {
                LookupError::NoSuchName { .. } => {
                    "check the spelling; is the name published, by `rove register`?"
                }
                LookupError::NoAddress { .. } => {
                    "the name is there, but leads nowhere: add A, AAAA or SRV records"
                }
                _ => "check that the name server runs and is reached: give another with --dns-server",
            };
            finding("dns", host, Verdict::Bad, error.to_string(), advice)
        }
    }
}

fn way_of(candidate: &Candidate) -> String {
    format!("{} over {}", candidate.address, candidate.transport)
}

/// Whether anybody answers at one address, and who.
pub(super) fn way(candidate: &Candidate, outcome: &Result<Answer, Trouble>) -> Vec<Finding> {
    let subject = way_of(candidate);
    let bad = |found: &str, advice: &str| finding("port", &subject, Verdict::Bad, found.to_owned(), advice);
    match outcome {
        Ok(answer) => {
            let status = answer.response.status;
            let ms = answer.took.as_secs_f64() * 1_000.0;
            let found = format!("answers {status} {} in {ms:.0} ms", answer.response.reason);
            let mut findings = vec![match status.code() {
                200..=299 | 401 | 407 | 405 | 404 | 480..=489 => {
                    finding("port", &subject, Verdict::Good, found, "")
                }
                _ => finding(
                    "port",
                    &subject,
                    Verdict::Doubtful,
                    found,
                    "the server does not like OPTIONS: try a call",
                ),
            }];
            if candidate.transport.is_secure() {
                findings.push(finding(
                    "certificate",
                    &subject,
                    Verdict::Good,
                    "its name, dates and chain are right".into(),
                    "",
                ));
            }
            findings
        }
        Err(Trouble::NoRoute(why)) => {
            vec![bad(why, "this host has no way there: check its network, or call over the other IP family")]
        }
        Err(Trouble::Refused) => {
            vec![bad(
                "nobody listens there",
                "start the server, or correct its port in the SRV record or the target",
            )]
        }
        Err(Trouble::Silent) => vec![bad(
            "nothing comes back within 4 s",
            "a firewall drops it, or the host is down: open the port there, or try --transport tcp or tls",
        )],
        Err(Trouble::NotSip) => vec![bad("what answers does not speak SIP", "correct the port")],
        Err(Trouble::Certificate(why)) => vec![
            bad("the server is there, but cannot be trusted", "see the certificate"),
            finding("certificate", &subject, Verdict::Bad, why.clone(), certificate_advice(why)),
        ],
        Err(Trouble::Untried) => {
            vec![finding("port", &subject, Verdict::NotTested, "WebSockets are not tried here".into(), "")]
        }
        Err(Trouble::Other(why)) => vec![bad(why, "look at what the system says")],
    }
}

fn certificate_advice(why: &str) -> &'static str {
    let why = why.to_ascii_lowercase();
    if why.contains("expired") {
        "the certificate is too old, or this clock is ahead: renew it, or set the clock"
    } else if why.contains("notvalidyet") || why.contains("not valid yet") {
        "the certificate is of the future, or this clock is behind: set the clock"
    } else if why.contains("name") {
        "the certificate is of another name: call by the name that stands in it, or have it issued for this one"
    } else if why.contains("issuer") {
        "nobody we trust has issued it: give the authority with --tls-ca"
    } else {
        "see what is wrong with it, for example with `openssl s_client`"
    }
}

/// Whether a NAT stands between, by where the other end saw us.
pub(super) fn nat(candidate: &Candidate, answer: &Answer) -> Finding {
    let subject = way_of(candidate);
    let Ok(via) = answer.response.headers.via() else {
        return finding("nat", subject, Verdict::NotTested, "the answer has no Via".into(), "");
    };
    let seen = (via.received(), via.rport());
    match seen {
        (None, None) => {
            finding("nat", subject, Verdict::NotTested, "the server does not say where it sees us".into(), "")
        }
        (ip, port) => {
            let ip = ip.unwrap_or(answer.local.ip());
            let port = port.unwrap_or(answer.local.port());
            if (ip, port) == (answer.local.ip(), answer.local.port()) {
                finding("nat", subject, Verdict::Good, format!("none: we are seen as we are, at {ip}"), "")
            } else {
                finding(
                    "nat",
                    subject,
                    Verdict::Doubtful,
                    format!("we are {}, and seen at {}", answer.local, SocketAddr::new(ip, port)),
                    "a NAT stands between: register at a server to be reached, which keeps the way open",
                )
            }
        }
    }
}

/// Whether both clocks agree, by the Date of the answer.
pub(super) fn clock(candidate: &Candidate, answer: &Answer, began: SystemTime) -> Finding {
    let subject = way_of(candidate);
    let date = answer.response.headers.get(&HeaderName::Date).and_then(seconds_of_date);
    let ours = began.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |time| time.as_secs());
    match date {
        None => finding("clock", subject, Verdict::NotTested, "the answer has no Date".into(), ""),
        Some(theirs) => {
            let apart = theirs.abs_diff(ours);
            if apart <= MOST_APART {
                finding("clock", subject, Verdict::Good, format!("{apart} s apart"), "")
            } else {
                let advice = "set this clock, or the server's: certificates and signatures depend on it";
                finding("clock", subject, Verdict::Doubtful, format!("{apart} s apart"), advice)
            }
        }
    }
}

/// Seconds since 1970 of a date as SIP writes it, such as `Sat, 13 Nov 2010 23:29:00 GMT` (RFC 3261 §20.17).
pub(super) fn seconds_of_date(text: &str) -> Option<u64> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let [_, day, month, year, time, "GMT"] = words[..] else { return None };
    let (day, year): (u64, u64) = (day.parse().ok()?, year.parse().ok()?);
    let month = MONTHS.iter().position(|name| *name == month)? as u64 + 1;
    let parts: Vec<u64> = time.split(':').map(str::parse).collect::<Result<_, _>>().ok()?;
    let [hours, minutes, seconds] = parts[..] else { return None };
    if !(1970..=9999).contains(&year)
        || !(1..=31).contains(&day)
        || hours > 23
        || minutes > 59
        || seconds > 60
    {
        return None;
    }
    // Days since 1970 by the calendar that begins in March.
    let (y, m) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let days = 365 * y + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 + day - 1 - DAYS_TO_1970;
    Some(days * 86_400 + hours * 3_600 + minutes * 60 + seconds)
}

/// Whether we have a codec in common, by the description in the answer.
pub(super) fn codec(candidate: &Candidate, answer: &Answer, ours: &[String]) -> Finding {
    let subject = way_of(candidate);
    let theirs = codecs_of(&String::from_utf8_lossy(&answer.response.body));
    if theirs.is_empty() {
        return finding(
            "codec",
            subject,
            Verdict::NotTested,
            "the answer does not name its codecs".into(),
            "",
        );
    }
    let common: Vec<&str> = ours
        .iter()
        .filter(|our| theirs.iter().any(|their| their.eq_ignore_ascii_case(our)))
        .map(String::as_str)
        .collect();
    if common.is_empty() {
        let advice = "nothing in common: allow another with --codec, here or there";
        finding("codec", subject, Verdict::Bad, format!("only {}", theirs.join(", ")), advice)
    } else {
        finding("codec", subject, Verdict::Good, format!("{} in common", common.join(", ")), "")
    }
}

/// The codecs of the audio in a session description.
pub(super) fn codecs_of(description: &str) -> Vec<String> {
    let mut codecs = Vec::new();
    let audio = description.split("\nm=").skip(1).find_map(|medium| medium.strip_prefix("audio"));
    let Some(audio) = audio else { return codecs };
    for line in audio.lines() {
        let name = line.strip_prefix("a=rtpmap:").and_then(|rest| rest.split(' ').nth(1));
        codecs.extend(name.and_then(|name| name.split('/').next()).map(str::to_owned));
    }
    let numbers = audio.lines().next().unwrap_or_default().split_whitespace().skip(2);
    for number in numbers {
        let usual = match number {
            "0" => "PCMU",
            "8" => "PCMA",
            _ => continue,
        };
        if !codecs.iter().any(|have| have.eq_ignore_ascii_case(usual)) {
            codecs.push(usual.to_owned());
        }
    }
    codecs
}

/// Nobody has answered anywhere.
pub(super) fn nobody(target: &Target, candidates: &[Candidate]) -> Finding {
    let found = if candidates.is_empty() { "nothing to ask" } else { "nobody answered" };
    finding("codec", target.to_string(), Verdict::NotTested, found.into(), "")
}

/// Whether media gets through is shown by a call alone.
pub(super) fn firewall(target: &Target) -> Finding {
    finding(
        "firewall",
        target.to_string(),
        Verdict::NotTested,
        "nobody there echoes media before a call".into(),
        "if a call is silent, let UDP through in both directions, ports 1024 to 65535",
    )
}

const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
/// From March 1 of the year 0 to January 1 of 1970.
const DAYS_TO_1970: u64 = 719_468;
/// Seconds by which clocks may differ.
const MOST_APART: u64 = 60;

/// What a STUN server says of this host: `answer` is what was asked about and how it is seen.
pub(super) fn stun(server: SocketAddr, answer: Option<(SocketAddr, SocketAddr)>) -> Finding {
    let subject = format!("STUN server {server}");
    match answer {
        Some((ours, seen)) if ours == seen => {
            finding("nat", subject, Verdict::Good, format!("sees {seen}: there is no NAT on the way"), "")
        }
        Some((ours, seen)) => finding(
            "nat",
            subject,
            Verdict::Good,
            format!("sees {ours} as {seen}: calls tell that address, too"),
            "",
        ),
        None => finding(
            "nat",
            subject,
            Verdict::Doubtful,
            "does not answer".into(),
            "calls go on without it, 0.6 s later each; give another with --stun, or let UDP to it pass the firewall",
        ),
    }
}
