//! The one lock-free ring: first in, first out, one producer, one consumer.
//!
//! A thin face of `ringbuf`, the only place that names it. What we rely on is that an item is wholly written before it is
//! seen, and wholly read before its place is written again. That is checked three ways: tests/loom compiles this file
//! against the real ring on loom's atomics and tries every interleaving the memory model allows, miri runs it
//! (`miri_*` in this module's tests), and two threads pass a million items through it in a plain test.

use core::fmt;

use ringbuf::{
    HeapCons, HeapProd, HeapRb,
    traits::{Consumer, Observer, Producer, Raw, Split},
};

/// The end where items go in.
pub(super) struct Tx<T>(HeapProd<T>);

/// The end where items come out.
pub(super) struct Rx<T>(HeapCons<T>);

/// A ring of `capacity` items, one at least. The only allocation.
pub(super) fn ring<T>(capacity: usize) -> (Tx<T>, Rx<T>) {
    let (tx, rx) = HeapRb::new(capacity.max(1)).split();
    (Tx(tx), Rx(rx))
}

/// The end where items are written in place.
pub(super) struct Places<T>(Tx<T>);

/// A ring of `capacity` items, one at least, whose places hold `item` from the start, so that what is put in later need
/// not be copied whole. The only allocation.
pub(super) fn places<T: Clone>(capacity: usize, item: &T) -> (Places<T>, Rx<T>) {
    // What leaves the ring must not take anything with it that the next one in its place still needs.
    const { assert!(!core::mem::needs_drop::<T>()) };
    let (mut tx, mut rx) = ring(capacity);
    while tx.push(item.clone()).is_ok() {}
    rx.visit(usize::MAX, |_| ());
    (Places(tx), rx)
}

impl<T> Places<T> {
    /// Shows `write` the next place, with whatever it was left with; it is an item as soon as `write` answers `true`. Answers
    /// the same; `false` without asking when the ring is full.
    #[inline]
    #[allow(unsafe_code)]
    pub(super) fn write(&mut self, write: impl FnOnce(&mut T) -> bool) -> bool {
        let ring = &mut self.0.0;
        let Some(place) = ring.vacant_slices_mut().0.first_mut() else { return false };
        // SAFETY: `places` filled every place before either end was handed out; a `T` that was removed is still one, for
        // it needs no dropping and nothing in this file, the only one that sees the ring, takes it out of its place.
        let kept = write(unsafe { place.assume_init_mut() });
        if kept {
            // SAFETY: the first vacant place exists and is initialised, as said above.
            unsafe { ring.advance_write_index(1) };
        }
        kept
    }
}

impl<T> Tx<T> {
    /// Puts `item` in; gives it back when the ring is full.
    #[inline]
    pub(super) fn push(&mut self, item: T) -> Result<(), T> {
        self.0.try_push(item)
    }

    /// How many items fit now, at least.
    #[inline]
    pub(super) fn room(&self) -> usize {
        self.0.vacant_len()
    }
}

impl<T: Copy> Tx<T> {
    /// Puts as many of `items` in as fit, in one step; answers how many.
    #[inline]
    pub(super) fn push_slice(&mut self, items: &[T]) -> usize {
        self.0.push_slice(items)
    }
}

impl<T> Rx<T> {
    /// Takes the oldest item.
    #[inline]
    pub(super) fn pop(&mut self) -> Option<T> {
        self.0.try_pop()
    }

    /// How many items wait, at least.
    #[inline]
    pub(super) fn len(&self) -> usize {
        self.0.occupied_len()
    }
}

impl<T> Rx<T> {
    /// Shows `visit` up to `most` items in place, oldest first, in at most two pieces, and removes them. Only for items
    /// that need no dropping, so that removing them is one step.
    #[inline]
    pub(super) fn visit(&mut self, most: usize, mut visit: impl FnMut(&[T])) {
        const { assert!(!core::mem::needs_drop::<T>()) };
        let (front, back) = self.0.as_slices();
        let front = front.get(..most).unwrap_or(front);
        let back = back.get(..most - front.len()).unwrap_or(back);
        for piece in [front, back] {
            if !piece.is_empty() {
                visit(piece);
            }
        }
        let count = front.len() + back.len();
        self.0.skip(count);
    }
}

impl<T> fmt::Debug for Tx<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Tx({} of {})", self.0.occupied_len(), self.0.capacity())
    }
}

impl<T> fmt::Debug for Places<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl<T> fmt::Debug for Rx<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Rx({} of {})", self.0.occupied_len(), self.0.capacity())
    }
}
