//! Who tells how the world sees this host, and who lends it an address.

use core::{fmt, str::FromStr, time::Duration};
use std::net::{IpAddr, SocketAddr, ToSocketAddrs as _};

use rove_phone::TurnServer;
use serde::Deserialize;
use zeroize::Zeroizing;

use crate::failure::Failure;

/// A TURN server and who asks it, as `turn:USER:PASSWORD@SERVER[:PORT]`: an address of RFC 7065, with what it leaves out.
#[derive(Clone, Deserialize, Eq, PartialEq)]
#[serde(try_from = "Zeroizing<String>")]
pub(crate) struct TurnUri {
    user: String,
    password: Zeroizing<String>,
    server: String,
}

// The password is not shown.
impl fmt::Debug for TurnUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "turn:{}:…@{}", self.user, self.server)
    }
}

impl FromStr for TurnUri {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let rest = text.strip_prefix("turn:").ok_or(HOW)?;
        let (who, server) = rest.rsplit_once('@').ok_or(HOW)?;
        // Users that are let in for a time have a colon in their names, passwords have none.
        let (user, password) = who.rsplit_once(':').ok_or(HOW)?;
        if user.is_empty() || password.is_empty() || server.is_empty() {
            return Err(HOW);
        }
        let password = Zeroizing::new(password.to_owned());
        Ok(Self { user: user.to_owned(), password, server: server.to_owned() })
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
        let server = server("--turn", &self.server)?;
        Ok(TurnServer { server, user: self.user.clone(), password: self.password.clone() })
    }
}

/// The address of a STUN server.
pub(super) fn stun_server(text: &str) -> Result<SocketAddr, Failure> {
    server("--stun", text)
}

/// The address of a server; a name is looked up as the system does it, for a few seconds at most.
fn server(flag: &str, text: &str) -> Result<SocketAddr, Failure> {
    let address = text.parse::<SocketAddr>().or_else(|_| {
        let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
        bare.parse::<IpAddr>().map(|ip| SocketAddr::new(ip, PORT))
    });
    if let Ok(address) = address {
        return Ok(address);
    }
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) => (host, port.parse().ok()),
        None => (text, Some(PORT)),
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
const HOW: &str = "not a relay: write turn:USER:PASSWORD@SERVER, with :PORT behind it if that is not 3478";
/// Of STUN and TURN (RFC 8489 §8, RFC 8656 §3.1).
const PORT: u16 = 3_478;
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
}
