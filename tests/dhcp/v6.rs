//! `dhclient -6` gets an IPv6 address by its DUID, which carries the token, and gives it back.

use std::fs;

use rove_roam::pool::{Event, Token};

use crate::{
    server::{PATIENCE, imsi},
    v4::{Stage, TOKEN},
};

#[test]
fn a27_dhclient_gets_the_ipv6_address_reserved_for_its_token_and_releases_it() {
    let Some(stage) = Stage::set("dhclient", 3_600) else { return };
    let address = stage.server.attach(imsi(1), Token(TOKEN)).v6.unwrap();
    let octal: String = [&[0, 4], &TOKEN[..]].concat().iter().map(|byte| format!("\\{byte:03o}")).collect();
    let leases = stage.file("leases", &format!("default-duid \"{octal}\";\n"));
    let script = format!(
        "#!/bin/sh\necho \"$reason $new_ip6_address $new_max_life\" >> {}\ncase $reason in\n\
         BOUND6) ip -6 address replace $new_ip6_address/128 dev $interface;;\nesac\n",
        stage.log().display()
    );
    let (script, settings) = (stage.file("dhclient.sh", &script), stage.file("dhclient.conf", "\n"));
    let pid = stage.folder().join("pid").display().to_string();
    let common =
        ["-6", "-cf", &settings, "-lf", &leases, "-pf", &pid, "-sf", &script, crate::place::TERMINAL];
    let client = stage.start(["-d"].iter().chain(&common));
    let line = stage.wait_for_line("BOUND6", &client);
    assert_eq!(line, format!("BOUND6 {address} {}", line.rsplit(' ').next().unwrap()));
    // Rounded down, and a second may have passed.
    let lasts: u32 = line.rsplit(' ').next().unwrap().parse().unwrap();
    assert!((3_500..=3_600).contains(&lasts), "{line}");
    let asked = Event::Requested { holder: imsi(1), host_name: None };
    assert_eq!(stage.server.with(|state, _| state.events.clone()), [asked]);
    let mut releasing = stage.start(["-r"].iter().chain(&common));
    assert!(releasing.wait(PATIENCE).is_some_and(|status| status.success()), "{}", releasing.complaints());
    stage.server.wait("a release", |state| state.events.contains(&Event::Released { holder: imsi(1) }));
    assert!(fs::read_to_string(stage.log()).unwrap().contains("RELEASE6"));
}
