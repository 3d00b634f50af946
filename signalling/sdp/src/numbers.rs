//! Which number means which format: while a session lasts, a number is never given another meaning (RFC 3264 §8.3.2).
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use crate::{Media, RtpMap};

/// The numbers that were used by now. At most 128 of them: they have seven bits.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct Numbers(Vec<(u8, RtpMap)>);

impl Numbers {
    /// Remembers what the numbers of `media` mean.
    pub(crate) fn note(&mut self, media: &Media) {
        for (number, map) in meanings(media) {
            if self.meaning(number).is_none() {
                self.0.push((number, map));
            }
        }
    }

    /// The number of what `map` says: the one it has, else `wanted`, else the first that is free.
    pub(crate) fn number(&mut self, map: &RtpMap, wanted: u8) -> Option<u8> {
        if let Some((number, _)) = self.0.iter().find(|(_, have)| same(have, map)) {
            return Some(*number);
        }
        // From 96 on, and from 127 down: dynamic numbers (RFC 3551 §6).
        let number =
            core::iter::once(wanted).chain(96..=127).find(|number| self.meaning(*number).is_none())?;
        self.0.push((number, map.clone()));
        Some(number)
    }

    /// `media` without the formats whose numbers once meant something else.
    pub(crate) fn without_changed(&self, media: &Media) -> Media {
        let mut kept = media.clone();
        kept.formats.retain(|format| match (number(format), media.rtpmap(format)) {
            (Some(number), Some(map)) => self.meaning(number).is_none_or(|have| same(have, &map)),
            _ => true,
        });
        kept
    }

    fn meaning(&self, number: u8) -> Option<&RtpMap> {
        self.0.iter().find(|(have, _)| *have == number).map(|(_, map)| map)
    }
}

fn meanings(media: &Media) -> impl Iterator<Item = (u8, RtpMap)> {
    media.formats.iter().filter_map(|format| Some((number(format)?, media.rtpmap(format)?)))
}

/// The payload type that `format` is: seven bits, written in one way only.
pub(crate) fn number(format: &str) -> Option<u8> {
    format.parse().ok().filter(|number: &u8| *number < 128 && number.to_string() == format)
}

fn same(a: &RtpMap, b: &RtpMap) -> bool {
    a.is(&b.encoding, b.clock_rate) && a.channels == b.channels
}
