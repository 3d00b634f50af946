//! The header and the bindings that are committed are those that the code makes now. `ROVE_WRITE_BINDINGS=1` writes them.

use std::{fs, path::Path};

use rove_tests::programs::root;
use uniffi::{GenerateOptions, TargetLanguage};

use crate::world::library;

/// Compares `made` with the file of the repository, or writes it there where that is asked for.
fn same(file: &str, made: &str) {
    let path = root().join("apps/ffi").join(file);
    // Generated lines may end with spaces; files of the repository do not.
    let made: String = made.lines().map(|line| format!("{}\n", line.trim_end())).collect();
    let made = format!("{}\n", made.trim_end());
    if std::env::var_os("ROVE_WRITE_BINDINGS").is_some() {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        return fs::write(&path, made).unwrap();
    }
    let committed = fs::read_to_string(&path).unwrap_or_default();
    let differs = committed.lines().zip(made.lines()).position(|(one, other)| one != other);
    assert!(
        committed == made,
        "{file} is not what the code makes, from line {:?} on: run this test with ROVE_WRITE_BINDINGS=1, and commit",
        differs.unwrap_or_else(|| committed.lines().count().min(made.lines().count())) + 1
    );
}

#[test]
fn the_header_is_that_of_the_code() {
    let folder = root().join("apps/ffi");
    let config = cbindgen::Config::from_file(folder.join("cbindgen.toml")).unwrap();
    let mut builder = cbindgen::Builder::new().with_config(config);
    for part in ["mod", "status", "phone", "call", "events", "pcm"] {
        builder = builder.with_src(folder.join(format!("src/c/{part}.rs")));
    }
    builder = builder.with_src(folder.join("src/lifecycle.rs"));
    let mut header = Vec::new();
    builder.generate().expect("the interface can be said in C").write(&mut header);
    same("include/rove.h", &String::from_utf8(header).unwrap());
}

#[test]
fn the_bindings_are_those_of_the_code() {
    let made = tempfile::tempdir().unwrap();
    let languages = [
        (TargetLanguage::Kotlin, "kotlin", &["uniffi/rove/rove.kt"][..]),
        (TargetLanguage::Swift, "swift", &["rove.swift", "roveFFI.h", "roveFFI.modulemap"]),
        (TargetLanguage::Python, "python", &["rove.py"]),
    ];
    for (language, folder, files) in languages {
        let into = made.path().join(folder);
        let options = GenerateOptions {
            languages: vec![language],
            source: utf8(&library()).into(),
            out_dir: utf8(&into).into(),
            metadata_no_deps: true,
            ..GenerateOptions::default()
        };
        uniffi::generate(options).unwrap();
        for file in files {
            same(&format!("bindings/{folder}/{file}"), &fs::read_to_string(into.join(file)).unwrap());
        }
    }
}

fn utf8(path: &Path) -> &str {
    path.to_str().expect("a path of this repository is UTF-8")
}
