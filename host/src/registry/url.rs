//! A database URL, taken apart: `scheme[+driver]://[user[:password]@]host[:port][/database][?name=value&…]`.
//!
//! Two steps. [`Parts::parse`] needs no connector and finds what no connector could use: no host, a bad port,
//! a broken escape. [`Parts::target`] checks the options against what the connector declares and gives the
//! TLS options their meaning. Nothing is guessed: what isn't understood is refused.
//!
//! No error echoes a piece of the URL, except the name of an option that looks like one. A password with a
//! raw `/`, `?` or `#` would be cut in two and its rest taken for a path or an option; the `@` that then turns
//! up too late gives it away, and such a URL is refused before any of it is named.

use std::net::Ipv6Addr;
use std::path::PathBuf;

use percent_encoding::percent_decode_str;

use crate::plugins::target::Tls;
use crate::plugins::{ConnectorInfo, OptionSpec, SchemeDefaults, Target, TlsMode};
use crate::secret::Secret;

/// The options that name a file of trusted roots.
const ROOT_OPTIONS: [&str; 2] = ["sslrootcert", "ssl-ca"];

/// What is wrong with a URL.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UrlError {
    #[error("it is empty")]
    Empty,
    #[error("it has no scheme (postgresql://…)")]
    NoScheme,
    #[error("it has a space or a control character; write it percent-encoded")]
    BadCharacter,
    #[error("a # must be written %23")]
    Fragment,
    #[error(
        "an @ stands after the host; in user name and password write @ as %40, / as %2F, ? as %3F and # as %23"
    )]
    StrayAt,
    #[error("a % in the {part} is not followed by two hexadecimal digits; write a % as %25")]
    BadEscape { part: &'static str },
    #[error("the {part} is not UTF-8 text once decoded, or has a zero character")]
    BadText { part: &'static str },
    #[error("it has no host")]
    NoHost,
    #[error("the host is neither a name nor an IP address (an IPv6 address stands in brackets)")]
    BadHost,
    #[error("the port must be a number from 1 to 65535")]
    BadPort,
    #[error("after the host comes one database name; write a / in it as %2F")]
    BadPath,
    #[error("an option has no name")]
    UnnamedOption,
    #[error("{} has no value", name.as_deref().unwrap_or("an option"))]
    NoValue { name: Option<String> },
    #[error("the option {name} is given twice")]
    RepeatedOption { name: String },
    #[error("{} is not an option of this database type; it knows {}", name.as_deref().unwrap_or("what follows the ?"), known.join(", "))]
    UnknownOption {
        name: Option<String>,
        known: Vec<String>,
    },
    #[error("the option {name} takes one of {}", accepted.join(", "))]
    BadOption { name: String, accepted: Vec<String> },
    #[error("the option {name} takes an absolute path on the server, or system")]
    BadRoots { name: String },
    #[error("{roots}=system asks for full verification, which {tls} denies")]
    WeakTls { roots: String, tls: String },
    #[error("{scheme}:// says whether there is TLS, and {option} contradicts it")]
    SchemeTls { scheme: String, option: String },
}

/// The parts of a URL, decoded, before a connector has had its say.
pub struct Parts {
    /// Lower case, without a `+driver` suffix.
    pub scheme: String,
    host: String,
    port: Option<u16>,
    user: Option<String>,
    password: Option<Secret<String>>,
    database: Option<String>,
    options: Vec<(String, String)>,
}

impl Parts {
    /// Takes a URL apart. White space around it is ignored.
    ///
    /// # Errors
    /// [`UrlError`], for what no connector could use.
    pub fn parse(url: &str) -> Result<Self, UrlError> {
        let url = url.trim();
        if url.is_empty() {
            return Err(UrlError::Empty);
        }
        if url.chars().any(|c| c.is_whitespace() || c.is_control()) {
            return Err(UrlError::BadCharacter);
        }
        let (scheme, rest) = url.split_once("://").ok_or(UrlError::NoScheme)?;
        let scheme = parse_scheme(scheme)?;

        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (authority, tail) = rest.split_at(end);
        if tail.contains('@') {
            return Err(UrlError::StrayAt);
        }
        if tail.contains('#') {
            return Err(UrlError::Fragment);
        }
        let (path, query) = match tail.split_once('?') {
            Some((path, query)) => (path, Some(query)),
            None => (tail, None),
        };
        let (user_info, address) = match authority.rsplit_once('@') {
            Some((user_info, address)) => (Some(user_info), address),
            None => (None, authority),
        };
        let (user, password) = match user_info {
            Some(text) => parse_user_info(text)?,
            None => (None, None),
        };
        let (host, port) = parse_address(address)?;
        let path = path.strip_prefix('/').unwrap_or(path);
        if path.contains('/') {
            return Err(UrlError::BadPath);
        }
        Ok(Self {
            scheme,
            host,
            port,
            user,
            password,
            database: Some(decode(path, "database name")?).filter(|name| !name.is_empty()),
            options: query.map_or(Ok(Vec::new()), parse_options)?,
        })
    }

    /// The target that the connector gets.
    ///
    /// # Errors
    /// [`UrlError`], for an option that the connector doesn't declare, or a value that it doesn't take.
    pub fn target(self, info: &ConnectorInfo) -> Result<Target, UrlError> {
        let mut options = Vec::new();
        let mut mode = None;
        let mut roots = None;
        for (name, value) in self.options {
            let spec = info.options.iter().find(|spec| spec.name == name);
            let is_tls = info.tls_option.as_deref() == Some(name.as_str());
            if spec.is_none() && !is_tls {
                return Err(UrlError::UnknownOption {
                    name: presentable(&name),
                    known: known_options(info),
                });
            }
            if let Some(spec) = spec
                && !spec.values.is_empty()
                && !spec.values.contains(&value)
                // The mode of TLS is read in any case and spelling.
                && !(is_tls && spec_takes(spec, tls_mode(&value)))
            {
                return Err(UrlError::BadOption {
                    name,
                    accepted: spec.values.clone(),
                });
            }
            if is_tls {
                mode = Some(tls_mode(&value).ok_or_else(|| UrlError::BadOption {
                    accepted: tls_values(spec),
                    name,
                })?);
            } else if ROOT_OPTIONS.contains(&name.as_str()) {
                roots = Some(parse_roots(name, &value)?);
            } else {
                options.push((name, value));
            }
        }
        let scheme = info
            .scheme_defaults
            .iter()
            .find(|defaults| defaults.scheme == self.scheme);
        if let Some(scheme) = scheme {
            mode = Some(agree(scheme, mode, info)?);
        }
        Ok(Target {
            host: self.host,
            port: self
                .port
                .or(scheme.map(|defaults| defaults.port))
                .unwrap_or(info.default_port),
            database: self.database,
            user: self.user,
            password: self.password,
            options,
            tls: decide_tls(info, mode, roots)?,
        })
    }
}

/// The TLS mode of a URL whose scheme says whether there is TLS: its option may only say how much is verified.
fn agree(
    scheme: &SchemeDefaults,
    mode: Option<TlsMode>,
    info: &ConnectorInfo,
) -> Result<TlsMode, UrlError> {
    let encrypted = |mode: TlsMode| !matches!(mode, TlsMode::Disable | TlsMode::Prefer);
    match mode {
        None => Ok(scheme.tls),
        Some(mode) if mode == scheme.tls || encrypted(mode) && encrypted(scheme.tls) => Ok(mode),
        Some(_) => Err(UrlError::SchemeTls {
            scheme: scheme.scheme.clone(),
            option: info.tls_option.clone().unwrap_or_default(),
        }),
    }
}

/// What an option of roots says.
enum Roots {
    System { name: String },
    File(PathBuf),
}

fn parse_roots(name: String, value: &str) -> Result<Roots, UrlError> {
    let path = PathBuf::from(value);
    if value == "system" {
        Ok(Roots::System { name })
    } else if path.is_absolute() {
        Ok(Roots::File(path))
    } else {
        Err(UrlError::BadRoots { name })
    }
}

/// `sslrootcert=system` stands for the system's roots and full verification, as libpq has it: roots that
/// anyone can get a certificate from prove nothing without the name.
fn decide_tls(
    info: &ConnectorInfo,
    mode: Option<TlsMode>,
    roots: Option<Roots>,
) -> Result<Tls, UrlError> {
    let Some(tls_option) = info.tls_option.as_deref() else {
        return Ok(Tls {
            mode: TlsMode::Disable,
            roots: None,
        });
    };
    let declared = info
        .options
        .iter()
        .find(|spec| spec.name == tls_option)
        .and_then(|spec| spec.default.as_deref())
        .and_then(tls_mode)
        .unwrap_or(TlsMode::Prefer);
    match roots {
        None => Ok(Tls {
            mode: mode.unwrap_or(declared),
            roots: None,
        }),
        Some(Roots::File(path)) => Ok(Tls {
            mode: mode.unwrap_or(declared),
            roots: Some(path),
        }),
        Some(Roots::System { name }) => match mode {
            None | Some(TlsMode::VerifyFull) => Ok(Tls {
                mode: TlsMode::VerifyFull,
                roots: None,
            }),
            Some(_) => Err(UrlError::WeakTls {
                roots: name,
                tls: tls_option.to_owned(),
            }),
        },
    }
}

/// The spellings of the engines that we know, in any case.
fn tls_mode(value: &str) -> Option<TlsMode> {
    match value.to_ascii_lowercase().replace('_', "-").as_str() {
        "disable" | "disabled" => Some(TlsMode::Disable),
        "prefer" | "preferred" => Some(TlsMode::Prefer),
        "require" | "required" => Some(TlsMode::Require),
        "verify-ca" => Some(TlsMode::VerifyCa),
        "verify-full" | "verify-identity" => Some(TlsMode::VerifyFull),
        _ => None,
    }
}

/// Whether one of an option's values is this mode.
fn spec_takes(spec: &OptionSpec, mode: Option<TlsMode>) -> bool {
    mode.is_some() && spec.values.iter().any(|value| tls_mode(value) == mode)
}

fn tls_values(spec: Option<&OptionSpec>) -> Vec<String> {
    match spec {
        Some(spec) if !spec.values.is_empty() => spec.values.clone(),
        _ => ["disable", "prefer", "require", "verify-ca", "verify-full"]
            .map(str::to_owned)
            .to_vec(),
    }
}

fn known_options(info: &ConnectorInfo) -> Vec<String> {
    let mut names: Vec<String> = info.options.iter().map(|spec| spec.name.clone()).collect();
    names.extend(info.tls_option.clone());
    names.sort();
    names.dedup();
    names
}

/// A name that may stand in an error: short and of the characters of a name.
fn presentable(name: &str) -> Option<String> {
    let fits = name.len() <= 40
        && name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name
            .chars()
            .all(|c| c.is_ascii_alphabetic() || c == '_' || c == '-');
    fits.then(|| name.to_owned())
}

fn parse_scheme(scheme: &str) -> Result<String, UrlError> {
    let base = scheme.split_once('+').map_or(scheme, |(base, _)| base);
    let valid = base.starts_with(|c: char| c.is_ascii_alphabetic())
        && base
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '.');
    if valid {
        Ok(base.to_ascii_lowercase())
    } else {
        Err(UrlError::NoScheme)
    }
}

type UserInfo = (Option<String>, Option<Secret<String>>);

fn parse_user_info(text: &str) -> Result<UserInfo, UrlError> {
    let (user, password) = match text.split_once(':') {
        Some((user, password)) => (user, Some(password)),
        None => (text, None),
    };
    let user = Some(decode(user, "user name")?).filter(|user| !user.is_empty());
    let password = match password {
        Some(password) if !password.is_empty() => Some(Secret::new(decode(password, "password")?)),
        _ => None,
    };
    Ok((user, password))
}

fn parse_address(text: &str) -> Result<(String, Option<u16>), UrlError> {
    let (host, port) = if let Some(rest) = text.strip_prefix('[') {
        let (address, rest) = rest.split_once(']').ok_or(UrlError::BadHost)?;
        let address: Ipv6Addr = address.parse().map_err(|_| UrlError::BadHost)?;
        let port = match rest.strip_prefix(':') {
            Some(port) => port,
            None if rest.is_empty() => "",
            None => return Err(UrlError::BadHost),
        };
        (address.to_string(), port)
    } else {
        let (host, port) = match text.split_once(':') {
            Some((host, port)) => (host, port),
            None => (text, ""),
        };
        if host.is_empty() {
            return Err(UrlError::NoHost);
        }
        (parse_host(host)?, port)
    };
    if port.is_empty() {
        return Ok((host, None));
    }
    let digits = port.bytes().all(|b| b.is_ascii_digit());
    match port.parse::<u16>() {
        Ok(port) if digits && port > 0 => Ok((host, Some(port))),
        _ => Err(UrlError::BadPort),
    }
}

/// A name in its ASCII form and in lower case, or an IPv4 address in its usual form.
fn parse_host(text: &str) -> Result<String, UrlError> {
    let text = decode(text, "host")?;
    let plain =
        |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_' || c == '.' || !c.is_ascii();
    if !text.chars().all(plain) {
        return Err(UrlError::BadHost);
    }
    match url::Host::parse(&text) {
        Ok(host) => Ok(host.to_string()),
        Err(_) => Err(UrlError::BadHost),
    }
}

fn parse_options(query: &str) -> Result<Vec<(String, String)>, UrlError> {
    let mut options: Vec<(String, String)> = Vec::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = match pair.split_once('=') {
            Some((name, value)) => (decode(name, "options")?, Some(decode(value, "options")?)),
            None => (decode(pair, "options")?, None),
        };
        if name.is_empty() {
            return Err(UrlError::UnnamedOption);
        }
        let Some(value) = value.filter(|value| !value.is_empty()) else {
            return Err(UrlError::NoValue {
                name: presentable(&name),
            });
        };
        if options.iter().any(|(known, _)| *known == name) {
            return Err(match presentable(&name) {
                Some(name) => UrlError::RepeatedOption { name },
                None => UrlError::UnnamedOption,
            });
        }
        options.push((name, value));
    }
    Ok(options)
}

fn decode(text: &str, part: &'static str) -> Result<String, UrlError> {
    let bytes = text.as_bytes();
    let escapes_are_whole = bytes.iter().enumerate().all(|(at, byte)| {
        *byte != b'%'
            || bytes
                .get(at + 1..at + 3)
                .is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
    });
    if !escapes_are_whole {
        return Err(UrlError::BadEscape { part });
    }
    match percent_decode_str(text).decode_utf8() {
        Ok(text) if !text.contains('\0') => Ok(text.into_owned()),
        _ => Err(UrlError::BadText { part }),
    }
}

#[cfg(test)]
#[path = "url_tests.rs"]
mod tests;
