//! OPTIONS to `roved` and `rove answer` in every transport, IPv4 and IPv6, by a client that shares nothing with them.

mod ways;

use std::{net::SocketAddr, path::Path};

use rove_phone::Transport;
use rove_tests::programs::{Running, program};

use self::ways::{Way, value};
use crate::{
    stage::{PATIENCE, answer_ready},
    streams::Trust,
};

const ALL: [Transport; 5] = [Transport::Udp, Transport::Tcp, Transport::Tls, Transport::Ws, Transport::Wss];

#[test]
fn a_server_tells_what_it_can_do_in_every_transport_and_family() {
    let trust = Trust::new();
    for ip in ["127.0.0.1", "[::1]"] {
        if !is_here(ip) {
            continue;
        }
        let (mut process, addresses) = server(&trust, ip);
        for transport in ALL {
            let at = addresses.iter().find(|(name, _)| *name == transport).expect("listens").1;
            let mut way = Way::open(transport, at, &trust.authority);
            let response = asked(&mut way, transport, &format!("sip:{at}"));
            assert_eq!(value(&response, "Supported"), Some("path, outbound, gruu"));
            let allowed: Vec<_> = value(&response, "Allow").unwrap().split(", ").collect();
            for method in ["INVITE", "ACK", "CANCEL", "OPTIONS", "BYE", "REGISTER"] {
                assert!(allowed.contains(&method), "{response}");
            }
            let known = ["Via", "From", "To", "Call-ID", "CSeq", "Server", "Allow", "Supported"];
            nothing_else(&response, &[&known[..], &["Content-Length"]].concat());
            assert_eq!(value(&response, "Content-Length"), Some("0"), "{response}");
        }
        assert!(process.is_alive());
    }
}

#[test]
fn a_phone_tells_what_it_can_do_in_every_transport_and_family() {
    let trust = Trust::new();
    for ip in ["127.0.0.1", "[::1]"] {
        if !is_here(ip) {
            continue;
        }
        for web in ["ws", "wss"] {
            let (mut process, addresses) = phone(&trust, ip, web);
            for (transport, at) in addresses {
                let mut way = Way::open(transport, at, &trust.authority);
                let response = asked(&mut way, transport, &format!("sip:bob@{at}"));
                assert_eq!(value(&response, "Accept"), Some("application/sdp"), "{response}");
                assert_eq!(value(&response, "Accept-Encoding"), Some("identity"), "{response}");
                let supported: Vec<_> = value(&response, "Supported").unwrap().split(", ").collect();
                for extension in ["100rel", "timer", "replaces"] {
                    assert!(supported.contains(&extension), "{response}");
                }
                let body = response.split_once("\r\n\r\n").unwrap().1;
                assert_eq!(value(&response, "Content-Length"), Some(body.len().to_string().as_str()));
                // RFC 3261 §11.2: a description of its media may be there, or nothing.
                match value(&response, "Content-Type") {
                    None => assert!(body.is_empty(), "{response}"),
                    Some(kind) => {
                        assert_eq!(kind, "application/sdp", "{response}");
                        assert!(body.starts_with("v=0\r\n") && body.contains("\r\nm=audio "), "{response}");
                    }
                }
                let known = ["Via", "From", "To", "Call-ID", "CSeq", "Allow", "Accept", "Accept-Encoding"];
                let more = ["Supported", "Content-Type", "Content-Length", "Server", "User-Agent", "Contact"];
                nothing_else(&response, &[&known[..], &more].concat());
            }
            assert!(process.is_alive());
        }
    }
}

/// Asks twice and answers the first response, when all that it took over from the request is as it should be.
fn asked(way: &mut Way, transport: Transport, uri: &str) -> String {
    let local = way.local();
    let name = transport.to_string().to_uppercase();
    let rport = if transport == Transport::Udp { ";rport" } else { "" };
    let number = local.port();
    let request = format!(
        "OPTIONS {uri} SIP/2.0\r\nVia: SIP/2.0/{name} {local};branch=z9hG4bKask{number}{rport}\r\n\
         Via: SIP/2.0/UDP 192.0.2.9:5060;branch=z9hG4bKbelow;received=192.0.2.10\r\nMax-Forwards: 70\r\n\
         From: \"A \\\"quoted\\\" one\" <sip:asks@home.example>;tag=f{number}\r\nTo: <{uri}>\r\n\
         Call-ID: ask-{number}@home.example\r\nCSeq: 4294967 OPTIONS\r\n\
         Accept: application/sdp\r\nContent-Length: 0\r\n\r\n"
    );
    let response = way.ask(&request);
    assert!(response.starts_with("SIP/2.0 200 OK\r\n"), "{transport} {uri}: {response}");
    let vias: Vec<_> = response.lines().filter_map(|line| line.strip_prefix("Via: ")).collect();
    let noted = match transport {
        Transport::Udp => format!(";received={};rport={}", local.ip(), local.port()),
        _ => String::new(),
    };
    let [top, below] = vias[..] else { panic!("two Vias: {response}") };
    let mut params: Vec<&str> = top.split(';').collect();
    params.sort_unstable();
    let expected = format!("SIP/2.0/{name} {local};branch=z9hG4bKask{number}{noted}");
    let mut wanted: Vec<&str> = expected.split(';').collect();
    wanted.sort_unstable();
    assert_eq!(params, wanted, "{response}");
    assert_eq!(below, "SIP/2.0/UDP 192.0.2.9:5060;branch=z9hG4bKbelow;received=192.0.2.10");
    for name in ["From", "Call-ID", "CSeq"] {
        assert_eq!(value(&response, name), value(&request, name), "{response}");
    }
    let tag =
        value(&response, "To").unwrap().strip_prefix(&format!("<{uri}>;tag=")).expect("a tag of its own");
    assert!(tag.len() >= 8, "32 bits at least (RFC 3261 §19.3): {tag}");
    let again = way.ask(&request);
    assert_eq!(value(&again, "To"), value(&response, "To"), "the same request, the same answer");
    response
}

fn nothing_else(response: &str, known: &[&str]) {
    let mut seen = Vec::new();
    for line in response.lines().skip(1).take_while(|line| !line.is_empty()) {
        let (name, _) = line.split_once(": ").unwrap_or_else(|| panic!("no header: {line:?}"));
        assert!(known.contains(&name), "{name} was not expected: {response}");
        assert!(name == "Via" || !seen.contains(&name), "{name} twice: {response}");
        seen.push(name);
    }
}

fn is_here(ip: &str) -> bool {
    let here = std::net::TcpListener::bind(format!("{ip}:0")).is_ok();
    if !here {
        println!("skipped: no {ip} here");
    }
    here
}

/// `roved` that listens in all transports at `ip`.
fn server(trust: &Trust, ip: &str) -> (Running, Vec<(Transport, SocketAddr)>) {
    let folder = tempfile::tempdir().unwrap();
    let path = |path: &Path| path.display().to_string();
    let (chain, key) = (path(&trust.certificate.chain), path(&trust.certificate.key));
    let any = format!("[\"{ip}:0\"]");
    let text = format!(
        "[sip]\ndomains = [\"home.example\"]\nauth = false\n[sip.listen]\nudp = {any}\ntcp = {any}\ntls = {any}\n\
         ws = {any}\nwss = {any}\n[sip.tls]\ncertificate = \"{chain}\"\nkey = \"{key}\"\n"
    );
    let file = folder.path().join("roved.toml");
    std::fs::write(&file, text).unwrap();
    let mut process = Running::start(&program("roved"), ["--config", &path(&file), "--ready-json"]);
    let ready = process.ready(PATIENCE);
    let uris = ready["sip"].as_array().expect("addresses").iter().filter_map(|uri| uri.as_str());
    let read = |uri: &str| {
        let (address, name) = uri.strip_prefix("sip:").unwrap().split_once(";transport=").unwrap();
        let transport = ALL.into_iter().find(|one| one.to_string().eq_ignore_ascii_case(name)).unwrap();
        (transport, address.parse().unwrap())
    };
    let addresses = uris.map(read).collect();
    (process, addresses)
}

/// `rove answer` at `ip`, with TLS and WebSockets of one kind.
fn phone(trust: &Trust, ip: &str, web: &str) -> (Running, Vec<(Transport, SocketAddr)>) {
    let path = |path: &Path| path.display().to_string();
    let (chain, key) = (path(&trust.certificate.chain), path(&trust.certificate.key));
    let listen = format!("{ip}:0");
    let mut more = vec!["--tls-cert", &chain, "--tls-key", &key, "--transport", web];
    // At 127.0.0.1 it listens anyway.
    if ip.starts_with('[') {
        more.extend(["--listen", &listen]);
    }
    let (process, ready) = answer_ready(&more);
    let ours = |address: &SocketAddr| address.is_ipv6() == ip.starts_with('[');
    let udp = ready["sip"].as_array().unwrap().iter().map(|one| (Transport::Udp, one.as_str().unwrap()));
    let named = |name: &str| ALL.into_iter().find(|one| one.to_string() == name).unwrap();
    let streams = ready["streams"].as_array().unwrap().iter();
    let streams =
        streams.map(|one| (named(one["transport"].as_str().unwrap()), one["address"].as_str().unwrap()));
    let all = udp.chain(streams).map(|(transport, at)| (transport, at.parse::<SocketAddr>().unwrap()));
    let all: Vec<_> = all.filter(|(_, at)| ours(at)).collect();
    assert_eq!(all.len(), 4, "UDP, TCP, TLS and {web}: {ready}");
    (process, all)
}
