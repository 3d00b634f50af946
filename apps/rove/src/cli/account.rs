//! Accounts at SIP servers, on the command line and in the settings file.

use core::time::Duration;
use std::path::{Path, PathBuf};

use clap::Args;
use rove_phone::{Push, SipAccount};
use serde::Deserialize;
use zeroize::Zeroizing;

use super::transport::Spoken;
use crate::failure::Failure;

/// Who we are at a SIP server.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct AccountArgs {
    /// User for the password; the one of the address when not given.
    #[arg(long, value_name = "NAME", env = "ROVE_USER")]
    pub(crate) user: Option<String>,
    /// File with the password: its first line.
    #[arg(long, value_name = "FILE", env = "ROVE_PASSWORD_FILE")]
    pub(crate) password_file: Option<PathBuf>,
    /// Realm the password is for; the first the server names when not given.
    #[arg(long, value_name = "REALM")]
    pub(crate) realm: Option<String>,
    /// SIP server, when it is not where the address says: host name, address or sip: URI.
    #[arg(long, value_name = "SERVER", env = "ROVE_SIP_SERVER")]
    pub(crate) server: Option<String>,
    /// How long a registration is asked for, in s.
    #[arg(long, value_name = "S", default_value_t = 3_600, value_parser = clap::value_parser!(u32).range(1..=604_800))]
    pub(crate) expires: u32,
    #[command(flatten)]
    pub(crate) push: PushArgs,
}

/// How this phone is woken when it sleeps (RFC 8599).
#[derive(Args, Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PushArgs {
    /// Push service that wakes this phone, as `apns`, `fcm` or `webpush`: told to the SIP server (RFC 8599).
    #[arg(long = "push-provider", value_name = "NAME", requires = "prid")]
    provider: Option<String>,
    /// What the push service knows this phone by.
    #[arg(long = "push-prid", value_name = "TEXT", requires = "provider")]
    prid: Option<String>,
    /// What else the push service wants to know.
    #[arg(long = "push-param", value_name = "TEXT", requires = "provider")]
    param: Option<String>,
}

impl PushArgs {
    fn push(&self) -> Option<Push> {
        let (provider, prid) = (self.provider.clone()?, self.prid.clone()?);
        Some(Push { provider, prid, param: self.param.clone() })
    }
}

/// One `[[account]]` of the settings file.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct AccountSettings {
    /// The address of record.
    address: String,
    user: Option<String>,
    password_file: Option<PathBuf>,
    realm: Option<String>,
    server: Option<String>,
    transport: Option<Spoken>,
    /// Whether to be reached there: yes when not said.
    register: Option<bool>,
    expires: Option<u32>,
    /// Ways kept open at once (RFC 5626).
    flows: Option<usize>,
    instance: Option<String>,
    /// Whether all calls go by way of the server.
    proxy: Option<bool>,
    /// Whether what others may know of this phone is published there.
    publish: Option<bool>,
    /// How this phone is woken.
    push: Option<PushArgs>,
}

impl AccountArgs {
    /// The account with this address that the flags describe.
    pub(crate) fn account(&self, address: &str, transport: Option<Spoken>) -> Result<SipAccount, Failure> {
        if !address.contains('@') {
            return Err(Failure::usage(format!("{address} names no user: an account is sip:user@domain")));
        }
        Ok(SipAccount {
            user: self.user.clone(),
            password: self.password_file.as_deref().map(password).transpose()?,
            realm: self.realm.clone(),
            server: self.server.clone(),
            transport: transport.map(Spoken::transport),
            expires: Duration::from_secs(self.expires.into()),
            push: self.push.push(),
            ..SipAccount::new(address)
        })
    }
}

impl AccountSettings {
    /// The account that the table describes.
    pub(crate) fn account(&self) -> Result<SipAccount, Failure> {
        let flows = self.flows.unwrap_or(1);
        if !(1..=4).contains(&flows) {
            return Err(Failure::usage(format!(
                "account {}: {flows} flows cannot be: use 1 to 4",
                self.address
            )));
        }
        Ok(SipAccount {
            user: self.user.clone(),
            password: self.password_file.as_deref().map(password).transpose()?,
            realm: self.realm.clone(),
            server: self.server.clone(),
            transport: self.transport.map(Spoken::transport),
            register: self.register.unwrap_or(true),
            expires: Duration::from_secs(self.expires.unwrap_or(3_600).clamp(1, 604_800).into()),
            flows,
            instance: self.instance.clone(),
            proxy: self.proxy.unwrap_or(false),
            publish: self.publish.unwrap_or(false),
            push: self
                .push
                .as_ref()
                .map(|push| {
                    let why = "push needs a provider and a prid";
                    push.push().ok_or_else(|| Failure::usage(format!("account {}: {why}", self.address)))
                })
                .transpose()?,
            ..SipAccount::new(self.address.as_str())
        })
    }
}

/// Whether a name to be registered is one of SIP, and not of the DNS.
pub(crate) fn is_sip(name: &str) -> bool {
    let scheme = name.split(':').next().unwrap_or_default();
    name.contains('@') || ["sip", "sips"].iter().any(|known| scheme.eq_ignore_ascii_case(known))
}

/// The first line of a file.
fn password(path: &Path) -> Result<Zeroizing<String>, Failure> {
    let text = std::fs::read_to_string(path).map(Zeroizing::new).map_err(|error| {
        Failure::usage(format!("the password file {} cannot be read: {error}", path.display()))
    })?;
    match text.lines().next().filter(|line| !line.is_empty()) {
        Some(line) => Ok(Zeroizing::new(line.to_owned())),
        None => Err(Failure::usage(format!("the password file {} is empty", path.display()))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_the_first_line_of_its_file() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("password");
        std::fs::write(&path, "zanzi bar\nsecond\n").unwrap();
        assert_eq!(password(&path).unwrap().as_str(), "zanzi bar");
        std::fs::write(&path, "\n").unwrap();
        assert!(password(&path).unwrap_err().to_string().contains("empty"));
        assert!(password(Path::new("no/such")).unwrap_err().to_string().contains("no/such"));
    }

    #[test]
    fn a_user_or_a_scheme_makes_a_name_one_of_sip() {
        for (name, sip) in [("bob.example", false), ("bob@example.com", true), ("SIP:example.com", true)] {
            assert_eq!(is_sip(name), sip, "{name}");
        }
    }
}
