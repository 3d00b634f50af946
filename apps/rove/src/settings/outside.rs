//! Who tells how the world sees this host, and who lends it an address.

use core::{fmt, str::FromStr, time::Duration};
use std::net::{IpAddr, SocketAddr, ToSocketAddrs as _};

use rove_phone::{TurnServer, TurnTransport};
use serde::Deserialize;
use zeroize::Zeroizing;

use crate::failure::Failure;

/// A TURN server and who asks it, as `turn:USER:PASSWORD@SERVER[:PORT][?transport=udp|tcp]`, or `turns:` for TLS: an address of
/// RFC 7065, with what it leaves out.
#[derive(Clone, Deserialize, Eq, PartialEq)]
#[serde(try_from = "Zeroizing<String>")]
pub(crate) struct TurnUri {
    over: Over,
    user: String,
    password: Zeroizing<String>,
    server: String,
}

/// In what a relay is reached.
#[derive(Clone, Copy, Eq, PartialEq)]
enum Over {
    Udp,
    Tcp,
    Tls,
}

// The password is not shown.
impl fmt::Debug for TurnUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (scheme, end) = match self.over {
            Over::Udp => ("turn", ""),
            Over::Tcp => ("turn", "?transport=tcp"),
            Over::Tls => ("turns", ""),
        };
        write!(f, "{scheme}:{}:…@{}{end}", self.user, self.server)
    }
}

impl FromStr for TurnUri {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (scheme, rest) = text.split_once(':').ok_or(HOW)?;
        let (who, place) = rest.rsplit_once('@').ok_or(HOW)?;
        // Users that are let in for a time have a colon in their names, passwords have none.
        let (user, password) = who.rsplit_once(':').ok_or(HOW)?;
        let (server, transport) = match place.split_once('?') {
            None => (place, None),
            Some((server, query)) => (server, Some(query.strip_prefix("transport=").ok_or(HOW)?)),
        };
        let over = match (scheme, transport) {
            ("turn", None | Some("udp")) => Over::Udp,
            ("turn", Some("tcp")) => Over::Tcp,
            ("turns", None | Some("tcp")) => Over::Tls,
            ("turns", Some("udp")) => return Err(NO_DTLS),
            _ => return Err(HOW),
        };
        if user.is_empty() || password.is_empty() || server.is_empty() {
            return Err(HOW);
        }
        let password = Zeroizing::new(password.to_owned());
        Ok(Self { over, user: user.to_owned(), password, server: server.to_owned() })
    }
}

impl TryFrom<Zeroizing<String>> for TurnUri {
    type Error = &'static str;

    fn try_from(text: Zeroizing<String>) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl TurnUri {
    /// The server, found.
    pub(crate) fn find(&self) -> Result<TurnServer, Failure> {
        let port = if self.over == Over::Tls { SECURE_PORT } else { PORT };
        let server = server("--turn", &self.server, port)?;
        let over = match self.over {
            Over::Udp => TurnTransport::Udp,
            Over::Tcp => TurnTransport::Tcp,
            Over::Tls => TurnTransport::Tls { name: name(&self.server) },
        };
        let (user, password) = (self.user.clone(), self.password.clone());
        Ok(TurnServer { server, over, user, password, dedicated: false })
    }

    /// The same as the way into a network for voice alone.
    pub(crate) fn find_dedicated(&self) -> Result<TurnServer, Failure> {
        Ok(TurnServer { dedicated: true, ..self.find()? })
    }
}

/// The address of a STUN server.
pub(super) fn stun_server(text: &str) -> Result<SocketAddr, Failure> {
    server("--stun", text, PORT)
}

/// A server as it is written: an address, with a port or without.
fn address(text: &str, port: u16) -> Option<SocketAddr> {
    text.parse::<SocketAddr>().ok().or_else(|| {
        let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
        bare.parse::<IpAddr>().ok().map(|ip| SocketAddr::new(ip, port))
    })
}

/// The name of a server that is not written as an address.
fn name(text: &str) -> Option<String> {
    let host = text.rsplit_once(':').map_or(text, |(host, _)| host);
    address(text, 0).is_none().then(|| host.to_owned())
}

/// The address of a server; a name is looked up as the system does it, for a few seconds at most.
fn server(flag: &str, text: &str, port: u16) -> Result<SocketAddr, Failure> {
    if let Some(address) = address(text, port) {
        return Ok(address);
    }
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) => (host, port.parse().ok()),
        None => (text, Some(port)),
    };
    let Some(port) = port.filter(|_| !host.is_empty()) else {
        return Err(Failure::usage(format!("{flag} {text}: not a server, with or without a port")));
    };
    let (tell, found) = std::sync::mpsc::channel();
    let host = host.to_owned();
    std::thread::spawn(move || {
        let first = (host.as_str(), port).to_socket_addrs().ok().and_then(|mut all| all.next());
        // Nobody may be waiting any more.
        let _ = tell.send(first);
    });
    let found = found.recv_timeout(LOOK_UP).ok().flatten();
    found.ok_or_else(|| {
        Failure::environment(format!("{flag}: the server {text} has no address that can be found"))
    })
}

/// What a TURN server has to look like.
const HOW: &str = "not a relay: write turn:USER:PASSWORD@SERVER, with :PORT behind it if that is not 3478 and ?transport=tcp for \
                   TCP; or turns:USER:PASSWORD@SERVER for TLS, with :PORT if that is not 5349";
/// What is not spoken.
const NO_DTLS: &str = "turns: with ?transport=udp is TURN over DTLS, which is not spoken here: leave ?transport=udp out for TLS, or \
                       write turn: for UDP";
/// Of STUN and TURN (RFC 8489 §8, RFC 8656 §3.1).
const PORT: u16 = 3_478;
/// Of TURN in TLS.
const SECURE_PORT: u16 = 5_349;
/// How long a name may take to be looked up.
const LOOK_UP: Duration = Duration::from_secs(4);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stun_server_is_an_address_or_a_name_with_or_without_a_port() {
        let cases = [
            ("192.0.2.1", "192.0.2.1:3478"),
            ("192.0.2.1:5000", "192.0.2.1:5000"),
            ("2001:db8::1", "[2001:db8::1]:3478"),
            ("[2001:db8::1]", "[2001:db8::1]:3478"),
            ("[2001:db8::1]:5000", "[2001:db8::1]:5000"),
        ];
        for (text, expected) in cases {
            assert_eq!(stun_server(text).unwrap().to_string(), expected, "{text}");
        }
        assert_eq!(stun_server("localhost:9").unwrap().port(), 9);
        for text in ["stun.example:port", ":5", "no-such-name.invalid"] {
            assert!(stun_server(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_relay_is_a_server_with_a_user_and_a_password_that_is_never_shown() {
        let cases = [
            ("turn:me:of-me@192.0.2.1", "me", "of-me", "192.0.2.1:3478"),
            ("turn:1800000000:me:b2Y+bWU=@192.0.2.1:5000", "1800000000:me", "b2Y+bWU=", "192.0.2.1:5000"),
            (
                "turn:me@home.example:of-me@[2001:db8::1]:5000",
                "me@home.example",
                "of-me",
                "[2001:db8::1]:5000",
            ),
        ];
        for (text, user, password, server) in cases {
            let uri: TurnUri = text.parse().unwrap();
            assert!(!format!("{uri:?}").contains(password), "{text}");
            let found = uri.find().unwrap();
            assert!(!format!("{found:?}").contains(password), "{text}");
            let told = (found.user.as_str(), found.password.as_str(), found.server.to_string());
            assert_eq!(told, (user, password, server.to_owned()), "{text}");
        }
        for text in
            ["turn:192.0.2.1", "me:of-me@192.0.2.1", "turn:me@192.0.2.1", "turn:me:@192.0.2.1", "turn:me:a@"]
        {
            assert_eq!(text.parse::<TurnUri>(), Err(HOW), "{text}");
        }
        assert!("turn:me:of-me@no-such-name.invalid".parse::<TurnUri>().unwrap().find().is_err());
    }
    #[test]
    fn a_relay_is_reached_in_what_its_address_says_at_the_port_that_goes_with_it() {
        let tls = |name: Option<&str>| TurnTransport::Tls { name: name.map(str::to_owned) };
        let cases = [
            ("turn:me:of-me@192.0.2.1", TurnTransport::Udp, "192.0.2.1:3478"),
            ("turn:me:of-me@192.0.2.1?transport=udp", TurnTransport::Udp, "192.0.2.1:3478"),
            ("turn:me:of-me@192.0.2.1?transport=tcp", TurnTransport::Tcp, "192.0.2.1:3478"),
            ("turn:me:of-me@[2001:db8::1]:80?transport=tcp", TurnTransport::Tcp, "[2001:db8::1]:80"),
            ("turns:me:of-me@192.0.2.1", tls(None), "192.0.2.1:5349"),
            ("turns:me:of-me@192.0.2.1:443?transport=tcp", tls(None), "192.0.2.1:443"),
            ("turns:me:of-me@[2001:db8::1]", tls(None), "[2001:db8::1]:5349"),
            ("turns:me:of-me@localhost:443", tls(Some("localhost")), ":443"),
            ("turns:me:of-me@localhost", tls(Some("localhost")), ":5349"),
            // What stands behind a question mark in a password is the password's.
            ("turn:me:of?transport=tcp@192.0.2.1", TurnTransport::Udp, "192.0.2.1:3478"),
        ];
        for (text, over, server) in cases {
            let found = text.parse::<TurnUri>().unwrap().find().unwrap();
            assert_eq!(found.over, over, "{text}");
            assert!(found.server.to_string().ends_with(server), "{text}: {}", found.server);
        }
        for text in [
            "turn:me:of-me@192.0.2.1?transport=tls",
            "turn:me:of-me@192.0.2.1?tcp",
            "turns:me@192.0.2.1",
            "sip:me:of-me@192.0.2.1",
        ] {
            assert_eq!(text.parse::<TurnUri>(), Err(HOW), "{text}");
        }
        assert_eq!("turns:me:of-me@192.0.2.1?transport=udp".parse::<TurnUri>(), Err(NO_DTLS));
    }
}
