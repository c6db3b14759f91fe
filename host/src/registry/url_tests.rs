use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use proptest::prelude::*;

use super::super::testing::{clickhouse_info, mysql_info, postgres_info};
use super::*;

fn parse(url: &str) -> Result<Target, UrlError> {
    Parts::parse(url)?.target(&postgres_info())
}

fn target(url: &str) -> Target {
    parse(url).unwrap_or_else(|error| panic!("{url}: {error}"))
}

fn error(url: &str) -> UrlError {
    match parse(url) {
        Ok(target) => panic!("{url} was taken for {target:?}"),
        Err(error) => error,
    }
}

#[test]
fn a_full_url_is_taken_apart() {
    let target = target(
        "postgresql+asyncpg://ann%40corp:p%40s%2Fs%3A@DB.Example:6543/my%2Fshop%20db?application_name=a%26b&sslmode=verify-full&sslrootcert=/etc/ca.pem",
    );
    assert_eq!(target.host, "db.example");
    assert_eq!(target.port, 6543);
    assert_eq!(target.user.as_deref(), Some("ann@corp"));
    assert_eq!(
        target.password.as_ref().map(|p| p.reveal().as_str()),
        Some("p@s/s:")
    );
    assert_eq!(target.database.as_deref(), Some("my/shop db"));
    assert_eq!(
        target.options,
        [("application_name".to_owned(), "a&b".to_owned())]
    );
    assert_eq!(target.tls.mode, TlsMode::VerifyFull);
    assert_eq!(target.tls.roots, Some(PathBuf::from("/etc/ca.pem")));
}

#[test]
fn what_is_left_out_gets_the_connectors_defaults() {
    let target = target("postgres://db.example");
    assert_eq!(target.port, 5432);
    assert_eq!(target.database, None);
    assert_eq!(target.user, None);
    assert!(target.password.is_none());
    assert_eq!(target.tls.mode, TlsMode::Prefer);
    assert_eq!(target.tls.roots, None);
}

#[test]
fn scheme_and_host_are_compared_in_lower_case() {
    assert_eq!(
        Parts::parse("POSTGRESQL+Psycopg2://h")
            .expect("valid")
            .scheme,
        "postgresql"
    );
    assert_eq!(
        target("postgresql://BÜCHER.example/x").host,
        "xn--bcher-kva.example"
    );
}

#[test]
fn ip_addresses_take_their_usual_form() {
    assert_eq!(target("postgresql://[2001:DB8:0::1]/x").host, "2001:db8::1");
    let with_port = target("postgresql://u:p@[::1]:6000/x");
    assert_eq!((with_port.host.as_str(), with_port.port), ("::1", 6000));
    assert_eq!(target("postgresql://0x7f.1/x").host, "127.0.0.1");
    assert_eq!(target("postgresql://192.0.2.7/x").host, "192.0.2.7");
}

#[test]
fn a_password_may_hold_a_raw_at_sign_and_colon() {
    let target = target("postgresql://ann:a@b:c@db.example/x");
    assert_eq!(target.user.as_deref(), Some("ann"));
    assert_eq!(
        target.password.as_ref().map(|p| p.reveal().as_str()),
        Some("a@b:c")
    );
    assert_eq!(target.host, "db.example");
}

#[test]
fn each_mistake_has_its_own_error() {
    let cases: &[(&str, UrlError)] = &[
        ("", UrlError::Empty),
        ("  \n", UrlError::Empty),
        ("db.example/x", UrlError::NoScheme),
        ("://db.example/x", UrlError::NoScheme),
        ("post gres://h/x", UrlError::BadCharacter),
        ("1pg://h/x", UrlError::NoScheme),
        ("postgresql://h/a b", UrlError::BadCharacter),
        ("postgresql://", UrlError::NoHost),
        ("postgresql:///shop", UrlError::NoHost),
        ("postgresql://ann:pw@/shop", UrlError::NoHost),
        ("postgresql://ann:pw@:5432/shop", UrlError::NoHost),
        ("postgresql://%2Ftmp/shop", UrlError::BadHost),
        ("postgresql://h1,h2/shop", UrlError::BadHost),
        ("postgresql://::1/shop", UrlError::NoHost),
        ("postgresql://fe80::1/shop", UrlError::BadPort),
        ("postgresql://[fe80::1%25eth0]/shop", UrlError::BadHost),
        ("postgresql://[::1/shop", UrlError::BadHost),
        ("postgresql://[::1]5432/shop", UrlError::BadHost),
        ("postgresql://h:0/x", UrlError::BadPort),
        ("postgresql://h:65536/x", UrlError::BadPort),
        ("postgresql://h:-1/x", UrlError::BadPort),
        ("postgresql://h:+1/x", UrlError::BadPort),
        ("postgresql://h:54x/x", UrlError::BadPort),
        ("postgresql://h/a/b", UrlError::BadPath),
        ("postgresql://h/x#part", UrlError::Fragment),
        ("postgresql://ann:pa/ss@h/x", UrlError::StrayAt),
        ("postgresql://ann:pa?ss@h/x", UrlError::StrayAt),
        ("postgresql://ann:pa#ss@h/x", UrlError::StrayAt),
        (
            "postgresql://ann:100%@h/x",
            UrlError::BadEscape { part: "password" },
        ),
        (
            "postgresql://a%zz@h/x",
            UrlError::BadEscape { part: "user name" },
        ),
        (
            "postgresql://a%00@h/x",
            UrlError::BadText { part: "user name" },
        ),
        (
            "postgresql://h/%ff",
            UrlError::BadText {
                part: "database name",
            },
        ),
        ("postgresql://h/x?=1", UrlError::UnnamedOption),
        (
            "postgresql://h/x?sslmode",
            UrlError::NoValue {
                name: Some("sslmode".to_owned()),
            },
        ),
        (
            "postgresql://h/x?sslmode=",
            UrlError::NoValue {
                name: Some("sslmode".to_owned()),
            },
        ),
        (
            "postgresql://h/x?sslmode=require&sslmode=disable",
            UrlError::RepeatedOption {
                name: "sslmode".to_owned(),
            },
        ),
        (
            "postgresql://h/x?sslrootcert=ca.pem",
            UrlError::BadRoots {
                name: "sslrootcert".to_owned(),
            },
        ),
        (
            "postgresql://h/x?sslmode=require&sslrootcert=system",
            UrlError::WeakTls {
                roots: "sslrootcert".to_owned(),
                tls: "sslmode".to_owned(),
            },
        ),
    ];
    for (url, expected) in cases {
        assert_eq!(&error(url), expected, "{url}");
    }
}

#[test]
fn an_unknown_option_is_named_and_so_are_the_known() {
    let text = error("postgresql://h/x?fallback_application=1").to_string();
    assert!(text.starts_with("fallback_application is not"), "{text}");
    assert!(text.contains("sslmode"), "{text}");
}

#[test]
fn a_bad_value_is_refused_by_naming_the_option_and_not_the_value() {
    let text = error("postgresql://h/x?sslmode=sometimes").to_string();
    assert!(text.contains("sslmode"), "{text}");
    assert!(text.contains("verify-full"), "{text}");
    assert!(!text.contains("sometimes"), "{text}");
}

#[test]
fn every_tls_mode_is_understood_in_the_spelling_of_its_engine() {
    let postgres = [
        ("disable", TlsMode::Disable),
        ("prefer", TlsMode::Prefer),
        ("require", TlsMode::Require),
        ("verify-ca", TlsMode::VerifyCa),
        ("verify-full", TlsMode::VerifyFull),
    ];
    for (value, mode) in postgres {
        let url = format!("postgresql://h/x?sslmode={value}");
        assert_eq!(target(&url).tls.mode, mode, "{value}");
    }
    let mysql = [
        ("DISABLED", TlsMode::Disable),
        ("PREFERRED", TlsMode::Prefer),
        ("REQUIRED", TlsMode::Require),
        ("VERIFY_CA", TlsMode::VerifyCa),
        ("VERIFY_IDENTITY", TlsMode::VerifyFull),
        // As people write it who don't look it up.
        ("disabled", TlsMode::Disable),
        ("verify_identity", TlsMode::VerifyFull),
        ("verify-ca", TlsMode::VerifyCa),
    ];
    for (value, mode) in mysql {
        let parts = Parts::parse(&format!("mysql://h/x?ssl-mode={value}")).expect("valid");
        let target = parts.target(&mysql_info()).expect("a mode");
        assert_eq!(target.tls.mode, mode, "{value}");
    }
    let parts = Parts::parse("mysql://h/x?ssl-mode=maybe").expect("valid");
    assert!(matches!(
        parts.target(&mysql_info()),
        Err(UrlError::BadOption { .. })
    ));
}

#[test]
fn the_systems_roots_ask_for_full_verification() {
    let target = target("postgresql://h/x?sslrootcert=system");
    assert_eq!(target.tls.mode, TlsMode::VerifyFull);
    assert_eq!(target.tls.roots, None);
}

#[test]
fn a_protocol_without_tls_is_never_asked_for_it() {
    let info = ConnectorInfo {
        tls_option: None,
        options: Vec::new(),
        ..postgres_info()
    };
    let parts = Parts::parse("postgresql://h/x").expect("valid");
    assert_eq!(
        parts.target(&info).expect("valid").tls.mode,
        TlsMode::Disable
    );
}

fn encoded(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}

/// A piece of a password that turns up nowhere by chance.
fn piece() -> impl Strategy<Value = String> {
    "[a-zA-Z]{2,6}".prop_map(|text| format!("Zq{text}"))
}

proptest! {
    #[test]
    fn whatever_is_percent_encoded_comes_back(
        user in "[^\\x00]{1,12}",
        password in "[^\\x00]{1,12}",
        database in "[^\\x00]{1,12}",
        value in "[^\\x00]{1,12}",
        port in 1u16..,
    ) {
        let url = format!(
            "postgresql://{}:{}@db.example:{port}/{}?application_name={}",
            encoded(&user), encoded(&password), encoded(&database), encoded(&value),
        );
        let target = parse(&url).map_err(|e| TestCaseError::fail(e.to_string()))?;
        prop_assert_eq!(target.user, Some(user));
        prop_assert_eq!(target.password.as_ref().map(|p| p.reveal().clone()), Some(password));
        prop_assert_eq!(target.database, Some(database));
        prop_assert_eq!(target.port, port);
        prop_assert_eq!(target.options, vec![("application_name".to_owned(), value)]);
    }

    #[test]
    fn no_error_shows_a_piece_of_the_password(
        pieces in prop::collection::vec(piece(), 1..4),
        separators in prop::collection::vec("[@:/?#%&=\\[\\], +.]", 4),
        rest in "(:0|:99999)?(/x|/x/y)?(\\?nope=1|\\?sslmode=bad)?",
    ) {
        let mut password = String::new();
        for (piece, separator) in pieces.iter().zip(&separators) {
            password.push_str(piece);
            password.push_str(separator);
        }
        let url = format!("postgresql://ann:{password}@db.example{rest}");
        let shown = match parse(&url) {
            Ok(target) => format!("{target:?}"),
            Err(error) => format!("{error} {error:?}"),
        };
        for piece in &pieces {
            prop_assert!(!shown.contains(piece.as_str()), "{} shows {}", shown, piece);
        }
    }

    #[test]
    fn no_text_makes_the_parser_panic(text in "\\PC{0,60}", tail in "[@:/?#%&=\\[\\]a0+]{0,20}") {
        let _ = parse(&text);
        let _ = parse(&format!("postgresql://{tail}{text}"));
        let _ = parse(&format!("postgresql://h/{text}{tail}"));
    }
}

#[test]
fn a_scheme_that_stands_for_tls_has_its_port_and_verifies() {
    let target = |url: &str| Parts::parse(url)?.target(&clickhouse_info());
    let of = |url: &str| {
        let target = target(url).unwrap_or_else(|error| panic!("{url}: {error}"));
        (target.port, target.tls.mode)
    };
    assert_eq!(of("http://h"), (8123, TlsMode::Disable));
    assert_eq!(of("https://h"), (8443, TlsMode::VerifyFull));
    assert_eq!(of("HTTPS://h:1"), (1, TlsMode::VerifyFull));
    assert_eq!(of("https://h?sslmode=require"), (8443, TlsMode::Require));
    assert_eq!(of("https://h?sslmode=verify-ca"), (8443, TlsMode::VerifyCa));
    assert_eq!(
        of("https://h?sslrootcert=system"),
        (8443, TlsMode::VerifyFull)
    );
    assert_eq!(of("http://h?sslmode=disable"), (8123, TlsMode::Disable));
    for url in [
        "http://h?sslmode=require",
        "https://h?sslmode=disable",
        "https://h?sslmode=prefer",
    ] {
        assert!(
            matches!(target(url), Err(UrlError::SchemeTls { ref option, .. }) if option == "sslmode"),
            "{url}"
        );
    }
    assert!(matches!(
        target("http://h?sslrootcert=system"),
        Err(UrlError::WeakTls { .. })
    ));
}
