//! Servers run on others' behalf: each has a domain, users, an operator's token and bounds of its own, and shares nothing
//! with the others but the process.

use std::{net::SocketAddr, path::PathBuf};

use rove_base::Transport;
use serde::Deserialize;
use zeroize::Zeroizing;

use crate::{
    config::{ConfigError, NodeConfig},
    operate::secret,
    relay::{RelayConfig, RelayCredit},
    sip::{SipConfig, SipListen, SipTls, SipUser},
};

/// One `[[tenant]]`: a registrar and proxy for one domain. Its DNS says where it listens (SRV, RFC 3263).
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct TenantConfig {
    /// Its domain, which is its realm as well.
    pub domain: String,
    /// Where it listens, `[tenant.listen]`; no two tenants at one address.
    pub listen: SipListen,
    /// Its certificate, `[tenant.tls]`.
    pub tls: Option<SipTls>,
    /// Whether its users prove who they are.
    #[serde(default = "yes")]
    pub auth: bool,
    /// Its users, `[[tenant.user]]`.
    #[serde(default)]
    pub user: Vec<SipUser>,
    /// A file of more users, as in `[sip]`.
    pub users_file: Option<PathBuf>,
    /// What opens its part of the dashboard.
    pub token: Option<Zeroizing<String>>,
    /// A file with that, which its owner alone may read.
    pub token_file: Option<PathBuf>,
    /// What it may have, `[tenant.quota]`.
    #[serde(default)]
    pub quota: TenantQuota,
}

/// `[tenant.quota]`.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TenantQuota {
    /// Bindings of its users.
    pub registrations: usize,
    /// Calls at a time, those that ring among them.
    pub calls: usize,
    /// Minutes that accounts `user@domain` may use the relay for, all together; any number when not given.
    pub relay_minutes: Option<u64>,
    /// Bytes that may be held of what others have sent, as in `[sip.limits]`.
    pub memory: usize,
}

impl Default for TenantQuota {
    fn default() -> Self {
        Self { registrations: 1_000, calls: 100, relay_minutes: None, memory: 16 << 20 }
    }
}

impl TenantConfig {
    /// The section `[sip]` that it stands for.
    pub(crate) fn sip(&self) -> SipConfig {
        let mut sip = SipConfig::open(Vec::new(), Vec::new(), &self.domain);
        sip.listen = self.listen.clone();
        sip.tls.clone_from(&self.tls);
        sip.auth = self.auth;
        sip.user.clone_from(&self.user);
        sip.users_file.clone_from(&self.users_file);
        sip.limits.bindings = self.quota.registrations;
        sip.limits.admitted = Some(self.quota.calls);
        sip.limits.memory = self.quota.memory;
        sip
    }

    /// What opens its part of the dashboard.
    pub(crate) fn token(&self) -> Result<Option<Zeroizing<String>>, ConfigError> {
        secret("token", self.token.as_ref(), self.token_file.as_deref())
    }

    /// Files that it names.
    pub(crate) fn paths(&mut self) -> impl Iterator<Item = &mut PathBuf> {
        let tls = self.tls.iter_mut().flat_map(SipTls::paths);
        let passwords = self.user.iter_mut().filter_map(|user| user.password_file.as_mut());
        tls.chain(passwords).chain(&mut self.users_file).chain(&mut self.token_file)
    }
}

/// The section `[relay]`, with what its tenants may have of it.
pub(crate) fn relay_of(config: &NodeConfig) -> Option<RelayConfig> {
    let mut relay = config.relay.clone()?;
    let quota = |tenant: &TenantConfig| {
        let account = format!("@{}", tenant.domain);
        Some(RelayCredit { account, minutes: tenant.quota.relay_minutes? })
    };
    relay.credit.extend(config.tenant.iter().filter_map(quota));
    Some(relay)
}

/// Checks each tenant, and that no two of them, nor one and `[sip]`, are the same or at the same place.
pub(crate) fn check(tenants: &[TenantConfig], sip: Option<&SipConfig>) -> Result<(), ConfigError> {
    let fail = |domain: &str, what: String| ConfigError::Tenant { domain: domain.to_owned(), what };
    let mut domains: Vec<&str> = sip.iter().flat_map(|sip| &sip.domains).map(String::as_str).collect();
    let mut places: Vec<(Transport, SocketAddr)> = sip.iter().flat_map(|sip| sip.listen.all()).collect();
    for tenant in tenants {
        if domains.iter().any(|domain| domain.eq_ignore_ascii_case(&tenant.domain)) {
            return Err(fail(&tenant.domain, "is there twice".into()));
        }
        domains.push(&tenant.domain);
        for (transport, address) in tenant.listen.all() {
            if address.port() != 0 && places.contains(&(transport, address)) {
                return Err(fail(
                    &tenant.domain,
                    format!("{address} is another's already; give it one of its own"),
                ));
            }
            places.push((transport, address));
        }
        tenant.sip().check().map_err(|error| fail(&tenant.domain, error.to_string()))?;
        tenant.token().map_err(|error| fail(&tenant.domain, error.to_string()))?;
    }
    Ok(())
}

const fn yes() -> bool {
    true
}
