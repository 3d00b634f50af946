//! Push parameters (RFC 8599): told by the phone, carried by `roved` to who calls, untouched.

use std::net::UdpSocket;

use crate::stage::{PATIENCE, answer, registrar};

#[test]
fn push_parameters_reach_the_registrar_and_come_back_in_the_contact_as_they_were() {
    let (_node, server) = registrar();
    let push = "--push-provider fcm --push-prid c2:APA91bHuQ/x+y --push-param project-7";
    let (mut bob, _) = answer(&format!("--register sip:bob@home.example --server {server} {push}"));
    let asking = UdpSocket::bind("127.0.0.1:0").unwrap();
    asking.set_read_timeout(Some(PATIENCE)).unwrap();
    let own = asking.local_addr().unwrap();
    // Who registers without a contact is told all that there are (RFC 3261 §10.2.3).
    let ask = format!(
        "REGISTER sip:home.example SIP/2.0\r\nVia: SIP/2.0/UDP {own};branch=z9hG4bKask1;rport\r\nMax-Forwards: 70\r\n\
         From: <sip:bob@home.example>;tag=1\r\nTo: <sip:bob@home.example>\r\nCall-ID: ask@{own}\r\n\
         CSeq: 1 REGISTER\r\nContent-Length: 0\r\n\r\n"
    );
    asking.send_to(ask.as_bytes(), server).unwrap();
    let mut buffer = [0; 4_096];
    let (length, _) = asking.recv_from(&mut buffer).unwrap();
    let answer = String::from_utf8_lossy(&buffer[..length]).into_owned();
    let wanted = ";pn-provider=fcm;pn-prid=c2:APA91bHuQ/x+y;pn-param=project-7";
    assert!(answer.starts_with("SIP/2.0 200") && answer.contains(wanted), "{answer}");
    bob.interrupt();
    let complaints = bob.complaints();
    assert!(
        complaints.contains("does not wake this phone"),
        "the server names no push service: {complaints}"
    );
    assert_eq!(bob.wait(PATIENCE).and_then(|status| status.code()), Some(0));
}
