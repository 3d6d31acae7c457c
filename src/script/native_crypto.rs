//! What `k6/crypto` and `k6/encoding` call: digests, codes, chance.

use super::letters::Letters;
use super::natives::refuse;
use super::opaque::opaque;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
use encoding_rs::DecoderResult;
use hmac::{Hmac, KeyInit as _, Mac as _};
use rquickjs::{ArrayBuffer, Class, Ctx, Function, Object, Result, Value};
use sha2::Digest as _;
use std::cell::RefCell;

pub(super) fn put<'js>(ctx: &Ctx<'js>, native: &Object<'js>) -> Result<()> {
    native.set("digest", Function::new(ctx.clone(), digest)?)?;
    native.set("hex", Function::new(ctx.clone(), hex)?)?;
    native.set("random", Function::new(ctx.clone(), random)?)?;
    native.set("encode", Function::new(ctx.clone(), encode)?)?;
    native.set("decode", Function::new(ctx.clone(), decode)?)?;
    native.set("encodingOf", Function::new(ctx.clone(), encoding_of)?)?;
    native.set("decoding", Function::new(ctx.clone(), decoding)?)?;
    native.set("decoded", Function::new(ctx.clone(), decoded)?)?;
    native.set("b64encode", Function::new(ctx.clone(), b64encode)?)?;
    native.set("b64decode", Function::new(ctx.clone(), b64decode)?)?;
    Ok(())
}

/// The bytes of a buffer.
pub(super) fn bytes(ctx: &Ctx<'_>, buffer: &ArrayBuffer<'_>) -> Result<Vec<u8>> {
    // SAFETY: they are copied at once, and no script runs meanwhile.
    let bytes = unsafe { buffer.as_bytes() };
    let bytes = bytes.map(<[u8]>::to_vec);
    bytes.ok_or_else(|| refuse(ctx, "the buffer was given away"))
}

fn made<'js>(ctx: &Ctx<'js>, bytes: &[u8]) -> Result<ArrayBuffer<'js>> {
    ArrayBuffer::new_copy(ctx.clone(), bytes)
}

fn digest<'js>(
    ctx: Ctx<'js>,
    name: String,
    data: ArrayBuffer<'js>,
    key: Value<'js>,
) -> Result<ArrayBuffer<'js>> {
    let data = bytes(&ctx, &data)?;
    let key = match ArrayBuffer::from_value(key) {
        Some(key) => Some(bytes(&ctx, &key)?),
        None => None,
    };
    macro_rules! of {
        ($digest:ty) => {
            match &key {
                None => <$digest>::digest(&data).to_vec(),
                Some(key) => {
                    let mac = Hmac::<$digest>::new_from_slice(key);
                    let mut mac = mac.map_err(|_| refuse(&ctx, "the key has no length"))?;
                    mac.update(&data);
                    mac.finalize().into_bytes().to_vec()
                }
            }
        };
    }
    let digest = match name.as_str() {
        "md5" => of!(md5::Md5),
        "sha1" => of!(sha1::Sha1),
        "sha256" => of!(sha2::Sha256),
        "sha384" => of!(sha2::Sha384),
        "sha512" => of!(sha2::Sha512),
        "sha512_224" => of!(sha2::Sha512_224),
        "sha512_256" => of!(sha2::Sha512_256),
        "md4" => of!(md4::Md4),
        "ripemd160" => of!(ripemd::Ripemd160),
        _ => return Err(refuse(&ctx, format!("`{name}` is no digest"))),
    };
    made(&ctx, &digest)
}

fn hex(ctx: Ctx<'_>, data: ArrayBuffer<'_>) -> Result<String> {
    Ok(crate::hexadecimal::digits(bytes(&ctx, &data)?))
}

fn random<'js>(ctx: Ctx<'js>, count: usize) -> Result<ArrayBuffer<'js>> {
    use ring::rand::SecureRandom as _;
    let mut bytes = vec![0; count.min(64 * 1024 * 1024)];
    let filled = ring::rand::SystemRandom::new().fill(&mut bytes);
    filled.map_err(|_| refuse(&ctx, "the machine has no chance to give"))?;
    made(&ctx, &bytes)
}

fn encode<'js>(ctx: Ctx<'js>, text: Letters) -> Result<ArrayBuffer<'js>> {
    made(&ctx, text.as_bytes())
}

fn decode(ctx: Ctx<'_>, data: ArrayBuffer<'_>) -> Result<String> {
    Ok(String::from_utf8_lossy(&bytes(&ctx, &data)?).into_owned())
}

/// What an encoding is called by a label (WHATWG Encoding, section 4.2).
fn encoding_of(label: Letters) -> Option<String> {
    let found = encoding_rs::Encoding::for_label_no_replacement(label.as_bytes());
    found.map(|found| found.name().to_ascii_lowercase())
}

/// A decoder in the middle of a text.
struct Decoding(RefCell<encoding_rs::Decoder>);

opaque!(Decoding, "Decoding");

fn decoding<'js>(ctx: Ctx<'js>, label: String, keeps_mark: bool) -> Result<Class<'js, Decoding>> {
    let encoding = encoding_rs::Encoding::for_label(label.as_bytes());
    let encoding = encoding.unwrap_or(encoding_rs::UTF_8);
    let decoder = match keeps_mark {
        true => encoding.new_decoder_without_bom_handling(),
        false => encoding.new_decoder_with_bom_removal(),
    };
    Class::instance(ctx, Decoding(RefCell::new(decoder)))
}

/// The next part of a text; the `last` one leaves nothing open.
fn decoded<'js>(
    ctx: Ctx<'js>,
    going: Class<'js, Decoding>,
    data: ArrayBuffer<'js>,
    is_fatal: bool,
    is_last: bool,
) -> Result<String> {
    let data = bytes(&ctx, &data)?;
    let going = going.borrow();
    let mut decoder = going.0.borrow_mut();
    let room = decoder
        .max_utf8_buffer_length(data.len())
        .unwrap_or_default();
    let mut text = String::with_capacity(room);
    let wrong = || refuse(&ctx, "the bytes are no text of this encoding");
    match is_fatal {
        true => {
            let done = decoder.decode_to_string_without_replacement(&data, &mut text, is_last);
            if let (DecoderResult::Malformed(..), _) = done {
                return Err(wrong());
            }
        }
        false => {
            // There is room for all of it.
            let _ = decoder.decode_to_string(&data, &mut text, is_last);
        }
    }
    Ok(text)
}

fn b64encode(ctx: Ctx<'_>, data: ArrayBuffer<'_>, code: String) -> Result<String> {
    let bytes = bytes(&ctx, &data)?;
    Ok(match code.as_str() {
        "rawstd" => STANDARD_NO_PAD.encode(bytes),
        "url" => URL_SAFE.encode(bytes),
        "rawurl" => URL_SAFE_NO_PAD.encode(bytes),
        _ => STANDARD.encode(bytes),
    })
}

fn b64decode<'js>(ctx: Ctx<'js>, text: String, code: String) -> Result<ArrayBuffer<'js>> {
    let decoded = match code.as_str() {
        "rawstd" => STANDARD_NO_PAD.decode(text),
        "url" => URL_SAFE.decode(text),
        "rawurl" => URL_SAFE_NO_PAD.decode(text),
        _ => STANDARD.decode(text),
    };
    let decoded = decoded.map_err(|error| refuse(&ctx, format!("this is not base64: {error}")))?;
    made(&ctx, &decoded)
}
