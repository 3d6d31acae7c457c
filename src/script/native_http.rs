//! What `k6/http` calls: requests, replies and jars.

use super::ask::{Answer, Ask, BodyAs, Expected, Reply, Request};
use super::host::{Doing, Host};
use super::native_crypto::bytes;
use super::natives::{host, refuse};
use bytes::Bytes;
use rquickjs::{Array, ArrayBuffer, Ctx, Function, IntoJs as _, Object, Result, Value};
use std::time::Duration;

/// Time for a request where nothing is said.
const TIMEOUT: Duration = Duration::from_secs(60);

pub(super) fn put<'js>(ctx: &Ctx<'js>, native: &Object<'js>) -> Result<()> {
    native.set("request", Function::new(ctx.clone(), request)?)?;
    native.set("start", Function::new(ctx.clone(), start)?)?;
    native.set("batch", Function::new(ctx.clone(), batch)?)?;
    native.set("throws", Function::new(ctx.clone(), throws)?)?;
    native.set("statusText", Function::new(ctx.clone(), status_text)?)?;
    native.set("jar", Function::new(ctx.clone(), jar)?)?;
    native.set("jarStore", Function::new(ctx.clone(), jar_store)?)?;
    native.set("jarCookies", Function::new(ctx.clone(), jar_cookies)?)?;
    Ok(())
}

fn not_while_loaded(ctx: &Ctx<'_>, own: &Host) -> Result<()> {
    if own.doing.get() == Doing::Start {
        return Err(refuse(
            ctx,
            "requests cannot be made while the script is loaded, only in its functions",
        ));
    }
    Ok(())
}

fn content<'js>(ctx: &Ctx<'js>, body: Value<'js>) -> Result<Bytes> {
    if let Some(text) = body.as_string() {
        return Ok(Bytes::from(text.to_string()?));
    }
    match ArrayBuffer::from_value(body) {
        Some(buffer) => Ok(Bytes::from(bytes(ctx, &buffer)?)),
        None => Ok(Bytes::new()),
    }
}

fn list<'js>(value: Value<'js>) -> Result<Vec<String>> {
    if value.is_array() {
        value.get()
    } else {
        Ok(Vec::new())
    }
}

/// A request as `asked` of the module gives it.
fn read<'js>(
    ctx: &Ctx<'js>,
    own: &Host,
    (method, url): (String, String),
    body: Value<'js>,
    headers: Value<'js>,
    beside: Value<'js>,
) -> Result<Request> {
    let body = content(ctx, body)?;
    let headers = list(headers)?;
    let discards = own
        .run
        .as_ref()
        .is_some_and(|run| run.options.discard_response_bodies);
    let mut request = Request {
        number: 0,
        method,
        url,
        body,
        headers,
        timeout: TIMEOUT,
        redirects: None,
        jar: 0,
        cookies: Vec::new(),
        tags: Vec::new(),
        body_as: if discards { BodyAs::None } else { BodyAs::Text },
        expected: Expected::Usual,
        group: own.group.borrow().clone(),
    };
    let Some(beside) = beside.as_object() else {
        return Ok(request);
    };
    let timeout: Option<f64> = beside.get("timeout")?;
    if let Some(timeout) = timeout.filter(|timeout| timeout.is_finite() && *timeout > 0.0) {
        request.timeout = Duration::from_secs_f64((timeout / 1e3).min(1e9));
    }
    request.redirects = beside
        .get::<_, Option<f64>>("redirects")?
        .map(|most| most.max(0.0) as u32);
    request.jar = beside.get::<_, Option<usize>>("jar")?.unwrap_or(0);
    request.cookies = list(beside.get("cookies")?)?;
    request.tags = list(beside.get("tags")?)?;
    match beside.get::<_, Option<String>>("as")?.as_deref() {
        Some("binary") => request.body_as = BodyAs::Binary,
        Some("none") => request.body_as = BodyAs::None,
        Some("text") => request.body_as = BodyAs::Text,
        Some(other) => return Err(refuse(ctx, format!("`{other}` is no type of a response"))),
        None => {}
    }
    let expected: Value<'js> = beside.get("expected")?;
    if expected.is_null() {
        request.expected = Expected::Unsaid;
    } else if let Some(ends) = expected.as_array() {
        let ends: Vec<u16> = ends.iter().collect::<Result<_>>()?;
        let ranges = ends.chunks_exact(2).map(|pair| (pair[0], pair[1]));
        request.expected = Expected::Ranges(ranges.collect());
    }
    Ok(request)
}

fn request<'js>(
    ctx: Ctx<'js>,
    method: String,
    url: String,
    body: Value<'js>,
    headers: Value<'js>,
    beside: Value<'js>,
) -> Result<Value<'js>> {
    let own = host(&ctx);
    not_while_loaded(&ctx, &own)?;
    let request = read(&ctx, &own, (method, url), body, headers, beside)?;
    match own.ask(Ask::Request(Box::new(request))) {
        Ok(Answer::Reply(reply)) => raw(&ctx, &reply),
        _ => Err(refuse(&ctx, "interrupted")),
    }
}

fn start<'js>(
    ctx: Ctx<'js>,
    method: String,
    url: String,
    body: Value<'js>,
    headers: Value<'js>,
    beside: Value<'js>,
) -> Result<u32> {
    let own = host(&ctx);
    not_while_loaded(&ctx, &own)?;
    let number = own.number();
    let request = Request {
        number,
        ..read(&ctx, &own, (method, url), body, headers, beside)?
    };
    own.started.borrow_mut().push(request);
    own.outstanding.set(own.outstanding.get() + 1);
    Ok(number)
}

fn batch<'js>(ctx: Ctx<'js>, all: Array<'js>) -> Result<Array<'js>> {
    let own = host(&ctx);
    not_while_loaded(&ctx, &own)?;
    let mut requests = Vec::new();
    for one in all.iter::<Array<'js>>() {
        let one = one?;
        let names = (one.get(0)?, one.get(1)?);
        requests.push(read(
            &ctx,
            &own,
            names,
            one.get(2)?,
            one.get(3)?,
            one.get(4)?,
        )?);
    }
    let replies = match own.ask(Ask::Batch(requests)) {
        Ok(Answer::Replies(replies)) => replies,
        _ => return Err(refuse(&ctx, "interrupted")),
    };
    let array = Array::new(ctx.clone())?;
    for (at, reply) in replies.iter().enumerate() {
        array.set(at, raw(&ctx, reply)?)?;
    }
    Ok(array)
}

/// A reply as the module takes it: an array, whose places the module knows.
pub(super) fn raw<'js>(ctx: &Ctx<'js>, reply: &Reply) -> Result<Value<'js>> {
    let body = match reply.body_as {
        _ if reply.status == 0 => Value::new_null(ctx.clone()),
        BodyAs::None => Value::new_null(ctx.clone()),
        BodyAs::Binary => ArrayBuffer::new_copy(ctx.clone(), &reply.body)?.into_value(),
        BodyAs::Text => String::from_utf8_lossy(&reply.body).into_js(ctx)?,
    };
    let sent = String::from_utf8_lossy(&reply.sent_body).into_js(ctx)?;
    let (ip, port) = match reply.remote {
        Some(remote) => (remote.ip().to_string(), remote.port()),
        None => (String::new(), 0),
    };
    let array = Array::new(ctx.clone())?;
    array.set(0, reply.status)?;
    array.set(1, reply.proto)?;
    array.set(2, reply.url.as_str())?;
    array.set(3, body)?;
    array.set(4, reply.head.as_str())?;
    array.set(5, ip)?;
    array.set(6, port)?;
    for (at, time) in reply.timings.iter().enumerate() {
        array.set(7 + at, *time)?;
    }
    array.set(13, reply.tls_version)?;
    array.set(14, "")?;
    array.set(15, reply.error.as_str())?;
    array.set(16, reply.error_code)?;
    array.set(17, reply.method.as_str())?;
    array.set(18, reply.sent_head.as_str())?;
    array.set(19, sent)?;
    Ok(array.into_value())
}

fn throws(ctx: Ctx<'_>) -> bool {
    let own = host(&ctx);
    own.run.as_ref().is_some_and(|run| run.options.throw)
}

fn status_text(status: u16) -> String {
    let known = http::StatusCode::from_u16(status).ok();
    match known.and_then(|status| status.canonical_reason()) {
        Some(reason) => format!("{status} {reason}"),
        None if status == 0 => String::new(),
        None => status.to_string(),
    }
}

fn jar(ctx: Ctx<'_>) -> usize {
    let own = host(&ctx);
    let mut jars = own.jars.borrow_mut();
    jars.push(crate::vu::cookies::Jar::default());
    jars.len() - 1
}

fn parts(ctx: &Ctx<'_>, url: &str) -> Result<(String, String, bool)> {
    let uri: http::Uri = url
        .parse()
        .map_err(|_| refuse(ctx, format!("`{url}` is no URL")))?;
    let host = uri
        .host()
        .ok_or_else(|| refuse(ctx, format!("`{url}` has no host")))?;
    let path = if uri.path().is_empty() {
        "/"
    } else {
        uri.path()
    };
    Ok((
        host.to_owned(),
        path.to_owned(),
        uri.scheme_str() == Some("https"),
    ))
}

fn jar_store(ctx: Ctx<'_>, number: usize, url: String, line: String) -> Result<bool> {
    let (name, path, _) = parts(&ctx, &url)?;
    let own = host(&ctx);
    let mut jars = own.jars.borrow_mut();
    let jar = jars.get_mut(number);
    let jar = jar.ok_or_else(|| refuse(&ctx, "there is no such jar"))?;
    jar.store(&line, &name, &path, crate::clock::now_ms());
    Ok(true)
}

/// Cookies of a URL, each as `name=value`.
fn jar_cookies(ctx: Ctx<'_>, number: usize, url: String) -> Result<Vec<String>> {
    let (name, path, tls) = parts(&ctx, &url)?;
    let own = host(&ctx);
    let jars = own.jars.borrow();
    let jar = jars.get(number);
    let jar = jar.ok_or_else(|| refuse(&ctx, "there is no such jar"))?;
    let header = jar.header(&name, &path, tls, crate::clock::now_ms());
    let header = header.unwrap_or_default();
    Ok(header
        .split("; ")
        .filter(|pair| !pair.is_empty())
        .map(str::to_owned)
        .collect())
}
