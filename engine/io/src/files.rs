//! Files that others read while they are written.

use std::{io, path::Path};

/// Writes `text` to `path` so that whoever reads it meanwhile reads the whole of what was there before or the whole of this. What
/// was written may be lost when the power is: for figures, not for what must stay.
///
/// # Errors
///
/// When it cannot be written; then what was there before stands.
pub fn write_whole(path: &Path, text: &str) -> io::Result<()> {
    let mut beside = path.as_os_str().to_owned();
    beside.push(".part");
    std::fs::write(&beside, text)?;
    std::fs::rename(&beside, path)
}
