//! What dcsctp does with packets of strangers.

use crc::{CRC_32_ISCSI, Crc};
use dcsctp::api::{DcSctpSocket, Options, SocketEvent};

/// A packet to a socket at its usual ports: tag, and chunks.
fn packet(tag: u32, chunks: &[u8]) -> Vec<u8> {
    let mut packet = [[0x13, 0x88, 0x13, 0x88], tag.to_be_bytes(), [0; 4]].concat();
    packet.extend_from_slice(chunks);
    let sum = Crc::<u32>::new(&CRC_32_ISCSI).checksum(&packet).to_le_bytes();
    packet[8..12].copy_from_slice(&sum);
    packet
}

fn events(socket: &mut dyn DcSctpSocket) -> Vec<SocketEvent> {
    core::iter::from_fn(|| socket.poll_event()).collect()
}

/// A state cookie as anybody can bake it: two words that are the same in every copy of the package, tags and numbers of
/// one's choice, and nothing that only this socket could have put there.
fn cookie(tag: u32) -> Vec<u8> {
    let mut cookie = b"dcSCTPr0".to_vec();
    for number in [7, tag, 1, 1, 65_536, 0, 0, 0, 0] {
        cookie.extend_from_slice(&u32::to_be_bytes(number));
    }
    cookie.extend_from_slice(&[0, 16, 0, 16]);
    cookie[0..8]
        .copy_from_slice(&[1_684_230_979_u32.to_be_bytes(), 1_414_558_256_u32.to_be_bytes()].concat());
    cookie
}

/// RFC 9260 §5.1.3 wants the cookie to be signed. It is not, so one datagram with a partner's source address, of somebody
/// who never hears an answer, makes an association, and the next is read as the partner's signalling.
#[test]
fn one_forged_packet_of_who_hears_nothing_makes_an_association_and_the_next_is_believed() {
    let mut socket = dcsctp::new_socket("server", &Options::default());
    let cookie = cookie(9);
    let mut chunk = vec![10, 0, 0, 4 + u8::try_from(cookie.len()).unwrap()];
    chunk.extend_from_slice(&cookie);
    socket.handle_input(&packet(9, &chunk));
    let connected = events(socket.as_mut()).iter().any(|event| matches!(event, SocketEvent::OnConnected()));
    assert!(connected, "refused: look again whether it is fit now");
    let data = [&[0, 3, 0, 20, 0, 0, 0, 1, 0, 1, 0, 0, 0, 0, 0, 3][..], b"m3ua"].concat();
    socket.handle_input(&packet(9, &data));
    let message = socket.get_next_message().expect("believed");
    assert_eq!((message.ppid.0, message.payload), (3, b"m3ua".to_vec()));
}

/// Numbers come from a global source that is no secret and no seed: two sockets draw the same where it was set alike.
#[test]
fn its_tags_are_drawn_from_a_global_source_that_is_not_made_for_secrets() {
    let tag = || {
        let mut socket = dcsctp::new_socket("client", &Options::default());
        socket.connect();
        let init = events(socket.as_mut()).into_iter().find_map(|event| match event {
            SocketEvent::SendPacket(bytes) => Some(bytes),
            _ => None,
        });
        init.unwrap()[16..20].to_vec()
    };
    fastrand::seed(1);
    let first = tag();
    fastrand::seed(1);
    assert_eq!(tag(), first);
}
