//! What a server is told by its file and on its command line.

use rove_node::NodeConfig;

use crate::{cli::Cli, failure::Failure};

/// The configuration, with what the command line says otherwise.
pub(crate) fn read(cli: &Cli) -> Result<NodeConfig, Failure> {
    let Some(path) = &cli.config else {
        return Err(Failure::usage("give --config FILE, or --dev to try things out without one"));
    };
    let mut config = NodeConfig::read(path)?;
    if let (Some(dns), false) = (&mut config.dns, cli.dns_listen.is_empty()) {
        dns.listen.clone_from(&cli.dns_listen);
    }
    if let (Some(sip), false) = (&mut config.sip, cli.sip_listen.is_empty()) {
        sip.listen.udp.clone_from(&cli.sip_listen);
        sip.listen.tcp.clone_from(&cli.sip_listen);
    }
    if let (Some(journal), Some(path)) = (&mut config.journal, &cli.journal) {
        journal.path.clone_from(path);
    }
    Ok(config)
}
