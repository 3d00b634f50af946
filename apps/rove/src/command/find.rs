//! `rove find`: who wants to be found by some words.

use rove_phone::irmv::{ClientEvent, Listing, Words};
use serde_json::json;

use super::{GLANCE, irmv};
use crate::{cli::find::Find, failure::Failure, files, stop::Stop};

pub(crate) fn run(args: &Find, stop: &Stop) -> Result<(), Failure> {
    let words = Words::new(&args.word).map_err(|error| Failure::usage(error.to_string()))?;
    let irmv = irmv::asking(&args.irmv, &args.phone, stop)?;
    irmv.search(words.clone());
    let mut all: Vec<Listing> = Vec::new();
    loop {
        match irmv.next_event(GLANCE) {
            Some(ClientEvent::Found { result, last, .. }) => {
                let found = result.map_err(|why| Failure::call(format!("{words}: {why}")))?;
                for one in &found {
                    println!("{} {}, unique id {}", one.card.name, one.card.words, one.card.uid());
                }
                all.extend(found);
                if last {
                    break;
                }
            }
            _ if stop.wanted() => return Err(Failure::call("stopped before all answers had come")),
            _ => {}
        }
    }
    if let Some(path) = &args.json {
        let people: Vec<_> = all
            .iter()
            .map(|one| {
                let words: Vec<&str> = one.card.words.iter().collect();
                json!({ "name": one.card.name.as_str(), "uid": one.card.uid().to_string(), "words": words })
            })
            .collect();
        files::write(path, &format!("{:#}\n", json!({ "people": people })))?;
    }
    if all.is_empty() {
        Err(Failure::call(format!("{words}: nobody wants to be found by that")))
    } else {
        Ok(())
    }
}
