use super::*;

#[test]
fn a_setting_that_cannot_be_is_named_with_what_to_give_instead() {
    let cases = [
        ("listen", Config { listen: vec!["nonsense".into()], ..Config::default() }),
        ("dns_servers", Config { dns_servers: vec!["192.0.2.1".into()], ..Config::default() }),
        ("8000 to 192000", Config { sound: Some(Sound::Pcm { rate: 1 }), ..Config::default() }),
        (
            "mos",
            Config {
                threshold: Some(Threshold { mos: Some(7.0), ..Threshold::default() }),
                ..Config::default()
            },
        ),
        (
            "loss_percent",
            Config {
                threshold: Some(Threshold { loss_percent: Some(f64::NAN), ..Threshold::default() }),
                ..Config::default()
            },
        ),
    ];
    for (what, config) in cases {
        let error = config.understood(0).unwrap_err();
        assert!(matches!(&error, RoveError::Argument { why } if why.contains(what)), "{what}: {error}");
    }
}

#[test]
fn the_threshold_is_what_the_phone_puts_up_with() {
    let threshold =
        Threshold { loss_percent: Some(2.0), mos: Some(4.0), delay_ms: Some(150.0), jitter_ms: None };
    let config = Config { threshold: Some(threshold), ..Config::default() }.understood(0).unwrap();
    let Tolerance { loss, mos, delay, jitter, .. } = config.tolerance;
    assert_eq!((loss, mos, delay, jitter), (Some(0.02), Some(4.0), Some(Duration::from_millis(150)), None));
}

#[test]
fn push_parameters_reach_the_account() {
    let push = PushService { provider: "fcm".into(), prid: "token".into(), param: Some("project".into()) };
    let account = Account {
        address: "alice@example.com".into(),
        user: None,
        password: None,
        server: None,
        expires_s: 60,
        push: Some(push),
    };
    let account = account.understood().unwrap();
    assert_eq!(account.push.map(|push| (push.provider, push.prid)), Some(("fcm".into(), "token".into())));
    assert_eq!(account.expires, Duration::from_secs(60));
}
