//! Replays the committed fuzz corpus, so that what fuzzing once found stays found without a fuzzer.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test")]

use std::{
    fs,
    path::{Path, PathBuf},
};

#[allow(unreachable_pub, reason = "public to the fuzz targets, which are a crate of their own")]
#[path = "../fuzz/src/lib.rs"]
mod fuzz;

#[test]
fn every_corpus_file_of_every_target_holds() {
    for &(name, check) in fuzz::TARGETS {
        let files = files(name);
        assert!(files.len() >= 5, "{name} has {} corpus files", files.len());
        for (file, bytes) in files {
            println!("{name}/{file}");
            check(&bytes);
            // A datagram may be cut anywhere, and flipped anywhere.
            for at in 0..bytes.len().min(512) {
                check(&bytes[..at]);
                let mut flipped = bytes.clone();
                flipped[at] ^= 1 << (at % 8);
                check(&flipped);
            }
        }
    }
}

#[test]
fn every_corpus_directory_belongs_to_a_target() {
    let mut names: Vec<_> = directory("").map(|(name, _)| name).collect();
    names.sort();
    let mut targets: Vec<_> = fuzz::TARGETS.iter().map(|&(name, _)| name.to_owned()).collect();
    targets.sort();
    assert_eq!(names, targets);
}

fn files(target: &str) -> Vec<(String, Vec<u8>)> {
    directory(target).map(|(name, path)| (name, fs::read(path).unwrap())).collect()
}

fn directory(name: &str) -> impl Iterator<Item = (String, PathBuf)> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(name);
    fs::read_dir(&path)
        .unwrap_or_else(|error| panic!("{}: {error}", path.display()))
        .map(|entry| entry.unwrap())
        .map(|entry| (entry.file_name().to_string_lossy().into_owned(), entry.path()))
}
