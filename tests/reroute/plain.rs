//! The other side is SIPp, which knows nothing of ways: it is told of another address by INVITE, and takes it or does not;
//! where Kamailio stays between them, by its way.

use std::path::Path;

use rove_tests::{
    programs::{Running, peer},
    wires::Truth,
};
use serde_json::Value;

use crate::scene::{Bad, Scene};

/// What SIPp says to an INVITE inside of the call.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Says {
    Takes,
    Refuses,
}

const SDP: &str = "v=0\no=peer 1 1 IN IP4 [local_ip]\ns=-\nc=IN IP4 [media_ip]\nt=0 0\nm=audio [media_port] RTP/AVP 0\n\
                   a=rtpmap:0 PCMU/8000\n";
const HEADERS: &str = "[last_Via:]\n[last_Record-Route:]\n[last_From:]\n[last_To:];tag=7\n[last_Call-ID:]\n[last_CSeq:]\n\
                       Contact: <sip:peer@[local_ip]:[local_port]>\n";

fn answer(status: &str, body: &str) -> String {
    let headers = if status.starts_with("200 again") || status.starts_with("488") {
        HEADERS.replace(";tag=7", "")
    } else {
        HEADERS.to_owned()
    };
    let status = status.replace(" again", "");
    let kind = if body.is_empty() { "" } else { "Content-Type: application/sdp\n" };
    format!("<send><![CDATA[\nSIP/2.0 {status}\n{headers}{kind}Content-Length: [len]\n\n{body}\n]]></send>\n")
}

/// `sound`: a file that SIPp sends again and again, in µ-law. It is asked for another address once or more, and says the same
/// each time; the call may end while it is being asked.
fn scenario(says: Says, sound: &Path) -> String {
    let again = match says {
        Says::Takes => answer("200 again OK", SDP),
        Says::Refuses => answer("488 Not Acceptable Here", ""),
    };
    let speaks = format!("<nop><action><exec rtp_stream=\"{},-1,0\"/></action></nop>", sound.display());
    let or = |request: &str, next: u8| {
        format!("<recv request=\"{request}\" optional=\"true\" next=\"{next}\"/>\n")
    };
    format!(
        "<?xml version=\"1.0\"?>\n<scenario name=\"plain\">\n<recv request=\"INVITE\"/>\n{}{}<recv request=\"ACK\"/>\n\
         {speaks}\n<recv request=\"INVITE\"/>\n<label id=\"1\"/>\n{again}{}<recv request=\"BYE\" next=\"3\"/>\n\
         <label id=\"2\"/>\n{}<recv request=\"BYE\"/>\n<label id=\"3\"/>\n{}</scenario>\n",
        answer("180 Ringing", ""),
        answer("200 OK", SDP),
        or("ACK", 2),
        or("INVITE", 1),
        answer("200 again OK", ""),
    )
}

/// A proxy in front of SIPp that wants to stay in the path.
struct Proxy(Running);

impl Proxy {
    fn start(scene: &Scene, kamailio: &Path) -> Self {
        let file = scene.path("kamailio.cfg");
        std::fs::write(&file, PROXY).unwrap();
        let mut command = scene.wires.networks().command("bob", kamailio);
        // It may not be root, and keeps what it works with in memory of its own.
        command.args(["-f", file.to_str().unwrap(), "-DD", "-E", "-m", "32", "-M", "4", "-Y"]);
        command.arg(file.parent().unwrap());
        Self(Running::spawn(command))
    }

    /// What it wrote down, once it was asked to end; it has children, which end with it only then.
    fn end(mut self) -> String {
        self.ask_to_end();
        self.0.complaints()
    }

    fn ask_to_end(&mut self) {
        let _ = std::process::Command::new("kill").args(["-TERM", &self.0.id().to_string()]).status();
        self.0.wait(PATIENCE);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        if self.0.is_alive() {
            self.ask_to_end();
        }
    }
}

const PROXY: &str = r#"#!KAMAILIO
debug=0
log_stderror=yes
children=1
dns=no
rev_dns=no
auto_aliases=no
listen=udp:10.60.0.2:5060
loadmodule "tm.so"
loadmodule "sl.so"
loadmodule "rr.so"
loadmodule "pv.so"
loadmodule "siputils.so"
loadmodule "textops.so"
loadmodule "xlog.so"
request_route {
    if (has_totag()) {
        if (loose_route()) {
            xlog("L_WARN", "$rm inside\n");
            t_relay();
        } else if (is_method("ACK")) {
            if (t_check_trans()) t_relay();
        }
        exit;
    }
    if (is_method("CANCEL")) { if (t_check_trans()) t_relay(); exit; }
    record_route();
    $ru = "sip:peer@10.60.0.2:5070";
    xlog("L_WARN", "$rm begins\n");
    t_relay();
}
"#;

const PATIENCE: std::time::Duration = std::time::Duration::from_secs(10);

/// What a call over a way that comes to lose a third tells, with what the wires saw of its last seconds, and what a proxy said.
fn call(says: Says, sipp: &Path, kamailio: Option<&Path>) -> Option<(Value, [Truth; 2], String)> {
    let scene = Scene::new(2, 190)?;
    let networks = scene.wires.networks();
    // What leaves from an address of the second wire leaves by it, wherever it goes.
    networks.ip("alice", "rule add from 10.61.0.1 lookup 100");
    networks.ip("alice", "route add default dev eth1 table 100");
    let (file, sound) = (scene.path("plain.xml"), scene.path("sound.ul"));
    std::fs::write(&sound, (0..40_000_u32).map(|n| (n.wrapping_mul(n) / 7) as u8).collect::<Vec<_>>())
        .unwrap();
    std::fs::write(&file, scenario(says, &sound)).unwrap();
    let mut peer = networks.command("bob", sipp);
    peer.args(["-sf", file.to_str().unwrap(), "-nostdin", "-m", "1"]);
    peer.args(["-i", "10.60.0.2", "-mi", "10.60.0.2", "-p"]).current_dir(file.parent().unwrap());
    peer.arg(if kamailio.is_some() { "5070" } else { "5060" });
    let mut peer = Running::spawn(peer);
    let proxy = kamailio.map(|kamailio| Proxy::start(&scene, kamailio));
    let (report, truth) = scene.calls(11.0, &["--max-loss", "5", "--codec", "pcmu"], |scene| {
        scene.until(3.0);
        scene.spoil(0, "both", Bad::Loses(0.4));
        scene.until(8.5);
        scene.wires.mark();
        scene.until(10.5);
        scene.wires.truth()
    });
    let ended = peer.wait(PATIENCE);
    let passed = proxy.map(Proxy::end).unwrap_or_default();
    assert!(
        ended.is_some_and(|ended| ended.success()),
        "{says:?}: SIPp: {} {}; the proxy: {passed}",
        peer.said(),
        peer.complaints()
    );
    Some((report, truth, passed))
}

#[test]
fn b15_a_peer_that_knows_no_ways_takes_another_address_by_invite() {
    let Some(sipp) = peer("sipp") else { return };
    let Some((report, truth, _)) = call(Says::Takes, &sipp, None) else { return };
    is_taken(&report, &truth);
}

#[test]
fn b15_an_invite_that_moves_a_call_passes_a_proxy_that_stays_in_its_path() {
    let (Some(sipp), Some(kamailio)) = (peer("sipp"), peer("kamailio")) else { return };
    let Some((report, truth, passed)) = call(Says::Takes, &sipp, Some(&kamailio)) else { return };
    is_taken(&report, &truth);
    let count = |what: &str| passed.matches(what).count();
    let counted = ["INVITE begins", "INVITE inside", "ACK inside", "BYE inside"].map(count);
    assert_eq!(counted, [1, 1, 2, 1], "{passed}");
}

/// All voice goes by the other wire.
fn is_taken(report: &Value, truth: &[Truth; 2]) {
    println!(
        "taken: {}, {:?}",
        report["reroutes"],
        truth.each_ref().map(|truth| [truth.sent(0), truth.sent(1)])
    );
    assert_eq!(report["reroutes"].as_array().map(Vec::len), Some(1), "{}", report["reroutes"]);
    for truth in truth {
        assert!(truth.sent(0) == 0 && truth.sent(1) > 70, "{truth:?}");
    }
}

#[test]
fn b15_a_call_with_a_peer_that_refuses_another_address_goes_on_as_it_was() {
    let Some(sipp) = peer("sipp") else { return };
    let Some((report, truth, _)) = call(Says::Refuses, &sipp, None) else { return };
    println!(
        "refused: {}, {:?}",
        report["reroutes"],
        truth.each_ref().map(|truth| [truth.sent(0), truth.sent(1)])
    );
    // What SIPp sends follows the offer that its scenario refuses: only the caller's own voice can be asked for.
    let [own, _] = &truth;
    assert_eq!(report["reroutes"].as_array().map(Vec::len), Some(0), "{}", report["reroutes"]);
    assert!(own.sent(0) > 70 && own.sent(1) == 0, "{own:?}");
}
