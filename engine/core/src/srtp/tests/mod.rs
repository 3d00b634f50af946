mod behaviour;
mod properties;
mod vectors;

use super::{MasterKey, Profile, SrtpContext};

const PROFILES: [Profile; 4] = [
    Profile::AesCm128HmacSha1_80,
    Profile::AesCm128HmacSha1_32,
    Profile::AeadAes128Gcm,
    Profile::AeadAes256Gcm,
];

fn bytes(hex: &str) -> Vec<u8> {
    let digits: Vec<u8> = hex.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
    digits.chunks(2).map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
}

fn master(profile: Profile) -> MasterKey {
    let key: Vec<u8> = (0..46).map(|i| i * 5 + 1).collect();
    MasterKey::from_joined(profile, &key[..profile.key_len() + profile.salt_len()]).unwrap()
}

fn context(profile: Profile) -> SrtpContext {
    SrtpContext::new(profile, &master(profile)).unwrap()
}

/// An RTP packet of a G.711 call.
fn rtp(ssrc: u32, seq: u16) -> Vec<u8> {
    let mut packet = vec![0x80, 0];
    packet.extend(seq.to_be_bytes());
    packet.extend([0, 0, 3, 0xc0]);
    packet.extend(ssrc.to_be_bytes());
    packet.extend([0x55; 160]);
    packet
}

/// An empty receiver report.
fn rtcp(ssrc: u32) -> Vec<u8> {
    let mut packet = vec![0x80, 201, 0, 1];
    packet.extend(ssrc.to_be_bytes());
    packet.extend(b"\x81\xcb\0\x01bye!");
    packet
}

fn protect_rtp(context: &mut SrtpContext, plain: &[u8]) -> Vec<u8> {
    let mut packet = plain.to_vec();
    packet.resize(plain.len() + 40, 0xee);
    let len = context.protect_rtp(&mut packet, plain.len()).unwrap();
    packet.truncate(len);
    packet
}

fn protect_rtcp(context: &mut SrtpContext, plain: &[u8]) -> Vec<u8> {
    let mut packet = plain.to_vec();
    packet.resize(plain.len() + 40, 0xee);
    let len = context.protect_rtcp(&mut packet, plain.len()).unwrap();
    packet.truncate(len);
    packet
}
