//! `bellwether docs`: pages of reference that the binary carries, made of what it is made of.

use super::exit::Exit;
use crate::scenario::functions::{Function, standard};
use crate::scenario::{functions, names};
use clap::Args;
use serde_json::{Value, json};

/// Columns of a form before what it is about.
const FORM_COLUMNS: usize = 34;

/// Arguments of `bellwether docs`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  bellwether docs                     everything that an expression may use
  bellwether docs expressions --json  the same for programs")]
pub struct Arguments {
    /// Which page
    #[arg(value_parser = ["expressions"], default_value = "expressions")]
    page: String,
    /// As JSON
    #[arg(long)]
    json: bool,
}

/// Prints a page.
pub fn run(arguments: &Arguments) -> Exit {
    match arguments.json {
        true => println!("{:#}", machine_readable()),
        false => print!("{}", page()),
    }
    Exit::Success
}

fn functions_of(all: impl Iterator<Item = &'static Function>) -> Vec<Value> {
    let one = |function: &Function| {
        let (example, gives) = function.example;
        json!({ "name": function.name, "form": function.form, "about": function.about,
            "example": example, "gives": gives })
    };
    all.map(one).collect()
}

fn machine_readable() -> Value {
    let named = |all: &[(&str, &str)]| -> Vec<Value> {
        let one = |(name, about): &(&str, &str)| json!({ "name": name, "about": about });
        all.iter().map(one).collect()
    };
    json!({
        "always": named(&names::ALWAYS),
        "after_a_reply": named(&names::AFTER),
        "functions": functions_of(functions::all()),
        "functions_of_cel": functions_of(standard::ALL.iter()),
    })
}

fn page() -> String {
    let mut page = "Expressions are CEL (cel.dev): in `check`, `capture`, `when`, `measure`, `until`, and within `${…}`.\n".to_owned();
    let mut names = |title: &str, all: &[(&str, &str)]| {
        page.push_str(&format!("\n{title}\n"));
        for (name, about) in all {
            page.push_str(&format!("  {name:<12}{about}\n"));
        }
    };
    names("Names that are always there", &names::ALWAYS);
    names("Names that are there once there is a reply", &names::AFTER);
    let operators = [
        (
            "== != < <= > >=",
            "compare; texts by their letters, durations and times by length",
        ),
        ("&& || !", "and, or, not"),
        ("+ - * / %", "calculate; `+` also joins texts and lists"),
        ("x in list", "whether a list has an element, or a map a key"),
        ("a ? b : c", "`b` where `a` holds, else `c`"),
        (
            "x.y x['y'] x[0]",
            "a part of a map or a list; `has(x.y)` asks first",
        ),
    ];
    page.push_str("\nOperators\n");
    for (form, about) in operators {
        page.push_str(&format!("  {form:<18}{about}\n"));
    }
    let mut functions = |title: &str, all: &mut dyn Iterator<Item = &'static Function>| {
        page.push_str(&format!("\n{title}\n"));
        for function in all {
            let (example, gives) = function.example;
            let (form, about) = (function.form, function.about);
            page.push_str(&format!("  {form:<FORM_COLUMNS$}{about}\n"));
            let gives = match gives {
                "" => String::new(),
                gives => format!(" gives {gives}"),
            };
            page.push_str(&format!("  {:FORM_COLUMNS$}{example}{gives}\n", ""));
        }
    };
    functions(
        "Functions; the first argument may stand before it: `text.lower()`",
        &mut functions::all(),
    );
    functions("Functions of CEL", &mut standard::ALL.iter());
    page
}
