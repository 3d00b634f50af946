//! The answer, and what both sides agreed on (RFC 3264 §6, §7).
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use rove_base::{CodecId, CodecPlan, Direction, PayloadType, Security};

use crate::{
    Description, Ice, Line, Local, Media, Mismatch,
    codec::{Companion, codec_lines, find_codec, is_codec, plan, with_companions},
    connectivity,
    numbers::number,
    offer::{audio, stream_lines},
    protect,
};

/// What offer and answer agree on, seen from here.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Negotiated {
    /// The codec and its settings.
    pub codec: CodecPlan,
    /// Where our RTP goes. The unspecified address while the other side holds in the old way (RFC 3264 §8.4), and with
    /// `ice` while no candidate of theirs is known.
    pub remote_rtp: SocketAddr,
    /// Where our RTCP goes: `remote_rtp` when `rtcp_mux`.
    pub remote_rtcp: SocketAddr,
    /// Both directions of RTCP share the ports of RTP (RFC 5761).
    pub rtcp_mux: bool,
    /// Which way media flow, seen from here.
    pub direction: Direction,
    /// How media are protected.
    pub security: Security,
    /// How the other side can be reached, where both check connectivity.
    pub ice: Option<IceAgreed>,
    /// The audio stream was taken out of the session, which goes on without (RFC 3264 §8.2); all else says what stood
    /// before.
    pub removed: bool,
}

/// What both sides said about their connectivity checks (RFC 8839 §4).
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct IceAgreed {
    /// The other side.
    pub remote: Ice,
    /// We nominate (RFC 8445 §6.1.1).
    pub controlling: bool,
}

/// What stood before: nothing, for the first offer.
#[derive(Clone, Copy)]
pub(crate) struct Before<'a> {
    /// How media were protected.
    pub(crate) security: &'a Security,
    /// Who nominated.
    pub(crate) controlling: Option<bool>,
}

/// Takes one audio stream of an offer.
pub(crate) fn take(
    offer: &Description,
    theirs: &Media,
    local: &Local,
    before: Before<'_>,
) -> Result<(Media, Negotiated), Mismatch> {
    let (security, keys) = protect::take(offer, theirs, &local.protection, before.security)?;
    let (codec, number) = choose(theirs, &local.codecs)?;
    let codec = plan(codec, theirs, number, number, local.packet_time);
    // We take their numbers, so that what they offer is what both have.
    let codec = with_companions(codec, theirs, theirs, &local.wishes);
    let rtcp_mux = theirs.rtcp_mux();
    let checks = connectivity::take(offer, theirs, local, rtcp_mux);
    let remote = Remote::read(offer, theirs, local, rtcp_mux, checks.remote.as_ref())?;
    let ice = checks
        .remote
        .map(|remote| IceAgreed { controlling: before.controlling.unwrap_or(remote.lite), remote });
    let negotiated = remote.negotiated(codec, rtcp_mux, local.direction, security, ice);
    let direction = both(local.direction, reverse(offer.direction(theirs)));
    let mut ours = answered(theirs, local, direction, &negotiated);
    ours.lines.extend(keys.into_iter().chain(checks.lines));
    ours.lines.extend(mid(theirs));
    Ok((ours, negotiated))
}

/// Reads what the answer makes of `ours`, our audio stream: the codec is the first in the answer that we offered.
pub(crate) fn accept(
    offer: &Description,
    ours: &Media,
    answer: &Description,
    theirs: &Media,
    local: &Local,
    before: Before<'_>,
) -> Result<Negotiated, Mismatch> {
    if !theirs.is_on() {
        return Err(Mismatch::NoAudio);
    }
    let security = protect::accept(ours, answer, theirs, &local.protection, before.security)?;
    let (codec, send) = choose(theirs, &local.codecs)?;
    let receive = find_codec(ours, codec).ok_or(Mismatch::NoCommonCodec)?;
    let codec = plan(codec, theirs, send, receive, local.packet_time);
    let codec = with_companions(codec, theirs, ours, &local.wishes);
    let rtcp_mux = ours.rtcp_mux() && theirs.rtcp_mux();
    let ice = connectivity::accept(answer, theirs, local, rtcp_mux);
    let remote = Remote::read(answer, theirs, local, rtcp_mux, ice.as_ref())?;
    let ice = ice.map(|remote| IceAgreed { remote, controlling: before.controlling.unwrap_or(true) });
    Ok(remote.negotiated(codec, rtcp_mux, offer.direction(ours), security, ice))
}

/// Our side of an audio stream that is taken, with the offerer's numbers.
fn answered(theirs: &Media, local: &Local, direction: Direction, agreed: &Negotiated) -> Media {
    let format = agreed.codec.receive_payload_type.number().to_string();
    let CodecPlan { id, red, telephone_event, comfort_noise, .. } = agreed.codec;
    let mut lines = codec_lines(&format, id, &local.wishes);
    let mut formats = vec![format.clone()];
    for (companion, numbers) in Companion::ALL.into_iter().zip([red, telephone_event, comfort_noise]) {
        if let Some(numbers) = numbers {
            let number = numbers.receive.number().to_string();
            lines.extend(companion.lines(&number, id, &format));
            formats.push(number);
        }
    }
    lines.extend(stream_lines(local, direction, agreed.rtcp_mux));
    audio(local, &theirs.protocol, formats, lines)
}

/// A medium that is refused (RFC 3264 §6); its name stays (RFC 5888 §9.1).
pub(crate) fn refused(theirs: &Media) -> Media {
    let lines = mid(theirs).into_iter().collect();
    Media { port: 0, port_count: None, connection: None, lines, ..theirs.clone() }
}

fn mid(theirs: &Media) -> Option<Line> {
    theirs.mid().map(|mid| Line::attribute(format!("mid:{mid}")))
}

/// The first codec in `theirs` that is one of ours, with its number there.
fn choose(theirs: &Media, codecs: &[CodecId]) -> Result<(CodecId, PayloadType), Mismatch> {
    let known = theirs.formats.iter().find_map(|format| {
        let number = PayloadType::new(number(format)?)?;
        let map = theirs.rtpmap(format)?;
        codecs.iter().find(|codec| is_codec(&map, **codec)).map(|codec| (*codec, number))
    });
    known.ok_or(Mismatch::NoCommonCodec)
}

/// Where the other side receives, and which way it wants media to flow, seen from there.
struct Remote {
    rtp: SocketAddr,
    rtcp: SocketAddr,
    direction: Direction,
    /// It holds in the old way, by an address that is none.
    held: bool,
}

impl Remote {
    fn read(
        of: &Description,
        theirs: &Media,
        local: &Local,
        rtcp_mux: bool,
        ice: Option<&Ice>,
    ) -> Result<Self, Mismatch> {
        let direction = of.direction(theirs);
        let source = of.transport_of(theirs);
        let ip = of.address(source).ok_or(Mismatch::Address).and_then(|ip| usable(ip, local));
        if let Some(ice) = ice {
            // The default is where media go before a candidate is chosen; where it leads nowhere, so does the best one.
            let default = ip.ok().filter(|ip| !ip.is_unspecified() && source.port != 0);
            let default = default.map(|ip| SocketAddr::new(ip, source.port));
            let rtp = default.or_else(|| ice.best_for(local.address)).unwrap_or(nowhere(local));
            return Ok(Self { rtp, rtcp: rtp, direction, held: false });
        }
        let ip = ip?;
        let rtp = SocketAddr::new(ip, Some(source.port).filter(|port| *port != 0).ok_or(Mismatch::Address)?);
        let rtcp = match source.rtcp() {
            _ if rtcp_mux => rtp,
            Some(rtcp) => SocketAddr::new(rtcp.ip.map_or(Ok(ip), |ip| usable(ip, local))?, rtcp.port),
            None => SocketAddr::new(ip, rtp.port().checked_add(1).ok_or(Mismatch::Address)?),
        };
        Ok(Self { rtp, rtcp, direction, held: ip.is_unspecified() })
    }

    fn negotiated(
        self,
        codec: CodecPlan,
        rtcp_mux: bool,
        ours: Direction,
        security: Security,
        ice: Option<IceAgreed>,
    ) -> Negotiated {
        let mut direction = both(ours, reverse(self.direction));
        if self.held {
            direction = both(direction, Direction::RecvOnly);
        }
        let Self { rtp: remote_rtp, rtcp: remote_rtcp, .. } = self;
        Negotiated { codec, remote_rtp, remote_rtcp, rtcp_mux, direction, security, ice, removed: false }
    }
}

/// What says that no address is known yet (RFC 8840 §4.1.1): port 9 of no host.
fn nowhere(local: &Local) -> SocketAddr {
    let ip: IpAddr =
        if local.address.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
    SocketAddr::new(ip, 9)
}

/// The address when voice may go there: one host's, in our IP version. The unspecified one means hold.
fn usable(ip: IpAddr, local: &Local) -> Result<IpAddr, Mismatch> {
    let ip = if local.address.is_ipv4() { ip.to_canonical() } else { ip };
    let broadcast = matches!(ip, IpAddr::V4(ip) if ip.is_broadcast());
    if ip.is_multicast() || broadcast {
        Err(Mismatch::Address)
    } else if ip.is_ipv4() != local.address.is_ipv4() && !ip.is_unspecified() {
        Err(Mismatch::AddressFamily)
    } else {
        Ok(ip)
    }
}

/// The same flow of media, seen from the other end.
const fn reverse(direction: Direction) -> Direction {
    match direction {
        Direction::SendOnly => Direction::RecvOnly,
        Direction::RecvOnly => Direction::SendOnly,
        both => both,
    }
}

/// What both directions allow.
const fn both(a: Direction, b: Direction) -> Direction {
    match (a.sends() && b.sends(), a.receives() && b.receives()) {
        (true, true) => Direction::SendRecv,
        (true, false) => Direction::SendOnly,
        (false, true) => Direction::RecvOnly,
        (false, false) => Direction::Inactive,
    }
}
