use super::*;

const SMALL: Machine = Machine { descriptors: 1_024, ports: 28_232, cores: 2.0 };

fn need(calls: f64, codec: Option<CodecId>) -> Need {
    Need { calls, rate: calls / 10.0, codec }
}

#[test]
fn a_plan_that_fits_is_not_refused() {
    assert!(SMALL.sum(&need(100.0, Some(CodecId::Pcmu))).refuse().is_ok());
    assert!(SMALL.sum(&need(1_000.0, None)).refuse().is_ok(), "without media no ports are opened");
}

#[test]
fn a_plan_that_wants_too_many_descriptors_is_refused_with_its_sum() {
    let told = SMALL.sum(&need(8_000.0, Some(CodecId::Pcmu))).refuse().unwrap_err().to_string();
    assert!(
        told.contains("descriptors: 500 pairs of ports for 8000 calls at once x 2 sockets + 64 = 1064.00, of 1024 there: TOO MUCH"),
        "{told}"
    );
    assert!(
        told.contains("UDP ports: 500 pairs for 8000 calls at once x 2 = 1000.00, of 28232 there: fits"),
        "{told}"
    );
    assert!(told.contains("--force"), "{told}");
}

#[test]
fn a_plan_that_wants_too_many_ports_or_cores_is_refused() {
    let ports = Machine { descriptors: 1 << 20, ports: 1_000, cores: 64.0 };
    assert!(!ports.sum(&need(8_016.0, Some(CodecId::Pcmu))).fits());
    let slow = Machine { descriptors: 1 << 20, ports: 60_000, cores: 1.0 };
    assert!(!slow.sum(&need(2_000.0, Some(CodecId::Opus))).fits());
}

#[test]
fn the_most_calls_are_what_sockets_allow() {
    assert_eq!(SMALL.most_calls(), 480 * MOST);
    assert_eq!(Machine { descriptors: 10, ..SMALL }.most_calls(), 0);
}

#[test]
fn this_machine_has_something_of_everything() {
    let here = Machine::here();
    assert!(here.descriptors > 0 && here.ports > 0 && here.cores >= 1.0, "{here:?}");
}
