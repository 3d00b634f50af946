//! Whatever packets and words come, in whatever order: a guard keeps to its bounds.

use core::time::Duration;

use rove_base::{
    ClockRate, CodecId, CodecPlan, Instant, MediaPlan, PayloadType, Route, RouteId, RouteKind, RtpTimestamp,
    SeqNumber, UdpFlow,
};
use rove_core::{
    path::Path,
    reroute::{COPYING, Cause, Guard, Heard, Say, Word},
};

/// Each six bytes are something that happens: what, by which route, a number, and how much later.
pub fn check(bytes: &[u8]) {
    let Some(path) = path() else { return };
    let mut now = Instant::ZERO;
    let mut guard = Guard::new(now, ClockRate::TELEPHONE);
    let mut copied: Option<Instant> = None;
    for step in bytes.chunks_exact(6).take(4_000) {
        let &[what, by, high, low, wait, timestamp] = step else { return };
        now += Duration::from_millis(u64::from(wait));
        let (by, number) = (RouteId(u32::from(by % 4)), u16::from_be_bytes([high, low]));
        match what % 8 {
            0..=3 => {
                let timestamp =
                    RtpTimestamp(u32::from(number).wrapping_mul(160).wrapping_add(timestamp.into()));
                let heard = Heard { by, seq: SeqNumber(number), timestamp, at: now };
                let _ = guard.expects(&heard);
                guard.heard(&heard, &path);
            }
            4 | 5 => {
                let read = Word::read(Word::NAME, timestamp, &[high, low, 0, 0]);
                let turn = read.and_then(|word| guard.on_word(now, by, word));
                assert!(turn.is_none_or(|turn| turn == by), "a word is about the route that it comes by");
            }
            6 => drop(guard.displeased(now, Cause::Quality, &path)),
            _ => guard.tick(now, &path),
        }
        guard.tick(now, &path);
        settled(&mut guard, now, &path, &mut copied);
    }
}

fn settled(guard: &mut Guard, now: Instant, path: &Path, copied: &mut Option<Instant>) {
    let mut words = 0;
    while let Some((by, word)) = guard.next_word() {
        words += 1;
        assert!(word.say != Say::Hello && by.0 < 4, "{word:?} by {by:?}");
    }
    assert!(words <= 6, "{words} words at once");
    assert!(guard.next().is_none_or(|next| next + Duration::from_secs(3_600) > now));
    if guard.copies(now).iter().any(Option::is_some) {
        // The peer may ask anew, but each time for so long and no longer.
        copied.get_or_insert(now);
        assert_eq!(guard.copies(now + COPYING), [None; 2]);
    }
    assert!(guard.copies(now).into_iter().flatten().count() <= 2);
    if let Some(told) = guard.rerouted() {
        assert!(told.from != told.to && told.suspected <= told.decided, "{told:?}");
        assert!(path.route(told.to).is_some() || told.kinds[1].is_none(), "{told:?}");
    }
}

fn path() -> Option<Path> {
    let codec = CodecPlan::new(CodecId::Pcmu, PayloadType::from_header(0));
    let mut plan = MediaPlan::builder(codec, "name");
    let kinds = [RouteKind::Direct, RouteKind::Other, RouteKind::Relay, RouteKind::Pvdpn];
    for (id, kind) in (0_u16..).zip(kinds) {
        let at = |host: u8| ([192, 0, 2, host], 4_000 + 2 * id).into();
        let rtp = UdpFlow { local: at(1), remote: at(2) };
        plan = plan.route(Route { id: RouteId(id.into()), kind, rtp, rtcp: rtp });
    }
    plan.build().ok().and_then(|plan| Path::new(&plan))
}
