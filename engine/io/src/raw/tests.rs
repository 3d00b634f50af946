use super::*;

fn v4(text: &str) -> SocketAddrV4 {
    text.parse().unwrap()
}

/// The sum over data with its checksum in place is all ones.
fn adds_up(pieces: &[&[u8]]) -> bool {
    let bytes = pieces.concat();
    let sum: u32 =
        bytes.chunks(2).map(|pair| u32::from(pair[0]) << 8 | u32::from(*pair.get(1).unwrap_or(&0))).sum();
    (sum & 0xffff) + (sum >> 16) == 0xffff
}

#[test]
fn a_packet_has_right_lengths_and_checksums_for_payloads_of_any_length() {
    for len in [0, 1, 2, 299, 300, 1_472] {
        let payload: Vec<u8> = (0..len).map(|at| (at * 7) as u8).collect();
        let mut packet = Vec::new();
        assert!(frame::write(&mut packet, v4("10.9.0.1:67"), v4("10.9.0.10:68"), &payload));
        let (header, udp) = packet.split_at(20);
        assert_eq!((header[0], header[8], header[9]), (0x45, 64, 17));
        assert_eq!(usize::from(u16::from_be_bytes([header[2], header[3]])), packet.len());
        assert_eq!(usize::from(u16::from_be_bytes([udp[4], udp[5]])), len + 8);
        assert_eq!(header[12..], [10, 9, 0, 1, 10, 9, 0, 10]);
        assert_eq!(udp[..4], [0, 67, 0, 68]);
        assert!(adds_up(&[header]), "{len}: header");
        let udp_len = &udp[4..6];
        assert!(adds_up(&[&header[12..], &[0, 17], udp_len, udp]), "{len}: datagram");
        assert_eq!(udp[8..], payload);
    }
    let mut packet = Vec::new();
    assert!(!frame::write(&mut packet, v4("10.9.0.1:67"), v4("10.9.0.10:68"), &[0; 65_535]));
    assert_eq!(packet, []);
}

/// An address and who gets it.
type Given = Option<(Ipv4Addr, [u8; 6])>;

#[test]
fn only_a_client_without_an_address_is_reached_by_hardware() {
    let message = |has: u8, yours: u8, kind: u8, len: u8| {
        let mut message = vec![0; 300];
        message[1..3].copy_from_slice(&[kind, len]);
        (message[15], message[19], message[33]) = (has, yours, 9);
        message
    };
    let given_to: Given = Some((Ipv4Addr::new(0, 0, 0, 7), [0, 0, 0, 0, 0, 9]));
    let cases: &[(&str, Vec<u8>, Given)] = &[
        ("a new lease", message(0, 7, 1, 6), given_to),
        ("a renewal: the client answers for its address", message(7, 7, 1, 6), None),
        ("a refusal", message(0, 0, 1, 6), None),
        ("no Ethernet", message(0, 7, 32, 6), None),
        ("a hardware address of another length", message(0, 7, 1, 8), None),
        ("cut short", message(0, 7, 1, 6)[..33].to_vec(), None),
    ];
    for (what, message, expected) in cases {
        assert_eq!(given(message), *expected, "{what}");
    }
}

#[test]
fn any_user_can_serve_on_loopback() {
    let mut server = DhcpSocket::loopback(v4("127.0.0.1:0")).unwrap();
    let client = UdpSocket::bind("127.0.0.1:0").unwrap();
    assert_eq!(server.recv().map(drop).unwrap_err().kind(), io::ErrorKind::WouldBlock);
    assert!(!server.wait(Duration::ZERO));
    client.send_to(b"discover", server.local_addr()).unwrap();
    assert!(server.wait(Duration::from_secs(5)));
    let (flow, bytes) = server.recv().unwrap();
    let bytes = bytes.to_vec();
    assert_eq!((flow.remote, &bytes[..]), (client.local_addr().unwrap(), &b"discover"[..]));
    server.send(flow, b"offer").unwrap();
    client.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    let mut buffer = [0; 16];
    assert_eq!(client.recv(&mut buffer).unwrap(), 5);
}

#[test]
fn an_interface_that_is_not_there_is_named() {
    let error = DhcpSocket::open("no-such-card", Ipv4Addr::LOCALHOST, 67).unwrap_err();
    assert!(error.to_string().contains("no-such-card"), "{error}");
}
