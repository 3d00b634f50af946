//! Two libraries, one cipher.

use super::rustcrypto;

#[test]
fn other_key_lengths_are_refused() {
    for len in [0, 15, 17, 24, 31, 33] {
        assert!(super::Gcm::new(&vec![1; len]).is_none(), "{len}");
        assert!(rustcrypto::Gcm::new(&vec![1; len]).is_none(), "{len}");
    }
}

#[cfg(feature = "ring")]
mod both {
    use proptest::{collection::vec, prelude::*};

    use super::{super::ring, rustcrypto};

    proptest! {
        #[test]
        fn what_one_library_seals_the_other_opens(
            long in any::<bool>(),
            key in any::<[u8; 32]>(),
            nonce in any::<[u8; 12]>(),
            clear in vec(any::<u8>(), 0..40),
            plain in vec(any::<u8>(), 0..400),
        ) {
            let key = if long { &key[..] } else { &key[..16] };
            let ours = ring::Gcm::new(key).unwrap();
            let theirs = rustcrypto::Gcm::new(key).unwrap();
            let (mut first, mut second) = (plain.clone(), plain.clone());
            let tag = ours.seal(nonce, &clear, &mut first);
            prop_assert_eq!(tag, theirs.seal(nonce, &clear, &mut second));
            prop_assert_eq!(&first, &second);
            let tag = tag.unwrap();
            prop_assert_eq!(ours.open(nonce, &clear, &mut first, tag), Some(()));
            prop_assert_eq!(theirs.open(nonce, &clear, &mut second, tag), Some(()));
            prop_assert_eq!(&first, &plain);
            prop_assert_eq!(&second, &plain);
        }
    }

    #[test]
    fn nothing_of_a_key_is_left_once_it_is_wiped() {
        for len in [16, 32] {
            let sealed = |key: &ring::Gcm| {
                let mut text = [7; 64];
                (key.seal([9; 12], b"clear", &mut text).unwrap(), text)
            };
            let mut key = ring::Gcm::new(&vec![0xa5; len]).unwrap();
            let empty = ring::Gcm::new(&vec![0; len]).unwrap();
            assert_ne!(sealed(&key), sealed(&empty));
            key.wipe();
            assert_eq!(sealed(&key), sealed(&empty), "{len} bytes");
        }
    }
}
