//! `bellwether explain CODE`: what the code of a diagnostic means, and how it is mended.
//!
//! Knows how codes are shown; what they mean stands in [`crate::reference::codes`].

use super::commands::complain;
use super::exit::Exit;
use crate::document::diagnostic::nearest;
use crate::reference::codes::{ALL, Explained};
use crate::report::columns::{fitted, wrapped};
use crate::report::style::Style;
use clap::Args;
use serde_json::{Value, json};

/// Arguments of `bellwether explain`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  bellwether explain unknown-field
  bellwether explain                  all codes, a line each
  bellwether explain --json | jq '.[].code'")]
pub struct Arguments {
    /// The code that stands in brackets: `error[unknown-field]`; all of them by default
    code: Option<String>,
    /// As JSON
    #[arg(long)]
    json: bool,
}

/// Letters of a line from which on codes and meanings stand beside one another.
const LIST_MIN: usize = 100;

/// Runs the command.
pub fn run(arguments: &Arguments) -> Exit {
    let wanted = arguments.code.as_deref();
    // As it stands in a message.
    let wanted = wanted.map(|code| {
        let inner = code.split_once('[').map_or(code, |(_, rest)| rest);
        inner.trim_end_matches(']')
    });
    let found: Vec<&Explained> = ALL
        .iter()
        .filter(|(code, ..)| wanted.is_none_or(|wanted| wanted == *code))
        .collect();
    if let (Some(wanted), []) = (wanted, found.as_slice()) {
        let near = nearest(wanted, ALL.iter().map(|(code, ..)| *code));
        let near = near.map_or(String::new(), |code| format!("; did you mean `{code}`?"));
        complain(format!("no diagnostic has the code `{wanted}`{near}"));
        return Exit::Usage;
    }
    if arguments.json {
        let one =
            |(code, what, mend): &&Explained| json!({ "code": code, "what": what, "mend": mend });
        let all: Vec<Value> = found.iter().map(one).collect();
        println!("{:#}", Value::Array(all));
        return Exit::Success;
    }
    let style = Style::for_stream(&std::io::stdout());
    for (code, what, mend) in &found {
        match wanted {
            None if style.width < LIST_MIN => {
                println!("{}\n{}", style.bold(code), wrapped(what, 2, style));
            }
            None => {
                let line = format!("{}  {what}", style.bold(&format!("{code:<25}")));
                println!("{}", fitted(&line, style));
            }
            Some(_) => println!(
                "{}\n{}\n{}",
                style.bold(code),
                wrapped(what, 2, style),
                wrapped(&format!("To mend it: {mend}"), 2, style)
            ),
        }
    }
    Exit::Success
}
