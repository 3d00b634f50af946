use super::*;

const GOOD: &str = r#"
[journal]
path = "names.journal"

[dns]
listen = ["127.0.0.1:0", "[::1]:0"]

[[dns.zone]]
origin = "home.example"
records = ["ns A 127.0.0.1", "bob 30 IN A 192.0.2.7"]

[[dns.key]]
name = "update.home.example"
secret = "c2VjcmV0IHNlY3JldCBzZWNyZXQgc2VjcmV0ISE="
scope = ["home.example"]
"#;

fn parsed(text: &str) -> Result<NodeConfig, String> {
    let config = NodeConfig::parse(text, Path::new("roved.toml")).map_err(|error| error.to_string())?;
    config.check().map_err(|error| error.to_string())?;
    Ok(config)
}

#[test]
fn a_file_becomes_a_node() {
    let config = parsed(GOOD).unwrap();
    let dns = config.dns.unwrap();
    assert_eq!((dns.listen.len(), dns.zone.len(), dns.key.len()), (2, 1, 1));
    assert_eq!(dns.zone[0].ttl, 60);
    let shown = format!("{:?}", dns.key[0]);
    assert!(!shown.contains("c2Vj"), "a key does not show its secret: {shown}");
}

#[test]
fn what_is_wrong_is_named_with_its_place() {
    let change = |from: &str, to: &str| {
        assert!(GOOD.contains(from), "{from}");
        GOOD.replace(from, to)
    };
    let cases: &[(&str, String, &[&str])] = &[
        ("unknown key", change("listen =", "listn ="), &["roved.toml", "line 6", "listn", "expected"]),
        ("unknown section", format!("{GOOD}\n[hlr]\n"), &["roved.toml", "line 17", "hlr"]),
        ("no TOML", change("[dns]", "[dns"), &["roved.toml", "line 5"]),
        ("bad address", change("127.0.0.1:0", "127.0.0.1"), &["roved.toml", "line 6"]),
        ("bad name", change("\"home.example\"\n", "\"home..example\"\n"), &["line 9", "home..example"]),
        (
            "bad record",
            change("bob 30 IN A 192.0.2.7", "bob A 192.0.2.700"),
            &["home.example.", "192.0.2.700"],
        ),
        ("record elsewhere", change("bob 30", "bob.example. 30"), &["bob.example.", "outside"]),
        (
            "short secret",
            change("IHNlY3JldCBzZWNyZXQgc2VjcmV0ISE=", ""),
            &["update.home.example.", "6 bytes"],
        ),
        ("no base64", change("c2Vj", "%%%%"), &["update.home.example.", "base64"]),
        ("two secrets", change("scope", "secret_file = \"x\"\nscope"), &["update.home.example.", "either"]),
        ("no scope", change("[\"home.example\"]", "[]"), &["update.home.example.", "scope"]),
        ("no journal", change("[journal]\npath = \"names.journal\"", ""), &["[journal]"]),
        ("nowhere to answer", change("[\"127.0.0.1:0\", \"[::1]:0\"]", "[]"), &["listen"]),
    ];
    for (what, text, parts) in cases {
        let error = parsed(text).unwrap_err();
        for part in *parts {
            assert!(error.contains(part), "{what}: {part:?} is not in {error:?}");
        }
    }
}

#[test]
fn files_are_looked_for_beside_the_configuration_and_must_be_private() {
    use std::os::unix::fs::PermissionsExt as _;
    let dir = tempfile::tempdir().unwrap();
    let text =
        GOOD.replace("secret = \"c2VjcmV0IHNlY3JldCBzZWNyZXQgc2VjcmV0ISE=\"", "secret_file = \"the.key\"");
    let (file, key) = (dir.path().join("roved.toml"), dir.path().join("the.key"));
    std::fs::write(&file, text).unwrap();
    let config = NodeConfig::read(&file).unwrap();
    assert_eq!(config.journal.as_ref().unwrap().path, dir.path().join("names.journal"));
    assert!(config.check().unwrap_err().to_string().contains("the.key"), "the missing file is named");
    std::fs::write(&key, "c2VjcmV0IHNlY3JldCBzZWNyZXQgc2VjcmV0ISE=\n").unwrap();
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o644)).unwrap();
    assert!(matches!(config.check(), Err(ConfigError::SecretExposed { .. })));
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o600)).unwrap();
    config.check().unwrap();
    let missing = NodeConfig::read(Path::new("no/such.toml")).unwrap_err().to_string();
    assert!(missing.contains("no/such.toml"), "{missing}");
}
