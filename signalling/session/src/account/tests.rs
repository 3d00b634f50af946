use super::*;

fn account(address: &str, proxy: bool) -> Account {
    let server = Target::parse(address).unwrap();
    Account {
        identity: NameAddr::new(Uri::from(server.uri().clone())),
        server,
        login: None,
        register: false,
        expires: Duration::from_secs(60),
        instance: None,
        flows: 1,
        proxy,
        publish: false,
        push: None,
    }
}

fn accounts(all: &[(&str, bool)]) -> Accounts {
    let mut accounts = Accounts::default();
    for (place, (address, proxy)) in (1..).zip(all) {
        let account = account(address, *proxy);
        let entry = Entry::new(account, Stage::Ready);
        accounts.all.insert(AccountId(place), entry);
    }
    accounts
}

#[test]
fn a_call_is_made_with_the_account_that_is_wanted_else_that_of_its_domain_else_the_first() {
    let accounts = accounts(&[("sip:one@home.example", false), ("sip:two@work.example", true)]);
    let cases = [
        ("sip:bob@elsewhere.example", None, "sip:one@home.example"),
        ("sip:bob@home.example", None, "sip:one@home.example"),
        ("sip:bob@WORK.example", None, "sip:two@work.example"),
        ("sip:bob@home.example", Some(AccountId(2)), "sip:two@work.example"),
        ("sip:bob@work.example", Some(AccountId(9)), "sip:two@work.example"),
    ];
    for (target, wanted, expected) in cases {
        let target = Target::parse(target).unwrap();
        let identity = accounts.identity(&target, wanted).unwrap();
        assert_eq!(identity.uri.to_string(), expected, "{target} {wanted:?}");
        let way = accounts.way(&target, wanted);
        let by_proxy = expected.contains("two");
        assert_eq!(way.host() == "work.example", by_proxy || target.host() == "work.example", "{target}");
    }
    assert!(Accounts::default().identity(&Target::parse("sip:bob@home.example").unwrap(), None).is_none());
}
