use std::{collections::BTreeMap, os::unix::fs::PermissionsExt as _};

use super::*;

fn args(dir: &Path, more: impl FnOnce(&mut InitArgs)) -> InitArgs {
    let mut args = InitArgs {
        domain: "Fresh.Example.".into(),
        dir: Some(dir.to_owned()),
        address: Some(IpAddr::from([127, 0, 0, 1])),
        dns: false,
        certificate: None,
        key: None,
    };
    more(&mut args);
    args
}

#[test]
fn what_is_written_is_a_good_configuration_whose_secrets_are_its_owners() {
    for dns in [false, true] {
        let folder = tempfile::tempdir().unwrap();
        run(&args(folder.path(), |args| args.dns = dns)).unwrap();
        let config = NodeConfig::read(&folder.path().join(CONFIG)).unwrap();
        config.check().unwrap();
        assert_eq!(config.dns.is_some(), dns);
        assert_eq!(config.irmv.unwrap().domain, "fresh.example");
        for name in [CONFIG, CERTIFICATE, KEY, RELAY_SECRET, CALL_SECRET] {
            let mode = fs::metadata(folder.path().join(name)).unwrap().permissions().mode();
            assert_eq!(mode & 0o077, 0, "{name}");
        }
    }
}

#[test]
fn nothing_that_is_there_is_written_over() {
    let folder = tempfile::tempdir().unwrap();
    run(&args(folder.path(), |_| {})).unwrap();
    let all = || -> BTreeMap<_, _> {
        let files = fs::read_dir(folder.path()).unwrap().map(|file| file.unwrap().path());
        files.map(|file| (file.clone(), fs::read(file).unwrap())).collect()
    };
    let before = all();
    let error = run(&args(folder.path(), |_| {})).unwrap_err().to_string();
    assert!(error.contains("is there already"), "{error}");
    assert_eq!(all(), before);
    // Half of it is enough to stop.
    fs::remove_file(folder.path().join(CONFIG)).unwrap();
    assert!(run(&args(folder.path(), |_| {})).unwrap_err().to_string().contains("is there already"));
}

#[test]
fn the_records_lead_to_the_ports_that_are_listened_at_and_name_the_certificate() {
    let folder = tempfile::tempdir().unwrap();
    run(&args(folder.path(), |_| {})).unwrap();
    let site = Site { domain: "fresh.example".into(), address: [127, 0, 0, 1].into(), names: false };
    let invite = invite(folder.path(), &site).unwrap();
    let records = records(&site, &invite).join("\n");
    for part in [
        "_irmv._udp.fresh.example. SRV 0 0 5064 irmv.fresh.example.",
        "_sips._tcp.fresh.example. SRV 0 0 5061 sip.fresh.example.",
        "irmv.fresh.example. A 127.0.0.1",
        &hex(&invite.fingerprint),
    ] {
        assert!(records.contains(part), "{part}: {records}");
    }
    let config = NodeConfig::read(&folder.path().join(CONFIG)).unwrap();
    assert_eq!(config.irmv.unwrap().listen, [invite.server]);
}

#[test]
fn a_certificate_of_ones_own_is_shown_and_its_fingerprint_handed_out() {
    let (folder, own) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let site = Site { domain: "fresh.example".into(), address: [127, 0, 0, 1].into(), names: false };
    let (certificate, key) = certificate(&site).unwrap();
    let (chain, secret) = (own.path().join("own.pem"), own.path().join("own.key"));
    fs::write(&chain, certificate).unwrap();
    fs::write(&secret, key).unwrap();
    let with = |args: &mut InitArgs| (args.certificate, args.key) = (Some(chain.clone()), Some(secret));
    run(&args(folder.path(), with)).unwrap();
    assert!(!folder.path().join(CERTIFICATE).exists());
    assert_eq!(invite(folder.path(), &site).unwrap().fingerprint, fingerprint(&chain).unwrap());
}

#[test]
fn a_domain_that_is_none_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    for domain in ["", "no domain", "a@b"] {
        let dir = folder.path().join(format!("of {domain}"));
        assert!(run(&args(&dir, |args| args.domain = domain.into())).is_err(), "{domain:?}");
    }
}
