//! Voice as it comes out of phones: IP packets of 20 ms with pauses, marks, and what else happens to headers.

/// Numbers from a seed (splitmix64).
pub(super) struct Random(pub(super) u64);

impl Random {
    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ z >> 31
    }

    pub(super) fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }
}

/// What the headers are like.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Kind {
    /// IPv4 without UDP checksum, identification counting.
    V4,
    V4Checksum,
    /// Identification counting in the other byte order, with other traffic between.
    V4Swapped,
    V4Random,
    /// Identification always 0.
    V4Zero,
    V6,
}

pub(super) const KINDS: [Kind; 6] =
    [Kind::V4, Kind::V4Checksum, Kind::V4Swapped, Kind::V4Random, Kind::V4Zero, Kind::V6];

pub(super) struct Voice {
    kind: Kind,
    random: Random,
    /// Whether things happen that are rare: other tones, other classes, sources, extensions, gaps in the numbers.
    pub(super) eventful: bool,
    pub(super) pauses: bool,
    pub(super) stride: u32,
    pub(super) sn: u16,
    pub(super) ts: u32,
    ssrc: u32,
    id: u16,
    tos: u8,
    ttl: u8,
    payload_type: u8,
    extension: bool,
    csrcs: Vec<u32>,
    left: u64,
}

impl Voice {
    pub(super) fn new(kind: Kind, seed: u64) -> Self {
        let mut random = Random(seed);
        Self {
            kind,
            eventful: false,
            pauses: true,
            stride: 160,
            sn: random.next() as u16,
            ts: random.next() as u32,
            ssrc: random.next() as u32,
            id: random.next() as u16,
            tos: 0xb8,
            ttl: 63,
            payload_type: 0,
            extension: false,
            csrcs: Vec::new(),
            left: 200,
            random,
        }
    }

    pub(super) fn next(&mut self) -> Vec<u8> {
        let mut marker = false;
        self.sn = self.sn.wrapping_add(1);
        self.ts = self.ts.wrapping_add(self.stride);
        self.left = self.left.saturating_sub(1);
        if self.pauses && self.left == 0 {
            // Talk of 1 to 6 s, then a pause of up to 4 s of which nothing is sent.
            self.left = 50 + self.random.below(250);
            marker = true;
            self.ts = self.ts.wrapping_add(self.stride * (2 + self.random.below(200)) as u32);
        }
        if self.eventful {
            self.happen();
        }
        self.id = match self.kind {
            Kind::V4Random => self.random.next() as u16,
            Kind::V4Zero => 0,
            Kind::V4Swapped if self.random.below(20) == 0 => self.id.wrapping_add(3),
            _ => self.id.wrapping_add(1),
        };
        self.packet(marker)
    }

    fn happen(&mut self) {
        match self.random.below(400) {
            0 => self.tos ^= 0x10,
            1 => self.ttl ^= 0x03,
            2 => self.payload_type ^= 0x65,
            3 => self.extension = !self.extension,
            4 => self.csrcs = (0..self.random.below(16)).map(|n| 1_000 + n as u32).collect(),
            5 => self.sn = self.sn.wrapping_add(self.random.below(300) as u16),
            6 => self.ts = self.ts.wrapping_add(self.random.next() as u32),
            7 => self.sn = self.sn.wrapping_sub(2),
            8 => self.ts = self.ts.wrapping_sub(self.stride),
            9 => self.stride = [160, 320, 960, 80][self.random.below(4) as usize],
            10 => self.id = self.random.next() as u16,
            11 => self.ts = u32::MAX - 5 * self.stride,
            12 => self.sn = u16::MAX - 3,
            13 => self.ts = self.ts.wrapping_add(37),
            14 => self.id = self.id.wrapping_add(40),
            15 => self.sn = self.random.next() as u16,
            16..20 => {
                // Lost before it came here, while others sent as well.
                let lost = 1 + self.random.below(60) as u16;
                self.sn = self.sn.wrapping_add(lost);
                self.ts = self.ts.wrapping_add(u32::from(lost) * self.stride);
                self.id = self.id.wrapping_add(lost + self.random.below(30) as u16);
            }
            _ => {}
        }
    }

    fn packet(&mut self, marker: bool) -> Vec<u8> {
        let mut rtp = vec![0x80 | u8::from(self.extension) << 4 | self.csrcs.len() as u8];
        rtp.push(u8::from(marker) << 7 | self.payload_type);
        rtp.extend_from_slice(&self.sn.to_be_bytes());
        rtp.extend_from_slice(&self.ts.to_be_bytes());
        rtp.extend_from_slice(&self.ssrc.to_be_bytes());
        for source in &self.csrcs {
            rtp.extend_from_slice(&source.to_be_bytes());
        }
        if self.extension {
            rtp.extend_from_slice(&[0xbe, 0xde, 0, 1, 0x10, 0x55, 0, 0]);
        }
        let payload = 20 + self.random.below(20);
        rtp.extend((0..payload).map(|_| self.random.next() as u8));
        match self.kind {
            Kind::V6 => udp6(&rtp, self.tos, self.ttl),
            kind => {
                let id = if kind == Kind::V4Swapped { self.id.swap_bytes() } else { self.id };
                let mut packet = udp4(&rtp, id);
                packet[1] = self.tos;
                packet[8] = self.ttl;
                finish4(&mut packet, kind == Kind::V4Checksum);
                packet
            }
        }
    }
}

/// A datagram of UDP over IPv4, without UDP checksum.
pub(super) fn udp4(payload: &[u8], id: u16) -> Vec<u8> {
    let udp = (payload.len() + 8) as u16;
    let mut packet = vec![0x45, 0];
    packet.extend_from_slice(&(udp + 20).to_be_bytes());
    packet.extend_from_slice(&id.to_be_bytes());
    packet.extend_from_slice(&[0x40, 0, 64, 17, 0, 0, 192, 0, 2, 1, 198, 51, 100, 7]);
    for number in [40_000, 50_000, udp, 0] {
        packet.extend_from_slice(&number.to_be_bytes());
    }
    packet.extend_from_slice(payload);
    finish4(&mut packet, false);
    packet
}

fn finish4(packet: &mut [u8], checksum: bool) {
    packet[10..12].fill(0);
    let sum = !sum(&packet[..20], 0);
    packet[10..12].copy_from_slice(&sum.to_be_bytes());
    if checksum {
        let pseudo = 17 + packet.len() as u32 - 20;
        let sum = !self::sum(&packet[12..], pseudo);
        packet[26..28].copy_from_slice(&if sum == 0 { 0xffff } else { sum }.to_be_bytes());
    }
}

fn udp6(payload: &[u8], class: u8, hops: u8) -> Vec<u8> {
    let udp = (payload.len() + 8) as u16;
    let mut packet = vec![0x60 | class >> 4, class << 4 | 0x0a, 0xbc, 0xde];
    packet.extend_from_slice(&udp.to_be_bytes());
    packet.extend_from_slice(&[17, hops]);
    packet.extend_from_slice(&[0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
    packet.extend_from_slice(&[0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2]);
    for number in [40_000, 50_000, udp, 0] {
        packet.extend_from_slice(&number.to_be_bytes());
    }
    packet.extend_from_slice(payload);
    let sum = !sum(&packet[8..], 17 + u32::from(udp));
    packet[46..48].copy_from_slice(&if sum == 0 { 0xffff } else { sum }.to_be_bytes());
    packet
}

/// RFC 1071, from a sum that was begun.
fn sum(bytes: &[u8], begun: u32) -> u16 {
    let mut sum = begun;
    for pair in bytes.chunks(2) {
        sum += u32::from(u16::from_be_bytes([pair[0], pair.get(1).copied().unwrap_or(0)]));
    }
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    sum as u16
}
