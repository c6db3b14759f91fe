//! API keys: who may call, and as what.
//!
//! A presented key is compared by its SHA-256 digest in constant time, and with every configured key, so that
//! neither the time nor the order tells which one was nearly right.

use sha2::{Digest, Sha256};
use subtle::{Choice, ConditionallySelectable, ConstantTimeEq};

use crate::secret::Secret;

/// What a caller may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// Reads, asks, runs tools.
    User,
    /// Also changes connections and plugins.
    Admin,
}

/// One configured key.
#[derive(Debug, Clone)]
pub struct ApiKey {
    pub name: String,
    pub role: Role,
    key: Secret<String>,
    digest: [u8; 32],
}

impl ApiKey {
    /// The key as a client sends it, for the command line that calls its own server.
    pub fn key(&self) -> &Secret<String> {
        &self.key
    }
}

/// The configured key that equals `presented`.
pub fn find<'a>(keys: &'a [ApiKey], presented: &str) -> Option<&'a ApiKey> {
    let digest: [u8; 32] = Sha256::digest(presented).into();
    let mut found = u32::MAX;
    for (index, key) in (0_u32..).zip(keys) {
        let equal: Choice = key.digest.ct_eq(&digest);
        found.conditional_assign(&index, equal);
    }
    keys.get(usize::try_from(found).ok()?)
}

/// Reads `name:role:key,…`. The message names the entry by its position, never by its text.
pub(super) fn parse(text: &str) -> Result<Vec<ApiKey>, String> {
    let mut keys: Vec<ApiKey> = Vec::new();
    for (index, entry) in text.split(',').enumerate() {
        let entry = entry.trim();
        if entry.is_empty() {
            continue;
        }
        let number = index + 1;
        let mut parts = entry.splitn(3, ':');
        let (Some(name), Some(role), Some(key)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(format!("entry {number} is not of the form name:role:key"));
        };
        if name.is_empty() || key.is_empty() {
            return Err(format!("entry {number} has an empty name or key"));
        }
        let role = match role {
            "user" => Role::User,
            "admin" => Role::Admin,
            _ => {
                return Err(format!(
                    "entry {number} has a role that is neither user nor admin"
                ));
            }
        };
        let digest: [u8; 32] = Sha256::digest(key).into();
        if keys.iter().any(|known| known.name == name) {
            return Err(format!("entry {number} repeats a name"));
        }
        if keys.iter().any(|known| known.digest == digest) {
            return Err(format!("entry {number} repeats a key"));
        }
        keys.push(ApiKey {
            name: name.to_owned(),
            role,
            key: Secret::new(key.to_owned()),
            digest,
        });
    }
    Ok(keys)
}

impl super::Config {
    /// The configured key that equals `presented`.
    pub fn api_key(&self, presented: &str) -> Option<&ApiKey> {
        find(&self.api_keys, presented)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_may_contain_colons_and_is_found_whole() {
        let keys = parse("ann:admin:a:b, bob:user:c").expect("valid");
        assert_eq!(
            find(&keys, "a:b").map(|key| (key.name.as_str(), key.role)),
            Some(("ann", Role::Admin))
        );
        assert_eq!(
            find(&keys, "c").map(|key| (key.name.as_str(), key.role)),
            Some(("bob", Role::User))
        );
        assert!(find(&keys, "a").is_none());
        assert!(find(&keys, "").is_none());
    }

    #[test]
    fn an_entry_that_is_not_complete_is_named_by_its_position() {
        for (text, words) in [
            ("ann:admin:x,bob", "entry 2 is not of the form"),
            ("ann:root:x", "entry 1 has a role"),
            (":user:x", "entry 1 has an empty"),
            ("ann:user:", "entry 1 has an empty"),
            ("ann:user:x,ann:user:y", "entry 2 repeats a name"),
            ("ann:user:x,bob:user:x", "entry 2 repeats a key"),
        ] {
            let error = parse(text).expect_err(text);
            assert!(error.contains(words), "{text}: {error}");
        }
    }
}
