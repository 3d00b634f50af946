use std::net::IpAddr;

use proptest::{collection::vec, option, prelude::*, sample::Index};

use super::*;

fn token() -> impl Strategy<Value = String> {
    "[A-Za-z0-9.!%*_+`'~-]{1,12}"
}

fn host() -> impl Strategy<Value = Host> {
    let domain = "([a-z0-9]{1,8}\\.){0,3}[a-z][a-z0-9]{0,8}";
    prop_oneof![domain.prop_map(|name| name.parse().unwrap()), any::<IpAddr>().prop_map(Host::from)]
}

fn port() -> impl Strategy<Value = Option<u16>> {
    option::of(1..=u16::MAX)
}

fn params() -> impl Strategy<Value = Params> {
    let value = option::of(prop_oneof!["[!-~é\" ]{0,10}", token()]);
    vec((token(), value), 0..4).prop_map(|all| {
        let mut params = Params::default();
        all.iter().for_each(|(name, value)| params.set(name, value.as_deref()));
        params
    })
}

prop_compose! {
    fn sip_uri()(
        secure: bool, user in "[ -~é]{0,12}", host in host(), port in port(),
        params in vec(("[ -~]{1,8}", option::of("[ -~]{0,8}")), 0..3),
    ) -> SipUri {
        let mut uri = SipUri::new(host).with_user(&user);
        (uri.secure, uri.port) = (secure, port);
        params.iter().for_each(|(name, value)| uri.params.set(name, value.as_deref()));
        uri
    }
}

fn uri() -> impl Strategy<Value = Uri> {
    let other = ["tel:\\+[0-9]{1,12}", "[a-z]{1}x[a-z+.-]{1,5}:[!#-;=?-~]{1,12}"];
    prop_oneof![
        sip_uri().prop_map(Uri::Sip),
        other[0].prop_map(|text| text.parse().unwrap()),
        other[1].prop_map(|text| text.parse().unwrap()),
    ]
}

fn name_addr() -> impl Strategy<Value = NameAddr> {
    (option::of("[^\r\n]{1,12}"), uri(), params()).prop_map(|(display, uri, params)| NameAddr {
        display,
        uri,
        params,
    })
}

prop_compose! {
    fn via()(transport in token(), host in host(), port in port(), params in params()) -> Via {
        Via { transport: transport.parse().unwrap(), host, port, params }
    }
}

fn method() -> impl Strategy<Value = Method> {
    prop_oneof![Just("INVITE".to_owned()), Just("BYE".to_owned()), token()]
        .prop_map(|text| text.parse().unwrap())
}

prop_compose! {
    fn headers(method: Method)(
        vias in vec(via(), 1..4), from in name_addr(), to in name_addr(), call_id in "[!-~]{1,20}", number: u32,
        contacts in vec(name_addr(), 0..3), routes in vec(name_addr(), 0..3),
        others in vec(("X-[a-z]{1,8}", "([!-~é][ -~]{0,12}[!-~])?"), 0..4), method in Just(method),
    ) -> Headers {
        let mut headers = Headers::new();
        vias.iter().for_each(|via| headers.push(HeaderName::Via, via.to_string()));
        headers.push(HeaderName::From, from.to_string());
        headers.push(HeaderName::To, to.to_string());
        headers.push(HeaderName::CallId, call_id);
        headers.push(HeaderName::CSeq, CSeq { number, method }.to_string());
        contacts.iter().for_each(|contact| headers.push(HeaderName::Contact, contact.to_string()));
        routes.iter().for_each(|route| headers.push(HeaderName::Route, route.to_string()));
        others.iter().for_each(|(name, value)| headers.push(name.parse().unwrap(), value.as_str()));
        headers
    }
}

fn message() -> impl Strategy<Value = Message> {
    let start = prop_oneof![
        (method(), uri()).prop_map(|(method, uri)| Message::Request(Request::new(method, uri))),
        (100..700_u16, "[ -~é]{0,20}", method()).prop_map(|(code, reason, _)| {
            let status = StatusCode::new(code).unwrap();
            Message::Response(Response { reason, ..Response::new(status) })
        }),
    ];
    let with_headers = start.prop_flat_map(|message| {
        let method = match &message {
            Message::Request(request) => request.method.clone(),
            Message::Response(_) => Method::Invite,
        };
        (Just(message), headers(method), vec(any::<u8>(), 0..40))
    });
    with_headers.prop_map(|(mut message, mut headers, body)| {
        headers.push(HeaderName::ContentLength, body.len().to_string());
        match &mut message {
            Message::Request(request) => (request.headers, request.body) = (headers, body),
            Message::Response(response) => (response.headers, response.body) = (headers, body),
        }
        message
    })
}

/// Looks at all that can be looked at.
fn explore(message: &Message) {
    let headers = message.headers();
    let _ = (headers.vias(), headers.contacts(), headers.routes(), headers.record_routes());
    let _ = (headers.require(), headers.supported(), headers.allow(), headers.content_type());
    let _ = (headers.expires(), headers.retry_after(), headers.warning(), headers.max_forwards());
    if let Message::Request(request) = message {
        let _ = request.response(StatusCode::OK);
        assert!(request.uri.equivalent(&request.uri));
    }
}

proptest! {
    #[test]
    fn what_is_written_is_read_back(message in message()) {
        prop_assert_eq!(Message::parse(&written(&message)), Ok(message));
    }

    #[test]
    fn uris_are_read_back_and_equivalent_to_themselves(uri in uri()) {
        let read: Uri = uri.to_string().parse().unwrap();
        prop_assert!(read.equivalent(&uri));
        prop_assert_eq!(read, uri);
    }

    #[test]
    fn addresses_and_vias_are_read_back(address in name_addr(), via in via()) {
        prop_assert_eq!(address.to_string().parse(), Ok(address));
        prop_assert_eq!(via.to_string().parse(), Ok(via));
    }

    #[test]
    fn no_bytes_panic(bytes in vec(any::<u8>(), 0..500), text in "\\PC{0,100}") {
        let _ = Message::parse(&bytes);
        let _ = (text.parse::<Uri>(), text.parse::<NameAddr>(), text.parse::<Via>(), text.parse::<CSeq>());
    }

    #[test]
    fn mutated_messages_are_read_or_refused_and_what_is_read_is_stable(
        message in message(), changes in vec((any::<Index>(), any::<u8>(), 0..3_u8), 1..8)
    ) {
        let mut bytes = written(&message);
        for (place, byte, how) in changes {
            let place = place.index(bytes.len());
            match how {
                0 => bytes[place] = byte,
                1 => bytes.insert(place, byte),
                _ => drop(bytes.remove(place)),
            }
        }
        match Message::parse(&bytes) {
            Ok(read) => {
                explore(&read);
                let once = written(&read);
                let again = Message::parse(&once).unwrap();
                prop_assert_eq!(written(&again), once);
            }
            Err(ParseError { rejection: Some(rejection), .. }) => {
                let response = written(&Message::Response(rejection.response()));
                prop_assert!(response.starts_with(b"SIP/2.0 "));
            }
            Err(_) => {}
        }
    }
}
