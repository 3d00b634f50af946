use proptest::prelude::*;

use super::*;

#[test]
fn a_subscriber_is_of_the_network_its_first_digits_name() {
    let imsi: Imsi = "001010000000001".parse().unwrap();
    assert!(imsi.is_of("00101".parse().unwrap()));
    assert!(!imsi.is_of("00102".parse().unwrap()));
}

#[test]
fn what_is_no_number_is_named_in_the_error() {
    let error = "+4930".parse::<E164>().unwrap_err().to_string();
    assert_eq!(error, "\"+4930\" is no E.164 number: 1 to 15 digits without \"+\" are expected");
    assert!("1234567890123456".parse::<Imsi>().is_err());
}

#[test]
fn host_names_are_lower_case_and_full() {
    let name: HostName = "T1.Home.Example.".parse().unwrap();
    assert_eq!(name.as_str(), "t1.home.example");
    assert!(name.is_below("home.example") && name.is_below("example"));
    assert!(!name.is_below("ome.example") && !name.is_below("t1.home.example"));
    for bad in ["", "t1", "t1..example", "-t1.example", "t1-.example", "t 1.example", "t_1.example"] {
        assert!(bad.parse::<HostName>().is_err(), "{bad}");
    }
}

proptest! {
    #[test]
    fn any_text_is_a_name_that_reads_back_or_an_error(text in ".{0,80}") {
        if let Ok(name) = text.parse::<HostName>() {
            prop_assert_eq!(&name.to_string().parse::<HostName>().unwrap(), &name);
        }
    }
}
