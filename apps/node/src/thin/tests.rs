use std::path::Path;

use crate::{
    config::{ConfigError, NodeConfig},
    thin::config::Way,
};

const ETHER: &str = "[[thin]]\ntun = \"rovethin0\"\naddress = [\"10.9.0.1/30\", \"fd00:9::1/64\"]\ninterface = \"eth1\"\n\
                     peer = \"02:00:00:00:00:02\"\n";
const TUNNEL: &str =
    "[[thin]]\ntun = \"rovethin1\"\nlisten = \"192.0.2.1:4810\"\npeer = \"192.0.2.2:4811\"\n";

fn config(text: &str) -> NodeConfig {
    NodeConfig::parse(text, Path::new("roved.toml")).unwrap()
}

#[test]
fn links_go_over_ethernet_or_a_tunnel_as_the_file_says() {
    let both = config(&format!("{ETHER}{TUNNEL}"));
    both.check().unwrap();
    let ways: Vec<Way> = both.thin.iter().map(|thin| thin.way().unwrap()).collect();
    let (local, peer) = ("192.0.2.1:4810".parse().unwrap(), "192.0.2.2:4811".parse().unwrap());
    assert_eq!(
        ways,
        [Way::Ether { interface: "eth1".into(), peer: [2, 0, 0, 0, 0, 2] }, Way::Tunnel { local, peer }]
    );
    let links: Vec<_> = both.thin.iter().zip(&ways).map(|(thin, way)| thin.link(way)).collect();
    assert_eq!((links[0].shortest, links[1].shortest), (46, 0));
    assert!(links[0].renumber && !links[0].drop_checksums);
    assert_eq!(both.thin[0].addresses().unwrap().len(), 2);
    let deaf = config(&format!("{ETHER}compress = false\n"));
    assert_eq!(deaf.thin[0].link(&ways[0]).terms.highest_cid, 0);
}

#[test]
fn what_cannot_be_is_refused_by_the_name_of_its_key() {
    for (text, key) in [
        (ETHER.replace("rovethin0", "a name with blanks"), "tun"),
        (ETHER.replace("10.9.0.1/30", "10.9.0.1"), "address"),
        (ETHER.replace("10.9.0.1/30", "10.9.0.1/33"), "address"),
        (ETHER.replace("fd00:9::1/64", "10.8.0.1/30"), "address"),
        (ETHER.replace("02:00:00:00:00:02", "ff:ff:ff:ff:ff:ff"), "peer"),
        (ETHER.replace("02:00:00:00:00:02", "192.0.2.2:4810"), "peer"),
        (TUNNEL.replace("192.0.2.2:4811", "[2001:db8::2]:4811"), "peer"),
        (format!("{ETHER}listen = \"192.0.2.1:4810\"\n"), "interface"),
        (ETHER.replace("interface = \"eth1\"\n", ""), "interface"),
        (format!("{ETHER}flows = 0\n"), "flows"),
        (format!("{ETHER}loss_run = 62\n"), "loss_run"),
        (format!("{ETHER}mtu = 100\n"), "mtu"),
    ] {
        match config(&text).check() {
            Err(ConfigError::Thin { key: named, .. }) => assert_eq!(named, key, "{text}"),
            other => panic!("{text}: {other:?}"),
        }
    }
}
