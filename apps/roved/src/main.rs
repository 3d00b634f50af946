//! The `roved` program: a server by configuration, or one to try things out.

mod account;
mod calls;
mod cli;
mod conference;
mod configured;
mod control;
mod failure;
mod init;
mod log;
mod notify;
mod ready;
mod subscriber;

use std::{net::SocketAddr, path::Path, process::ExitCode};

use clap::Parser as _;
use rove_node::{Dev, KEY_NAME, Node, NodeConfig, RunningNode, SipAddress, ZONE};

use crate::{
    cli::{Cli, Command, ConfigCommand},
    failure::Failure,
    ready::{announce, until_told},
};

/// Calls make many small pieces of memory and give them back soon; this costs less than the system's way, and holds more.
#[cfg(not(feature = "access-point"))]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let cli = Cli::parse();
    match run(&cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("roved: {failure}");
            failure.exit_code()
        }
    }
}

fn run(cli: &Cli) -> Result<(), Failure> {
    log::to_stderr(cli)?;
    match &cli.command {
        Some(Command::Config(ConfigCommand::Check(check))) => {
            NodeConfig::read(&check.config)?.check()?;
            println!("{}: good", check.config.display());
            Ok(())
        }
        Some(Command::Config(ConfigCommand::Ds(check))) => {
            let config = NodeConfig::read(&check.config)?;
            let records = config.dns.map(|dns| dns.ds_records()).transpose()?;
            records.unwrap_or_default().iter().for_each(|record| println!("{record}"));
            Ok(())
        }
        Some(Command::Account(command)) => account::run(command),
        Some(Command::Subscriber(command)) => subscriber::run(command),
        Some(Command::Metrics(args)) => control::metrics(args),
        Some(Command::Init(args)) => init::run(args),
        Some(Command::Calls(command)) => calls::run(command),
        Some(Command::Reload(args)) => control::reload(args),
        None if cli.dev => run_dev(cli),
        None => run_configured(cli),
    }
}

fn run_configured(cli: &Cli) -> Result<(), Failure> {
    let mut config = configured::read(cli)?;
    let rooms = conference::open(&mut config)?;
    let places = conference::places(&config);
    let node = Node::start(config)?;
    let (names, calls) = (addresses(&node), sip_addresses(&node));
    let roaming = node.roaming_addresses().clone();
    let relays: Vec<_> = node.relay_addresses().iter().map(SipAddress::relay_uri).collect();
    let ready = serde_json::json!({
        "dns": names, "sip": calls, "irmv": node.irmv_addresses(), "search": node.search_address(),
        "attach": roaming.attach, "partners": roaming.partners, "dhcp": roaming.dhcp, "sctp": roaming.sctp,
        "relay": relays, "rooms": places, "http": node.http_addresses(),
    });
    announce(cli, &ready, || {
        if !names.is_empty() {
            println!("ready: names are answered at {}", names.join(", "));
        }
        if !calls.is_empty() {
            println!("ready: calls are taken at {}", calls.join(", "));
        }
        for at in node.irmv_addresses() {
            println!("ready: users register by IRMV at {at}");
        }
        if let Some(at) = node.search_address() {
            println!("ready: other servers search from {at}");
        }
        for at in node.http_addresses() {
            println!("ready: health and counters are at http://{at}/metrics");
        }
        if !relays.is_empty() {
            println!("ready: media is relayed at {}", relays.join(", "));
        }
        for place in &places {
            println!("ready: the room {} is at {}", place.name, place.at);
        }
        for at in &roaming.attach {
            println!("ready: terminals attach at {at}");
        }
        for at in &roaming.partners {
            println!("ready: partners connect at {at}");
        }
        if let Some(at) = roaming.sctp {
            println!("ready: partners are reached by SCTP from {at}");
        }
    });
    until_told(node)?;
    drop(rooms);
    Ok(())
}

fn run_dev(cli: &Cli) -> Result<(), Failure> {
    let temporary =
        if cli.dir.is_none() { Some(tempfile::tempdir().map_err(Failure::folder)?) } else { None };
    let folder = cli.dir.clone().or_else(|| temporary.as_ref().map(|dir| dir.path().to_owned()));
    let folder = folder.unwrap_or_default();
    let listen = if cli.dns_listen.is_empty() { vec![cli::DEV_LISTEN] } else { cli.dns_listen.clone() };
    let sip = match (cli.sip_listen.is_empty(), cli.dns_listen.first()) {
        (false, _) => cli.sip_listen.clone(),
        // Whoever wants names elsewhere than usual wants calls elsewhere too.
        (true, Some(names)) => vec![SocketAddr::new(names.ip(), 0)],
        (true, None) => vec![cli::DEV_SIP_LISTEN],
    };
    let mut dev = Dev::prepare(&folder, listen)?.with_sip(sip)?;
    if let (Some(journal), Some(path)) = (&mut dev.config.journal, &cli.journal) {
        journal.path.clone_from(path);
    }
    let key_file = std::path::absolute(&dev.key_file).unwrap_or(dev.key_file);
    let node = Node::start(dev.config)?;
    let addresses = addresses(&node);
    let calls = sip_addresses(&node);
    let ready = serde_json::json!({
        "dns": addresses, "sip": calls, "key_file": key_file, "zone": ZONE, "key": KEY_NAME,
    });
    announce(cli, &ready, || {
        explain(&addresses, &key_file);
        println!("  users of {ZONE} register at {}, without passwords", calls.join(", "));
    });
    until_told(node)
}

/// What a person needs to go on.
fn explain(addresses: &[String], key_file: &Path) {
    let server = addresses.first().map_or("", String::as_str);
    let (ip, port) = server.rsplit_once(':').unwrap_or((server, "53"));
    let (ip, key) = (ip.trim_matches(['[', ']']), key_file.display());
    println!("ready: zone {ZONE} is answered at {}; key file: {key}", addresses.join(", "));
    println!("  rove answer --register bob.{ZONE} --dns-server {server} --key-file {key}");
    println!("  rove call bob.{ZONE} --dns-server {server}");
    println!("  dig @{ip} -p {port} bob.{ZONE}");
    println!("  nsupdate -k {key}    (begin with: server {ip} {port})");
}

fn addresses(node: &RunningNode) -> Vec<String> {
    node.dns_addresses().iter().map(ToString::to_string).collect()
}

/// Each as a SIP URI.
fn sip_addresses(node: &RunningNode) -> Vec<String> {
    let uri = |at: &SipAddress| format!("sip:{};transport={}", at.address, at.transport);
    node.sip_addresses().iter().map(uri).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_a_registry_is_good() {
        let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("irmv.example.toml");
        let config = NodeConfig::read(&example).and_then(|config| config.check().map(|()| config)).unwrap();
        assert_eq!(config.irmv.map(|irmv| (irmv.user.len(), irmv.peer.len())), Some((1, 1)));
    }

    #[test]
    fn the_example_configuration_is_good() {
        let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("example.toml");
        let config = NodeConfig::read(&example).and_then(|config| config.check().map(|()| config));
        assert_eq!(
            config
                .map(|config| (config.dns.map(|dns| dns.zone.len()), config.sip.map(|sip| sip.user.len())))
                .unwrap(),
            (Some(2), Some(1))
        );
    }
}
