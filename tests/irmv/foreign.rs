//! Users of SIP programs and servers of others, among those of the registry.

use std::{
    net::{SocketAddr, UdpSocket},
    path::Path,
    process::Command,
    time::{Duration, Instant},
};

use rove_phone::{Phone, PhoneConfig, PhoneEvent, SipAccount};
use rove_tests::programs::{Running, peer};

use crate::stage::{A, B, PATIENCE, Stage, free, write};

#[test]
fn b4_b5_who_registers_by_sipsak_is_found_by_another_operators_user_and_by_sipsak() {
    let Some(sipsak) = peer("sipsak") else { return };
    let stage = Stage::new();
    let (_bob, at) = stage.answers(B, "bob@b.example", &[]);
    // Its address is taken from where it speaks, as if it were behind a NAT: it says another port.
    let (server, contact) = (stage.sip[B].to_string(), "sip:dave@127.0.0.1:5099");
    let args = ["-U", "-vv", "-x", "60", "-C", contact, "-p", &server, "-s", "sip:dave@b.example"];
    let (code, said, complaints) = Running::start(&sipsak, args).outcome(PATIENCE);
    assert_eq!(code, 0, "{said} {complaints}");
    let said = stage.sees(A, "dave@b.example", "dave@b.example is online");
    assert!(said.contains("127.0.0.1:"), "{said}");
    // It asks B's server for Bob, who came by the registry's own protocol, and goes where it is told to.
    let args = ["-vvv", "-p", &server, "-s", "sip:bob@b.example"];
    let (_, said, _) = Running::start(&sipsak, args).outcome(PATIENCE);
    assert!(said.contains(&format!("OPTIONS sip:bob@{at} SIP/2.0")), "{said}");
}

#[test]
fn b5_a_phone_of_sipps_is_called_after_the_look_up_and_sipp_calls_by_way_of_a_server() {
    let Some(sipp) = peer("sipp") else { return };
    let stage = Stage::new();
    let folder = tempfile::tempdir().unwrap();
    let run = |args: &[&str]| {
        let mut command = Command::new(&sipp);
        // It draws on the screen unless it has none.
        command.args(args).args(["-nostdin", "-m", "1", "-timeout", "30"]).current_dir(folder.path());
        Running::spawn(command)
    };
    let phone = free([127, 0, 0, 1].into());
    let port = phone.port().to_string();
    let scenario = folder.path().join("register.xml");
    write(&scenario, REGISTERS);
    let (registrar, scenario) = (stage.sip[B].to_string(), scenario.display().to_string());
    let args = ["-sf", &scenario, "-s", "erin", "-i", "127.0.0.1", "-p", &port, &registrar];
    let (code, said, complaints) = run(&args).outcome(PATIENCE);
    assert_eq!(code, 0, "{said} {complaints}");
    let theirs = run(&["-sn", "uas", "-i", "127.0.0.1", "-p", &port]);
    await_socket(phone);
    stage.sees(A, "erin@b.example", &phone.to_string());
    let call = stage.rove(A, "alice.key", &["call", "erin@b.example", "--for", "1"]);
    let (code, said, complaints) = call.outcome(PATIENCE);
    assert_eq!(code, 0, "{said} {complaints}");
    assert_eq!(theirs.outcome(PATIENCE).0, 0);
    // The other way: to who has registered at A by the registry's own protocol.
    let (_fay, _) = stage.answers(A, "fay@a.example", &[]);
    stage.sees(A, "fay@a.example", "is online");
    let (server, port) = (stage.sip[A].to_string(), free([127, 0, 30, 7].into()).port().to_string());
    let ours = run(&[
        "-sn",
        "uac",
        "-s",
        "fay",
        "-i",
        "127.0.30.7",
        "-p",
        &port,
        "-d",
        "500",
        "-rsa",
        &server,
        &server,
    ]);
    let (code, said, complaints) = ours.outcome(PATIENCE);
    assert_eq!(code, 0, "{said} {complaints}");
}

/// SIPp says where its phone is.
const REGISTERS: &str = r#"<?xml version="1.0" encoding="ISO-8859-1" ?>
<scenario name="register">
<send retrans="500"><![CDATA[

REGISTER sip:b.example SIP/2.0
Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
Max-Forwards: 70
From: <sip:[service]@b.example>;tag=[call_number]
To: <sip:[service]@b.example>
Call-ID: [call_id]
CSeq: 1 REGISTER
Contact: <sip:[service]@[local_ip]:[local_port]>
Expires: 60
Content-Length: 0

]]></send>
<recv response="200"/>
</scenario>
"#;

/// Until somebody listens there.
fn await_socket(address: SocketAddr) {
    let began = Instant::now();
    while UdpSocket::bind(address).is_ok() {
        assert!(began.elapsed() < PATIENCE, "nobody listens at {address}");
        std::thread::park_timeout(Duration::from_millis(20));
    }
}

/// Kamailio, for users of k.example, each of whom is at `phone`; what is for a.example goes to that domain's server.
struct Kamailio(Running);

impl Kamailio {
    fn start(program: &Path, folder: &Path, at: SocketAddr, phone: SocketAddr, other: SocketAddr) -> Self {
        let file = folder.join("kamailio.cfg");
        let modules: String = ["tm", "sl", "rr", "pv", "maxfwd", "textops", "siputils"]
            .map(|name| format!("loadmodule \"{name}.so\"\n"))
            .concat();
        let config = format!(
            "#!KAMAILIO\ndebug=0\nlog_stderror=yes\nchildren=2\ntcp_children=1\ndns=no\nrev_dns=no\nauto_aliases=no\n\
             alias=\"k.example\"\nlisten=udp:{at}\n{modules}\
             request_route {{\n\
               if (!mf_process_maxfwd_header(\"10\")) {{ sl_send_reply(\"483\", \"Too Many Hops\"); exit; }}\n\
               if (is_method(\"CANCEL\")) {{ if (t_check_trans()) t_relay(); exit; }}\n\
               if (has_totag()) {{\n\
                 if (loose_route()) {{ t_relay(); exit; }}\n\
                 if (is_method(\"ACK\") && t_check_trans()) t_relay();\n\
                 exit;\n\
               }}\n\
               t_check_trans();\n\
               record_route();\n\
               if ($rd == \"k.example\") $du = \"sip:{phone}\"; else $du = \"sip:{other}\";\n\
               if (!t_relay()) sl_reply_error();\n\
             }}\n"
        );
        write(&file, &config);
        let mut command = Command::new(program);
        command.args(["-DD", "-E", "-m", "64", "-M", "8", "-f"]).arg(&file);
        command.arg("-Y").arg(folder).arg("-w").arg(folder);
        let kamailio = Self(Running::spawn(command));
        await_socket(at);
        kamailio
    }
}

impl Drop for Kamailio {
    /// It has children of its own, which end with it only when it is asked to.
    fn drop(&mut self) {
        let _ = Command::new("kill").args(["-TERM", &self.0.id().to_string()]).status();
        let _ = self.0.wait(PATIENCE);
    }
}

/// Dials by way of `proxy` and talks until voice has come.
fn dials(from: &str, proxy: SocketAddr, target: &str) {
    let config = PhoneConfig {
        listen: vec![([127, 0, 30, 9], 0).into()],
        dns_servers: vec![([127, 0, 0, 1], 9).into()],
        ..PhoneConfig::default()
    };
    let phone = Phone::start(config).unwrap();
    let mut account = SipAccount::new(from);
    (account.server, account.proxy, account.register) = (Some(format!("sip:{proxy}")), true, false);
    phone.sign_in(account).unwrap();
    let call = phone.dial(target).unwrap();
    let (began, mut ends) = (Instant::now(), None);
    while began.elapsed() < PATIENCE {
        match phone.next_event(Duration::from_millis(20)) {
            Some(PhoneEvent::Call { progress: rove_phone::Progress::Answered { .. }, .. }) => {
                ends = Some(Instant::now() + Duration::from_secs(1));
            }
            Some(PhoneEvent::Ended { report, .. }) => {
                assert!(
                    report.succeeded() && report.received.is_some_and(|packets| packets > 20),
                    "{target}: {report:?}"
                );
                return;
            }
            _ => {}
        }
        if ends.is_some_and(|at| Instant::now() > at) {
            phone.hang_up(call);
            ends = None;
        }
    }
    panic!("the call to {target} did not end");
}

#[test]
fn b20_kamailio_is_another_operators_server_and_users_of_both_call_each_other_by_domain() {
    let Some(program) = peer("kamailio") else { return };
    let mut stage = Stage::new();
    let folder = tempfile::tempdir().unwrap();
    let (at, listen) = (free([127, 0, 50, 1].into()), "127.0.50.9:0");
    let rove = rove_tests::programs::program("rove");
    let mut kate =
        Running::start(&rove, ["answer", "--identity", "kate@k.example", "--listen", listen, "--ready-json"]);
    let phone = kate.ready(PATIENCE)["sip"][0].as_str().unwrap().parse().unwrap();
    let _kamailio = Kamailio::start(&program, folder.path(), at, phone, stage.sip[A]);
    let records = format!("\"_sip._udp SRV 0 0 {} kamailio\", \"kamailio A {}\"", at.port(), at.ip());
    stage.add_zone(&format!("[[dns.zone]]\norigin = \"k.example\"\nrecords = [{records}]\n"));
    let (_alice, _) = stage.answers(A, "alice@a.example", &[]);
    stage.sees(A, "alice@a.example", "is online");
    // By way of our server to Kamailio's user, and by way of Kamailio to ours.
    dials("sip:fay@a.example", stage.sip[A], "sip:kate@k.example");
    dials("sip:kate@k.example", at, "sip:alice@a.example");
}
