use std::sync::Arc;

use rove_base::Instant;

use super::*;

const XML: &str = r#"<?xml version="1.0" encoding="ISO-8859-1" ?>
<!DOCTYPE scenario SYSTEM "sipp.dtd">
<scenario name="a caller">
  <!-- a word -->
  <send retrans="500"><![CDATA[

      INVITE sip:[service]@[remote_ip]:[remote_port] SIP/2.0
      Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
      To: <sip:[service]@[remote_ip]>
      Call-ID: [call_id]
      CSeq: 1 INVITE
      Content-Length: [len]

      v=0
      c=IN IP[media_ip_type] [media_ip]

    ]]></send>
  <recv response="180" optional="true"></recv>
  <recv response="200" rtd="true"/>
  <send><![CDATA[
      ACK sip:[service]@[remote_ip] SIP/2.0
      To: <sip:[service]@[remote_ip]>[peer_tag_param]
      Call-ID: [call_id]
      CSeq: 1 ACK
      Content-Length: 0
    ]]></send>
  <pause milliseconds="100"/>
  <nop/>
  <ResponseTimeRepartition value="10, 20"/>
</scenario>"#;

fn facts() -> Facts {
    Facts {
        local: "192.0.2.1:5060".parse().unwrap(),
        remote: "192.0.2.2:5070".parse().unwrap(),
        media: "192.0.2.1:9".parse().unwrap(),
        service: "bob".into(),
        number: 3,
        pid: 77,
        call_id: "3-77@192.0.2.1".into(),
        fields: vec!["alice".into()],
    }
}

fn player(text: &str) -> Player {
    let scenario = Arc::new(Scenario::parse_xml(text).unwrap());
    Player::new(at(0), scenario, facts(), Duration::from_secs(1))
}

fn at(millis: u64) -> Instant {
    Instant::from_nanos(millis * 1_000_000)
}

fn sent(player: &mut Player) -> String {
    match player.poll() {
        Played::Send(bytes) => String::from_utf8(bytes).unwrap(),
        other => panic!("{other:?}"),
    }
}

fn response(code: u16, method: &str) -> String {
    format!(
        "SIP/2.0 {code} x\r\nTo: <sip:bob@192.0.2.2>;tag=t9\r\nCall-ID: 3-77@192.0.2.1\r\nCSeq: 1 {method}\r\n\r\n"
    )
}

#[test]
fn keywords_are_filled_in_and_the_body_is_counted() {
    let invite = sent(&mut player(XML));
    assert!(invite.starts_with("INVITE sip:bob@192.0.2.2:5070 SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK-77-3-0\r\n"), "{invite}");
    let (head, body) = invite.split_once("\r\n\r\n").unwrap();
    assert_eq!(body, "v=0\r\nc=IN IP4 192.0.2.1\r\n");
    assert!(head.ends_with(&format!("Content-Length: {}", body.len())), "{head}");
}

#[test]
fn a_call_goes_through_its_steps_and_is_measured_to_where_it_says() {
    let mut player = player(XML);
    sent(&mut player);
    player.handle(at(10), &response(180, "INVITE"));
    assert!(matches!(player.poll(), Played::Wait(Some(_))));
    player.handle(at(30), &response(200, "INVITE"));
    let ack = sent(&mut player);
    assert!(
        ack.contains("To: <sip:bob@192.0.2.2>;tag=t9\r\n") && ack.ends_with("Content-Length: 0\r\n\r\n"),
        "{ack}"
    );
    assert_eq!(player.measured(), Some(at(30)));
    assert_eq!(player.poll(), Played::Wait(Some(at(130))));
    player.handle(at(60), &response(200, "INVITE"));
    assert_eq!(sent(&mut player), ack, "a 200 that comes again is acknowledged again");
    player.tick(at(130));
    assert_eq!(player.poll(), Played::Over(Ok(())));
}

#[test]
fn what_gets_no_answer_is_sent_again_ever_more_rarely_and_then_given_up() {
    let mut player = player(XML);
    let invite = sent(&mut player);
    let mut again = Vec::new();
    let over = loop {
        match player.poll() {
            Played::Wait(Some(next)) => player.tick(next),
            Played::Send(bytes) => again.push(bytes),
            other => break other,
        }
    };
    assert_eq!(again.len(), 10);
    assert!(again.iter().all(|bytes| bytes == invite.as_bytes()));
    assert!(matches!(over, Played::Over(Err(why)) if why.contains("nothing came")));
}

#[test]
fn what_is_not_expected_ends_the_call_with_its_first_line() {
    let mut player = player(XML);
    sent(&mut player);
    player.handle(at(5), &response(486, "INVITE"));
    let Played::Over(Err(why)) = player.poll() else { panic!("not over") };
    assert_eq!(why, "SIP/2.0 486 x came, which step 2 does not expect");
}

#[test]
fn the_built_in_pair_of_ours_plays_a_call_to_its_end() {
    let read = |name: &str| Arc::new(Scenario::read(Path::new(name)).unwrap());
    let (uac, uas) = (read("uac"), read("uas"));
    assert!(uac.calls() && !uas.calls());
    let mut back = facts();
    (back.local, back.remote) = (back.remote, back.local);
    let mut caller = Player::new(at(0), uac, facts(), Duration::from_secs(1));
    let mut callee = Player::new(at(0), uas, back, Duration::from_secs(1));
    let (mut now, mut over) = (at(0), None);
    for _ in 0..100 {
        let mut said = false;
        while let Played::Send(bytes) = caller.poll() {
            callee.handle(now, core::str::from_utf8(&bytes).unwrap());
            said = true;
        }
        while let Played::Send(bytes) = callee.poll() {
            caller.handle(now, core::str::from_utf8(&bytes).unwrap());
            said = true;
        }
        over = match caller.poll() {
            Played::Over(how) => Some(how),
            _ => over,
        };
        if let (Some(Ok(())), Played::Over(how)) = (&over, callee.poll()) {
            assert_eq!(how, Ok(()));
            assert_eq!(caller.measured(), Some(at(0)));
            return;
        }
        if !said {
            now += Duration::from_millis(100);
            caller.tick(now);
            callee.tick(now);
        }
    }
    panic!("the call did not end: {over:?}");
}

#[test]
fn what_is_not_known_is_named() {
    let error = |text: &str| Scenario::parse_xml(text).unwrap_err().to_string();
    let step = |step: &str| format!("<scenario name=\"x\">{step}</scenario>");
    assert!(error(&step("<recvCmd/>")).contains("the element <recvCmd> is not known"));
    assert!(error(&step("<nop><action/></nop>")).contains("the element <action> is not known"));
    assert!(error(&step("<recv response=\"200\" auth=\"true\"/>")).contains("auth of <recv>"));
    assert!(error(&step("<recv response=\"abc\"/>")).contains("abc is no status code"));
    assert!(error(&step("<pause milliseconds=\"soon\"/>")).contains("soon is no time in ms"));
    assert!(error(&step("<send>X [routes]</send>")).contains("the keyword [routes] is not known"));
    assert!(error("<other/>").contains("it has no step") || error("<other/>").contains("<other>"));
    assert!(error(&step("")).contains("no step"));
    assert!(error("<scenario><send>").contains("no XML"));
    let toml = |text: &str| Scenario::parse_toml(text).unwrap_err().to_string();
    assert!(toml("name = \"x\"\n[[step]]\npause = \"soon\"").contains("soon is no time"));
    assert!(toml("name = \"x\"\n[[step]]\nreceive = 99").contains("99 is no status code"));
    assert!(!toml("name = \"x\"\n[[step]]\njump = 3").is_empty());
}

#[test]
fn a_file_that_is_cut_or_changed_anywhere_is_read_or_refused_and_what_is_read_can_be_played() {
    let (mut read, mut refused) = (0, 0);
    let mut try_it = |text: &str| match Scenario::parse_xml(text) {
        Ok(scenario) => {
            read += 1;
            let mut player = Player::new(at(0), Arc::new(scenario), facts(), Duration::from_secs(1));
            while let play::Step::Send(_) = player.poll() {}
        }
        Err(_) => refused += 1,
    };
    for place in 0..XML.len() {
        try_it(&XML[..place]);
        for other in ['<', '[', ']', '"', '9', '\u{fc}'] {
            let mut changed = XML.to_owned();
            changed.replace_range(place..=place, other.encode_utf8(&mut [0; 4]));
            try_it(&changed);
        }
    }
    assert!(read > 1_000 && refused > 1_000, "{read} read, {refused} refused");
}
