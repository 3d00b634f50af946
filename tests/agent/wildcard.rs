//! `roved` on all addresses of the host, with a key log for captures.

use std::{
    net::{SocketAddr, UdpSocket},
    os::unix::fs::PermissionsExt as _,
};

use rove_tests::programs::{Running, program};

use crate::stage::{PATIENCE, begin};

/// An authority, and a certificate of it for this host, in PEM: paths of authority, certificate and key.
fn certificate(folder: &std::path::Path) -> [String; 3] {
    let mut params = rcgen::CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let issuer = rcgen::CertifiedIssuer::self_signed(params, rcgen::KeyPair::generate().unwrap()).unwrap();
    let key = rcgen::KeyPair::generate().unwrap();
    let names = ["localhost", "127.0.0.1"].map(str::to_owned);
    let own = rcgen::CertificateParams::new(names).unwrap().signed_by(&key, &issuer).unwrap();
    let texts = [("ca.pem", issuer.pem()), ("cert.pem", own.pem()), ("key.pem", key.serialize_pem())];
    texts.map(|(name, text)| {
        let path = folder.join(name);
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    })
}

/// A datagram's OPTIONS to `server`, and the answer; `None` when this host has no such address.
fn options(server: SocketAddr) -> Option<String> {
    let from: SocketAddr = if server.is_ipv4() { "127.0.0.1:0" } else { "[::1]:0" }.parse().unwrap();
    let socket = UdpSocket::bind(from).ok()?;
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    let own = socket.local_addr().unwrap();
    let text = format!(
        "OPTIONS sip:home.example SIP/2.0\r\nVia: SIP/2.0/UDP {own};branch=z9hG4bKw1;rport\r\nMax-Forwards: 70\r\n\
         From: <sip:a@h.example>;tag=1\r\nTo: <sip:home.example>\r\nCall-ID: w@{own}\r\nCSeq: 1 OPTIONS\r\n\
         Content-Length: 0\r\n\r\n"
    );
    socket.send_to(text.as_bytes(), server).ok()?;
    let mut buffer = [0; 4_096];
    let (length, from) = socket.recv_from(&mut buffer).expect("an answer");
    assert_eq!(from, server, "it answers from the address that was asked");
    Some(String::from_utf8_lossy(&buffer[..length]).into_owned())
}

#[test]
fn a_server_on_all_addresses_answers_on_each_and_its_key_log_has_the_secrets_of_a_session() {
    let dir = tempfile::tempdir().unwrap();
    let [authority, chain, key] = certificate(dir.path());
    let (file, log) = (dir.path().join("roved.toml"), dir.path().join("keys.log"));
    let text = format!(
        "[sip]\ndomains = [\"home.example\"]\nauth = false\n\
         [sip.listen]\nudp = [\"0.0.0.0:0\", \"[::]:0\"]\ntls = [\"0.0.0.0:0\"]\n\
         [sip.tls]\ncertificate = {chain:?}\nkey = {key:?}\nkey_log = {log:?}\n"
    );
    std::fs::write(&file, text).unwrap();
    let mut node =
        Running::start(&program("roved"), ["--config", &file.display().to_string(), "--ready-json"]);
    let ready = node.ready(PATIENCE);
    let uris: Vec<String> =
        ready["sip"].as_array().unwrap().iter().map(|uri| uri.as_str().unwrap().to_owned()).collect();
    let port = |wanted: &dyn Fn(&str) -> bool| -> u16 {
        let uri = uris.iter().find(|uri| wanted(uri)).unwrap_or_else(|| panic!("{uris:?}"));
        let address = uri.trim_start_matches("sips:").trim_start_matches("sip:").split(';').next().unwrap();
        address.parse::<SocketAddr>().unwrap().port()
    };
    let udp = |uri: &str| !uri.contains("tls") && !uri.starts_with("sips");
    let v4 = port(&|uri| udp(uri) && !uri.contains('['));
    for ip in ["127.0.0.1", "127.0.0.2"] {
        let answer = options(SocketAddr::new(ip.parse().unwrap(), v4)).expect("IPv4");
        assert!(answer.starts_with("SIP/2.0 200"), "{answer}");
    }
    let v6 = port(&|uri| udp(uri) && uri.contains('['));
    match options(SocketAddr::new("::1".parse().unwrap(), v6)) {
        Some(answer) => assert!(answer.starts_with("SIP/2.0 200"), "{answer}"),
        None => println!("skipped: no ::1 here"),
    }
    let tls = port(&|uri| uri.contains("tls") || uri.starts_with("sips"));
    let line = format!("--server sip:127.0.0.1:{tls};transport=tls --tls-ca {authority} --port 0");
    let mut phone = begin("register", "sip:bob@home.example", &line);
    let until = std::time::Instant::now() + PATIENCE;
    let mut said = String::new();
    while !said.contains("leads here now") {
        assert!(phone.is_alive() && std::time::Instant::now() < until, "{said}\n{}", node.complaints());
        std::thread::park_timeout(std::time::Duration::from_millis(10));
        said.push_str(&phone.complaints());
    }
    phone.interrupt();
    assert_eq!(phone.wait(PATIENCE).and_then(|status| status.code()), Some(0), "{}", phone.complaints());
    let secrets = std::fs::read_to_string(&log).unwrap();
    for kind in ["CLIENT_TRAFFIC_SECRET_0 ", "SERVER_TRAFFIC_SECRET_0 "] {
        assert!(secrets.lines().any(|line| line.starts_with(kind)), "{kind}: {secrets}");
    }
    assert_eq!(std::fs::metadata(&log).unwrap().permissions().mode() & 0o077, 0, "its owner alone reads it");
}
