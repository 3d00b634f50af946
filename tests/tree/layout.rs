//! What stands at the top, and what no file may say.

use std::{collections::BTreeSet, fs};

use crate::{assert_none, files, root, slashed, tracked};

/// The architecture, and beside it only what every repository has. Dot-files are free.
const TOP: &[&str] = &[
    "ARCHITECTURE.md",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "Cargo.lock",
    "Cargo.toml",
    "LICENSE-APACHE",
    "LICENSE-MIT",
    "Makefile",
    "README.md",
    "SECURITY.md",
    "THIRD-PARTY.md",
    "apps",
    "benches",
    "clippy.toml",
    "codecs",
    "deny.toml",
    "engine",
    "rustfmt.toml",
    "signalling",
    "tests",
];

#[test]
fn the_top_level_shows_the_architecture_and_nothing_else() {
    let Some(tracked) = tracked() else {
        println!(
            "skipped: git (not a checkout, so the top level cannot be told from what a build left there)"
        );
        return;
    };
    let present: BTreeSet<String> =
        tracked.iter().map(|file| slashed(file).split('/').next().unwrap().to_owned()).collect();
    let extra: Vec<String> = present
        .iter()
        .filter(|name| !name.starts_with('.') && !TOP.contains(&name.as_str()))
        .cloned()
        .collect();
    assert_none(&extra, "These do not belong at the top level:");
    let missing: Vec<String> =
        TOP.iter().filter(|name| !present.contains(**name)).map(|name| (*name).to_owned()).collect();
    assert_none(&missing, "These are missing at the top level:");
}

#[test]
fn no_file_names_a_path_of_the_machine_it_was_written_on() {
    // Put together here, so that this file does not find itself.
    let machine = ["work", "root", "tmp", "Users"].map(|folder| format!("/{folder}/"));
    let mut findings = Vec::new();
    for file in files() {
        let Ok(text) = fs::read_to_string(root().join(&file)) else { continue };
        for (number, line) in text.lines().enumerate() {
            if machine.iter().any(|path| holds_path(line, path)) {
                findings.push(format!("{}:{} {}", slashed(&file), number + 1, line.trim()));
            }
        }
    }
    assert_none(&findings, "Nothing depends on where it was written:");
}

/// Whether `path` stands in the line as an absolute path, not as part of a longer one.
fn holds_path(line: &str, path: &str) -> bool {
    line.match_indices(path).any(|(at, _)| {
        let before = line.get(..at).and_then(|head| head.chars().next_back());
        before.is_none_or(|before| !before.is_alphanumeric() && !"/._-})".contains(before))
    })
}

#[test]
fn absolute_paths_are_told_from_parts_of_others() {
    for (line, expected) in
        [("x=/aaa/b", true), ("`/aaa/b`", true), ("c/aaa/b", false), ("${x}/aaa/b", false)]
    {
        assert_eq!(holds_path(line, "/aaa/"), expected, "{line}");
    }
}
