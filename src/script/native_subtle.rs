//! What `crypto.subtle` calls: keys that scripts hold and never see, and what is done with them.

use super::native_crypto::bytes;
use super::natives::refuse;
use super::opaque::opaque;
use crate::signing::key::Curve;
use crate::signing::{Algorithm, Key};
use aes::cipher::{
    BlockModeDecrypt as _, BlockModeEncrypt as _, KeyIvInit as _, StreamCipher as _,
};
use aes::{Aes128, Aes192, Aes256, cipher::block_padding::Pkcs7};
use ring::{aead, hkdf, pbkdf2};
use rquickjs::{ArrayBuffer, Class, Ctx, Function, IntoJs as _, Object, Result, Value};
use std::num::NonZeroU32;

/// Rounds of a derivation, at the most: a minute of a processor.
const ROUNDS_MAX: u32 = 50_000_000;
/// Bytes that are derived at the most.
const DERIVED_MAX: usize = 1 << 20;

/// A key in the hands of a script.
struct Held(Key);

opaque!(Held, "HeldKey");

type Of<'js> = Class<'js, Held>;
type Buffer<'js> = ArrayBuffer<'js>;

pub(super) fn put<'js>(ctx: &Ctx<'js>, native: &Object<'js>) -> Result<()> {
    let subtle = Object::new(ctx.clone())?;
    macro_rules! functions {
        ($($name:literal $function:expr;)*) => {
            $(subtle.set($name, Function::new(ctx.clone(), $function)?)?;)*
        };
    }
    functions! {
        "read" read;
        "written" written;
        "made" made;
        "half" |ctx: Ctx<'js>, key: Of<'js>| held(&ctx, key.borrow().0.public());
        "kind" |key: Of<'js>| kind(&key.borrow().0);
        "isPrivate" |key: Of<'js>| key.borrow().0.is_private();
        "bits" |key: Of<'js>| bits(&key.borrow().0);
        "exponent" exponent;
        "sign" sign;
        "verifies" verifies;
        "aes" ciphered;
        "stretched" stretched;
        "expanded" expanded;
    }
    native.set("subtle", subtle)
}

fn held<'js>(ctx: &Ctx<'js>, key: Key) -> Result<Of<'js>> {
    Class::instance(ctx.clone(), Held(key))
}

fn buffer<'js>(ctx: &Ctx<'js>, bytes: &[u8]) -> Result<Buffer<'js>> {
    ArrayBuffer::new_copy(ctx.clone(), bytes)
}

fn kind(key: &Key) -> &'static str {
    match key {
        Key::Secret(_) => "secret",
        Key::Rsa(_) => "RSA",
        Key::Elliptic(curve, ..) => curve.name(),
        Key::Ed25519(..) => "Ed25519",
    }
}

fn bits(key: &Key) -> usize {
    match key {
        Key::Secret(secret) => secret.len() * 8,
        Key::Rsa(numbers) => {
            let [modulus, _] = &numbers.public;
            let zeros = modulus.first().map_or(0, |first| first.leading_zeros());
            modulus.len() * 8 - zeros as usize
        }
        Key::Elliptic(curve, ..) => curve.bytes() * 8,
        Key::Ed25519(..) => 256,
    }
}

fn exponent<'js>(ctx: Ctx<'js>, key: Of<'js>) -> Result<Buffer<'js>> {
    match &key.borrow().0 {
        Key::Rsa(numbers) => buffer(&ctx, &numbers.public[1]),
        _ => buffer(&ctx, &[]),
    }
}

/// A key from one of its forms; `raw` of a pair is the point of a curve.
fn read<'js>(ctx: Ctx<'js>, form: String, data: Value<'js>, of: String) -> Result<Of<'js>> {
    let none = || refuse(&ctx, format!("it is no key in the form `{form}`"));
    if form == "jwk" {
        let text = data.as_string().and_then(|text| text.to_string().ok());
        let jwk = serde_json::from_str(&text.unwrap_or_default()).unwrap_or_default();
        let key = Key::from_jwk(&jwk).map_err(|why| refuse(&ctx, why))?;
        return held(&ctx, key);
    }
    let data = ArrayBuffer::from_value(data).ok_or_else(none)?;
    let data = bytes(&ctx, &data)?;
    let key = match (form.as_str(), of.as_str()) {
        ("pkcs8", _) => Key::from_pkcs8(&data),
        ("spki", _) => Key::from_spki(&data),
        (_, "") => Some(Key::Secret(data)),
        (_, "Ed25519") => (data.len() == 32).then_some(Key::Ed25519(data, None)),
        (_, name) => Curve::named(name).and_then(|curve| Key::from_point(curve, &data)),
    };
    held(&ctx, key.ok_or_else(none)?)
}

fn written<'js>(ctx: Ctx<'js>, form: String, key: Of<'js>) -> Result<Value<'js>> {
    let key = &key.borrow().0;
    let bytes = match form.as_str() {
        "jwk" => return key.to_jwk().to_string().into_js(&ctx),
        "pkcs8" => key.to_pkcs8(),
        "spki" => key.to_spki(),
        _ => match key {
            Key::Secret(secret) => Some(secret.clone()),
            Key::Elliptic(_, point, _) | Key::Ed25519(point, _) => Some(point.clone()),
            Key::Rsa(_) => None,
        },
    };
    let bytes = bytes.ok_or_else(|| refuse(&ctx, format!("it has no form `{form}`")))?;
    Ok(buffer(&ctx, &bytes)?.into_value())
}

/// A pair by chance.
fn made<'js>(ctx: Ctx<'js>, of: String) -> Result<Of<'js>> {
    let key = Key::by_chance(&of);
    held(
        &ctx,
        key.ok_or_else(|| refuse(&ctx, format!("`{of}` is no known curve")))?,
    )
}

fn sign<'js>(ctx: Ctx<'js>, key: Of<'js>, name: String, data: Buffer<'js>) -> Result<Buffer<'js>> {
    let algorithm = algorithm(&ctx, &name)?;
    let signed = key.borrow().0.sign(algorithm, &bytes(&ctx, &data)?);
    buffer(&ctx, &signed.map_err(|why| refuse(&ctx, why))?)
}

fn verifies<'js>(
    ctx: Ctx<'js>,
    key: Of<'js>,
    name: String,
    signature: Buffer<'js>,
    data: Buffer<'js>,
) -> Result<bool> {
    let algorithm = algorithm(&ctx, &name)?;
    let (data, signature) = (bytes(&ctx, &data)?, bytes(&ctx, &signature)?);
    Ok(key.borrow().0.verifies(algorithm, &data, &signature))
}

fn algorithm(ctx: &Ctx<'_>, name: &str) -> Result<Algorithm> {
    Algorithm::named(name).ok_or_else(|| refuse(ctx, format!("`{name}` is not supported")))
}

fn ciphered<'js>(
    ctx: Ctx<'js>,
    mode: String,
    encrypts: bool,
    key: Of<'js>,
    data: Buffer<'js>,
    about: Object<'js>,
) -> Result<Buffer<'js>> {
    let (start, extra): (Buffer<'js>, Buffer<'js>) = (about.get("start")?, about.get("extra")?);
    let bits: u32 = about.get("bits")?;
    let (start, data) = (bytes(&ctx, &start)?, bytes(&ctx, &data)?);
    let key = key.borrow();
    let Key::Secret(secret) = &key.0 else {
        return Err(refuse(&ctx, "it is no key of AES"));
    };
    let done = match mode.as_str() {
        "gcm" => gcm(encrypts, secret, &start, data, &bytes(&ctx, &extra)?, bits),
        "ctr" if bits == 64 || bits == 128 || bits == 32 => counted(secret, &start, data, bits),
        "cbc" => chained(encrypts, secret, &start, &data),
        _ => Err("a counter has 32, 64 or 128 bits"),
    };
    buffer(&ctx, &done.map_err(|why| refuse(&ctx, why))?)
}

const START: &str = "what it starts with has not the length of a block, which is 16 bytes";
const KEY: &str = "the key has no length of AES";
const BROKEN: &str = "it cannot be decrypted: key or content are not those it was encrypted with";

fn gcm(
    encrypts: bool,
    secret: &[u8],
    start: &[u8],
    mut data: Vec<u8>,
    extra: &[u8],
    bits: u32,
) -> std::result::Result<Vec<u8>, &'static str> {
    if bits != 128 {
        return Err("tags of 128 bits are supported");
    }
    let by = match secret.len() {
        16 => &aead::AES_128_GCM,
        32 => &aead::AES_256_GCM,
        _ => return Err("AES-GCM is supported with keys of 128 and 256 bits"),
    };
    let key = aead::UnboundKey::new(by, secret).map_err(|_| KEY)?;
    let key = aead::LessSafeKey::new(key);
    let nonce = aead::Nonce::try_assume_unique_for_key(start);
    let nonce = nonce.map_err(|_| "an `iv` of 12 bytes is supported")?;
    let extra = aead::Aad::from(extra);
    if encrypts {
        let done = key.seal_in_place_append_tag(nonce, extra, &mut data);
        return done.map(|()| data).map_err(|_| "it is too long");
    }
    let opened = key.open_in_place(nonce, extra, &mut data);
    opened.map(|plain| plain.to_vec()).map_err(|_| BROKEN)
}

fn counted(
    secret: &[u8],
    start: &[u8],
    mut data: Vec<u8>,
    bits: u32,
) -> std::result::Result<Vec<u8>, &'static str> {
    macro_rules! by {
        ($flavor:ident, $cipher:ty) => {{
            let mut stream = ctr::$flavor::<$cipher>::new_from_slices(secret, start);
            let stream = stream.as_mut().map_err(|_| START)?;
            let done = stream.try_apply_keystream(&mut data);
            done.map_err(|_| "the counter comes round")?;
        }};
    }
    match (bits, secret.len()) {
        (32, 16) => by!(Ctr32BE, Aes128),
        (32, 24) => by!(Ctr32BE, Aes192),
        (32, 32) => by!(Ctr32BE, Aes256),
        (64, 16) => by!(Ctr64BE, Aes128),
        (64, 24) => by!(Ctr64BE, Aes192),
        (64, 32) => by!(Ctr64BE, Aes256),
        (_, 16) => by!(Ctr128BE, Aes128),
        (_, 24) => by!(Ctr128BE, Aes192),
        (_, 32) => by!(Ctr128BE, Aes256),
        _ => return Err(KEY),
    }
    Ok(data)
}

fn chained(
    encrypts: bool,
    secret: &[u8],
    start: &[u8],
    data: &[u8],
) -> std::result::Result<Vec<u8>, &'static str> {
    macro_rules! by {
        ($cipher:ty) => {
            match encrypts {
                true => cbc::Encryptor::<$cipher>::new_from_slices(secret, start)
                    .map(|by| by.encrypt_padded_vec::<Pkcs7>(data))
                    .map_err(|_| START),
                false => cbc::Decryptor::<$cipher>::new_from_slices(secret, start)
                    .map_err(|_| START)?
                    .decrypt_padded_vec::<Pkcs7>(data)
                    .map_err(|_| BROKEN),
            }
        };
    }
    match secret.len() {
        16 => by!(Aes128),
        24 => by!(Aes192),
        32 => by!(Aes256),
        _ => Err(KEY),
    }
}

/// Bytes from a password (PBKDF2, RFC 8018).
fn stretched<'js>(
    ctx: Ctx<'js>,
    hash: String,
    key: Of<'js>,
    salt: Buffer<'js>,
    rounds: f64,
    length: usize,
) -> Result<Buffer<'js>> {
    let by = match hash.as_str() {
        "sha1" => pbkdf2::PBKDF2_HMAC_SHA1,
        "sha384" => pbkdf2::PBKDF2_HMAC_SHA384,
        "sha512" => pbkdf2::PBKDF2_HMAC_SHA512,
        _ => pbkdf2::PBKDF2_HMAC_SHA256,
    };
    let wrong = || refuse(&ctx, format!("{rounds} is no number of iterations"));
    let rounds = (rounds as u32 <= ROUNDS_MAX).then_some(rounds as u32);
    let rounds = rounds.and_then(NonZeroU32::new).ok_or_else(wrong)?;
    let (secret, salt) = (secret(&ctx, &key)?, bytes(&ctx, &salt)?);
    let mut derived = vec![0; length.min(DERIVED_MAX)];
    pbkdf2::derive(by, rounds, &salt, &secret, &mut derived);
    buffer(&ctx, &derived)
}

/// Bytes of a length that is known when the program runs.
struct Length(usize);

impl hkdf::KeyType for Length {
    fn len(&self) -> usize {
        self.0
    }
}

/// Bytes from a key that is one already (HKDF, RFC 5869).
fn expanded<'js>(
    ctx: Ctx<'js>,
    hash: String,
    key: Of<'js>,
    salt: Buffer<'js>,
    about: Buffer<'js>,
    length: usize,
) -> Result<Buffer<'js>> {
    let by = match hash.as_str() {
        "sha1" => hkdf::HKDF_SHA1_FOR_LEGACY_USE_ONLY,
        "sha384" => hkdf::HKDF_SHA384,
        "sha512" => hkdf::HKDF_SHA512,
        _ => hkdf::HKDF_SHA256,
    };
    let (secret, salt) = (secret(&ctx, &key)?, bytes(&ctx, &salt)?);
    let about = bytes(&ctx, &about)?;
    let about = [&about[..]];
    let drawn = hkdf::Salt::new(by, &salt).extract(&secret);
    let mut derived = vec![0; length.min(DERIVED_MAX)];
    let done = drawn.expand(&about, Length(derived.len()));
    let done = done.and_then(|done| done.fill(&mut derived));
    done.map_err(|_| refuse(&ctx, "so many bits cannot be derived"))?;
    buffer(&ctx, &derived)
}

fn secret(ctx: &Ctx<'_>, key: &Of<'_>) -> Result<Vec<u8>> {
    match &key.borrow().0 {
        Key::Secret(secret) => Ok(secret.clone()),
        _ => Err(refuse(ctx, "it is no secret")),
    }
}
