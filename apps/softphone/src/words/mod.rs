//! Every word that the window says or shows, in the language of its user.

use std::borrow::Cow;

use fluent_bundle::{FluentArgs, FluentBundle, FluentResource};
use unic_langid::LanguageIdentifier;

use crate::model::Language;

/// The words of one language.
pub struct Words {
    bundle: FluentBundle<FluentResource>,
    pseudo: bool,
}

impl core::fmt::Debug for Words {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Words").field("locales", &self.bundle.locales).field("pseudo", &self.pseudo).finish()
    }
}

impl Words {
    /// The words of `language`; where that is the system's, of what the environment says.
    #[must_use]
    pub fn of(language: Language) -> Self {
        let (id, text, pseudo) = match language {
            Language::System => return Self::of(by_environment(|name| std::env::var(name).ok())),
            Language::English => ("en", ENGLISH, false),
            Language::German => ("de", GERMAN, false),
            Language::Pseudo => ("en", ENGLISH, true),
        };
        let mut words = Self { bundle: bundle(id, text), pseudo };
        if pseudo {
            words.bundle.set_transform(Some(accented));
        }
        words
    }

    /// What `key` says.
    #[must_use]
    pub fn say(&self, key: &str) -> String {
        self.say_of(key, &[])
    }

    /// What `key` says of these.
    #[must_use]
    pub fn say_of(&self, key: &str, of: &[(&str, &str)]) -> String {
        let Some(pattern) = self.bundle.get_message(key).and_then(|message| message.value()) else {
            return format!("{{{key}}}");
        };
        let mut args = FluentArgs::new();
        for (name, value) in of {
            args.set(*name, *value);
        }
        // What a message lacks stands in it as its name in braces.
        let text = self.bundle.format_pattern(pattern, Some(&args), &mut Vec::new());
        if self.pseudo { format!("[{text}]") } else { text.into_owned() }
    }

    /// Whether there is such a message.
    #[must_use]
    pub fn knows(&self, key: &str) -> bool {
        self.bundle.has_message(key)
    }

    /// What the first of `keys` that is known says: of a reason, else of what all such have in common.
    #[must_use]
    pub fn say_first(&self, keys: [&str; 2], of: &[(&str, &str)]) -> String {
        let [first, second] = keys;
        self.say_of(if self.knows(first) { first } else { second }, of)
    }
}

fn bundle(id: &str, text: &str) -> FluentBundle<FluentResource> {
    // What cannot be read of a resource is left out; a test sees that there is nothing of that kind.
    let resource = match FluentResource::try_new(text.to_owned()) {
        Ok(resource) | Err((resource, _)) => resource,
    };
    let mut bundle = FluentBundle::new(vec![id.parse::<LanguageIdentifier>().unwrap_or_default()]);
    bundle.set_use_isolating(false);
    bundle.add_resource_overriding(resource);
    bundle
}

/// The language that the environment names (`LC_ALL`, `LC_MESSAGES`, `LANG`), as far as it is spoken here.
fn by_environment(variable: impl Fn(&str) -> Option<String>) -> Language {
    let said = ["LC_ALL", "LC_MESSAGES", "LANG"].into_iter().filter_map(variable);
    match said.into_iter().find(|said| !said.is_empty()) {
        Some(said) if said == "de" || said.starts_with("de_") => Language::German,
        _ => Language::English,
    }
}

/// Text that can still be read and is a third longer, as translations often are.
fn accented(text: &str) -> Cow<'_, str> {
    let mut longer = String::with_capacity(text.len() * 2);
    for char in text.chars() {
        let accented = match char {
            'a' => "àà",
            'e' => "éé",
            'i' => "îî",
            'o' => "öö",
            'u' => "ûû",
            'A' => "Å",
            'E' => "É",
            'I' => "Î",
            'O' => "Ö",
            'U' => "Û",
            'c' => "ç",
            'n' => "ñ",
            's' => "š",
            'y' => "ý",
            'z' => "ž",
            other => {
                longer.push(other);
                continue;
            }
        };
        longer.push_str(accented);
    }
    Cow::Owned(longer)
}

/// English, from which the pseudo-locale is made.
const ENGLISH: &str = include_str!("en.ftl");
/// German.
const GERMAN: &str = include_str!("de.ftl");

#[cfg(test)]
mod tests;
