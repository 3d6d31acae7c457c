//! What `k6/browser` calls: something is done in a page, and the interpreter stands still until it is.

use super::ask::{Answer, Ask};
use super::deed::Deed;
use super::native_http::not_while_loaded;
use super::natives::{host, refuse};
use rquickjs::{Ctx, Function, Object, Result};

pub(super) fn put<'js>(ctx: &Ctx<'js>, native: &Object<'js>) -> Result<()> {
    let browser = Object::new(ctx.clone())?;
    browser.set("perform", Function::new(ctx.clone(), perform)?)?;
    browser.set("iteration", Function::new(ctx.clone(), iteration)?)?;
    native.set("browser", browser)
}

/// Which iteration it is: pages of another one are closed.
fn iteration(ctx: Ctx<'_>) -> f64 {
    host(&ctx).iteration.get() as f64
}

/// Does what is said as JSON, and gives what came of it as JSON.
fn perform(ctx: Ctx<'_>, deed: String) -> Result<String> {
    let own = host(&ctx);
    not_while_loaded(&ctx, &own)?;
    let deed = Deed::read(&deed).map_err(|why| refuse(&ctx, why))?;
    match own.ask(Ask::Browse(Box::new(deed))) {
        Ok(Answer::Browsed(done)) => done.map_err(|why| refuse(&ctx, why)),
        _ => Err(refuse(&ctx, "interrupted")),
    }
}
