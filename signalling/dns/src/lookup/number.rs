//! From a telephone number to a SIP URI (ENUM, RFC 6116).

use hickory_proto::rr::{Name, rdata::NAPTR};
use rove_base::Transport;

use super::pattern::Pattern;

/// The name that says where `number` is called: its digits, last first, below `e164.arpa` (RFC 6116 §3.2). `None` for
/// what is no number of ITU-T E.164 with its `+`.
pub(crate) fn name(number: &str) -> Option<Name> {
    let digits = number.strip_prefix('+')?;
    if !(1..=MOST_DIGITS).contains(&digits.len()) || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let labels: Vec<String> = digits.chars().rev().map(String::from).collect();
    format!("{}.e164.arpa.", labels.join(".")).parse().ok()
}

/// The SIP URI that the best record makes of `number`; records of other services, and those that do not fit the number,
/// do not count.
pub(crate) fn uri(mut records: Vec<&NAPTR>, number: &str) -> Option<String> {
    records.retain(|naptr| naptr.flags.eq_ignore_ascii_case(b"u") && is_sip(&naptr.services));
    records.sort_by_key(|naptr| (naptr.order, naptr.preference));
    let uris = records.into_iter().filter_map(|naptr| rewrite(&naptr.regexp, number));
    uris.into_iter().find(|uri| place(uri).is_some())
}

/// `E2U+sip`, among other services perhaps (RFC 6116 §3.4.3, RFC 3764).
fn is_sip(services: &[u8]) -> bool {
    let services = String::from_utf8_lossy(services).to_ascii_lowercase();
    let mut parts = services.split('+');
    parts.next() == Some("e2u") && parts.any(|part| part == "sip")
}

/// What a substitution makes of `number` (RFC 3402 §3.2): delimiter, pattern, delimiter, replacement, delimiter, flags.
fn rewrite(regexp: &[u8], number: &str) -> Option<String> {
    let text = std::str::from_utf8(regexp).ok()?;
    let mark = text.chars().next()?;
    let mut parts = text.get(mark.len_utf8()..)?.split(mark);
    let (pattern, replacement, flags) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() || !matches!(flags, "" | "i") {
        return None;
    }
    Pattern::parse(pattern)?.replace(number, replacement).filter(|uri| uri.len() <= LONGEST_URI)
}

/// Where a SIP URI leads.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Place {
    pub(crate) host: String,
    pub(crate) port: Option<u16>,
    pub(crate) transport: Option<Transport>,
    pub(crate) secure: bool,
}

/// Host, port and transport of a `sip:` or `sips:` URI.
pub(crate) fn place(uri: &str) -> Option<Place> {
    let (scheme, rest) = uri.split_once(':')?;
    let secure = match scheme.to_ascii_lowercase().as_str() {
        "sip" => false,
        "sips" => true,
        _ => return None,
    };
    let rest = rest.split('?').next()?;
    let rest = rest.rsplit_once('@').map_or(rest, |(_, host)| host);
    let mut parts = rest.split(';');
    let authority = parts.next()?;
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => (host, Some(port.parse().ok()?)),
        _ => (authority, None),
    };
    let mut transport = None;
    for part in parts {
        if let Some(("transport", named)) = part.split_once('=') {
            let known = [Transport::Udp, Transport::Tcp, Transport::Tls, Transport::Ws, Transport::Wss];
            transport = Some(known.into_iter().find(|one| one.to_string().eq_ignore_ascii_case(named))?);
        }
    }
    (!host.is_empty()).then(|| Place { host: host.to_owned(), port, transport, secure })
}

/// ITU-T E.164.
const MOST_DIGITS: usize = 15;
const LONGEST_URI: usize = 512;

#[cfg(test)]
mod tests {
    use super::*;

    fn naptr(order: u16, services: &str, flags: &str, regexp: &str) -> NAPTR {
        let bytes = |text: &str| text.as_bytes().into();
        NAPTR::new(order, 10, bytes(flags), bytes(services), bytes(regexp), Name::root())
    }

    #[test]
    fn the_name_of_a_number_is_its_digits_from_behind() {
        assert_eq!(name("+4670123").unwrap().to_string(), "3.2.1.0.7.6.4.e164.arpa.");
        for wrong in ["4670123", "+", "+46a", "+1234567890123456", ""] {
            assert_eq!(name(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn the_first_record_about_sip_that_fits_says_where() {
        let records = [
            naptr(200, "E2U+sip", "u", "!^.*$!sip:second@home.example!"),
            naptr(100, "E2U+email:mailto", "u", "!^.*$!mailto:t1@home.example!"),
            naptr(110, "E2U+sip", "", "!^.*$!sip:not-final@home.example!"),
            naptr(120, "E2U+sip", "u", "!^\\+47(.*)$!sip:\\1@norway.example!"),
            naptr(150, "e2u+SIP", "U", "!^\\+46(.*)$!sip:n\\1@home.example:5070;transport=tcp!"),
        ];
        let all: Vec<&NAPTR> = records.iter().collect();
        let found = uri(all, "+4670123").unwrap();
        assert_eq!(found, "sip:n70123@home.example:5070;transport=tcp");
        let place = place(&found).unwrap();
        assert_eq!(
            (place.host.as_str(), place.port, place.transport),
            ("home.example", Some(5070), Some(Transport::Tcp))
        );
        assert_eq!(uri(records[1..2].iter().collect(), "+4670123"), None);
    }

    #[test]
    fn what_is_no_substitution_makes_nothing() {
        for regexp in [
            "",
            "!",
            "!^.*$!",
            "!^.*$!sip:a@b",
            "!(!sip:a@b!",
            "!^.*$!sip:a@b!x",
            "!^.*$!sip:\\2@b!",
            "!^.*$!tel:+1!",
        ] {
            assert_eq!(uri(vec![&naptr(1, "E2U+sip", "u", regexp)], "+1234"), None, "{regexp}");
        }
    }
}
