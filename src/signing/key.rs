//! A key of any kind: a secret that both sides know, a pair of RSA, of an elliptic curve or of Ed25519, or the half of a pair
//! that everybody may know.
//!
//! Pure. Reads PEM, PKCS#8 (RFC 5958), SubjectPublicKeyInfo (RFC 5280), PKCS#1 (RFC 8017) and SEC 1 (RFC 5915). Invariant: no
//! key is ever shown.

use super::der::{self, BYTES, OBJECT, Reader, SEQUENCE, element};
use rustls::pki_types::pem::{PemObject as _, SectionKind};
use std::fmt;

/// Names of kinds of keys, as DER has them.
const RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];
const ELLIPTIC: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];
const ED25519: &[u8] = &[0x2b, 0x65, 0x70];
const P256: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];
const P384: &[u8] = &[0x2b, 0x81, 0x04, 0x00, 0x22];
/// What stands where a kind has nothing more to say.
const NULL: &[u8] = &[0x05, 0x00];

/// A curve.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Curve {
    /// P-256.
    P256,
    /// P-384.
    P384,
}

impl Curve {
    /// Its name in a JSON web key.
    pub fn name(self) -> &'static str {
        match self {
            Curve::P256 => "P-256",
            Curve::P384 => "P-384",
        }
    }

    /// A curve by its name.
    pub fn named(name: &str) -> Option<Curve> {
        [Curve::P256, Curve::P384]
            .into_iter()
            .find(|curve| curve.name() == name)
    }

    /// Bytes of a number of it.
    pub fn bytes(self) -> usize {
        match self {
            Curve::P256 => 32,
            Curve::P384 => 48,
        }
    }

    fn object(self) -> &'static [u8] {
        match self {
            Curve::P256 => P256,
            Curve::P384 => P384,
        }
    }
}

/// Numbers of a pair of RSA (RFC 8017, appendix A.1), each without zeros before it.
#[derive(Clone, PartialEq, Eq)]
pub struct RsaNumbers {
    /// Modulus and exponent, which everybody may know.
    pub public: [Vec<u8>; 2],
    /// `d`, `p`, `q`, `d mod (p-1)`, `d mod (q-1)` and the inverse of `q`, which nobody else may.
    pub private: Option<[Vec<u8>; 6]>,
}

/// A key.
#[derive(Clone, PartialEq, Eq)]
pub enum Key {
    /// A secret that both sides know.
    Secret(Vec<u8>),
    /// A pair of RSA, or its public half.
    Rsa(RsaNumbers),
    /// A pair on a curve, or its public half: the point (SEC 1, section 2.3.3, not compressed), and the number behind it.
    Elliptic(Curve, Vec<u8>, Option<Vec<u8>>),
    /// A pair of Ed25519 (RFC 8032), or its public half: the point, and the seed.
    Ed25519(Vec<u8>, Option<Vec<u8>>),
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind())
    }
}

impl Key {
    /// What it is, for people.
    pub fn kind(&self) -> &'static str {
        match self {
            Key::Secret(_) => "a shared secret",
            Key::Rsa(_) => "a key of RSA",
            Key::Elliptic(Curve::P256, ..) => "a key on the curve P-256",
            Key::Elliptic(Curve::P384, ..) => "a key on the curve P-384",
            Key::Ed25519(..) => "a key of Ed25519",
        }
    }

    /// Whether it can sign.
    pub fn is_private(&self) -> bool {
        match self {
            Key::Secret(_) => true,
            Key::Rsa(numbers) => numbers.private.is_some(),
            Key::Elliptic(_, _, private) | Key::Ed25519(_, private) => private.is_some(),
        }
    }

    /// The half of a pair that everybody may know.
    pub fn public(&self) -> Key {
        match self {
            Key::Rsa(numbers) => Key::Rsa(RsaNumbers {
                public: numbers.public.clone(),
                private: None,
            }),
            Key::Elliptic(curve, point, _) => Key::Elliptic(*curve, point.clone(), None),
            Key::Ed25519(point, _) => Key::Ed25519(point.clone(), None),
            Key::Secret(_) => self.clone(),
        }
    }

    /// A key as people keep it: in PEM, as a JSON web key, or the secret itself.
    ///
    /// # Errors
    /// It is meant as one of the former and cannot be read, in words.
    pub fn of_secret(text: &str) -> Result<Key, String> {
        if text.contains("-----BEGIN") {
            return Key::from_pem(text);
        }
        match serde_json::from_str::<serde_json::Value>(text) {
            Ok(jwk @ serde_json::Value::Object(_)) => Key::from_jwk(&jwk),
            _ => Ok(Key::Secret(text.as_bytes().to_vec())),
        }
    }

    /// A key in PEM.
    ///
    /// # Errors
    /// It is none that is understood, in words.
    pub fn from_pem(text: &str) -> Result<Key, String> {
        if text.contains("ENCRYPTED") {
            return Err("it is encrypted: give the key without a passphrase".to_owned());
        }
        let block = <(SectionKind, Vec<u8>)>::from_pem_slice(text.as_bytes());
        let (kind, content) = block.map_err(|_| "it is no key in PEM".to_owned())?;
        let read = match kind {
            SectionKind::PrivateKey => Key::from_pkcs8(&content),
            SectionKind::PublicKey => Key::from_spki(&content),
            SectionKind::RsaPrivateKey => rsa_private(&content),
            SectionKind::EcPrivateKey => elliptic_private(&content, None),
            SectionKind::Certificate => x509_parser::parse_x509_certificate(&content)
                .ok()
                .and_then(|(_, certificate)| Key::from_spki(certificate.public_key().raw)),
            _ => None,
        };
        let known = "RSA, P-256, P-384 and Ed25519";
        read.ok_or_else(|| format!("its kind is none that is understood: {known} are"))
    }

    /// A point of a curve (SEC 1, section 2.3.3, not compressed).
    pub fn from_point(curve: Curve, place: &[u8]) -> Option<Key> {
        point(curve, place, None)
    }

    /// A pair by chance: of `P-256`, `P-384` or `Ed25519`.
    pub fn by_chance(kind: &str) -> Option<Key> {
        use ring::signature::{self, EcdsaKeyPair};
        let chance = ring::rand::SystemRandom::new();
        let by = match kind {
            "P-256" => &signature::ECDSA_P256_SHA256_FIXED_SIGNING,
            "P-384" => &signature::ECDSA_P384_SHA384_FIXED_SIGNING,
            "Ed25519" => {
                let mut seed = [0; 32];
                ring::rand::SecureRandom::fill(&chance, &mut seed).ok()?;
                return ed25519_private(&seed);
            }
            _ => return None,
        };
        let made = EcdsaKeyPair::generate_pkcs8(by, &chance).ok()?;
        Key::from_pkcs8(made.as_ref())
    }

    /// A pair in PKCS#8.
    pub fn from_pkcs8(content: &[u8]) -> Option<Key> {
        let mut row = Reader(content).row()?;
        row.number()?;
        let mut kind = row.row()?;
        let inner = row.next(BYTES)?;
        match kind.next(OBJECT)? {
            RSA => rsa_private(inner),
            ELLIPTIC => elliptic_private(inner, Some(curve(kind.next(OBJECT)?)?)),
            ED25519 => ed25519_private(inner.strip_prefix(&[BYTES, 32])?),
            _ => None,
        }
    }

    /// A public half as SubjectPublicKeyInfo.
    pub fn from_spki(content: &[u8]) -> Option<Key> {
        let mut row = Reader(content).row()?;
        let mut kind = row.row()?;
        let inner = row.bits()?;
        match kind.next(OBJECT)? {
            RSA => rsa_public(inner),
            ELLIPTIC => point(curve(kind.next(OBJECT)?)?, inner, None),
            ED25519 => (inner.len() == 32).then(|| Key::Ed25519(inner.to_vec(), None)),
            _ => None,
        }
    }

    /// It as PKCS#8, where it is a pair.
    pub fn to_pkcs8(&self) -> Option<Vec<u8>> {
        let (kind, inner) = match self {
            Key::Secret(_) => return None,
            Key::Rsa(_) => (self.name()?, self.to_pkcs1()?),
            Key::Elliptic(_, point, private) => {
                let point = element(0xa1, &[&der::bits(point)]);
                let number = element(BYTES, &[private.as_ref()?]);
                let row = element(SEQUENCE, &[&der::number(&[1]), &number, &point]);
                (self.name()?, row)
            }
            Key::Ed25519(_, seed) => (self.name()?, element(BYTES, &[seed.as_ref()?])),
        };
        let parts = [&der::number(&[0])[..], &kind, &element(BYTES, &[&inner])];
        Some(element(SEQUENCE, &parts))
    }

    /// The public half as SubjectPublicKeyInfo.
    pub fn to_spki(&self) -> Option<Vec<u8>> {
        let inner = match self {
            Key::Secret(_) => return None,
            Key::Rsa(_) => self.to_pkcs1_public()?,
            Key::Elliptic(_, point, _) | Key::Ed25519(point, _) => point.clone(),
        };
        Some(element(SEQUENCE, &[&self.name()?, &der::bits(&inner)]))
    }

    /// A pair of RSA as PKCS#1.
    pub fn to_pkcs1(&self) -> Option<Vec<u8>> {
        let Key::Rsa(RsaNumbers {
            public,
            private: Some([d, rest @ ..]),
        }) = self
        else {
            return None;
        };
        let numbers = public.iter().chain([d]);
        let [p, q, dp, dq, inverse] = rest;
        let numbers = numbers.chain([p, q, dp, dq, inverse]);
        let mut all = der::number(&[0]);
        numbers.for_each(|digits| all.extend(der::number(digits)));
        Some(element(SEQUENCE, &[&all]))
    }

    /// The public half of RSA as PKCS#1.
    pub fn to_pkcs1_public(&self) -> Option<Vec<u8>> {
        let Key::Rsa(numbers) = self else {
            return None;
        };
        let [n, e] = &numbers.public;
        Some(element(SEQUENCE, &[&der::number(n), &der::number(e)]))
    }

    /// The name of its kind, as DER has it.
    fn name(&self) -> Option<Vec<u8>> {
        let of =
            |name: &[u8], more: &[u8]| Some(element(SEQUENCE, &[&element(OBJECT, &[name]), more]));
        match self {
            Key::Secret(_) => None,
            Key::Rsa(_) => of(RSA, NULL),
            Key::Elliptic(curve, ..) => of(ELLIPTIC, &element(OBJECT, &[curve.object()])),
            Key::Ed25519(..) => of(ED25519, &[]),
        }
    }
}

fn curve(object: &[u8]) -> Option<Curve> {
    [Curve::P256, Curve::P384]
        .into_iter()
        .find(|curve| curve.object() == object)
}

fn rsa_private(content: &[u8]) -> Option<Key> {
    let mut row = Reader(content).row()?;
    row.number()?;
    let mut numbers = std::iter::from_fn(|| row.number().map(<[u8]>::to_vec));
    let public = [numbers.next()?, numbers.next()?];
    let private: Vec<Vec<u8>> = numbers.take(6).collect();
    Some(Key::Rsa(RsaNumbers {
        public,
        private: Some(private.try_into().ok()?),
    }))
}

fn rsa_public(content: &[u8]) -> Option<Key> {
    let mut row = Reader(content).row()?;
    let public = [row.number()?.to_vec(), row.number()?.to_vec()];
    Some(Key::Rsa(RsaNumbers {
        public,
        private: None,
    }))
}

/// A point of a curve that is whole, with the number behind it.
pub(super) fn point(curve: Curve, point: &[u8], private: Option<Vec<u8>>) -> Option<Key> {
    let is_whole = point.len() == 2 * curve.bytes() + 1 && point[0] == 4;
    is_whole.then(|| Key::Elliptic(curve, point.to_vec(), private))
}

fn elliptic_private(content: &[u8], known: Option<Curve>) -> Option<Key> {
    let mut row = Reader(content).row()?;
    row.number()?;
    let number = row.next(BYTES)?.to_vec();
    let (mut of, mut public) = (known, None);
    while let Some((tag, content)) = row.any() {
        match tag {
            0xa0 => of = Some(curve(Reader(content).next(OBJECT)?)?),
            0xa1 => public = Some(Reader(content).bits()?),
            _ => {}
        }
    }
    let of = of?;
    (number.len() == of.bytes()).then_some(())?;
    point(of, public?, Some(number))
}

/// A pair of Ed25519 from its seed.
pub(super) fn ed25519_private(seed: &[u8]) -> Option<Key> {
    use ring::signature::KeyPair as _;
    let pair = ring::signature::Ed25519KeyPair::from_seed_unchecked(seed).ok()?;
    let public = pair.public_key().as_ref().to_vec();
    Some(Key::Ed25519(public, Some(seed.to_vec())))
}
