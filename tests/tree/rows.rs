//! The tables of what roaming names and the registry have to do name tests that exist.

use std::fs;

use crate::{assert_none, root, rust_files};

/// Properties in a row, and those that are not shown by such tests.
struct Table {
    path: &'static str,
    letter: char,
    last: usize,
    elsewhere: &'static [usize],
}

const TABLES: [Table; 2] = [
    // A8 by samples; A30 comes later.
    Table { path: "signalling/roam/rows.md", letter: 'A', last: 29, elsewhere: &[8] },
    // H.323 comes later.
    Table { path: "signalling/irmv/rows.md", letter: 'B', last: 29, elsewhere: &[3] },
];

#[test]
fn every_property_of_roaming_names_and_of_the_registry_is_shown_by_tests_that_exist() {
    let tests: Vec<String> = rust_files().into_iter().map(|(_, text)| text).collect();
    let findings: Vec<String> = TABLES.iter().flat_map(|table| table.findings(&tests)).collect();
    assert_none(&findings, "Rows without what shows them:");
}

impl Table {
    /// What is wrong with it.
    fn findings(&self, tests: &[String]) -> Vec<String> {
        let Self { path, letter, last, elsewhere } = self;
        let table = fs::read_to_string(root().join(path)).unwrap();
        let mut findings = Vec::new();
        for row in (1..=*last).filter(|row| !elsewhere.contains(row)) {
            let begins = format!("| {letter}{row} |");
            let Some(line) = table.lines().find(|line| line.starts_with(&begins)) else {
                findings.push(format!("{letter}{row} is not in {path}"));
                continue;
            };
            let named: Vec<&str> = line.split('`').skip(1).step_by(2).collect();
            if named.is_empty() {
                findings.push(format!("{letter}{row}: no test"));
            }
            let row = format!("{}{row}_", letter.to_ascii_lowercase());
            for name in named {
                if !name.starts_with(&row) && !name.contains(&format!("_{row}")) {
                    findings.push(format!("{row}: {name} does not carry the row in its name"));
                }
                if !tests.iter().any(|text| is_test(text, name)) {
                    findings.push(format!("{row}: {name} is no test"));
                }
            }
        }
        findings
    }
}

/// Whether `name` is a function behind a test's attributes.
pub(crate) fn is_test(text: &str, name: &str) -> bool {
    let Some((before, _)) = text.split_once(&format!("fn {name}(")) else { return false };
    let lines = before.trim_end().lines().rev();
    lines.map(str::trim).take_while(|line| line.starts_with("#[")).any(|line| line == "#[test]")
}
