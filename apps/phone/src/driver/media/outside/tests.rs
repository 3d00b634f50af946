use rove_driver::Tls;
use rove_io::clock::Clock;
use rove_nat::stun::Message;

use super::*;

#[test]
fn a_port_that_waits_for_an_answer_is_heard_by_its_servers_each_quarter_of_a_minute_until_media_begin() {
    let server = UdpSocket::bind("127.0.0.1:0").unwrap();
    server.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    let port = UdpSocket::bind("127.0.0.1:0").unwrap();
    let own = port.local_addr().unwrap();
    let clock = Clock::new();
    let now = clock.mono();
    let Answers { borrowed, .. } = turn::ask(
        vec![Port { socket: port, local: own }],
        clock,
        Vec::new(),
        (&Tls::default(), Duration::ZERO),
    );
    let mut open = Open { borrowed: Some(borrowed), ..Open::default() };
    assert_eq!(open.keep_awake(now), None, "nobody was asked");
    open.awake = Some(Awake {
        servers: vec![Through { port: 0, server: server.local_addr().unwrap() }],
        due: now + AWAKE,
    });
    let mut bytes = [0; 64];
    let mut at = now;
    for _ in 0..3 {
        // Nothing is said too early.
        assert_eq!(open.keep_awake(at), Some(at + AWAKE));
        assert_eq!(open.keep_awake(at + AWAKE / 2), Some(at + AWAKE));
        server.set_nonblocking(true).unwrap();
        assert!(server.recv_from(&mut bytes).is_err());
        server.set_nonblocking(false).unwrap();
        at += AWAKE;
        assert_eq!(open.keep_awake(at), Some(at + AWAKE));
        let (len, from) = server.recv_from(&mut bytes).unwrap();
        let heard = Message::parse(&bytes[..len]).unwrap();
        assert!(from == own && heard.is_binding() && heard.class() == Class::Indication);
    }
    open.take();
    assert_eq!(open.keep_awake(at + AWAKE), None);
}
