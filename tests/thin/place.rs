//! Two networks with nothing between them but a cable, at each end of which `roved` has a thin link.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    process::Command,
    sync::atomic::{AtomicU32, Ordering},
    time::{Duration, Instant},
};

use rove_tests::programs::{Running, ip, peer, program};

/// Nothing here takes longer, even on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(40);
pub(crate) const SIDES: [usize; 2] = [0, 1];

pub(crate) struct Place {
    id: String,
    folder: tempfile::TempDir,
    /// What runs at each side.
    nodes: [Option<Running>; 2],
}

impl Place {
    /// The two networks and their cable. `None`, said aloud, where they cannot be made.
    pub(crate) fn new() -> Option<Self> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        if !Path::new("/dev/net/tun").exists() {
            println!("skipped: there is no /dev/net/tun here");
            return None;
        }
        let id = format!("rove-thin-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let place = Self { id, folder: tempfile::tempdir().unwrap(), nodes: [None, None] };
        if !SIDES.iter().all(|&side| ip(&["netns", "add", &place.space(side)])) {
            println!("skipped: no network namespaces may be made here");
            return None;
        }
        let other = place.space(1);
        place.ip(0, &format!("link add eth1 type veth peer name eth1 netns {other}"));
        for side in SIDES {
            place.ip(side, "link set lo up");
            place.ip(side, &format!("link set eth1 address 02:00:00:00:00:0{}", side + 1));
            place.ip(side, &format!("address add 10.62.0.{}/24 dev eth1", side + 1));
            place.ip(side, "link set eth1 up");
        }
        Some(place)
    }

    fn space(&self, side: usize) -> String {
        format!("{}-{side}", self.id)
    }

    /// `ip` at a side, with words in between blanks.
    pub(crate) fn ip(&self, side: usize, words: &str) {
        let space = self.space(side);
        let args: Vec<&str> = ["-n", &space].into_iter().chain(words.split(' ')).collect();
        assert!(ip(&args), "at {side}: ip {words}");
    }

    pub(crate) fn command(&self, side: usize, program: &Path) -> Command {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.space(side)]).arg(program);
        command
    }

    /// A program of this workspace at a side.
    pub(crate) fn runs(&self, side: usize, name: &str, args: &[&str]) -> Running {
        let mut command = self.command(side, &program(name));
        command.args(args);
        Running::spawn(command)
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Starts the node of a side, with more lines in its section.
    pub(crate) fn start(&mut self, side: usize, more: &str) {
        let config = self.config(side);
        let control = self.file(&format!("{side}.sock"));
        let way = if more.contains("listen") {
            String::new()
        } else {
            // A cable of this kind pads nothing.
            format!("interface = \"eth1\"\npeer = \"02:00:00:00:00:0{}\"\n", 2 - side)
        };
        let text = format!(
            "[control]\npath = \"{}\"\n[[thin]]\ntun = \"rovethin0\"\n{way}address = [\"10.9.0.{}/30\", \"fd00:9::{}/64\"]\n{more}\n",
            control.display(),
            side + 1,
            side + 1,
        );
        std::fs::write(&config, text).unwrap();
        let config = config.to_str().unwrap();
        let mut node = self.runs(side, "roved", &["--config", config, "--ready-json", "--log", "info"]);
        node.ready(PATIENCE);
        self.nodes[side] = Some(node);
    }

    /// Both nodes, which agree.
    pub(crate) fn start_both(&mut self, more: &str) {
        SIDES.into_iter().for_each(|side| self.start(side, more));
        let agreed = self.until(PATIENCE, |place| {
            SIDES.iter().all(|&side| place.metrics(side).get("rove_thin_agreed") == Some(&1.0))
        });
        assert!(agreed, "they do not agree");
    }

    /// Ends the node of a side as a failure would.
    pub(crate) fn kill(&mut self, side: usize) {
        drop(self.nodes[side].take());
    }

    fn config(&self, side: usize) -> PathBuf {
        self.file(&format!("{side}.toml"))
    }

    /// What `roved metrics` tells of the link of a side, without the name of the link.
    pub(crate) fn metrics(&self, side: usize) -> HashMap<String, f64> {
        let config = self.config(side);
        let output =
            self.command(side, &program("roved")).arg("metrics").arg("--config").arg(config).output();
        let output = output.unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let text = String::from_utf8(output.stdout).unwrap();
        let link = "link=\"rovethin0\"";
        let lines = text.lines().filter(|line| line.starts_with("rove_thin_"));
        let lines = lines.map(|line| line.rsplit_once(' ').unwrap());
        lines
            .map(|(name, value)| {
                let name = name.replace(&format!("{link},"), "").replace(&format!("{{{link}}}"), "");
                (name, value.parse().unwrap())
            })
            .collect()
    }

    /// Whether something comes to hold in time.
    pub(crate) fn until(&self, patience: Duration, holds: impl Fn(&Self) -> bool) -> bool {
        let deadline = Instant::now() + patience;
        while Instant::now() < deadline {
            if holds(self) {
                return true;
            }
            std::thread::park_timeout(Duration::from_millis(50));
        }
        false
    }

    /// Has the cable lose `lost` frames in a row of each `of` that come to a side and are compressed. `None`, said aloud, without nftables.
    pub(crate) fn lose(&self, side: usize, lost: u32, of: u32) -> Option<()> {
        let nft = peer("nft")?;
        let rules = self.file("rules");
        let text = format!(
            "table netdev bad {{\n chain in {{\n type filter hook ingress device eth1 priority 0;\n \
             ether type 0x22f1 numgen inc mod {of} >= {} drop\n }}\n}}\n",
            of - lost
        );
        std::fs::write(&rules, text).unwrap();
        let status = self.command(side, &nft).arg("-f").arg(rules).status().unwrap();
        assert!(status.success(), "the rules are taken");
        Some(())
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.nodes.iter_mut().for_each(|node| drop(node.take()));
        for side in SIDES {
            let _ = ip(&["netns", "delete", &self.space(side)]);
        }
    }
}
