//! The section `[irmv.relay]`: relays that lend users of this server addresses for their calls.

use std::{fmt, net::SocketAddr, path::PathBuf, time::Duration};

use rove_base::Now;
use rove_irmv::{CarryId, Name, RelayTicket};
use rove_relay::accounts::ticket;
use serde::Deserialize;
use zeroize::Zeroizing;

use crate::{config::ConfigError, relay::shared_secret};

/// `[irmv.relay]`: whoever is registered is told, for one call at a time, by what these relays lend an address.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IrmvRelay {
    /// TURN servers over UDP, as users reach them, the best first: at most four.
    pub servers: Vec<SocketAddr>,
    /// The `secret` of those relays.
    pub secret: Option<Zeroizing<String>>,
    /// A file with that, which its owner alone may read.
    pub secret_file: Option<PathBuf>,
    /// How long a call may go on by one ticket, in seconds.
    #[serde(default = "default_seconds")]
    pub seconds: u32,
}

// Secrets are not shown.
impl fmt::Debug for IrmvRelay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { servers, seconds, .. } = self;
        f.debug_struct("IrmvRelay")
            .field("servers", servers)
            .field("seconds", seconds)
            .finish_non_exhaustive()
    }
}

impl IrmvRelay {
    /// What gives tickets out.
    pub(super) fn lender(&self) -> Result<Lender, ConfigError> {
        let fail = |key, what: &str| ConfigError::Irmv { key, what: what.into() };
        if self.servers.is_empty() || self.servers.len() > RelayTicket::MOST {
            return Err(fail("relay.servers", "give one to four, for example \"203.0.113.1:3478\""));
        }
        let wrong = |what: &str| fail("relay.secret", what);
        let secret = shared_secret(self.secret.as_ref(), self.secret_file.as_ref(), wrong)?;
        let secret = secret.ok_or_else(|| wrong("is missing; give that of the relays' [relay]"))?;
        Ok(Lender { servers: self.servers.clone(), secret, seconds: self.seconds })
    }
}

/// Gives tickets out.
pub(super) struct Lender {
    servers: Vec<SocketAddr>,
    secret: Zeroizing<String>,
    seconds: u32,
}

impl Lender {
    pub(super) fn ticket(&self, now: Now, user: &Name, whom: &Name, call: CarryId) -> RelayTicket {
        let life = Duration::from_secs(self.seconds.into());
        let pair = (user.as_str(), whom.as_str());
        let (user, password) = ticket(&self.secret, pair, call.0, now.wall, life);
        RelayTicket { user, password, seconds: self.seconds, relays: self.servers.clone() }
    }
}

const fn default_seconds() -> u32 {
    12 * 3_600
}
