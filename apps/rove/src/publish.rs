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
    if !is_host_name(name) {
        return Err(Failure::usage(format!(
            "{name:?} is no host name: use labels of letters, digits and hyphens with dots between them"
        )));
    }
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

/// RFC 1123 §2.1; a last label of digits alone would be an address.
fn is_host_name(text: &str) -> bool {
    let name = text.strip_suffix('.').unwrap_or(text);
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let is_number = |label: &str| label.bytes().all(|b| b.is_ascii_digit());
    name.len() <= 253 && name.split('.').all(is_label) && !name.rsplit('.').next().is_some_and(is_number)
}

fn key(path: &Path) -> Result<TsigKey, Failure> {
    let text = std::fs::read_to_string(path).map_err(|error| {
        Failure::usage(format!("the key file {} cannot be read: {error}", path.display()))
    })?;
    TsigKey::from_key_file(&text)
        .map_err(|error| Failure::usage(format!("the key file {}: {error}", path.display())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_host_name_can_be_published() {
        for name in ["bob.home.example", "bob.home.example.", "Phone-7.example", "3com.example", "bob"] {
            assert!(is_host_name(name), "{name}");
        }
        let long = format!("{}.example", "a".repeat(64));
        let deep = "ab.".repeat(90);
        let wrong = ["", ".", "bob..example", "bob example", "-bob.example", "bob-.example", "b_b.example"];
        for name in wrong.into_iter().chain(["bücher.example", "192.0.2.1", "sip:bob.example", &long, &deep])
        {
            assert!(!is_host_name(name), "{name}");
        }
    }
}
