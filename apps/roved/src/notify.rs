//! What a service manager is told (sd_notify): a datagram to the socket that it names.

use std::{env, ffi::OsString, os::unix::net::UnixDatagram};

/// Where the service manager listens; nowhere when it did not start this program so. Taken once, so that no child of
/// this program speaks in its name.
pub(crate) struct Notifier(Option<OsString>);

impl Notifier {
    pub(crate) fn of_environment() -> Self {
        Self(env::var_os("NOTIFY_SOCKET").filter(|path| !path.is_empty()))
    }

    /// It does its work.
    pub(crate) fn ready(&self) {
        self.tell("READY=1\nSTATUS=at work");
    }

    /// It reads its configuration again, and goes on meanwhile.
    pub(crate) fn reloaded(&self) {
        self.tell("READY=1\nSTATUS=at work; read again");
    }

    /// It ends.
    pub(crate) fn stopping(&self) {
        self.tell("STOPPING=1");
    }

    /// A manager that does not listen is no reason to end.
    fn tell(&self, state: &str) {
        let Some(path) = &self.0 else { return };
        let sent = UnixDatagram::unbound().and_then(|socket| send(&socket, path, state));
        if let Err(error) = sent {
            tracing::warn!(target: "rove::node", %error, "the service manager was not told");
        }
    }
}

/// To a file's path, or, on Linux, to a name that begins with @.
fn send(socket: &UnixDatagram, path: &std::ffi::OsStr, state: &str) -> std::io::Result<()> {
    #[cfg(target_os = "linux")]
    if let Some(name) = path.as_encoded_bytes().strip_prefix(b"@") {
        use std::os::{linux::net::SocketAddrExt as _, unix::net::SocketAddr};
        return socket.send_to_addr(state.as_bytes(), &SocketAddr::from_abstract_name(name)?).map(drop);
    }
    socket.send_to(state.as_bytes(), path).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_manager_is_told_at_its_socket_and_nobody_without_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notify");
        let socket = UnixDatagram::bind(&path).unwrap();
        Notifier(Some(path.into())).ready();
        let mut heard = [0; 64];
        let len = socket.recv(&mut heard).unwrap();
        assert!(heard[..len].starts_with(b"READY=1"));
        Notifier(None).ready();
    }
}
