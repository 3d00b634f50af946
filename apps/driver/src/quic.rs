//! Streams of QUIC (RFC 9000): one of each connection, so that it looks like any other stream.
//!
//! Whoever opens a connection has shown, by the end of its handshake, that it receives where it sends from; before
//! that at most three times as much is sent there as came (RFC 9000 §8.1).

use core::{
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};
use std::{
    fmt, io,
    net::{Ipv4Addr, Ipv6Addr, SocketAddr},
    path::Path,
    sync::Arc,
};

use quinn::{
    ClientConfig, Connection, Endpoint, EndpointConfig, IdleTimeout, Incoming, RecvStream, SendStream,
    ServerConfig, TokioRuntime, TransportConfig, VarInt,
    crypto::rustls::{QuicClientConfig, QuicServerConfig},
};
use rustls::{
    ConfigBuilder, RootCertStore, WantsVerifier, pki_types::CertificateDer, server::WebPkiClientVerifier,
};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::{
    fingerprint::Pinned,
    peers,
    tls::{Certificate, TlsError, provider, read_authorities, server_name, system_authorities},
};

/// Both sides of QUIC.
#[derive(Clone)]
pub(crate) struct Quic {
    client: ClientConfig,
    /// Only with a certificate of our own.
    server: Option<Arc<ServerConfig>>,
}

impl Quic {
    pub(crate) fn new(
        authorities: Option<&Path>,
        certificate: Option<&Certificate>,
        protocol: &[u8],
    ) -> Result<Self, TlsError> {
        let roots = authorities.map(read_authorities).transpose()?.unwrap_or_else(system_authorities);
        let roots = Arc::new(roots);
        let shown = certificate.map(Certificate::read).transpose()?;
        let tls = versions().with_root_certificates(Arc::clone(&roots));
        let tls = match (certificate, &shown) {
            (Some(certificate), Some((chain, key))) => tls
                .with_client_auth_cert(chain.clone(), key.clone_key())
                .map_err(|source| TlsError::Unusable { certificate: certificate.clone(), source })?,
            _ => tls.with_no_client_auth(),
        };
        let client = client(tls, protocol);
        let server = match (certificate, shown) {
            (Some(certificate), Some(shown)) => Some(server(roots, certificate, shown, protocol)?),
            _ => None,
        };
        Ok(Self { client, server })
    }

    /// Only a server whose certificate has this fingerprint is believed; nobody can come.
    pub(crate) fn pinned(fingerprint: [u8; 32], protocol: &[u8]) -> Self {
        let judge = Arc::new(Pinned::new(fingerprint, provider()));
        let tls = versions().dangerous().with_custom_certificate_verifier(judge).with_no_client_auth();
        Self { client: client(tls, protocol), server: None }
    }
}

fn versions() -> ConfigBuilder<rustls::ClientConfig, WantsVerifier> {
    let builder = rustls::ClientConfig::builder_with_provider(provider());
    // Fails only when the provider has no cipher of this version; ours has.
    let versions = builder.with_protocol_versions(&[&rustls::version::TLS13]);
    versions.unwrap_or_else(|error| unreachable!("{error}"))
}

fn client(mut tls: rustls::ClientConfig, protocol: &[u8]) -> ClientConfig {
    tls.alpn_protocols = vec![protocol.to_vec()];
    let tls = QuicClientConfig::try_from(tls);
    let mut client = ClientConfig::new(Arc::new(tls.unwrap_or_else(|error| unreachable!("{error}"))));
    client.transport_config(Arc::new(transport(Some(ALIVE))));
    client
}

impl fmt::Debug for Quic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Quic").field("accepts", &self.server.is_some()).finish_non_exhaustive()
    }
}

/// Whoever comes may show a certificate; one that is not trusted ends the handshake.
fn server(
    roots: Arc<RootCertStore>,
    certificate: &Certificate,
    (chain, key): (Vec<CertificateDer<'static>>, rustls::pki_types::PrivateKeyDer<'static>),
    protocol: &[u8],
) -> Result<Arc<ServerConfig>, TlsError> {
    let unusable = |source| TlsError::Unusable { certificate: certificate.clone(), source };
    let builder = rustls::ServerConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&rustls::version::TLS13])
        .map_err(unusable)?;
    let verifier = WebPkiClientVerifier::builder_with_provider(roots, provider());
    // Fails without authorities: then nobody is believed.
    let builder = match verifier.allow_unauthenticated().build() {
        Ok(verifier) => builder.with_client_cert_verifier(verifier),
        Err(_) => builder.with_no_client_auth(),
    };
    let mut tls = builder.with_single_cert(chain, key).map_err(unusable)?;
    tls.alpn_protocols = vec![protocol.to_vec()];
    let tls = QuicServerConfig::try_from(tls).unwrap_or_else(|error| unreachable!("{error}"));
    let mut config = ServerConfig::with_crypto(Arc::new(tls));
    config.transport_config(Arc::new(transport(None)));
    Ok(Arc::new(config))
}

fn transport(alive: Option<Duration>) -> TransportConfig {
    let mut config = TransportConfig::default();
    config
        .max_concurrent_bidi_streams(VarInt::from_u32(1))
        .max_concurrent_uni_streams(VarInt::from_u32(0))
        .stream_receive_window(VarInt::from_u32(WINDOW))
        .receive_window(VarInt::from_u32(WINDOW))
        .send_window(WINDOW.into())
        .datagram_receive_buffer_size(None)
        .max_idle_timeout(Some(IdleTimeout::from(VarInt::from_u32(IDLE_MS))))
        .keep_alive_interval(alive);
    config
}

/// Watches a socket where connections come; must be called on the runtime.
pub(crate) fn endpoint(socket: std::net::UdpSocket, quic: &Quic) -> io::Result<Endpoint> {
    let server = quic.server.as_ref().ok_or(io::ErrorKind::Unsupported)?;
    let server = Some(ServerConfig::clone(server));
    Endpoint::new(EndpointConfig::default(), server, socket, Arc::new(TokioRuntime))
}

/// Opens a connection and its stream.
pub(crate) async fn open(
    remote: SocketAddr,
    name: Option<&str>,
    quic: &Quic,
) -> io::Result<(SocketAddr, Pipe)> {
    let any = if remote.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
    let endpoint = Endpoint::client(SocketAddr::new(any, 0))?;
    let name = server_name(name, remote.ip())?;
    let connecting = endpoint.connect_with(quic.client.clone(), remote, &name.to_str());
    let connection = connecting.map_err(io::Error::other)?.await?;
    let (send, recv) = connection.open_bi().await?;
    let port = endpoint.local_addr()?.port();
    let local = SocketAddr::new(connection.local_ip().unwrap_or(any), port);
    Ok((local, Pipe { send, recv, _connection: connection, _endpoint: endpoint }))
}

/// Ends the handshake of a connection that somebody opens, and waits for its stream. Answers whose certificate was
/// shown, if one was.
pub(crate) async fn accept(
    incoming: Incoming,
    endpoint: Endpoint,
    quic: &Quic,
) -> io::Result<(SocketAddr, Option<String>, Pipe)> {
    let config = quic.server.clone().ok_or(io::ErrorKind::Unsupported)?;
    let connection = incoming.accept_with(config)?.await?;
    let (send, recv) = connection.accept_bi().await?;
    let chain =
        connection.peer_identity().and_then(|any| any.downcast::<Vec<CertificateDer<'static>>>().ok());
    let shown = chain.map(|chain| peers::shown(Some(&chain))).transpose()?;
    let bound = endpoint.local_addr()?;
    let local = SocketAddr::new(connection.local_ip().unwrap_or(bound.ip()), bound.port());
    Ok((local, shown, Pipe { send, recv, _connection: connection, _endpoint: endpoint }))
}

/// The stream, which keeps its connection.
pub(crate) struct Pipe {
    send: SendStream,
    recv: RecvStream,
    _connection: Connection,
    _endpoint: Endpoint,
}

impl AsyncRead for Pipe {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        AsyncRead::poll_read(Pin::new(&mut self.recv), cx, into)
    }
}

impl AsyncWrite for Pipe {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        AsyncWrite::poll_write(Pin::new(&mut self.send), cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        AsyncWrite::poll_flush(Pin::new(&mut self.send), cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        AsyncWrite::poll_shutdown(Pin::new(&mut self.send), cx)
    }
}

/// Signs of life of whoever has opened the connection; they keep the way through a NAT open.
const ALIVE: Duration = Duration::from_secs(10);
/// Without any for this long the other end is gone, in milliseconds.
const IDLE_MS: u32 = 30_000;
/// Bytes on their way, in either direction.
const WINDOW: u32 = 256 * 1_024;

#[cfg(test)]
mod tests;
