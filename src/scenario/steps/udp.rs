//! A datagram and its answer, as the language has them.

use super::logs::regex;
use crate::document::node::Node;
use crate::document::shape::{Field, Object, Shape, field, required};
use crate::scenario::compiler::Compiler;
use crate::scenario::template::Template;
use regex::bytes::Regex;

pub(super) const FIELD: Field = field(
    "udp",
    Shape::Object(&FORM),
    "send a datagram and wait for the one that answers it",
);

static FORM: Object = Object {
    name: "udp",
    called: "a UDP step",
    fields: &[
        required("host", Shape::Template, "`host:port`"),
        field("send", Shape::Template, "the datagram as text"),
        field(
            "send_hex",
            Shape::Template,
            "the datagram in hexadecimal: `\"ffffffff 54\"`",
        ),
        field(
            "expect",
            Shape::Text,
            "a regular expression that the answer fits; others are passed over",
        ),
    ],
};

/// A datagram to be sent.
#[derive(Debug)]
pub struct Datagram {
    /// `host:port`.
    pub host: Template,
    /// What is sent.
    pub send: Template,
    /// Whether that is hexadecimal.
    pub is_hex: bool,
    /// What the answer fits.
    pub expect: Option<Regex>,
}

pub(super) fn read(compiler: &mut Compiler<'_>, node: &Node) -> Option<Datagram> {
    let (text, hex) = (node.get("send"), node.get("send_hex"));
    let written = match (text, hex) {
        (Some(written), None) | (None, Some(written)) => written,
        _ => {
            let title = "a UDP step says what it sends, by `send` or `send_hex`";
            compiler.error("missing-field", title, node.span, "exactly one of them");
            return None;
        }
    };
    let send = compiler.template(written)?;
    let is_wrong = |fixed: &str| bytes_of(fixed).is_none();
    if hex.is_some() && send.fixed().is_some_and(is_wrong) {
        let title = format!("`{}` is no hexadecimal", written.text);
        compiler.error("bad-value", title, written.span, "two digits a byte");
        return None;
    }
    let expect = match node.get("expect") {
        Some(pattern) => {
            regex(compiler, pattern, regex::Regex::new)?;
            Regex::new(&pattern.text).ok()
        }
        None => None,
    };
    Some(Datagram {
        host: compiler.template(node.get("host")?)?,
        send,
        is_hex: hex.is_some(),
        expect,
    })
}

/// The bytes that hexadecimal digits say, whatever spaces stand between them.
pub fn bytes_of(text: &str) -> Option<Vec<u8>> {
    let digits = text.chars().filter(|letter| !letter.is_whitespace());
    let digits: Option<Vec<u32>> = digits.map(|digit| digit.to_digit(16)).collect();
    let digits = digits.filter(|digits| digits.len() % 2 == 0)?;
    let bytes = digits
        .chunks(2)
        .map(|pair| u8::try_from(pair[0] * 16 + pair[1]));
    bytes.collect::<Result<_, _>>().ok()
}
