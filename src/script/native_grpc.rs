//! What `k6/net/grpc` calls: what calls look like, and the calls themselves.
//!
//! A call goes the way of every other request of a script, over HTTP/2; what it is told apart by is its own.

use super::ask::{Answer, Ask, CallName, Counted, Reply, Request};
use super::host::{Doing, Host};
use super::native_http::{Said, not_while_loaded, read};
use super::natives::{host, refuse};
use crate::net::grpc::{Status, framed, messages};
use crate::net::protobuf::{Call, REFLECTION, Schema, split};
use crate::net::reflection::{Silent, Telling};
use bytes::Bytes;
use rquickjs::convert::List;
use rquickjs::{Array, Ctx, Function, Object, Result, Value};
use std::path::PathBuf;
use std::rc::Rc;
use std::time::{Duration, Instant};

/// Bytes of one message that a script may read.
const MESSAGE_BYTES_MAX: usize = 128 * 1024 * 1024;

pub(super) fn put<'js>(ctx: &Ctx<'js>, native: &Object<'js>) -> Result<()> {
    let grpc = Object::new(ctx.clone())?;
    grpc.set("load", Function::new(ctx.clone(), load)?)?;
    grpc.set("loadSet", Function::new(ctx.clone(), load_set)?)?;
    grpc.set("own", Function::new(ctx.clone(), own_call)?)?;
    grpc.set("find", Function::new(ctx.clone(), find)?)?;
    grpc.set("reach", Function::new(ctx.clone(), reach)?)?;
    grpc.set("reflect", Function::new(ctx.clone(), reflect)?)?;
    grpc.set("takesMany", Function::new(ctx.clone(), takes_many)?)?;
    grpc.set("call", Function::new(ctx.clone(), call)?)?;
    native.set("grpc", grpc)
}

fn only_while_loaded(ctx: &Ctx<'_>, own: &Host) -> Result<()> {
    match own.doing.get() {
        Doing::Start => Ok(()),
        _ => Err(refuse(
            ctx,
            "descriptions can only be loaded while the script is loaded, outside of its functions",
        )),
    }
}

/// Takes `.proto` files from these folders.
fn load(ctx: Ctx<'_>, folders: Vec<String>, files: Vec<String>) -> Result<()> {
    let own = host(&ctx);
    only_while_loaded(&ctx, &own)?;
    let home = own.program.folder();
    let folders: Vec<PathBuf> = match folders.is_empty() {
        true => vec![home.to_owned()],
        false => folders.iter().map(|folder| home.join(folder)).collect(),
    };
    let folders: Vec<_> = folders.iter().map(PathBuf::as_path).collect();
    let files: Vec<&str> = files.iter().map(String::as_str).collect();
    let schema = Schema::of_files(&folders, &files).map_err(|why| refuse(&ctx, why))?;
    own.schemas.borrow_mut().push(schema);
    Ok(())
}

/// Takes a set of descriptions.
fn load_set(ctx: Ctx<'_>, path: String) -> Result<()> {
    let own = host(&ctx);
    only_while_loaded(&ctx, &own)?;
    let path = super::Program::path(own.program.folder(), &path);
    let content = own.program.file(&path).map_err(|why| refuse(&ctx, why))?;
    let schema = Schema::of_descriptions(&content);
    let schema = schema.map_err(|why| refuse(&ctx, format!("`{}`: {why}", path.display())))?;
    own.schemas.borrow_mut().push(schema);
    Ok(())
}

/// The number of a call that every server may have: its health.
fn own_call(ctx: Ctx<'_>, name: String) -> Result<usize> {
    let call = Schema::own().call(&name).map_err(|why| refuse(&ctx, why))?;
    Ok(known(&host(&ctx), call))
}

/// The number of a call by what was loaded; nothing where nobody knows it.
fn find(ctx: Ctx<'_>, name: String) -> Option<usize> {
    let own = host(&ctx);
    let schemas = own.schemas.borrow();
    let call = schemas.iter().find_map(|schema| schema.call(&name).ok());
    call.map(|call| known(&own, call))
}

/// Whether a call takes a stream of messages.
fn takes_many(ctx: Ctx<'_>, number: usize) -> bool {
    let own = host(&ctx);
    let calls = own.calls.borrow();
    calls.get(number).is_some_and(Call::takes_many)
}

fn known(own: &Host, call: Call) -> usize {
    let mut calls = own.calls.borrow_mut();
    let path = call.path();
    match calls.iter().position(|known| known.path() == path) {
        Some(at) => at,
        None => {
            calls.push(call);
            calls.len() - 1
        }
    }
}

/// What goes with a call: where it goes, its headers and tags, and its time in milliseconds.
struct With<'js>(Ctx<'js>, Rc<Host>, String, Value<'js>, Value<'js>, f64);

impl<'js> With<'js> {
    /// Sends a message, and gives what came back.
    fn send(&self, call: &Call, messages: &[Bytes], counted: Counted) -> Result<Box<Reply>> {
        let With(ctx, own, base, headers, tags, timeout) = self;
        let path = call.path();
        let (service, method) = split(&path);
        let none = Value::new_undefined(ctx.clone());
        let url = format!("{base}{path}");
        let said = Said::plain(url, [headers.clone(), tags.clone(), none]);
        let mut request: Request = read(ctx, own, said)?;
        request.method = "POST".into();
        request.body = framed(messages);
        request.body_as = super::ask::BodyAs::Binary;
        request.redirects = Some(0);
        request.throws = false;
        request.expected = super::ask::Expected::Unsaid;
        request.timeout = Duration::try_from_secs_f64(timeout / 1e3).unwrap_or(request.timeout);
        request.call = Some(Box::new(CallName {
            service: service.to_owned(),
            method: method.to_owned(),
            counted,
        }));
        let left = format!("{}m", request.timeout.as_millis().min(99_999_999));
        for (name, value) in [
            ("content-type", "application/grpc"),
            ("te", "trailers"),
            ("grpc-accept-encoding", "identity,gzip"),
            ("grpc-timeout", &left),
        ] {
            request.headers.extend([name.to_owned(), value.to_owned()]);
        }
        match own.ask(Ask::Request(Box::new(request))) {
            Ok(Answer::Reply(reply)) => Ok(reply),
            _ => Err(refuse(ctx, "interrupted")),
        }
    }
}

/// Throws if nobody who speaks HTTP/2 is at an address.
fn reach(ctx: Ctx<'_>, base: String, timeout: f64) -> Result<()> {
    let own = host(&ctx);
    not_while_loaded(&ctx, &own)?;
    let none = || Value::new_undefined(ctx.clone());
    let said = Said::plain(base.clone(), [none(), none(), none()]);
    let mut request: Request = read(&ctx, &own, said)?;
    request.method = "CONNECT".into();
    request.timeout = Duration::try_from_secs_f64(timeout / 1e3).unwrap_or(request.timeout);
    match own.ask(Ask::Reach(Box::new(request))) {
        Ok(Answer::Reply(reply)) if reply.error.is_empty() => Ok(()),
        Ok(Answer::Reply(reply)) => Err(refuse(
            &ctx,
            format!("no connection to {base}: {}", reply.error),
        )),
        _ => Err(refuse(&ctx, "interrupted")),
    }
}

/// How a call ended, and its messages.
fn ended(reply: &Reply) -> (Status, Vec<Bytes>) {
    let late = "context deadline exceeded";
    let status = match Status::of(reply.headers.map(), reply.trailers.as_deref()) {
        Some(status) => status,
        None if reply.status == 0 => Status {
            // As clients of gRPC say it of themselves.
            code: if reply.error_code == 1050 { 4 } else { 14 },
            message: match reply.error_code {
                1050 => late.to_owned(),
                _ => reply.error.clone(),
            },
        },
        None => Status {
            code: if reply.status == 200 { 13 } else { 14 },
            message: format!("the answer has no status of gRPC: HTTP {}", reply.status),
        },
    };
    match messages(reply.headers.map(), reply.body.clone(), MESSAGE_BYTES_MAX) {
        Ok(messages) => (status, messages),
        Err(fault) => (
            Status {
                code: 13,
                message: fault.detail,
            },
            Vec::new(),
        ),
    }
}

/// Asks a server what a call looks like; its number.
fn reflect<'js>(
    ctx: Ctx<'js>,
    base: String,
    name: String,
    headers: Value<'js>,
    timeout: f64,
) -> Result<usize> {
    let own = host(&ctx);
    not_while_loaded(&ctx, &own)?;
    let none = Value::new_undefined(ctx.clone());
    let with = With(ctx.clone(), own.clone(), base, headers, none, timeout);
    let wrong = |why: String| refuse(&ctx, format!("reflection of `{name}`: {why}"));
    let mut refused = String::new();
    let end = Instant::now() + Duration::try_from_secs_f64(timeout / 1e3).unwrap_or_default();
    'ways: for way in REFLECTION {
        let way = Schema::own().call(way).map_err(wrong)?;
        let mut telling = Telling::of(&name);
        while let Some(question) = telling.question() {
            if Instant::now() > end {
                return Err(wrong("it took too long".to_owned()));
            }
            let asked = way.encode(&question).map_err(wrong)?;
            let (status, messages) = ended(&*with.send(&way, &[asked], Counted::Nothing)?);
            if status.code == 12 {
                refused = "the server has none".to_owned();
                continue 'ways;
            }
            if status.code != 0 {
                return Err(wrong(format!("{}: {}", status.name(), status.message)));
            }
            let answer = messages.into_iter().next().unwrap_or_default();
            match telling.take(&way.decode(answer).map_err(wrong)?) {
                Ok(()) => {}
                Err(Silent::Refused(status)) => return Err(wrong(status.message)),
                Err(Silent::Odd(why)) => return Err(wrong(why)),
            }
        }
        return telling.call().map(|call| known(&own, call)).map_err(wrong);
    }
    Err(wrong(refused))
}

/// Makes a call with messages as a list in JSON: its status, what the server says of it, its messages as JSON, and the
/// names and values of what came before and after them.
fn call<'js>(
    ctx: Ctx<'js>,
    number: usize,
    base: String,
    messages: String,
    headers: Value<'js>,
    tags: Value<'js>,
    List((timeout, streams)): List<(f64, bool)>,
) -> Result<Array<'js>> {
    let own = host(&ctx);
    not_while_loaded(&ctx, &own)?;
    let call = own.calls.borrow().get(number).cloned();
    let call = call.ok_or_else(|| refuse(&ctx, "there is no such call"))?;
    let sent: Vec<serde_json::Value> = serde_json::from_str(&messages).unwrap_or_default();
    let sent = sent.iter().map(|message| call.encode(message));
    let sent: std::result::Result<Vec<Bytes>, String> = sent.collect();
    let sent = sent.map_err(|why| refuse(&ctx, why))?;
    let counted = match streams {
        true => Counted::Stream(sent.len()),
        false => Counted::Call,
    };
    let with = With(ctx.clone(), own, base, headers, tags, timeout);
    let reply = with.send(&call, &sent, counted)?;
    let (status, messages) = ended(&reply);
    let shown = messages.into_iter().map(|message| call.decode(message));
    let shown: std::result::Result<Vec<serde_json::Value>, String> = shown.collect();
    let shown = shown.map_err(|why| refuse(&ctx, why))?;
    let lines = |map: &http::HeaderMap| -> Vec<String> {
        let pairs = map.iter().flat_map(|(name, value)| {
            let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
            [name.as_str().to_owned(), value]
        });
        pairs.collect()
    };
    let all = Array::new(ctx.clone())?;
    all.set(0, status.code)?;
    all.set(1, status.message)?;
    all.set(2, serde_json::Value::Array(shown).to_string())?;
    all.set(3, lines(reply.headers.map()))?;
    all.set(4, reply.trailers.as_deref().map(lines).unwrap_or_default())?;
    Ok(all)
}
