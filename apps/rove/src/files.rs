//! Files that a command writes: refused before the work when they could not be written after it.

use std::path::Path;

use serde::Serialize;

use crate::failure::Failure;

/// Finds out whether something could be written to `path`, which is none of the files that are `read`.
pub(crate) fn check_output(path: Option<&Path>, what: &str, read: &[&Path]) -> Result<(), Failure> {
    let Some(path) = path else { return Ok(()) };
    let why = match path.parent() {
        _ if path.is_dir() => "it is a folder",
        Some(folder) if !folder.as_os_str().is_empty() && !folder.is_dir() => "there is no such folder",
        _ if read.iter().any(|read| is_same_file(path, read)) => "it is what is read",
        _ => return Ok(()),
    };
    Err(Failure::usage(format!("{what} {} cannot be written: {why}", path.display())))
}

/// Whether both paths lead to one file that is there.
pub(crate) fn is_same_file(one: &Path, other: &Path) -> bool {
    matches!((one.canonicalize(), other.canonicalize()), (Ok(one), Ok(other)) if one == other)
}

/// Writes `text`, replacing what was there.
pub(crate) fn write(path: &Path, text: &str) -> Result<(), Failure> {
    std::fs::write(path, text)
        .map_err(|error| Failure::environment(format!("{} cannot be written: {error}", path.display())))
}

/// Writes `value` as JSON.
pub(crate) fn write_json(path: &Path, value: &impl Serialize) -> Result<(), Failure> {
    let mut text = serde_json::to_string_pretty(value).unwrap_or_default();
    text.push('\n');
    write(path, &text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_not_be_written_is_refused_before_the_work() {
        let dir = tempfile::tempdir().unwrap();
        let input = dir.path().join("in.wav");
        std::fs::write(&input, "").unwrap();
        let check = |path: &Path| check_output(Some(path), "the recording", &[&input]);
        assert!(check(&dir.path().join("new.wav")).is_ok() && check_output(None, "x", &[]).is_ok());
        for path in [dir.path(), &dir.path().join("none/new.wav"), &dir.path().join("./in.wav")] {
            let error = check(path).unwrap_err().to_string();
            assert!(
                error.contains("the recording") && error.contains(&path.display().to_string()),
                "{error}"
            );
        }
    }
}
