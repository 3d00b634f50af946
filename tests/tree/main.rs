//! The checks the tree makes on itself: floors, lengths, clocks, unsafe code, versions, and what the documents name.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod documents;
mod endings;
mod floors;
mod layout;
mod lengths;
mod manifests;
mod rows;
mod rust;
mod tokens;

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// The folder of the workspace's own `Cargo.toml`.
fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

/// Files under version control that exist, relative to the root; `None` where this is no git checkout.
fn tracked() -> Option<Vec<PathBuf>> {
    let listing = Command::new("git").arg("-C").arg(root()).args(["ls-files", "-z"]).output().ok()?;
    if !listing.status.success() || !root().join(".git").exists() {
        return None;
    }
    let names = String::from_utf8(listing.stdout).unwrap();
    let files = names.split('\0').filter(|name| !name.is_empty()).map(PathBuf::from);
    Some(files.filter(|file| root().join(file).is_file()).collect())
}

/// Every file of the project, relative to the root: the tracked ones, or without git all but what builds leave behind.
fn files() -> Vec<PathBuf> {
    fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            let name = entry.file_name().unwrap().to_string_lossy().into_owned();
            if entry.is_dir() {
                if name != "target" && name != ".git" {
                    walk(&entry, found);
                }
            } else {
                found.push(entry.strip_prefix(root()).unwrap().to_owned());
            }
        }
    }
    let mut found = tracked().unwrap_or_else(|| {
        let mut found = Vec::new();
        walk(root(), &mut found);
        found
    });
    found.sort();
    found
}

/// The project's own Rust files, each with its text.
fn rust_files() -> Vec<(String, String)> {
    files()
        .into_iter()
        .filter(|file| file.extension().is_some_and(|extension| extension == "rs"))
        .map(|file| (slashed(&file), fs::read_to_string(root().join(&file)).unwrap()))
        .collect()
}

/// A path as it is written in documents.
fn slashed(path: &Path) -> String {
    path.to_string_lossy().replace('\\', "/")
}

/// Fails with all findings at once, so that one run tells everything there is to mend.
fn assert_none(findings: &[String], rule: &str) {
    assert!(findings.is_empty(), "{rule}\n  {}", findings.join("\n  "));
}
