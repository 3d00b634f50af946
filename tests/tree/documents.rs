//! Documents name what exists.

use std::{collections::HashMap, fs};

use crate::{assert_none, root, rust::Contents, rust_files};

const DOCUMENTS: &[&str] =
    &["ARCHITECTURE.md", "CONTRIBUTING.md", "README.md", "SECURITY.md", "THIRD-PARTY.md"];

#[test]
fn every_path_and_function_that_the_documents_name_exists() {
    let rust: HashMap<String, Contents> = rust_files()
        .into_iter()
        .filter_map(|(file, text)| Some((file, Contents::read(&text).ok()?)))
        .collect();
    let mut findings = Vec::new();
    for document in DOCUMENTS {
        let text = fs::read_to_string(root().join(document)).unwrap();
        for (line, name) in quoted(&text) {
            let found = match name.split_once(".rs::") {
                Some((file, item)) => {
                    rust.get(&format!("{file}.rs")).is_some_and(|contents| contents.defines(item))
                }
                None => root().join(&name).exists(),
            };
            if !found {
                findings.push(format!("{document}:{line} {name}"));
            }
        }
    }
    assert_none(&findings, "Documents name what is not there:");
}

/// What a document says in backticks or as the target of a link that is a path of this tree, with its line.
fn quoted(text: &str) -> Vec<(usize, String)> {
    const TOP: &[&str] = &["engine/", "signalling/", "apps/", "codecs/", "benches/", "tests/", ".ci/"];
    let mut found = Vec::new();
    let mut fenced = false;
    for (number, line) in text.lines().enumerate() {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
        }
        if fenced {
            continue;
        }
        let words = line.split(['`', '(', ')', ' ', '|', ',', ';']);
        let words = words.map(|word| word.trim_end_matches(['.', ':', '?', '*']));
        let paths = words.filter(|word| {
            TOP.iter().any(|top| word.starts_with(top)) && !word.contains(['<', '>', '*', '…', '$', '{', '='])
        });
        found.extend(paths.map(|word| (number + 1, word.to_owned())));
    }
    found
}

#[test]
fn the_code_in_the_readme_is_an_example_that_is_compiled() {
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    let examples: Vec<String> = rust_files()
        .into_iter()
        .filter_map(|(file, text)| file.contains("/examples/").then_some(text))
        .collect();
    let mut findings = Vec::new();
    for block in readme.split("```rust\n").skip(1) {
        let code = block.split("```").next().unwrap();
        if !examples.iter().any(|example| example.contains(code)) {
            findings.push(code.lines().next().unwrap_or_default().to_owned());
        }
    }
    assert_none(&findings, "Code in README.md that is in no examples/ folder, beginning with:");
}

#[test]
fn paths_are_found_in_running_text() {
    let text = "See `engine/base/src/machine.rs::Machine::poll`, then [tests](tests/tree).\n\
                ```\ncargo test -p engine/none\n```\n\
                Not a path: and/or, `cargo test`, engine/<crate>/src.";
    let expected =
        [(1, "engine/base/src/machine.rs::Machine::poll".to_owned()), (1, "tests/tree".to_owned())];
    assert_eq!(quoted(text), expected);
}
