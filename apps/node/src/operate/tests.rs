use super::{
    reload::differences,
    request::{Answer, Outcome, Question, Tokens, read},
};
use zeroize::Zeroizing;

fn tokens() -> Tokens {
    let one =
        |token: &str, tenant: Option<&str>| (Zeroizing::new(token.to_owned()), tenant.map(str::to_owned));
    Tokens(vec![one("the-operators-token", None), one("a-tenants-own-token", Some("a.example"))])
}

fn status(outcome: Outcome) -> u16 {
    match outcome {
        Outcome::Now(Answer { status, .. }) => status,
        other => panic!("{other:?}"),
    }
}

fn get(path: &str, more: &str) -> Outcome {
    read(format!("GET {path} HTTP/1.1\r\nHost: a\r\n{more}\r\n").as_bytes(), &tokens())
}

#[test]
fn who_shows_no_token_sees_health_and_counters_alone() {
    assert_eq!(status(get("/healthz", "")), 200);
    assert_eq!(get("/readyz", ""), Outcome::Ask(Question::Ready));
    assert_eq!(get("/metrics?x=1", ""), Outcome::Ask(Question::Metrics));
    assert_eq!(status(get("/view.json", "")), 401);
    for wrong in ["the-operators-toke", "the-operators-tokem", "", "the-operators-token2"] {
        let shown = format!("Authorization: Bearer {wrong}\r\n");
        assert_eq!(status(get("/view.json", &shown)), 401, "{wrong:?}");
    }
    assert_eq!(status(get("/../etc/passwd", "")), 404);
}

#[test]
fn a_tenant_sees_its_own_part_and_the_operator_all() {
    let view = |token: &str| get("/view.json", &format!("authorization: Bearer {token}\r\n"));
    assert_eq!(view("the-operators-token"), Outcome::Ask(Question::View(None)));
    assert_eq!(view("a-tenants-own-token"), Outcome::Ask(Question::View(Some("a.example".into()))));
}

#[test]
fn without_a_token_there_is_no_dashboard() {
    for path in ["/", "/dashboard.js", "/view.json"] {
        let request = format!("GET {path} HTTP/1.1\r\nAuthorization: Bearer \r\n\r\n");
        assert_eq!(status(read(request.as_bytes(), &Tokens::default())), 404, "{path}");
    }
}

#[test]
fn what_is_no_request_for_a_page_is_refused_by_its_status() {
    let cases: [(&[u8], Option<u16>); 6] = [
        (b"GET /healthz HT", None),
        (b"POST / HTTP/1.1\r\n\r\n", Some(405)),
        (b"\x16\x03\x01\x02\x00", Some(400)),
        (b"GET / HTTP/9.9\r\n\r\n", Some(400)),
        (b"GET /healthz HTTP/1.0\r\n\r\n", Some(200)),
        (b"HEAD /healthz HTTP/1.1\r\n\r\n", Some(200)),
    ];
    for (bytes, expected) in cases {
        match (read(bytes, &tokens()), expected) {
            (Outcome::Partial, None) => {}
            (outcome, Some(expected)) => assert_eq!(status(outcome), expected, "{bytes:?}"),
            (outcome, None) => panic!("{outcome:?}"),
        }
    }
    let endless = [b"GET / HTTP/1.1\r\nX: ".as_slice(), &[b'x'; 9_000]].concat();
    assert_eq!(status(read(&endless, &tokens())), 431);
}

#[cfg(feature = "dashboard")]
#[test]
fn a_page_uses_nothing_from_elsewhere_and_says_so() {
    let Outcome::Now(page) = get("/", "") else { panic!("no page") };
    let bytes = String::from_utf8(page.write()).unwrap();
    assert!(bytes.contains("default-src 'none'"), "{bytes}");
    assert!(!page.body.contains("http"), "{bytes}");
    let Outcome::Now(head) = read(b"HEAD / HTTP/1.1\r\n\r\n", &tokens()) else { panic!("no answer") };
    assert!(head.write().ends_with(b"\r\n\r\n"));
}

#[test]
fn differences_of_two_configurations_are_named_by_their_keys() {
    let old = "[sip]\nmode = \"proxy\"\n[sip.limits]\nburst = 1\n[relay]\ncalls = 1\n".parse().unwrap();
    let new = "[sip]\nmode = \"redirect\"\n[sip.limits]\nburst = 2\n[http]\nlisten = []\n".parse().unwrap();
    let mut keys = differences(&old, &new);
    keys.sort();
    assert_eq!(keys, ["http", "relay", "sip.limits.burst", "sip.mode"]);
    assert!(differences(&old, &old).is_empty());
}
