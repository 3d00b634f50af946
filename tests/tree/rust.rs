//! Reads one Rust file: its functions and types by name, and how long each function is.

use proc_macro2::Span;
use syn::{ImplItem, Item, TraitItem, Type, spanned::Spanned};

/// A function or method and the lines it spans, attributes and documentation left out.
pub(crate) struct Function {
    /// `function`, or `Type::method`.
    pub(crate) name: String,
    /// From `fn` to its closing brace.
    pub(crate) lines: usize,
}

/// What one file defines.
#[derive(Default)]
pub(crate) struct Contents {
    /// Functions with a body, in modules inside the file too, and trait methods without one (0 lines).
    pub(crate) functions: Vec<Function>,
    /// Structs, enums, traits, type aliases, constants, statics and macros.
    pub(crate) others: Vec<String>,
}

impl Contents {
    /// Reads `text`; `Err` says where it is not Rust.
    pub(crate) fn read(text: &str) -> Result<Self, String> {
        let file =
            syn::parse_file(text).map_err(|error| format!("line {}: {error}", error.span().start().line))?;
        let mut contents = Self::default();
        contents.items(&file.items);
        Ok(contents)
    }

    /// Whether `name` (`function`, `Type`, or `Type::method`) is defined here.
    pub(crate) fn defines(&self, name: &str) -> bool {
        let is = |defined: &str| defined == name || defined.rsplit("::").next() == Some(name);
        self.functions.iter().any(|function| is(&function.name)) || self.others.iter().any(|other| is(other))
    }

    fn items(&mut self, items: &[Item]) {
        for item in items {
            self.item(item);
        }
    }

    fn item(&mut self, item: &Item) {
        match item {
            Item::Fn(function) => {
                let lines = lines(function.sig.span(), function.block.span());
                self.functions.push(Function { name: function.sig.ident.to_string(), lines });
            }
            Item::Impl(block) => self.methods(block),
            Item::Trait(definition) => {
                self.others.push(definition.ident.to_string());
                for method in &definition.items {
                    let TraitItem::Fn(method) = method else { continue };
                    let lines =
                        method.default.as_ref().map_or(0, |body| lines(method.sig.span(), body.span()));
                    let name = format!("{}::{}", definition.ident, method.sig.ident);
                    self.functions.push(Function { name, lines });
                }
            }
            Item::Mod(module) => {
                if let Some((_, items)) = &module.content {
                    self.items(items);
                }
            }
            Item::Struct(item) => self.others.push(item.ident.to_string()),
            Item::Enum(item) => {
                self.others.push(item.ident.to_string());
                self.others
                    .extend(item.variants.iter().map(|variant| format!("{}::{}", item.ident, variant.ident)));
            }
            Item::Type(item) => self.others.push(item.ident.to_string()),
            Item::Const(item) => self.others.push(item.ident.to_string()),
            Item::Static(item) => self.others.push(item.ident.to_string()),
            Item::Macro(item) => self.others.extend(item.ident.as_ref().map(ToString::to_string)),
            _ => {}
        }
    }

    fn methods(&mut self, block: &syn::ItemImpl) {
        let owner = match &*block.self_ty {
            Type::Path(path) => path.path.segments.last().map(|segment| segment.ident.to_string()),
            _ => None,
        };
        for method in &block.items {
            let ImplItem::Fn(method) = method else { continue };
            let name = method.sig.ident.to_string();
            let name = owner.as_ref().map_or_else(|| name.clone(), |owner| format!("{owner}::{name}"));
            self.functions.push(Function { name, lines: lines(method.sig.span(), method.block.span()) });
        }
    }
}

fn lines(first: Span, last: Span) -> usize {
    last.end().line + 1 - first.start().line
}

#[test]
fn names_and_lengths_are_read_wherever_a_function_stands() {
    let text = "fn free() {\n}\n\
                struct S;\n\
                impl S {\n    /// Said.\n    #[inline]\n    pub fn own(&self) -> u8 {\n        1\n    }\n}\n\
                impl Clone for S { fn clone(&self) -> Self { S } }\n\
                trait T { fn must(&self); fn may(&self) {\n } }\n\
                mod inner { enum E { A } fn deep() {} }\n";
    let contents = Contents::read(text).unwrap();
    let found: Vec<_> = contents.functions.iter().map(|f| (f.name.as_str(), f.lines)).collect();
    assert_eq!(
        found,
        [("free", 2), ("S::own", 3), ("S::clone", 1), ("T::must", 0), ("T::may", 2), ("deep", 1)]
    );
    for (name, expected) in
        [("own", true), ("S::own", true), ("S", true), ("E::A", true), ("T", true), ("absent", false)]
    {
        assert_eq!(contents.defines(name), expected, "{name}");
    }
}
