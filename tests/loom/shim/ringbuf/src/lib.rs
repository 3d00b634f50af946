//! The real `ringbuf`, unchanged, over memory that loom watches.
//!
//! `ringbuf` is generic over its storage, and every access goes through [`Storage::slice`] or [`Storage::slice_mut`].
//! [`Watched`] tells loom of each, place by place; loom then panics when two of them have no order between them.

use core::{cell::UnsafeCell, mem::MaybeUninit, ops::Range};
use std::sync::Arc;

use real::{CachingCons, CachingProd, SharedRb, storage::Storage};

pub use real::traits;

/// The end where items go in.
pub type HeapProd<T> = CachingProd<Arc<SharedRb<Watched<T>>>>;
/// The end where items come out.
pub type HeapCons<T> = CachingCons<Arc<SharedRb<Watched<T>>>>;

/// A ring on the heap.
pub struct HeapRb<T>(SharedRb<Watched<T>>);

impl<T> HeapRb<T> {
    /// A ring of `capacity` items.
    pub fn new(capacity: usize) -> Self {
        let storage = Watched {
            items: (0..capacity).map(|_| UnsafeCell::new(MaybeUninit::uninit())).collect(),
            watch: (0..capacity).map(|_| loom::cell::UnsafeCell::new(())).collect(),
        };
        // SAFETY: no place is initialised, and the range from 0 to 0 is empty.
        Self(unsafe { SharedRb::from_raw_parts(storage, 0, 0) })
    }
}

impl<T> traits::Split for HeapRb<T> {
    type Prod = HeapProd<T>;
    type Cons = HeapCons<T>;

    fn split(self) -> (Self::Prod, Self::Cons) {
        self.0.split()
    }
}

/// Places for items, each with a cell that loom knows.
pub struct Watched<T> {
    items: Box<[UnsafeCell<MaybeUninit<T>>]>,
    watch: Box<[loom::cell::UnsafeCell<()>]>,
}

impl<T> Watched<T> {
    /// The cells of `range`; none once loom has found a race and the ring is dropped on the way out.
    fn watched(&self, range: &Range<usize>) -> impl Iterator<Item = &loom::cell::UnsafeCell<()>> {
        self.watch[range.clone()].iter().filter(|_| !std::thread::panicking())
    }
}

// SAFETY: as for the storage it stands for: the ring orders all access, which is what loom checks here.
unsafe impl<T: Send> Sync for Watched<T> {}
// SAFETY: it owns its items.
unsafe impl<T: Send> Send for Watched<T> {}

// SAFETY: the pointer is to the items, whose number never changes; they are behind `UnsafeCell`s, which have the layout of
// what they hold, and do not alias `self`.
unsafe impl<T> Storage for Watched<T> {
    type Item = T;

    fn len(&self) -> usize {
        self.items.len()
    }

    fn as_mut_ptr(&self) -> *mut MaybeUninit<T> {
        UnsafeCell::raw_get(self.items.as_ptr())
    }

    unsafe fn slice(&self, range: Range<usize>) -> &[MaybeUninit<T>] {
        self.watched(&range).for_each(|cell| cell.with(|_| ()));
        // SAFETY: promised by the caller.
        unsafe { core::slice::from_raw_parts(self.as_ptr().add(range.start), range.len()) }
    }

    unsafe fn slice_mut(&self, range: Range<usize>) -> &mut [MaybeUninit<T>] {
        self.watched(&range).for_each(|cell| cell.with_mut(|_| ()));
        // SAFETY: promised by the caller.
        unsafe { core::slice::from_raw_parts_mut(self.as_mut_ptr().add(range.start), range.len()) }
    }
}
