use std::net::UdpSocket;

use super::*;

#[test]
fn what_is_opened_in_a_network_is_in_no_other() {
    let Ok(space) = Space::new() else {
        println!("skipped: no network namespaces may be made here");
        return;
    };
    // Its loopback interface is down, so nobody is reached there, not even oneself.
    let socket = space.run(|| UdpSocket::bind("127.0.0.1:0")).unwrap();
    let inside = socket.unwrap();
    assert!(inside.send_to(b"x", inside.local_addr().unwrap()).is_err());
    let outside = UdpSocket::bind("127.0.0.1:0").unwrap();
    assert!(outside.send_to(b"x", outside.local_addr().unwrap()).is_ok());
    assert_eq!(space.run(|| panic!("in there")).unwrap_err().kind(), io::ErrorKind::Other);
}
