use super::*;

fn typed(content_type: &str) -> Headers {
    let mut headers = Headers::new();
    headers.push(HeaderName::ContentType, content_type);
    headers
}

/// Parts in parts, `depth` multiparts deep.
fn nested(depth: usize) -> (Headers, String) {
    let mut body = "v=0".to_owned();
    let mut kind = "application/sdp".to_owned();
    for level in 0..depth {
        body = format!("--b{level}\r\nContent-Type: {kind}\r\n\r\n{body}\r\n--b{level}--\r\n");
        kind = format!("multipart/mixed;boundary=b{level}");
    }
    (typed(&kind), body)
}

#[test]
fn a_body_is_taken_apart_at_its_boundaries() {
    let body = "a preamble\r\n--x y\r\n\r\nplain\r\n--x y  \r\n\
        c: application/sdp\r\nContent-Disposition: session;handling=optional\r\n\r\nv=0\r\n\r\n--x y\r\n\
        Content-Type:\r\n image/png\r\nContent-ID: <7@x>\r\n\r\n\0--x\r\n--x yz\r\n--x y--\r\nan epilogue\r\n--x y\r\n";
    let part = Part::read(&typed("Multipart/Mixed; boundary=\"x y\""), body.as_bytes()).unwrap();
    let bodies: Vec<_> = part.parts.iter().map(|part| part.body).collect();
    assert_eq!(bodies, [&b"plain"[..], b"v=0\r\n", b"\0--x\r\n--x yz"]);
    assert!(part.parts[0].media_type.is("text", "plain") && part.parts[0].headers.is_empty());
    assert_eq!(part.parts[2].headers.get(&HeaderName::ContentId), Some("<7@x>"));
    assert!(part.find("image", "png").is_some() && part.find("image", "gif").is_none());
    let sdp = part.sdp().unwrap();
    let disposition = sdp.disposition().unwrap().unwrap();
    assert_eq!(sdp.body, b"v=0\r\n");
    assert!(disposition.is("session") && disposition.is_optional());
}

#[test]
fn a_body_that_is_no_multipart_is_one_part_and_of_alternatives_the_last_is_best() {
    let part = Part::read(&typed("application/sdp"), b"v=0").unwrap();
    assert_eq!(part.sdp().map(|part| part.body), Some(&b"v=0"[..]));
    assert!(Part::read(&Headers::new(), b"hello").unwrap().sdp().is_none());
    let alternatives = "--b\r\nc: application/sdp\r\n\r\none\r\n--b\r\nc: application/sdp\r\n\r\ntwo\r\n--b\r\n\
        c: text/plain\r\n\r\nthree\r\n--b--";
    let part = Part::read(&typed("multipart/alternative;boundary=b"), alternatives.as_bytes()).unwrap();
    assert_eq!(part.sdp().unwrap().body, b"two");
}

#[test]
fn parts_lie_in_parts_down_to_a_limit() {
    let (headers, body) = nested(MAX_DEPTH);
    assert_eq!(Part::read(&headers, body.as_bytes()).unwrap().sdp().unwrap().body, b"v=0");
    let (headers, body) = nested(MAX_DEPTH + 1);
    let error = Part::read(&headers, body.as_bytes()).unwrap_err();
    assert_eq!((error.status(), error), (StatusCode::BAD_REQUEST, MultipartError::TooDeep));
    let many = format!("{}--b--", "--b\r\n\r\n\r\n".repeat(MAX_PARTS));
    let error = Part::read(&typed("multipart/mixed;boundary=b"), many.as_bytes()).unwrap_err();
    assert_eq!((error.status().code(), error), (413, MultipartError::TooManyParts));
}

#[test]
fn broken_multiparts_are_refused_with_their_flaw() {
    use MultipartError as Error;
    let long = format!("multipart/mixed;boundary={}", "b".repeat(71));
    let kind = "multipart/mixed;boundary=b";
    let cases = [
        ("no boundary", "multipart/mixed", "", Error::Boundary),
        ("an empty boundary", "multipart/mixed;boundary=\"\"", "", Error::Boundary),
        ("a boundary that ends in space", "multipart/mixed;boundary=\"b \"", "", Error::Boundary),
        ("a boundary that is too long", &long, "", Error::Boundary),
        ("no part", kind, "hello", Error::NoPart),
        ("an end without a part", kind, "--b--", Error::NoPart),
        ("a boundary inside a line", kind, "x--b\r\n\r\n--b--", Error::NoPart),
        ("no end", kind, "--b\r\n\r\nhello\r\n", Error::Unfinished),
        ("an end that is cut", kind, "--b\r\n\r\nhello\r\n--b-", Error::Unfinished),
        ("a header without a colon", kind, "--b\r\nhello\r\n\r\n\r\n--b--", Error::HeaderLine),
        ("a lone line feed in a head", kind, "--b\r\nA: b\nC: d\r\n\r\n\r\n--b--", Error::HeaderLine),
    ];
    for (what, kind, body, error) in cases {
        assert_eq!(Part::read(&typed(kind), body.as_bytes()), Err(error), "{what}");
    }
}
