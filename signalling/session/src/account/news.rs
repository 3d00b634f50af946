//! What is told of an account.

use core::time::Duration;
use std::net::SocketAddr;

/// What became of an account.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum AccountNews {
    /// We are reached at our address of record.
    Registered {
        /// The server that says so.
        server: SocketAddr,
        /// How long it remembers that.
        expires: Duration,
        /// The address it sees us at, when that is another than ours.
        public: Option<SocketAddr>,
    },
    /// We are not.
    Failed {
        /// A sentence for the person at the phone.
        why: String,
        /// When it is tried again; `None`: it is given up.
        retry_in: Option<Duration>,
    },
    /// We have taken the address back.
    Unregistered,
    /// The server keeps what is told of us.
    Published {
        /// Which event package.
        package: String,
    },
    /// The server does not keep it.
    NotPublished {
        /// Which event package.
        package: String,
        /// A sentence for the person at the phone.
        why: String,
    },
    /// Whether this phone is woken for what comes to it (RFC 8599); told where that was asked for.
    Push {
        /// The push service that the server uses; `None`: nobody will wake it.
        provider: Option<String>,
    },
}
