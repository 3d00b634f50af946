//! The terminal's DHCP client: one of those that systems have, at work where the terminal is.

use core::time::Duration;
use std::{
    io::Write as _,
    net::IpAddr,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Instant,
};

use super::ground::{Ground, Place, air};
use crate::failure::Failure;

/// A client that keeps a lease; ends when it is dropped.
pub(super) struct Client(Child);

impl Drop for Client {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn fail(error: impl std::fmt::Display) -> Failure {
    Failure::environment(error.to_string())
}

/// Which client asks for an address of this family.
pub(super) const fn name(v6: bool) -> &'static str {
    if v6 { "dhclient" } else { "udhcpc" }
}

/// Whether that is installed.
pub(super) fn find(v6: bool) -> Result<PathBuf, Failure> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).chain(["/usr/sbin".into(), "/sbin".into()]);
    let name = name(v6);
    let package = if v6 { "isc-dhcp-client" } else { name };
    let found = folders.map(|folder| folder.join(name)).find(|file| file.is_file());
    found.ok_or_else(|| fail(format!("--dhcp needs {name}: apt install {package}")))
}

impl Client {
    /// Asks network `network` for the address that `token` opens.
    pub(super) fn start(ground: &Ground, dir: &Path, network: usize, token: &[u8]) -> Result<Self, Failure> {
        let v6 = ground.is_v6();
        let (program, device) = (find(v6)?, air(network));
        let mut command = Command::new(program);
        if v6 {
            // The token in a DUID of type 4.
            let octal: String =
                [&[0, 4], token].concat().iter().map(|byte| format!("\\{byte:03o}")).collect();
            let settings = write(dir, "dhclient.conf", "\n")?;
            let leases = write(dir, &format!("{device}.leases"), &format!("default-duid \"{octal}\";\n"))?;
            let script = write(
                dir,
                "dhclient.sh",
                "#!/bin/sh\ncase $reason in\n\
                 BOUND6) ip address replace $new_ip6_address/64 dev $interface nodad;;\nesac\n",
            )?;
            let pid = dir.join(format!("{device}.pid"));
            command.args(["-6", "-d", "-cf"]).arg(settings).arg("-lf").arg(leases).arg("-pf").arg(pid);
            command.arg("-sf").arg(script).arg(device);
        } else {
            let script = write(
                dir,
                "udhcpc.sh",
                "#!/bin/sh\ncase $1 in\nbound|renew) ip address replace $ip/24 dev $interface;;\nesac\n",
            )?;
            let digits: String = token.iter().map(|byte| format!("{byte:02x}")).collect();
            command
                .args(["-f", "-i", device, "-C", "-T", "1", "-x", &format!("0x3d:{digits}"), "-s"])
                .arg(script);
        }
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        ground.at(Place::Terminal, || command.spawn())?.map(Self).map_err(fail)
    }

    /// Waits until it has set `ip`.
    pub(super) fn settled(&mut self, ground: &Ground, network: usize, ip: IpAddr) -> Result<(), Failure> {
        let deadline = Instant::now() + super::PATIENCE;
        let what = format!("-o address show dev {} scope global", air(network));
        while !ground.ip(Place::Terminal, &what)?.contains(&format!(" {ip}/")) {
            if let Ok(Some(status)) = self.0.try_wait() {
                return Err(fail(format!("the DHCP client has ended: {status}")));
            }
            if Instant::now() > deadline {
                return Err(Failure::call(format!("the DHCP client does not set {ip}")));
            }
            std::thread::sleep(GLANCE);
        }
        Ok(())
    }
}

/// Writes a file, one that runs if it is a script.
fn write(dir: &Path, name: &str, text: &str) -> Result<PathBuf, Failure> {
    let path = dir.join(name);
    // A script that is open for writing cannot run, so it is closed before.
    let written = std::fs::File::create(&path).and_then(|mut file| file.write_all(text.as_bytes()));
    let mode = if text.starts_with("#!") { 0o700 } else { 0o600 };
    let allowed =
        written.and_then(|()| std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)));
    allowed.map(|()| path).map_err(fail)
}

const GLANCE: Duration = Duration::from_millis(10);
