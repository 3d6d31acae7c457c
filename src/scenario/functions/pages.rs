//! Functions on pages: what a selector of CSS finds in HTML.

use super::registry::{Function, LIST_MAX, failed, made};
use cel::extractors::This;
use cel::{ExecutionError, Value};
use ego_tree::iter::Edge;
use scraper::{ElementRef, Html, Selector};
use std::sync::Arc;

type Text = Arc<String>;

/// Bytes of a page that is read.
const PAGE_BYTES_MAX: usize = 8 << 20;

/// How deep elements of a page may stand in each other: browsers cut at 512, and what selectors look at grows with it.
const DEPTH_MAX: usize = 1_024;

/// Tags that may be left open: reading takes time by the square of these. Words in scripts look like tags, too.
const OPEN_MAX: usize = 10_000;
/// Elements that have no end, or end where the next one begins.
const WITHOUT_END: [&str; 28] = [
    "area", "base", "br", "col", "colgroup", "dd", "dt", "embed", "hr", "img", "input", "li",
    "link", "meta", "optgroup", "option", "p", "param", "rp", "rt", "source", "tbody", "td",
    "tfoot", "th", "thead", "tr", "track",
];

/// A page, read as browsers do.
///
/// # Errors
/// Its elements stand in each other deeper than [`DEPTH_MAX`].
pub fn read(text: &str) -> Result<Html, String> {
    let deep = || format!("it is nested deeper than {DEPTH_MAX}");
    if open_at_most(text) > OPEN_MAX {
        return Err(deep());
    }
    let page = Html::parse_document(text);
    let mut depth = 0_usize;
    let is_deep = page.tree.root().traverse().any(|edge| {
        match edge {
            Edge::Open(_) => depth += 1,
            Edge::Close(_) => depth -= 1,
        }
        depth > DEPTH_MAX
    });
    match is_deep {
        true => Err(deep()),
        false => Ok(page),
    }
}

/// How many elements are open at once, at the most, as far as tags alone tell.
fn open_at_most(text: &str) -> usize {
    let (mut open, mut most) = (0_usize, 0);
    for part in text.split('<').skip(1) {
        let (ends, part) = match part.strip_prefix('/') {
            Some(part) => (true, part),
            None => (false, part),
        };
        let name = part
            .split(|letter: char| !letter.is_ascii_alphanumeric())
            .next();
        let name = name.unwrap_or_default();
        let is_name = name.starts_with(|letter: char| letter.is_ascii_alphabetic());
        if !is_name
            || WITHOUT_END
                .iter()
                .any(|known| name.eq_ignore_ascii_case(known))
        {
            continue;
        }
        open = if ends {
            open.saturating_sub(1)
        } else {
            open + 1
        };
        most = most.max(open);
    }
    most
}

pub(super) const ALL: &[Function] = &[
    Function {
        name: "html",
        form: "html(text, selector)",
        about: "the text of each element that a CSS selector finds in a page, without space at its ends",
        example: ("html('<h1> Shop <b>1</b></h1>', 'h1')", "[\"Shop 1\"]"),
        searches: true,
        add: |context| {
            let texts = |This(page): This<Text>, selector: Text| {
                let text = |element: ElementRef<'_>| {
                    let all: String = element.text().collect();
                    Some(all.split_whitespace().collect::<Vec<_>>().join(" "))
                };
                found("html", &page, &selector, text)
            };
            let _ = context.add_function("html", texts);
        },
    },
    Function {
        name: "htmlAttribute",
        form: "htmlAttribute(text, selector, name)",
        about: "that attribute of each element that a CSS selector finds in a page and that has it",
        example: (
            "htmlAttribute('<input name=\"csrf\" value=\"a1\">', 'input[name=csrf]', 'value')",
            "[\"a1\"]",
        ),
        searches: true,
        add: |context| {
            let values = |This(page): This<Text>, selector: Text, name: Text| {
                let value = |element: ElementRef<'_>| element.attr(&name).map(str::to_owned);
                found("htmlAttribute", &page, &selector, value)
            };
            let _ = context.add_function("htmlAttribute", values);
        },
    },
];

fn found(
    name: &'static str,
    page: &str,
    selector: &str,
    text: impl Fn(ElementRef<'_>) -> Option<String>,
) -> Result<Value, ExecutionError> {
    let wrong = failed(name);
    let parsed = Selector::parse(selector);
    let parsed = parsed.map_err(|error| wrong(format!("`{selector}` is no selector: {error}")))?;
    if page.len() > PAGE_BYTES_MAX {
        let most = PAGE_BYTES_MAX >> 20;
        return Err(wrong(format!("the page is larger than {most} MiB")));
    }
    let page = read(page).map_err(|why| wrong(format!("the page cannot be read: {why}")))?;
    let all: Vec<Value> = page
        .select(&parsed)
        .filter_map(text)
        .take(LIST_MAX)
        .map(made)
        .collect();
    Ok(Value::List(Arc::new(all)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_that_are_nested_too_deep_are_refused_before_they_cost_anything() {
        for (text, holds) in [
            ("<div>".repeat(200_000), false),
            ("<div>".repeat(1_500), false),
            ("<div>".repeat(900), true),
            ("<p>word".repeat(50_000), true),
            ("<ul>".to_owned() + &"<li>one".repeat(50_000), true),
            ("<div></div>".repeat(50_000), true),
            ("a < b <3 <!-- <div> -->".repeat(9_000), true),
        ] {
            assert_eq!(read(&text).is_ok(), holds, "{}…", &text[..20]);
        }
    }
}
