//! SIP in a WebSocket (RFC 7118): the subprotocol `sip`, one message in each message.

use core::time::Duration;
use std::net::SocketAddr;

use futures_util::{SinkExt as _, StreamExt as _};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    time::timeout,
};
use tokio_tungstenite::{
    WebSocketStream, accept_hdr_async_with_config, client_async_with_config,
    tungstenite::{
        Message, Utf8Bytes,
        error::Error,
        handshake::server::{ErrorResponse, Request, Response},
        http::{
            HeaderValue, StatusCode,
            header::{ORIGIN, SEC_WEBSOCKET_PROTOCOL},
        },
        protocol::WebSocketConfig,
    },
};

use crate::carry::{Carrier, Order, PATIENCE, Said};

/// Asks for a WebSocket on a stream that stands.
pub(crate) async fn ask<S: AsyncRead + AsyncWrite + Unpin>(
    stream: S,
    host: &str,
    secure: bool,
) -> Result<WebSocketStream<S>, Error> {
    use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
    let scheme = if secure { "wss" } else { "ws" };
    let mut request = format!("{scheme}://{host}/").into_client_request()?;
    request.headers_mut().insert(SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(SUBPROTOCOL));
    let (socket, _) = client_async_with_config(request, stream, Some(config())).await?;
    Ok(socket)
}

/// Waits for one to be asked for, by a page of one of `origins` where there are any.
pub(crate) async fn accept<S: AsyncRead + AsyncWrite + Unpin>(
    stream: S,
    origins: &[String],
) -> Result<WebSocketStream<S>, Error> {
    #[expect(clippy::result_large_err, reason = "the library's own type")]
    let callback = |request: &Request, response| agree(request, response, origins);
    accept_hdr_async_with_config(stream, callback, Some(config())).await
}

/// A client that does not offer `sip` wants something else (RFC 7118 §4.1); pages of strangers do not act in the name of
/// whoever looks at them (RFC 6455 §4.2.2, §10.2).
#[expect(clippy::result_large_err, reason = "the library's own type")]
fn agree(request: &Request, mut response: Response, origins: &[String]) -> Result<Response, ErrorResponse> {
    if !is_of(request, origins) {
        let mut refusal = ErrorResponse::new(Some("this is not for pages of that origin\n".into()));
        *refusal.status_mut() = StatusCode::FORBIDDEN;
        return Err(refusal);
    }
    let offers =
        request.headers().get_all(SEC_WEBSOCKET_PROTOCOL).iter().filter_map(|value| value.to_str().ok());
    if offers.flat_map(|value| value.split(',')).any(|offer| offer.trim() == SUBPROTOCOL) {
        response.headers_mut().insert(SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(SUBPROTOCOL));
        return Ok(response);
    }
    let mut refusal = ErrorResponse::new(Some("this speaks the subprotocol sip alone\n".into()));
    *refusal.status_mut() = StatusCode::BAD_REQUEST;
    Err(refusal)
}

/// Whether every origin that a request names is one of these.
fn is_of(request: &Request, origins: &[String]) -> bool {
    let known = |value: &HeaderValue| {
        value.to_str().is_ok_and(|origin| origins.iter().any(|one| one.eq_ignore_ascii_case(origin.trim())))
    };
    origins.is_empty() || request.headers().get_all(ORIGIN).iter().all(known)
}

/// The host of the request: a name, or an address with its brackets, and the port.
pub(crate) fn authority(name: Option<&str>, remote: SocketAddr) -> String {
    match name.filter(|name| name.parse::<std::net::IpAddr>().is_err()) {
        Some(name) => format!("{}:{}", name.trim_end_matches('.'), remote.port()),
        None => SocketAddr::new(remote.ip(), remote.port()).to_string(),
    }
}

/// Carries messages until either side ends it.
pub(crate) async fn carry<S: AsyncRead + AsyncWrite + Unpin>(
    socket: &mut WebSocketStream<S>,
    carrier: &mut Carrier,
) -> Result<Said, Error> {
    let late = |_| Error::Io(std::io::ErrorKind::TimedOut.into());
    let mut reading = true;
    loop {
        tokio::select! {
            order = carrier.orders.recv() => match order {
                Some(Order::Write(bytes)) => {
                    let count = bytes.len();
                    let message = match Utf8Bytes::try_from(bytes) {
                        Ok(text) => Message::Text(text),
                        Err(_) => return Err(Error::Utf8("a message that is no text".into())),
                    };
                    timeout(PATIENCE, socket.send(message)).await.map_err(late)??;
                    carrier.written(count);
                }
                Some(Order::ReadOn) => reading = true,
                None => {
                    let _ = timeout(CLOSING, socket.close(None)).await;
                    return Ok(Said::Us);
                }
            },
            message = socket.next(), if reading => match message.transpose()? {
                Some(Message::Text(text)) if !text.is_empty() => {
                    reading = false;
                    if !carrier.bytes(text.as_bytes().to_vec()).await {
                        return Ok(Said::Us);
                    }
                }
                Some(Message::Binary(bytes)) if !bytes.is_empty() => {
                    reading = false;
                    if !carrier.bytes(bytes.to_vec()).await {
                        return Ok(Said::Us);
                    }
                }
                Some(Message::Ping(_)) => timeout(PATIENCE, socket.flush()).await.map_err(late)??,
                Some(Message::Close(_)) | None => return Ok(Said::Peer),
                Some(_) => {}
            },
        }
    }
}

fn config() -> WebSocketConfig {
    WebSocketConfig::default()
        .read_buffer_size(16 * 1_024)
        .write_buffer_size(0)
        .max_message_size(Some(MOST_BYTES))
        .max_frame_size(Some(MOST_BYTES))
}

/// The name of SIP among WebSocket subprotocols (RFC 7118 §4.1).
const SUBPROTOCOL: &str = "sip";
/// The longest message.
const MOST_BYTES: usize = 64 * 1_024;
/// How long the end of a WebSocket may take.
const CLOSING: Duration = Duration::from_secs(1);
