//! `roved init`: a server of one's own from nothing: its configuration, its certificate, what to publish, whom to invite.

mod records;
#[cfg(test)]
mod tests;
mod text;

use std::{
    fs::{self, OpenOptions},
    io::{self, Write as _},
    net::{IpAddr, Ipv4Addr, SocketAddr},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

use rove_node::{Invite, NodeConfig, address_toward, fingerprint, random};

use crate::{cli::InitArgs, failure::Failure};

pub(crate) use records::records;

/// Where a server is, and what it is called.
#[derive(Clone, Debug)]
pub(crate) struct Site {
    pub(crate) domain: String,
    pub(crate) address: IpAddr,
    /// Whether it answers for its own zone.
    pub(crate) names: bool,
}

impl Site {
    pub(crate) const fn at(&self, port: u16) -> SocketAddr {
        SocketAddr::new(self.address, port)
    }
}

pub(crate) fn run(args: &InitArgs) -> Result<(), Failure> {
    let domain = args.domain.trim_end_matches('.').to_ascii_lowercase();
    let site = Site { address: args.address.map_or_else(own_address, Ok)?, domain, names: args.dns };
    let folder = args.dir.clone().unwrap_or_else(|| PathBuf::from(&site.domain));
    let config = write(&folder, &site, args)?;
    let invite = invite(&folder, &site)?;
    println!("{} is written. Start it with:", config.display());
    println!("  roved --config {}", config.display());
    println!(
        "Publish in the zone of {} (or let `[dns]` answer for it, see `roved init --dns`):",
        site.domain
    );
    records(&site, &invite).iter().for_each(|record| println!("  {record}"));
    if !is_public(site.address) {
        println!(
            "  ({} is no address of the internet: publish the one that leads here instead)",
            site.address
        );
    }
    println!("Users come with this line; whoever has it may take a name that nobody has:");
    println!("  rove answer --register NAME@{} --invite '{invite}'", site.domain);
    println!("{}", args.hint());
    Ok(())
}

/// Writes all there is to write, or nothing where there is something already.
fn write(folder: &Path, site: &Site, args: &InitArgs) -> Result<PathBuf, Failure> {
    let file = |name: &str| folder.join(name);
    let config = file(CONFIG);
    let own = args.certificate.is_some();
    let mut names = vec![CONFIG, RELAY_SECRET, CALL_SECRET];
    if !own {
        names.extend([CERTIFICATE, KEY]);
    }
    if let Some(there) = names.iter().map(|name| file(name)).find(|file| file.exists()) {
        return Err(Failure::usage(format!(
            "{}: is there already, and stays as it is; name another folder by --dir",
            there.display()
        )));
    }
    let fail = |path: &Path, error: &io::Error| Failure::environment(format!("{}: {error}", path.display()));
    fs::create_dir_all(folder).map_err(|error| fail(folder, &error))?;
    let put = |name: &str, text: &str| {
        let path = file(name);
        let written = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path);
        written.and_then(|mut file| file.write_all(text.as_bytes())).map_err(|error| fail(&path, &error))
    };
    let shown = match (&args.certificate, &args.key) {
        (Some(certificate), Some(key)) => {
            let full = |path: &Path| std::path::absolute(path).map_err(|error| fail(path, &error));
            (full(certificate)?, full(key)?)
        }
        _ => {
            let (certificate, key) = certificate(site)?;
            put(CERTIFICATE, &certificate)?;
            put(KEY, &key)?;
            (CERTIFICATE.into(), KEY.into())
        }
    };
    for name in [RELAY_SECRET, CALL_SECRET] {
        let secret = random::<32>().map_err(|error| fail(folder, &error))?;
        put(name, &format!("{}\n", hex(&*secret)))?;
    }
    let text = text::config(site, &shown);
    // What is written is what is understood.
    NodeConfig::parse(&text, &config)?;
    put(CONFIG, &text)?;
    NodeConfig::read(&config)?.check()?;
    Ok(config)
}

/// Whom to tell: the server by its certificate.
fn invite(folder: &Path, site: &Site) -> Result<Invite, Failure> {
    let config = NodeConfig::read(&folder.join(CONFIG))?;
    let shown = config.irmv.map(|irmv| irmv.certificate).unwrap_or_default();
    let fingerprint = fingerprint(&shown).map_err(|error| Failure::usage(error.to_string()))?;
    let invite = Invite { domain: site.domain.clone(), server: site.at(IRMV_PORT), fingerprint };
    // What is handed out is what will be read.
    invite.to_string().parse().map_err(|error| Failure::usage(format!("{}: {error}", site.domain)))
}

/// A certificate that nobody but its own fingerprint stands for: certificate and key in PEM.
fn certificate(site: &Site) -> Result<(String, String), Failure> {
    let fail = |error: rcgen::Error| Failure::usage(format!("{}: no certificate: {error}", site.domain));
    let key = rcgen::KeyPair::generate().map_err(fail)?;
    let names = ["", "irmv.", "sip.", "turn."].map(|host| format!("{host}{}", site.domain));
    let names: Vec<String> = names.into_iter().chain([site.address.to_string()]).collect();
    let mut params = rcgen::CertificateParams::new(names).map_err(fail)?;
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(rcgen::DnType::CommonName, site.domain.as_str());
    let certificate = params.self_signed(&key).map_err(fail)?;
    Ok((certificate.pem(), key.serialize_pem()))
}

/// The address that the way to everybody leads out of; to ask for it sends nothing.
fn own_address() -> Result<IpAddr, Failure> {
    let far = SocketAddr::new(Ipv4Addr::new(192, 0, 2, 1).into(), 9);
    address_toward(far).map_err(|error| {
        Failure::environment(format!("this machine has no way out ({error}); name its address by --address"))
    })
}

/// Whether everybody can come there.
fn is_public(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => !(ip.is_private() || ip.is_loopback() || ip.is_link_local() || ip.is_unspecified()),
        IpAddr::V6(ip) => {
            !(ip.is_loopback() || ip.is_unspecified() || ip.is_unique_local() || ip.is_unicast_link_local())
        }
    }
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Where the services are; those of their standards.
pub(crate) const SIP_PORT: u16 = 5_060;
pub(crate) const SIPS_PORT: u16 = 5_061;
pub(crate) const IRMV_PORT: u16 = 5_064;
pub(crate) const RELAY_PORT: u16 = 3_478;
const CONFIG: &str = "roved.toml";
const CERTIFICATE: &str = "certificate.pem";
const KEY: &str = "key.pem";
const RELAY_SECRET: &str = "relay.secret";
const CALL_SECRET: &str = "calls.secret";
