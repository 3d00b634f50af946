//! What reading and writing one SIP message costs.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a bench fails by panicking")]
#![allow(missing_docs, reason = "criterion's macros")]

use std::{fmt::Write as _, hint::black_box};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use rove_sip::message::{HeaderTable, Message, MessageView, Uri};

/// An INVITE as a phone with Opus sends it through one proxy, with its offer.
fn invite() -> Vec<u8> {
    let body = "v=0\r\no=- 20518 20518 IN IP4 203.0.113.17\r\ns=-\r\nc=IN IP4 203.0.113.17\r\nt=0 0\r\n\
        m=audio 49170 RTP/AVP 111 0 8 101\r\na=rtpmap:111 opus/48000/2\r\na=fmtp:111 minptime=10;useinbandfec=1\r\n\
        a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-16\r\na=ptime:20\r\na=sendrecv\r\na=rtcp-mux\r\n";
    let mut text = String::from(
        "INVITE sip:bob@home.example SIP/2.0\r\n\
        Via: SIP/2.0/UDP proxy.visited.example:5060;branch=z9hG4bK2d4790.1\r\n\
        Via: SIP/2.0/UDP 203.0.113.17:5060;branch=z9hG4bK776asdhds;rport=5060;received=203.0.113.17\r\n\
        Max-Forwards: 69\r\n\
        Record-Route: <sip:proxy.visited.example;lr>\r\n\
        From: \"Alice Liddell\" <sip:alice@visited.example>;tag=19283017745\r\n\
        To: <sip:bob@home.example>\r\n\
        Call-ID: a84b4c76e66710@203.0.113.17\r\n\
        CSeq: 314159 INVITE\r\n\
        Contact: <sip:alice@203.0.113.17:5060>\r\n\
        Allow: INVITE, ACK, BYE, CANCEL, OPTIONS\r\n\
        Supported: timer, replaces\r\n\
        Session-Expires: 1800;refresher=uac\r\n\
        Min-SE: 90\r\n\
        Accept: application/sdp\r\n\
        User-Agent: rove/0.1.0\r\n\
        Content-Type: application/sdp\r\n",
    );
    let _ = write!(text, "Content-Length: {}\r\n\r\n{body}", body.len());
    text.into_bytes()
}

/// To routing depth: the host asked for, the topmost Via and its branch, Call-ID, CSeq, both tags, hops left, next hop.
fn route(bytes: &[u8], table: &mut HeaderTable) -> Option<usize> {
    let view = MessageView::parse(bytes, table).ok()?;
    let routing = view.routing().ok()?;
    let (host, _) = routing.uri?.host()?;
    let found = black_box((
        (host, routing.via.host, routing.via.branch()?, routing.call_id),
        (routing.cseq, routing.from_tag?, routing.to_tag, routing.max_forwards?, routing.route.is_some()),
    ));
    Some(found.0.3.len())
}

fn message(c: &mut Criterion) {
    let bytes = invite();
    let message = Message::parse(&bytes).expect("the invite is well formed");
    assert!(route(&bytes, &mut HeaderTable::new()).is_some(), "the invite is read to routing depth");
    let mut table = HeaderTable::new();
    let mut group = c.benchmark_group("sip/message");
    group.throughput(Throughput::Bytes(bytes.len() as u64));
    group.bench_function(format!("parse_invite_{}_bytes", bytes.len()), |b| {
        b.iter(|| Message::parse(black_box(&bytes)).is_ok());
    });
    group.bench_function(format!("view_invite_{}_bytes", bytes.len()), |b| {
        b.iter(|| MessageView::parse(black_box(&bytes), &mut table).is_ok());
    });
    group.bench_function(format!("route_invite_{}_bytes", bytes.len()), |b| {
        b.iter(|| route(black_box(&bytes), &mut table));
    });
    let mut out = Vec::with_capacity(2_000);
    group.bench_function(format!("write_invite_{}_bytes", bytes.len()), |b| {
        b.iter(|| {
            out.clear();
            black_box(&message).write(&mut out);
            out.len()
        });
    });
    group.finish();
}

fn parts(c: &mut Criterion) {
    let mut group = c.benchmark_group("sip/parts");
    group.throughput(Throughput::Elements(1));
    group.bench_function("parse_uri", |b| {
        b.iter(|| black_box("sip:alice@203.0.113.17:5060;transport=udp;lr").parse::<Uri>().is_ok());
    });
    let message = Message::parse(&invite()).expect("the invite is well formed");
    group.bench_function("parse_via", |b| b.iter(|| black_box(message.headers()).via().is_ok()));
    group.bench_function("parse_from", |b| b.iter(|| black_box(message.headers()).from().is_ok()));
    group.finish();
}

criterion_group!(benches, message, parts);
criterion_main!(benches);
