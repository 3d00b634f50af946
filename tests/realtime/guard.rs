//! Aborts on an allocation while it is forbidden: Rust's through `assert_no_alloc`, and C's, libopus' above all, by standing
//! in for `malloc` itself.

#![allow(unsafe_code)]

#[global_allocator]
static RUST: assert_no_alloc::AllocDisabler = assert_no_alloc::AllocDisabler;

/// Runs `body`; an allocation or deallocation in it, in Rust or in C, aborts the process.
pub(crate) fn no_alloc<T>(body: impl FnOnce() -> T) -> T {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    let _forbidden = c::Forbidden::new();
    assert_no_alloc::assert_no_alloc(body)
}

/// Symbols of an executable come before those of the C library, so every `malloc` in this process is this one.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
mod c {
    use std::{cell::Cell, ffi::c_void};

    thread_local! {
        static FORBIDDEN: Cell<bool> = const { Cell::new(false) };
    }

    /// Forbids C's allocations on this thread while it lives.
    pub(super) struct Forbidden;

    impl Forbidden {
        pub(super) fn new() -> Self {
            FORBIDDEN.set(true);
            Self
        }
    }

    impl Drop for Forbidden {
        fn drop(&mut self) {
            FORBIDDEN.set(false);
        }
    }

    fn check() {
        if FORBIDDEN.get() {
            const WORDS: &[u8] = b"an allocation where none is allowed\n";
            // SAFETY: the pointer and length are of one slice; `abort` does not return.
            unsafe {
                libc::write(2, WORDS.as_ptr().cast(), WORDS.len());
                libc::abort();
            }
        }
    }

    unsafe extern "C" {
        fn __libc_malloc(size: usize) -> *mut c_void;
        fn __libc_calloc(count: usize, size: usize) -> *mut c_void;
        fn __libc_realloc(old: *mut c_void, size: usize) -> *mut c_void;
        fn __libc_free(old: *mut c_void);
    }

    // SAFETY (all four): the C library's own functions, under their other names, do what these names promise.
    #[unsafe(no_mangle)]
    unsafe extern "C" fn malloc(size: usize) -> *mut c_void {
        check();
        unsafe { __libc_malloc(size) }
    }

    #[unsafe(no_mangle)]
    unsafe extern "C" fn calloc(count: usize, size: usize) -> *mut c_void {
        check();
        unsafe { __libc_calloc(count, size) }
    }

    #[unsafe(no_mangle)]
    unsafe extern "C" fn realloc(old: *mut c_void, size: usize) -> *mut c_void {
        check();
        unsafe { __libc_realloc(old, size) }
    }

    #[unsafe(no_mangle)]
    unsafe extern "C" fn free(old: *mut c_void) {
        check();
        unsafe { __libc_free(old) }
    }
}
