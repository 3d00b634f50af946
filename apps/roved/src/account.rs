//! `roved account`: the accounts of the registry that runs.

use serde_json::{Map, Value, json};

use crate::{
    cli::{
        AccountCommand,
        account::{AddAccountArgs, SetAccountArgs},
    },
    control::ask,
    failure::Failure,
};

pub(crate) fn run(command: &AccountCommand) -> Result<(), Failure> {
    match command {
        AccountCommand::Add(args) => {
            let added = ask(&args.control, &json!({ "account": { "add": form(args) } }))?;
            println!("{} is an account now{}", args.name, whose(&added));
        }
        AccountCommand::Set(args) => {
            let order = json!({ "account": { "set": { "name": args.name, "changes": changes(args)? } } });
            let changed = ask(&args.control, &order)?;
            println!("{} is changed{}", args.name, whose(&changed));
        }
        AccountCommand::Show(args) => {
            let shown = ask(&args.control, &json!({ "account": { "show": args.name } }))?;
            for account in shown.as_array().into_iter().flatten() {
                println!("{}", if args.json { account.to_string() } else { line(account) });
            }
        }
        AccountCommand::Remove(args) => {
            ask(&args.control, &json!({ "account": { "remove": args.name } }))?;
            println!("{} is no account any more", args.name);
        }
    }
    Ok(())
}

/// An account as the node reads it.
fn form(args: &AddAccountArgs) -> Value {
    let AddAccountArgs { name, uid, number, listed, contact, .. } = args;
    json!({ "name": name, "uid": uid, "number": number, "listed": listed, "contacts": contact })
}

/// What the flags name, as the node is told it.
fn changes(args: &SetAccountArgs) -> Result<Map<String, Value>, Failure> {
    let text = |text: &String| if text == "off" { Value::Null } else { json!(text) };
    let contacts = match args.contact.as_slice() {
        [] => None,
        [off] if off == "off" => Some(json!([])),
        names => Some(json!(names)),
    };
    let named = [
        ("uid", args.uid.as_ref().map(text)),
        ("number", args.number.as_ref().map(text)),
        ("listed", args.listed.map(Value::from)),
        ("contacts", contacts),
    ];
    let all: Map<String, Value> =
        named.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?))).collect();
    if all.is_empty() {
        return Err(Failure::usage("nothing to set: name at least one of the flags that --help lists"));
    }
    Ok(all)
}

/// Whose key it is.
fn whose(account: &Value) -> String {
    account["uid"].as_str().map_or_else(
        || "; whoever registers by it first is its user for good".to_owned(),
        |uid| format!("; its key is {uid}"),
    )
}

/// One account, for people.
fn line(account: &Value) -> String {
    let text = |key: &str| account[key].as_str().unwrap_or("-").to_owned();
    let contacts: Vec<_> =
        account["contacts"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let listed = if account["listed"] == true { " listed" } else { "" };
    let admits =
        if contacts.is_empty() { String::new() } else { format!(" (admits {})", contacts.join(", ")) };
    let status = account["status"].as_str().unwrap_or("not registered");
    format!("{} {} {} {status}{listed}{admits}", text("name"), text("uid"), text("number"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_is_one_line_and_says_what_is_not_known() {
        let cases = [
            (
                json!({ "name": "alice@a.example", "uid": null, "number": null, "listed": false, "contacts": [] }),
                "alice@a.example - - not registered",
            ),
            (
                json!({ "name": "b@a.example", "uid": "q", "number": "+46", "listed": true, "status": "busy",
                        "contacts": ["c@a.example", "d@b.example"] }),
                "b@a.example q +46 busy listed (admits c@a.example, d@b.example)",
            ),
        ];
        for (account, said) in cases {
            assert_eq!(line(&account), said);
        }
    }
}
