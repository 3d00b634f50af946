//! Which of several SRV or NAPTR records comes first (RFC 2782, RFC 3403 §4.1, RFC 3263 §4.1).

use hickory_proto::rr::{
    Name,
    rdata::{NAPTR, SRV},
};
use rove_base::{Entropy, Transport};

/// Servers in the order in which to try them: by priority, and within one priority drawn by weight (RFC 2782).
pub(crate) fn by_weight<'a>(mut records: Vec<&'a SRV>, entropy: &mut Entropy) -> Vec<&'a SRV> {
    // Zero weights first, so that they have a small chance of being drawn.
    records.sort_by_key(|srv| (srv.priority, srv.weight != 0));
    let mut ordered = Vec::with_capacity(records.len());
    while let Some(priority) = records.first().map(|srv| srv.priority) {
        let group = records.iter().take_while(|srv| srv.priority == priority).count();
        let total: u64 = records.iter().take(group).map(|srv| u64::from(srv.weight)).sum();
        let mut draw = below(total.saturating_add(1), entropy);
        let chosen = records.iter().take(group).position(|srv| {
            let weight = u64::from(srv.weight);
            let hit = weight >= draw;
            draw = draw.saturating_sub(weight);
            hit
        });
        ordered.push(records.remove(chosen.unwrap_or(0)));
    }
    ordered
}

/// Where the NAPTR records send a SIP client that speaks `spoken`: the names to ask for SRV, best first. Empty when
/// they offer nothing that we speak.
pub(crate) fn sip_services(mut records: Vec<&NAPTR>, spoken: &[Transport]) -> Vec<(Name, Transport)> {
    records.retain(|naptr| {
        service_of(naptr).is_some_and(|transport| spoken.contains(&transport))
            && naptr.flags.eq_ignore_ascii_case(b"s")
            && naptr.regexp.is_empty()
            && !naptr.replacement.is_root()
    });
    records.sort_by_key(|naptr| (naptr.order, naptr.preference));
    // A record of a higher order may not be used once one of a lower order matched (RFC 3403 §4.1).
    let order = records.first().map(|naptr| naptr.order);
    records
        .into_iter()
        .take_while(|naptr| Some(naptr.order) == order)
        .filter_map(|naptr| Some((naptr.replacement.clone(), service_of(naptr)?)))
        .collect()
}

/// The names of RFC 3263 §4.1 and RFC 7118 §10.
fn service_of(naptr: &NAPTR) -> Option<Transport> {
    let names: [(&[u8], Transport); 5] = [
        (b"SIP+D2U", Transport::Udp),
        (b"SIP+D2T", Transport::Tcp),
        (b"SIPS+D2T", Transport::Tls),
        (b"SIP+D2W", Transport::Ws),
        (b"SIPS+D2W", Transport::Wss),
    ];
    names
        .into_iter()
        .find(|(name, _)| naptr.services.eq_ignore_ascii_case(name))
        .map(|(_, transport)| transport)
}

/// A number from 0 to `bound - 1`; the bias is below 2⁻³² for the small bounds used here.
fn below(bound: u64, entropy: &mut Entropy) -> u64 {
    entropy.next_u64().checked_rem(bound).unwrap_or(0)
}
