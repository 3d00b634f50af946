//! Namespaces of Linux.
#![allow(unsafe_code)]

use std::{
    fs::{self, File},
    io, mem,
    net::{Ipv4Addr, UdpSocket},
    os::fd::AsRawFd as _,
};

/// A network namespace for this process, in a user namespace if there is no other way, with its loopback interface up: it
/// must do as well as the one before, if nothing else is made of it.
pub(super) fn claim() -> io::Result<()> {
    alone()?;
    loopback_up()
}

fn alone() -> io::Result<()> {
    match unshare(libc::CLONE_NEWNET) {
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {}
        other => return other,
    }
    // SAFETY: these calls only answer a number.
    let (user, group) = unsafe { (libc::geteuid(), libc::getegid()) };
    unshare(libc::CLONE_NEWUSER | libc::CLONE_NEWNET)?;
    // Groups can be mapped only by who may not change its own any more (user_namespaces(7)).
    fs::write("/proc/self/setgroups", "deny")?;
    fs::write("/proc/self/uid_map", format!("0 {user} 1"))?;
    fs::write("/proc/self/gid_map", format!("0 {group} 1"))
}

fn loopback_up() -> io::Result<()> {
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0))?;
    // SAFETY: a plain struct of integers and a union of such, for which zero is a valid value.
    let mut request = unsafe { mem::zeroed::<libc::ifreq>() };
    for (byte, given) in request.ifr_name.iter_mut().zip(b"lo") {
        *byte = *given as libc::c_char;
    }
    request.ifr_ifru.ifru_flags = libc::IFF_UP as libc::c_short;
    // SAFETY: the request is alive during the call, and is only read.
    done(unsafe { libc::ioctl(socket.as_raw_fd(), libc::SIOCSIFFLAGS, &raw mut request) })
}

/// Moves this thread into a new network namespace, and answers what keeps it.
pub(super) fn create() -> io::Result<File> {
    unshare(libc::CLONE_NEWNET)?;
    File::open("/proc/thread-self/ns/net")
}

/// Moves this thread into a network namespace.
pub(super) fn enter(space: &File) -> io::Result<()> {
    // SAFETY: no pointers; the descriptor is open during the call.
    done(unsafe { libc::setns(space.as_raw_fd(), libc::CLONE_NEWNET) })
}

fn unshare(what: libc::c_int) -> io::Result<()> {
    // SAFETY: no pointers; network and user namespaces hold no memory of this process.
    done(unsafe { libc::unshare(what) })
}

fn done(result: libc::c_int) -> io::Result<()> {
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}
