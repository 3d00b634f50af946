//! A server that moves: `curl`, with the home's name server as its resolver, finds it by name wherever it is.

use std::{
    fs,
    io::{Read as _, Write as _},
    net::TcpListener,
    thread::JoinHandle,
};

use rove_tests::programs::peer;

use crate::{
    lab::{AIR, HOME, Lab, NAME},
    served::leased,
    server::PATIENCE,
};

/// Answers each question for a page with where it was reached.
fn serve(lab: &Lab) -> JoinHandle<()> {
    let listener = lab.in_terminal(|| TcpListener::bind("0.0.0.0:80").unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming().take(2) {
            let mut stream = stream.unwrap();
            let _ = stream.read(&mut [0; 4_096]).unwrap();
            let body = format!("reached at {}", stream.local_addr().unwrap().ip());
            let length = body.len();
            let page =
                format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}");
            stream.write_all(page.as_bytes()).unwrap();
        }
    })
}

#[test]
fn a9_a_mobile_server_is_fetched_by_its_name_before_and_after_it_roamed() {
    let (Some(client), Some(_), Some(unshare)) = (peer("udhcpc"), peer("curl"), peer("unshare")) else {
        return;
    };
    let Some(lab) = Lab::new(3_600) else { return };
    let resolver = lab.file("resolv.conf", &format!("nameserver {HOME}\n"));
    fs::set_permissions(&resolver, std::os::unix::fs::PermissionsExt::from_mode(0o644)).unwrap();
    // A mount of its own, so that this program alone asks the home's name server.
    let fetch =
        format!("mount --bind {resolver} /etc/resolv.conf && exec curl -4 -sS --max-time 30 http://{NAME}/");
    let fetch = || {
        let (code, page, complaints) =
            lab.caller(&unshare, &["--mount", "sh", "-c", &fetch]).outcome(PATIENCE);
        assert_eq!(code, 0, "{page} {complaints}");
        page
    };
    let server = serve(&lab);
    let mut reached = Vec::new();
    for (network, device) in AIR.iter().enumerate() {
        let (stay, v4) = leased(&lab, &client, network);
        let page = fetch();
        assert_eq!(page, format!("reached at {v4}"));
        reached.push(page);
        // Break before make: the address is gone before there is another.
        drop(stay);
        lab.terminal_ip(&["address", "flush", "dev", device, "scope", "global"]);
    }
    assert_ne!(reached[0], reached[1]);
    server.join().unwrap();
}
