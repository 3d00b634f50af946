//! Two places with wires between them that get as bad as they are told, by the program `impair`.

use std::time::Duration;

use serde_json::{Value, json};

use crate::{
    networks::Networks,
    programs::{Running, program},
};

/// The place that has the middle of all wires.
const MIDDLE: &str = "middle";
/// Nothing here takes longer, even on a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);

/// Two places and their wires. On wire n, counted from 0, the first has the address 10.(60 + n).0.1 at its interface `ethN`,
/// the second 10.(60 + n).0.2. Gone when it is dropped.
pub struct Wires {
    impair: std::cell::RefCell<Running>,
    /// After the program that uses them.
    networks: Networks,
    places: [String; 2],
}

impl Wires {
    /// Wires that do nothing yet; what chance will do comes from `seed`. UDP of the ports `spared` is never harmed. `None`,
    /// said aloud, where that may not be.
    ///
    /// # Panics
    ///
    /// When namespaces may be made, and wires not.
    #[must_use]
    pub fn between(places: [&str; 2], count: usize, seed: u64, spared: &[u16]) -> Option<Self> {
        let networks = Networks::apart(&[MIDDLE, places[0], places[1]])?;
        for wire in 0..count {
            for (last, place) in (1..).zip(places) {
                networks.reel(MIDDLE, place, wire, &format!("10.{}.0.{last}/24", 60 + wire));
            }
        }
        let mut command = networks.command(MIDDLE, &program("impair"));
        command.args(["--seed", &seed.to_string()]);
        command.args(spared.iter().flat_map(|port| ["--spare".to_owned(), port.to_string()]));
        command.args((0..count).flat_map(|wire| places.map(|place| format!("{place}{wire}"))));
        let mut impair = Running::spawn(command);
        impair.ready(PATIENCE);
        Some(Self { impair: impair.into(), networks, places: places.map(str::to_owned) })
    }

    /// The places, and what runs there.
    #[must_use]
    pub const fn networks(&self) -> &Networks {
        &self.networks
    }

    /// From now on `wire` is like that, and like nothing else: `way` is `there`, `back` or `both`, `bad` has the keys
    /// `delay_ms`, `jitter_ms`, `loss`, `burst`, `bit_errors`, `cut`.
    ///
    /// # Panics
    ///
    /// When the program is gone.
    pub fn set(&self, wire: usize, way: &str, bad: &Value) {
        let mut order = json!({ "wire": wire, "way": way });
        let (order, bad) = (order.as_object_mut().unwrap(), bad.as_object().unwrap().clone());
        order.extend(bad);
        self.impair.borrow_mut().types(&serde_json::to_string(order).unwrap());
    }

    /// What is counted begins now.
    ///
    /// # Panics
    ///
    /// When the program is gone.
    pub fn mark(&self) {
        self.impair.borrow_mut().types(r#"{"mark":true}"#);
    }

    /// What was counted since the mark, of voice from the first place and from the second.
    ///
    /// # Panics
    ///
    /// When the program is gone.
    #[must_use]
    pub fn truth(&self) -> [Truth; 2] {
        let mut impair = self.impair.borrow_mut();
        impair.types(r#"{"tell":true}"#);
        let told = impair.ready(PATIENCE);
        ["there", "back"].map(|way| Truth(told[way].clone()))
    }

    /// The names of the two places.
    #[must_use]
    pub fn places(&self) -> [&str; 2] {
        self.places.each_ref().map(String::as_str)
    }
}

/// What became of one direction.
#[derive(Clone, Debug)]
pub struct Truth(Value);

impl Truth {
    /// The longest time in which no packet of voice came that was new, in ms.
    ///
    /// # Panics
    ///
    /// When there was no voice.
    #[must_use]
    pub fn gap(&self) -> f64 {
        self.voice("gap_ms")
    }

    /// Packets of voice that came by no wire.
    ///
    /// # Panics
    ///
    /// When there was no voice.
    #[must_use]
    pub fn lost(&self) -> f64 {
        self.voice("lost")
    }

    /// The share of packets of voice that came by no wire.
    ///
    /// # Panics
    ///
    /// When there was no voice.
    #[must_use]
    pub fn lost_share(&self) -> f64 {
        self.lost() / self.voice("numbers")
    }

    /// The share of its bytes that went a second time.
    ///
    /// # Panics
    ///
    /// When there was no voice.
    #[must_use]
    pub fn copied(&self) -> f64 {
        self.voice("copied_share")
    }

    /// When voice was last given to this wire alone, in ms after the mark; `None`: not since then.
    #[must_use]
    pub fn last_alone(&self, wire: usize) -> Option<f64> {
        self.0["voice"]["wires"][wire]["alone_ms"].as_f64()
    }

    /// Packets of voice that were given to a wire.
    ///
    /// # Panics
    ///
    /// When there is no such wire.
    #[must_use]
    pub fn sent(&self, wire: usize) -> u64 {
        self.0["voice"]["wires"][wire]["sent"].as_u64().unwrap()
    }

    /// Of one wire: `given`, `lost`, `cut`, `broken`, `delivered`, `loss`, `delay_ms`, `latest_ms`, and so on.
    ///
    /// # Panics
    ///
    /// When nobody counts that.
    #[must_use]
    pub fn of(&self, wire: usize, key: &str) -> f64 {
        self.0["wires"][wire][key].as_f64().unwrap_or_else(|| panic!("{key} of {wire}: {}", self.0))
    }

    fn voice(&self, key: &str) -> f64 {
        self.0["voice"][key].as_f64().unwrap_or_else(|| panic!("{key}: {}", self.0))
    }
}
