//! A zone, a key and messages for the tests of this crate.

use rove_base::UnixTime;
use zeroize::Zeroizing;

use crate::{
    tsig::{Mac, TsigKey, sign},
    wire::{Name, class, rtype},
    zones::{Record, ZoneConfig},
};

pub(crate) fn name(text: &str) -> Name {
    text.parse().unwrap()
}

/// `home.example` with one of everything.
pub(crate) fn home() -> ZoneConfig {
    zone(
        "home.example",
        &[
            "ns A 192.0.2.53",
            "ns AAAA 2001:db8::53",
            "alice 30 A 192.0.2.1",
            "alice AAAA 2001:db8::1",
            "alice TXT \"a phone\"",
            "_sip._udp.alice SRV 10 0 5060 alice",
            "@ NAPTR 10 10 \"s\" \"SIP+D2U\" \"\" _sip._udp.alice",
            "www CNAME alice",
            "out CNAME elsewhere.example.",
            "loop1 CNAME loop2",
            "loop2 CNAME loop1",
            "deep.er.tree A 192.0.2.9",
            "lab NS ns.lab",
            "lab NS ns.other.example.",
            "ns.lab A 192.0.2.77",
        ],
    )
}

pub(crate) fn zone(origin: &str, records: &[&str]) -> ZoneConfig {
    let origin = name(origin);
    ZoneConfig {
        primary: name("ns.home.example"),
        hostmaster: name("hostmaster.home.example"),
        ttl: 60,
        negative_ttl: 15,
        records: records.iter().map(|line| Record::parse(line, &origin, 60).unwrap()).collect(),
        origin,
    }
}

/// A key that may change `home.example` and the reverse zone.
pub(crate) fn key() -> TsigKey {
    let secret = Zeroizing::new(b"thirty-two bytes are a good size".to_vec());
    let key = TsigKey::new("update.home.example", secret).unwrap();
    key.allowing(name("home.example")).allowing(name("2.0.192.in-addr.arpa"))
}

pub(crate) const NOON: UnixTime = UnixTime::from_secs(1_700_000_000);

pub(crate) fn question(id: u16, asked: &str, rtype: u16) -> Vec<u8> {
    Message::new(id, 0x0100, asked, rtype).bytes
}

/// An update of the zone `home.example`, or another, put together piece by piece.
pub(crate) fn update(id: u16) -> Message {
    Message::new(id, 0x2800, "home.example", rtype::SOA)
}

#[derive(Clone)]
pub(crate) struct Message {
    pub(crate) bytes: Vec<u8>,
}

impl Message {
    pub(crate) fn new(id: u16, flags: u16, asked: &str, rtype: u16) -> Self {
        let mut bytes = [id, flags, 1, 0, 0, 0].map(u16::to_be_bytes).concat();
        bytes.extend_from_slice(name(asked).as_wire());
        bytes.extend_from_slice(&rtype.to_be_bytes());
        bytes.extend_from_slice(&class::IN.to_be_bytes());
        Self { bytes }
    }

    /// Appends a record to section 1 (prerequisites), 2 (updates) or 3 (additional).
    pub(crate) fn record(
        mut self,
        section: usize,
        owner: &str,
        rtype: u16,
        class: u16,
        ttl: u32,
        rdata: &[u8],
    ) -> Self {
        self.bytes.extend_from_slice(name(owner).as_wire());
        self.bytes.extend_from_slice(&rtype.to_be_bytes());
        self.bytes.extend_from_slice(&class.to_be_bytes());
        self.bytes.extend_from_slice(&ttl.to_be_bytes());
        self.bytes.extend_from_slice(&u16::try_from(rdata.len()).unwrap().to_be_bytes());
        self.bytes.extend_from_slice(rdata);
        self.bytes[4 + 2 * section + 1] += 1;
        self
    }

    pub(crate) fn add(self, line: &str) -> Self {
        let Record { name, rtype, ttl, rdata } = Record::parse(line, &name("home.example"), 60).unwrap();
        self.record(2, &name.to_string(), rtype, class::IN, ttl, &rdata)
    }

    pub(crate) fn delete_one(self, line: &str) -> Self {
        let Record { name, rtype, rdata, .. } = Record::parse(line, &name("home.example"), 60).unwrap();
        self.record(2, &name.to_string(), rtype, class::NONE, 0, &rdata)
    }

    pub(crate) fn delete(self, owner: &str, rtype: u16) -> Self {
        self.record(2, owner, rtype, class::ANY, 0, &[])
    }

    /// The bytes, signed at `time`, and the signature.
    pub(crate) fn signed(&self, key: &TsigKey, time: UnixTime) -> (Vec<u8>, Mac) {
        let mut bytes = self.bytes.clone();
        let mac = sign(&mut bytes, key, time, None);
        (bytes, mac)
    }
}
