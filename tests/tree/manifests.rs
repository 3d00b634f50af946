//! Versions of other people's packages are written once: in the workspace's own manifest.

use std::fs;

use crate::{assert_none, files, root, slashed};

#[test]
fn versions_are_written_only_in_the_workspace_manifest() {
    let mut findings = Vec::new();
    let apart = apart();
    for file in files().iter().map(|file| slashed(file)) {
        if file == "Cargo.toml"
            || !file.ends_with("/Cargo.toml")
            || apart.iter().any(|apart| file.starts_with(apart))
        {
            continue;
        }
        let manifest: toml::Table = fs::read_to_string(root().join(&file)).unwrap().parse().unwrap();
        findings.extend(versions(&manifest).into_iter().map(|name| format!("{file}: {name}")));
        for field in ["version", "edition", "rust-version", "license", "publish"] {
            let inherited = manifest["package"].get(field).and_then(|value| value.get("workspace")).is_some();
            if !inherited {
                findings.push(format!("{file}: package.{field} is not inherited from the workspace"));
            }
        }
        if manifest.get("lints").and_then(|lints| lints.get("workspace")).is_none() {
            findings.push(format!("{file}: lints are not inherited from the workspace"));
        }
    }
    assert_none(&findings, "Written once, in the workspace's Cargo.toml:");
}

/// Folders of the workspaces of their own, which cannot inherit.
fn apart() -> Vec<String> {
    let manifests = files().iter().map(|file| slashed(file)).collect::<Vec<_>>();
    let folders =
        manifests.iter().filter_map(|file| file.strip_suffix("Cargo.toml").map(|folder| (file, folder)));
    folders
        .filter(|(file, folder)| {
            let text = fs::read_to_string(root().join(file)).unwrap();
            !folder.is_empty() && text.lines().any(|line| line.trim() == "[workspace]")
        })
        .map(|(_, folder)| folder.to_owned())
        .collect()
}

/// Dependencies of a manifest, target-specific ones too, that do not say `workspace = true`.
fn versions(manifest: &toml::Table) -> Vec<String> {
    let mut found = Vec::new();
    for (key, value) in manifest {
        let Some(table) = value.as_table() else { continue };
        if key.ends_with("dependencies") {
            let own = table.iter().filter(|(_, value)| value.get("workspace").is_none());
            found.extend(own.map(|(name, _)| name.clone()));
        } else if key == "target" {
            found.extend(table.values().filter_map(|target| target.as_table()).flat_map(versions));
        }
    }
    found
}

#[test]
fn every_place_of_a_dependency_is_looked_at() {
    let manifest = "[dependencies]\na.workspace = true\nb = \"1\"\n\
                    [dev-dependencies]\nc = { version = \"1\" }\n\
                    [target.'cfg(unix)'.dependencies]\nd = { path = \"d\" }\n";
    assert_eq!(versions(&manifest.parse().unwrap()), ["b", "c", "d"]);
}
