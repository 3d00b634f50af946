//! Peers that know each other: TLS 1.3 with a certificate on each side (RFC 8446 §4.4.2).

use std::{fmt, io, path::PathBuf, sync::Arc};

use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, DistinguishedName, Error, RootCertStore,
    ServerConfig, SignatureScheme,
    client::{
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
        verify_server_cert_signed_by_trust_anchor, verify_server_name,
    },
    crypto::{CryptoProvider, verify_tls13_signature},
    pki_types::{CertificateDer, ServerName, UnixTime},
    server::{
        ParsedCertificate, WebPkiClientVerifier,
        danger::{ClientCertVerified, ClientCertVerifier},
    },
};
use tokio_rustls::{TlsAcceptor, TlsConnector};

use crate::tls::{Certificate, TlsError, provider, read_chain};

/// Who is believed to be who it says. The system's authorities are not among them.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Trust {
    /// Files in PEM with the authorities whose certificates are believed.
    pub authorities: Vec<PathBuf>,
    /// Files in PEM with certificates that are believed as they are, whoever gave them, and whatever day it is: who
    /// agreed on them replaces them.
    pub pinned: Vec<PathBuf>,
}

/// Both sides of streams between peers.
#[derive(Clone)]
pub(crate) struct Peers {
    /// Only with a certificate of our own.
    pub(crate) acceptor: Option<TlsAcceptor>,
    pub(crate) connector: TlsConnector,
}

impl Peers {
    pub(crate) fn new(trust: &Trust, certificate: Option<&Certificate>) -> Result<Self, TlsError> {
        let judge = Arc::new(Judge::new(trust)?);
        let config = ClientConfig::builder_with_provider(provider())
            .with_protocol_versions(&[&rustls::version::TLS13])
            .map(|builder| {
                builder.dangerous().with_custom_certificate_verifier(Arc::clone(&judge) as Arc<_>)
            });
        // Fails only when the provider has no cipher of this version; ours has.
        let config = config.unwrap_or_else(|error| unreachable!("{error}"));
        let Some(certificate) = certificate else {
            let connector = TlsConnector::from(Arc::new(config.with_no_client_auth()));
            return Ok(Self { acceptor: None, connector });
        };
        let fail = |source| TlsError::Unusable { certificate: certificate.clone(), source };
        let (chain, key) = certificate.read()?;
        let config = config.with_client_auth_cert(chain.clone(), key.clone_key()).map_err(fail)?;
        let acceptor = ServerConfig::builder_with_provider(provider())
            .with_protocol_versions(&[&rustls::version::TLS13])
            .and_then(|builder| builder.with_client_cert_verifier(judge).with_single_cert(chain, key))
            .map_err(fail)?;
        let acceptor = Some(TlsAcceptor::from(Arc::new(acceptor)));
        Ok(Self { acceptor, connector: TlsConnector::from(Arc::new(config)) })
    }
}

/// The first name in a certificate that was verified, in lower case.
///
/// # Errors
///
/// [`io::ErrorKind::InvalidData`] when it names no host.
pub(crate) fn shown(chain: Option<&[CertificateDer<'_>]>) -> io::Result<String> {
    let own = chain.and_then(<[_]>::first);
    own.and_then(first_name)
        .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "a certificate without a name"))
}

fn first_name(certificate: &CertificateDer<'_>) -> Option<String> {
    let certificate = webpki::EndEntityCert::try_from(certificate).ok()?;
    let mut names = certificate.valid_dns_names().filter(|name| !name.contains('*'));
    names.next().map(str::to_ascii_lowercase)
}

/// Decides whether a certificate is believed, for both sides.
struct Judge {
    provider: Arc<CryptoProvider>,
    roots: Arc<RootCertStore>,
    pinned: Vec<CertificateDer<'static>>,
    /// Chains of clients; `None` without authorities.
    clients: Option<Arc<dyn ClientCertVerifier>>,
}

impl Judge {
    fn new(trust: &Trust) -> Result<Self, TlsError> {
        if trust.authorities.is_empty() && trust.pinned.is_empty() {
            return Err(TlsError::NoTrust);
        }
        let mut roots = RootCertStore::empty();
        for path in &trust.authorities {
            for certificate in read_chain(path)? {
                let fail =
                    |error| TlsError::File { path: path.clone(), what: format!("no authority: {error}") };
                roots.add(certificate).map_err(fail)?;
            }
        }
        let mut pinned = Vec::new();
        for path in &trust.pinned {
            // What follows in a chain is another's.
            pinned.extend(read_chain(path)?.into_iter().next());
        }
        let (roots, provider) = (Arc::new(roots), provider());
        let clients = WebPkiClientVerifier::builder_with_provider(Arc::clone(&roots), Arc::clone(&provider));
        // Fails without authorities, and only then.
        let clients = clients.build().ok();
        Ok(Self { provider, roots, pinned, clients })
    }

    fn is_pinned(&self, certificate: &CertificateDer<'_>) -> bool {
        self.pinned.iter().any(|pinned| pinned.as_ref() == certificate.as_ref())
    }

    fn signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signed, algorithms)
    }
}

/// Whoever is believed has a name to be called by.
fn named(certificate: &CertificateDer<'_>) -> Result<(), Error> {
    let error = Error::InvalidCertificate(CertificateError::BadEncoding);
    first_name(certificate).map(drop).ok_or(error)
}

impl ServerCertVerifier for Judge {
    fn verify_server_cert(
        &self,
        own: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        _: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let certificate = ParsedCertificate::try_from(own)?;
        if !self.is_pinned(own) {
            let algorithms = self.provider.signature_verification_algorithms.all;
            verify_server_cert_signed_by_trust_anchor(
                &certificate,
                &self.roots,
                intermediates,
                now,
                algorithms,
            )?;
        }
        // Opened to an address alone: whoever it is will be told.
        if matches!(name, ServerName::DnsName(_)) {
            verify_server_name(&certificate, name)?;
        }
        named(own).map(|()| ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Err(not_spoken())
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.signature(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

impl ClientCertVerifier for Judge {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        // A pinned certificate has no authority to hint at, so peers are not told to choose.
        &[]
    }

    fn verify_client_cert(
        &self,
        own: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        if !self.is_pinned(own) {
            let unknown = Error::InvalidCertificate(CertificateError::UnknownIssuer);
            self.clients.as_ref().ok_or(unknown)?.verify_client_cert(own, intermediates, now)?;
        }
        named(own).map(|()| ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Err(not_spoken())
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.signature(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

/// Peers speak TLS 1.3 alone.
fn not_spoken() -> Error {
    Error::PeerIncompatible(rustls::PeerIncompatible::Tls13RequiredForQuic)
}

impl fmt::Debug for Judge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (authorities, pinned) = (self.roots.len(), self.pinned.len());
        f.debug_struct("Judge").field("authorities", &authorities).field("pinned", &pinned).finish()
    }
}

#[cfg(test)]
mod tests;
