//! What our own modules call: time, checks, metrics, facts, files and text.
//!
//! Each function takes what a module has made plain, and throws what a script can catch. Invariant: nothing
//! here panics, whatever a script hands over.

use super::ask::Ask;
use super::files::Files;
use super::host::{Doing, Host, Said};
use super::letters::Letters;
use super::{
    modules, native_browser, native_crypto, native_file, native_grpc, native_html, native_http,
    native_reply, native_socket, native_subtle,
};
use crate::k6::metric::{BuiltIn, Contains, Kind, Metric, is_name};
use crate::k6::summary_text;
use crate::k6::unit::{self, TimeUnit};
use rquickjs::function::{Opt, This};
use rquickjs::{
    ArrayBuffer, Ctx, Exception, Function, IntoJs as _, JsLifetime, Module, Object, Result, Value,
};
use std::rc::Rc;
use std::time::Duration;

/// The host, as the interpreter keeps it.
struct Kept(Rc<Host>);

// SAFETY: it holds nothing of the interpreter.
unsafe impl JsLifetime<'_> for Kept {
    type Changed<'to> = Kept;
}

/// The host of an interpreter.
pub(super) fn host(ctx: &Ctx<'_>) -> Rc<Host> {
    let kept = ctx.userdata::<Kept>();
    kept.expect("the host is put before anything is called")
        .0
        .clone()
}

/// Throws what a script can catch.
pub(super) fn refuse(ctx: &Ctx<'_>, reason: impl AsRef<str>) -> rquickjs::Error {
    Exception::throw_message(ctx, reason.as_ref())
}

/// Puts functions on an object by their names.
macro_rules! functions {
    ($ctx:expr, $on:expr; $($name:literal $function:expr;)*) => {
        $($on.set($name, Function::new($ctx.clone(), $function)?)?;)*
    };
}

/// Puts all functions where our own modules find them.
pub(super) fn put(ctx: &Ctx<'_>, own: &Rc<Host>) -> Result<()> {
    // Only fails while somebody looks at it, and nobody does yet.
    let _ = ctx.store_userdata(Kept(own.clone()));
    let native = Object::new(ctx.clone())?;
    functions! { ctx, native;
        "sleep" sleep;
        "now" now;
        "arm" arm;
        "log" log;
        "variable" variable;
        "variables" variables;
        "secret" secret;
        "open" open;
        "flat" flat;
        "check" check;
        "enter" enter;
        "leave" leave;
        "metric" metric;
        "add" add;
        "fact" fact;
        "duration" duration;
        "load" load;
        "use" put_more;
        "require" require;
    }
    native_http::put(ctx, &native)?;
    native_reply::put(ctx, &native)?;
    ctx.globals().set("__native", native)
}

/// Puts what one of our own modules needs beside: each virtual user pays for what its script imports alone.
fn put_more<'js>(ctx: Ctx<'js>, native: This<Object<'js>>, what: String) -> Result<()> {
    let native = &native.0;
    // Several modules need the same.
    if native.contains_key(what.as_str())? {
        return Ok(());
    }
    native.set(what.as_str(), true)?;
    match what.as_str() {
        "browser" => native_browser::put(&ctx, native)?,
        "crypto" => native_crypto::put(&ctx, native)?,
        "file" => native_file::put(&ctx, native)?,
        "grpc" => native_grpc::put(&ctx, native)?,
        "html" => native_html::put(&ctx, native)?,
        "socket" => native_socket::put(&ctx, native)?,
        "subtle" => native_subtle::put(&ctx, native)?,
        "facts" => {
            functions! { ctx, native;
                "tag" tag;
                "tags" tags;
                "setTag" set_tag;
                "dropTag" drop_tag;
                "abort" abort;
                "failTest" fail_test;
            }
        }
        "data" => {
            functions! { ctx, native;
                "listLength" list_length;
                "share" share;
                "row" row;
            }
        }
        "summary" => {
            functions! { ctx, native;
                "textSummary" text_summary;
                "humanize" humanize;
            }
        }
        _ => return Err(refuse(&ctx, format!("there is no `{what}`"))),
    }
    Ok(())
}

/// Loads one of our own modules that few scripts need, when it is needed.
fn load(ctx: Ctx<'_>, name: String) -> Result<()> {
    let module = Files(host(&ctx)).declared(&ctx, &name)?;
    module.eval().map(|_| ())
}

/// What a module gives that is wanted by its name, in the middle of another one.
fn require<'js>(ctx: Ctx<'js>, name: String) -> Result<Object<'js>> {
    let own = host(&ctx);
    // The file that called our module, which called us: only files have whole paths.
    let callers = (0..CALLERS_MAX).filter_map(|level| ctx.script_or_module_name(level));
    let mut callers = callers.filter_map(|caller| caller.to_string().ok());
    let base = callers.find(|caller| caller.starts_with('/'));
    let base = base.unwrap_or_else(|| own.program.entry.display().to_string());
    if own.doing.get() != Doing::Start {
        let reason = "require() can only be called while the script is loaded";
        return Err(refuse(&ctx, reason));
    }
    let full = modules::resolve(&own.program, &base, &name);
    let full = full.map_err(|reason| {
        let place = own.program.place_of(&base, &name);
        refuse(&ctx, format!("{place}{reason}"))
    })?;
    Module::import(&ctx, full)?.finish()
}

/// Functions between a file and us, when it requires another one.
const CALLERS_MAX: isize = 6;

fn sleep(ctx: Ctx<'_>, seconds: f64) -> Result<()> {
    let own = host(&ctx);
    if own.doing.get() == Doing::Start {
        return Err(refuse(
            &ctx,
            "sleep() cannot be called while the script is loaded",
        ));
    }
    let time = Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX / 4);
    match own.ask(Ask::Sleep(time.min(Duration::from_secs(366 * 86_400)))) {
        Ok(_) => Ok(()),
        Err(_) => Err(refuse(&ctx, "interrupted")),
    }
}

/// There is a timer from now on.
fn arm(ctx: Ctx<'_>) {
    let own = host(&ctx);
    own.armed.set(true);
    own.timers.set(own.timers.get() + 1);
}

/// Milliseconds of a clock that never goes back.
fn now() -> f64 {
    static BEGAN: std::sync::OnceLock<std::time::Instant> = std::sync::OnceLock::new();
    let began = BEGAN.get_or_init(std::time::Instant::now);
    began.elapsed().as_secs_f64() * 1e3
}

fn log(ctx: Ctx<'_>, level: String, Letters(text): Letters) {
    let level = match level.as_str() {
        "debug" => "debug",
        "warning" => "warning",
        "error" => "error",
        _ => "info",
    };
    let is_console = true;
    (host(&ctx).log)(&Said {
        level,
        text,
        is_console,
    });
}

fn variable(ctx: Ctx<'_>, name: String) -> Option<String> {
    let own = host(&ctx);
    let of_scenario = own
        .run
        .as_ref()
        .and_then(|run| run.variable(own.scenario, &name));
    of_scenario.or_else(|| own.program.variable(&name).map(str::to_owned))
}

fn variables(ctx: Ctx<'_>) -> Vec<String> {
    host(&ctx).program.env.keys().cloned().collect()
}

fn secret(ctx: Ctx<'_>, name: String, source: Opt<String>) -> Result<String> {
    let own = host(&ctx);
    let found = own.program.secrets.get(source.0.as_deref(), &name);
    found
        .map(|secret| secret.expose().to_owned())
        .map_err(|why| refuse(&ctx, why))
}

fn open<'js>(ctx: Ctx<'js>, path: String, is_binary: bool) -> Result<Value<'js>> {
    let own = host(&ctx);
    if own.doing.get() != Doing::Start {
        return Err(refuse(
            &ctx,
            "open() can only be called while the script is loaded, outside of its functions",
        ));
    }
    let path = super::Program::path(own.program.folder(), &path);
    let content = own
        .program
        .file(&path)
        .map_err(|reason| refuse(&ctx, reason))?;
    if is_binary {
        return ArrayBuffer::new_copy(ctx, content.as_slice()).map(ArrayBuffer::into_value);
    }
    String::from_utf8_lossy(&content).into_js(&ctx)
}

/// Names and values of an object in turn, as texts.
pub(super) fn flat<'js>(ctx: Ctx<'js>, object: Value<'js>) -> Result<Vec<String>> {
    let Some(object) = object.as_object() else {
        return Err(Exception::throw_type(&ctx, "tags are an object"));
    };
    let mut all = Vec::with_capacity(2);
    for name in object.keys::<String>() {
        let name = name?;
        let value: Value<'js> = object.get(name.as_str())?;
        let value = match value.type_name() {
            "string" | "int" | "float" | "bool" => value.get::<Letters>()?.0,
            _ => {
                let reason = format!("the tag `{name}` must be a string, a number or a boolean");
                return Err(Exception::throw_type(&ctx, &reason));
            }
        };
        all.extend([name, value]);
    }
    Ok(all)
}

/// Tags of one sample: names and values in turn.
fn given(tags: Opt<Value<'_>>) -> Result<Vec<String>> {
    match tags.0.filter(|tags| !tags.is_undefined()) {
        Some(tags) => tags.get(),
        None => Ok(Vec::new()),
    }
}

fn check(ctx: Ctx<'_>, name: Letters, holds: bool, tags: Opt<Value<'_>>) -> Result<()> {
    let own = host(&ctx);
    if own.doing.get() == Doing::Start {
        return Err(refuse(
            &ctx,
            "check() cannot be called while the script is loaded",
        ));
    }
    let more = given(tags)?;
    let place = {
        let (known, group) = (own.tags.borrow(), own.group.borrow());
        let tags = super::tags::Plain {
            own: &known,
            more: &more,
            group: &group,
            also: ("check", &name),
        };
        let mut tally = own.tally();
        tally.count(BuiltIn::Checks, f64::from(u8::from(holds)), &tags);
        tally.check(&group, &name, holds)
    };
    own.checked.borrow_mut().push((place, holds));
    Ok(())
}

/// Enters a group; the path of the one around it is what `leave` wants.
fn enter(ctx: Ctx<'_>, name: Letters) -> Result<String> {
    let own = host(&ctx);
    if own.doing.get() == Doing::Start {
        return Err(refuse(
            &ctx,
            "group() cannot be called while the script is loaded",
        ));
    }
    if name.contains("::") {
        return Err(refuse(
            &ctx,
            format!("the name of a group cannot hold `::`: `{}`", &*name),
        ));
    }
    let outer = own.group.borrow().clone();
    let path = format!("{outer}::{}", &*name);
    own.tally().group(&path);
    *own.group.borrow_mut() = path;
    Ok(outer)
}

fn leave(ctx: Ctx<'_>, outer: String, milliseconds: f64) {
    let own = host(&ctx);
    let inner = own.group.replace(outer);
    let known = own.tags.borrow();
    let tags = super::tags::Plain {
        own: &known,
        more: &[],
        group: &inner,
        also: ("", ""),
    };
    own.tally()
        .count(BuiltIn::GroupDuration, milliseconds, &tags);
}

fn metric(ctx: Ctx<'_>, kind: String, name: String, is_time: bool) -> Result<usize> {
    let own = host(&ctx);
    if own.doing.get() != Doing::Start {
        return Err(refuse(
            &ctx,
            "metrics are made while the script is loaded, outside of its functions",
        ));
    }
    if !is_name(&name) {
        let reason = format!(
            "`{name}` is no name of a metric: expected a letter or `_`, then 1 to 128 letters, digits or `_`"
        );
        return Err(refuse(&ctx, reason));
    }
    let kind = Kind::of(&kind).unwrap_or(Kind::Counter);
    let contains = if is_time {
        Contains::Time
    } else {
        Contains::Default
    };
    let declared = own.tally().declare(Metric {
        name,
        kind,
        contains,
    });
    declared.map_err(|reason| refuse(&ctx, reason))
}

fn add(ctx: Ctx<'_>, number: usize, value: f64, tags: Opt<Value<'_>>) -> Result<()> {
    let own = host(&ctx);
    if own.doing.get() == Doing::Start {
        return Err(refuse(
            &ctx,
            "a metric cannot be added to while the script is loaded",
        ));
    }
    let more = given(tags)?;
    let (known, group) = (own.tags.borrow(), own.group.borrow());
    let tags = super::tags::Plain {
        own: &known,
        more: &more,
        group: &group,
        also: ("", ""),
    };
    own.tally().add(number, value, &tags);
    Ok(())
}

/// What `k6/execution` tells.
fn fact<'js>(ctx: Ctx<'js>, name: String) -> Result<Value<'js>> {
    let own = host(&ctx);
    let number = |number: f64| Ok(Value::new_number(ctx.clone(), number));
    match name.as_str() {
        "vu" => number(own.id.get() as f64),
        "iteration" => number(own.iteration.get() as f64),
        "iterationInTest" => number(own.iteration_in_test.get() as f64),
        "isIteration" => Ok(Value::new_bool(
            ctx.clone(),
            own.doing.get() == Doing::Iteration,
        )),
        other => match own
            .run
            .as_ref()
            .and_then(|run| run.fact(own.scenario, other))
        {
            Some(serde_json::Value::String(text)) => text.into_js(&ctx),
            Some(value) => number(value.as_f64().unwrap_or_default()),
            None => Ok(Value::new_undefined(ctx.clone())),
        },
    }
}

fn tag(ctx: Ctx<'_>, name: String) -> Option<String> {
    let own = host(&ctx);
    if name == "group" {
        return Some(own.group.borrow().clone());
    }
    let known = own.tags.borrow();
    let found = known.iter().rev().find(|(known, _)| *known == name);
    found.map(|(_, value)| value.clone())
}

fn tags(ctx: Ctx<'_>) -> Vec<String> {
    let own = host(&ctx);
    let known = own.tags.borrow();
    known.iter().map(|(name, _)| name.clone()).collect()
}

fn set_tag(ctx: Ctx<'_>, Letters(name): Letters, Letters(value): Letters) {
    let own = host(&ctx);
    let mut known = own.tags.borrow_mut();
    known.retain(|(known, _)| *known != name);
    known.push((name, value));
}

fn drop_tag(ctx: Ctx<'_>, name: String) {
    host(&ctx)
        .tags
        .borrow_mut()
        .retain(|(known, _)| *known != name);
}

fn abort(ctx: Ctx<'_>, Letters(words): Letters) -> Result<()> {
    let own = host(&ctx);
    if let Some(run) = &own.run {
        run.abort(&words);
    }
    own.abort(words);
    Err(refuse(&ctx, "interrupted"))
}

fn fail_test(ctx: Ctx<'_>, Letters(words): Letters) {
    if let Some(run) = &host(&ctx).run {
        run.fail(&words);
    }
}

/// Rows of a list that is there, or -1.
fn list_length(ctx: Ctx<'_>, name: String) -> Result<f64> {
    let own = host(&ctx);
    if own.doing.get() != Doing::Start {
        return Err(refuse(
            &ctx,
            "a SharedArray is made while the script is loaded",
        ));
    }
    Ok(own
        .program
        .list(&name)
        .map_or(-1.0, |rows| rows.len() as f64))
}

fn share(ctx: Ctx<'_>, name: String, rows: Vec<String>) {
    let rows = rows.into_iter().map(String::into_boxed_str).collect();
    host(&ctx).program.share(&name, rows);
}

fn row(ctx: Ctx<'_>, name: String, at: usize) -> Option<String> {
    let rows = host(&ctx).program.list(&name)?;
    rows.get(at).map(|row| row.to_string())
}

/// Milliseconds of a length of time.
fn duration(ctx: Ctx<'_>, text: String) -> Result<f64> {
    if let Ok(number) = text.trim().parse::<f64>() {
        return Ok(number);
    }
    let parsed = crate::duration::parse(&text);
    let parsed = parsed.map_err(|reason| refuse(&ctx, format!("`{text}`: {reason}")))?;
    Ok(parsed.as_secs_f64() * 1e3)
}

fn text_summary(ctx: Ctx<'_>, data: String, indent: String, color: bool) -> Result<String> {
    let data = serde_json::from_str(&data);
    let data = data.map_err(|error| refuse(&ctx, format!("this is no summary: {error}")))?;
    Ok(summary_text::render(
        &data,
        &Default::default(),
        &indent,
        color,
    ))
}

fn humanize(value: f64, kind: String, contains: String, time: String) -> String {
    match (kind.as_str(), contains.as_str()) {
        ("rate", _) => unit::percent(value),
        (_, "time") => unit::time(value, TimeUnit::of(&time).unwrap_or_default()),
        (_, "data") => unit::bytes(value),
        _ => unit::number(value),
    }
}
