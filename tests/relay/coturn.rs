//! coturn's client.

use std::process::Command;

use rove_tests::programs::{Running, peer};

use crate::stage::{PASSWORD, PATIENCE, Relay, SECRET, USER, echo};

/// Loopback may be relayed to.
const OPEN: &str = "allow = [\"127.0.0.0/8\"]";

/// Runs coturn's client against a relay; answers the messages that it sent and those that came back.
fn uclient(relay: &Relay, how: &[&str], secure: bool) -> Option<(u64, u64, String)> {
    let program = peer("turnutils_uclient")?;
    let at = if secure { relay.tls } else { relay.udp };
    let mut command = Command::new(program);
    command.args(["-p", &at.port().to_string(), "-l", "172"]).args(how).arg("127.0.0.1");
    let (code, said, complaints) = Running::spawn(command).outcome(PATIENCE);
    let text = format!("{said}\n{complaints}");
    assert_eq!(code, 0, "{how:?}: {text}");
    // Its last line of the kind: `Total transmit time is …`, before it `tot_send_msgs=N, tot_recv_msgs=N`.
    let last = |name: &str| {
        let found = text.rmatch_indices(name).next().map(|(at, _)| &text[at + name.len()..]);
        let digits = found.map(|rest| rest.chars().take_while(char::is_ascii_digit).collect::<String>());
        digits.and_then(|digits| digits.parse().ok()).unwrap_or_else(|| panic!("no {name} in {text}"))
    };
    Some((last("tot_send_msgs="), last("tot_recv_msgs="), text))
}

fn user() -> [&'static str; 4] {
    ["-u", USER, "-w", PASSWORD]
}

/// Every message comes back, by each way a client may come and send.
fn all_come_back(threads: usize, ways: &[(&str, &[&str], bool)]) {
    let mut relay = Relay::start(&format!("threads = {threads}\n{OPEN}"));
    let echo = echo().port().to_string();
    for (what, how, secure) in ways {
        let mut args = vec!["-n", "20", "-m", "4", "-e", "127.0.0.1", "-r", &echo, "-X"];
        args.extend(user());
        args.extend(how.iter());
        let Some((sent, back, text)) = uclient(&relay, &args, *secure) else { return };
        assert!(sent >= 80, "{what}: {sent} sent\n{text}");
        assert_eq!(sent, back, "{what}: {text}");
    }
    assert!(relay.is_alive());
    assert!(relay.counted("rove_relay_packets_out_total{part=\"turn\"}") >= 80 * ways.len() as u64);
}

#[test]
fn coturns_client_is_served_over_udp_by_numbers_and_by_addresses_with_and_without_rtcp() {
    all_come_back(
        1,
        &[
            ("numbers", &["-c"], false),
            ("addresses", &["-c", "-s"], false),
            ("a pair of ports", &[], false),
            ("extra requests", &["-c", "-G"], false),
        ],
    );
}

#[test]
fn coturns_client_is_served_over_tcp_and_tls() {
    all_come_back(
        1,
        &[
            ("TCP, numbers", &["-t", "-c"], false),
            ("TCP, addresses", &["-t", "-c", "-s"], false),
            ("TCP, a pair of ports", &["-t"], false),
            ("TLS, numbers", &["-t", "-S", "-c"], true),
            ("TLS, addresses", &["-t", "-S", "-c", "-s"], true),
        ],
    );
}

/// The second port of a pair is asked for from another port of the client's, which may come to another thread.
#[test]
fn coturns_client_is_served_by_two_threads_as_by_one() {
    all_come_back(
        2,
        &[
            ("numbers", &["-c"], false),
            ("addresses", &["-c", "-s"], false),
            ("a pair of ports", &["-m", "16"], false),
            ("TCP, numbers", &["-t", "-c"], false),
            ("TLS, a pair of ports", &["-t", "-S"], true),
        ],
    );
}

#[test]
fn coturns_clients_reach_each_other_through_their_addresses() {
    let relay = Relay::start(OPEN);
    for how in [&["-y", "-c"][..], &["-y", "-c", "-s"], &["-y", "-c", "-t"]] {
        let args = [&["-n", "20", "-m", "4"][..], &user(), how].concat();
        let Some((sent, back, text)) = uclient(&relay, &args, false) else { return };
        assert!(sent >= 80, "{how:?}: {sent} sent\n{text}");
        assert_eq!(sent, back, "{how:?}: {text}");
    }
}

#[test]
fn coturns_client_is_let_in_by_the_secret_that_it_shares() {
    let relay = Relay::start(OPEN);
    let echo = echo().port().to_string();
    let args = ["-n", "10", "-m", "2", "-c", "-e", "127.0.0.1", "-r", &echo, "-u", "carol", "-W", SECRET];
    let Some((sent, back, text)) = uclient(&relay, &args, false) else { return };
    assert!(sent >= 20 && sent == back, "{text}");
}

#[test]
fn coturns_client_gets_nothing_with_a_wrong_password_nor_to_a_forbidden_peer() {
    let relay = Relay::start("");
    let Some(program) = peer("turnutils_uclient") else { return };
    let echo = echo().port().to_string();
    for (password, peer) in [("guessed", "127.0.0.1"), (PASSWORD, "127.0.0.1"), (PASSWORD, "169.254.169.254")]
    {
        let mut command = Command::new(&program);
        let port = relay.udp.port().to_string();
        command.args([
            "-p",
            &port,
            "-n",
            "2",
            "-c",
            "-u",
            USER,
            "-w",
            password,
            "-e",
            peer,
            "-r",
            &echo,
            "127.0.0.1",
        ]);
        let (code, ..) = Running::spawn(command).outcome(PATIENCE);
        assert_ne!(code, 0, "{password} {peer}");
    }
    assert!(relay.counted("rove_relay_refused_total{part=\"turn\",cause=\"unauthorized\"}") > 0);
    assert!(relay.counted("rove_relay_refused_total{part=\"turn\",cause=\"forbidden\"}") > 0);
    assert_eq!(relay.counted("rove_relay_packets_out_total{part=\"turn\"}"), 0);
}
