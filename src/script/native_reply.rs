//! A reply as scripts see it: an object whose fields are made when somebody looks at them.
//!
//! Most scripts look at one or two of some twenty. What costs something to make is kept once it is made, as a
//! property of the object's own, and can be written over like one.

use super::ask::{BodyAs, Reply, Timings};
use super::json_pick::{is_json, pick};
use super::natives::{host, refuse};
use http::HeaderMap;
use rquickjs::class::{JsClass, Readable, Trace, Tracer};
use rquickjs::function::{Constructor, This};
use rquickjs::object::{Accessor, Property};
use rquickjs::{
    ArrayBuffer, Class, Ctx, Exception, Function, IntoJs as _, JsLifetime, Object, Result, Value,
};
use std::cell::Cell;
use std::rc::Rc;

/// A reply in the hands of a script.
pub(super) struct Response {
    reply: Box<Reply>,
    /// Whether the body is known to be JSON.
    is_json: Cell<bool>,
    /// Held for as long as the reply is.
    _weight: Weight,
}

/// Bytes that a script holds beside the interpreter's memory.
struct Weight(Rc<Cell<usize>>, usize);

impl Drop for Weight {
    fn drop(&mut self) {
        self.0.set(self.0.get().saturating_sub(self.1));
    }
}

/// Bytes of bodies that one script may hold.
const BODIES_MAX: usize = 512 * 1024 * 1024;
/// Bytes of bodies from which on those that hold each other are looked for at each reply.
const BODIES_MANY: usize = 128 * 1024 * 1024;

// SAFETY: it holds nothing of the interpreter.
unsafe impl JsLifetime<'_> for Response {
    type Changed<'to> = Response;
}

impl<'js> Trace<'js> for Response {
    fn trace<'a>(&self, _: Tracer<'a, 'js>) {}
}

type Own<'js> = This<Class<'js, Response>>;

impl<'js> JsClass<'js> for Response {
    const NAME: &'static str = "Response";
    type Mutable = Readable;

    fn prototype(ctx: &Ctx<'js>) -> Result<Option<Object<'js>>> {
        let prototype = Object::new(ctx.clone())?;
        macro_rules! fields {
            ($($name:literal $get:expr;)*) => {$(
                let field = Accessor::from($get);
                let field = field.set(|this: This<Object<'js>>, value: Value<'js>| own(&this, $name, value));
                prototype.prop($name, field.configurable().enumerable())?;
            )*};
        }
        fields! {
            "status" |own: Own<'js>| own.borrow().reply.status;
            "error" |own: Own<'js>| own.borrow().reply.error.clone();
            "error_code" |own: Own<'js>| own.borrow().reply.error_code;
            "proto" |own: Own<'js>| own.borrow().reply.proto;
            "tls_version" |own: Own<'js>| own.borrow().reply.tls_version;
            "status_text" |own: Own<'js>| status_text(own.borrow().reply.status);
            "remote_ip" |own: Own<'js>| {
                own.borrow().reply.remote.map_or(String::new(), |remote| remote.ip().to_string())
            };
            "remote_port" |own: Own<'js>| own.borrow().reply.remote.map_or(0, |remote| remote.port());
            "url" |ctx: Ctx<'js>, this: Own<'js>| {
                let url = (&*this.borrow().reply.url).into_js(&ctx)?;
                own(&this, "url", url)
            };
            "body" |ctx: Ctx<'js>, this: Own<'js>| {
                let body = body(&ctx, &this.borrow().reply)?;
                own(&this, "body", body)
            };
            "headers" |ctx: Ctx<'js>, this: Own<'js>| {
                let headers = joined(&ctx, this.borrow().reply.headers.map())?;
                own(&this, "headers", headers)
            };
            "timings" |ctx: Ctx<'js>, this: Own<'js>| {
                let timings = timings(&ctx, this.borrow().reply.phases.into())?;
                own(&this, "timings", timings)
            };
        }
        Ok(Some(prototype))
    }

    fn constructor(_: &Ctx<'js>) -> Result<Option<Constructor<'js>>> {
        Ok(None)
    }
}

/// Keeps a field that was made.
fn own<'js>(reply: &Object<'js>, name: &str, value: Value<'js>) -> Result<Value<'js>> {
    let kept = Property::from(value.clone()).writable().enumerable();
    reply.prop(name, kept.configurable())?;
    Ok(value)
}

pub(super) fn put<'js>(ctx: &Ctx<'js>, native: &Object<'js>) -> Result<()> {
    native.set("replies", Class::<Response>::prototype(ctx)?)?;
    native.set("json", Function::new(ctx.clone(), json)?)?;
    native.set("pick", Function::new(ctx.clone(), picked)?)?;
    native.set("setCookies", Function::new(ctx.clone(), set_cookies)?)?;
    native.set("sent", Function::new(ctx.clone(), sent)?)?;
    Ok(())
}

/// A reply for a script; what went wrong where that is to be thrown.
pub(super) fn handed<'js>(ctx: &Ctx<'js>, reply: Box<Reply>) -> Result<Value<'js>> {
    match thrown(&reply) {
        Some(error) => Err(refuse(ctx, error)),
        None => unchecked(ctx, reply),
    }
}

/// A reply for a script, whatever it wants thrown.
pub(super) fn unchecked<'js>(ctx: &Ctx<'js>, reply: Box<Reply>) -> Result<Value<'js>> {
    let (bytes, length) = (host(ctx).body_bytes.clone(), reply.body.len());
    if bytes.get() + length > BODIES_MANY {
        // The interpreter does not see them, and would not look.
        ctx.run_gc();
    }
    if bytes.get() + length > BODIES_MAX {
        return Err(refuse(
            ctx,
            "out of memory: the script holds too many bodies",
        ));
    }
    bytes.set(bytes.get() + length);
    let _weight = Weight(bytes, length);
    let is_json = Cell::new(false);
    let response = Response {
        reply,
        is_json,
        _weight,
    };
    Class::instance(ctx.clone(), response).map(Class::into_value)
}

/// What went wrong where a script wants it thrown.
pub(super) fn thrown(reply: &Reply) -> Option<&str> {
    (reply.throws && !reply.error.is_empty()).then_some(reply.error.as_str())
}

fn status_text(status: u16) -> String {
    let known = http::StatusCode::from_u16(status).ok();
    match known.and_then(|status| status.canonical_reason()) {
        Some(reason) => format!("{status} {reason}"),
        None if status == 0 => String::new(),
        None => status.to_string(),
    }
}

fn body<'js>(ctx: &Ctx<'js>, reply: &Reply) -> Result<Value<'js>> {
    match reply.body_as {
        _ if reply.status == 0 => Ok(Value::new_null(ctx.clone())),
        BodyAs::None => Ok(Value::new_null(ctx.clone())),
        BodyAs::Binary => {
            ArrayBuffer::new_copy(ctx.clone(), &reply.body).map(ArrayBuffer::into_value)
        }
        BodyAs::Text => String::from_utf8_lossy(&reply.body).into_js(ctx),
    }
}

fn timings<'js>(ctx: &Ctx<'js>, timings: Timings) -> Result<Value<'js>> {
    let object = Object::new(ctx.clone())?;
    for (name, milliseconds) in [
        ("duration", timings.duration()),
        ("blocked", timings.blocked),
        ("looking_up", 0.0),
        ("connecting", timings.connecting),
        ("tls_handshaking", timings.tls_handshaking),
        ("sending", timings.sending),
        ("waiting", timings.waiting),
        ("receiving", timings.receiving),
    ] {
        object.set(name, milliseconds)?;
    }
    Ok(object.into_value())
}

/// A name of a header as k6 writes it.
fn canonical(name: &str) -> String {
    let mut is_first = true;
    let of = |letter: char| {
        let written = if is_first {
            letter.to_ascii_uppercase()
        } else {
            letter
        };
        is_first = letter == '-';
        written
    };
    name.chars().map(of).collect()
}

/// Headers by their names, those of one name behind each other.
fn joined<'js>(ctx: &Ctx<'js>, headers: &HeaderMap) -> Result<Value<'js>> {
    let object = Object::new(ctx.clone())?;
    for name in headers.keys() {
        let all = headers.get_all(name).iter();
        let all: Vec<_> = all
            .map(|value| String::from_utf8_lossy(value.as_bytes()))
            .collect();
        object.set(canonical(name.as_str()), all.join(", "))?;
    }
    Ok(object.into_value())
}

/// Its body as JSON: each caller gets a value of its own.
fn json<'js>(ctx: Ctx<'js>, reply: Class<'js, Response>) -> Result<Value<'js>> {
    let parsed = {
        let reply = &reply.borrow().reply;
        if reply.status == 0 || reply.body_as == BodyAs::None {
            let why = match reply.status {
                0 => "there was no reply",
                _ => "it was not kept",
            };
            let said = format!("the body is null, since {why}: it is not JSON");
            return Err(Exception::throw_syntax(&ctx, &said));
        }
        let text = String::from_utf8_lossy(&reply.body);
        ctx.json_parse(text.as_bytes())
    };
    parsed.map_err(|error| {
        let caught = ctx.catch();
        let said = caught.as_exception().and_then(rquickjs::Exception::message);
        let said = said.unwrap_or_else(|| error.to_string());
        Exception::throw_syntax(&ctx, &format!("the body is not JSON: {said}"))
    })
}

/// What stands at a path of plain keys and indexes in its body; the reply itself where that takes more to tell.
fn picked<'js>(ctx: Ctx<'js>, reply: Class<'js, Response>, path: String) -> Result<Value<'js>> {
    let text = {
        let response = reply.borrow();
        let is_there = response.reply.status != 0 && response.reply.body_as != BodyAs::None;
        match std::str::from_utf8(&response.reply.body) {
            Ok(text) if is_there && (response.is_json.get() || is_json(text)) => {
                response.is_json.set(true);
                match pick(text, &path) {
                    None => return Ok(Value::new_undefined(ctx)),
                    Some(text) => match plain_text(text) {
                        Some(text) => return text.into_js(&ctx),
                        None => text.to_owned(),
                    },
                }
            }
            _ => {
                drop(response);
                return Ok(reply.into_value());
            }
        }
    };
    ctx.json_parse(text)
}

/// The content of a string of JSON in which nothing is escaped.
fn plain_text(text: &str) -> Option<&str> {
    let inner = text.strip_prefix('"')?.strip_suffix('"')?;
    (!inner.contains('\\')).then_some(inner)
}

/// Cookies that it sets, each as it was written.
fn set_cookies(reply: Class<'_, Response>) -> Vec<String> {
    let reply = &reply.borrow().reply;
    let all = reply.headers.map().get_all(http::header::SET_COOKIE);
    let text = |value: &http::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    all.iter().map(text).collect()
}

/// What was sent for it: the method, the URL, headers with names and values in turn, the body.
fn sent<'js>(ctx: Ctx<'js>, reply: Class<'js, Response>) -> Result<Vec<Value<'js>>> {
    let reply = &reply.borrow().reply;
    let mut headers = Vec::new();
    for (name, value) in reply.sent.iter().flat_map(|sent| sent.map()) {
        headers.push(canonical(name.as_str()));
        headers.push(String::from_utf8_lossy(value.as_bytes()).into_owned());
    }
    Ok(vec![
        reply.method.as_ref().into_js(&ctx)?,
        (&*reply.url).into_js(&ctx)?,
        headers.into_js(&ctx)?,
        String::from_utf8_lossy(&reply.sent_body).into_js(&ctx)?,
    ])
}
