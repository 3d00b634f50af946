//! A desktop without a screen, and pictures of it.

use std::{
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Instant,
};

use crate::programs::{PATIENCE, pause};

/// An X server without a screen.
pub(crate) struct Desktop {
    server: Child,
    pub(crate) display: String,
}

impl Desktop {
    /// One; `None` after saying that it is skipped.
    pub(crate) fn one() -> Option<Self> {
        let program = peer("Xvfb")?;
        let mut command = Command::new(program);
        command.args(["-displayfd", "1", "-screen", "0", "440x720x24", "-nolisten", "tcp"]);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut server = command.spawn().unwrap();
        let mut number = String::new();
        BufReader::new(server.stdout.take().unwrap()).read_line(&mut number).unwrap();
        let display = format!(":{}", number.trim());
        Some(Self { server, display })
    }

    /// Two.
    pub(crate) fn two() -> Option<[Self; 2]> {
        Some([Self::one()?, Self::one()?])
    }

    /// Looks at what is shown: it has to be more than one colour. With `ROVE_PICTURES=FOLDER` it is kept there, in the format of
    /// `xwd`.
    pub(crate) fn picture(&self, name: &str) {
        let Some(program) = peer("xwd") else { return };
        let look = || {
            let mut command = Command::new(&program);
            let output = command.args(["-root", "-silent", "-display", &self.display]).output().unwrap();
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            output.stdout
        };
        // What is told is drawn a moment later.
        let (mut before, mut seen, deadline) = (Vec::new(), look(), Instant::now() + PATIENCE);
        while before != seen {
            assert!(Instant::now() < deadline, "{name}: it is drawn without end");
            pause();
            before = core::mem::replace(&mut seen, look());
        }
        let pixels = seen.get(seen.len() / 10..).unwrap().chunks_exact(4);
        let colours: std::collections::BTreeSet<_> = pixels.collect();
        assert!(colours.len() > 10, "{name}: {} colours", colours.len());
        if let Some(folder) = std::env::var_os("ROVE_PICTURES") {
            std::fs::write(Path::new(&folder).join(name).with_extension("xwd"), &seen).unwrap();
        }
    }
}

impl Drop for Desktop {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

/// The foreign program `name`, or `None` after saying that its test is skipped.
pub(crate) fn peer(name: &str) -> Option<PathBuf> {
    let wanted = std::env::var_os("ROVE_PEERS").is_none_or(|peers| peers != "none");
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path).map(|folder| folder.join(name)).find(|file| file.is_file());
    if let (true, Some(found)) = (wanted, found) {
        return Some(found);
    }
    println!("skipped: {name} {}", if wanted { "is not installed" } else { "is a foreign peer" });
    None
}
