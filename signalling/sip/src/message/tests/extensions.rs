use core::{fmt::Display, str::FromStr};

use super::*;

fn headers(lines: &[(HeaderName, &str)]) -> Headers {
    let mut headers = Headers::new();
    lines.iter().for_each(|(name, value)| headers.push(name.clone(), *value));
    headers
}

fn assert_kept<T: FromStr<Err = SyntaxError> + Display + PartialEq + core::fmt::Debug>(text: &str) -> T {
    let read: T = text.parse().unwrap_or_else(|error| panic!("{text}: {error}"));
    assert_eq!(read.to_string(), text);
    assert_eq!(read.to_string().parse().as_ref(), Ok(&read));
    read
}

#[test]
fn events_and_subscription_states_are_read_with_their_parameters() {
    let event: Event = assert_kept("presence.winfo;id=7;x=\"a b\"");
    assert_eq!((event.package.as_str(), event.id()), ("presence.winfo", Some("7")));
    assert!(event.matches(&"presence.winfo;id=7".parse().unwrap()));
    assert!(!event.matches(&"presence.winfo".parse().unwrap()));
    let state: SubscriptionState = assert_kept("terminated;reason=timeout;retry-after=5;expires=99999999999");
    assert_eq!((state.state.clone(), state.reason()), (Substate::Terminated, Some("timeout")));
    assert_eq!((state.retry_after(), state.expires()), (Some(5), Some(u32::MAX)));
    assert_eq!("ACTIVE".parse(), Ok(SubscriptionState::new(Substate::Active)));
    assert!(matches!(assert_kept::<SubscriptionState>("waiting").state, Substate::Other(_)));
    for text in ["", ";id=7", "presence;", "presence x"] {
        assert!(text.parse::<Event>().is_err() && text.parse::<SubscriptionState>().is_err(), "{text}");
    }
}

#[test]
fn timers_acknowledgements_and_dialogs_are_read_whole_or_refused() {
    let timer: SessionTimer = assert_kept("1800;refresher=uac");
    assert_eq!((timer.seconds, timer.refresher()), (1800, Some(Refresher::Uac)));
    assert_eq!(SessionTimer::new(90).with_refresher(Refresher::Uas).to_string(), "90;refresher=uas");
    assert_eq!("90;refresher=x".parse::<SessionTimer>().unwrap().refresher(), None);
    let rack: RAck = assert_kept("776656 1 INVITE");
    assert_eq!((rack.rseq, rack.cseq), (776_656, CSeq { number: 1, method: Method::Invite }));
    let dialog: DialogRef = assert_kept("98asjd8@test;to-tag=12345;from-tag=0;early-only");
    assert_eq!((dialog.to_tag(), dialog.from_tag()), (Some("12345"), Some("0")));
    assert!(dialog.is_early_only() && !DialogRef::new("a", "b", "c").is_early_only());
    let target: DialogRef = assert_kept("fa77@x;local-tag=kk;remote-tag=ll");
    assert_eq!((target.to_tag(), target.from_tag()), (Some("kk"), Some("ll")));
    for text in [
        "",
        "x",
        "-1",
        "1 2",
        "1 INVITE",
        "1 2INVITE",
        "4294967296 1 INVITE",
        "a;to-tag=1",
        "a b;to-tag=1;from-tag=2",
    ] {
        assert!(text.parse::<RAck>().is_err() && text.parse::<DialogRef>().is_err(), "{text}");
    }
    assert!("x".parse::<SessionTimer>().is_err() && "".parse::<SessionTimer>().is_err());
}

#[test]
fn challenges_and_credentials_keep_their_quotes_and_lose_them_when_read_as_text() {
    let auth: Auth = assert_kept(
        "Digest realm=\"a \\\"b\\\", c\", algorithm=SHA-256, nonce=\"1=\", qop=\"auth,auth-int\"",
    );
    assert!(auth.is("digest") && !auth.is("basic"));
    assert_eq!(auth.params.text("REALM").as_deref(), Some("a \"b\", c"));
    assert_eq!(auth.params.get("qop"), Some("\"auth,auth-int\""));
    let mut built = Auth::new(Token::new("Digest").unwrap());
    built.params.push_quoted(Token::new("username").unwrap(), "al\"ice\r\nX: y");
    built.params.push_token(Token::new("nc").unwrap(), &Token::new("00000001").unwrap());
    assert_eq!(built.to_string(), "Digest username=\"al\\\"ice  X: y\", nc=00000001");
    assert_eq!(
        "Bearer authz_server = \"https://x/\" ,scope=a".parse::<Auth>().unwrap().params.iter().count(),
        2
    );
    let cases = [
        ("", "nothing"),
        ("Digest", "no parameters"),
        ("Digest realm", "a parameter without value"),
        ("Digest realm=", "an empty value"),
        ("Digest realm=\"a", "an open quotation"),
        ("Digest realm=\"a\",", "a comma at the end"),
        ("Digest realm=\"a\" nonce=\"b\"", "no comma"),
        ("Digest nonce=\"a\", NONCE=\"b\"", "a parameter twice"),
    ];
    for (text, what) in cases {
        assert!(text.parse::<Auth>().is_err(), "{what}");
    }
    let list = headers(&[
        (HeaderName::WwwAuthenticate, "Digest realm=\"a\", algorithm=SHA-256"),
        (HeaderName::WwwAuthenticate, "Digest realm=\"a\", algorithm=MD5"),
        (HeaderName::ProxyAuthorization, "Digest response=\"0\""),
        (HeaderName::AuthenticationInfo, "nextnonce=\"1\", qop=auth"),
    ]);
    let algorithms: Vec<_> = list
        .challenges(false)
        .unwrap()
        .iter()
        .map(|auth| auth.params.get("algorithm").map(String::from))
        .collect();
    assert_eq!(algorithms, [Some("SHA-256".into()), Some("MD5".into())]);
    assert_eq!((list.challenges(true).unwrap().len(), list.credentials(true).unwrap().len()), (0, 1));
    assert_eq!(list.authentication_info().unwrap().unwrap().text("nextnonce").as_deref(), Some("1"));
}

#[test]
fn identities_are_read_with_the_uri_of_their_certificate() {
    let passport = "eyJhbGciOiJFUzI1NiJ9.eyJpYXQiOjE0NDMyMDgzNDV9.r-_b==";
    let text = format!("{passport};info=<https://biloxi.example/biloxi.cer>;alg=ES256;ppt=shaken");
    let read: Identity = assert_kept(&text);
    assert_eq!((read.passport.as_str(), read.algorithm()), (passport, "ES256"));
    assert_eq!(read.info.to_string(), "https://biloxi.example/biloxi.cer");
    let turned: Identity = format!("{passport} ; alg=ES384 ;info=<https://x>").parse().unwrap();
    assert_eq!(turned.algorithm(), "ES384");
    for text in ["", ";info=<https://x>", "a", "a;info", "a;info=https://x", "a;info=<https://x", "a;alg=1"] {
        assert!(text.parse::<Identity>().is_err(), "{text}");
    }
    let list = headers(&[(HeaderName::Identity, &format!("{text},{text}")), (HeaderName::Identity, &text)]);
    assert_eq!(list.identities().unwrap().len(), 3);
}

#[test]
fn headers_of_the_extensions_are_read_as_what_they_mean() {
    let list = headers(&[
        (HeaderName::AllowEvents, "presence, dialog"),
        (HeaderName::MinExpires, "60"),
        (HeaderName::RSeq, "988789"),
        (HeaderName::ReferTo, "<sip:d@x?Replaces=1%3Bto-tag%3D2>"),
        (HeaderName::Path, "<sip:P1.example;lr>,<sip:p2.example;lr;ob>"),
        (HeaderName::ServiceRoute, "<sip:s.example;lr>"),
        (HeaderName::PAssertedIdentity, "\"Cullen\" <sip:f@x>, tel:+14085264000"),
        (HeaderName::Privacy, "id;header ; critical"),
        (HeaderName::Reason, "SIP;cause=200;text=\"Call completed elsewhere\", Q.850;cause=16"),
        (HeaderName::SipEtag, "dx200xyz"),
        (HeaderName::SipIfMatch, "a b"),
        (HeaderName::FlowTimer, "120"),
        (HeaderName::ContentDisposition, "render;handling=REQUIRED"),
    ]);
    assert_eq!(list.allow_events(), Ok(vec!["presence", "dialog"]));
    assert_eq!(
        (list.min_expires(), list.rseq(), list.flow_timer()),
        (Ok(Some(60)), Ok(Some(988_789)), Ok(Some(120)))
    );
    let refer = list.refer_to().unwrap().unwrap();
    assert_eq!(refer.uri.as_sip().unwrap().headers().next(), Some(("Replaces", "1%3Bto-tag%3D2")));
    assert_eq!((list.path().unwrap().len(), list.service_route().unwrap().len()), (2, 1));
    let asserted: Vec<_> = list.asserted_identities().unwrap().iter().map(|id| id.uri.to_string()).collect();
    assert_eq!(asserted, ["sip:f@x", "tel:+14085264000"]);
    assert_eq!(list.privacy(), ["id", "header", "critical"]);
    let reasons = list.reasons().unwrap();
    assert_eq!(reasons.iter().map(Reason::cause).collect::<Vec<_>>(), [Some(200), Some(16)]);
    assert_eq!(reasons[0].text().as_deref(), Some("Call completed elsewhere"));
    assert_eq!(list.etag(), Ok(Some("dx200xyz")));
    assert!(list.if_match().is_err());
    let disposition = list.content_disposition().unwrap().unwrap();
    assert!(disposition.is("RENDER") && !disposition.is_optional());
    assert_eq!(
        (list.event(), list.replaces(), list.rack(), list.min_se()),
        (Ok(None), Ok(None), Ok(None), Ok(None))
    );
}
