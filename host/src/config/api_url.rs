//! The address of a server, as `DATA_CHAT_API_URL` and `EMBEDDINGS_URL` give it: scheme, host and perhaps a path in
//! front of the API's.

use url::Url;

/// Reads the address; `key` is the setting of the API key that goes with it. The message does not quote the
/// address: somebody may have put a password into it.
pub(super) fn parse(text: &str, key: &str) -> Result<Url, String> {
    let url = Url::parse(text)
        .ok()
        .filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
        .ok_or("not an address such as http://127.0.0.1:8000")?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err(format!(
            "takes no user and no password; {key} is the place of an API key"
        ));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err("ends with the path".to_owned());
    }
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_of_a_server_has_a_scheme_and_nothing_secret() {
        for text in [
            "http://127.0.0.1:8000",
            "HTTPS://datachat.example/prefix/",
            "http://[::1]:8000/",
        ] {
            assert!(parse(text, "KEY").is_ok(), "{text}");
        }
        for (text, words) in [
            ("127.0.0.1:8000", "not an address"),
            ("localhost:8000", "not an address"),
            ("datachat.example", "not an address"),
            ("ftp://datachat.example", "not an address"),
            ("http://", "not an address"),
            ("http://ann@datachat.example", "no user"),
            ("http://:secret@datachat.example", "KEY is the place"),
            ("http://datachat.example?key=x", "ends with the path"),
            ("http://datachat.example/#x", "ends with the path"),
        ] {
            let problem = parse(text, "KEY").expect_err(text);
            assert!(problem.contains(words), "{text}: {problem}");
        }
    }
}
