//! `bellwether docs`: the reference that the binary carries, on the terminal, for programs, and as manual pages.

use super::commands::{self, complain};
use super::exit::Exit;
use crate::reference::{self, Page};
use crate::report::columns::wrapped;
use crate::report::style::Style;
use crate::web::{self, Reference};
use clap::Args;
use serde_json::json;
use std::path::{Path, PathBuf};

/// Arguments of `bellwether docs`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  bellwether docs                         all pages, a line each
  bellwether docs language                every key of a scenario, with examples
  bellwether docs configuration proxy     only what names or describes a word
  bellwether docs slack                   what all pages say of a word
  bellwether docs api --json > api.json   the API as OpenAPI 3.1
  bellwether docs --man /usr/local/share/man/man1

A running daemon shows the same at /docs.")]
pub struct Arguments {
    /// Which page; a list of them by default. Any other word is looked for in all of them
    page: Option<String>,
    /// Only what names or describes this word
    word: Option<String>,
    /// As JSON; of the API as OpenAPI
    #[arg(long)]
    json: bool,
    /// Write the manual pages of all commands into a folder
    #[arg(long, value_name = "FOLDER", conflicts_with_all = ["page", "json"])]
    man: Option<PathBuf>,
}

/// The page that explains the commands.
pub fn commands() -> Page {
    reference::commands::page(&commands::program())
}

/// Prints a page.
pub fn run(arguments: &Arguments) -> Exit {
    if let Some(folder) = &arguments.man {
        return manual(folder);
    }
    let Some(name) = &arguments.page else {
        return list(arguments.json);
    };
    let reference = Reference::new(Some(commands));
    let pages = reference.pages();
    let Some(page) = pages.iter().find(|page| page.name == name) else {
        return search(pages, name, arguments.json);
    };
    let page = match &arguments.word {
        Some(word) => page.about_word(word),
        None => page.clone(),
    };
    if let (Some(word), true) = (&arguments.word, page.sections.is_empty()) {
        let others = pages
            .iter()
            .filter(|page| !page.about_word(word).sections.is_empty());
        let others: Vec<&str> = others.map(|page| page.name).collect();
        let others = match others.as_slice() {
            [] => String::new(),
            others => format!("; these do: {}", others.join(", ")),
        };
        complain(format!(
            "the page `{name}` does not mention `{word}`{others}"
        ));
        return Exit::Usage;
    }
    match arguments.json {
        true if page.name == "api" => println!("{:#}", web::document()),
        true => println!("{:#}", json!(page)),
        false => print!("{}", page.text(Style::for_stream(&std::io::stdout()))),
    }
    Exit::Success
}

/// What all pages say of a word.
fn search(pages: &[Page], word: &str, as_json: bool) -> Exit {
    let found: Vec<Page> = pages.iter().map(|page| page.about_word(word)).collect();
    let found: Vec<Page> = found
        .into_iter()
        .filter(|page| !page.sections.is_empty())
        .collect();
    if found.is_empty() {
        let names: Vec<&str> = pages.iter().map(|page| page.name).collect();
        let names = names.join(", ");
        complain(format!(
            "no page is called `{word}`, and none mentions it; pages: {names}"
        ));
        return Exit::Usage;
    }
    if as_json {
        println!("{:#}", json!(found));
        return Exit::Success;
    }
    let style = Style::for_stream(&std::io::stdout());
    let texts: Vec<String> = found.iter().map(|page| page.text(style)).collect();
    print!("{}", texts.join("\n"));
    Exit::Success
}

fn list(as_json: bool) -> Exit {
    let reference = Reference::new(Some(commands));
    let pages = reference.pages();
    if as_json {
        let one =
            |page: &Page| json!({ "name": page.name, "title": page.title, "about": page.about });
        println!("{:#}", pages.iter().map(one).collect::<serde_json::Value>());
        return Exit::Success;
    }
    let style = Style::for_stream(&std::io::stdout());
    for page in pages {
        println!(
            "{}\n{}",
            style.bold(page.name),
            wrapped(page.about, 2, style)
        );
    }
    println!(
        "\nbellwether docs NAME shows one.\nbellwether docs WORD looks for a word in all of them."
    );
    Exit::Success
}

fn manual(folder: &Path) -> Exit {
    let write = || -> std::io::Result<()> {
        std::fs::create_dir_all(folder)?;
        clap_mangen::generate_to(commands::program(), folder)
    };
    match write() {
        Ok(()) => {
            println!("The manual pages are in {}", folder.display());
            Exit::Success
        }
        Err(error) => {
            complain(format!(
                "the manual pages cannot be written to {}: {error}",
                folder.display()
            ));
            Exit::Fault
        }
    }
}
