//! Where rsip, rsipstack and the parser that does the work disagree: over the messages of RFC 4475 and RFC 5118, where they
//! lie beside the repository, and over messages with one anomaly each. Every difference is of a class that has a name and
//! a reason; one of no class is a failure.

use std::{collections::BTreeMap, fs, path::Path};

use rove_sip::message::{HeaderError, HeaderName, Message, ParseErrorKind, SyntaxError};

#[path = "../../tests/vectors/spoiled.rs"]
mod spoiled;

/// What a parser makes of a message: what routing needs, or why it refuses.
type Verdict = Result<Facts, String>;

#[derive(Clone, Debug, Eq, PartialEq)]
struct Facts {
    start: String,
    call_id: String,
    cseq: u32,
    from_tag: Option<String>,
    to_tag: Option<String>,
    body: Vec<u8>,
}

fn ours(bytes: &[u8]) -> Result<Facts, ParseErrorKind> {
    let message = Message::parse(bytes).map_err(|error| error.kind)?;
    let headers = message.headers();
    let tag = |address: rove_sip::message::NameAddr| address.tag().map(String::from);
    let (start, body) = match &message {
        Message::Request(request) => (request.method.to_string(), request.body.clone()),
        Message::Response(response) => (response.status.to_string(), response.body.clone()),
    };
    Ok(Facts {
        start,
        call_id: headers.call_id()?.to_owned(),
        cseq: headers.cseq()?.number,
        from_tag: tag(headers.from()?),
        to_tag: tag(headers.to()?),
        body,
    })
}

/// The two rivals have one interface, for the one grew out of the other.
macro_rules! rival {
    ($name:ident, $root:path, $typed:path) => {
        fn $name(bytes: &[u8]) -> Verdict {
            #[allow(unused_imports)]
            use sip::prelude::*;
            use $root as sip;
            #[allow(unused_imports)]
            use $typed;
            let text = |error: sip::Error| error.to_string();
            let message = sip::SipMessage::try_from(bytes).map_err(text)?;
            let (start, body) = match &message {
                sip::SipMessage::Request(request) => (request.method.to_string(), request.body.clone()),
                sip::SipMessage::Response(response) => {
                    (response.status_code.code().to_string(), response.body.clone())
                }
            };
            message.via_header().map_err(text)?.typed().map_err(text)?;
            let (from, to) = (message.from_header().map_err(text)?, message.to_header().map_err(text)?);
            let (from, to) = (from.typed().map_err(text)?, to.typed().map_err(text)?);
            Ok(Facts {
                start,
                call_id: message.call_id_header().map_err(text)?.value().to_string(),
                cseq: message.cseq_header().map_err(text)?.typed().map_err(text)?.seq as u32,
                from_tag: from.tag().map(|tag| tag.value().to_string()),
                to_tag: to.tag().map(|tag| tag.value().to_string()),
                body: body.to_vec(),
            })
        }
    };
}
rival!(rsip, rsip, rsip::headers::ToTypedHeader);
rival!(rsipstack, rsipstack::sip, rsipstack::sip::ToTypedHeader);

#[test]
fn every_difference_has_a_name_and_a_reason() {
    let mut messages = vectors();
    if messages.is_empty() {
        println!("skipped: ../shared/vectors is absent");
    }
    let bases = spoiled::BASES.iter().map(|(name, base)| ((*name).to_owned(), base.as_bytes().to_vec()));
    messages.extend(bases);
    messages.extend(spoiled::spoiled(4_500).into_iter().map(|spoiled| (spoiled.what, spoiled.bytes)));
    let rivals: [(&str, fn(&[u8]) -> Verdict); 2] = [("rsip", rsip), ("rsipstack", rsipstack)];
    let (mut table, mut unexplained) = (BTreeMap::<(&str, &str), usize>::new(), Vec::new());
    for (what, bytes) in &messages {
        let ours = ours(bytes);
        for (rival, parse) in rivals {
            // A rival that panics has not read it.
            let theirs = std::panic::catch_unwind(|| parse(bytes)).unwrap_or_else(|_| Err("panic".into()));
            if ours.as_ref().ok() == theirs.as_ref().ok() {
                continue;
            }
            match explain(rival, bytes, &ours, &theirs) {
                Some(class) => *table.entry((rival, class)).or_default() += 1,
                None => unexplained.push(format!("{rival}: {what}: {ours:?} / {theirs:?}")),
            }
        }
    }
    let unknown = table.keys().any(|(_, class)| class.contains("does not know"));
    assert!(!unknown, "a refusal without explanation: {table:#?}");
    for ((rival, class), count) in &table {
        println!("{rival}: {count} {class}");
    }
    assert!(
        unexplained.is_empty(),
        "{} unexplained\n{}",
        unexplained.len(),
        unexplained[..unexplained.len().min(60)].join("\n")
    );
}

fn explain(
    rival: &str,
    bytes: &[u8],
    ours: &Result<Facts, ParseErrorKind>,
    theirs: &Verdict,
) -> Option<&'static str> {
    match (ours, theirs) {
        (Err(kind), Ok(_)) => Some(only_theirs(kind)),
        (Ok(_), Err(error)) => only_ours(rival, &Head::of(bytes), error),
        (Ok(ours), Ok(theirs)) => read_otherwise(&Head::of(bytes), ours, theirs),
        (Err(_), Err(_)) => None,
    }
}

/// What the standards call invalid and a rival reads. A refusal that is not named here fails the test,
/// so that a new one has to be explained too.
fn only_theirs(kind: &ParseErrorKind) -> &'static str {
    use HeaderError::{Malformed, Missing, Repeated};
    use HeaderName as Name;
    use ParseErrorKind as Kind;
    match kind {
        Kind::BodyTooShort { .. } => {
            "bodies shorter than Content-Length (RFC 4475 §3.1.2.2) are taken for whole ones"
        }
        Kind::Encoding => "text that is not UTF-8 (RFC 3261 §7.1) becomes other text",
        Kind::LineEnd => {
            "carriage returns and line feeds that stand alone (RFC 3261 §7) are text, or line ends"
        }
        Kind::HeaderLine => "lines that are no headers (RFC 3261 §7.3.1) are passed over",
        Kind::StartLine => "space in the first line (RFC 4475 §3.1.2.8) is passed over",
        Kind::Version => "versions that nobody speaks (RFC 4475 §3.1.2.16) are read",
        Kind::MethodMismatch => "the methods of request line and CSeq (RFC 4475 §3.1.2.17) are not compared",
        Kind::RequestUri(_) | Kind::UriHeaders => {
            "Request-URIs outside the grammar (RFC 4475 §3.1.2.7, §3.1.2.11) are read"
        }
        Kind::StatusCode => "status codes of more or less than three digits (RFC 4475 §3.1.2.19) are read",
        Kind::Unfinished => "heads without an empty line are read",
        Kind::Empty | Kind::TooLong | Kind::UriTooLong | Kind::TooManyHeaders => "there are no limits",
        Kind::Header(Malformed { error: SyntaxError::TooMany(_), .. }) => "there are no limits",
        Kind::Header(Repeated(_)) => "headers that may stand once (RFC 4475 §3.3.8) stand twice",
        Kind::Header(Missing(_)) => {
            "headers that every message has (RFC 4475 §3.3.1) are missed when they are asked for"
        }
        Kind::Header(Malformed {
            name: Name::Via | Name::From | Name::To | Name::CallId | Name::CSeq,
            ..
        }) => "values outside the grammar (RFC 4475 §3.1.2.1, §3.1.2.14) are read in part",
        Kind::Header(Malformed { .. }) => "other headers are looked at when they are asked for",
        _ => "a refusal that this table does not know",
    }
}

/// What the standards call valid and a rival refuses.
fn only_ours(rival: &str, head: &Head, error: &str) -> Option<&'static str> {
    const TEXTS: &[(&str, &str)] = &[
        ("invalid method", "methods of extensions (RFC 3261 §7.1)"),
        ("unknown transport", "transports of extensions (RFC 4475 §3.1.1.10)"),
        ("invalid IPv6", "the third colon of an IPv6 address (RFC 5118 §4.10)"),
        ("missing URI", "line ends before a message (RFC 3261 §7.5)"),
    ];
    const RSIP_TEXTS: &[(&str, &str)] = &[
        (
            "failed to tokenize params",
            "space around the equals sign, and colons and brackets in values (RFC 3261 §25.1)",
        ),
        ("failed to tokenize version", "characters of URI parameters (RFC 3261 §25.1)"),
        ("failed to tokenize via", "tabs around the slashes of a Via (RFC 3261 §25.1)"),
    ];
    let named = |texts: &[(&str, &'static str)]| {
        texts.iter().find(|(text, _)| error.contains(text)).map(|(_, class)| *class)
    };
    if rival != "rsip" {
        return named(TEXTS);
    }
    if head.is_folded {
        Some("folded lines (RFC 3261 §7.3.1)")
    } else if head.has_compact_names {
        Some("compact names (RFC 3261 §7.3.3)")
    } else if head.has_space_before_colon {
        Some("space before the colon (RFC 3261 §7.3.1)")
    } else if error.contains("invalid digit") || error.contains("number too large") {
        Some(if head.text.contains('[') {
            "IPv6 references (RFC 5118 §4.1)"
        } else {
            "URIs of other schemes (RFC 4475 §3.3.2)"
        })
    } else {
        named(TEXTS).or_else(|| named(RSIP_TEXTS))
    }
}

/// What both read, but not as the same.
fn read_otherwise(head: &Head, ours: &Facts, theirs: &Facts) -> Option<&'static str> {
    if (Facts { body: ours.body.clone(), ..theirs.clone() }) == *ours {
        let part = theirs.body.starts_with(&ours.body) || ours.body.starts_with(&theirs.body);
        return part.then_some(
            "bodies do not end where Content-Length says, or where the datagram does (RFC 3261 §18.3)",
        );
    }
    let spaced = head.is_folded || head.text.contains("= ") || head.text.contains(" =");
    let same = Facts {
        call_id: ours.call_id.clone(),
        from_tag: ours.from_tag.clone(),
        to_tag: ours.to_tag.clone(),
        ..theirs.clone()
    };
    (spaced && same == *ours).then_some("space and folds inside a value belong to it (RFC 3261 §7.3.1)")
}

/// What a head has of what a rival may not know.
struct Head {
    text: String,
    is_folded: bool,
    has_compact_names: bool,
    has_space_before_colon: bool,
}

impl Head {
    fn of(bytes: &[u8]) -> Self {
        let end = bytes.windows(4).position(|end| end == b"\r\n\r\n").unwrap_or(bytes.len());
        let text = String::from_utf8_lossy(&bytes[..end]).into_owned();
        let names: Vec<_> = text.lines().skip(1).filter_map(|line| line.split(':').next()).collect();
        Self {
            is_folded: text.contains("\r\n ") || text.contains("\r\n\t"),
            has_compact_names: names.iter().any(|name| name.trim().len() == 1),
            has_space_before_colon: names.iter().any(|name| name.ends_with([' ', '\t'])),
            text,
        }
    }
}

fn vectors() -> Vec<(String, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/vectors/sip");
    let mut found = Vec::new();
    for rfc in ["rfc4475", "rfc5118"] {
        for file in fs::read_dir(folder.join(rfc)).into_iter().flatten().flatten() {
            found.push((file.file_name().to_string_lossy().into_owned(), fs::read(file.path()).unwrap()));
        }
    }
    found.sort();
    found
}
