//! From flags and settings to what is published in the DNS.

use core::time::Duration;
use std::{net::SocketAddr, path::Path};

use rove_phone::{DnsRegistration, TsigKey};

use crate::{
    cli::{PublishArgs, dns_address},
    failure::Failure,
    settings::Settings,
};

/// What publishing `name` needs, from all the places it may be said.
pub(crate) fn registration(
    settings: &Settings,
    args: &PublishArgs,
    dns_servers: &[SocketAddr],
    name: &str,
    port: Option<u16>,
) -> Result<DnsRegistration, Failure> {
    let from_file = settings.update_server.as_deref().map(dns_address).transpose();
    let from_file = from_file.map_err(|why| Failure::usage(format!("update_server: {why}")))?;
    let server =
        args.update_server.or(from_file).or_else(|| dns_servers.first().copied()).ok_or_else(|| {
            Failure::usage(
                "no server to publish at: give --update-server, or --dns-server if it takes updates as well",
            )
        })?;
    let path = args.key_file.as_deref().or(settings.key_file.as_deref()).ok_or_else(|| {
        Failure::usage("no key to sign with: give --key-file, the file that nsupdate -k would read")
    })?;
    Ok(DnsRegistration {
        name: name.trim_end_matches('.').to_owned(),
        server,
        key: key(path)?,
        addresses: args.address.clone(),
        port,
        ttl: Duration::from_secs(u64::from(args.ttl)),
    })
}

fn key(path: &Path) -> Result<TsigKey, Failure> {
    let text = std::fs::read_to_string(path).map_err(|error| {
        Failure::usage(format!("the key file {} cannot be read: {error}", path.display()))
    })?;
    TsigKey::from_key_file(&text)
        .map_err(|error| Failure::usage(format!("the key file {}: {error}", path.display())))
}
