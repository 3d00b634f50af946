use std::{collections::BTreeSet, path::Path};

use super::*;

/// The messages of a text, each with the names that stand in it.
fn messages(text: &str) -> Vec<(String, BTreeSet<String>)> {
    let lines = text.lines().filter(|line| !line.starts_with('#') && !line.trim().is_empty());
    lines
        .map(|line| {
            let (key, value) = line.split_once(" = ").unwrap_or_else(|| panic!("{line}"));
            let names = value.split("{ $").skip(1).map(|rest| rest.split(' ').next().unwrap().to_owned());
            (key.to_owned(), names.collect())
        })
        .collect()
}

#[test]
fn each_language_can_be_read_and_says_the_same_of_the_same() {
    let english = messages(ENGLISH);
    let mut known: BTreeSet<_> = english.iter().cloned().collect();
    assert_eq!(known.len(), english.len(), "each once");
    for message in messages(GERMAN) {
        assert!(known.remove(&message), "{message:?} is of one language alone, or there twice");
    }
    assert!(known.is_empty(), "not in German: {known:?}");
    for text in [ENGLISH, GERMAN] {
        FluentResource::try_new(text.to_owned()).map_err(|(_, errors)| errors).unwrap();
    }
}

#[test]
fn every_message_that_the_program_names_exists_and_none_exists_that_it_does_not_name() {
    let mut source = String::new();
    collect(Path::new(env!("CARGO_MANIFEST_DIR")).join("src").as_path(), &mut source);
    let words = Words::of(Language::English);
    let mut unused = Vec::new();
    for (key, _) in messages(ENGLISH) {
        // Those of states, causes and ways are put together out of a word.
        let family = ["cause-", "state-", "why-", "route-"].iter().any(|family| key.starts_with(family));
        if !family && !source.contains(&format!("\"{key}\"")) {
            unused.push(key);
        }
    }
    assert!(unused.is_empty(), "nobody says {unused:?}");
    for call in ["say(\"", "say_of(\"", "tell(\"", "refused(\""] {
        for named in source.split(call).skip(1) {
            let key = named.split('"').next().unwrap();
            assert!(words.knows(key) || key.is_empty(), "{key} is said and not known");
        }
    }
}

/// The program's text, tests left out.
fn collect(folder: &Path, source: &mut String) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, source);
        } else if path.extension().is_some_and(|kind| kind == "rs") && !path.ends_with("tests.rs") {
            source.push_str(&std::fs::read_to_string(&path).unwrap());
        }
    }
}

#[test]
fn every_cause_and_way_that_the_phone_names_has_words_in_each_language() {
    let causes = [
        "hung-up",
        "peer-hung-up",
        "transferred",
        "forwarded",
        "answered-elsewhere",
        "lost",
        "cancelled",
        "busy",
        "declined",
        "no-answer",
        "no-common-codec",
        "media-security",
        "no-such-name",
        "no-address",
        "lookup-failed",
        "unreachable",
        "not-found",
        "refused",
        "protocol",
        "no-media",
        "vanished",
    ];
    let ways = ["direct", "other", "relay", "relay2", "pvdpn"];
    let reasons = ["silence", "loss", "delay", "bit-errors", "quality", "cost"];
    for language in [Language::English, Language::German] {
        let words = Words::of(language);
        let all = causes.map(|word| format!("cause-{word}")).into_iter();
        let all = all.chain(ways.map(|word| format!("route-{word}")));
        for key in all.chain(reasons.map(|word| format!("why-{word}"))) {
            assert!(words.knows(&key), "{language:?}: {key}");
        }
    }
}

#[test]
fn the_pseudo_locale_is_longer_marked_and_keeps_names_as_they_are() {
    let words = Words::of(Language::Pseudo);
    assert_eq!(words.say_of("answer-call", &[("name", "Bob")]), "[Åñšwéér Bob]");
    assert!(words.say("settings-take").len() > Words::of(Language::English).say("settings-take").len());
}

#[test]
fn a_message_that_is_missing_shows_itself() {
    assert_eq!(Words::of(Language::German).say("no-such-key"), "{no-such-key}");
}

#[test]
fn the_systems_language_is_spoken_where_it_is_known() {
    let of = |pairs: &'static [(&str, &str)]| {
        by_environment(|name| {
            pairs.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
        })
    };
    assert_eq!(of(&[("LANG", "de_AT.UTF-8")]), Language::German);
    assert_eq!(of(&[("LC_ALL", ""), ("LANG", "de")]), Language::German);
    assert_eq!(of(&[("LC_ALL", "sv_SE.UTF-8"), ("LANG", "de_DE.UTF-8")]), Language::English);
    assert_eq!(of(&[]), Language::English);
}
