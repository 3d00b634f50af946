//! What most of these tests begin with: a name server and a callee.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use rove_tests::programs::{Running, program};
use serde_json::Value;

/// Nothing here takes longer, even on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// A running `roved --dev` with what it says when it is ready.
pub(crate) struct Names {
    pub(crate) process: Running,
    pub(crate) address: SocketAddr,
    pub(crate) key_file: PathBuf,
}

impl Names {
    pub(crate) fn start() -> Self {
        let mut process =
            Running::start(&program("roved"), words("--dev --dns-listen 127.0.0.1:0 --ready-json"));
        let ready = process.ready(PATIENCE);
        let address = ready["dns"][0].as_str().expect("an address").parse().expect("an address");
        let key_file = ready["key_file"].as_str().expect("a key file").into();
        Self { process, address, key_file }
    }

    pub(crate) fn server(&self) -> String {
        self.address.to_string()
    }

    pub(crate) fn key(&self) -> String {
        self.key_file.display().to_string()
    }
}

/// `rove answer` on a port of the system's choice, with more flags.
pub(crate) fn answer(more: &[&str]) -> (Running, SocketAddr) {
    let (process, ready) = answer_ready(more);
    let address = sip_address(&ready);
    (process, address)
}

/// The same, with all that it says when it is ready.
pub(crate) fn answer_ready(more: &[&str]) -> (Running, Value) {
    let mut args = words("answer --listen 127.0.0.1:0 --ready-json --dns-server 127.0.0.1:9");
    args.extend(more.iter().map(|&word| word.to_owned()));
    let mut process = Running::start(&program("rove"), &args);
    let ready = process.ready(PATIENCE);
    (process, ready)
}

pub(crate) fn sip_address(ready: &Value) -> SocketAddr {
    ready["sip"][0].as_str().expect("an address").parse().expect("an address")
}

/// `rove` with `args` to its end: exit code, standard output, standard error.
pub(crate) fn rove(args: &[&str]) -> (i32, String, String) {
    Running::start(&program("rove"), args).outcome(PATIENCE * 2)
}

pub(crate) fn words(text: &str) -> Vec<String> {
    text.split_whitespace().map(str::to_owned).collect()
}
