//! Descriptions and negotiations in tables, and properties of reading and writing.

use core::time::Duration;
use std::net::SocketAddr;

use rove_base::{
    CodecId, CodecPlan, Direction, DtlsPlan, DtlsRole, Entropy, Fingerprint, PayloadType, PayloadTypes,
    Security,
};

use super::*;

mod browsers;
mod candidates;
mod crypto;
mod flows;
mod musts;
mod negotiation;
mod properties;
mod protection;
mod sessions;
mod syntax;

/// A phone at 192.0.2.1 with all codecs.
fn phone() -> Local {
    Local {
        address: address("192.0.2.1:40000"),
        rtcp: address("192.0.2.1:40001"),
        codecs: vec![CodecId::Opus, CodecId::Pcmu, CodecId::Pcma],
        packet_time: Duration::from_millis(20),
        session_id: 7,
        direction: Direction::SendRecv,
        wishes: Wishes::default(),
        protection: Protection::default(),
        ice: None,
    }
}

fn address(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

fn number(number: u8) -> PayloadType {
    PayloadType::new(number).unwrap()
}

/// An offer of another phone at 198.51.100.9 with these lines from `m=` on.
fn theirs(lines: &[&str]) -> Description {
    let head = "v=0\r\no=them 1 1 IN IP4 198.51.100.9\r\ns=-\r\nc=IN IP4 198.51.100.9\r\nt=0 0\r\n";
    let text = lines.iter().fold(head.to_owned(), |text, line| text + line + "\r\n");
    Description::parse(text.as_bytes()).unwrap()
}

/// A side that has keys of its own, and no DTLS.
fn sdes(seed: u64) -> Protection {
    Protection { sdes: SdesKey::all(&mut Entropy::from_number(seed)), ..Protection::default() }
}

/// A side that is reached at the address of [`phone`], of this generation.
fn ice(ufrag: &str) -> Ice {
    Ice {
        ufrag: ufrag.into(),
        pwd: PWD.into(),
        lite: false,
        trickle: false,
        ended: false,
        remote: RemoteCandidates::default(),
        candidates: vec!["1 1 UDP 2130706431 192.0.2.1 40000 typ host".parse().unwrap()],
    }
}

const PWD: &str = "asd88fgpdd777uzjYhagZg";
const FINGERPRINT: &str =
    "sha-256 19:E2:1C:3B:4B:9F:81:E6:B8:5C:F4:A5:A8:D8:73:04:BB:05:2F:70:9F:04:A9:0E:05:E9:26:33:E8:70:88:A2";
