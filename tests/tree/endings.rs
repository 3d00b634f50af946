//! The table of why stays end has every reason there is, with a counter and a test that exist.

use std::fs;

use rove_roam::attach::Reason;

use crate::{assert_none, root, rows::is_test, rust_files};

const TABLE: &str = "signalling/roam/endings.md";
const METRICS: &str = "apps/node/src/roam/metrics.rs";

#[test]
fn every_reason_why_a_stay_ends_has_its_row_its_counter_and_its_test() {
    let table = fs::read_to_string(root().join(TABLE)).unwrap();
    let metrics = fs::read_to_string(root().join(METRICS)).unwrap();
    let tests: Vec<String> = rust_files().into_iter().map(|(_, text)| text).collect();
    let mut findings = Vec::new();
    let mut rows = 0;
    for reason in Reason::all() {
        let begins = format!("| {} | {reason} |", reason.code());
        let lines: Vec<&str> = table.lines().filter(|line| line.starts_with(&begins)).collect();
        let [line] = lines[..] else {
            findings.push(format!("{} rows that begin with {begins}", lines.len()));
            continue;
        };
        rows += 1;
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        let [_, _, who, falls, counted, shown] = cells[..] else {
            findings.push(format!("{reason}: {} cells", cells.len()));
            continue;
        };
        let ends = !who.starts_with("no stay");
        if who.is_empty() || ends == falls.is_empty() || counted != if ends { "ended" } else { "refused" } {
            findings.push(format!("{reason}: {who:?}, {falls:?} and {counted:?} do not go together"));
        }
        if !metrics.contains(&format!("\"visited_{counted}_total\"")) {
            findings.push(format!("{reason}: {counted} is no counter"));
        }
        let name = shown.trim_matches('`');
        if !tests.iter().any(|text| is_test(text, name)) {
            findings.push(format!("{reason}: {name} is no test"));
        }
    }
    let numbered =
        |line: &&str| line.strip_prefix("| ").is_some_and(|rest| rest.starts_with(char::is_numeric));
    if table.lines().filter(numbered).count() != rows {
        findings.push("rows of reasons that there are not".into());
    }
    assert_none(&findings, "Reasons and their table:");
}
