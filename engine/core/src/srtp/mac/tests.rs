//! Against the standard's examples and a streaming implementation.

use hmac::{Hmac, KeyInit, Mac as _};
use proptest::{collection::vec, prelude::*};
use sha1::Sha1;

use super::Mac;

#[test]
fn codes_are_those_of_rfc2202_for_keys_of_20_bytes() {
    let cases: [(&str, [u8; 20], &[u8], &str); 2] = [
        ("test case 1", [0x0b; 20], b"Hi There", "b617318655057264e28bc0b6fb378c8ef146be00"),
        ("test case 3", [0xaa; 20], &[0xdd; 50], "125d7342b9ac11cd91a39af48aa17b4f63f175d3"),
    ];
    for (what, key, text, code) in cases {
        let hex: String = Mac::new(&key).code(text, None).iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hex, code, "{what}");
    }
}

proptest! {
    #[test]
    fn every_length_has_the_code_of_a_streaming_hmac(
        key in any::<[u8; 20]>(),
        body in vec(any::<u8>(), 0..300),
        behind in any::<Option<[u8; 4]>>(),
    ) {
        let mut streaming = Hmac::<Sha1>::new_from_slice(&key).unwrap();
        streaming.update(&body);
        streaming.update(behind.as_ref().map_or(&[][..], <[u8; 4]>::as_slice));
        prop_assert_eq!(&Mac::new(&key).code(&body, behind)[..], &streaming.finalize().into_bytes()[..]);
    }
}
