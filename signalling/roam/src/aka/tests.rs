#![allow(clippy::indexing_slicing, clippy::arithmetic_side_effects, reason = "a test")]

use super::{
    derive::keys_for_identity,
    home::{autn, xor},
    sequence::Taken,
    *,
};
use crate::{Addresses, BindClaim, Generation, NetworkName, Resynchronisation};

fn unhex<const N: usize>(text: &str) -> [u8; N] {
    assert_eq!(text.len(), 2 * N, "{text}");
    core::array::from_fn(|i| u8::from_str_radix(&text[2 * i..2 * i + 2], 16).unwrap())
}

fn keys() -> AkaKeys {
    AkaKeys::new(unhex("5122250214c33e723a5dd523fc145fc0"), unhex("981d464c7c52eb6e5036234984ad0bcf"))
}

fn network(name: &str) -> NetworkName {
    name.parse().unwrap()
}

fn claim(network: &NetworkName, generation: u64) -> BindClaim {
    BindClaim {
        imsi: "001010000000001".parse().unwrap(),
        generation: Generation(generation),
        name: "t1.home.example".parse().unwrap(),
        addresses: Addresses { v4: Some("10.0.0.1".parse().unwrap()), v6: None },
        network: network.clone(),
    }
}

#[test]
fn milenage_gives_what_ts_35_207_and_35_208_say() {
    let mut sets = 0;
    for line in include_str!("vectors.txt").lines().filter(|line| !line.starts_with('#')) {
        let fields: Vec<&str> = line.split(' ').collect();
        let [set, k, rand, sqn, amf, op, opc, f1, f1_star, f2, f5, f3, f4, f5_star] = fields[..] else {
            panic!("{line}");
        };
        let (rand, sqn, amf) = (unhex(rand), Sqn::from_bytes(unhex(sqn)), unhex(amf));
        let keys = AkaKeys::with_op(unhex(k), unhex(op));
        assert_eq!(keys, AkaKeys::new(unhex(k), unhex(opc)), "set {set}");
        assert_eq!(keys.mac_a(&rand, sqn, amf), unhex(f1), "set {set}");
        assert_eq!(keys.mac_s(&rand, sqn, amf), unhex(f1_star), "set {set}");
        let answers = keys.answers(&rand);
        assert_eq!(*answers.res, unhex(f2), "set {set}");
        assert_eq!(*answers.ck, unhex(f3), "set {set}");
        assert_eq!(*answers.ik, unhex(f4), "set {set}");
        assert_eq!(answers.ak, unhex(f5), "set {set}");
        assert_eq!(keys.ak_star(&rand), unhex(f5_star), "set {set}");
        sets += 1;
    }
    assert_eq!(sets, 20);
}

#[test]
fn keys_are_bound_to_the_network_as_in_rfc_5448_appendix_c() {
    let rand = unhex("81e92b6c0ee0e12ebceba8d92a99dfa5");
    let sqn = Sqn::from_bytes(unhex("16f3b3f70fc2"));
    let answers = keys().answers(&rand);
    let concealed = xor(sqn.to_bytes(), answers.ak);
    let amf = unhex("c3ab");
    let made = autn(concealed, amf, keys().mac_a(&rand, sqn, amf));
    assert_eq!(made, unhex("bb52e91c747ac3ab2a5c23d15ee351d5"));
    let secret = BindingSecret::of(&answers);
    let cases: &[(&str, &str, &str)] = &[
        ("WLAN", "0093962d0dd84aa5684b045c9edffa04", "ccfc230ca74fcc96c0a5d61164f5a76c"),
        ("HRPD", "3820f0277fa5f77732b1fb1d90c1a0da", "db94a0ab557ef6c9ab48619ca05b9a9f"),
    ];
    for &(identity, ck, ik) in cases {
        let keys = keys_for_identity(&secret, identity.as_bytes(), concealed);
        assert_eq!((*keys.0, *keys.1), (unhex(ck), unhex(ik)), "{identity}");
    }
}

#[test]
fn terminal_and_home_agree_on_all_keys_and_the_network_gets_only_its_own() {
    let here = network("visited.example");
    let (vector, secret) = vector(&keys(), [0x80, 0], Sqn::of_vector(1), [7; 16], &here);
    let answer = Usim::new(keys()).answer(&vector.rand, &vector.autn, &here).unwrap();
    assert_eq!((&answer.res, &answer.ck, &answer.ik), (&vector.xres, &vector.ck, &vector.ik));
    assert_eq!(answer.binding_secret, secret);
    let elsewhere = Usim::new(keys()).answer(&vector.rand, &vector.autn, &network("other.example")).unwrap();
    assert_ne!(elsewhere.ck, vector.ck, "another network's name gives other keys");
}

#[test]
fn a_challenge_that_is_not_the_homes_is_refused() {
    let here = network("visited.example");
    let (made, _) = vector(&keys(), [0x80, 0], Sqn::of_vector(1), [7; 16], &here);
    for byte in 0..16 {
        let mut autn = made.autn;
        autn[byte] ^= 1;
        assert_eq!(Usim::new(keys()).answer(&made.rand, &autn, &here), Err(UsimError::Mac), "byte {byte}");
    }
    let (other, _) = vector(&keys(), [0, 0], Sqn::of_vector(1), [7; 16], &here);
    let refused = Usim::new(keys()).answer(&other.rand, &other.autn, &here);
    assert_eq!(refused, Err(UsimError::Mac), "made for another kind of network: no separation bit");
}

#[test]
fn a_replayed_challenge_brings_the_home_back_into_step() {
    let here = network("visited.example");
    let mut usim = Usim::new(keys());
    let ahead = Sqn::of_vector(5_000);
    let (made, _) = vector(&keys(), [0x80, 0], ahead, [1; 16], &here);
    usim.answer(&made.rand, &made.autn, &here).unwrap();
    let Err(UsimError::Sync(auts)) = usim.answer(&made.rand, &made.autn, &here) else {
        panic!("a replay was answered");
    };
    let wanted = Resynchronisation { rand: made.rand, auts };
    assert_eq!(resynchronise(&keys(), &wanted), Some(ahead));
    let mut forged = wanted;
    forged.auts[13] ^= 1;
    assert_eq!(resynchronise(&keys(), &forged), None);
    let (next, _) = vector(&keys(), [0x80, 0], Sqn::of_vector(ahead.seq() + 1), [2; 16], &here);
    let mut restored = Usim::restored(keys(), usim.taken());
    assert!(restored.answer(&next.rand, &next.autn, &here).is_ok());
    assert!(matches!(restored.answer(&made.rand, &made.autn, &here), Err(UsimError::Sync(_))));
}

#[test]
fn vectors_may_be_used_out_of_order_but_once() {
    let mut taken = Taken([0; 32]);
    for count in [3, 1, 2, 40, 33, 20] {
        assert_eq!(taken.take(Sqn::of_vector(count)), Ok(()), "{count}");
        assert_eq!(taken.take(Sqn::of_vector(count)), Err(Sqn::of_vector(taken.highest().seq())), "{count}");
    }
    assert!(taken.take(Sqn::of_vector(8)).is_err(), "its slot holds 40");
    assert!(taken.take(Sqn::of_vector(40 + (1 << 28) + 1)).is_err(), "too far ahead");
    taken.take(Sqn::of_vector(10_000)).unwrap();
    assert!(taken.take(Sqn::of_vector(5_000)).is_err(), "too old");
    assert_eq!(taken.highest(), Sqn::of_vector(10_000));
}

#[test]
fn a_proof_holds_for_its_claim_network_stay_and_secret_alone() {
    let here = network("visited.example");
    let (_, secret) = vector(&keys(), [0x80, 0], Sqn::of_vector(1), [7; 16], &here);
    let (_, other) = vector(&keys(), [0x80, 0], Sqn::of_vector(2), [8; 16], &here);
    let one = claim(&here, 1);
    let proof = binding_proof(&secret, &here, &one);
    assert_eq!(proof.0.len(), 32);
    assert!(is_binding_proof(&secret, &here, &one, &proof));
    assert!(!is_binding_proof(&other, &here, &one, &proof), "another authentication");
    assert!(!is_binding_proof(&secret, &here, &claim(&here, 2), &proof), "another stay");
    let elsewhere = network("other.example");
    assert!(!is_binding_proof(&secret, &elsewhere, &claim(&elsewhere, 1), &proof), "another network");
    let mut moved = one.clone();
    moved.addresses.v4 = Some("10.0.0.2".parse().unwrap());
    assert!(!is_binding_proof(&secret, &here, &moved, &proof), "another address");
    let short = crate::Proof(proof.0[..31].to_vec());
    assert!(!is_binding_proof(&secret, &here, &one, &short), "cut short");
}

#[test]
fn a_key_pair_signs_challenges_and_claims_apart() {
    let here = network("visited.example");
    let key = TerminalKey::from_seed(&[9; 32]);
    let signature = key.sign_nonce(&here, &[1; 32]);
    assert!(is_nonce_signature(&key.public(), &here, &[1; 32], &signature));
    assert!(!is_nonce_signature(&key.public(), &here, &[2; 32], &signature), "another nonce");
    assert!(!is_nonce_signature(&key.public(), &network("other.example"), &[1; 32], &signature));
    let claim = claim(&here, 1);
    let proof = key.prove(&claim);
    assert!(is_binding_signature(&key.public(), &claim, &proof));
    assert!(!is_binding_signature(&key.public(), &claim, &crate::Proof(signature.to_vec())));
    assert!(!is_binding_signature(&TerminalKey::from_seed(&[8; 32]).public(), &claim, &proof));
}

#[test]
fn no_secret_is_in_what_debug_prints() {
    let here = network("visited.example");
    let (made, secret) = vector(&keys(), [0x80, 0], Sqn::of_vector(1), [7; 16], &here);
    let mut usim = Usim::new(keys());
    let answer = usim.answer(&made.rand, &made.autn, &here).unwrap();
    let printed =
        format!("{:?} {:?} {usim:?} {answer:?} {:?}", keys(), secret, TerminalKey::from_seed(&[1; 32]));
    assert_eq!(printed, "AkaKeys(..) BindingSecret(..) Usim(..) UsimAnswer(..) TerminalKey(..)");
}
