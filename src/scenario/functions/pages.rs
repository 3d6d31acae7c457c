//! Functions on pages: what a selector of CSS finds in HTML.

use super::registry::{Function, LIST_MAX, failed, made};
use cel::extractors::This;
use cel::{ExecutionError, Value};
use scraper::{ElementRef, Html, Selector};
use std::sync::Arc;

type Text = Arc<String>;

/// Bytes of a page that is read.
const PAGE_BYTES_MAX: usize = 8 << 20;

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
    let page = Html::parse_document(page);
    let all: Vec<Value> = page
        .select(&parsed)
        .filter_map(text)
        .take(LIST_MAX)
        .map(made)
        .collect();
    Ok(Value::List(Arc::new(all)))
}
