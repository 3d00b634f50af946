//! What the zone of a domain has to say of its server.

use std::net::IpAddr;

use rove_node::Invite;

use super::{IRMV_PORT, RELAY_PORT, SIP_PORT, SIPS_PORT, Site, hex};

/// The records, as in a master file: where calls go (RFC 3263), where users register and other servers ask, where media
/// is relayed (RFC 5928), and whose certificate that is.
pub(crate) fn records(site: &Site, invite: &Invite) -> Vec<String> {
    let Site { domain, address, .. } = site;
    let kind = if address.is_ipv4() { "A" } else { "AAAA" };
    let mut all = vec![
        format!("{domain}. NAPTR 10 10 \"s\" \"SIPS+D2T\" \"\" _sips._tcp.{domain}."),
        format!("{domain}. NAPTR 20 10 \"s\" \"SIP+D2T\" \"\" _sip._tcp.{domain}."),
        format!("{domain}. NAPTR 30 10 \"s\" \"SIP+D2U\" \"\" _sip._udp.{domain}."),
    ];
    let services = [
        ("_sips._tcp", SIPS_PORT, "sip"),
        ("_sip._tcp", SIP_PORT, "sip"),
        ("_sip._udp", SIP_PORT, "sip"),
        ("_irmv._udp", IRMV_PORT, "irmv"),
        ("_turn._udp", RELAY_PORT, "turn"),
        ("_turn._tcp", RELAY_PORT, "turn"),
    ];
    all.extend(
        services.map(|(service, port, host)| format!("{service}.{domain}. SRV 0 0 {port} {host}.{domain}.")),
    );
    all.extend(["sip", "irmv", "turn"].map(|host| format!("{host}.{domain}. {kind} {address}")));
    all.push(format!("_irmv._udp.{domain}. TXT \"v=rove1 sha256={}\"", hex(&invite.fingerprint)));
    let other = match address {
        IpAddr::V4(_) => "AAAA",
        IpAddr::V6(_) => "A",
    };
    all.push(format!("; and {other} of sip, irmv and turn, where this machine has such an address"));
    all
}
