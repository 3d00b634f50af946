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
    let server = dns.server().unwrap();
    assert_eq!(server.zones[0].negative_ttl, 1, "names come and go in this zone");
    let unchanged = parsed(&GOOD.replace("scope = [\"home.example\"]", "scope = [\"x.example\"]")).unwrap();
    assert_eq!(unchanged.dns.unwrap().server().unwrap().zones[0].negative_ttl, 15);
    let shown = format!("{:?}", dns.key[0]);
    assert!(!shown.contains("c2Vj"), "a key does not show its secret: {shown}");
}

#[cfg(feature = "redis")]
#[test]
fn a_store_is_named_without_its_password() {
    let with = |store: &str| {
        let irmv = "[irmv]\nlisten = [\"127.0.0.1:0\"]\ndomain = \"a.example\"\ncertificate = \"a.pem\"\nkey = \"a.key\"\n\
                    signing_key = \"s\"\n";
        parsed(&format!("[journal]\npath = \"j\"\n{irmv}store = \"{store}\"\n")).map(drop)
    };
    assert_eq!(with("redis://192.0.2.1:6379,redis://[2001:db8::1]:6379"), Ok(()));
    for bad in ["redis://:geheim@192.0.2.1:6379", "geheim", "redis://192.0.2.1:6379,http://geheim"] {
        let error = with(bad).unwrap_err();
        assert!(error.contains("store") && !error.contains("geheim"), "{error}");
    }
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
        (
            "a scope that is none",
            format!("{GOOD}[[dns.key.allow]]\nzone = \"home.example\"\nname = \"self\"\n"),
            &["update.home.example.", "either zone or name"],
        ),
        (
            "a type that is none",
            format!("{GOOD}[[dns.key.allow]]\nname = \"self\"\ntypes = [\"A\", \"AXFR\"]\n"),
            &["update.home.example.", "AXFR"],
        ),
        (
            "a secondary's key that is not there",
            change("records", "transfer_keys = [\"x.example\"]\nrecords"),
            &["home.example.", "x.example."],
        ),
        (
            "a signed zone with secondaries",
            change("records", "signing_key = \"k\"\nsecondary = [{ address = \"127.0.0.1:53\" }]\nrecords"),
            &["home.example.", "signing_key"],
        ),
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

const SIP: &str = r#"
[sip]
domains = ["home.example"]
algorithms = ["SHA-256"]

[sip.listen]
udp = ["127.0.0.1:0"]

[[sip.user]]
name = "bob"
password = "builder"
"#;

#[test]
fn what_is_wrong_with_the_users_and_calls_is_named_with_its_place() {
    parsed(SIP).unwrap();
    let shown = format!("{:?}", parsed(SIP).unwrap().sip.unwrap());
    assert!(!shown.contains("builder"), "a user does not show its password: {shown}");
    let change = |from: &str, to: &str| {
        assert!(SIP.contains(from), "{from}");
        SIP.replace(from, to)
    };
    let cases: &[(&str, String, &[&str])] = &[
        ("unknown key", change("domains =", "domain ="), &["roved.toml", "line 3", "domain"]),
        ("unknown transport", change("udp =", "smoke ="), &["roved.toml", "line 7", "smoke"]),
        (
            "unknown limit",
            format!("{SIP}[sip.limits]\npatience = 3\n"),
            &["roved.toml", "line 13", "patience"],
        ),
        ("unknown mode", change("domains", "mode = \"magic\"\ndomains"), &["roved.toml", "line 3", "magic"]),
        ("bad domain", change("home.example", "home..example"), &["[sip] domains", "home..example"]),
        ("no domain", change("\"home.example\"", ""), &["[sip] domains"]),
        ("unknown algorithm", change("SHA-256", "ROT13"), &["[sip] algorithms", "ROT13"]),
        ("no algorithm", change("\"SHA-256\"", ""), &["[sip] algorithms"]),
        ("nowhere to listen", change("\"127.0.0.1:0\"", ""), &["[sip.listen]"]),
        ("no memory", format!("{SIP}[sip.limits]\nmemory = 4096\n"), &["limits.memory", "4096"]),
        ("no certificate", change("udp =", "wss = [\"127.0.0.1:0\"]\nudp ="), &["[sip] tls", "missing"]),
        ("no password", change("password = \"builder\"", ""), &["[[sip.user]] bob", "password"]),
        ("bad route", change("domains", "service_route = [\"<\"]\ndomains"), &["[sip] service_route"]),
    ];
    for (what, text, parts) in cases {
        let error = parsed(text).unwrap_err();
        for part in *parts {
            assert!(error.contains(part), "{what}: {part:?} is not in {error:?}");
        }
    }
}

#[test]
fn a_file_of_users_holds_hashes_and_names_the_line_that_is_none() {
    use std::os::unix::fs::PermissionsExt as _;
    let dir = tempfile::tempdir().unwrap();
    let (file, users) = (dir.path().join("roved.toml"), dir.path().join("sip.users"));
    std::fs::write(&file, SIP.replace("[sip.listen]", "users_file = \"sip.users\"\n[sip.listen]")).unwrap();
    let hash = "0".repeat(64);
    let write = |text: &str| {
        std::fs::write(&users, text).unwrap();
        std::fs::set_permissions(&users, std::fs::Permissions::from_mode(0o600)).unwrap();
        NodeConfig::read(&file).unwrap().check().map_err(|error| error.to_string())
    };
    write(&format!("# phones\n\nalice:SHA-256:{hash}\na:colon:SHA-512-256:{hash}\n")).unwrap();
    for wrong in ["alice", "alice:SHA-256", "alice:ROT13:00", "alice:SHA-256:00"] {
        let error = write(&format!("# phones\n{wrong}\n")).unwrap_err();
        assert!(error.contains("sip.users") && error.contains("line 2"), "{wrong}: {error}");
    }
    std::fs::set_permissions(&users, std::fs::Permissions::from_mode(0o644)).unwrap();
    assert!(matches!(NodeConfig::read(&file).unwrap().check(), Err(ConfigError::SecretExposed { .. })));
}

#[test]
fn what_is_missing_of_a_roaming_network_is_named_with_what_to_do() {
    let roaming = "[roaming]\nnetwork = \"home.example\"\nplmn = \"00101\"\ntitle = \"46700000001\"\n\
                   certificate = \"no/such.pem\"\nkey = \"no/such.key\"\n";
    let dns = "[dns]\nlisten = [\"127.0.0.1:0\"]\n[[dns.zone]]\norigin = \"home.example\"\n";
    let journal = "[journal]\npath = \"x\"\n";
    let visited = "[visited]\nlisten = [\"127.0.0.1:0\"]\n";
    let all = |parts: &[&str]| parts.concat();
    let cases = [
        ("[home]\n".to_owned(), "[roaming] is missing"),
        (all(&[roaming, "[home]\n"]), "[dns] is missing"),
        (all(&[roaming, dns, "[home]\n"]), "[journal] is missing"),
        (all(&[roaming, dns, journal, visited]), "[pool] is missing"),
        (all(&[roaming, dns, journal]), "without [home] or [visited]"),
        (all(&[roaming, dns, journal, "[home]\n"]), "no/such.pem"),
    ];
    for (text, says) in cases {
        let error = NodeConfig::parse(&text, Path::new("x.toml")).unwrap().check().unwrap_err().to_string();
        assert!(error.contains(says), "{text}: {error}");
    }
}
