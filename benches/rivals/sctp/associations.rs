//! Why SCTP in user space is spoken by code of our own: what sctp-proto and dcsctp do with packets of strangers, and what the
//! former can say of M3UA.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test")]

mod cookies;

use std::{net::SocketAddr, sync::Arc, time::Instant};

use bytes::Bytes;
use crc::{CRC_32_ISCSI, Crc};
use sctp_proto::{
    Association, ClientConfig, DatagramEvent, Endpoint, EndpointConfig, Event, Payload,
    PayloadProtocolIdentifier, ServerConfig, Transmit,
};

fn server() -> Endpoint {
    Endpoint::new(Arc::new(EndpointConfig::default()), Some(Arc::new(ServerConfig::default())))
}

/// INIT (RFC 9260 §3.3.2), as anybody can send it from any address.
fn init(tag: u32) -> Bytes {
    let mut packet = vec![0x0b, 0x59, 0x0b, 0x59, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 20];
    packet.extend_from_slice(&tag.to_be_bytes());
    packet.extend_from_slice(&[0, 1, 0, 0, 0, 1, 0, 1, 0, 0, 0, 1]);
    let sum = Crc::<u32>::new(&CRC_32_ISCSI).checksum(&packet).to_le_bytes();
    packet[8..12].copy_from_slice(&sum);
    packet.into()
}

/// RFC 9260 §5.1.3 wants nothing to be kept before the cookie comes back; each INIT makes an association here.
#[test]
fn every_init_of_a_stranger_is_kept() {
    let mut server = server();
    let mut kept = Vec::new();
    for n in 0..10_000_u32 {
        let from: SocketAddr = ([198, 51, 100, (n >> 8) as u8], 1_024 + (n & 0xff) as u16).into();
        match server.handle(Instant::now(), from, None, None, init(n + 1)) {
            Some((_, DatagramEvent::NewAssociation(association))) => kept.push(association),
            _ => panic!("refused: look again whether it is fit now"),
        }
    }
    assert_eq!(kept.len(), 10_000);
}

fn packets(transmit: Option<Transmit>) -> Option<Vec<Bytes>> {
    match transmit?.payload {
        Payload::RawEncode(packets) => Some(packets),
        Payload::PartialDecode(_) => Some(Vec::new()),
    }
}

/// The identifier of M3UA is 3 (RFC 4666 §7.1), and other nodes go by it; there are only those of WebRTC here.
#[test]
fn m3ua_cannot_be_told_from_anything_else() {
    let (mut client, mut server) = (Endpoint::new(Arc::new(EndpointConfig::default()), None), server());
    let ends: [SocketAddr; 2] = [([127, 0, 0, 1], 1).into(), ([127, 0, 0, 1], 2).into()];
    let (_, mut near) = client.connect(ClientConfig::default(), ends[1]).unwrap();
    let mut far: Option<Association> = None;
    let mut seen = Vec::new();
    for _ in 0..20 {
        let now = Instant::now();
        let mut there: Vec<Bytes> = Vec::new();
        while let Some(more) = packets(client.poll_transmit()).or_else(|| packets(near.poll_transmit(now))) {
            there.extend(more);
        }
        for packet in there {
            // A DATA chunk right behind the header.
            if packet.get(12).is_some_and(|kind| kind & 0x3f == 0) {
                seen.push(packet[24..28].to_vec());
            }
            match server.handle(now, ends[0], None, None, packet) {
                Some((_, DatagramEvent::NewAssociation(association))) => far = Some(association),
                Some((_, DatagramEvent::AssociationEvent(event))) => {
                    far.as_mut().unwrap().handle_event(event)
                }
                None => {}
            }
        }
        let mut back: Vec<Bytes> = Vec::new();
        while let Some(more) = packets(server.poll_transmit())
            .or_else(|| packets(far.as_mut().and_then(|far| far.poll_transmit(now))))
        {
            back.extend(more);
        }
        for packet in back {
            if let Some((_, DatagramEvent::AssociationEvent(event))) =
                client.handle(now, ends[1], None, None, packet)
            {
                near.handle_event(event);
            }
        }
        while let Some(event) = near.poll() {
            if matches!(event, Event::Connected) {
                let mut stream = near.open_stream(0, PayloadProtocolIdentifier::from(3)).unwrap();
                stream.write_with_ppi(b"m3ua", PayloadProtocolIdentifier::from(3)).unwrap();
            }
        }
    }
    assert_eq!(seen, [[0, 0, 0, 58]], "3 was asked for");
}
