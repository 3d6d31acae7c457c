//! What signs with a key: algorithms by their names in tokens (RFC 7518, section 3.1, and RFC 8037).
//!
//! Pure but for the chance that signatures need. Invariant: a key signs, and is believed, by an algorithm of its own kind alone.

use super::key::{Curve, Key};
use ring::rand::SystemRandom;
use ring::signature::{self, EcdsaKeyPair, Ed25519KeyPair, RsaKeyPair, UnparsedPublicKey};
use ring::{hmac, rsa};

/// An algorithm that signs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Algorithm {
    /// HMAC with SHA-256, SHA-384 or SHA-512, as many bits as it says.
    Hs(Bits),
    /// RSA with padding of PKCS#1 v1.5.
    Rs(Bits),
    /// RSA with padding of PSS.
    Ps(Bits),
    /// A curve with the hash of its size.
    Es(Curve),
    /// Ed25519.
    EdDsa,
}

/// Bits of a hash of SHA-2.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Bits {
    /// SHA-256.
    B256,
    /// SHA-384.
    B384,
    /// SHA-512.
    B512,
}

use Algorithm::{EdDsa, Es, Hs, Ps, Rs};
use Bits::{B256, B384, B512};

/// All algorithms, by their names.
const ALL: [(&str, Algorithm); 12] = [
    ("HS256", Hs(B256)),
    ("HS384", Hs(B384)),
    ("HS512", Hs(B512)),
    ("RS256", Rs(B256)),
    ("RS384", Rs(B384)),
    ("RS512", Rs(B512)),
    ("PS256", Ps(B256)),
    ("PS384", Ps(B384)),
    ("PS512", Ps(B512)),
    ("ES256", Es(Curve::P256)),
    ("ES384", Es(Curve::P384)),
    ("EdDSA", EdDsa),
];

/// Names of all algorithms.
pub const NAMES: [&str; ALL.len()] = {
    let (mut names, mut at) = ([""; ALL.len()], 0);
    while at < ALL.len() {
        names[at] = ALL[at].0;
        at += 1;
    }
    names
};

impl Algorithm {
    /// An algorithm by its name.
    pub fn named(name: &str) -> Option<Algorithm> {
        let found = ALL.iter().find(|(known, _)| *known == name);
        found.map(|(_, algorithm)| *algorithm)
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        let found = ALL.iter().find(|(_, algorithm)| *algorithm == self);
        found.map_or("", |(name, _)| name)
    }

    /// Whether it is one of a kind of key.
    pub fn fits(self, key: &Key) -> bool {
        match (self, key) {
            (Hs(_), Key::Secret(_)) | (Rs(_) | Ps(_), Key::Rsa(_)) => true,
            (Es(curve), Key::Elliptic(own, ..)) => curve == *own,
            (EdDsa, Key::Ed25519(..)) => true,
            _ => false,
        }
    }

    fn mac(self) -> hmac::Algorithm {
        match self {
            Hs(B384) => hmac::HMAC_SHA384,
            Hs(B512) => hmac::HMAC_SHA512,
            _ => hmac::HMAC_SHA256,
        }
    }

    fn padding(self) -> &'static dyn signature::RsaEncoding {
        match self {
            Rs(B384) => &signature::RSA_PKCS1_SHA384,
            Rs(B512) => &signature::RSA_PKCS1_SHA512,
            Ps(B256) => &signature::RSA_PSS_SHA256,
            Ps(B384) => &signature::RSA_PSS_SHA384,
            Ps(B512) => &signature::RSA_PSS_SHA512,
            _ => &signature::RSA_PKCS1_SHA256,
        }
    }

    fn check(self) -> &'static signature::RsaParameters {
        match self {
            Rs(B384) => &signature::RSA_PKCS1_2048_8192_SHA384,
            Rs(B512) => &signature::RSA_PKCS1_2048_8192_SHA512,
            Ps(B256) => &signature::RSA_PSS_2048_8192_SHA256,
            Ps(B384) => &signature::RSA_PSS_2048_8192_SHA384,
            Ps(B512) => &signature::RSA_PSS_2048_8192_SHA512,
            _ => &signature::RSA_PKCS1_2048_8192_SHA256,
        }
    }
}

impl Key {
    /// Signs with it. RSA needs about a millisecond.
    ///
    /// # Errors
    /// It is of another kind, has no private half or is too short, in words.
    pub fn sign(&self, algorithm: Algorithm, message: &[u8]) -> Result<Vec<u8>, String> {
        let chance = SystemRandom::new();
        let broken = || format!("{} whose numbers do not fit one another", self.kind());
        if !algorithm.fits(self) {
            return Err(format!(
                "{} does not sign by {}",
                self.kind(),
                algorithm.name()
            ));
        }
        if !self.is_private() {
            return Err(format!(
                "{} that everybody may know does not sign",
                self.kind()
            ));
        }
        match self {
            Key::Secret(secret) => {
                let key = hmac::Key::new(algorithm.mac(), secret);
                Ok(hmac::sign(&key, message).as_ref().to_vec())
            }
            Key::Rsa(_) => {
                let pair = RsaKeyPair::from_der(&self.to_pkcs1().unwrap_or_default());
                let pair = pair.map_err(|why| format!("{}: {why}", broken()))?;
                let mut signed = vec![0; pair.public().modulus_len()];
                let done = pair.sign(algorithm.padding(), &chance, message, &mut signed);
                done.map(|()| signed).map_err(|_| broken())
            }
            Key::Elliptic(curve, point, private) => {
                let by = match curve {
                    Curve::P256 => &signature::ECDSA_P256_SHA256_FIXED_SIGNING,
                    Curve::P384 => &signature::ECDSA_P384_SHA384_FIXED_SIGNING,
                };
                let number = private.as_deref().unwrap_or_default();
                let pair =
                    EcdsaKeyPair::from_private_key_and_public_key(by, number, point, &chance);
                let signed = pair.map_err(|_| broken())?.sign(&chance, message);
                signed
                    .map(|signed| signed.as_ref().to_vec())
                    .map_err(|_| broken())
            }
            Key::Ed25519(point, seed) => {
                let seed = seed.as_deref().unwrap_or_default();
                let pair = Ed25519KeyPair::from_seed_and_public_key(seed, point);
                Ok(pair.map_err(|_| broken())?.sign(message).as_ref().to_vec())
            }
        }
    }

    /// Whether a signature is of this key. What is of another kind, or broken, is not.
    pub fn verifies(&self, algorithm: Algorithm, message: &[u8], signed: &[u8]) -> bool {
        if !algorithm.fits(self) {
            return false;
        }
        match self {
            Key::Secret(secret) => {
                let key = hmac::Key::new(algorithm.mac(), secret);
                hmac::verify(&key, message, signed).is_ok()
            }
            Key::Rsa(numbers) => {
                let [n, e] = &numbers.public;
                let key = rsa::PublicKeyComponents { n, e };
                key.verify(algorithm.check(), message, signed).is_ok()
            }
            Key::Elliptic(curve, point, _) => {
                let by = match curve {
                    Curve::P256 => &signature::ECDSA_P256_SHA256_FIXED,
                    Curve::P384 => &signature::ECDSA_P384_SHA384_FIXED,
                };
                UnparsedPublicKey::new(by, point)
                    .verify(message, signed)
                    .is_ok()
            }
            Key::Ed25519(point, _) => {
                let key = UnparsedPublicKey::new(&signature::ED25519, point);
                key.verify(message, signed).is_ok()
            }
        }
    }
}
