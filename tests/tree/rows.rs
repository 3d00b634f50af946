//! The table of what roaming names have to do names tests that exist.

use std::fs;

use crate::{assert_none, root, rust_files};

const TABLE: &str = "signalling/roam/rows.md";
/// Shown elsewhere: A8 by samples; A30 comes later.
const ELSEWHERE: [usize; 1] = [8];

#[test]
fn every_property_of_roaming_names_is_shown_by_tests_that_exist() {
    let table = fs::read_to_string(root().join(TABLE)).unwrap();
    let tests: Vec<String> = rust_files().into_iter().map(|(_, text)| text).collect();
    let mut findings = Vec::new();
    for row in (1..=29).filter(|row| !ELSEWHERE.contains(row)) {
        let begins = format!("| A{row} |");
        let Some(line) = table.lines().find(|line| line.starts_with(&begins)) else {
            findings.push(format!("A{row} is not in {TABLE}"));
            continue;
        };
        let named: Vec<&str> = line.split('`').skip(1).step_by(2).collect();
        if named.is_empty() {
            findings.push(format!("A{row}: no test"));
        }
        for name in named {
            if !name.starts_with(&format!("a{row}_")) && !name.contains(&format!("_a{row}_")) {
                findings.push(format!("A{row}: {name} does not carry the row in its name"));
            }
            if !tests.iter().any(|text| is_test(text, name)) {
                findings.push(format!("A{row}: {name} is no test"));
            }
        }
    }
    assert_none(&findings, "Rows without what shows them:");
}

/// Whether `name` is a function behind a test's attributes.
pub(crate) fn is_test(text: &str, name: &str) -> bool {
    let Some((before, _)) = text.split_once(&format!("fn {name}(")) else { return false };
    let lines = before.trim_end().lines().rev();
    lines.map(str::trim).take_while(|line| line.starts_with("#[")).any(|line| line == "#[test]")
}
