use super::*;
use crate::model::{Direction, Outcome};

fn folders(folder: &tempfile::TempDir) -> Folders {
    Folders { config: folder.path().join("config"), data: folder.path().join("data") }
}

#[test]
fn what_is_kept_is_found_again() {
    let folder = tempfile::tempdir().unwrap();
    let (store, first) = Store::open(folders(&folder));
    assert!(first.troubles.is_empty() && first.contacts.is_empty(), "nothing is there yet");
    let settings = Settings { min_mos: Some(3.5), ..Settings::default() };
    let contacts = [Contact { name: "Bob \"B\"".into(), address: "sip:bob@b.example".into() }];
    let history = [Past {
        at: 1_700_000_000,
        direction: Direction::Incoming,
        name: "Al".into(),
        address: "al.example".into(),
        outcome: Outcome::Talked(12.5),
    }];
    store.keep_settings(&settings).unwrap();
    store.keep_contacts(&contacts).unwrap();
    store.keep_history(&history).unwrap();
    let (_, found) = Store::open(folders(&folder));
    assert!(found.troubles.is_empty(), "{:?}", found.troubles);
    assert_eq!(
        (found.settings, &found.contacts[..], &found.history[..]),
        (settings, &contacts[..], &history[..])
    );
}

#[test]
fn a_file_that_cannot_be_understood_is_named_with_its_line_and_left_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let at = folders(&folder);
    let cases = [
        (at.config.join("settings.toml"), "look = \"dark\"\nlokk = 1\n", "line 2"),
        (at.data.join("contacts.toml"), "[[contact]]\nname = \"A\"\naddres = \"a\"\n", "line"),
        (at.data.join("history.json"), "[\n  {]\n", "line 2"),
    ];
    for (file, text, _) in &cases {
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, text).unwrap();
    }
    let (store, found) = Store::open(at);
    for ((file, text, line), trouble) in cases.iter().zip(&found.troubles) {
        let told = trouble.to_string();
        assert!(told.contains(&file.display().to_string()) && told.contains(line), "{told}");
        assert_eq!(&std::fs::read_to_string(file).unwrap(), text);
    }
    assert_eq!(found.troubles.len(), cases.len());
    let refused =
        [store.keep_settings(&Settings::default()), store.keep_contacts(&[]), store.keep_history(&[])];
    for (outcome, (file, text, _)) in refused.into_iter().zip(&cases) {
        assert!(matches!(outcome, Err(StoreError::Kept(_))), "{}", file.display());
        assert_eq!(&std::fs::read_to_string(file).unwrap(), text);
    }
}

#[cfg(unix)]
#[test]
fn what_may_hold_a_password_is_its_owners_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let at = folders(&folder);
    let file = at.config.join("settings.toml");
    std::fs::create_dir_all(&at.config).unwrap();
    std::fs::write(at.config.join("settings.new"), "left behind").unwrap();
    let (store, _) = Store::open(at);
    store.keep_settings(&Settings::default()).unwrap();
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn folders_are_those_of_the_desktop() {
    let of = |pairs: &'static [(&str, &str)]| {
        let variable =
            |name: &str| pairs.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
        Folders::of_the_desktop(variable).map(|folders| (folders.config, folders.data))
    };
    let home = of(&[("HOME", "/h")]).unwrap();
    assert_eq!(home, ("/h/.config/rove-softphone".into(), "/h/.local/share/rove-softphone".into()));
    let set = of(&[("HOME", "/h"), ("XDG_CONFIG_HOME", "/c"), ("XDG_DATA_HOME", "relative")]).unwrap();
    assert_eq!(set, ("/c/rove-softphone".into(), "/h/.local/share/rove-softphone".into()));
    assert!(of(&[]).is_none());
}
