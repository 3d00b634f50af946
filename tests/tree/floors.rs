//! The floors of the building: a crate may only lean on a lower one.

use std::{collections::HashMap, process::Command};

use crate::{assert_none, root};

/// Every crate of the workspace with its floor. A new crate is entered here first.
const FLOORS: &[(&str, u8)] = &[
    ("rove-base", 0),
    ("rove-codecs", 0),
    ("rove-core", 1),
    ("rove-nat", 1),
    ("rove-rohc", 1),
    ("rove-sdp", 1),
    ("rove-sip", 1),
    ("rove-dns", 1),
    ("rove-roam", 1),
    ("rove-irmv", 1),
    ("rove-io", 2),
    ("rove-session", 2),
    ("rove-relay", 2),
    ("rove-driver", 3),
    ("rove-phone", 4),
    ("rove-node", 4),
    ("rove", 5),
    ("roved", 5),
    ("rove-load", 5),
    ("rove-ffi", 5),
    ("rove-softphone", 5),
    ("rove-tests", 6),
    ("rove-ffi-tests", 7),
    ("rove-benches", 7),
];

#[test]
fn every_crate_has_a_floor_and_leans_only_on_lower_ones() {
    let metadata = metadata();
    let floor: HashMap<_, _> = FLOORS.iter().copied().collect();
    let mut findings = Vec::new();
    for (name, dependencies) in &metadata {
        let Some(&mine) = floor.get(name.as_str()) else {
            findings.push(format!("{name} has no floor: enter it in tests/tree/floors.rs"));
            continue;
        };
        for below in dependencies {
            match floor.get(below.as_str()) {
                Some(&theirs) if theirs >= mine => {
                    findings.push(format!("{name} (floor {mine}) leans on {below} (floor {theirs})"));
                }
                _ => {}
            }
        }
    }
    assert_none(&findings, "A crate leans only on lower floors:");
}

#[test]
fn no_floor_is_given_to_a_crate_that_is_gone() {
    let metadata = metadata();
    let gone: Vec<String> = FLOORS
        .iter()
        .filter(|(name, _)| !metadata.iter().any(|(package, _)| package == name))
        .map(|(name, _)| (*name).to_owned())
        .collect();
    assert_none(&gone, "These have a floor in tests/tree/floors.rs and no crate:");
}

/// The packages of the workspace, each with all it depends on: normal, build and dev alike.
fn metadata() -> Vec<(String, Vec<String>)> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--no-deps", "--offline", "--format-version=1"])
        .current_dir(root())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    let packages = metadata["packages"].as_array().unwrap().iter();
    packages
        .map(|package| {
            let dependencies = package["dependencies"].as_array().unwrap().iter();
            (text(&package["name"]), dependencies.map(|dependency| text(&dependency["name"])).collect())
        })
        .collect()
}
