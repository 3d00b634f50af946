//! SIP messages and the parts of them that stand alone.

use rove_sip::message::{CSeq, Message, NameAddr, StatusCode, Uri, Via};

/// What is read is written so that it reads the same, can be looked at from all sides, and a refusal has an answer.
///
/// # Panics
///
/// When that does not hold.
pub fn message(datagram: &[u8]) {
    match Message::parse(datagram) {
        Ok(message) => {
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
