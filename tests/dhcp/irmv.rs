//! A terminal of a registry that anybody can run, at an address of a visited network's pool.

use rove_tests::programs::{peer, program};

use crate::{
    lab::{AIR, Lab},
    served::leased,
    server::PATIENCE,
};

#[test]
fn b21_a_terminal_registers_and_is_called_at_the_address_that_each_visited_network_gives_it() {
    let Some(client) = peer("udhcpc") else { return };
    let Some(lab) = Lab::new(3_600) else { return };
    // A server of somebody who has nothing to do with the networks.
    let (folder, caller) = (lab.path("irmv"), "10.30.0.2");
    let args = ["init", "fresh.example", "--dir", &folder, "--address", caller];
    let (code, said, complaints) = lab.caller(&program("roved"), &args).outcome(PATIENCE);
    assert_eq!(code, 0, "{said} {complaints}");
    let invite = said.split('\'').find(|part| part.starts_with("rove:invite?")).expect("an invitation");
    let config = format!("{folder}/roved.toml");
    let mut roved = lab.caller(&program("roved"), &["--config", &config, "--ready-json"]);
    roved.ready(PATIENCE);
    for (network, device) in AIR.iter().enumerate() {
        let (stay, v4) = leased(&lab, &client, network);
        let (listen, key) = (format!("{v4}:0"), lab.path("bob.irmv"));
        let args = ["answer", "--register", "bob@fresh.example", "--invite", invite, "--irmv-key", &key];
        let args = [&args[..], &["--listen", &listen, "--calls", "1", "--ready-json"]].concat();
        let mut bob = lab.terminal(&program("rove"), &args);
        let at = bob.ready(PATIENCE)["sip"][0].as_str().unwrap().to_owned();
        assert!(at.starts_with(&format!("{v4}:")), "{at}");
        let (listen, key) = (format!("{caller}:0"), lab.path("alice.irmv"));
        let own = ["--invite", invite, "--irmv-key", &key, "--listen", &listen];
        let found = || {
            let asked = lab.caller(&program("rove"), &[&["lookup", "bob@fresh.example"], &own[..]].concat());
            asked.outcome(PATIENCE).1.contains(&at)
        };
        lab.wait_for("a registration", found);
        let call =
            lab.caller(&program("rove"), &[&["call", "bob@fresh.example", "--for", "1"], &own[..]].concat());
        let (code, said, complaints) = call.outcome(PATIENCE);
        assert_eq!(code, 0, "{said} {complaints}; {}", bob.complaints());
        // Break before make: the address is gone before there is another.
        drop((bob, stay));
        lab.terminal_ip(&["address", "flush", "dev", device, "scope", "global"]);
    }
}
