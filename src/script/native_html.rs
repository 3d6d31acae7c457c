//! What `k6/html` calls: documents, and the nodes of them.

use super::letters::Letters;
use super::native_http::resolved;
use super::natives::refuse;
use super::opaque::opaque;
use super::page::{Page, Related};
use rquickjs::{Class, Ctx, Function, Object, Result};

/// A document in the hands of a script.
struct Document(Page);

opaque!(Document, "Document");

/// Nodes of one document.
const NODES_MAX: usize = 2_000_000;

type Of<'js> = Class<'js, Document>;

pub(super) fn put<'js>(ctx: &Ctx<'js>, native: &Object<'js>) -> Result<()> {
    let html = Object::new(ctx.clone())?;
    macro_rules! functions {
        ($($name:literal $function:expr;)*) => {
            $(html.set($name, Function::new(ctx.clone(), $function)?)?;)*
        };
    }
    functions! {
        "parse" parse;
        "select" |ctx: Ctx<'js>, page: Of<'js>, within: Vec<usize>, css: String| {
            page.borrow().0.select(&within, &css).map_err(|why| refuse(&ctx, why))
        };
        "matches" |ctx: Ctx<'js>, page: Of<'js>, nodes: Vec<usize>, css: String| {
            page.borrow().0.matches(&nodes, &css).map_err(|why| refuse(&ctx, why))
        };
        "related" |page: Of<'js>, at: usize, how: String| {
            related(&how).map_or(Vec::new(), |how| page.borrow().0.related(at, how))
        };
        "kind" |page: Of<'js>, at: usize| page.borrow().0.kind(at);
        "name" |page: Of<'js>, at: usize| page.borrow().0.name(at).to_owned();
        "text" |page: Of<'js>, at: usize| page.borrow().0.text(at);
        "inner" |page: Of<'js>, at: usize| page.borrow().0.inner(at);
        "outer" |page: Of<'js>, at: usize| page.borrow().0.outer(at);
        "attributes" |page: Of<'js>, at: usize| page.borrow().0.attributes(at);
        "resolve" resolved;
    }
    native.set("html", html)
}

fn parse<'js>(ctx: Ctx<'js>, text: Letters) -> Result<Of<'js>> {
    let page = Page::parse(&text).map_err(|why| refuse(&ctx, why))?;
    if page.size() > NODES_MAX {
        return Err(refuse(
            &ctx,
            format!("the document has over {NODES_MAX} nodes"),
        ));
    }
    Class::instance(ctx, Document(page))
}

fn related(how: &str) -> Option<Related> {
    Some(match how {
        "children" => Related::Children,
        "contents" => Related::Contents,
        "parent" => Related::Parent,
        "above" => Related::Above,
        "ancestors" => Related::Ancestors,
        "next" => Related::Next,
        "nextAll" => Related::NextAll,
        "prev" => Related::Previous,
        "prevAll" => Related::PreviousAll,
        "following" => Related::Following,
        "preceding" => Related::Preceding,
        _ => return None,
    })
}
