//! An account at a SIP server, as a program describes it.

use core::time::Duration;

use rove_session::{Account, Push, Target, TargetError};
use rove_sip::{
    digest::Login,
    message::{NameAddr, Uri},
};
use zeroize::Zeroizing;

use crate::Transport;

/// Who this phone is at a SIP server. Calls are made with the account whose domain is the target's, else with the first.
#[derive(Clone, Debug)]
pub struct SipAccount {
    /// The address of record: `sip:user@domain` or `user@domain`.
    pub address: String,
    /// The user's name for the password; that of the address when `None`.
    pub user: Option<String>,
    /// The password; `None` for a server that asks for none.
    pub password: Option<Zeroizing<String>>,
    /// The realm the password is for; the first that the server names when `None`.
    pub realm: Option<String>,
    /// The server: a host name, an address or a `sip:` URI; that of the address when `None`.
    pub server: Option<String>,
    /// In what the server is spoken to, where neither its URI nor the DNS says.
    pub transport: Option<Transport>,
    /// Whether to be reached at the address, and not only to call from it.
    pub register: bool,
    /// How long a registration is asked for.
    pub expires: Duration,
    /// How many ways to the server are kept open at once (RFC 5626).
    pub flows: usize,
    /// Names this phone for ever, as `urn:uuid:…`.
    pub instance: Option<String>,
    /// Whether all calls go by way of the server.
    pub proxy: bool,
    /// Whether what others may know of this phone is published at the server (RFC 3903).
    pub publish: bool,
    /// How this phone is woken when it sleeps (RFC 8599).
    pub push: Option<Push>,
}

impl SipAccount {
    /// An account that registers for an hour over one way, without a password.
    #[must_use]
    pub fn new(address: impl Into<String>) -> Self {
        Self {
            address: address.into(),
            user: None,
            password: None,
            realm: None,
            server: None,
            transport: None,
            register: true,
            expires: Duration::from_secs(3_600),
            flows: 1,
            instance: None,
            proxy: false,
            publish: false,
            push: None,
        }
    }

    /// The same for the switchboard.
    pub(crate) fn understood(self) -> Result<Account, TargetError> {
        let identity = Target::parse(&self.address)?;
        let uri = identity.uri().clone();
        let server = match &self.server {
            Some(server) => Target::parse(server)?,
            None => identity,
        };
        let own_name = uri.user().unwrap_or_default().to_owned();
        let login = self.password.map(|password| Login {
            user: self.user.unwrap_or(own_name),
            password,
            realm: self.realm,
        });
        let mut aor = uri;
        aor.params = rove_sip::message::UriParams::new();
        Ok(Account {
            identity: NameAddr::new(Uri::from(aor)),
            server: server.or_over(self.transport),
            login,
            register: self.register,
            expires: self.expires,
            instance: self.instance,
            flows: self.flows,
            proxy: self.proxy,
            publish: self.publish,
            push: self.push,
        })
    }
}
