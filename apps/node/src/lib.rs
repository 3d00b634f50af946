//! The embeddable server: one file per role.
//!
//! A [`NodeConfig`] says which roles a node plays; today those are names (`[dns]`), calls (`[sip]`) and media (`[relay]`). [`Node::start`] binds, reads the
//! journal back and runs the roles on a thread of its own.
//!
//! ```no_run
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let config = rove_node::NodeConfig::read("roved.toml".as_ref())?;
//! let node = rove_node::Node::start(config)?;
//! println!("names are answered at {:?}", node.dns_addresses());
//! node.shutdown();
//! # Ok(())
//! # }
//! ```

#![cfg_attr(
    not(all(feature = "accounts", feature = "roaming")),
    allow(dead_code, unused_imports, reason = "of what is left out there is the configuration alone")
)]

mod calls;
mod conference;
mod config;
mod dev;
mod dns;
mod driver;
mod irmv;
mod node;
mod operate;
mod relay;
pub mod roam;
pub mod search;
mod shared;
mod sip;
mod tenant;
mod thin;

pub use conference::{ConferenceConfig, ConferenceRoom};
pub use config::{ConfigError, JournalConfig, NodeConfig};
pub use dev::{Dev, DevError, KEY_NAME, ZONE};
pub use dns::{DnsAllow, DnsConfig, DnsKey, DnsSecondary, DnsZone};
pub use driver::{SearchError, Unreadable};
pub use irmv::{
    AccountFileError, IrmvConfig, IrmvPeer, IrmvRelay, IrmvSearch, IrmvShownTo, IrmvUser, SignatureFile,
};
pub use node::{Node, NodeError, Reloader, Roaming, RunningNode, SipAddress, Stopper};
pub use operate::{ControlConfig, HttpConfig};
pub use relay::{RelayConfig, RelayCredit, RelayUser};
pub use rove_driver::{address_toward, fingerprint};
pub use rove_irmv::Invite;
pub use sip::{
    SipConfig, SipExpires, SipHep, SipLimits, SipListen, SipMode, SipState, SipTls, SipUser, SipWatchers,
};
pub use tenant::{TenantConfig, TenantQuota};
pub use thin::ThinConfig;

/// So many bytes that nobody can guess.
///
/// # Errors
///
/// The operating system has none to give.
pub fn random<const N: usize>() -> std::io::Result<zeroize::Zeroizing<[u8; N]>> {
    let mut bytes = zeroize::Zeroizing::new([0; N]);
    rove_io::entropy::os_entropy()?.fill(&mut *bytes);
    Ok(bytes)
}
