//! The answer, and what both sides agreed on (RFC 3264 §6, §7).
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use std::net::{IpAddr, SocketAddr};

use rove_base::{CodecId, CodecPlan, Direction, PayloadType};

use crate::{
    Description, Line, Local, Media, Mismatch,
    codec::{Companion, codec_lines, find_codec, is_codec, plan, with_companions},
    offer::{audio, describe, stream_lines},
};

/// What offer and answer agree on, seen from here.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Negotiated {
    /// The codec and its settings.
    pub codec: CodecPlan,
    /// Where our RTP goes. The unspecified address while the other side holds in the old way (RFC 3264 §8.4).
    pub remote_rtp: SocketAddr,
    /// Where our RTCP goes: `remote_rtp` when `rtcp_mux`.
    pub remote_rtcp: SocketAddr,
    /// Both directions of RTCP share the ports of RTP (RFC 5761).
    pub rtcp_mux: bool,
    /// Which way media flow, seen from here.
    pub direction: Direction,
}

/// Answers `offer`: the first audio stream with a codec of ours is taken with the first such codec in the offerer's
/// order (RFC 3264 §6.1); all other media are refused with port 0.
///
/// # Errors
///
/// [`Mismatch`] says why nothing in the offer can be taken.
pub fn answer(offer: &Description, local: &Local) -> Result<(Description, Negotiated), Mismatch> {
    let mut reason = Mismatch::NoAudio;
    for (place, theirs) in offer.media.iter().enumerate() {
        if !theirs.is_audio() || theirs.port == 0 {
            continue;
        }
        match take(offer, theirs, local) {
            Ok((ours, negotiated)) => {
                let mut media: Vec<_> = offer.media.iter().map(refused).collect();
                if let Some(slot) = media.get_mut(place) {
                    *slot = ours;
                }
                return Ok((describe(local, media), negotiated));
            }
            Err(mismatch) if reason == Mismatch::NoAudio => reason = mismatch,
            Err(_) => {}
        }
    }
    Err(reason)
}

/// Reads the answer to our `offer`: the codec is the first in the answer that we offered.
///
/// # Errors
///
/// [`Mismatch`] says why the answer cannot be used.
pub fn accept(offer: &Description, answer: &Description, local: &Local) -> Result<Negotiated, Mismatch> {
    if offer.media.len() != answer.media.len() {
        return Err(Mismatch::MediaCount);
    }
    let (place, ours) = offer.audio().ok_or(Mismatch::NoAudio)?;
    let theirs = answer.media.get(place).filter(|media| media.is_audio()).ok_or(Mismatch::MediaCount)?;
    if theirs.port == 0 {
        return Err(Mismatch::NoAudio);
    }
    profile(theirs)?;
    let (codec, send) = choose(theirs, &local.codecs)?;
    let receive = find_codec(ours, codec).ok_or(Mismatch::NoCommonCodec)?;
    let codec = plan(codec, theirs, send, receive, local.packet_time);
    let codec = with_companions(codec, theirs, ours, &local.wishes);
    let rtcp_mux = ours.rtcp_mux() && theirs.rtcp_mux();
    let remote = Remote::read(answer, theirs, local, rtcp_mux)?;
    Ok(remote.negotiated(codec, rtcp_mux, offer.direction(ours)))
}

/// Takes one audio stream of an offer.
fn take(offer: &Description, theirs: &Media, local: &Local) -> Result<(Media, Negotiated), Mismatch> {
    profile(theirs)?;
    let (codec, number) = choose(theirs, &local.codecs)?;
    let codec = plan(codec, theirs, number, number, local.packet_time);
    // We take their numbers, so that what they offer is what both have.
    let codec = with_companions(codec, theirs, theirs, &local.wishes);
    let rtcp_mux = theirs.rtcp_mux();
    let remote = Remote::read(offer, theirs, local, rtcp_mux)?;
    let negotiated = remote.negotiated(codec, rtcp_mux, local.direction);
    let direction = both(local.direction, reverse(offer.direction(theirs)));
    Ok((answered(theirs, local, direction, &negotiated), negotiated))
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

/// A medium that is refused (RFC 3264 §6).
fn refused(theirs: &Media) -> Media {
    Media { port: 0, port_count: None, connection: None, lines: Vec::<Line>::new(), ..theirs.clone() }
}

/// The first codec in `theirs` that is one of ours, with its number there.
fn choose(theirs: &Media, codecs: &[CodecId]) -> Result<(CodecId, PayloadType), Mismatch> {
    let known = theirs.formats.iter().find_map(|format| {
        let number = PayloadType::new(format.parse().ok()?)?;
        let map = theirs.rtpmap(format)?;
        codecs.iter().find(|codec| is_codec(&map, **codec)).map(|codec| (*codec, number))
    });
    known.ok_or(Mismatch::NoCommonCodec)
}

/// Only plain RTP, with or without early feedback; the others need keys.
fn profile(theirs: &Media) -> Result<(), Mismatch> {
    match ["RTP/AVP", "RTP/AVPF"].iter().any(|profile| theirs.protocol.eq_ignore_ascii_case(profile)) {
        true => Ok(()),
        false => Err(Mismatch::Profile(theirs.protocol.clone())),
    }
}

/// Where the other side receives, and which way it wants media to flow, seen from there.
struct Remote {
    rtp: SocketAddr,
    rtcp: SocketAddr,
    direction: Direction,
}

impl Remote {
    fn read(of: &Description, theirs: &Media, local: &Local, rtcp_mux: bool) -> Result<Self, Mismatch> {
        let ip = usable(of.address(theirs).ok_or(Mismatch::Address)?, local)?;
        let rtp = SocketAddr::new(ip, theirs.port);
        let rtcp = match theirs.rtcp() {
            _ if rtcp_mux => rtp,
            Some(rtcp) => SocketAddr::new(rtcp.ip.map_or(Ok(ip), |ip| usable(ip, local))?, rtcp.port),
            None => SocketAddr::new(ip, theirs.port.checked_add(1).ok_or(Mismatch::Address)?),
        };
        Ok(Self { rtp, rtcp, direction: of.direction(theirs) })
    }

    fn negotiated(self, codec: CodecPlan, rtcp_mux: bool, ours: Direction) -> Negotiated {
        let mut direction = both(ours, reverse(self.direction));
        if self.rtp.ip().is_unspecified() {
            direction = both(direction, Direction::RecvOnly);
        }
        let Self { rtp: remote_rtp, rtcp: remote_rtcp, .. } = self;
        Negotiated { codec, remote_rtp, remote_rtcp, rtcp_mux, direction }
    }
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
