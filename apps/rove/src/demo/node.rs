//! The demo's name server: the real one, with a fresh key, until its standard input ends.

use core::time::Duration;
use std::{io::Read, net::SocketAddr};

use rove_node::{Dev, Node, ZONE};

use crate::failure::Failure;

/// Serves names on loopback; says where on standard output.
pub(crate) fn run() -> Result<(), Failure> {
    let folder =
        tempfile::tempdir().map_err(|error| Failure::environment(format!("no temporary folder: {error}")))?;
    let loopback = vec![SocketAddr::from(([127, 0, 0, 1], 0))];
    let dev =
        Dev::prepare(folder.path(), loopback).map_err(|error| Failure::environment(error.to_string()))?;
    let node = Node::start(dev.config).map_err(|error| Failure::environment(error.to_string()))?;
    println!(
        "{}",
        serde_json::json!({ "dns": node.dns_addresses(), "key_file": dev.key_file, "zone": ZONE })
    );
    // Whoever started this closes the pipe when it is done, and also when it dies.
    let _ = std::io::stdin().read_to_end(&mut Vec::new());
    // The callee may have learned of it at the same moment, and still has its name to take back.
    std::thread::sleep(FAREWELL);
    node.shutdown();
    Ok(())
}

/// How long names can still be taken back.
const FAREWELL: Duration = Duration::from_millis(500);
