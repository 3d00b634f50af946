use super::*;

#[test]
fn an_order_is_read_as_it_is_written() {
    let orders = [
        Order::Show,
        Order::Link("sip:bob@b.example".into()),
        Order::Call("bob b".into()),
        Order::Mute,
        Order::Unmute,
        Order::ToggleMute,
        Order::Answer,
        Order::Decline,
        Order::HangUp,
        Order::Status,
        Order::Quit,
    ];
    for order in orders {
        assert_eq!(Order::read(&order.line()), Ok(order));
    }
    for line in ["", "link", "mute now", "dance"] {
        assert!(Order::read(line).is_err(), "{line}");
    }
}

#[test]
fn a_link_brings_no_second_order_with_it() {
    assert_eq!(Order::Link("sip:x\nhang-up".into()).line(), "link sip:xhang-up");
}

#[test]
fn the_second_window_hands_over_to_the_first() {
    let folder = tempfile::tempdir().unwrap();
    let place = Place::within(folder.path());
    let taken = place.take().unwrap().expect("nobody was there");
    assert!(place.take().unwrap().is_none(), "somebody is there");
    let (wake, woken) = mpsc::channel();
    let orders = taken.listen(move || wake.send(()).unwrap_or_default()).unwrap();
    let second = std::thread::spawn(move || place.order(&Order::Link("tel:+4670".into())));
    woken.recv_timeout(PATIENCE).unwrap();
    let asked = orders.recv_timeout(PATIENCE).unwrap();
    assert_eq!(asked.order, Order::Link("tel:+4670".into()));
    asked.answer("ok");
    assert_eq!(second.join().unwrap().unwrap(), "ok");
}

#[test]
fn who_speaks_nonsense_is_told_so_and_others_are_served_after() {
    let folder = tempfile::tempdir().unwrap();
    let place = Place::within(folder.path());
    let orders = place.take().unwrap().unwrap().listen(|| ()).unwrap();
    let mut rude = UnixStream::connect(&place.0).unwrap();
    rude.write_all(b"dance\n").unwrap();
    let mut told = String::new();
    BufReader::new(rude).read_line(&mut told).unwrap();
    assert!(told.starts_with("no: ") && told.contains("dance"), "{told}");
    let polite = std::thread::spawn(move || place.order(&Order::Status));
    orders.recv_timeout(PATIENCE).unwrap().answer("{}");
    assert_eq!(polite.join().unwrap().unwrap(), "{}");
}

#[test]
fn a_socket_that_a_crash_left_behind_is_in_nobodys_way() {
    let folder = tempfile::tempdir().unwrap();
    let place = Place::within(folder.path());
    drop(UnixListener::bind(&place.0).unwrap());
    assert!(place.order(&Order::Show).is_err(), "nobody listens");
    assert!(place.take().unwrap().is_some());
}
