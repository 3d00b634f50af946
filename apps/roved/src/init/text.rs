//! The configuration that is written.

use std::path::PathBuf;

use super::{IRMV_PORT, RELAY_PORT, SIP_PORT, SIPS_PORT, Site};

/// A configuration for `site`, which shows these files.
pub(super) fn config(site: &Site, (certificate, key): &(PathBuf, PathBuf)) -> String {
    let Site { domain, .. } = site;
    let (certificate, key) = (quoted(&certificate.display().to_string()), quoted(&key.display().to_string()));
    let (sip, sips) = (site.at(SIP_PORT), site.at(SIPS_PORT));
    let (irmv, relay) = (site.at(IRMV_PORT), site.at(RELAY_PORT));
    let realm = if domain.len() <= MOST_REALM { domain.as_str() } else { "rove" };
    let mut text = head(domain);
    text += &format!(
        r#"
# Users who register by the invitation, and other domains' servers.
[irmv]
listen = ["{irmv}"]
domain = "{domain}"
certificate = {certificate}
key = {key}
signing_key = "signing.key"
# Whoever has the invitation may take a name that nobody has. Without it only the users below may register:
#   [[irmv.user]]
#   name = "alice@{domain}"
open = true
# Anybody sees them and finds where they are, as the first call needs; "contacts" shows them to those alone whom they admit.
shown_to = "anybody"

# Users with phones that speak SIP. Add them below, or as lines user:ALGORITHM:hash in a users_file.
[sip]
domains = ["{domain}"]

[sip.listen]
udp = ["{sip}"]
tcp = ["{sip}"]
tls = ["{sips}"]

[sip.tls]
certificate = {certificate}
key = {key}

# [[sip.user]]
# name = "alice"
# password_file = "alice.password"

# Media for those who cannot reach each other (TURN, RFC 8656), only between addresses of the internet.
[relay]
listen = ["{relay}"]
realm = "{realm}"
secret_file = "relay.secret"
call_secret_file = "calls.secret"
"#
    );
    if site.names {
        text.push_str(&zone(site));
    }
    text
}

/// What concerns the whole node.
fn head(domain: &str) -> String {
    format!(
        r#"# The server of {domain}, made by `roved init`. Check it with: roved config check --config roved.toml
# After a change: roved reload --config roved.toml (certificates, users, peers and limits, with no call lost).

[journal]
path = "journal"

# Where `roved calls`, `roved reload` and `roved metrics` ask.
[control]
path = "control"

# Health and counters: /healthz, /readyz, /metrics. With a token, the dashboard as well; whoever has it sees who calls whom.
[http]
listen = ["127.0.0.1:9464"]
# token_file = "dashboard.token"
"#
    )
}

/// The zone itself.
fn zone(site: &Site) -> String {
    let Site { domain, address, .. } = site;
    let kind = if address.is_ipv4() { "A" } else { "AAAA" };
    format!(
        r#"
# The domain's own zone; its parent has to name this server: {domain}. NS ns.{domain}. and ns.{domain}. {kind} {address}
[dns]
listen = ["{at}"]

[[dns.zone]]
origin = "{domain}"
primary = "ns.{domain}"
hostmaster = "hostmaster.{domain}"
ttl = 300
negative_ttl = 15
records = [
  "ns {kind} {address}",
  "sip {kind} {address}",
  "irmv {kind} {address}",
  "turn {kind} {address}",
  "_sips._tcp SRV 0 0 {SIPS_PORT} sip",
  "_sip._tcp SRV 0 0 {SIP_PORT} sip",
  "_sip._udp SRV 0 0 {SIP_PORT} sip",
  "_irmv._udp SRV 0 0 {IRMV_PORT} irmv",
  "_turn._udp SRV 0 0 {RELAY_PORT} turn",
  "_turn._tcp SRV 0 0 {RELAY_PORT} turn",
]
"#,
        at = site.at(53),
    )
}

/// A text in TOML.
fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

/// Bytes of a relay's realm.
const MOST_REALM: usize = 32;
