//! Descriptions and negotiations in tables, and properties of reading and writing.

use core::time::Duration;
use std::net::SocketAddr;

use rove_base::{CodecId, CodecPlan, Direction, PayloadType, PayloadTypes};

use super::*;

mod negotiation;
mod properties;
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
