//! Vectors of EPS against a derivation that is not ours, and before tshark's eyes.

use rove_base::Entropy;
use rove_roam::{
    Challenge, Operation, Outcome, Plmn,
    aka::{AkaKeys, Sqn, eps_vector},
    private::{PrivateNetwork as _, Told},
};
use rove_tests::{
    private::{VISITED, imsi, partner, visited},
    programs::peer,
};

use crate::{
    asked_python, diameters, hex,
    pcap::{DIAMETER, fields, pcap},
};

const CASES: usize = 200;

#[test]
fn a14_python_makes_the_same_vectors_of_eps() {
    let Some(python) = peer("python3") else { return };
    let mut entropy = Entropy::from_number(33_401);
    let (mut input, mut ours) = (String::new(), Vec::new());
    for case in 0..CASES {
        let (mut k, mut opc, mut rand, mut sqn) = ([0; 16], [0; 16], [0; 16], [0; 6]);
        entropy.fill(&mut k);
        entropy.fill(&mut opc);
        entropy.fill(&mut rand);
        entropy.fill(&mut sqn);
        let plmn: Plmn =
            if case % 2 == 0 { format!("26{case:03}") } else { format!("310{case:03}") }.parse().unwrap();
        let vector = eps_vector(&AkaKeys::new(k, opc), [0, 0], Sqn::from_bytes(sqn), rand, plmn);
        assert_eq!(Plmn::from_octets(plmn.to_octets()), Some(plmn));
        let asked = [&k[..], &opc, &sqn, &rand, &plmn_by_hand(plmn.as_str())].map(hex);
        input += &(asked.join(" ") + "\n");
        ours.push([hex(&vector.xres), hex(&vector.autn), hex(&*vector.kasme)].join(" "));
    }
    let Some(theirs) = asked_python(&python, "eps.py", &input, "cryptography") else { return };
    assert_eq!(theirs.lines().collect::<Vec<_>>(), ours);
    println!("{CASES} vectors of EPS alike");
}

/// The digits in the order of TS 24.008 figure 10.5.13, written as text.
fn plmn_by_hand(digits: &str) -> [u8; 3] {
    let d: Vec<char> = digits.chars().collect();
    let last = d.get(5).copied().unwrap_or('f');
    [[d[1], d[0]], [last, d[2]], [d[4], d[3]]]
        .map(|pair| u8::from_str_radix(&pair.iter().collect::<String>(), 16).unwrap())
}

#[test]
fn a14_tshark_reads_vectors_of_eps_in_their_own_pairs() {
    let Some(tshark) = peer("tshark") else { return };
    let mut pair = diameters();
    pair.wire = Some(Vec::new());
    let eps = Some(partner(VISITED).plmn);
    let ask = Operation::SendAuthenticationInfo {
        imsi: imsi(),
        visited: visited(),
        count: 2,
        resynchronisation: None,
        eps,
    };
    let vector = |n: u8| {
        let keys = AkaKeys::new([7; 16], [8; 16]);
        Challenge::Eps(Box::new(eps_vector(
            &keys,
            [0x80, 0],
            Sqn::of_vector(1),
            [n; 16],
            partner(VISITED).plmn,
        )))
    };
    let given = Outcome::AuthenticationInfo(vec![vector(1), vector(2)]);
    let id = pair.ask(VISITED, ask);
    pair.exchange();
    let [Told::Asked { partner: from, id: theirs, operation }] = &core::mem::take(&mut pair.told[0])[..]
    else {
        panic!("not asked");
    };
    assert!(matches!(operation, Operation::SendAuthenticationInfo { eps: found, .. } if *found == eps));
    let now = pair.now;
    pair.ends[0].answer(now, *from, *theirs, Ok(given.clone()));
    pair.exchange();
    let answered = core::mem::take(&mut pair.told[1]);
    assert!(
        matches!(&answered[..], [Told::Answered { id: named, result: Ok(result), .. }]
            if *named == id && *result == given),
        "{answered:?}"
    );
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("eps.pcap");
    std::fs::write(&file, pcap(DIAMETER, &pair.wire.take().unwrap())).unwrap();
    let wrong = "_ws.malformed or (_ws.expert.severity == error)";
    assert_eq!(fields(&tshark, &file, wrong, &["frame.number", "_ws.expert.message"]), Vec::<String>::new());
    let Challenge::Eps(first) = vector(1) else { unreachable!() };
    for (request, column, expected) in [
        (1, "diameter.Requested-EUTRAN-Authentication-Info", ""),
        (0, "diameter.E-UTRAN-Vector", ""),
        (0, "diameter.KASME", &hex(&*first.kasme)),
    ] {
        let filter = format!("diameter.cmd.code == 318 && diameter.flags.request == {request}");
        let rows = fields(&tshark, &file, &filter, &[column]);
        let found = rows.iter().any(|row| !row.is_empty() && row.replace(':', "").contains(expected));
        assert!(found, "{filter}: {column} is {rows:?}");
    }
}
