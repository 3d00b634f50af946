//! The table in `musts-requests.md` names tests that exist.

#[test]
fn every_must_outside_of_calls_names_a_test_that_exists() {
    let table = include_str!("../../../musts-requests.md");
    let mut tests = String::new();
    read(&std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut tests);
    let header = |line: &str| line.starts_with("| § ");
    let rows: Vec<_> = table.lines().filter(|line| line.starts_with("| ") && !header(line)).collect();
    assert!(rows.len() >= 80, "{} rows", rows.len());
    for row in rows {
        let how = row.trim_end_matches('|').rsplit('|').next().unwrap();
        let excepted = how.contains("excepted: ");
        let named: Vec<_> = how.split('`').skip(1).step_by(2).filter(|name| !name.contains("::")).collect();
        assert!(!named.is_empty() || excepted, "neither test nor reason: {row}");
        for name in named {
            let attribute = format!("#[test]\nfn {name}(");
            let indented = format!("#[test]\n    fn {name}(");
            assert!(tests.contains(&attribute) || tests.contains(&indented), "{name} is no test: {row}");
        }
    }
}

/// All files below a folder, one behind another.
fn read(folder: &std::path::Path, into: &mut String) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            read(&path, into);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            into.push_str(&std::fs::read_to_string(path).unwrap());
        }
    }
}
