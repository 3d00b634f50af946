//! A running `roved` with a configuration of the test's own.

use std::{net::SocketAddr, path::Path, time::Duration};

use rove_tests::programs::{Running, program};

/// Nothing here takes longer, even on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// A server that has said where it is.
pub(crate) struct Server {
    /// Ends with it.
    _process: Running,
    pub(crate) address: SocketAddr,
    pub(crate) folder: tempfile::TempDir,
}

impl Server {
    /// A registrar for these domains, with what else its section says.
    pub(crate) fn start(domains: &[&str], more: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("roved.toml");
        let text = format!(
            "[sip]\ndomains = {domains:?}\n{more}\n[sip.listen]\nudp = [\"127.0.0.1:0\"]\ntcp = [\"127.0.0.1:0\"]\n\
             [sip.limits]\nrequests_per_second = 0\n"
        );
        std::fs::write(&file, text).unwrap();
        Self::with_file(folder, &file)
    }

    fn with_file(folder: tempfile::TempDir, file: &Path) -> Self {
        let file = file.display().to_string();
        let mut process = Running::start(&program("roved"), ["--config", &file, "--ready-json"]);
        let ready = process.ready(PATIENCE);
        let uri = ready["sip"][0].as_str().expect("an address");
        let address = uri.trim_start_matches("sip:").split(';').next().unwrap().parse().unwrap();
        Self { _process: process, address, folder }
    }
}
