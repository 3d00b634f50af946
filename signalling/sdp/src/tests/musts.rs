//! The table in `musts.md` names tests that exist.

#[test]
fn every_must_names_a_test_that_exists() {
    let table = include_str!("../../musts.md");
    let tests = [
        include_str!("browsers.rs"),
        include_str!("flows.rs"),
        include_str!("negotiation.rs"),
        include_str!("properties.rs"),
        include_str!("protection.rs"),
        include_str!("sessions.rs"),
        include_str!("syntax.rs"),
    ]
    .concat();
    let rows: Vec<_> = table.lines().filter(|line| line.starts_with("| ")).skip(1).collect();
    assert!(rows.len() >= 45, "{} rows", rows.len());
    for row in rows {
        let how = row.trim_end_matches('|').rsplit('|').next().unwrap();
        let named: Vec<_> = how.split('`').skip(1).step_by(2).filter(|name| is_test(name)).collect();
        assert!(!named.is_empty() || how.contains("excepted: "), "neither test nor reason: {row}");
        for name in named {
            assert!(tests.contains(&format!("fn {name}(")), "{name} is no test: {row}");
        }
    }
}

/// Names of tests have many words; those of fields and lines few.
fn is_test(name: &str) -> bool {
    name.matches('_').count() >= 3
}
