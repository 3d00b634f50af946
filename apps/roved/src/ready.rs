//! A node at work, from its first line to its last signal.

use std::time::{Duration, Instant};

use rove_node::RunningNode;
use signal_hook::{
    consts::{SIGHUP, SIGINT, SIGTERM},
    iterator::Signals,
};

use crate::{cli::Cli, failure::Failure, notify::Notifier};

/// Says that the node is ready: one line of JSON, or what `people` prints.
pub(crate) fn announce(cli: &Cli, ready: &serde_json::Value, people: impl FnOnce()) {
    if cli.ready_json {
        println!("{ready}");
    } else {
        people();
    }
}

/// Runs until SIGINT or SIGTERM; the second one ends the program at once. SIGHUP reads the
/// configuration again.
pub(crate) fn until_told(node: RunningNode) -> Result<(), Failure> {
    let (stopper, reloader) = (node.stopper(), node.reloader());
    let notifier = Notifier::of_environment();
    let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP])
        .map_err(|error| Failure::environment(format!("signals cannot be handled: {error}")))?;
    notifier.ready();
    std::thread::spawn(move || {
        let mut first = None;
        for signal in signals.forever() {
            if signal == SIGHUP {
                reloader.reload();
                notifier.reloaded();
                continue;
            }
            // What follows at once is an echo: `timeout`, for one, signals its child and then the child's whole group.
            if first.get_or_insert_with(Instant::now).elapsed() > Duration::from_millis(100) {
                std::process::exit(130);
            }
            notifier.stopping();
            stopper.stop();
        }
    });
    node.wait();
    Ok(())
}
