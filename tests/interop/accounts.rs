//! `rove register` and `rove answer` at the registrar of `roved`, and `rove doctor` beside them.

use std::net::{Ipv4Addr, SocketAddr};

use rove_tests::{
    ports,
    programs::{Running, program},
};

use crate::stage::{PATIENCE, answer, rove, words};

/// A node with a registrar for home.example; `None` where nodes have none.
fn registrar() -> Option<(Running, SocketAddr)> {
    let help = std::process::Command::new(program("roved")).arg("--help").output().unwrap();
    if !String::from_utf8_lossy(&help.stdout).contains("--sip-listen") {
        println!("skipped: this node has no registrar");
        return None;
    }
    let flags = "--dev --dns-listen 127.0.0.1:0 --sip-listen 127.0.0.1:0 --ready-json";
    let mut process = Running::start(&program("roved"), words(flags));
    let ready = process.ready(PATIENCE);
    let uri = ready["sip"][0].as_str().expect("a URI").trim_start_matches("sip:").to_owned();
    let address = uri.split(';').next().unwrap().parse().unwrap();
    Some((process, address))
}

#[test]
fn a_phone_registers_at_a_registrar_is_called_by_its_address_of_record_and_takes_itself_back() {
    let Some((_node, server)) = registrar() else { return };
    let server = server.to_string();
    let mut phone = Running::start(
        &program("rove"),
        words(&format!(
            "answer --listen 127.0.0.1:0 --dns-server 127.0.0.1:9 --ready-json --calls 1 \
             --register sip:bob@home.example --server {server}"
        )),
    );
    phone.ready(PATIENCE);
    let dir = tempfile::tempdir().unwrap();
    let config = dir.path().join("rove.toml");
    let account = "[[account]]\naddress = \"alice@home.example\"\nregister = false\nproxy = true\n";
    std::fs::write(&config, format!("{account}server = \"sip:{server}\"\n")).unwrap();
    let config = config.display().to_string();
    let (code, said, complaints) = rove(&[
        "call",
        "sip:bob@home.example",
        "--config",
        &config,
        "--for",
        "0.2",
        "--listen",
        "127.0.0.1:0",
        "--dns-server",
        "127.0.0.1:9",
    ]);
    assert_eq!(code, 0, "{said}\n{complaints}");
    assert_eq!(phone.wait(PATIENCE).and_then(|status| status.code()), Some(0), "{}", phone.complaints());
}

#[test]
fn a_registrar_that_is_not_there_is_named_and_ends_the_program_with_3() {
    let free = ports::free(Ipv4Addr::LOCALHOST);
    let server = format!("sip:{free};transport=tcp");
    let args = [
        "register",
        "sip:bob@home.example",
        "--server",
        &server,
        "--listen",
        "127.0.0.1:0",
        "--dns-server",
        "127.0.0.1:9",
    ];
    let (code, _, complaints) = rove(&args);
    assert_eq!(code, 3, "{complaints}");
    assert!(complaints.contains("server"), "{complaints}");
}

#[test]
fn the_doctor_finds_a_phone_well_over_udp_and_tcp_and_an_empty_port_ill() {
    let (_phone, address) = answer(&[]);
    let dir = tempfile::tempdir().unwrap();
    let report = dir.path().join("doctor.json").display().to_string();
    for transport in ["udp", "tcp"] {
        let target = format!("sip:bob@{address};transport={transport}");
        let (code, said, complaints) = rove(&[
            "doctor",
            &target,
            "--json",
            &report,
            "--listen",
            "127.0.0.1:0",
            "--dns-server",
            "127.0.0.1:9",
        ]);
        assert_eq!(code, 0, "{said}\n{complaints}");
        let json: serde_json::Value = serde_json::from_slice(&std::fs::read(&report).unwrap()).unwrap();
        assert_eq!(json["can_connect"], true, "{json:#}");
        assert!(
            json["findings"]
                .as_array()
                .unwrap()
                .iter()
                .any(|one| one["step"] == "port" && one["verdict"] == "good")
        );
    }
    let free = ports::free(Ipv4Addr::LOCALHOST);
    let target = format!("sip:bob@{free}");
    let (code, said, _) =
        rove(&["doctor", &target, "--listen", "127.0.0.1:0", "--dns-server", "127.0.0.1:9"]);
    assert_eq!(code, 1, "{said}");
    assert!(said.contains("nobody listens there"), "{said}");
}
