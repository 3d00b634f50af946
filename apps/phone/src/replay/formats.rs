//! What payload types are where no SDP says it.
#![deny(clippy::arithmetic_side_effects)]

use rove_base::{CodecId, PayloadType};

/// What a payload type stands for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Format {
    /// Speech in this codec.
    Speech(CodecId),
    /// Redundant audio data (RFC 2198).
    Red,
    /// Comfort noise (RFC 3389).
    ComfortNoise,
    /// Named telephone events (RFC 4733).
    TelephoneEvent,
}

impl Format {
    /// By the name that SDP gives it, in any case; `cn` and `comfort-noise` are one.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        let codecs = [CodecId::Opus, CodecId::Pcmu, CodecId::Pcma, CodecId::G722, CodecId::L16];
        if let Some(codec) = codecs.into_iter().find(|codec| codec.encoding_name().eq_ignore_ascii_case(name))
        {
            return Some(Self::Speech(codec));
        }
        match name.to_ascii_lowercase().as_str() {
            "red" => Some(Self::Red),
            "cn" | "comfort-noise" => Some(Self::ComfortNoise),
            "telephone-event" => Some(Self::TelephoneEvent),
            _ => None,
        }
    }
}

/// The format of each payload type.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct FormatMap([Option<Format>; 128]);

impl Default for FormatMap {
    /// 0, 8, 9 and 13 as in RFC 3551; 111 Opus, 63 redundancy, 96 uncoded samples and 101 telephone events, as most use them.
    fn default() -> Self {
        let usual = [
            (0, Format::Speech(CodecId::Pcmu)),
            (8, Format::Speech(CodecId::Pcma)),
            (9, Format::Speech(CodecId::G722)),
            (13, Format::ComfortNoise),
            (63, Format::Red),
            (96, Format::Speech(CodecId::L16)),
            (101, Format::TelephoneEvent),
            (111, Format::Speech(CodecId::Opus)),
        ];
        let mut map = Self([None; 128]);
        usual.into_iter().for_each(|(number, format)| map.set(number, format));
        map
    }
}

impl FormatMap {
    /// From now on `number` is `format`. Numbers above 127 are none.
    pub fn set(&mut self, number: u8, format: Format) {
        if let Some(slot) = self.0.get_mut(usize::from(number)) {
            *slot = Some(format);
        }
    }

    /// What `number` is.
    #[must_use]
    pub fn get(&self, number: PayloadType) -> Option<Format> {
        self.0.get(usize::from(number.number())).copied().flatten()
    }

    /// The number of `format`; the one that was set last is not known, so the highest is taken: what is set by hand is mostly
    /// dynamic.
    pub(super) fn number_of(&self, format: Format) -> Option<PayloadType> {
        let number = self.0.iter().rposition(|slot| *slot == Some(format))?;
        PayloadType::new(u8::try_from(number).ok()?)
    }
}
