//! In what SIP is spoken, on the command line and in the settings file.

use std::{net::SocketAddr, path::PathBuf};

use clap::{Args, ValueEnum};
use rove_phone::{Certificate, PhoneConfig, Transport};
use serde::Deserialize;

use crate::failure::Failure;

/// In what SIP is spoken.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct TransportArgs {
    /// In what to call, when the target does not say; the domain's choice when not given. `answer` listens for it too:
    /// UDP and TCP always, TLS on the next port, WebSockets on the one after that, secure ones on the third.
    #[arg(long, value_enum, value_name = "TRANSPORT", env = "ROVE_TRANSPORT")]
    pub(crate) transport: Option<Spoken>,
    /// Certificates in PEM to show over TLS, our own first.
    #[arg(long, value_name = "FILE", env = "ROVE_TLS_CERT")]
    pub(crate) tls_cert: Option<PathBuf>,
    /// Their private key in PEM.
    #[arg(long, value_name = "FILE", env = "ROVE_TLS_KEY")]
    pub(crate) tls_key: Option<PathBuf>,
    /// Authorities in PEM to trust instead of the system's.
    #[arg(long, value_name = "FILE", env = "ROVE_TLS_CA")]
    pub(crate) tls_ca: Option<PathBuf>,
}

/// A transport by its name.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Deserialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Spoken {
    Udp,
    Tcp,
    Tls,
    Ws,
    Wss,
}

impl Spoken {
    pub(crate) const fn transport(self) -> Transport {
        match self {
            Self::Udp => Transport::Udp,
            Self::Tcp => Transport::Tcp,
            Self::Tls => Transport::Tls,
            Self::Ws => Transport::Ws,
            Self::Wss => Transport::Wss,
        }
    }
}

impl TransportArgs {
    /// The same with what `file` says where nothing else does.
    pub(crate) fn or(&self, file: &Self) -> Self {
        Self {
            transport: self.transport.or(file.transport),
            tls_cert: self.tls_cert.clone().or_else(|| file.tls_cert.clone()),
            tls_key: self.tls_key.clone().or_else(|| file.tls_key.clone()),
            tls_ca: self.tls_ca.clone().or_else(|| file.tls_ca.clone()),
        }
    }

    /// What the phone is told of it.
    pub(crate) fn apply(self, config: &mut PhoneConfig) -> Result<(), Failure> {
        config.transport = self.transport.map(Spoken::transport);
        config.tls_ca = self.tls_ca;
        config.tls_certificate = match (self.tls_cert, self.tls_key) {
            (Some(chain), Some(key)) => Some(Certificate { chain, key }),
            (None, None) => None,
            (Some(_), None) => return Err(Failure::usage("--tls-cert needs --tls-key with the private key")),
            (None, Some(_)) => return Err(Failure::usage("--tls-key needs --tls-cert with the certificate")),
        };
        Ok(())
    }
}

/// Listens for what calls are made in, and for TLS when there is a certificate to show.
pub(crate) fn listen(config: &mut PhoneConfig) {
    let wanted = config.transport;
    if wanted == Some(Transport::Tls) || config.tls_certificate.is_some() {
        config.sip_tls = beside(config, 1);
    }
    if wanted == Some(Transport::Ws) {
        config.sip_ws = beside(config, 2);
    }
    if wanted == Some(Transport::Wss) {
        config.sip_wss = beside(config, 3);
    }
}

/// The addresses of SIP, some ports further on; 0 stays 0.
fn beside(config: &PhoneConfig, further: u16) -> Vec<SocketAddr> {
    let all = [SocketAddr::from(([0, 0, 0, 0], config.sip_port))];
    let addresses = if config.listen.is_empty() { &all[..] } else { &config.listen };
    let port = |port: u16| if port == 0 { 0 } else { port.saturating_add(further) };
    addresses.iter().map(|one| SocketAddr::new(one.ip(), port(one.port()))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_of_stream_has_a_port_of_its_own() {
        let address = |text: &str| text.parse::<SocketAddr>().unwrap();
        let cases: [(Spoken, [&[&str]; 3]); 4] = [
            (Spoken::Tcp, [&[], &[], &[]]),
            (Spoken::Tls, [&["192.0.2.1:5061", "[2001:db8::1]:0"], &[], &[]]),
            (Spoken::Ws, [&[], &["192.0.2.1:5062", "[2001:db8::1]:0"], &[]]),
            (Spoken::Wss, [&[], &[], &["192.0.2.1:5063", "[2001:db8::1]:0"]]),
        ];
        for (spoken, [tls, ws, wss]) in cases {
            let listen = vec![address("192.0.2.1:5060"), address("[2001:db8::1]:0")];
            let mut config = PhoneConfig { listen, ..PhoneConfig::default() };
            TransportArgs { transport: Some(spoken), ..TransportArgs::default() }.apply(&mut config).unwrap();
            super::listen(&mut config);
            let all = |texts: &[&str]| texts.iter().map(|text| address(text)).collect::<Vec<_>>();
            assert_eq!((config.sip_tls, config.sip_ws, config.sip_wss), (all(tls), all(ws), all(wss)));
        }
    }

    #[test]
    fn a_certificate_without_its_key_is_refused() {
        let lonely = TransportArgs { tls_cert: Some("a.pem".into()), ..TransportArgs::default() };
        let error = lonely.apply(&mut PhoneConfig::default()).unwrap_err().to_string();
        assert!(error.contains("--tls-key"), "{error}");
    }
}
