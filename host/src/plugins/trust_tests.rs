use minisign::KeyPair;
use proptest::prelude::*;

use super::*;

/// Made by minisign 0.11 over the bytes `a component`: with `-l`, and without.
const KEY: &str = "RWRzGiM6/9iw7mHukKMUGonZDlxiOe/Pjgkfy6/r/XYyzNPMV8opuh+o";
const KEY_ID: &str = "EEB0D8FF3A231A73";
const WASM: &[u8] = b"a component";
const LEGACY: &str = "untrusted comment: signature from minisign secret key
RWRzGiM6/9iw7vlv3eBg1NdD2mGhc3Gw518LNLdiOvZp6Gc+OvFt/E1+9JJbK9ytWOhF2jSUTi/TE5DchdHFM/a0w8YfssDuOQo=
trusted comment: made for a test
ueLV+eMh5LYW8cZEwY0slRtyP7TpbiYvSWK6oQABiw54q1qLLDXBn/UmGSkOgYBGdGTEO8eEBEV8WoMAQzg1Cg==
";
const PREHASHED: &str = "untrusted comment: signature from minisign secret key
RURzGiM6/9iw7ks89NurPELWo/ty4Fvhlv9RV8QtxSLjIo9muGMuUNbX79l6afIksIdkQz6H3I7atcvvt202dBeAOIFknaGFDg0=
trusted comment: made for a test
+fMNfzaP8FSmYQ/88ji9G+1K8Wpzf5UqUvwGjPq+BHvDG53vq0NrAEQPbPg0mQEo3lf23bmlg6n69w1ZVt+SCQ==
";

fn admission(policy: &str, trust: &[&str]) -> Admission {
    let trust: Vec<String> = trust.iter().map(|key| (*key).to_owned()).collect();
    Admission::parse(Some(policy), &trust).expect("valid")
}

#[test]
fn both_kinds_of_minisign_signatures_are_verified_to_the_trusted_comment() {
    let rules = admission("signed", &[KEY]);
    for signature in [LEGACY, PREHASHED] {
        let by = Signed::By(KEY_ID.to_owned());
        assert_eq!(rules.signed(WASM, Some(signature)), by);
        let other = rules.signed(b"another component", Some(signature));
        assert!(matches!(other, Signed::Broken(_)), "{other:?}");
        let retold = signature.replace("for a test", "for a tent");
        let retold = rules.signed(WASM, Some(&retold));
        assert!(matches!(retold, Signed::Broken(_)), "{retold:?}");
    }
}

#[test]
fn a_signature_of_the_library_is_verified_too_and_a_strangers_is_told_apart() {
    let pair = KeyPair::generate_unencrypted_keypair().expect("a pair");
    let signature = minisign::sign(None, &pair.sk, WASM, None, None)
        .expect("signed")
        .into_string();
    let rules = admission("signed", &[KEY, &pair.pk.to_base64()]);
    let signed = rules.signed(WASM, Some(&signature));
    assert!(signed.signer().is_some_and(|id| id != KEY_ID), "{signed:?}");
    let stranger = admission("signed", &[KEY]).signed(WASM, Some(&signature));
    assert!(matches!(stranger, Signed::Unknown(_)), "{stranger:?}");
}

#[test]
fn nonsense_is_no_signature() {
    let rules = admission("signed", &[KEY]);
    for text in ["", "untrusted comment: x", "a\nb\nc\nd", &KEY.repeat(4)] {
        let signed = rules.signed(WASM, Some(text));
        assert!(matches!(signed, Signed::Broken(_)), "{text:?}");
    }
    assert_eq!(rules.signed(WASM, None), Signed::No);
}

#[test]
fn the_policy_decides_what_a_missing_digest_or_signature_means() {
    let unknown = Signed::Unknown("0".to_owned());
    let by = Signed::By(KEY_ID.to_owned());
    // Policy, recorded digest, signature, reason; the file's digest is always "d".
    for (policy, recorded, signed, reason) in [
        ("any", None, Signed::No, None),
        ("any", Some("e"), unknown.clone(), None),
        ("any", Some("d"), Signed::Broken("x"), Some("bad_signature")),
        ("digest", None, by.clone(), Some("digest_not_recorded")),
        ("digest", Some("e"), by.clone(), Some("digest_changed")),
        ("digest", Some("d"), Signed::No, None),
        ("digest", Some("d"), unknown.clone(), None),
        (
            "digest",
            Some("d"),
            Signed::Broken("x"),
            Some("bad_signature"),
        ),
        ("signed", None, by.clone(), Some("digest_not_recorded")),
        ("signed", Some("e"), by.clone(), Some("digest_changed")),
        ("signed", Some("d"), Signed::No, Some("unsigned")),
        ("signed", Some("d"), unknown, Some("unknown_signer")),
        ("signed", Some("d"), by, None),
    ] {
        let judged = admission(policy, &[KEY]).judge(recorded, "d", &signed);
        let found = judged.as_ref().err().map(Refusal::reason);
        assert_eq!(found, reason, "{policy} {recorded:?} {signed:?}");
    }
}

#[test]
fn keys_are_given_as_text_or_as_files_of_several() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("team.pub");
    let pair = KeyPair::generate_unencrypted_keypair().expect("a pair");
    let other = pair.pk.to_base64();
    let text = format!("untrusted comment: minisign public key\n{KEY}\n\n# the other\n{other}\n");
    std::fs::write(&file, text).expect("written");
    let path = file.to_str().expect("text").to_owned();
    let rules = Admission::parse(Some("signed"), std::slice::from_ref(&path)).expect("valid");
    assert_eq!(rules.keys.len(), 2);
    assert_eq!(admission("digest", &[KEY]).keys[0].id, KEY_ID);

    std::fs::write(&file, "no key\n").expect("written");
    for trust in [path, "/no/such/file".to_owned()] {
        let error = Admission::parse(None, &[trust]).expect_err("unusable");
        assert!(error.to_string().contains("DATACHAT_PLUGIN_TRUST"));
    }
}

#[test]
fn settings_that_would_trust_nobody_or_make_no_sense_are_refused() {
    let error = Admission::parse(Some("signed"), &[]).expect_err("no keys");
    assert!(error.to_string().contains("DATACHAT_PLUGIN_TRUST"));
    let error = Admission::parse(Some("none"), &[]).expect_err("no policy");
    assert!(
        error.to_string().contains("any, digest and signed"),
        "{error}"
    );
    let default = Admission::parse(None, &[]).expect("valid");
    assert_eq!(default.policy(), PluginPolicy::Digest);
}

proptest! {
    #[test]
    fn no_text_but_the_signature_itself_makes_a_signer(at in 0..PREHASHED.len(), byte in 0u8..128) {
        let mut changed = PREHASHED.as_bytes().to_vec();
        changed[at] = byte;
        let changed = String::from_utf8(changed).expect("ASCII");
        let rules = admission("signed", &[KEY]);
        // The first line is not signed, and the others are what they mean: base64 and a comment.
        let meant = |text: &str| -> Vec<String> {
            text.lines().skip(1).map(|line| line.trim_end().to_owned()).collect()
        };
        if meant(&changed) != meant(PREHASHED) {
            let signed = rules.signed(WASM, Some(&changed));
            prop_assert!(signed.signer().is_none(), "{:?}: {:?}", changed, signed);
        }
    }
}
