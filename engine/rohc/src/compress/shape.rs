//! The smallest header that whatever the other side knows is enough for.
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use super::context::Flow;
use crate::headers::Varying;

/// What the bit T says, or that there is none.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Carries {
    /// The timestamp; the identification is in an extension, if anywhere.
    Ts,
    /// The identification.
    Id,
    /// There is no identification to be told: no bit T.
    Only,
}

/// A form of header, with how many bits of each number it has.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Shape {
    pub(super) kind: Kind,
    pub(super) carries: Carries,
    pub(super) extension: Option<u8>,
    pub(super) sn: u32,
    pub(super) ts: u32,
    pub(super) id: u32,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Kind {
    Uo0,
    Uo1,
    Uor2,
}

impl Shape {
    const fn plain(kind: Kind, carries: Carries, sn: u32, ts: u32, id: u32) -> Self {
        Self { kind, carries, extension: None, sn, ts, id }
    }

    const fn extended(carries: Carries, extension: u8, ts: u32, id: u32) -> Self {
        Self { kind: Kind::Uor2, carries, extension: Some(extension), sn: 9, ts, id }
    }

    /// The first that fits; `None`: nothing but a whole dynamic chain does.
    pub(super) fn choose(flow: &Flow, next: &Varying) -> Option<Self> {
        let follows = flow.ts_follows(next);
        let scales = flow.ts_scales(next);
        let forms: &[Self] = if flow.is_sequential() { &SEQUENTIAL } else { &RANDOM };
        let fits = |form: &&Self| {
            let has_marker = form.kind == Kind::Uor2 || form.kind == Kind::Uo1 && form.carries != Carries::Id;
            (has_marker || !next.marker)
                && (flow.careful == 0 || form.kind == Kind::Uor2)
                && flow.sn_fits(next, form.sn)
                && if form.ts == 0 { follows } else { scales && flow.ts_fits(next, form.ts) }
                && flow.id_fits(next, form.id)
        };
        if flow.fields == 0
            && let Some(form) = forms.iter().find(fits)
        {
            return Some(*form);
        }
        if !scales || !flow.id_fits(next, 0) {
            return None;
        }
        let sn = [6, 14].into_iter().find(|bits| flow.sn_fits(next, *bits))?;
        let (carries, base) = if flow.is_sequential() { (Carries::Ts, 5) } else { (Carries::Only, 6) };
        let lengths = [0, 7, 14, 21, 29].map(|more: u32| more.saturating_add(base));
        let ts = lengths.into_iter().find(|bits| flow.ts_fits(next, *bits))?;
        Some(Self { kind: Kind::Uor2, carries, extension: Some(3), sn, ts, id: 0 })
    }
}

/// Where the identification counts, the smaller first.
const SEQUENTIAL: [Shape; 10] = [
    Shape::plain(Kind::Uo0, Carries::Only, 4, 0, 0),
    Shape::plain(Kind::Uo1, Carries::Ts, 4, 5, 0),
    Shape::plain(Kind::Uo1, Carries::Id, 4, 0, 5),
    Shape::plain(Kind::Uor2, Carries::Ts, 6, 5, 0),
    Shape::plain(Kind::Uor2, Carries::Id, 6, 0, 5),
    Shape::extended(Carries::Ts, 0, 8, 0),
    Shape::extended(Carries::Id, 0, 0, 8),
    Shape::extended(Carries::Ts, 1, 8, 8),
    Shape::extended(Carries::Ts, 2, 16, 8),
    Shape::extended(Carries::Id, 2, 8, 16),
];
/// Where there is none, or it follows nothing.
const RANDOM: [Shape; 6] = [
    Shape::plain(Kind::Uo0, Carries::Only, 4, 0, 0),
    Shape::plain(Kind::Uo1, Carries::Only, 4, 6, 0),
    Shape::plain(Kind::Uor2, Carries::Only, 6, 6, 0),
    Shape::extended(Carries::Only, 0, 9, 0),
    Shape::extended(Carries::Only, 1, 17, 0),
    Shape::extended(Carries::Only, 2, 25, 0),
];
