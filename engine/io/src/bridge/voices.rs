//! The voice of one call on its way to the ears of another, and parts that are exchanged while a callback uses them.
//!
//! Both ends of a [`VoiceTx`] belong to callbacks, each at its own moment: the reader waits until enough is there to bridge
//! the difference, and lets go of what is too much.

use super::ring::{Rx, Tx, ring};

/// The end of who speaks.
#[derive(Debug)]
pub struct VoiceTx(Tx<f32>);

/// The end of who hears.
#[derive(Debug)]
pub struct VoiceRx {
    ring: Rx<f32>,
    /// Samples that wait before anything is heard; of more than thrice as many the oldest are left out.
    wait: usize,
    /// Whether so many have come.
    flows: bool,
}

/// Both ends of a ring of mono samples, of which `wait` are to lie ready.
#[must_use]
pub fn voice_ring(wait: usize) -> (VoiceTx, VoiceRx) {
    let wait = wait.max(1);
    let (tx, rx) = ring(wait.saturating_mul(8));
    (VoiceTx(tx), VoiceRx { ring: rx, wait, flows: false })
}

impl VoiceTx {
    /// Says what there is room for; the rest is lost, since nobody listens.
    ///
    /// # Realtime
    ///
    /// Wait-free.
    pub fn say(&mut self, pcm: &[f32]) {
        self.0.push_slice(pcm);
    }
}

impl VoiceRx {
    /// Fills `out` with what was said. `false`, and silence, while not enough is there.
    ///
    /// # Realtime
    ///
    /// Wait-free.
    pub fn hear(&mut self, out: &mut [f32]) -> bool {
        let ready = self.ring.len();
        let most = self.wait.saturating_mul(3).saturating_add(out.len());
        if ready > most {
            self.ring.visit(ready.saturating_sub(self.wait.saturating_add(out.len())), |_| ());
        }
        self.flows =
            if self.flows { ready >= out.len() } else { ready >= self.wait.saturating_add(out.len()) };
        if !self.flows {
            out.fill(0.0);
            return false;
        }
        let mut rest = out;
        self.ring.visit(rest.len(), |piece| {
            let (now, later) = core::mem::take(&mut rest).split_at_mut(piece.len());
            now.copy_from_slice(piece);
            rest = later;
        });
        true
    }
}

/// The end that gives another part; what it replaces comes back to be dropped here.
#[derive(Debug)]
pub struct PartTx<T> {
    give: Tx<Box<T>>,
    back: Rx<Box<T>>,
}

/// The end of the callback that uses it.
#[derive(Debug)]
pub struct PartRx<T> {
    take: Rx<Box<T>>,
    back: Tx<Box<T>>,
    part: Option<Box<T>>,
}

/// Both ends of the exchange of a part, of which there is none yet.
#[must_use]
pub fn part<T>() -> (PartTx<T>, PartRx<T>) {
    let (give, take) = ring(EXCHANGES);
    // Whatever was ever given has room on its way back.
    let (home, back) = ring(EXCHANGES.saturating_mul(2));
    (PartTx { give, back }, PartRx { take, back: home, part: None })
}

impl<T> PartTx<T> {
    /// Gives another part. `false` when the callback has not taken the ones before, or is gone.
    pub fn give(&mut self, part: T) -> bool {
        while self.back.pop().is_some() {}
        self.give.push(Box::new(part)).is_ok()
    }
}

impl<T> PartRx<T> {
    /// The newest part; `None` as long as there was none.
    ///
    /// # Realtime
    ///
    /// Wait-free; nothing is dropped.
    pub fn newest(&mut self) -> Option<&mut T> {
        if self.back.room() > 0
            && let Some(next) = self.take.pop()
            && let Some(old) = self.part.replace(next)
        {
            // There was room, and nobody else puts anything in.
            let _ = self.back.push(old);
        }
        self.part.as_deref_mut()
    }
}

/// Parts on their way at a time.
const EXCHANGES: usize = 4;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_voice_is_heard_once_enough_of_it_waits_and_never_late_by_more_than_thrice_that() {
        let (mut tx, mut rx) = voice_ring(10);
        let mut out = [9.0; 4];
        assert!(!rx.hear(&mut out) && out == [0.0; 4], "nobody has spoken");
        tx.say(&[1.0; 10]);
        assert!(!rx.hear(&mut out), "not enough waits");
        tx.say(&[2.0; 10]);
        assert!(rx.hear(&mut out) && out == [1.0; 4]);
        tx.say(&[3.0; 60]);
        assert!(rx.hear(&mut out) && out == [3.0; 4], "the old is left out");
        let mut heard = 0;
        while rx.hear(&mut out) {
            heard += 1;
        }
        assert_eq!(heard, 2, "what waits is heard to its end, then it waits again");
    }

    #[test]
    fn parts_that_were_replaced_come_home() {
        let (mut tx, mut rx) = part::<String>();
        assert_eq!(rx.newest(), None);
        for number in 0..100 {
            assert!(tx.give(number.to_string()));
            assert_eq!(rx.newest().map(|part| part.clone()), Some(number.to_string()));
        }
        let given = (0..10).filter(|_| tx.give(String::new())).count();
        assert_eq!(given, EXCHANGES, "who does not take is not given more");
    }
}
