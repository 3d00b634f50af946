//! The secrets of sessions in a file, as programs that read captures want them (draft-ietf-tls-keylogfile).

use std::{
    fmt::Write as _,
    fs::{File, OpenOptions, Permissions},
    io::Write as _,
    os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _},
    path::Path,
    sync::Mutex,
};

use rustls::KeyLog;

use crate::TlsError;

/// A file that its owner alone can read, one line for each secret.
#[derive(Debug)]
pub(crate) struct KeyFile(Mutex<File>);

impl KeyFile {
    pub(crate) fn open(path: &Path) -> Result<Self, TlsError> {
        let fail = |error: std::io::Error| TlsError::File { path: path.to_owned(), what: error.to_string() };
        let file = OpenOptions::new().append(true).create(true).mode(OWNER).open(path).map_err(fail)?;
        // One that was there before may have been open to others.
        file.set_permissions(Permissions::from_mode(OWNER)).map_err(fail)?;
        tracing::warn!(
            target: "rove::streams",
            path = %path.display(),
            "the secrets of TLS are written down: whoever reads this file reads every call and password on the wire"
        );
        Ok(Self(Mutex::new(file)))
    }
}

impl KeyLog for KeyFile {
    fn log(&self, label: &str, client_random: &[u8], secret: &[u8]) {
        let mut line = format!("{label} ");
        for (bytes, end) in [(client_random, ' '), (secret, '\n')] {
            for byte in bytes {
                // Writing to a string does not fail.
                let _ = write!(line, "{byte:02x}");
            }
            line.push(end);
        }
        // A full disk must not end a session; a poisoned lock is as good as any.
        let mut file = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let _ = file.write_all(line.as_bytes());
    }
}

const OWNER: u32 = 0o600;
