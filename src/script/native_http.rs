//! What `k6/http` calls: requests and jars.

use super::ask::{Answer, Ask, BodyAs, Expected, Request};
use super::host::{Doing, Host};
use super::letters::{self, Letters};
use super::native_crypto::bytes;
use super::native_reply::handed;
use super::natives::{flat, host, refuse};
use crate::net::address;
use crate::net::digest::Credentials;
use crate::secret::Secret;
use bytes::Bytes;
use rquickjs::function::{FromParam, ParamRequirement, ParamsAccessor};
use rquickjs::{Array, ArrayBuffer, Coerced, Ctx, Function, Object, Result, Value};
use std::time::Duration;

/// Time for a request where nothing is said.
const TIMEOUT: Duration = Duration::from_secs(60);

pub(super) fn put<'js>(ctx: &Ctx<'js>, native: &Object<'js>) -> Result<()> {
    native.set("request", Function::new(ctx.clone(), request)?)?;
    native.set("start", Function::new(ctx.clone(), start)?)?;
    native.set("batch", Function::new(ctx.clone(), batch)?)?;
    native.set("plain", Function::new(ctx.clone(), plain)?)?;
    native.set("expect", Function::new(ctx.clone(), expect)?)?;
    native.set("jar", Function::new(ctx.clone(), jar)?)?;
    native.set("jarStore", Function::new(ctx.clone(), jar_store)?)?;
    native.set("jarCookies", Function::new(ctx.clone(), jar_cookies)?)?;
    Ok(())
}

pub(super) fn not_while_loaded(ctx: &Ctx<'_>, own: &Host) -> Result<()> {
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
        return Ok(Bytes::from(letters::of(text)?));
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

fn text<'js>(value: &Value<'js>) -> Result<String> {
    match value.as_string() {
        Some(text) => letters::of(text),
        None => value.get::<Coerced<String>>().map(|text| text.0),
    }
}

/// Headers of an object, with the type of what is sent where they do not say it.
fn headers<'js>(headers: &Value<'js>, content_type: Option<String>) -> Result<Vec<String>> {
    let mut all = Vec::new();
    let mut is_typed = false;
    if let Some(object) = headers.as_object() {
        for pair in object.props::<String, Value<'js>>() {
            let (name, value) = pair?;
            is_typed |= name.eq_ignore_ascii_case("content-type");
            let value = text(&value)?;
            // As in k6, the last one of a name is the one.
            let known = all
                .iter()
                .step_by(2)
                .position(|known: &String| known.eq_ignore_ascii_case(&name));
            match known {
                Some(at) => all[2 * at + 1] = value,
                None => all.extend([name, value]),
            }
        }
    }
    if let (Some(content_type), false) = (content_type, is_typed) {
        all.extend(["content-type".to_owned(), content_type]);
    }
    Ok(all)
}

/// A request as `send` of the module hands it on: the type of what is sent, headers and tags as objects, and
/// whatever else is said, if anything is.
pub(super) struct Said<'js> {
    method: String,
    url: String,
    body: Value<'js>,
    content_type: Option<String>,
    headers: Value<'js>,
    tags: Value<'js>,
    beside: Value<'js>,
}

impl<'js> Said<'js> {
    /// A request of which headers, tags and what else is said are known.
    pub(super) fn plain(url: String, [headers, tags, beside]: [Value<'js>; 3]) -> Said<'js> {
        Said {
            method: "GET".to_owned(),
            url,
            body: Value::new_undefined(beside.ctx().clone()),
            content_type: None,
            headers,
            tags,
            beside,
        }
    }

    fn of(mut next: impl FnMut() -> Result<Value<'js>>) -> Result<Said<'js>> {
        Ok(Said {
            method: next()?.get()?,
            url: next()?.get::<Letters>()?.0,
            body: next()?,
            content_type: next()?.get()?,
            headers: next()?,
            tags: next()?,
            beside: next()?,
        })
    }
}

impl<'js> FromParam<'js> for Said<'js> {
    fn param_requirement() -> ParamRequirement {
        (1..7).fold(ParamRequirement::single(), |all, _| {
            all.combine(ParamRequirement::single())
        })
    }

    fn from_param<'a>(params: &mut ParamsAccessor<'a, 'js>) -> Result<Said<'js>> {
        Said::of(|| Ok(params.arg()))
    }
}

pub(super) fn read<'js>(ctx: &Ctx<'js>, own: &Host, said: Said<'js>) -> Result<Request> {
    let options = own.run.as_ref().map(|run| &run.options);
    let discards = options.is_some_and(|options| options.discard_response_bodies);
    let mut request = Request {
        number: 0,
        method: super::ask::method(&said.method),
        url: said.url,
        body: content(ctx, said.body)?,
        headers: headers(&said.headers, said.content_type)?,
        timeout: TIMEOUT,
        redirects: None,
        jar: 0,
        cookies: Vec::new(),
        tags: Vec::new(),
        body_as: if discards { BodyAs::None } else { BodyAs::Text },
        expected: own.expected.borrow().clone(),
        group: own.group.borrow().clone(),
        throws: options.is_some_and(|options| options.throw),
        who: None,
        call: None,
    };
    if !said.tags.is_undefined() && !said.tags.is_null() {
        request.tags = flat(ctx.clone(), said.tags)?;
    }
    let Some(beside) = said.beside.into_object() else {
        return Ok(let_in(request, false));
    };
    let request = read_beside(ctx, request, &beside)?;
    let auth: Option<Coerced<String>> = beside.get("auth")?;
    match auth.as_ref().map(|auth| auth.0.as_str()) {
        None | Some("" | "basic") => Ok(let_in(request, false)),
        Some("digest") => Ok(let_in(request, true)),
        Some(other) => Err(refuse(
            ctx,
            format!("auth `{other}` is not supported: say `basic` or `digest`"),
        )),
    }
}

/// A request without the name and the password in its URL, which are for the server alone.
fn let_in(mut request: Request, is_challenged: bool) -> Request {
    if !request.url.contains('@') {
        return request;
    }
    if is_challenged {
        if let Some((url, pair)) = address::user_apart(&request.url) {
            let [user, word] = pair.map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
            let password = Secret::new(word);
            request.who = Some(Box::new(Credentials { user, password }));
            request.url = url;
        }
    } else if let Some((url, authorization)) = address::without_user(&request.url) {
        request.url = url;
        add_header(&mut request, "authorization", authorization);
    }
    request
}

/// Adds a header that is not there yet.
fn add_header(request: &mut Request, name: &str, value: String) {
    let mut names = request.headers.iter().step_by(2);
    if !names.any(|known| known.eq_ignore_ascii_case(name)) {
        request.headers.extend([name.to_owned(), value]);
    }
}

fn read_beside<'js>(ctx: &Ctx<'js>, mut request: Request, beside: &Object<'js>) -> Result<Request> {
    let timeout: Option<f64> = beside.get("timeout")?;
    if let Some(timeout) = timeout.filter(|timeout| timeout.is_finite() && *timeout > 0.0) {
        request.timeout = Duration::from_secs_f64((timeout / 1e3).min(1e9));
    }
    request.redirects = beside
        .get::<_, Option<f64>>("redirects")?
        .map(|most| most.max(0.0) as u32);
    request.jar = beside.get::<_, Option<usize>>("jar")?.unwrap_or(0);
    request.cookies = list(beside.get("cookies")?)?;
    if let Some(throws) = beside.get::<_, Option<Coerced<bool>>>("throws")? {
        request.throws = throws.0;
    }
    match beside.get::<_, Option<String>>("as")?.as_deref() {
        Some("binary") => request.body_as = BodyAs::Binary,
        Some("none") => request.body_as = BodyAs::None,
        Some("text") => request.body_as = BodyAs::Text,
        Some(other) => return Err(refuse(ctx, format!("`{other}` is no type of a response"))),
        None => {}
    }
    let compression: Option<Coerced<String>> = beside.get("compression")?;
    if let Some(list) = compression
        .map(|list| list.0)
        .filter(|list| !list.is_empty())
        && !request.body.is_empty()
    {
        let encoded = crate::net::body::encode(&request.body, &list);
        request.body = encoded.map_err(|why| refuse(ctx, format!("compression: {why}")))?;
        let names: Vec<&str> = list.split(',').map(str::trim).collect();
        add_header(&mut request, "content-encoding", names.join(", "));
    }
    let wanted: Value<'js> = beside.get("expected")?;
    if !wanted.is_undefined() {
        request.expected = expected(&wanted)?;
    }
    Ok(request)
}

/// Statuses as a script gives them: nothing for none that is judged, or ends of ranges.
fn expected(ends: &Value<'_>) -> Result<Expected> {
    let Some(ends) = ends.as_array() else {
        return Ok(Expected::Unsaid);
    };
    let ends: Vec<u16> = ends.iter().collect::<Result<_>>()?;
    let ranges = ends.chunks_exact(2).map(|pair| (pair[0], pair[1]));
    Ok(Expected::Ranges(ranges.collect()))
}

/// From now on these are expected where a request does not say.
fn expect<'js>(ctx: Ctx<'js>, ends: Value<'js>) -> Result<()> {
    *host(&ctx).expected.borrow_mut() = expected(&ends)?;
    Ok(())
}

/// A request of which nothing but its URL is said.
fn plain<'js>(ctx: Ctx<'js>, method: String, url: Letters) -> Result<Value<'js>> {
    let nothing = Value::new_undefined(ctx.clone());
    let said = Said::plain(url.0, [nothing.clone(), nothing.clone(), nothing]);
    request(ctx, Said { method, ..said })
}

fn request<'js>(ctx: Ctx<'js>, said: Said<'js>) -> Result<Value<'js>> {
    let own = host(&ctx);
    not_while_loaded(&ctx, &own)?;
    let request = read(&ctx, &own, said)?;
    match own.ask(Ask::Request(Box::new(request))) {
        Ok(Answer::Reply(reply)) => handed(&ctx, reply),
        _ => Err(refuse(&ctx, "interrupted")),
    }
}

fn start<'js>(ctx: Ctx<'js>, said: Said<'js>) -> Result<u32> {
    let own = host(&ctx);
    not_while_loaded(&ctx, &own)?;
    let number = own.number();
    let request = Request {
        number,
        ..read(&ctx, &own, said)?
    };
    own.armed.set(true);
    own.started.borrow_mut().push(request);
    own.outstanding.set(own.outstanding.get() + 1);
    Ok(number)
}

fn batch<'js>(ctx: Ctx<'js>, all: Array<'js>) -> Result<Array<'js>> {
    let own = host(&ctx);
    not_while_loaded(&ctx, &own)?;
    let mut requests = Vec::new();
    for one in all.iter::<Array<'js>>() {
        let (one, mut at) = (one?, 0..);
        let said = Said::of(|| one.get(at.next().unwrap_or_default()))?;
        requests.push(read(&ctx, &own, said)?);
    }
    let replies = match own.ask(Ask::Batch(requests)) {
        Ok(Answer::Replies(replies)) => replies,
        _ => return Err(refuse(&ctx, "interrupted")),
    };
    let array = Array::new(ctx.clone())?;
    for (at, reply) in replies.into_iter().enumerate() {
        array.set(at, handed(&ctx, Box::new(reply))?)?;
    }
    Ok(array)
}

fn jar(ctx: Ctx<'_>) -> usize {
    let own = host(&ctx);
    let (number, first) = own.next_jar.get();
    own.next_jar.set((number + 1, first));
    own.jars.borrow_mut().insert(number, Default::default());
    number
}

/// Where a reference leads from an address.
pub(super) fn resolved(ctx: Ctx<'_>, from: String, to: String) -> Result<String> {
    let uri: http::Uri = from
        .parse()
        .map_err(|_| refuse(&ctx, format!("`{from}` is no URL")))?;
    let to = crate::net::redirect::encoded(to.as_bytes());
    let resolved = crate::net::redirect::resolve(&uri, &to);
    resolved
        .map(|uri| uri.to_string())
        .map_err(|why| refuse(&ctx, why))
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

fn jar_store(ctx: Ctx<'_>, number: usize, url: Letters, line: Letters) -> Result<bool> {
    let (name, path, _) = parts(&ctx, &url)?;
    let own = host(&ctx);
    let mut jars = own.jars.borrow_mut();
    let jar = jars.get_mut(&number);
    let jar = jar.ok_or_else(|| refuse(&ctx, "there is no such jar"))?;
    jar.store(&line, &name, &path, crate::clock::now_ms());
    Ok(true)
}

/// Cookies of a URL, each as `name=value`.
fn jar_cookies(ctx: Ctx<'_>, number: usize, url: String) -> Result<Vec<String>> {
    let (name, path, tls) = parts(&ctx, &url)?;
    let own = host(&ctx);
    let jars = own.jars.borrow();
    let jar = jars.get(&number);
    let jar = jar.ok_or_else(|| refuse(&ctx, "there is no such jar"))?;
    let header = jar.header(&name, &path, tls, crate::clock::now_ms());
    let header = header.unwrap_or_default();
    Ok(header
        .split("; ")
        .filter(|pair| !pair.is_empty())
        .map(str::to_owned)
        .collect())
}
