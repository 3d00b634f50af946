//! Names that foreign clients change: the next look-up and the next call follow.

use std::{
    io::Write,
    path::Path,
    process::{Command, Stdio},
};

use rove_tests::programs::peer;

use crate::stage::{Names, answer, rove};

#[test]
fn a_look_up_and_a_call_follow_what_nsupdate_changes() {
    let Some(nsupdate) = peer("nsupdate") else { return };
    let names = Names::start();
    let server = names.server();
    let (_first, here) = answer(&[]);
    let (mut second, there) = answer(&["--calls", "1"]);
    let look_up = |port: u16| {
        let (code, said, complaints) = rove(&["lookup", "carol.home.example", "--dns-server", &server]);
        assert_eq!(code, 0, "{complaints}");
        assert!(said.contains(&format!("127.0.0.1:{port} udp")), "{said}");
    };
    point(&nsupdate, &names, here.port());
    look_up(here.port());
    point(&nsupdate, &names, there.port());
    look_up(there.port());
    let call =
        ["call", "carol.home.example", "--listen", "127.0.0.1:0", "--dns-server", &server, "--for", "0.3"];
    let (code, said, complaints) = rove(&call);
    assert_eq!(code, 0, "{said}\n{complaints}");
    let status = second.wait(crate::stage::PATIENCE).expect("the callee has had its one call");
    assert!(status.success());
}

/// Makes the name lead to this machine at `port`, as an administrator would.
fn point(nsupdate: &Path, names: &Names, port: u16) {
    let script = format!(
        "server {} {}\nzone home.example\n\
         update delete carol.home.example A\nupdate add carol.home.example 5 A 127.0.0.1\n\
         update delete _sip._udp.carol.home.example SRV\n\
         update add _sip._udp.carol.home.example 5 SRV 10 0 {port} carol.home.example.\nsend\n",
        names.address.ip(),
        names.address.port()
    );
    let mut process = Command::new(nsupdate)
        .arg("-k")
        .arg(&names.key_file)
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("nsupdate starts");
    process.stdin.take().unwrap().write_all(script.as_bytes()).unwrap();
    let output = process.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
