//! Connections that are opened and say nothing.

use std::{
    io::{Read as _, Write as _},
    net::{Ipv4Addr, SocketAddr, TcpStream},
    time::{Duration, Instant},
};

use socket2::{Domain, Socket, Type};

use crate::{
    flood::TlsClient,
    stage::{Server, extent, request, stranger},
};

/// A stream to `server` from an address of this machine.
pub(crate) fn connect(from: Ipv4Addr, server: SocketAddr) -> Option<TcpStream> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).ok()?;
    socket.bind(&SocketAddr::from((from, 0)).into()).ok()?;
    socket.connect_timeout(&server.into(), Duration::from_secs(5)).ok()?;
    Some(socket.into())
}

#[test]
fn a_server_with_thousands_of_idle_connections_still_serves() {
    raise_the_number_of_files();
    let mut server = Server::start("");
    let before = server.process.resident_kib().unwrap();
    let count = extent(300, 10_000);
    let mut idle = Vec::new();
    let mut shaken = Vec::new();
    for n in 0..count {
        // From as many addresses as it takes to stay below what one may have.
        let from = stranger(n / 100);
        if n % 2 == 0 {
            idle.push(connect(from, server.tcp).expect("a connection"));
        } else {
            let stream = connect(from, server.tls).expect("a connection");
            if n % 4 == 1 {
                shaken.push(TlsClient::new(stream).expect("a handshake"));
            } else {
                idle.push(stream);
            }
        }
    }
    let with = server.process.resident_kib().unwrap();
    println!("{count} connections: {before} KiB before, {with} KiB with them");
    let registered = server.register();
    assert!(registered < Duration::from_secs(1), "over UDP: {registered:?}");
    let began = Instant::now();
    let mut stream = connect(Ipv4Addr::LOCALHOST, server.tcp).expect("one more");
    stream.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    let asked = request("TCP", stream.local_addr().unwrap(), "OPTIONS", "sip:home.example", "eve", "", "");
    stream.write_all(asked.as_bytes()).unwrap();
    let mut heard = [0; 12];
    stream.read_exact(&mut heard).unwrap();
    assert_eq!(&heard, b"SIP/2.0 200 ");
    let mut tls =
        TlsClient::new(connect(Ipv4Addr::LOCALHOST, server.tls).unwrap()).expect("one more, secured");
    assert!(tls.ask("OPTIONS"), "over TLS");
    assert!(began.elapsed() < Duration::from_secs(1), "over streams: {:?}", began.elapsed());
    assert!(server.process.is_alive());
}

/// As many as this machine lets us open.
pub(crate) fn raise_the_number_of_files() {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    setrlimit(Resource::Nofile, limit).unwrap();
}
