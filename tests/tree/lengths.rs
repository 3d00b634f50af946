//! Files have one job and stay short, so do functions; what is longer is on a list that only shrinks.

use std::{
    collections::BTreeMap,
    fs,
    io::{Write, stderr},
};

use crate::{assert_none, root, rust::Contents, rust_files};

/// Lines of a file.
const FILE: usize = 400;
/// Lines of a function, from `fn` to its closing brace.
const FUNCTION: usize = 60;
/// One `path lines` or `path::function lines` a row: what is longer than the limits today.
const LIST: &str = "tests/tree/longer.txt";

#[test]
fn files_and_functions_are_short_or_on_the_list_that_only_shrinks() {
    let mut lengths = BTreeMap::new();
    let mut findings = Vec::new();
    let (mut longest_file, mut longest_function) = ((0, String::new()), (0, String::new()));
    let (mut files, mut lines, mut functions) = (0, 0, 0);
    for (file, text) in rust_files() {
        files += 1;
        lines += text.lines().count();
        longest_file = longest_file.max((text.lines().count(), file.clone()));
        lengths.insert(file.clone(), (text.lines().count(), FILE));
        match Contents::read(&text) {
            Err(error) => findings.push(format!("{file}: {error}")),
            Ok(contents) => {
                for function in contents.functions {
                    functions += 1;
                    let name = format!("{file}::{}", function.name);
                    longest_function = longest_function.max((function.lines, name.clone()));
                    let known = lengths.entry(name).or_insert((0, FUNCTION));
                    known.0 = known.0.max(function.lines);
                }
            }
        }
    }
    // Past the capture of the test harness: these figures are wanted on success.
    let report = format!(
        "tree: {files} files, {lines} lines, {functions} functions; longest file {} ({}), longest function {} ({})\n",
        longest_file.1, longest_file.0, longest_function.1, longest_function.0
    );
    stderr().write_all(report.as_bytes()).unwrap();
    findings.extend(compare(&lengths, &listed()));
    assert_none(&findings, "Split what has two jobs:");
}

/// What is too long and not on the list, and what the list still allows though it became shorter.
fn compare(lengths: &BTreeMap<String, (usize, usize)>, listed: &BTreeMap<String, usize>) -> Vec<String> {
    let mut findings = Vec::new();
    for (name, &(lines, limit)) in lengths {
        match listed.get(name) {
            None if lines > limit => findings.push(format!("{name} has {lines} lines, the limit is {limit}")),
            Some(&allowed) if lines > allowed => {
                findings.push(format!(
                    "{name} grew from {allowed} to {lines} lines; what is on {LIST} only shrinks"
                ));
            }
            Some(_) if lines <= limit => findings.push(format!("{name} is short now: strike it from {LIST}")),
            Some(&allowed) if lines < allowed => {
                findings.push(format!("{name} shrank to {lines} lines: write that into {LIST}"));
            }
            _ => {}
        }
    }
    let gone = listed.keys().filter(|name| !lengths.contains_key(*name));
    findings.extend(gone.map(|name| format!("{name} is gone: strike it from {LIST}")));
    findings
}

fn listed() -> BTreeMap<String, usize> {
    let text = fs::read_to_string(root().join(LIST)).unwrap();
    let rows = text.lines().filter(|row| !row.is_empty() && !row.starts_with('#'));
    rows.map(|row| {
        let (name, lines) = row.rsplit_once(' ').unwrap_or_else(|| panic!("{LIST}: no number in {row:?}"));
        (name.to_owned(), lines.parse().unwrap_or_else(|_| panic!("{LIST}: no number in {row:?}")))
    })
    .collect()
}

#[test]
fn the_list_only_shrinks() {
    let cases: &[(&str, usize, Option<usize>, usize)] = &[
        ("within the limit", 400, None, 0),
        ("too long", 401, None, 1),
        ("too long and allowed", 450, Some(450), 0),
        ("grown", 451, Some(450), 1),
        ("shorter, still too long", 449, Some(450), 1),
        ("short again", 300, Some(450), 1),
    ];
    for &(what, lines, allowed, expected) in cases {
        let lengths = BTreeMap::from([("a.rs".to_owned(), (lines, FILE))]);
        let listed = allowed.map(|allowed| ("a.rs".to_owned(), allowed)).into_iter().collect();
        assert_eq!(compare(&lengths, &listed).len(), expected, "{what}");
    }
    let listed = BTreeMap::from([("gone.rs".to_owned(), 500)]);
    assert_eq!(compare(&BTreeMap::new(), &listed).len(), 1, "a file that is gone");
}
