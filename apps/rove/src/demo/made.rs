//! What the servers of a demo are given: certificates, files, ports.

use std::{
    net::{Ipv4Addr, SocketAddr, TcpListener, UdpSocket},
    os::unix::fs::PermissionsExt as _,
    path::Path,
};

use crate::failure::Failure;

fn fail(error: impl std::fmt::Display) -> Failure {
    Failure::environment(error.to_string())
}

/// An authority, `ca.pem`, and what it gives each domain.
pub(super) fn certificates(dir: &Path, domains: &[&str]) -> Result<(), Failure> {
    let mut params = rcgen::CertificateParams::new(Vec::new()).map_err(fail)?;
    params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let key = rcgen::KeyPair::generate().map_err(fail)?;
    let issuer = rcgen::CertifiedIssuer::self_signed(params, key).map_err(fail)?;
    write(&dir.join("ca.pem"), &issuer.pem())?;
    for domain in domains {
        let key = rcgen::KeyPair::generate().map_err(fail)?;
        let params = rcgen::CertificateParams::new(vec![(*domain).to_owned()]).map_err(fail)?;
        let own = params.signed_by(&key, &issuer).map_err(fail)?;
        write(&dir.join(format!("{domain}.pem")), &own.pem())?;
        write(&dir.join(format!("{domain}.key")), &key.serialize_pem())?;
    }
    Ok(())
}

/// Writes what its owner alone may read.
pub(super) fn write(path: &Path, text: &str) -> Result<(), Failure> {
    let named = |error: std::io::Error| fail(format!("{}: {error}", path.display()));
    std::fs::write(path, text).map_err(named)?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).map_err(named)
}

/// An address that nobody listens at, for datagrams and streams.
pub(super) fn free(ip: Ipv4Addr) -> Result<SocketAddr, Failure> {
    for _ in 0..64 {
        let tcp = TcpListener::bind((ip, 0)).map_err(fail)?;
        let address = tcp.local_addr().map_err(fail)?;
        if UdpSocket::bind(address).is_ok() {
            return Ok(address);
        }
    }
    Err(fail(format!("{ip} has no free port")))
}
