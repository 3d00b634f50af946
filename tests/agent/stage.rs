//! Running phones, and a server between them.

use std::{net::SocketAddr, path::Path, time::Duration};

use rove_tests::programs::{Running, program};
use serde_json::Value;

/// Nothing here takes longer, even on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// `rove answer` on a port of the system's choice, with more flags.
pub(crate) fn answer(more: &str) -> (Running, SocketAddr) {
    let line = format!("answer --listen 127.0.0.1:0 --ready-json --dns-server 127.0.0.1:9 {more}");
    let mut process = Running::start(&program("rove"), words(&line));
    let ready = process.ready(PATIENCE);
    let address = ready["sip"][0].as_str().expect("an address").parse().expect("an address");
    (process, address)
}

/// `rove COMMAND TARGET` with what each command on loopback needs, begun.
pub(crate) fn begin(command: &str, target: &str, more: &str) -> Running {
    let line = format!("{command} {target} --listen 127.0.0.1:0 --dns-server 127.0.0.1:9 {more}");
    Running::start(&program("rove"), words(&line))
}

/// The same to its end: exit code, standard output, standard error.
pub(crate) fn rove(command: &str, target: &str, more: &str) -> (i32, String, String) {
    begin(command, target, more).outcome(PATIENCE)
}

/// `roved` as a registrar and proxy for home.example.
pub(crate) fn registrar() -> (Running, SocketAddr) {
    let flags = "--dev --dns-listen 127.0.0.1:0 --sip-listen 127.0.0.1:0 --ready-json";
    let mut process = Running::start(&program("roved"), words(flags));
    let ready = process.ready(PATIENCE);
    let uri = ready["sip"][0].as_str().expect("a URI").trim_start_matches("sip:").to_owned();
    let address = uri.split(';').next().unwrap().parse().unwrap();
    (process, address)
}

/// A settings file with an account of `user` that sends all by way of `server`.
pub(crate) fn account(folder: &Path, user: &str, server: SocketAddr) -> String {
    let file = folder.join(format!("{user}.toml"));
    let text = format!(
        "[[account]]\naddress = \"{user}@home.example\"\nregister = false\nproxy = true\nserver = \"sip:{server}\"\n"
    );
    std::fs::write(&file, text).unwrap();
    file.display().to_string()
}

pub(crate) fn json(path: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

pub(crate) fn words(text: &str) -> Vec<String> {
    text.split_whitespace().map(str::to_owned).collect()
}
