//! SIPp and sipsak at a running server, with passwords.

use std::{net::Ipv4Addr, path::Path, process::Command};

use rove_tests::{
    ports,
    programs::{Running, peer},
};

use crate::stage::{PATIENCE, Server};

/// SIPp and sipsak know nothing better than MD5.
const USERS: &str = "algorithms = [\"MD5\"]\ncalls_file = \"calls.jsonl\"\npcap = \"sip.pcap\"\n\
    user = [{ name = \"bob\", password = \"builder\" }, { name = \"alice\", password = \"wonder\" }]";

#[test]
fn sipsak_asks_and_registers_with_a_password() {
    let Some(sipsak) = peer("sipsak") else { return };
    let server = Server::start(&["127.0.0.1"], USERS);
    let at = server.address;
    let asked = Command::new(&sipsak).args(["-p", &at.to_string(), "-s", "sip:127.0.0.1"]).output().unwrap();
    assert!(asked.status.success(), "{}", String::from_utf8_lossy(&asked.stdout));
    let register = |password: &str| {
        // sipsak cuts a digit off the port of some targets: the port goes by the outbound proxy.
        let (target, proxy) = ("sip:bob@127.0.0.1", at.to_string());
        let contact = ["-U", "-C", "sip:bob@127.0.0.1:9", "-x", "60"];
        let args = contact.into_iter().chain(["-u", "bob", "-a", password, "-p", &proxy, "-s", target]);
        Command::new(&sipsak).args(args).output().unwrap()
    };
    let right = register("builder");
    assert!(right.status.success(), "{}", String::from_utf8_lossy(&right.stdout));
    assert!(!register("destroyer").status.success());
}

#[test]
fn a_thousand_calls_of_sipp_pass_to_a_registered_sipp_and_are_written_down_once() {
    let Some(sipp) = peer("sipp") else { return };
    let server = Server::start(&["127.0.0.1"], USERS);
    let folder = server.folder.path();
    let at = server.address.to_string();
    let port = free_port();
    std::fs::write(folder.join("register.xml"), register(&port)).unwrap();
    std::fs::write(folder.join("caller.xml"), caller()).unwrap();
    std::fs::write(folder.join("callee.xml"), callee()).unwrap();
    let registered = sipp_command(&sipp, folder, &["-sf", "register.xml", "-m", "1", &at]);
    let (code, said, complaints) = Running::spawn(registered).outcome(PATIENCE);
    assert_eq!(code, 0, "{}\n{complaints}", tail(&said));
    let callee =
        Running::spawn(sipp_command(&sipp, folder, &["-sf", "callee.xml", "-p", &port, "-m", "1000"]));
    let caller =
        sipp_command(&sipp, folder, &["-sf", "caller.xml", "-m", "1000", "-r", "200", "-l", "200", &at]);
    let (code, said, complaints) = Running::spawn(caller).outcome(PATIENCE * 2);
    assert_eq!(code, 0, "{}\n{complaints}", tail(&said));
    let (code, said, complaints) = callee.outcome(PATIENCE);
    assert_eq!(code, 0, "{}\n{complaints}", tail(&said));
    let calls = std::fs::read_to_string(folder.join("calls.jsonl")).unwrap();
    let calls: Vec<serde_json::Value> =
        calls.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(calls.len(), 1_000);
    assert!(
        calls.iter().all(|call| call["status"] == 200 && call["end"] == "caller" && call["user"] == "alice")
    );
    let mut ids: Vec<_> = calls.iter().map(|call| call["call_id"].as_str().unwrap()).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 1_000, "each once");
    let pcap = std::fs::read(folder.join("sip.pcap")).unwrap();
    assert_eq!(pcap[..4], 0xa1b2_c3d4_u32.to_le_bytes());
    assert!(pcap.len() > 1_000 * 14 * 200, "every message is there");
}

/// REGISTER, challenged once.
fn register(port: &str) -> String {
    let message = |cseq: u32, answer: &str| {
        format!(
            "<send retrans=\"500\"><![CDATA[\nREGISTER sip:127.0.0.1 SIP/2.0\n\
             Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]\nMax-Forwards: 70\n\
             From: <sip:bob@127.0.0.1>;tag=[call_number]\nTo: <sip:bob@127.0.0.1>\nCall-ID: [call_id]\n\
             CSeq: {cseq} REGISTER\nContact: <sip:bob@[local_ip]:{port}>\n{answer}Expires: 600\nContent-Length: 0\n\n]]></send>"
        )
    };
    format!(
        "<?xml version=\"1.0\"?>\n<scenario name=\"register\">{}<recv response=\"401\" auth=\"true\"/>{}<recv response=\"200\"/></scenario>",
        message(1, ""),
        message(2, "[authentication username=bob password=builder]\n")
    )
}

/// INVITE, challenged once; then BYE along the routes.
fn caller() -> String {
    let invite = |cseq: u32, answer: &str| {
        format!(
            "<send retrans=\"500\"><![CDATA[\nINVITE sip:bob@127.0.0.1 SIP/2.0\n\
             Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]\nMax-Forwards: 70\n\
             From: <sip:alice@127.0.0.1>;tag=[pid]c[call_number]\nTo: <sip:bob@127.0.0.1>\nCall-ID: [call_id]\n\
             CSeq: {cseq} INVITE\nContact: <sip:alice@[local_ip]:[local_port]>\n{answer}Content-Type: application/sdp\n\
             Content-Length: [len]\n\nv=0\no=a 1 1 IN IP4 127.0.0.1\ns=-\nc=IN IP4 127.0.0.1\nt=0 0\nm=audio 4000 RTP/AVP 0\n]]></send>"
        )
    };
    let inside = |method: &str, cseq: u32, via: &str| {
        format!(
            "<send{via}><![CDATA[\n{method} [next_url] SIP/2.0\n\
             Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]\nMax-Forwards: 70\n[routes]\n\
             From: <sip:alice@127.0.0.1>;tag=[pid]c[call_number]\nTo: <sip:bob@127.0.0.1>[peer_tag_param]\n\
             Call-ID: [call_id]\nCSeq: {cseq} {method}\nContent-Length: 0\n\n]]></send>"
        )
    };
    format!(
        "<?xml version=\"1.0\"?>\n<scenario name=\"caller\">{}<recv response=\"407\" auth=\"true\"/>{}{}\
         <recv response=\"100\" optional=\"true\"/><recv response=\"180\" optional=\"true\"/>\
         <recv response=\"200\" rrs=\"true\"/>{}<pause milliseconds=\"50\"/>{}<recv response=\"200\"/></scenario>",
        invite(1, ""),
        "<send><![CDATA[\nACK sip:bob@127.0.0.1 SIP/2.0\n\
         Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch-1]\nMax-Forwards: 70\n\
         From: <sip:alice@127.0.0.1>;tag=[pid]c[call_number]\nTo: <sip:bob@127.0.0.1>[peer_tag_param]\n\
         Call-ID: [call_id]\nCSeq: 1 ACK\nContent-Length: 0\n\n]]></send>",
        invite(2, "[authentication username=alice password=wonder]\n"),
        inside("ACK", 2, ""),
        inside("BYE", 3, " retrans=\"500\""),
    )
}

/// The built-in callee with what it lacks: Record-Route in its answers (RFC 3261 §12.1.1).
fn callee() -> String {
    let answer = |line: &str, more: &str| {
        format!(
            "<send{more}><![CDATA[\nSIP/2.0 {line}\n[last_Via:]\n[last_Record-Route:]\n[last_From:]\n\
             [last_To:];tag=[pid]u[call_number]\n[last_Call-ID:]\n[last_CSeq:]\n\
             Contact: <sip:bob@[local_ip]:[local_port]>\nContent-Length: 0\n\n]]></send>"
        )
    };
    format!(
        "<?xml version=\"1.0\"?>\n<scenario name=\"callee\"><recv request=\"INVITE\"/>{}{}<recv request=\"ACK\"/>\
         <recv request=\"BYE\"/><send><![CDATA[\nSIP/2.0 200 OK\n[last_Via:]\n[last_From:]\n[last_To:]\n\
         [last_Call-ID:]\n[last_CSeq:]\nContent-Length: 0\n\n]]></send></scenario>",
        answer("180 Ringing", ""),
        answer("200 OK", " retrans=\"500\"")
    )
}

/// SIPp on loopback without a terminal, its files in `folder`.
fn sipp_command(sipp: &Path, folder: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(sipp);
    command.args(args).args(["-i", "127.0.0.1", "-nostdin", "-buff_size", "2000000", "-timeout", "100s"]);
    command.env("TERM", "xterm").current_dir(folder);
    command
}

/// A port that nobody has: SIPp cannot report one of the system's choice.
fn free_port() -> String {
    ports::free(Ipv4Addr::LOCALHOST).port().to_string()
}

fn tail(text: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(40)..].join("\n")
}
