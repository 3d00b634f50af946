use std::{fs, os::unix::fs::PermissionsExt as _, time::Duration};

use redb::{Database, TableDefinition};
use rove_base::{Arrival, Entropy, Instant, Scratch, Step, Transport, UnixTime};
use rove_irmv::{Claim, Contact, Identifier, Proof, Record, SharedRegistry, Status, Uid, UserKey};
use serde_json::{Value, json};
use tokio::sync::oneshot::Receiver;

use super::*;
use crate::{driver::Role as _, irmv::IrmvRole};

const ALICE: &str = "alice@a.example";
const NOW: rove_base::Now = rove_base::Now { mono: Instant::ZERO, wall: UnixTime::from_secs(1_800_000_000) };

fn name(text: &str) -> Name {
    text.parse().unwrap()
}

fn user(name: &str) -> IrmvUser {
    IrmvUser { name: name.into(), uid: None, number: None, listed: false, contacts: Vec::new() }
}

fn key(n: u8) -> UserKey {
    UserKey::from_seed(&[n; 32])
}

fn config(folder: &Path, more: &str) -> IrmvConfig {
    let at = |name: &str| folder.join(name).display().to_string();
    let text = format!(
        "listen = [\"127.0.0.1:0\"]\ndomain = \"a.example\"\ncertificate = \"a.pem\"\nkey = \"a.key\"\n\
         signing_key = \"{}\"\naccounts = \"{}\"\n{more}",
        at("signing.key"),
        at("accounts.db")
    );
    toml::from_str(&text).unwrap()
}

/// A role, what comes from its database's thread, and a runtime to hear that with.
struct Stage {
    role: IrmvRole,
    keeping: Option<Keeping>,
    runtime: tokio::runtime::Runtime,
    journal: Vec<Vec<u8>>,
}

impl Stage {
    fn new(folder: &Path, more: &str) -> Self {
        Self::with_journal(folder, more, &[])
    }

    fn with_journal(folder: &Path, more: &str, journal: &[Vec<u8>]) -> Self {
        let (config, mut entropy) = (config(folder, more), Entropy::from_number(1));
        let registry = IrmvRole::registry(&config, (0, 0), &mut entropy).unwrap();
        let (accounts, keeping) = Accounts::open(&config).unwrap().unzip();
        let role = IrmvRole::new(&config, None, SharedRegistry::new(registry), entropy).unwrap();
        let mut role = role.with_accounts(accounts);
        for record in journal {
            role.replay(record).unwrap();
        }
        role.start(NOW);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        Self { role, keeping, runtime, journal: journal.to_vec() }
    }

    fn order(&mut self, order: Value) -> Receiver<String> {
        let (reply, answer) = Reply::pair();
        let order: AccountOrder = serde_json::from_value(order).unwrap();
        assert!(self.role.account(NOW, &order, reply).is_none());
        answer
    }

    /// What the thread has kept next is told, and what follows of it is written down.
    fn kept(&mut self) {
        let next = async { tokio::time::timeout(PATIENCE, Keeping::next(&mut self.keeping)).await };
        let kept = self.runtime.block_on(next).unwrap();
        self.role.kept(NOW, &kept);
        self.drain();
    }

    fn drain(&mut self) {
        let mut scratch = Scratch::default();
        loop {
            scratch.clear();
            match self.role.poll(NOW, &mut scratch) {
                Step::Wait(_) => return,
                Step::Append(append) => {
                    self.journal.push(scratch.get(append.range).to_vec());
                    self.role.handle(NOW, Arrival::Durable { ticket: append.ticket });
                }
                _ => {}
            }
        }
    }

    fn does(&mut self, order: Value) -> Value {
        let mut answer = self.order(order);
        while self.role.accounts.as_ref().unwrap().doing.is_some() {
            self.kept();
        }
        serde_json::from_str(&answer.try_recv().unwrap()).unwrap()
    }

    fn refuses(&mut self, order: Value, says: &str) {
        let answer = self.does(order);
        assert!(answer["error"].as_str().is_some_and(|error| error.contains(says)), "{says}: {answer}");
    }

    /// Somebody has registered, as the journal says as well.
    fn registers(&mut self, who: u8) {
        let record = self.record(who);
        self.journal.push(record.encode());
        self.role.server.registry().lock().put(&record).unwrap();
        self.role.pin(&record.claim.name, record.claim.uid());
    }

    fn record(&self, who: u8) -> Record {
        let claim = Claim {
            key: key(who).public(),
            sequence: 1,
            expires: UnixTime::from_secs(NOW.wall.as_secs() + 3_600),
            status: Status::Online,
            listed: false,
            name: name(ALICE),
            number: None,
            fixed: None,
            contacts: vec![Contact { transport: Transport::Udp, address: ([192, 0, 2, 7], 5_060).into() }],
        };
        let signature = claim.sign(&key(who));
        let server = self.role.config.signing_key().unwrap();
        Record::attest(claim, signature, (Proof::Nothing, Proof::Nothing), &server)
    }

    fn uid(&self) -> Option<Uid> {
        self.role.server.config().accounts[&name(ALICE)].uid
    }

    fn is_there(&self) -> bool {
        self.role.server.present(&Identifier::Name(name(ALICE))).is_some()
    }
}

/// For the disk.
const PATIENCE: Duration = Duration::from_secs(20);

#[test]
fn what_was_kept_is_there_when_the_file_is_opened_again_and_its_owner_alone_may_read_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("accounts.db");
    let file = AccountFile::open(&path).unwrap();
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    let full = IrmvUser {
        uid: Some(key(1).uid().to_string()),
        number: Some("+46701234567".into()),
        listed: true,
        contacts: vec!["bob@b.example".into()],
        ..user(ALICE)
    };
    let (carol, dave) = (user("carol@a.example"), user("dave@a.example"));
    file.keep(&[Change::Put(user(ALICE)), Change::Put(carol.clone()), Change::Put(dave.clone())]).unwrap();
    file.keep(&[Change::Remove(carol.name), Change::Put(full.clone())]).unwrap();
    let twice = AccountFile::open(&path).map(drop).unwrap_err();
    assert!(matches!(twice, AccountFileError::InUse), "{twice}");
    drop(file);
    assert_eq!(AccountFile::open(&path).unwrap().read().unwrap(), [full, dave]);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing else is left there");
}

#[test]
fn a_file_that_is_something_else_or_of_another_version_is_refused_by_its_name() {
    const OTHER: TableDefinition<'_, &str, &str> = TableDefinition::new("accounts");
    const FORMAT: TableDefinition<'_, &str, u32> = TableDefinition::new("format");
    let with_mode = |mode: u32, make: &dyn Fn(&Path)| {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("accounts.db");
        make(&path);
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        let before = fs::read(&path).unwrap();
        let error = Accounts::open(&config(folder.path(), "")).map(drop).unwrap_err().to_string();
        assert!(error.contains(&path.display().to_string()) && error.contains("[irmv] accounts"), "{error}");
        (error, before == fs::read(&path).unwrap())
    };
    let with = |make: &dyn Fn(&Path)| with_mode(0o600, make);
    let database = |path: &Path, version: Option<u32>, row: Option<(&str, &str)>| {
        let database = Database::create(path).unwrap();
        let writing = database.begin_write().unwrap();
        if let Some(version) = version {
            writing.open_table(FORMAT).unwrap().insert("rove accounts", version).unwrap();
        }
        let mut table = writing.open_table(OTHER).unwrap();
        if let Some((name, text)) = row {
            table.insert(name, text).unwrap();
        }
        drop(table);
        writing.commit().unwrap();
    };
    let (error, same) = with(&|path| fs::write(path, "this is a shopping list, and a long one").unwrap());
    assert!(error.contains("is no database of accounts") && same, "{error}");
    let (error, same) = with(&|path| fs::write(path, "").unwrap());
    assert!(error.contains("damaged") && same, "{error}");
    let (error, _) = with(&|path| database(path, None, None));
    assert!(error.contains("is no database of accounts"), "{error}");
    let (error, _) = with(&|path| database(path, Some(2), None));
    assert!(error.contains("format 2") && error.contains("knows 1"), "{error}");
    let (error, _) = with_mode(0o620, &|path| database(path, Some(1), None));
    assert!(error.contains("chmod 600"), "{error}");
    for (row, says) in [
        ((ALICE, "{}"), "missing field `name`"),
        ((ALICE, r#"{"name":"bob@a.example"}"#), "alice@a.example is bob@a.example inside"),
        (("a@b.example", r#"{"name":"a@b.example"}"#), "is of another domain"),
        ((ALICE, r#"{"name":"alice@a.example","shoe_size":43}"#), "shoe_size"),
    ] {
        let (error, _) = with(&|path| database(path, Some(1), Some(row)));
        assert!(error.contains(says), "{says}: {error}");
    }
}

#[test]
fn of_a_file_that_is_torn_or_changed_all_accounts_are_read_or_none() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("accounts.db");
    let file = AccountFile::open(&path).unwrap();
    let users: Vec<IrmvUser> = (10..99).map(|n| user(&format!("user{n}@a.example"))).collect();
    for some in users.chunks(10) {
        file.keep(&some.iter().cloned().map(Change::Put).collect::<Vec<_>>()).unwrap();
    }
    drop(file);
    let whole = fs::read(&path).unwrap();
    let pieces = whole.len() / 4_096;
    let step = if std::env::var_os("ROVE_PROVE").is_some() { 1 } else { (pieces / 20).max(1) };
    let (mut refused, mut read) = (0, 0);
    let mut with = |bytes: &[u8], what: &str| {
        fs::write(&path, bytes).unwrap();
        match AccountFile::open(&path).and_then(|file| file.read()) {
            Ok(there) => {
                assert_eq!(there, users, "{what}");
                read += 1;
            }
            Err(AccountFileError::Damaged(_) | AccountFileError::Foreign) => refused += 1,
            Err(error) => panic!("{what}: {error}"),
        }
    };
    for piece in (0..pieces).step_by(step) {
        with(&whole[..piece * 4_096 + 100], "cut short");
        let mut changed = whole.clone();
        changed[piece * 4_096..][..4_096].fill(0x5a);
        with(&changed, "written over");
    }
    println!("{refused} refused, {read} read in full");
    assert!(refused > 0);
}

#[test]
fn an_order_is_answered_when_it_is_durable_and_at_work_and_what_was_answered_is_there_afterwards() {
    let folder = tempfile::tempdir().unwrap();
    let mut stage = Stage::new(folder.path(), "");
    let mut answer = stage.order(json!({ "add": { "name": "Alice@A.example", "number": "+46701234567" } }));
    assert!(answer.try_recv().is_err(), "nobody has heard of the disk yet");
    assert!(stage.role.server.config().accounts.is_empty());
    stage.kept();
    let said: Value = serde_json::from_str(&answer.try_recv().unwrap()).unwrap();
    assert_eq!(said["ok"]["name"], ALICE, "in the form that it has everywhere");
    assert_eq!(stage.role.server.whose_number(&"+46701234567".parse().unwrap()), Some(&name(ALICE)));
    let contact =
        json!({ "set": { "name": ALICE, "changes": { "contacts": ["bob@b.example"], "number": null } } });
    assert_eq!(stage.does(contact)["ok"]["contacts"], json!(["bob@b.example"]));
    assert_eq!(stage.does(json!({ "add": { "name": "carol@a.example" } }))["ok"]["uid"], Value::Null);
    assert_eq!(stage.does(json!({ "remove": "carol@a.example" })), json!({ "ok": null }));
    drop(stage);

    let mut again = Stage::new(folder.path(), "");
    let shown = again.does(json!({ "show": null }));
    let alice = json!({ "name": ALICE, "uid": null, "number": null, "listed": false, "contacts": ["bob@b.example"],
                        "status": null });
    assert_eq!(shown, json!({ "ok": [alice] }));
    let account = &again.role.server.config().accounts[&name(ALICE)];
    assert_eq!((account.number, account.contacts.len()), (None, 1));
}

#[test]
fn what_cannot_be_is_refused_with_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let toml = "[[user]]\nname = \"dave@a.example\"\nnumber = \"+46701111111\"\n";
    let mut stage = Stage::new(folder.path(), toml);
    assert_eq!(
        stage.does(json!({ "add": { "name": ALICE, "number": "+46702222222" } }))["error"],
        Value::Null
    );
    let add = |name: &str, key: &str, value: Value| json!({ "add": { "name": name, key: value } });
    let set =
        |name: &str, key: &str, value: Value| json!({ "set": { "name": name, "changes": { key: value } } });
    let cases = [
        (add(ALICE, "listed", json!(true)), "an account already"),
        (add("alice", "listed", json!(true)), "not user@domain"),
        (add("a@b.example", "listed", json!(true)), "another domain"),
        (add("bob@a.example", "uid", json!("short")), "52 characters"),
        (add("bob@a.example", "number", json!("+46701111111")), "that of dave@a.example"),
        (add("bob@a.example", "number", json!("+46702222222")), "that of alice@a.example"),
        (add("dave@a.example", "listed", json!(true)), "[[irmv.user]]"),
        (set("dave@a.example", "listed", json!(true)), "[[irmv.user]]"),
        (set("bob@a.example", "listed", json!(true)), "no such account"),
        (set(ALICE, "name", json!("bob@a.example")), "a name stays"),
        (set(ALICE, "listed", json!("perhaps")), "invalid type"),
        (set(ALICE, "shoe_size", json!(43)), "shoe_size"),
        (json!({ "remove": "bob@a.example" }), "no such account"),
        (json!({ "remove": "dave@a.example" }), "roved reload"),
        (json!({ "show": "bob@a.example" }), "no such account"),
    ];
    for (order, says) in cases {
        stage.refuses(order, says);
    }
    drop(stage);
    for (toml, other) in [
        ("[[user]]\nname = \"alice@a.example\"\n", "alice@a.example"),
        ("[[user]]\nname = \"bob@a.example\"\nnumber = \"+46702222222\"\n", "+46702222222"),
    ] {
        let error = Accounts::open(&config(folder.path(), toml)).map(drop).unwrap_err().to_string();
        for part in [other, "accounts.db", "[[irmv.user]]", "one of them"] {
            assert!(error.contains(part), "{part}: {error}");
        }
        let stage = Stage::new(folder.path(), "");
        assert_eq!(stage.role.agrees_with(&config(folder.path(), toml)).unwrap_err().to_string(), error);
    }
}

#[test]
fn the_first_key_is_the_accounts_for_good_also_where_the_database_had_no_time_to_learn_it() {
    let folder = tempfile::tempdir().unwrap();
    let mut stage = Stage::new(folder.path(), "");
    stage.does(json!({ "add": { "name": ALICE } }));
    let before = fs::read(folder.path().join("accounts.db")).unwrap();
    stage.registers(1);
    assert_eq!(stage.uid(), Some(key(1).uid()), "at once");
    stage.kept();
    let journal = stage.journal.clone();
    drop(stage);
    // Without anything of the journal.
    let stage = Stage::new(folder.path(), "");
    assert_eq!((stage.uid(), stage.is_there()), (Some(key(1).uid()), false));
    drop(stage);
    // The database as it was, as a crash would leave it: the journal knows.
    fs::write(folder.path().join("accounts.db"), before).unwrap();
    let mut stage = Stage::with_journal(folder.path(), "", &journal);
    assert_eq!((stage.uid(), stage.is_there()), (Some(key(1).uid()), true));
    stage.kept();
    drop(stage);
    assert_eq!(Stage::new(folder.path(), "").uid(), Some(key(1).uid()));
}

#[test]
fn of_an_account_whose_key_was_lost_or_that_was_removed_the_old_registration_does_not_come_back_by_the_journal()
 {
    let folder = tempfile::tempdir().unwrap();
    let mut stage = Stage::new(folder.path(), "");
    stage.does(json!({ "add": { "name": ALICE } }));
    stage.registers(1);
    let reset = stage.does(json!({ "set": { "name": ALICE, "changes": { "uid": null } } }));
    assert_eq!((&reset["ok"]["uid"], stage.uid(), stage.is_there()), (&Value::Null, None, false));
    let journal = stage.journal.clone();
    drop(stage);
    let mut stage = Stage::with_journal(folder.path(), "", &journal);
    assert_eq!((stage.uid(), stage.is_there()), (None, false));
    stage.registers(2);
    assert_eq!(stage.uid(), Some(key(2).uid()));
    let removed = stage.does(json!({ "remove": ALICE }));
    assert_eq!((removed, stage.is_there()), (json!({ "ok": null }), false));
    let journal = stage.journal.clone();
    drop(stage);
    assert!(!Stage::with_journal(folder.path(), "open = true\n", &journal).is_there());
}
