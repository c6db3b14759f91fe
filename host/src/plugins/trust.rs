//! Which installed components are loaded: by anyone, by recorded digest, or by a trusted signature.
//!
//! Signatures are minisign's (Ed25519 over the file, or over its hash), with the signed trusted
//! comment. A signature that is there and can't be right is refused under every policy: somebody changed
//! something. One by a key that nobody named counts as none, so that keys can be named later. Shipped
//! components are part of the program and are not asked for. Pure, apart from reading files of keys.

use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use minisign_verify::{PublicKey, Signature};

/// `DATACHAT_PLUGIN_POLICY`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PluginPolicy {
    /// Every component in the folder.
    Any,
    /// Those whose digest was recorded when an administrator installed them.
    #[default]
    Digest,
    /// Those that a trusted key has signed, besides.
    Signed,
}

/// The operator's rules for installed components.
#[derive(Debug, Clone, Default)]
pub struct Admission {
    policy: PluginPolicy,
    keys: Vec<TrustedKey>,
}

#[derive(Debug, Clone)]
struct TrustedKey {
    id: String,
    key: PublicKey,
}

/// Why the rules themselves make no sense.
#[derive(Debug, thiserror::Error)]
pub enum InvalidAdmission {
    #[error("DATACHAT_PLUGIN_POLICY: {given:?} is none of any, digest and signed")]
    Policy { given: String },
    #[error(
        "DATACHAT_PLUGIN_TRUST: {item:?} is neither a minisign public key nor a file of them: {problem}"
    )]
    Key { item: String, problem: String },
    #[error(
        "DATACHAT_PLUGIN_POLICY=signed needs the keys that are trusted: DATACHAT_PLUGIN_TRUST takes minisign \
         public keys or a file of them"
    )]
    NoKeys,
}

/// What a signature beside a component is worth.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Signed {
    No,
    /// By this trusted key.
    By(String),
    /// By a key that is not trusted.
    Unknown(String),
    /// It can't be right.
    Broken(&'static str),
}

impl Signed {
    /// The id of the trusted key.
    pub(crate) fn signer(&self) -> Option<&str> {
        match self {
            Self::By(id) => Some(id),
            _ => None,
        }
    }
}

/// Why an installed component is not loaded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error(
        "its digest {digest} was not recorded; `datachat plugin install FILE` records it, and \
         DATACHAT_PLUGIN_POLICY=any loads whatever lies in the folder"
    )]
    NotRecorded { digest: String },
    #[error(
        "it was changed: {recorded} was installed, its digest is now {found}; install the right file again"
    )]
    Changed { recorded: String, found: String },
    #[error(
        "it is not signed and DATACHAT_PLUGIN_POLICY is signed; put its signature beside it as FILE.minisig"
    )]
    Unsigned,
    #[error("it is signed by the key {key}, which DATACHAT_PLUGIN_TRUST does not name")]
    UnknownSigner { key: String },
    #[error("its signature {problem}")]
    BadSignature { problem: &'static str },
}

impl Refusal {
    /// Stable, for programs.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::NotRecorded { .. } => "digest_not_recorded",
            Self::Changed { .. } => "digest_changed",
            Self::Unsigned => "unsigned",
            Self::UnknownSigner { .. } => "unknown_signer",
            Self::BadSignature { .. } => "bad_signature",
        }
    }
}

impl Admission {
    /// Reads the settings: `policy` as the operator wrote it, `trust` a list of public keys and of files
    /// with one or more of them.
    ///
    /// # Errors
    /// [`InvalidAdmission`]
    pub fn parse(policy: Option<&str>, trust: &[String]) -> Result<Self, InvalidAdmission> {
        let policy = match policy {
            None => PluginPolicy::default(),
            Some("any") => PluginPolicy::Any,
            Some("digest") => PluginPolicy::Digest,
            Some("signed") => PluginPolicy::Signed,
            Some(given) => {
                return Err(InvalidAdmission::Policy {
                    given: given.to_owned(),
                });
            }
        };
        let mut keys = Vec::new();
        for item in trust {
            if let Some(key) = trusted(item) {
                keys.push(key);
                continue;
            }
            let refuse = |problem: String| InvalidAdmission::Key {
                item: item.clone(),
                problem,
            };
            let text =
                std::fs::read_to_string(Path::new(item)).map_err(|e| refuse(e.to_string()))?;
            let before = keys.len();
            for line in text.lines().map(str::trim) {
                if line.is_empty() || line.starts_with('#') || line.contains("comment:") {
                    continue;
                }
                let key = trusted(line);
                keys.push(key.ok_or_else(|| refuse(format!("{line:?} is no public key")))?);
            }
            if keys.len() == before {
                return Err(refuse("it has no key".to_owned()));
            }
        }
        if policy == PluginPolicy::Signed && keys.is_empty() {
            return Err(InvalidAdmission::NoKeys);
        }
        Ok(Self { policy, keys })
    }

    /// The policy in force.
    pub fn policy(&self) -> PluginPolicy {
        self.policy
    }

    /// What the text of a `.minisig` file says of a component's bytes.
    pub(crate) fn signed(&self, wasm: &[u8], signature: Option<&str>) -> Signed {
        let Some(text) = signature else {
            return Signed::No;
        };
        let (Ok(signature), Some(id)) = (
            Signature::decode(text),
            text.lines().nth(1).and_then(key_id),
        ) else {
            return Signed::Broken("is no minisign signature");
        };
        // Ids are not unique by design; whichever key of this id verifies is the signer.
        let mut known = false;
        for trusted in self.keys.iter().filter(|trusted| trusted.id == id) {
            known = true;
            if trusted.key.verify(wasm, &signature, true).is_ok() {
                return Signed::By(id);
            }
        }
        if known {
            Signed::Broken("does not belong to these bytes, or its trusted comment was changed")
        } else {
            Signed::Unknown(id)
        }
    }

    /// Whether a component may be loaded. `recorded` is the digest that was installed under its file's name.
    ///
    /// # Errors
    /// The first rule that refuses it.
    pub(crate) fn judge(
        &self,
        recorded: Option<&str>,
        found: &str,
        signed: &Signed,
    ) -> Result<(), Refusal> {
        if let Signed::Broken(problem) = signed {
            return Err(Refusal::BadSignature { problem });
        }
        if self.policy == PluginPolicy::Any {
            return Ok(());
        }
        match recorded {
            None => {
                return Err(Refusal::NotRecorded {
                    digest: found.to_owned(),
                });
            }
            Some(recorded) if recorded != found => {
                return Err(Refusal::Changed {
                    recorded: recorded.to_owned(),
                    found: found.to_owned(),
                });
            }
            Some(_) => {}
        }
        match (self.policy, signed) {
            (PluginPolicy::Signed, Signed::No) => Err(Refusal::Unsigned),
            (PluginPolicy::Signed, Signed::Unknown(key)) => {
                Err(Refusal::UnknownSigner { key: key.clone() })
            }
            _ => Ok(()),
        }
    }
}

fn trusted(text: &str) -> Option<TrustedKey> {
    Some(TrustedKey {
        key: PublicKey::from_base64(text.trim()).ok()?,
        id: key_id(text)?,
    })
}

/// The id in a key or in the second line of a signature, as minisign prints it.
fn key_id(line: &str) -> Option<String> {
    let bytes = STANDARD.decode(line.trim()).ok()?;
    let id: [u8; 8] = bytes.get(2..10)?.try_into().ok()?;
    Some(format!("{:016X}", u64::from_le_bytes(id)))
}

#[cfg(test)]
#[path = "trust_tests.rs"]
mod tests;
