//! What `k6/ws` and `k6/websockets` call: orders to sockets, and what happened to them.

use super::ask::{Answer, Happening, Order};
use super::letters::{self, Letters};
use super::native_crypto::bytes;
use super::native_http::{Said, not_while_loaded, read};
use super::native_reply::{handed, unchecked};
use super::natives::{host, refuse};
use crate::net::websocket::{Frame, REASON_BYTES_MAX, is_close_code};
use bytes::Bytes;
use rquickjs::function::Opt;
use rquickjs::{Array, ArrayBuffer, Ctx, Function, IntoJs as _, Object, Result, Value};
use std::time::{Duration, Instant};

/// Bytes that may wait to be sent, of all sockets of a virtual user.
const UNSENT_MAX: usize = 128 * 1024 * 1024;

pub(super) fn put<'js>(ctx: &Ctx<'js>, native: &Object<'js>) -> Result<()> {
    let socket = Object::new(ctx.clone())?;
    socket.set("open", Function::new(ctx.clone(), open)?)?;
    socket.set("send", Function::new(ctx.clone(), send)?)?;
    socket.set("ping", Function::new(ctx.clone(), ping)?)?;
    socket.set("close", Function::new(ctx.clone(), close)?)?;
    socket.set("waiting", Function::new(ctx.clone(), waiting)?)?;
    socket.set("next", Function::new(ctx.clone(), next)?)?;
    native.set("socket", socket)
}

/// Asks for a socket; its number.
fn open<'js>(
    ctx: Ctx<'js>,
    Letters(url): Letters,
    protocols: Vec<String>,
    headers: Value<'js>,
    tags: Value<'js>,
    beside: Value<'js>,
) -> Result<u32> {
    let own = host(&ctx);
    not_while_loaded(&ctx, &own)?;
    let way = match url.split_once("://") {
        Some((scheme, rest)) if scheme.eq_ignore_ascii_case("ws") => format!("http://{rest}"),
        Some((scheme, rest)) if scheme.eq_ignore_ascii_case("wss") => format!("https://{rest}"),
        _ => {
            let reason =
                format!("`{url}` is no address of a WebSocket: it begins with `ws://` or `wss://`");
            return Err(refuse(&ctx, reason));
        }
    };
    let said = Said::plain(way, [headers, tags, beside]);
    let request = read(&ctx, &own, said)?;
    let number = own.number();
    own.armed.set(true);
    own.sockets.set(own.sockets.get() + 1);
    own.unsent.borrow_mut().insert(number, 0);
    let order = Order::Open(Box::new(request), protocols);
    own.orders.borrow_mut().push((number, order));
    Ok(number)
}

fn send<'js>(ctx: Ctx<'js>, number: u32, data: Value<'js>) -> Result<()> {
    let frame = match data.as_string() {
        Some(text) => Frame::Text(Bytes::from(letters::of(text)?)),
        None => match ArrayBuffer::from_value(data) {
            Some(buffer) => Frame::Binary(Bytes::from(bytes(&ctx, &buffer)?)),
            None => return Err(refuse(&ctx, "a message is a text or an ArrayBuffer")),
        },
    };
    let own = host(&ctx);
    let size = match &frame {
        Frame::Text(content) | Frame::Binary(content) => content.len(),
        _ => 0,
    };
    let mut unsent = own.unsent.borrow_mut();
    if unsent.values().sum::<usize>() + size > UNSENT_MAX {
        let most = UNSENT_MAX >> 20;
        let why =
            format!("more than {most} MiB wait to be sent: the other side does not take them");
        return Err(refuse(&ctx, why));
    }
    // Whose socket is gone takes nothing any more.
    if let Some(waits) = unsent.get_mut(&number) {
        *waits += size;
        drop(unsent);
        order(&ctx, number, frame);
    }
    Ok(())
}

/// Bytes of a socket that wait to be sent.
fn waiting(ctx: Ctx<'_>, number: u32) -> usize {
    let own = host(&ctx);
    let unsent = own.unsent.borrow();
    unsent.get(&number).copied().unwrap_or_default()
}

fn ping(ctx: Ctx<'_>, number: u32) {
    order(&ctx, number, Frame::Ping(Bytes::new()));
}

fn close(ctx: Ctx<'_>, number: u32, code: u32, Letters(reason): Letters) -> Result<()> {
    let code = u16::try_from(code).ok().filter(|code| is_close_code(*code));
    let Some(code) = code else {
        let expected = "a WebSocket is closed with a code from 1000 to 1014, or from 3000 to 4999";
        return Err(refuse(&ctx, expected));
    };
    if reason.len() > REASON_BYTES_MAX {
        return Err(refuse(
            &ctx,
            format!("the reason of an end has {REASON_BYTES_MAX} bytes at the most"),
        ));
    }
    order(&ctx, number, Frame::Close(code, reason));
    Ok(())
}

fn order(ctx: &Ctx<'_>, number: u32, frame: Frame) {
    let own = host(ctx);
    own.orders.borrow_mut().push((number, Order::Send(frame)));
}

/// What happens next to one socket, or nothing if that takes longer than some milliseconds.
fn next<'js>(
    ctx: Ctx<'js>,
    number: u32,
    milliseconds: Opt<Option<f64>>,
) -> Result<Option<Array<'js>>> {
    let own = host(&ctx);
    let time = milliseconds
        .0
        .flatten()
        .map(|time| Duration::try_from_secs_f64(time.max(0.0) / 1e3));
    let until = time.map(|time| Instant::now() + time.unwrap_or(Duration::from_secs(86_400)));
    // What came for others meanwhile is theirs.
    let is_own = |answer: &Answer| matches!(answer, Answer::Happened(of, _) if *of == number);
    let kept = own.later.borrow().iter().position(is_own);
    let kept = kept.and_then(|at| own.later.borrow_mut().remove(at));
    let mut answer = kept;
    loop {
        match answer.take() {
            Some(Answer::Happened(of, happening)) if of == number => {
                return told(&ctx, happening).map(Some);
            }
            Some(Answer::Now) => return Ok(None),
            Some(other) => own.later.borrow_mut().push_back(other),
            None => {}
        }
        let asked = own.ask(super::ask::Ask::Idle(until));
        answer = Some(asked.map_err(|_| refuse(&ctx, "interrupted"))?);
    }
}

/// What happened to a socket, as our modules take it: a word, and what goes with it.
pub(super) fn told<'js>(ctx: &Ctx<'js>, happening: Happening) -> Result<Array<'js>> {
    if happening.is_last() {
        let own = host(ctx);
        own.sockets.set(own.sockets.get().saturating_sub(1));
    }
    let all = Array::new(ctx.clone())?;
    let put = |values: &[Value<'js>]| -> Result<()> {
        for value in values {
            all.set(all.len(), value.clone())?;
        }
        Ok(())
    };
    let text = |text: &str| text.into_js(ctx);
    match happening {
        Happening::Opened(reply) => put(&[text("open")?, handed(ctx, reply)?])?,
        Happening::Refused(reply) => {
            let (error, throws) = (text(&reply.error)?, reply.throws);
            let throws = Value::new_bool(ctx.clone(), throws);
            put(&[text("refused")?, error, unchecked(ctx, reply)?, throws])?;
        }
        Happening::Came(Frame::Text(bytes)) => {
            put(&[text("text")?, text(&String::from_utf8_lossy(&bytes))?])?;
        }
        Happening::Came(Frame::Binary(bytes)) => {
            let buffer = ArrayBuffer::new_copy(ctx.clone(), &bytes)?;
            put(&[text("binary")?, buffer.into_value()])?;
        }
        Happening::Came(Frame::Ping(_)) => put(&[text("ping")?])?,
        Happening::Came(Frame::Pong(_)) => put(&[text("pong")?])?,
        Happening::Came(Frame::Close(code, reason)) | Happening::Ended(code, reason) => {
            put(&[
                text("close")?,
                Value::new_int(ctx.clone(), code.into()),
                text(&reason)?,
            ])?;
        }
        Happening::Broke(why) => put(&[text("error")?, text(&why)?])?,
    }
    Ok(all)
}
