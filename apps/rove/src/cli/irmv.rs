//! A registry that anybody can run, on the command line.

use std::{
    net::{IpAddr, SocketAddr, ToSocketAddrs as _},
    path::PathBuf,
};

use clap::Args;

use rove_phone::irmv::{ClientConfig, Invite, Name};

use crate::failure::Failure;

/// The IRMV server that we register with and ask.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct IrmvArgs {
    /// Invitation to an IRMV server, `rove:invite?…`, as `roved init` prints it: its domain, where it is, and its certificate.
    #[arg(long, value_name = "LINK", env = "ROVE_INVITE", conflicts_with_all = ["irmv_server", "irmv_domain"])]
    pub(crate) invite: Option<Invite>,
    /// IRMV server to register with, and to ask who is where, with port if it is not 5064; several of one domain, separated by
    /// commas, or by the addresses of one name: where one does not answer, another is tried.
    #[arg(long, value_name = "HOST[:PORT][,…]", env = "ROVE_IRMV_SERVER")]
    pub(crate) irmv_server: Option<String>,
    /// Its domain, of which it has to show a certificate; that of the name that is registered, else its host, when not given.
    #[arg(long, value_name = "DOMAIN", env = "ROVE_IRMV_DOMAIN")]
    pub(crate) irmv_domain: Option<String>,
    /// File with the secret that says who we are; made when it is not there.
    #[arg(long, value_name = "FILE", env = "ROVE_IRMV_KEY")]
    pub(crate) irmv_key: Option<PathBuf>,
    /// Ask as this user@domain, whom the server knows by the secret of --irmv-key; a registration elsewhere stays as it is.
    /// As nobody in particular when not given.
    #[arg(long, value_name = "NAME", env = "ROVE_IRMV_AS")]
    pub(crate) irmv_as: Option<Name>,
    /// Telephone number to be found by, + and country code; the server has to know it as ours.
    #[arg(long, value_name = "NUMBER")]
    pub(crate) irmv_number: Option<String>,
    /// File by which the number's network proves that it is ours: an Identity header's value (PASSporT) on the first line,
    /// then the network's certificates in PEM.
    #[arg(long, value_name = "FILE", requires = "irmv_number")]
    pub(crate) irmv_number_proof: Option<PathBuf>,
    /// Address that is always ours, to be found by; the server has to see us there.
    #[arg(long, value_name = "ADDR")]
    pub(crate) irmv_fixed: Option<IpAddr>,
    /// Who may find us, user@domain, from now on, beside those already admitted; may be repeated.
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    pub(crate) irmv_admit: Vec<Name>,
    /// Who may not any more; may be repeated.
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    pub(crate) irmv_dismiss: Vec<Name>,
    /// Lets anybody find us, by DNS as well.
    #[arg(long)]
    pub(crate) irmv_listed: bool,
    /// Word that anybody may find us by with `rove find`: a city, a language, a trade; up to eight.
    #[arg(long, value_name = "WORD", value_delimiter = ',', requires = "irmv_listed")]
    pub(crate) irmv_word: Vec<String>,
}

impl IrmvArgs {
    /// Whether a name without a scheme, `user@domain`, is one for the server that is named.
    pub(crate) fn takes(&self, name: &str) -> bool {
        self.names_a_server() && name.contains('@') && !name.contains(':')
    }

    /// Whether there is a server to ask.
    pub(crate) const fn names_a_server(&self) -> bool {
        self.irmv_server.is_some() || self.invite.is_some()
    }

    /// Where the server is, and its domain; for somebody of `domain`, where that is known.
    pub(crate) fn server(&self, other: Option<&str>, domain: Option<&str>) -> Result<ClientConfig, Failure> {
        if let Some(Invite { server, domain, .. }) = &self.invite {
            return Ok(ClientConfig { server: *server, further: Vec::new(), domain: domain.clone() });
        }
        let text = self.irmv_server.as_deref().or(other);
        let text =
            text.ok_or_else(|| Failure::usage("no IRMV server is named: give --irmv-server HOST:PORT"))?;
        let mut all = Vec::new();
        for one in text.split(',') {
            let found =
                addresses(one).map_err(|why| Failure::usage(format!("--irmv-server {one}: {why}")))?;
            all.extend(found.into_iter().filter(|address| !all.contains(address)).collect::<Vec<_>>());
        }
        let host = host(text.split(',').next().unwrap_or(text));
        let domain = self.irmv_domain.as_deref().or(domain).unwrap_or(&host).to_ascii_lowercase();
        let server = all.remove(0);
        Ok(ClientConfig { server, further: all, domain })
    }
}

/// The host of `HOST[:PORT]`.
fn host(text: &str) -> String {
    match (text.parse::<SocketAddr>(), text.parse::<IpAddr>()) {
        (Ok(address), _) => address.ip().to_string(),
        (_, Ok(ip)) => ip.to_string(),
        _ => text.rsplit_once(':').map_or(text, |(host, _)| host).to_owned(),
    }
}

/// All addresses of `HOST[:PORT]`: one at least.
fn addresses(text: &str) -> Result<Vec<SocketAddr>, String> {
    let full = if text.parse::<IpAddr>().is_ok() || !text.contains(':') {
        (text.trim_matches(['[', ']']).to_owned(), PORT).to_socket_addrs()
    } else {
        text.to_socket_addrs()
    };
    let all: Vec<SocketAddr> = full.map_err(|error| error.to_string())?.collect();
    if all.is_empty() { Err("it has no address".into()) } else { Ok(all) }
}

/// Where servers are when nothing else is said.
const PORT: u16 = 5_064;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_named_with_or_without_its_port_and_its_domain_is_the_users() {
        let server = |text: &str, domain: Option<&str>| {
            let args = IrmvArgs { irmv_server: Some(text.into()), ..IrmvArgs::default() };
            let found = args.server(None, domain).unwrap();
            assert_eq!(found.further.len(), text.matches(',').count());
            let further: String = found.further.iter().map(|one| format!(" {one}")).collect();
            format!("{}{further} {}", found.server, found.domain)
        };
        assert_eq!(server("127.0.0.1:7", Some("a.example")), "127.0.0.1:7 a.example");
        assert_eq!(server("127.0.0.1", Some("A.example")), "127.0.0.1:5064 a.example");
        assert_eq!(server("::1", None), "[::1]:5064 ::1");
        assert_eq!(server("[::1]:9", None), "[::1]:9 ::1");
        let several = server("127.0.0.1:7,127.0.0.2", Some("a.example"));
        assert_eq!(several, "127.0.0.1:7 127.0.0.2:5064 a.example");
    }
}
