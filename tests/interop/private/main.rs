//! The private network's messages before foreign eyes: tshark dissects each, and pycrate, whose ASN.1 is not ours, reads
//! and writes each to the same meaning.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "what a test did not expect must be loud"
)]

mod capture;
mod diameter;
mod eps;
mod map;
mod pcap;

use std::{
    io::Write as _,
    path::Path,
    process::{Command, Stdio},
};

use rove_base::Entropy;
use rove_roam::{
    Operation,
    private::{
        Partner, PrivateNetwork,
        ansi41::Ansi41,
        diameter::{Diameter, DiameterConfig},
        m3ua,
        map::{Map, MapConfig},
        sccp,
    },
};
use rove_tests::private::{HOME, Pair, VISITED, exchanges, other, partner};

#[test]
fn every_operation_and_every_answer_comes_through_on_map_and_on_ansi_41() {
    assert!(messages(pair(Map::new)).len() > 40);
    assert!(messages(pair(Ansi41::new)).len() > 40);
}

/// What a script beside these tests says to `input`; `None`, told by name, where the package it needs is missing.
fn asked_python(python: &Path, script: &str, input: &str, package: &str) -> Option<String> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("interop/private").join(script);
    let mut command = Command::new(python);
    command.arg(script).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("python runs");
    // It ends without reading where the package is missing.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    let output = child.wait_with_output().unwrap();
    if output.status.code() == Some(3) {
        println!("skipped: {package} is not installed");
        return None;
    }
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Some(String::from_utf8(output.stdout).unwrap())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Two adapters of Diameter.
fn diameters() -> Pair<Diameter> {
    let end = |own, seed| {
        let Partner { name: network, plmn, title, .. } = partner(own);
        let partners = vec![partner(other(own))];
        let config = DiameterConfig { network, plmn, title, partners };
        Diameter::new(config, Entropy::from_number(seed))
    };
    Pair::new(end(HOME, 1), end(VISITED, 2))
}

/// Two adapters.
fn pair<N: PrivateNetwork>(new: fn(MapConfig, Entropy) -> N) -> Pair<N> {
    let end = |own, seed| {
        let known = partner(own);
        let (network, title, partners) = (known.name, known.title, vec![partner(other(own))]);
        new(MapConfig { network, title, point_code: None, partners }, Entropy::from_number(seed))
    };
    Pair::new(end(HOME, 1), end(VISITED, 2))
}

/// Every message of M3UA that every operation takes: who sent it, and its bytes.
fn messages<N: PrivateNetwork>(mut pair: Pair<N>) -> Vec<(usize, Vec<u8>)> {
    pair.wire = Some(Vec::new());
    exchanges().iter().for_each(|exchange| pair.converse(exchange));
    pair.ask(HOME, Operation::Reset { hlr: partner(HOME).title });
    pair.exchange();
    split(&pair.wire.take().unwrap())
}

/// What went over a stream, message by message.
fn split(wire: &[(usize, Vec<u8>)]) -> Vec<(usize, Vec<u8>)> {
    let mut messages = Vec::new();
    for (sender, bytes) in wire {
        let mut rest = bytes.as_slice();
        while let Some(len) = m3ua::length(rest).unwrap() {
            let (message, after) = rest.split_at(len);
            messages.push((*sender, message.to_vec()));
            rest = after;
        }
        assert_eq!(rest, b"");
    }
    messages
}

/// The messages of TCAP in those, put together from their segments.
fn transactions(messages: &[(usize, Vec<u8>)]) -> Vec<(usize, Vec<u8>)> {
    let mut reassembly = [sccp::Reassembly::default(), sccp::Reassembly::default()];
    let whole = |(sender, message): &(usize, Vec<u8>)| {
        let data = m3ua::Message::parse(message).unwrap();
        let data = data.data().ok()?;
        let unit = sccp::Message::parse(data.user).unwrap();
        let whole = reassembly[*sender].take(rove_base::Instant::ZERO, unit).unwrap();
        whole.map(|whole| (*sender, whole.data.into_owned()))
    };
    messages.iter().filter_map(whole).collect()
}
