//! The packets before a session: the server's greeting, the request for TLS, the login and what answers it.

use super::{Malformed, Reader, capability, put_lenenc, put_lenenc_bytes};

/// The character set that a session starts with: `utf8mb4_general_ci`, which every server since 5.5 has.
const UTF8MB4: u8 = 45;

/// The longest packet that we say we take, in bytes.
const MAX_ALLOWED_PACKET: u32 = 1 << 30;

/// What the server says first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Greeting {
    /// Without MariaDB's prefix `5.5.5-`: `10.11.14-MariaDB-0+deb12u2`, `8.4.3`.
    pub version: String,
    pub connection_id: u32,
    pub is_mariadb: bool,
    pub capabilities: u32,
    /// MariaDB's extended ones; 0 of MySQL.
    pub mariadb_capabilities: u32,
    /// What proves of passwords are bound to.
    pub nonce: Vec<u8>,
    /// The method of authentication that the server proposes.
    pub plugin: String,
}

impl Greeting {
    /// Reads it.
    ///
    /// # Errors
    /// It is of another protocol, or of a server older than 4.1.
    pub fn parse(payload: &[u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new("the greeting", payload);
        if reader.u8()? != 10 {
            return Err(Malformed::Invalid("the greeting is not of protocol 10"));
        }
        let version = String::from_utf8_lossy(reader.c_bytes()?).into_owned();
        let connection_id = reader.u32()?;
        let mut nonce = reader.take(8)?.to_vec();
        reader.take(1)?;
        let low = reader.u16()?;
        // Character set and status.
        reader.take(3)?;
        let high = reader.u16()?;
        let capabilities = u32::from(low) | u32::from(high) << 16;
        let nonce_length = usize::from(reader.u8()?);
        reader.take(6)?;
        let extended = reader.u32()?;
        let needed = capability::PROTOCOL_41 | capability::SECURE_CONNECTION;
        if capabilities & needed != needed {
            return Err(Malformed::Invalid("the server is older than MySQL 4.1"));
        }
        // The second part is at least 13 bytes, the last of which is a NUL that is not part of it.
        let second = reader.take(nonce_length.saturating_sub(8).max(13))?;
        nonce.extend_from_slice(second.strip_suffix(&[0]).unwrap_or(second));
        let plugin = if capabilities & capability::PLUGIN_AUTH == 0 {
            "mysql_native_password".to_owned()
        } else {
            // The NUL at the end was forgotten in some versions.
            let name = reader.rest();
            let end = name
                .iter()
                .position(|&byte| byte == 0)
                .unwrap_or(name.len());
            String::from_utf8_lossy(&name[..end]).into_owned()
        };
        let is_mariadb = capabilities & capability::LONG_PASSWORD == 0;
        Ok(Self {
            version: version
                .strip_prefix("5.5.5-")
                .filter(|rest| rest.contains("MariaDB"))
                .unwrap_or(&version)
                .to_owned(),
            connection_id,
            is_mariadb,
            capabilities,
            mariadb_capabilities: if is_mariadb { extended } else { 0 },
            nonce,
            plugin,
        })
    }

    /// What both sides can, of what this connector wants: never `LOCAL INFILE`, several statements in one text,
    /// several results, or compression.
    pub fn agreed(&self, tls: bool, database: bool) -> Agreed {
        let mut wanted = capability::LONG_PASSWORD
            | capability::LONG_FLAG
            | capability::PROTOCOL_41
            | capability::TRANSACTIONS
            | capability::SECURE_CONNECTION
            | capability::PLUGIN_AUTH
            | capability::CONNECT_ATTRS
            | capability::PLUGIN_AUTH_LENENC
            | capability::DEPRECATE_EOF;
        if tls {
            wanted |= capability::SSL;
        }
        if database {
            wanted |= capability::CONNECT_WITH_DB;
        }
        Agreed {
            capabilities: wanted & self.capabilities,
            mariadb: capability::MARIADB_EXTENDED_METADATA & self.mariadb_capabilities,
        }
    }
}

/// The capabilities of a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Agreed {
    pub capabilities: u32,
    pub mariadb: u32,
}

impl Agreed {
    /// Whether a result's columns and end have no EOF packets of their own.
    pub const fn deprecate_eof(self) -> bool {
        self.capabilities & capability::DEPRECATE_EOF != 0
    }

    /// Whether columns have MariaDB's extended metadata.
    pub const fn extended_metadata(self) -> bool {
        self.mariadb & capability::MARIADB_EXTENDED_METADATA != 0
    }

    /// The head of the request for TLS and of the login.
    fn head(self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.capabilities.to_le_bytes());
        out.extend_from_slice(&MAX_ALLOWED_PACKET.to_le_bytes());
        out.push(UTF8MB4);
        out.extend_from_slice(&[0; 19]);
        out.extend_from_slice(&self.mariadb.to_le_bytes());
    }

    /// The request for TLS.
    pub fn tls_request(self) -> Vec<u8> {
        let mut out = Vec::with_capacity(32);
        self.head(&mut out);
        out
    }

    /// The login.
    pub fn login(self, login: &Login<'_>) -> Vec<u8> {
        let mut out = Vec::with_capacity(128);
        self.head(&mut out);
        let c_str = |text: &str, out: &mut Vec<u8>| {
            out.extend_from_slice(text.as_bytes());
            out.push(0);
        };
        c_str(login.user, &mut out);
        if self.capabilities & capability::PLUGIN_AUTH_LENENC != 0 {
            put_lenenc_bytes(login.proof, &mut out);
        } else {
            // Proofs have at most 64 bytes.
            out.push(u8::try_from(login.proof.len()).unwrap_or(0));
            out.extend_from_slice(login.proof);
        }
        if let Some(database) = login.database {
            c_str(database, &mut out);
        }
        if self.capabilities & capability::PLUGIN_AUTH != 0 {
            c_str(login.plugin, &mut out);
        }
        if self.capabilities & capability::CONNECT_ATTRS != 0 {
            let mut attributes = Vec::new();
            for (name, value) in login.attributes {
                put_lenenc_bytes(name.as_bytes(), &mut attributes);
                put_lenenc_bytes(value.as_bytes(), &mut attributes);
            }
            put_lenenc(attributes.len() as u64, &mut out);
            out.extend_from_slice(&attributes);
        }
        out
    }
}

/// Who wants to log in.
#[derive(Clone, Copy)]
pub struct Login<'a> {
    pub user: &'a str,
    pub database: Option<&'a str>,
    pub plugin: &'a str,
    /// What the plugin makes of the password and the nonce.
    pub proof: &'a [u8],
    /// For `performance_schema.session_connect_attrs`.
    pub attributes: &'a [(&'a str, &'a str)],
}

/// What the server answers while somebody logs in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LoginReply<'a> {
    Ok,
    /// An error: [`reply::ServerError`](super::reply::ServerError) reads the payload.
    Error,
    /// Another method of authentication, with its nonce.
    Switch {
        plugin: &'a str,
        nonce: &'a [u8],
    },
    /// The method before 4.1, of which nothing is secret.
    OldPassword,
    /// Something for the method.
    More(&'a [u8]),
}

/// The nonces of MySQL's own methods have 20 bytes and a NUL after them. That of `client_ed25519` has 32, any of
/// which may be 0.
fn without_end(nonce: &[u8]) -> &[u8] {
    match nonce {
        [own @ .., 0] if own.len() == 20 => own,
        whole => whole,
    }
}

impl<'a> LoginReply<'a> {
    /// Reads it.
    ///
    /// # Errors
    /// It is none.
    pub fn parse(payload: &'a [u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new("the answer to the login", payload);
        match reader.u8()? {
            0x00 => Ok(Self::Ok),
            0xFF => Ok(Self::Error),
            0x01 => Ok(Self::More(reader.rest())),
            0xFE if reader.is_empty() => Ok(Self::OldPassword),
            0xFE => {
                let plugin = std::str::from_utf8(reader.c_bytes()?).map_err(|_| {
                    Malformed::Invalid("the name of an authentication method is not text")
                })?;
                let nonce = reader.rest();
                Ok(Self::Switch {
                    plugin,
                    nonce: without_end(nonce),
                })
            }
            _ => Err(Malformed::Invalid(
                "the answer to the login is of no known kind",
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_nonce_loses_the_nul_after_it_and_none_of_its_own() {
        let switch = |plugin: &str, nonce: &[u8]| {
            let mut payload = vec![0xFE];
            payload.extend_from_slice(plugin.as_bytes());
            payload.push(0);
            payload.extend_from_slice(nonce);
            match LoginReply::parse(&payload).expect("a reply") {
                LoginReply::Switch { nonce, .. } => nonce.to_vec(),
                other => panic!("{other:?}"),
            }
        };
        let mut native = [7; 21];
        native[20] = 0;
        assert_eq!(switch("mysql_native_password", &native), [7; 20]);
        let mut signed = [7; 32];
        signed[31] = 0;
        assert_eq!(switch("client_ed25519", &signed), signed);
    }

    /// MariaDB 10.11's, as it sends it.
    fn mariadb() -> Vec<u8> {
        let mut packet = vec![10];
        packet.extend(b"5.5.5-10.11.14-MariaDB-0+deb12u2\0");
        packet.extend(31_u32.to_le_bytes());
        packet.extend(b"abcdefgh\0");
        packet.extend([0xFE, 0xF7, 45, 2, 0, 0xFF, 0x81, 21]);
        packet.extend([0; 6]);
        packet.extend(0x1D_u32.to_le_bytes());
        packet.extend(b"ijklmnopqrst\0mysql_native_password\0");
        packet
    }

    #[test]
    fn a_greeting_of_mariadb_is_known_by_its_capabilities() {
        let greeting = Greeting::parse(&mariadb()).expect("valid");
        assert_eq!(greeting.version, "10.11.14-MariaDB-0+deb12u2");
        assert_eq!(greeting.connection_id, 31);
        assert_eq!(greeting.nonce, b"abcdefghijklmnopqrst");
        assert_eq!(greeting.plugin, "mysql_native_password");
        assert_eq!(greeting.mariadb_capabilities, 0x1D);
        let agreed = greeting.agreed(false, false);
        assert!(agreed.deprecate_eof() && agreed.extended_metadata());
    }

    #[test]
    fn files_of_this_machine_and_several_statements_are_never_agreed_on() {
        let mut everything = Greeting::parse(&mariadb()).expect("valid");
        everything.capabilities = u32::MAX;
        everything.mariadb_capabilities = u32::MAX;
        let agreed = everything.agreed(true, true).capabilities;
        // COMPRESS, LOCAL_FILES, MULTI_STATEMENTS, MULTI_RESULTS, PS_MULTI_RESULTS.
        for bit in [5, 7, 16, 17, 18] {
            assert_eq!(agreed & 1 << bit, 0, "bit {bit}");
        }
    }

    proptest! {
        #[test]
        fn a_damaged_greeting_never_panics(at in 0_usize..120, byte in any::<u8>(), length in 0_usize..120) {
            let mut packet = mariadb();
            if let Some(place) = packet.get_mut(at) {
                *place = byte;
            }
            packet.truncate(length);
            let _ = Greeting::parse(&packet);
            let _ = LoginReply::parse(&packet);
        }
    }

    #[test]
    fn a_switch_gives_the_nonce_without_its_nul() {
        assert_eq!(
            LoginReply::parse(b"\xFEclient_ed25519\0nonce"),
            Ok(LoginReply::Switch {
                plugin: "client_ed25519",
                nonce: b"nonce"
            })
        );
        assert_eq!(LoginReply::parse(b"\xFE"), Ok(LoginReply::OldPassword));
        assert!(LoginReply::parse(b"").is_err());
    }
}
