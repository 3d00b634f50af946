//! The table in `musts-calls.md` names tests that exist.

#[test]
fn every_must_of_a_call_names_a_test_that_exists() {
    let table = include_str!("../../../musts-calls.md");
    let tests = [
        include_str!("called.rs"),
        include_str!("calling.rs"),
        include_str!("changes.rs"),
        include_str!("extras.rs"),
        include_str!("flows.rs"),
        include_str!("loss.rs"),
        include_str!("provisional.rs"),
        include_str!("refusals.rs"),
        include_str!("../../dialog/tests.rs"),
        include_str!("../../transaction/layer/tests.rs"),
        include_str!("../../server/tests/services.rs"),
        include_str!("../../../../../tests/agent/conference.rs"),
        include_str!("../../../../../tests/calls/flows.rs"),
        include_str!("../../../../../tests/nodes/calls.rs"),
    ]
    .concat();
    let header = |line: &str| line.starts_with("| § ");
    let rows: Vec<_> = table.lines().filter(|line| line.starts_with("| ") && !header(line)).collect();
    assert!(rows.len() >= 60, "{} rows", rows.len());
    for row in rows {
        let how = row.trim_end_matches('|').rsplit('|').next().unwrap();
        let named: Vec<_> = how.split('`').skip(1).step_by(2).collect();
        assert!(!named.is_empty() || how.contains("excepted: "), "neither test nor reason: {row}");
        for name in named {
            assert!(tests.contains(&format!("fn {name}(")), "{name} is no test: {row}");
        }
    }
}
