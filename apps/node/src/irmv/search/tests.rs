//! What is published of words: each once, as long as one user has it.

use rove_irmv::{SearchKey, Words};

use super::Searcher;
use crate::driver::Seek;

fn words(text: &str) -> Words {
    Words::new(text.split_whitespace()).unwrap()
}

fn key(word: &str) -> SearchKey {
    SearchKey::of_words(&words(word)).next().unwrap()
}

fn said(searcher: &mut Searcher) -> Vec<Seek> {
    std::iter::from_fn(|| searcher.next()).collect()
}

#[test]
fn a_word_of_two_users_is_published_once_and_withdrawn_when_neither_has_it() {
    let mut searcher = Searcher::new(true);
    let (alice, bob) = ("alice@a.example".parse().unwrap(), "bob@a.example".parse().unwrap());
    searcher.listed(&alice, &words("smith"));
    searcher.listed(&bob, &words("smith baker"));
    searcher.listed(&bob, &words("smith baker"));
    assert_eq!(said(&mut searcher), [Seek::Publish(key("smith")), Seek::Publish(key("baker"))]);
    searcher.left(&alice);
    assert_eq!(said(&mut searcher), []);
    searcher.listed(&bob, &words("miller"));
    let gone = [Seek::Withdraw(key("baker")), Seek::Withdraw(key("smith"))];
    assert_eq!(said(&mut searcher), [&[Seek::Publish(key("miller"))], &gone[..]].concat());
    searcher.listed(&bob, &Words::default());
    assert_eq!(said(&mut searcher), [Seek::Withdraw(key("miller"))]);
}

#[test]
fn a_server_that_takes_no_part_keeps_nothing_for_the_network() {
    let mut searcher = Searcher::new(false);
    searcher.listed(&"alice@a.example".parse().unwrap(), &words("smith"));
    assert_eq!(said(&mut searcher), []);
    assert!(searcher.words.is_empty() && searcher.listed.is_empty());
}
