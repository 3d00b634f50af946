//! Calls over secure streams with protected media, and over links that are made bad on purpose.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[allow(dead_code, reason = "SIPp plays no part here")]
mod world;

use serde_json::Value;

use crate::world::{Answering, load};

/// An authority's certificate, and one with its key that it gave to 127.0.0.1, as files.
struct Trust {
    folder: tempfile::TempDir,
}

impl Trust {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut params = rcgen::CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        let issuer =
            rcgen::CertifiedIssuer::self_signed(params, rcgen::KeyPair::generate().unwrap()).unwrap();
        let key = rcgen::KeyPair::generate().unwrap();
        let own = rcgen::CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
        let own = own.signed_by(&key, &issuer).unwrap();
        for (name, text) in [("ca", issuer.pem()), ("cert", own.pem()), ("key", key.serialize_pem())] {
            std::fs::write(folder.path().join(name), text).unwrap();
        }
        Self { folder }
    }

    fn file(&self, name: &str) -> String {
        self.folder.path().join(name).to_str().unwrap().to_owned()
    }
}

/// Calls in `transport` and reads the summary.
fn call(answering: &Answering, transport: &str, more: &[&str]) -> (i32, Value) {
    let address = match transport {
        "udp" => answering.address(),
        stream => answering.stream(stream),
    };
    let target = format!("sip:load@{address};transport={transport}");
    let args = ["call", &target, "--listen", "127.0.0.1:0", "--quiet", "--json", "-"];
    let outcome = load(&[&args[..], more].concat());
    let told = serde_json::from_str(&outcome.said).unwrap_or_else(|_| panic!("{outcome:?}"));
    (outcome.code, told)
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("{value} is no number"))
}

#[test]
fn calls_over_tls_and_websockets_have_srtp_where_their_keys_are_safe() {
    let trust = Trust::new();
    let [ca, cert, key] = ["ca", "cert", "key"].map(|name| trust.file(name));
    let shown = ["--tls-cert", &cert, "--tls-key", &key, "--tls-ca", &ca, "--srtp", "optional"];
    let answering = Answering::start(&shown);
    let short = ["--calls", "3", "--rate", "10", "--hold", "2s", "--tls-ca", &ca];
    for transport in ["tls", "wss"] {
        let (code, told) = call(&answering, transport, &[&short[..], &["--srtp", "required"]].concat());
        assert_eq!(code, 0, "{transport}: {told:#}");
        assert_eq!(told["metrics"]["mos"]["count"], 3, "{transport}: {told:#}");
    }
    let (code, told) = call(&answering, "ws", &short);
    assert_eq!((code, &told["metrics"]["mos"]["count"]), (0, &Value::from(3)), "{told:#}");
    let (code, told) = call(&answering, "ws", &[&short[..], &["--srtp", "required"]].concat());
    assert_eq!(code, 1, "keys that anybody could read are no protection: {told:#}");
    let strangers = ["--calls", "1", "--ring-for", "3s"];
    assert_eq!(call(&answering, "tls", &strangers).0, 1, "nobody vouches for the certificate");
}

#[test]
fn what_is_measured_is_what_the_link_was_made_to_do() {
    let answering = Answering::start(&["--impair", "delay=60ms", "--seed", "3"]);
    let bad = "loss=4,delay=60ms,jitter=5ms";
    let args = ["--calls", "10", "--rate", "10", "--hold", "20s", "--impair", bad, "--seed", "5"];
    let (code, told) = call(&answering, "udp", &args);
    assert_eq!(code, 0, "{told:#}");
    let metrics = &told["metrics"];
    let loss = number(&metrics["loss_percent"]["avg"]);
    assert!((3.0..=5.0).contains(&loss), "4 percent were lost: {loss}");
    let round_trip = number(&metrics["round_trip_ms"]["p50"]);
    assert!((115.0..=130.0).contains(&round_trip), "60 ms each way: {round_trip}");
    let (heard, better) = (number(&metrics["mos"]["p50"]), &answering.finish()["metrics"]["mos"]["p50"]);
    assert!(heard + 0.3 < number(better), "{heard} with the losses, {better} without");
    println!("loss {loss} % of 4, round trip {round_trip} ms of 120, MOS {heard}, without loss {better}");
}
