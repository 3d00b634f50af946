//! SIP messages and the parts of them that stand alone.

use core::{fmt, str::FromStr};

use rove_sip::message::{
    Auth, AuthParams, CSeq, DialogRef, Disposition, Event, Frame, HeaderName, HeaderTable, Headers, Identity,
    MediaType, Message, MessageView, NameAddr, Part, RAck, Reason, SessionTimer, StatusCode,
    SubscriptionState, Uri, Via, frame,
};

/// What is read is written so that it reads the same, can be looked at from all sides, and a refusal has an answer.
///
/// # Panics
///
/// When that does not hold.
pub fn message(datagram: &[u8]) {
    let mut table = HeaderTable::new();
    let view = MessageView::parse(datagram, &mut table);
    if let Frame::Whole(len) = frame(datagram) {
        assert!(
            len <= datagram.len()
                && MessageView::parse(&datagram[..len], &mut HeaderTable::new()).is_ok() == view.is_ok()
        );
    }
    match Message::parse(datagram) {
        Ok(message) => {
            same(&view.expect("what is read can be looked at"), &message);
            look(&message);
            let once = written(&message);
            let again = Message::parse(&once).expect("what was written is read");
            assert_eq!(written(&again), once);
        }
        Err(error) => {
            if let Some(rejection) = error.rejection {
                let response = written(&Message::Response(rejection.response()));
                let head = response.strip_suffix(b"\r\n").expect("no body");
                assert!(
                    head.split(|byte| *byte == b'\n').all(|line| line.is_empty() || line.ends_with(b"\r"))
                );
            }
        }
    }
}

/// A URI, an address or a Via that is read is written so that it reads the same.
///
/// # Panics
///
/// When that does not hold.
pub fn uri(bytes: &[u8]) {
    let Ok(text) = core::str::from_utf8(bytes) else { return };
    if let Ok(uri) = text.parse::<Uri>() {
        assert_eq!(uri.to_string().parse().as_ref(), Ok(&uri));
        assert!(uri.equivalent(&uri));
        _ = uri.as_sip().map(|sip| (sip.user_bytes(), sip.headers().count(), sip.is_loose_router()));
    }
    if let Ok(address) = text.parse::<NameAddr>() {
        assert_eq!(address.to_string().parse().as_ref(), Ok(&address));
    }
    if let Ok(mut via) = text.parse::<Via>() {
        assert_eq!(via.to_string().parse().as_ref(), Ok(&via));
        let source = ([192, 0, 2, 1], 5060).into();
        via.note_source(source);
        assert!(via.received().is_none_or(|ip| ip == source.ip()));
    }
    if let Ok(cseq) = text.parse::<CSeq>() {
        assert_eq!(cseq.to_string().parse(), Ok(cseq));
    }
}

/// What a view shows is what the message holds.
fn same(view: &MessageView<'_>, message: &Message) {
    let (routing, headers) = (view.routing().expect("what is read can be routed"), message.headers());
    assert_eq!(view.len(), headers.len());
    assert!(view.headers().map(|(_, value)| value).eq(headers.iter().map(|(_, value)| value)));
    let via = headers.via().expect("what is read has a Via");
    assert_eq!((routing.via.branch(), routing.via.port), (via.branch(), via.port));
    assert!(routing.via.host == via.host);
    assert_eq!(Ok(routing.call_id), headers.call_id());
    assert_eq!(
        Ok(routing.from_tag.map(String::from)),
        headers.from().map(|from| from.tag().map(String::from))
    );
    assert_eq!(Ok(routing.to_tag.map(String::from)), headers.to().map(|to| to.tag().map(String::from)));
    assert_eq!(Ok(routing.max_forwards), headers.max_forwards());
    let route = headers.routes().expect("what is read has routes that are").into_iter().next();
    assert_eq!(routing.route.map(Uri::from), route.map(|route| route.uri));
    if let Message::Request(request) = message {
        assert_eq!(routing.uri.map(Uri::from).as_ref(), Some(&request.uri));
        assert_eq!((view.method(), view.body()), (Some(request.method.as_str()), &*request.body));
    }
}

/// A header value that is read is written so that it reads the same.
///
/// # Panics
///
/// When that does not hold.
pub fn header(bytes: &[u8]) {
    let Ok(text) = core::str::from_utf8(bytes) else { return };
    kept::<Auth>(text);
    kept::<AuthParams>(text);
    kept::<DialogRef>(text);
    kept::<Disposition>(text);
    kept::<Event>(text);
    kept::<Identity>(text);
    kept::<MediaType>(text);
    kept::<RAck>(text);
    kept::<Reason>(text);
    kept::<SessionTimer>(text);
    kept::<SubscriptionState>(text);
    let mut headers = Headers::new();
    for name in LISTS {
        headers.push(name, text);
    }
    assert!(
        headers
            .iter()
            .all(|(_, value)| !value.contains(['\r', '\n']) && value == value.trim_matches([' ', '\t']))
    );
    _ = (
        headers.contacts(),
        headers.record_routes(),
        headers.path(),
        headers.identities(),
        headers.reasons(),
    );
    _ = (
        headers.allow_events(),
        headers.privacy(),
        headers.warning(),
        headers.retry_after(),
        headers.challenges(true),
    );
}

/// Headers whose values are lists, or more than one type of ours.
const LISTS: [HeaderName; 11] = [
    HeaderName::Contact,
    HeaderName::RecordRoute,
    HeaderName::Path,
    HeaderName::Identity,
    HeaderName::Reason,
    HeaderName::AllowEvents,
    HeaderName::Privacy,
    HeaderName::Warning,
    HeaderName::RetryAfter,
    HeaderName::WwwAuthenticate,
    HeaderName::ProxyAuthenticate,
];

fn kept<T: FromStr + fmt::Display + PartialEq + fmt::Debug>(text: &str) {
    if let Ok(read) = text.parse::<T>() {
        assert_eq!(read.to_string().parse().ok().as_ref(), Some(&read), "{read}");
    }
}

/// A body, whose kind is what stands before the first line end, is taken apart within its limits.
///
/// # Panics
///
/// When that does not hold.
pub fn multipart(bytes: &[u8]) {
    let Some(end) = bytes.windows(2).position(|pair| pair == b"\r\n") else { return };
    let Ok(kind) = core::str::from_utf8(&bytes[..end]) else { return };
    let mut headers = Headers::new();
    headers.push(HeaderName::ContentType, kind);
    if let Ok(part) = Part::read(&headers, &bytes[end + 2..]) {
        assert!(part.sdp().is_none_or(|sdp| sdp.media_type.is("application", "sdp")));
        assert!(count(&part, 0) <= rove_sip::message::MAX_PARTS);
    }
}

fn count(part: &Part<'_>, depth: usize) -> usize {
    assert!(depth <= rove_sip::message::MAX_DEPTH);
    assert!(part.parts.iter().map(|inner| inner.body.len()).sum::<usize>() <= part.body.len());
    1 + part.parts.iter().map(|inner| count(inner, depth + 1)).sum::<usize>()
}

fn look(message: &Message) {
    let headers = message.headers();
    _ = (headers.via(), headers.contact(), headers.routes(), headers.record_routes(), headers.content_type());
    _ = (headers.require(), headers.supported(), headers.allow(), headers.expires(), headers.retry_after());
    _ = (headers.warning(), headers.max_forwards());
    assert!(
        headers.cseq().is_ok() && headers.call_id().is_ok() && headers.from().is_ok() && headers.to().is_ok()
    );
    if let Message::Request(request) = message {
        let mut response = request.response(StatusCode::OK);
        let mut via = response.headers.via().expect("a request that was read has a Via");
        via.note_source(([192, 0, 2, 1], 5060).into());
        response.headers.replace_top_via(&via).expect("a request that was read has a Via");
        assert!(Message::parse(&written(&Message::Response(response))).is_ok());
    }
}

fn written(message: &Message) -> Vec<u8> {
    let mut out = Vec::new();
    message.write(&mut out);
    out
}
