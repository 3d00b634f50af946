//! Who is at the other end of a stream, and who we are: TLS 1.3 and 1.2 (RFC 8446, RFC 5922).

use std::{
    fmt, io,
    net::{IpAddr, TcpStream},
    path::{Path, PathBuf},
    sync::{Arc, OnceLock},
};

use rustls::{
    ClientConfig, ClientConnection, RootCertStore, ServerConfig, StreamOwned,
    crypto::{CryptoProvider, ring},
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject},
};
use tokio_rustls::{TlsAcceptor, TlsConnector};

use crate::{
    key_log::KeyFile,
    peers::{Peers, Trust},
    quic::Quic,
};

/// Files in PEM with what we show others: a chain of certificates, our own first, and its private key.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Certificate {
    /// The chain.
    pub chain: PathBuf,
    /// The key: PKCS #8, PKCS #1 or SEC 1.
    pub key: PathBuf,
}

impl Certificate {
    pub(crate) fn read(&self) -> Result<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>), TlsError> {
        let chain = read_chain(&self.chain)?;
        let fail = |error| TlsError::File {
            path: self.key.clone(),
            what: format!("no private key can be read: {error}"),
        };
        Ok((chain, PrivateKeyDer::from_pem_file(&self.key).map_err(fail)?))
    }
}

/// Whom we trust, and what we show.
#[derive(Clone, Default)]
pub struct Tls {
    authorities: Option<Arc<RootCertStore>>,
    acceptor: Option<TlsAcceptor>,
    key_log: Option<Arc<dyn rustls::KeyLog>>,
    connector: Arc<OnceLock<TlsConnector>>,
    peers: Option<Peers>,
    quic: Option<Quic>,
}

/// Why certificates cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TlsError {
    /// A file cannot be read, or holds nothing of the kind.
    #[error("{}: {what}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// What is wrong with it.
        what: String,
    },
    /// Nobody is trusted.
    #[error("no authority and no certificate is named, so no peer would be believed")]
    NoTrust,
    /// Certificate and key do not fit each other, or are of a kind that is not known.
    #[error("{} with {}: {source}", certificate.chain.display(), certificate.key.display())]
    Unusable {
        /// Which.
        certificate: Certificate,
        /// What is wrong with them.
        source: rustls::Error,
    },
}

impl Tls {
    /// Trusts the authorities in the file `authorities`, or those of the system; shows `certificate` to whoever opens a
    /// secure stream here.
    ///
    /// # Errors
    ///
    /// [`TlsError`] names the file.
    pub fn new(authorities: Option<&Path>, certificate: Option<&Certificate>) -> Result<Self, TlsError> {
        Self::with_key_log(authorities, certificate, None)
    }

    /// The same; the secrets of all sessions are written to `key_log`, as whoever reads a capture needs them. Whoever can
    /// read that file reads everything.
    ///
    /// # Errors
    ///
    /// [`TlsError`] names the file.
    pub fn with_key_log(
        authorities: Option<&Path>,
        certificate: Option<&Certificate>,
        key_log: Option<&Path>,
    ) -> Result<Self, TlsError> {
        let key_log: Option<Arc<dyn rustls::KeyLog>> = match key_log {
            Some(path) => Some(Arc::new(KeyFile::open(path)?)),
            None => None,
        };
        let authorities = authorities.map(read_authorities).transpose()?.map(Arc::new);
        let acceptor = certificate.map(|shown| acceptor(shown, key_log.clone())).transpose()?;
        Ok(Self { authorities, acceptor, key_log, connector: Arc::default(), peers: None, quic: None })
    }

    /// Streams opened from here, and those that come to a [`Listener`](crate::Listener) for peers, are between ends
    /// that know each other: TLS 1.3, `trust` alone says who is believed, and we show `certificate`. Without one of
    /// ours nobody can come, and who asks for one is not reached.
    ///
    /// A stream opened without a name stands with whoever is trusted: the machine is told who it is, as
    /// [`Arrival::Identified`](rove_base::Arrival::Identified).
    ///
    /// # Errors
    ///
    /// [`TlsError`] names the file.
    pub fn with_peers(self, trust: &Trust, certificate: Option<&Certificate>) -> Result<Self, TlsError> {
        Ok(Self { peers: Some(Peers::new(trust, certificate)?), ..self })
    }

    /// Connections of QUIC that speak `protocol` (RFC 7301): TLS 1.3, `authorities` or those of the system say who is
    /// believed, and we show `certificate`, without which nobody can come. Whoever comes may show one as well:
    /// [`Arrival::Identified`](rove_base::Arrival::Identified) tells whose it is.
    ///
    /// # Errors
    ///
    /// [`TlsError`] names the file.
    pub fn with_quic(
        self,
        authorities: Option<&Path>,
        certificate: Option<&Certificate>,
        protocol: &[u8],
    ) -> Result<Self, TlsError> {
        Ok(Self { quic: Some(Quic::new(authorities, certificate, protocol)?), ..self })
    }

    /// Connections of QUIC that speak `protocol` to one server alone: the one whose certificate has this SHA-256, whoever
    /// gave it and whatever it is the certificate of. Whoever told the fingerprint is believed instead.
    #[must_use]
    pub fn with_pinned_quic(self, fingerprint: [u8; 32], protocol: &[u8]) -> Self {
        Self { quic: Some(Quic::pinned(fingerprint, protocol)), ..self }
    }

    /// Opens a secure stream over one that stands, and waits until both ends have shown who they are; `name` is whose
    /// certificate is expected, the address when `None`.
    ///
    /// # Errors
    ///
    /// [`io::ErrorKind::InvalidData`] says what is wrong with the certificate or the other end's TLS; other kinds are
    /// the network's.
    pub fn open(
        &self,
        mut stream: TcpStream,
        name: Option<&str>,
    ) -> io::Result<impl io::Read + io::Write + use<>> {
        let name = server_name(name, stream.peer_addr()?.ip())?;
        let config = Arc::clone(self.connector().config());
        let mut session = ClientConnection::new(config, name).map_err(io::Error::other)?;
        while session.is_handshaking() {
            session.complete_io(&mut stream)?;
        }
        Ok(StreamOwned::new(session, stream))
    }

    /// [`io::ErrorKind::Unsupported`] where QUIC was not asked for.
    pub(crate) fn quic(&self) -> io::Result<&Quic> {
        self.quic.as_ref().ok_or_else(|| io::ErrorKind::Unsupported.into())
    }

    pub(crate) fn acceptor(&self, peers: bool) -> Option<&TlsAcceptor> {
        if peers { self.peers.as_ref()?.acceptor.as_ref() } else { self.acceptor.as_ref() }
    }

    /// Whether the other end of a stream opened from here shows who it is.
    pub(crate) const fn has_peers(&self) -> bool {
        self.peers.is_some()
    }

    /// The system's authorities are read when they are needed first: some hosts have none.
    pub(crate) fn connector(&self) -> &TlsConnector {
        if let Some(peers) = &self.peers {
            return &peers.connector;
        }
        self.connector.get_or_init(|| {
            let roots = self.authorities.clone().unwrap_or_else(|| Arc::new(system_authorities()));
            let config = ClientConfig::builder_with_provider(provider())
                .with_protocol_versions(rustls::DEFAULT_VERSIONS)
                .map(|builder| builder.with_root_certificates(roots).with_no_client_auth());
            // Fails only when the provider has no cipher of either version; ours has.
            let mut config = config.unwrap_or_else(|error| unreachable!("{error}"));
            if let Some(key_log) = &self.key_log {
                config.key_log = Arc::clone(key_log);
            }
            TlsConnector::from(Arc::new(config))
        })
    }
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls").field("accepts", &self.acceptor.is_some()).finish_non_exhaustive()
    }
}

/// The name a certificate must be of: what was asked for, else the address.
pub(crate) fn server_name(name: Option<&str>, ip: IpAddr) -> io::Result<ServerName<'static>> {
    match name {
        None => Ok(ServerName::IpAddress(ip.into())),
        Some(name) => {
            let name = name.trim_end_matches('.').trim_start_matches('[').trim_end_matches(']').to_owned();
            ServerName::try_from(name).map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))
        }
    }
}

pub(crate) fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}

fn acceptor(
    certificate: &Certificate,
    key_log: Option<Arc<dyn rustls::KeyLog>>,
) -> Result<TlsAcceptor, TlsError> {
    let (chain, key) = certificate.read()?;
    let mut config = ServerConfig::builder_with_provider(provider())
        .with_protocol_versions(rustls::DEFAULT_VERSIONS)
        .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, key))
        .map_err(|source| TlsError::Unusable { certificate: certificate.clone(), source })?;
    if let Some(key_log) = key_log {
        config.key_log = key_log;
    }
    Ok(TlsAcceptor::from(Arc::new(config)))
}

pub(crate) fn read_chain(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let fail = |what: String| TlsError::File { path: path.to_owned(), what };
    let chain = CertificateDer::pem_file_iter(path)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|error| fail(format!("no certificate can be read: {error}")))?;
    if chain.is_empty() { Err(fail("holds no certificate".into())) } else { Ok(chain) }
}

pub(crate) fn read_authorities(path: &Path) -> Result<RootCertStore, TlsError> {
    let mut store = RootCertStore::empty();
    for certificate in read_chain(path)? {
        store.add(certificate).map_err(|error| TlsError::File {
            path: path.to_owned(),
            what: format!("no authority: {error}"),
        })?;
    }
    Ok(store)
}

pub(crate) fn system_authorities() -> RootCertStore {
    let mut store = RootCertStore::empty();
    let found = rustls_native_certs::load_native_certs();
    for error in &found.errors {
        tracing::warn!(target: "rove::streams", %error, "the system's certificates cannot all be read");
    }
    let (added, _) = store.add_parsable_certificates(found.certs);
    if added == 0 {
        tracing::warn!(target: "rove::streams", "the system trusts nobody: secure streams will fail; name a file of authorities");
    }
    store
}
