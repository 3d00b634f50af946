//! Telephone numbers whose network says whose they are.

use std::{
    path::PathBuf,
    time::{SystemTime, UNIX_EPOCH},
};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use ring::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair},
};

use crate::stage::{A, B, PATIENCE, Stage};

const NUMBER: &str = "+46708001234";

/// A network with a certificate for its numbers, 46708000000 to 46708009999 (RFC 8226).
struct Network {
    key: rcgen::KeyPair,
    certificate: String,
}

impl Network {
    /// The authority that has given the certificate is in the stage's folder, as the servers name it.
    fn new(stage: &Stage) -> Self {
        let mut params = rcgen::CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        let issuer =
            rcgen::CertifiedIssuer::self_signed(params, rcgen::KeyPair::generate().unwrap()).unwrap();
        std::fs::write(stage.path("numbers.pem"), issuer.pem()).unwrap();
        let der = |tag: u8, value: &[u8]| [&[tag, u8::try_from(value.len()).unwrap()], value].concat();
        let range = [der(0x16, b"46708000000"), der(2, &[0x27, 0x10])].concat();
        let list = der(0x30, &der(0xa1, &der(0x30, &range)));
        let mut params = rcgen::CertificateParams::new(Vec::new()).unwrap();
        params
            .custom_extensions
            .push(rcgen::CustomExtension::from_oid_content(&[1, 3, 6, 1, 5, 5, 7, 1, 26], list));
        let key = rcgen::KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &issuer).unwrap().pem();
        Self { key, certificate }
    }

    /// Says whose a number is, in a file as `rove` reads it.
    fn says(&self, stage: &Stage, number: &str, user: &str) -> PathBuf {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
        let info = "https://cert.network.example/one.pem";
        let header = serde_json::json!({ "alg": "ES256", "typ": "passport", "x5u": info });
        let claims = serde_json::json!({
            "dest": { "uri": [format!("sip:{user}")] }, "iat": now, "orig": { "tn": number.trim_start_matches('+') },
        });
        let part = |value: serde_json::Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!("{}.{}", part(header), part(claims));
        let random = SystemRandom::new();
        let der = self.key.serialize_der();
        let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &der, &random).unwrap();
        let signature = URL_SAFE_NO_PAD.encode(key.sign(&random, signed.as_bytes()).unwrap());
        let path = stage.path(&format!("{user}.proof"));
        let text = format!("{signed}.{signature};info=<{info}>;alg=ES256\n{}", self.certificate);
        std::fs::write(&path, text).unwrap();
        path
    }
}

#[test]
fn b6_a_number_is_registered_by_its_networks_passport_and_looked_up_with_that() {
    let mut stage = Stage::new();
    let network = Network::new(&stage);
    stage.say(B, "number_authorities = \"numbers.pem\"");
    let proof = network.says(&stage, NUMBER, "bob@b.example");
    let args = ["--irmv-number", NUMBER, "--irmv-number-proof", proof.to_str().unwrap()];
    let (_bob, at) = stage.answers(B, "bob@b.example", &args);
    let said = stage.sees(B, NUMBER, &at.to_string());
    assert!(said.contains(&format!("{NUMBER}, behind which is a PASSporT of its network")), "{said}");
    let said = stage.sees(A, "bob@b.example", "a PASSporT of its network");
    assert!(said.contains(&at.to_string()), "{said}");
}

#[test]
fn b6_a_passport_for_somebody_else_or_for_a_number_of_another_network_is_refused() {
    let mut stage = Stage::new();
    let network = Network::new(&stage);
    stage.say(B, "number_authorities = \"numbers.pem\"");
    for (user, number) in [("bob@b.example", NUMBER), ("mallory@b.example", "+46709001234")] {
        let proof = network.says(&stage, number, user);
        let args = ["register", "mallory@b.example", "--port", "0", "--irmv-number", number];
        let args = [&args[..], &["--irmv-number-proof", proof.to_str().unwrap()]].concat();
        let (code, said, complaints) = stage.rove(B, "mallory.key", &args).outcome(PATIENCE);
        assert_eq!(code, 3, "{user} {number}: {said} {complaints}");
        assert!(complaints.contains("nothing stands behind the number"), "{complaints}");
    }
}
