//! pycrate as oracle: it has its own ASN.1 compiler and 3GPP's own modules.

use std::path::Path;

use rove_roam::{
    E164,
    private::{
        map::{Kind, Map, argument, outcome},
        tcap::{Component, Message},
    },
};
use rove_tests::{
    private::{Exchange, VISITED, exchanges, partner},
    programs::peer,
};

use crate::{asked_python, hex, messages, pair, transactions};

#[test]
fn pycrate_reads_and_writes_every_message_to_the_same_meaning() {
    let Some(python) = peer("python3") else { return };
    let transactions = transactions(&messages(pair(Map::new)));
    let transactions: Vec<Vec<u8>> = transactions.into_iter().map(|(_, message)| message).collect();
    let Some(lines) = through_pycrate(&python, &transactions) else { return };
    assert_eq!(lines.len(), transactions.len());
    let (mut said, mut theirs_said) = (Said::default(), Said::default());
    for (ours, (theirs, text)) in transactions.iter().zip(&lines) {
        assert_eq!(meaning(ours, &mut said), meaning(theirs, &mut theirs_said), "{text}");
    }
    let of_each = |mut codes: Vec<u8>| {
        codes.sort_unstable();
        codes.dedup();
        codes
    };
    let granted = |exchange: &Exchange| usize::from(exchange.result.is_ok());
    let inside = |exchange: &Exchange| usize::from(exchange.before.is_some());
    let exchanges = exchanges();
    let results: usize = exchanges.iter().map(|exchange| granted(exchange) + inside(exchange)).sum();
    let refused = exchanges.iter().filter(|exchange| exchange.result.is_err()).count();
    assert_eq!((said.results, said.errors.len()), (results, refused), "every result and every error");
    assert_eq!(of_each(said.asked), [2, 3, 7, 8, 37, 56, 57, 67], "operations that were asked");
    assert_eq!(of_each(said.errors), [1, 5, 8, 21, 34, 35, 36], "errors of every number that is used");
    // What pycrate itself says of standard fields.
    let all = lines.iter().map(|(_, text)| text.as_str()).collect::<Vec<_>>().join("\n");
    for (what, expected) in [
        ("the IMSI of authentication", "imsi '00010100000000F1'H".to_owned()),
        ("the number of vectors", "numberOfRequestedVectors 5".to_owned()),
        ("the visited node", format!("vlr-Number '91{}'H", tbcd(&partner(VISITED).title))),
        ("why it is cancelled", "cancellationType subscriptionWithdraw".to_owned()),
        ("the forwarding", "noReplyConditionTime 15".to_owned()),
        ("the private extension's name", "extId {1 3 6 1 4 1 32473 1 1}".to_owned()),
        ("an error's parameter", "roamingNotAllowedCause operatorDeterminedBarring".to_owned()),
    ] {
        assert!(all.contains(&expected), "{what}: no \"{expected}\" in\n{all}");
    }
}

/// What pycrate wrote, and what it says it read; `None` where it is not installed.
fn through_pycrate(python: &Path, messages: &[Vec<u8>]) -> Option<Vec<(Vec<u8>, String)>> {
    let input: String = messages.iter().map(|message| hex(message) + "\n").collect();
    let text = asked_python(python, "map.py", &input, "pycrate")?;
    let row = |line: &str| {
        let (bytes, text) = line.split_once('\t').unwrap();
        let byte = |pair: &[u8]| u8::from_str_radix(core::str::from_utf8(pair).unwrap(), 16).unwrap();
        (bytes.as_bytes().chunks(2).map(byte).collect(), text.to_owned())
    };
    Some(text.lines().map(row).collect())
}

/// What messages asked and were answered.
#[derive(Default)]
struct Said {
    /// The codes of operations.
    asked: Vec<u8>,
    /// How many results.
    results: usize,
    /// The codes of errors.
    errors: Vec<u8>,
}

/// All that a message says, as text; counted in `so_far`.
fn meaning(bytes: &[u8], so_far: &mut Said) -> String {
    let message = Message::parse(bytes).unwrap();
    let (names, mut components) = match message {
        Message::Begin { origin, dialogue, components } => {
            (format!("begin {origin:?} {dialogue:?}"), components)
        }
        Message::Continue { origin, destination, dialogue, components } => {
            (format!("continue {origin:?} {destination:?} {dialogue:?}"), components)
        }
        Message::End { destination, dialogue, components } => {
            (format!("end {destination:?} {dialogue:?}"), components)
        }
        Message::Abort { .. } => panic!("nothing was aborted"),
    };
    let mut text = names;
    while let Some(component) = components.take().unwrap() {
        let said = match component {
            Component::Invoke { id, operation, argument } => {
                so_far.asked.push(operation);
                let network = partner(VISITED).name;
                let around = argument::Around {
                    imsi: Some(rove_tests::private::imsi()),
                    title: partner(VISITED).title,
                    network: &network,
                };
                let kind = Kind::from_code(operation).unwrap();
                format!("invoke {id} {:?}", argument::read(kind, argument, &around).unwrap())
            }
            // Which question it answers is not in the message; of the ways to read it, one or more fit.
            Component::Result { id, result } => {
                so_far.results += 1;
                let kinds =
                    [Kind::SendAuthenticationInfo, Kind::UpdateLocation, Kind::Bind, Kind::RestoreData];
                format!("result {id} {:?}", kinds.map(|kind| outcome::read(kind, result).ok()))
            }
            Component::Error { id, code, parameter } => {
                so_far.errors.push(code);
                format!("error {id} {code} {:?}", outcome::read_error(code, parameter))
            }
            Component::Reject { .. } => panic!("nothing was rejected"),
        };
        text.push_str(&said);
    }
    text
}

fn tbcd(number: &E164) -> String {
    let digits: Vec<char> = number.as_str().chars().chain(['F']).collect();
    digits.chunks_exact(2).map(|pair| format!("{}{}", pair[1], pair[0])).collect()
}
