use super::*;

const KEY: &str = "nC1cFhV0mIXPZ0TtSVxZl0Pv3zvS0yY0V3C2yqjW8mE=";
const OTHER_KEY: &str = "odhX_39a4FUs3wXm0iu7Ygj_g7-zne4NOya3rTvRYcw=";
const PLAIN: &str = "postgresql://ann:p%40ss%C3%A4@db.example:5432/shop";

// Made with Python's `cryptography` 46: `Fernet(key).encrypt_at_time(plain, 1600000000)`, the last one at a
// time in the 23rd century.
const TOKEN: &str = "gAAAAABfXhAAPS2ViHXVzQ0lgALtTdqETHNuLew0b8SAqxkZgObFxEzMJp3gmpVc4KVNHFAz9wDaby1GWHN5m1Jz9kpk_aVlFqgTeouIaJ99_fInJqC5L7MbLIGhti572Uk0HEWRVeruzE10VPAmskTovoDJJUW70g==";
const OTHER_TOKEN: &str = "gAAAAABfXhAA3S2FXAjOHfUVM04WF2D0NbDap1MqgE5HpR2vUW12bhhHO8ePVVTx5XR-Li7BPNHTHkN621SQgFU38MZlSae6HeEByVGyuy6h2yMzemGOJYfXsoN87ty1y3aRqBrJeqQSDfRJjUGknbfrIM1Ig8UAzg==";
const FUTURE_TOKEN: &str = "gAAAAAHpDK4AH-9PKPjMi9Zh6rQj45jONKDGFQmKKvsxLlTcTCfMXncPBd2B277s93dKuzhGznAE0rz2Wt-TWSrSTiCXixcjTu3OtmwmhhS_rNgITYzMpmoym9TDma20bazUJPGsOASfArz7l4yD_GVhQb8qClmZEg==";

fn configured(keys: &str) -> Result<Credentials, Unavailable> {
    Credentials::load(Some(&Secret::new(keys.to_owned())), None)
}

fn keys(text: &str) -> Credentials {
    configured(text).expect("valid keys")
}

fn plain(credentials: &Credentials, token: &str) -> Option<String> {
    credentials.decrypt(token).map(|text| text.reveal().clone())
}

#[test]
fn tokens_of_pythons_cryptography_open() {
    assert_eq!(plain(&keys(KEY), TOKEN).as_deref(), Some(PLAIN));
    assert_eq!(plain(&keys(OTHER_KEY), OTHER_TOKEN).as_deref(), Some(PLAIN));
}

#[test]
fn a_token_of_a_machine_whose_clock_is_ahead_opens() {
    assert_eq!(plain(&keys(KEY), FUTURE_TOKEN).as_deref(), Some(PLAIN));
}

#[test]
fn the_first_key_encrypts_and_all_decrypt() {
    let both = keys(&format!("{OTHER_KEY} , {KEY}"));
    assert_eq!(plain(&both, TOKEN).as_deref(), Some(PLAIN));
    assert_eq!(plain(&both, OTHER_TOKEN).as_deref(), Some(PLAIN));
    let token = both.encrypt(&Secret::new(PLAIN.to_owned()));
    assert_eq!(plain(&keys(OTHER_KEY), &token).as_deref(), Some(PLAIN));
    assert_eq!(plain(&keys(KEY), &token), None);
}

#[test]
fn a_token_that_was_touched_does_not_open() {
    let credentials = keys(KEY);
    for at in [0, 3, 20, 60, TOKEN.len() - 10] {
        let mut touched = TOKEN.to_owned().into_bytes();
        touched[at] = if touched[at] == b'A' { b'B' } else { b'A' };
        let touched = String::from_utf8(touched).expect("ASCII");
        assert_eq!(plain(&credentials, &touched), None, "at {at}");
    }
    for token in ["", "gAAAAA", "not a token", &TOKEN[..TOKEN.len() / 2]] {
        assert_eq!(plain(&credentials, token), None, "{token}");
    }
}

#[test]
fn a_malformed_key_is_named_by_its_place_and_never_shown() {
    let error = configured(&format!("{KEY},hunter2")).expect_err("not a key");
    assert_eq!(error, Unavailable::KeyMalformed { index: 2 });
    assert!(!error.to_string().contains("hunter2"));
    assert_eq!(
        configured(" , ").expect_err("no key"),
        Unavailable::KeyMalformed { index: 1 }
    );
}

#[test]
fn without_a_key_and_without_a_file_there_are_no_credentials() {
    for blank in [None, Some(Secret::new("  ".to_owned()))] {
        let error = Credentials::load(blank.as_ref(), None).expect_err("no key");
        assert_eq!(error, Unavailable::KeyMissing);
    }
}

#[test]
fn a_generated_key_is_one_and_no_two_are_alike() {
    let (one, two) = (generate_key(), generate_key());
    assert_ne!(one.reveal(), two.reveal());
    assert_eq!(one.reveal().len(), 44);
    let credentials = keys(one.reveal());
    let token = credentials.encrypt(&Secret::new("x".to_owned()));
    assert_eq!(plain(&credentials, &token).as_deref(), Some("x"));
}

#[test]
fn a_missing_key_file_is_made_for_the_owner_only_and_kept() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("data").join("credentials.key");
    let token = Credentials::load(None, Some(&path))
        .expect("made")
        .encrypt(&Secret::new(PLAIN.to_owned()));
    let mode = |path: &Path| fs::metadata(path).expect("there").permissions().mode() & 0o777;
    assert_eq!(mode(&path), 0o600);
    assert_eq!(mode(path.parent().expect("a folder")), 0o700);
    let again = Credentials::load(None, Some(&path)).expect("kept");
    assert_eq!(plain(&again, &token).as_deref(), Some(PLAIN));
    let left: Vec<_> = fs::read_dir(path.parent().expect("a folder"))
        .expect("readable")
        .collect();
    assert_eq!(left.len(), 1, "no drafts stay: {left:?}");
}

#[test]
fn a_key_file_that_others_could_read_is_closed_to_them() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("credentials.key");
    fs::write(&path, KEY).expect("written");
    fs::set_permissions(&path, Permissions::from_mode(0o644)).expect("set");
    let credentials = Credentials::load(None, Some(&path)).expect("usable");
    assert_eq!(plain(&credentials, TOKEN).as_deref(), Some(PLAIN));
    let mode = fs::metadata(&path).expect("there").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn a_spoilt_key_file_is_left_as_it_is_and_never_shown() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("credentials.key");
    fs::write(&path, "hunter2").expect("written");
    let error = Credentials::load(None, Some(&path)).expect_err("no key in it");
    assert!(matches!(error, Unavailable::KeyFile { .. }), "{error:?}");
    assert!(!format!("{error} {error:?}").contains("hunter2"));
    let shown = error.to_string();
    assert!(!shown.contains(&*path.to_string_lossy()), "{shown}");
    assert_eq!(fs::read_to_string(&path).expect("there"), "hunter2");
}

#[test]
fn many_servers_that_start_at_once_agree_on_one_key() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("credentials.key");
    let loaded: Vec<Credentials> = std::thread::scope(|scope| {
        let handles: Vec<_> = (0..8)
            .map(|_| scope.spawn(|| Credentials::load(None, Some(&path)).expect("loaded")))
            .collect();
        handles
            .into_iter()
            .map(|h| h.join().expect("no panic"))
            .collect()
    });
    let token = loaded[0].encrypt(&Secret::new(PLAIN.to_owned()));
    for credentials in &loaded {
        assert_eq!(plain(credentials, &token).as_deref(), Some(PLAIN));
    }
}

#[test]
fn a_server_that_runs_during_a_rotation_reads_and_writes_on() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("credentials.key");
    let server = Credentials::load(None, Some(&path)).expect("made");
    let command = Credentials::load(None, Some(&path)).expect("kept");
    let secret = Secret::new(PLAIN.to_owned());
    let old = server.encrypt(&secret);

    command.begin_rotation().expect("rotates");
    assert_eq!(plain(&command, &old).as_deref(), Some(PLAIN));
    let new = command.encrypt(&secret);
    assert_eq!(plain(&server, &new).as_deref(), Some(PLAIN));
    command.finish_rotation().expect("rotates");

    let later = server.encrypt(&secret);
    let fresh = Credentials::load(None, Some(&path)).expect("kept");
    for token in [&old, &new, &later] {
        assert_eq!(plain(&fresh, token).as_deref(), Some(PLAIN));
    }
    command.begin_rotation().expect("rotates");
    command.finish_rotation().expect("rotates");
    let fresh = Credentials::load(None, Some(&path)).expect("kept");
    assert_eq!(plain(&fresh, &old), None, "the oldest key is gone");
    assert_eq!(plain(&fresh, &new).as_deref(), Some(PLAIN));
}

#[test]
fn debug_output_shows_no_key() {
    assert_eq!(format!("{:?}", keys(KEY)), "Credentials([redacted])");
}
