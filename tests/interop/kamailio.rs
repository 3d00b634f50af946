//! Phones at Kamailio, which the tests start with a configuration of their own: a registrar that asks for passwords, a
//! proxy that stays in the path, an edge for WebSockets.

use std::{
    net::{Ipv4Addr, UdpSocket},
    path::Path,
    process::Command,
    time::{Duration, Instant},
};

use rove_phone::{
    AccountNews, CallId, CallReport, Phone, PhoneConfig, PhoneEvent, Progress, SipAccount, Transport,
};
use rove_tests::{
    ports,
    programs::{Running, peer},
};

use crate::{
    stage::PATIENCE,
    streams::{NOWHERE, Trust},
};

#[test]
fn a_phone_registers_at_kamailio_by_digest_again_in_time_and_not_with_another_password() {
    for algorithm in ["MD5", "SHA-256"] {
        let Some(kamailio) = Kamailio::start(algorithm) else { return };
        let phone = kamailio.phone();
        let account = phone.sign_in(kamailio.account("bob", PASSWORD, Transport::Udp)).unwrap();
        // What is granted is short: the phone renews it until it is told to leave.
        for time in 0..3 {
            let news = account_news(&phone);
            assert!(
                matches!(news, AccountNews::Registered { expires, .. } if expires == GRANTED),
                "{algorithm}, time {time}: {news:?}"
            );
        }
        phone.sign_out(account);
        assert_eq!(account_news(&phone), AccountNews::Unregistered, "{algorithm}");
        let stranger = kamailio.phone();
        stranger.sign_in(kamailio.account("bob", "another", Transport::Udp)).unwrap();
        let news = account_news(&stranger);
        assert!(matches!(news, AccountNews::Failed { retry_in: None, .. }), "{algorithm}: {news:?}");
        let passed = kamailio.passed();
        assert_eq!(count(&passed, "REGISTER bound"), 4, "{algorithm}: {passed}");
    }
}

#[test]
fn a_call_by_way_of_kamailio_is_held_resumed_and_ended_along_the_route_that_it_recorded() {
    for callee_ends in [false, true] {
        let Some(kamailio) = Kamailio::start("SHA-256") else { return };
        for transport in [Transport::Udp, Transport::Tcp] {
            call_through(&kamailio, transport, callee_ends);
        }
    }
}

#[test]
fn phones_register_and_call_by_way_of_kamailio_over_websockets_and_secure_ones() {
    let modules = ["websocket.so", "xhttp.so", "tls.so"];
    let Some(kamailio) = Kamailio::start_with("SHA-256", &modules) else { return };
    for transport in [Transport::Ws, Transport::Wss] {
        for callee_ends in [false, true] {
            call_through(&kamailio, transport, callee_ends);
        }
    }
}

/// Two phones sign in over `transport`, one calls the other and holds the call, and all that passes by the proxy.
fn call_through(kamailio: &Kamailio, transport: Transport, callee_ends: bool) {
    let (alice, bob) = (kamailio.phone(), kamailio.phone());
    for (phone, user) in [(&alice, "alice"), (&bob, "bob")] {
        phone.sign_in(kamailio.account(user, PASSWORD, transport)).unwrap();
        let news = account_news(phone);
        let passed = kamailio.passed();
        assert!(matches!(news, AccountNews::Registered { .. }), "{transport}: {news:?}\n{passed}");
    }
    kamailio.passed();
    let call = alice.dial(&format!("sip:bob@{DOMAIN}")).unwrap();
    let reports = Conversation { alice: &alice, bob: &bob, call, theirs: None, callee_ends }.run(kamailio);
    for report in &reports {
        assert!(report.succeeded(), "{transport}: {report:?}");
        assert!(report.received.is_some_and(|packets| packets > 0), "{transport}: {report:?}");
    }
    let (mut passed, began) = (kamailio.passed(), Instant::now());
    while count(&passed, "BYE inside") == 0 && began.elapsed() < PATIENCE {
        alice.next_event(Duration::from_millis(5));
        passed.push_str(&kamailio.passed());
    }
    // Challenged once, then in; held and resumed inside the dialog; and its end, which may be written down late.
    for (what, times) in
        [("INVITE challenged", 1), ("INVITE begins", 1), ("INVITE inside", 2), ("BYE inside", 1)]
    {
        assert_eq!(count(&passed, what), times, "{transport}: {what}: {passed}");
    }
    assert_eq!(count(&passed, "ACK inside"), 3, "{transport}: {passed}");
    drop((alice, bob));
}

/// One call from its beginning to its end.
struct Conversation<'a> {
    alice: &'a Phone,
    bob: &'a Phone,
    call: CallId,
    theirs: Option<CallId>,
    callee_ends: bool,
}

impl Conversation<'_> {
    fn run(mut self, kamailio: &Kamailio) -> [CallReport; 2] {
        let began = Instant::now();
        let mut reports: [Option<CallReport>; 2] = [None, None];
        while began.elapsed() < PATIENCE {
            if let Some(event) = self.bob.next_event(Duration::from_millis(5)) {
                self.bob_heard(event, &mut reports[1]);
            }
            if let Some(event) = self.alice.next_event(Duration::from_millis(5)) {
                self.alice_heard(event, &mut reports[0]);
            }
            if let [Some(ours), Some(theirs)] = &reports {
                return [ours.clone(), theirs.clone()];
            }
        }
        panic!("the call does not end: {reports:?}\n{}", kamailio.passed());
    }

    fn bob_heard(&mut self, event: PhoneEvent, report: &mut Option<CallReport>) {
        match event {
            PhoneEvent::Call { call, progress: Progress::Incoming { .. } } => {
                self.theirs = Some(call);
                self.bob.answer(call);
            }
            PhoneEvent::Ended { report: over, .. } => *report = Some(*over),
            _ => {}
        }
    }

    /// Answered, held, resumed, over: each when the one before has come about.
    fn alice_heard(&self, event: PhoneEvent, report: &mut Option<CallReport>) {
        match event {
            // There were a second's packets: the call is a call.
            PhoneEvent::Quality { .. } if report.is_none() => self.alice.hold(self.call),
            PhoneEvent::Call { progress: Progress::Held { .. }, .. } => self.alice.resume(self.call),
            PhoneEvent::Call { progress: Progress::Resumed { .. }, .. } => match self.theirs {
                Some(theirs) if self.callee_ends => self.bob.hang_up(theirs),
                _ => self.alice.hang_up(self.call),
            },
            PhoneEvent::Ended { report: over, .. } => *report = Some(*over),
            _ => {}
        }
    }
}

fn account_news(phone: &Phone) -> AccountNews {
    loop {
        match phone.next_event(PATIENCE) {
            Some(PhoneEvent::Account { news, .. }) => return news,
            Some(_) => {}
            None => panic!("nothing is heard of the account"),
        }
    }
}

fn count(text: &str, what: &str) -> usize {
    text.lines().filter(|line| line.ends_with(what)).count()
}

/// A running Kamailio.
struct Kamailio {
    process: Running,
    ports: Ports,
    trust: Trust,
    _folder: tempfile::TempDir,
}

/// Free a moment ago: Kamailio cannot report ports of the system's choice.
struct Ports {
    sip: u16,
    tls: u16,
    ws: u16,
    wss: u16,
}

impl Ports {
    fn free() -> Self {
        let port = || ports::free(Ipv4Addr::LOCALHOST).port();
        Self { sip: port(), tls: port(), ws: port(), wss: port() }
    }
}

impl Kamailio {
    fn start(algorithm: &str) -> Option<Self> {
        Self::start_with(algorithm, &[])
    }

    /// `None` after saying what is missing.
    fn start_with(algorithm: &str, modules: &[&str]) -> Option<Self> {
        let program = peer("kamailio")?;
        for module in modules {
            if !has_module(module) {
                println!("skipped: kamailio without its module {module}");
                return None;
            }
        }
        let folder = tempfile::tempdir().unwrap();
        let (ports, trust) = (Ports::free(), Trust::new());
        let file = folder.path().join("kamailio.cfg");
        let edge = if modules.is_empty() { String::new() } else { edge(&ports, &trust) };
        std::fs::write(&file, config(&ports, algorithm, &edge)).unwrap();
        let mut command = Command::new(program);
        command.args(["-DD", "-E", "-m", "64", "-M", "8", "-f"]).arg(&file);
        command.arg("-Y").arg(folder.path()).arg("-w").arg(folder.path());
        let kamailio = Self { process: Running::spawn(command), ports, trust, _folder: folder };
        kamailio.await_answer();
        Some(kamailio)
    }

    /// Until it answers an OPTIONS.
    fn await_answer(&self) {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        socket.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
        let (from, port) = (socket.local_addr().unwrap(), self.ports.sip);
        let began = Instant::now();
        for n in 0.. {
            assert!(began.elapsed() < PATIENCE, "Kamailio does not answer: {}", self.process.complaints());
            let text = format!(
                "OPTIONS sip:127.0.0.1:{port} SIP/2.0\r\nVia: SIP/2.0/UDP {from};branch=z9hG4bK{n};rport\r\n\
                 Max-Forwards: 70\r\nFrom: <sip:test@127.0.0.1>;tag=1\r\nTo: <sip:127.0.0.1:{port}>\r\n\
                 Call-ID: {n}\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n"
            );
            let _ = socket.send_to(text.as_bytes(), ("127.0.0.1", port));
            if socket.recv(&mut [0; 2_000]).is_ok() {
                return;
            }
        }
    }

    fn phone(&self) -> Phone {
        let config = PhoneConfig {
            listen: vec![([127, 0, 0, 1], 0).into()],
            tls_ca: Some(self.trust.authority.clone()),
            dns_servers: vec![NOWHERE.into()],
            ..PhoneConfig::default()
        };
        Phone::start(config).unwrap()
    }

    fn account(&self, user: &str, password: &str, transport: Transport) -> SipAccount {
        let Ports { sip, tls, ws, wss } = self.ports;
        let port = match transport {
            Transport::Tls => tls,
            Transport::Ws => ws,
            Transport::Wss => wss,
            _ => sip,
        };
        let mut account = SipAccount::new(format!("{user}@{DOMAIN}"));
        account.password = Some(password.to_owned().into());
        account.server = Some(format!("sip:127.0.0.1:{port};transport={transport}"));
        account.proxy = true;
        account
    }

    /// What it wrote down since it was asked last.
    fn passed(&self) -> String {
        self.process.complaints()
    }
}

impl Drop for Kamailio {
    /// It has children of its own, which end with it only when it is asked to.
    fn drop(&mut self) {
        let _ = Command::new("kill").args(["-TERM", &self.process.id().to_string()]).status();
        let _ = self.process.wait(PATIENCE);
    }
}

fn has_module(name: &str) -> bool {
    let here = |folder: &Path| folder.join("kamailio/modules").join(name).is_file();
    let folders = ["/usr/lib", "/usr/lib64", "/usr/local/lib", "/usr/local/lib64"].map(Path::new);
    let inside = |folder: &Path| {
        let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
        entries.into_iter().any(|entry| here(&entry.path()))
    };
    folders.into_iter().any(|folder| here(folder) || inside(folder))
}

/// A registrar and proxy for [`DOMAIN`]. What it does is written down, a line each.
fn config(ports: &Ports, algorithm: &str, edge: &str) -> String {
    format!(
        r#"#!KAMAILIO
debug=0
log_stderror=yes
children=2
tcp_children=2
dns=no
rev_dns=no
auto_aliases=no
alias="{DOMAIN}"
listen=udp:127.0.0.1:{port}
listen=tcp:127.0.0.1:{port}
loadmodule "tm.so"
loadmodule "sl.so"
loadmodule "rr.so"
loadmodule "pv.so"
loadmodule "maxfwd.so"
loadmodule "usrloc.so"
loadmodule "registrar.so"
loadmodule "textops.so"
loadmodule "siputils.so"
loadmodule "xlog.so"
loadmodule "auth.so"
loadmodule "nathelper.so"
modparam("auth", "algorithm", "{algorithm}")
modparam("registrar", "min_expires", 1)
modparam("registrar", "max_expires", {granted})
{edge}
{route}
onreply_route[back] {{ set_contact_alias(); }}
"#,
        port = ports.sip,
        granted = GRANTED.as_secs(),
        route = route(),
    )
}

/// What it does with requests.
fn route() -> String {
    format!(
        r#"request_route {{
    if (!mf_process_maxfwd_header("10")) {{ sl_send_reply("483", "Too Many Hops"); exit; }}
    if (is_method("CANCEL")) {{ if (t_check_trans()) t_relay(); exit; }}
    set_contact_alias();
    if (has_totag()) {{
        if (loose_route()) {{
            xlog("L_WARN", "$rm inside\n");
            handle_ruri_alias();
            t_on_reply("back");
            t_relay();
        }} else if (is_method("ACK")) {{
            if (t_check_trans()) t_relay();
        }} else {{
            sl_send_reply("404", "Not Here");
        }}
        exit;
    }}
    t_check_trans();
    if (is_method("OPTIONS")) {{ sl_send_reply("200", "OK"); exit; }}
    if (is_method("REGISTER")) {{
        if (!pv_www_authenticate("{DOMAIN}", "{PASSWORD}", "0")) {{ www_challenge("{DOMAIN}", "1"); exit; }}
        if ($au != $tU) {{ sl_send_reply("403", "Not Yours"); exit; }}
        if (save("location")) xlog("L_WARN", "$rm bound\n");
        exit;
    }}
    if (!pv_proxy_authenticate("{DOMAIN}", "{PASSWORD}", "0")) {{
        xlog("L_WARN", "$rm challenged\n");
        proxy_challenge("{DOMAIN}", "1");
        exit;
    }}
    consume_credentials();
    record_route();
    if (!lookup("location")) {{ sl_send_reply("404", "Not Found"); exit; }}
    handle_ruri_alias();
    xlog("L_WARN", "$rm begins\n");
    t_on_reply("back");
    t_relay();
}}"#
    )
}

/// What it takes to be an edge for WebSockets.
fn edge(ports: &Ports, trust: &Trust) -> String {
    let Ports { tls, ws, wss, .. } = ports;
    let (chain, key) = (trust.certificate.chain.display(), trust.certificate.key.display());
    format!(
        r#"enable_tls=yes
tcp_accept_no_cl=yes
listen=tls:127.0.0.1:{tls}
listen=tcp:127.0.0.1:{ws}
listen=tls:127.0.0.1:{wss}
loadmodule "tls.so"
loadmodule "xhttp.so"
loadmodule "websocket.so"
modparam("tls", "certificate", "{chain}")
modparam("tls", "private_key", "{key}")
modparam("tls", "tls_method", "TLSv1.2+")
event_route[xhttp:request] {{
    set_reply_close();
    set_reply_no_connect();
    if ($hdr(Upgrade) =~ "websocket" && $hdr(Connection) =~ "Upgrade" && ws_handle_handshake()) exit;
    xhttp_reply("404", "Not Found", "", "");
}}
"#
    )
}

const DOMAIN: &str = "home.example";
/// That of both users.
const PASSWORD: &str = "zanzibar";
const GRANTED: Duration = Duration::from_secs(3);
