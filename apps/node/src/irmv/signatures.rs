//! Signatures of records in a file, so that memory holds more users.

use std::{
    fs::{File, OpenOptions},
    io,
    os::unix::fs::{FileExt as _, OpenOptionsExt as _},
    path::Path,
};

use rove_irmv::{Shelf, Signatures};

/// A file with the signatures of each record, by number. What is in it is written anew, from the journal, when the node
/// starts.
#[derive(Debug)]
pub struct SignatureFile {
    file: File,
    /// It has been said that nothing can be kept.
    said: bool,
}

impl SignatureFile {
    /// Makes the file, empty, in place of one that is there.
    ///
    /// # Errors
    ///
    /// When it cannot be made there.
    pub fn create(path: &Path) -> io::Result<Self> {
        let mut options = OpenOptions::new();
        let file = options.read(true).write(true).create(true).truncate(true).mode(0o600).open(path)?;
        Ok(Self { file, said: false })
    }
}

impl Shelf for SignatureFile {
    fn put(&mut self, place: u32, signatures: &[u8; Signatures::LEN]) -> bool {
        let kept = self.file.write_all_at(signatures, at(place));
        if let (Err(error), false) = (&kept, self.said) {
            tracing::error!(target: "rove::irmv", %error, "signatures cannot be kept, nobody more is registered: make room");
            self.said = true;
        }
        kept.is_ok()
    }

    fn get(&self, place: u32) -> Option<[u8; Signatures::LEN]> {
        let mut signatures = [0; Signatures::LEN];
        self.file.read_exact_at(&mut signatures, at(place)).ok()?;
        Some(signatures)
    }
}

const fn at(place: u32) -> u64 {
    place as u64 * Signatures::LEN as u64
}
