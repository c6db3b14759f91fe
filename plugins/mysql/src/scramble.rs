//! What proves a password without showing it, method by method. Pure functions of password and nonce.
//!
//! An empty password is proved by nothing at all, in every method.

use ed25519_dalek::hazmat::{ExpandedSecretKey, raw_sign};
use ed25519_dalek::{SignatureError, VerifyingKey};
use rand_core::CryptoRngCore;
use rsa::pkcs1::DecodeRsaPublicKey;
use rsa::pkcs8::DecodePublicKey;
use rsa::{Oaep, RsaPublicKey};
use sha1::{Digest, Sha1};
use sha2::{Sha256, Sha512};

/// Why a password could not be encrypted for a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    #[error("the server's public key can't be read")]
    Unreadable,
    #[error("the password does not fit the server's public key")]
    TooShort,
}

/// `mysql_native_password`: SHA1(p) XOR SHA1(nonce, SHA1(SHA1(p))).
pub fn native(password: &[u8], nonce: &[u8]) -> Vec<u8> {
    if password.is_empty() {
        return Vec::new();
    }
    let once = Sha1::digest(password);
    let twice = Sha1::digest(once);
    let mask = Sha1::new()
        .chain_update(nonce)
        .chain_update(twice)
        .finalize();
    xor(&once, &mask)
}

/// `caching_sha2_password`, the fast way: SHA256(p) XOR SHA256(SHA256(SHA256(p)), nonce).
pub fn caching_sha2(password: &[u8], nonce: &[u8]) -> Vec<u8> {
    if password.is_empty() {
        return Vec::new();
    }
    let once = Sha256::digest(password);
    let twice = Sha256::digest(once);
    let mask = Sha256::new()
        .chain_update(twice)
        .chain_update(nonce)
        .finalize();
    xor(&once, &mask)
}

/// MariaDB's `client_ed25519`: the nonce, signed with the key that the password hashes to.
///
/// # Errors
/// Never: the type of the library's function has one.
pub fn ed25519(password: &[u8], nonce: &[u8]) -> Result<Vec<u8>, SignatureError> {
    let hash: [u8; 64] = Sha512::digest(password).into();
    let secret = ExpandedSecretKey::from_bytes(&hash);
    let public = VerifyingKey::from(&secret);
    Ok(raw_sign::<Sha512>(&secret, nonce, &public)
        .to_bytes()
        .to_vec())
}

/// The password in the clear, as it crosses an encrypted connection: with a NUL at its end.
pub fn clear(password: &[u8]) -> Vec<u8> {
    let mut text = password.to_vec();
    text.push(0);
    text
}

/// `caching_sha2_password`, the full way without TLS: the password with its NUL, mixed with the nonce, encrypted
/// with RSA-OAEP for the key that the server sent as PEM.
///
/// # Errors
/// [`KeyError`].
pub fn rsa(
    password: &[u8],
    nonce: &[u8],
    pem: &[u8],
    random: &mut impl CryptoRngCore,
) -> Result<Vec<u8>, KeyError> {
    if nonce.is_empty() {
        // Nothing would hide the password's repetition from one login to the next.
        return Err(KeyError::Unreadable);
    }
    let pem = std::str::from_utf8(pem).map_err(|_| KeyError::Unreadable)?;
    let key = RsaPublicKey::from_public_key_pem(pem.trim())
        .or_else(|_| RsaPublicKey::from_pkcs1_pem(pem.trim()))
        .map_err(|_| KeyError::Unreadable)?;
    let mut mixed = clear(password);
    for (byte, mask) in mixed.iter_mut().zip(nonce.iter().cycle()) {
        *byte ^= mask;
    }
    key.encrypt(random, Oaep::new::<Sha1>(), &mixed)
        .map_err(|_| KeyError::TooShort)
}

fn xor(left: &[u8], right: &[u8]) -> Vec<u8> {
    left.iter().zip(right).map(|(a, b)| a ^ b).collect()
}

#[cfg(test)]
mod tests {
    use rand_core::OsRng;
    use rsa::RsaPrivateKey;
    use rsa::pkcs8::{EncodePublicKey, LineEnding};

    use super::*;

    #[test]
    fn a_native_proof_is_what_a_server_computed() {
        let nonce = [
            0x4e, 0x52, 0x33, 0x48, 0x50, 0x3a, 0x71, 0x49, 0x59, 0x61, 0x5f, 0x39, 0x3d, 0x64,
            0x62, 0x3f, 0x53, 0x64, 0x7b, 0x60,
        ];
        let password = [0x47, 0x21, 0x69, 0x64, 0x65, 0x72, 0x32, 0x37];
        assert_eq!(
            native(&password, &nonce),
            [
                0x09, 0xcf, 0xf8, 0x85, 0x5e, 0x9e, 0x70, 0x53, 0x40, 0xff, 0x22, 0x70, 0xd8, 0xfb,
                0x9f, 0xad, 0xba, 0x90, 0x6b, 0x70,
            ]
        );
    }

    /// How a server that keeps SHA256(SHA256(p)) checks a proof.
    #[test]
    fn a_server_that_keeps_the_double_hash_accepts_a_fast_proof() {
        let (password, nonce) = (b"se cret", b"01234567890123456789");
        let proof = caching_sha2(password, nonce);
        let kept = Sha256::digest(Sha256::digest(password));
        let mask = Sha256::new()
            .chain_update(kept)
            .chain_update(nonce)
            .finalize();
        assert_eq!(Sha256::digest(xor(&proof, &mask)), kept);
    }

    #[test]
    fn an_empty_password_is_proved_by_nothing() {
        assert!(native(b"", b"01234567890123456789").is_empty());
        assert!(caching_sha2(b"", b"01234567890123456789").is_empty());
    }

    #[test]
    fn a_signature_verifies_with_the_key_that_mariadb_keeps_of_the_password() {
        use ed25519_dalek::{Signature, Verifier};
        let nonce = [7; 32];
        let hash: [u8; 64] = Sha512::digest(b"secret").into();
        let kept = VerifyingKey::from(&ExpandedSecretKey::from_bytes(&hash));
        let proof: [u8; 64] = ed25519(b"secret", &nonce)
            .expect("signed")
            .try_into()
            .expect("64 bytes");
        kept.verify(&nonce, &Signature::from_bytes(&proof))
            .expect("valid");
        assert!(
            kept.verify(&[8; 32], &Signature::from_bytes(&proof))
                .is_err()
        );
    }

    #[test]
    fn the_holder_of_the_private_key_reads_the_password() {
        let private = RsaPrivateKey::new(&mut OsRng, 1024).expect("a key");
        let pem = private
            .to_public_key()
            .to_public_key_pem(LineEnding::LF)
            .expect("PEM");
        let nonce = b"01234567890123456789";
        let sealed = rsa("pässword".as_bytes(), nonce, pem.as_bytes(), &mut OsRng).expect("sealed");
        let mixed = private
            .decrypt(Oaep::new::<Sha1>(), &sealed)
            .expect("opened");
        let text: Vec<u8> = mixed
            .iter()
            .zip(nonce.iter().cycle())
            .map(|(a, b)| a ^ b)
            .collect();
        assert_eq!(text, "pässword\0".as_bytes());
    }

    #[test]
    fn a_key_that_is_cut_short_or_no_key_is_refused() {
        let private = RsaPrivateKey::new(&mut OsRng, 1024).expect("a key");
        let pem = private
            .to_public_key()
            .to_public_key_pem(LineEnding::LF)
            .expect("PEM");
        for length in 0..pem.len() - 2 {
            assert!(rsa(b"x", b"nonce", &pem.as_bytes()[..length], &mut OsRng).is_err());
        }
        assert_eq!(
            rsa(&[b'x'; 200], b"nonce", pem.as_bytes(), &mut OsRng),
            Err(KeyError::TooShort)
        );
        assert!(rsa(b"x", b"", pem.as_bytes(), &mut OsRng).is_err());
    }
}
