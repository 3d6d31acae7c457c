//! How the text of a file becomes a module: as it is, as JSON, without its types (TypeScript), or as CommonJS (a module of
//! Node), which `require`s others and puts what it gives into `exports`.
//!
//! Pure. Invariant: lines and, but for the first one, columns stay where they were, so that errors have their place.

use regex::Regex;
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::LazyLock;

/// The name that a module of CommonJS exports beside all others, so that it is known as one.
pub(super) const COMMON_JS: &str = "__commonjs";

/// What begins a line only in a module.
static MODULE: LazyLock<Regex> = LazyLock::new(|| {
    let export =
        r"export\s+(default\b|const\b|let\b|var\b|function\b|class\b|async\b)|export\s*[\{\*]";
    Regex::new(&format!(
        r#"(?m)^\s*(import\s*[\w\{{\*"']|import\s*\.\s*meta|{export})"#
    ))
    .expect("it is a constant")
});
/// What stands only in CommonJS.
static COMMON: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(
        r"\bmodule\s*\.\s*exports\b|\bexports\s*[\.\[]|\bexports\s*,\s*.__esModule|\brequire\s*\(",
    )
    .expect("it is a constant")
});
/// A name that CommonJS exports.
static NAMED: LazyLock<Regex> = LazyLock::new(|| {
    let name = r"([A-Za-z_$][\w$]*)";
    Regex::new(&format!(
        r#"\bexports\s*\.\s*{name}\s*=[^=]|\bdefineProperty\s*\(\s*exports\s*,\s*["']{name}["']"#
    ))
    .expect("it is a constant")
});

/// Whether a text is CommonJS.
pub(super) fn is_common_js(text: &str) -> bool {
    COMMON.is_match(text) && !MODULE.is_match(text)
}

/// The text of a file as a module.
///
/// # Errors
/// Where its TypeScript has more than types, with file, line and column.
pub(super) fn as_module(path: &Path, text: String) -> Result<String, String> {
    let is = |known: &[&str]| {
        let extension = path.extension();
        extension.is_some_and(|extension| known.iter().any(|known| extension == *known))
    };
    if is(&["json"]) {
        return Ok(format!("export default {text};"));
    }
    let text = if is(&["ts", "mts", "cts"]) {
        without_types(path, &text)?
    } else {
        text
    };
    if is_common_js(&text) {
        return Ok(wrapped(&text));
    }
    Ok(text)
}

/// What imports names.
static IMPORT: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r#"\bimport\s+([^;'"()]*?)\bfrom\s*["'][^"'\n]*["']"#).expect("it is a constant")
});
/// One of the names of an import, with the one that it is known by.
static IMPORTED: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"[\w$]+\s+as\s+([\w$]+)|([\w$]+)").expect("it is a constant"));

/// TypeScript with spaces where its types were, and without imports that only types were made of.
fn without_types(path: &Path, text: &str) -> Result<String, String> {
    let stripped = tsv_ts::strip(text).map_err(|error| {
        let place = error.to_report().map_or(String::new(), |report| {
            format!(":{}:{}", report.start.line, report.start.column + 1)
        });
        let advice = match error {
            tsv_ts::StripError::Unsupported { .. } => {
                "; types are taken out of TypeScript, and nothing is made of it: write it as JavaScript does"
            }
            _ => "",
        };
        format!("{}{place}: {}{advice}", path.display(), error.message())
    })?;
    let mut code = stripped.code.into_bytes();
    let text = String::from_utf8_lossy(&code).into_owned();
    let imports: Vec<_> = IMPORT.captures_iter(&text).collect();
    let mut rest = text.clone().into_bytes();
    for import in &imports {
        let whole = import.get(0).map_or(0..0, |whole| whole.range());
        rest[whole].fill(b' ');
    }
    let rest = String::from_utf8_lossy(&rest).into_owned();
    let is_used = |name: &str| {
        let mut found = rest.match_indices(name);
        let is_part = |letter: Option<char>| {
            letter.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == '$')
        };
        found.any(|(at, _)| {
            !is_part(rest[..at].chars().next_back())
                && !is_part(rest[at + name.len()..].chars().next())
        })
    };
    for names in imports.iter().filter_map(|import| import.get(1)) {
        let Some((open, close)) = names.as_str().find('{').zip(names.as_str().find('}')) else {
            continue;
        };
        let inner = &names.as_str()[open + 1..close];
        for name in IMPORTED.captures_iter(inner) {
            let (Some(whole), Some(known)) = (name.get(0), name.get(1).or(name.get(2))) else {
                continue;
            };
            if !is_used(known.as_str()) {
                let from = names.start() + open + 1 + whole.start();
                let mut to = from + whole.len();
                // Its comma goes with it.
                let behind = inner[whole.end()..].find(',');
                if let Some(behind) =
                    behind.filter(|at| inner[whole.end()..][..*at].trim().is_empty())
                {
                    to += behind + 1;
                }
                code[from..to].fill(b' ');
            }
        }
    }
    String::from_utf8(code).map_err(|_| format!("{} is not UTF-8", path.display()))
}

fn wrapped(text: &str) -> String {
    let all = NAMED.captures_iter(text);
    let names = all.filter_map(|found| found.get(1).or(found.get(2)));
    let names: BTreeSet<&str> = names.map(|name| name.as_str()).collect();
    let mut given = String::new();
    for name in names
        .iter()
        .filter(|name| !["default", COMMON_JS, "__esModule"].contains(*name))
    {
        given.push_str(&format!(
            "const __of_{name}=__module.exports.{name};export{{__of_{name} as {name}}};"
        ));
    }
    format!(
        "const __module={{exports:{{}}}};(function(module,exports){{{text}\n}}).call(__module.exports,__module,__module.exports);export default __module.exports;export const {COMMON_JS}=true;{given}"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modules_of_node_are_told_from_others() {
        for text in [
            "const http = require('k6/http'); module.exports.default = () => {};",
            "'use strict';\nObject.defineProperty(exports, '__esModule', { value: true });\nexports.default = f;",
            "(()=>{var e={};module.exports=e})();",
            "exports.options = {};",
        ] {
            assert!(is_common_js(text), "{text}");
        }
        for text in [
            "import http from 'k6/http';\nconst x = require('./x.js');",
            "export default function () {}\n// module.exports",
            "const a = 1;\nexport { a };",
            "export const options = {}; exports.x = 1;",
            "console.log(1)",
            "import{a}from'./a.js';exports.a",
        ] {
            assert!(!is_common_js(text), "{text}");
        }
    }

    #[test]
    fn lines_stay_where_they_were() {
        let text = "exports.options = { vus: 1 };\nexports.a = exports.b = 2;\nthrow new Error();";
        let module = as_module(Path::new("/t/a.js"), text.to_owned()).unwrap();
        assert!(module.lines().nth(2).unwrap().starts_with("throw new"));
        for name in ["options", "a", "b"] {
            assert!(module.contains(&format!("as {name}}}")), "{module}");
        }
        let json = as_module(Path::new("/t/a.json"), "{}".to_owned());
        assert_eq!(json.unwrap(), "export default {};");
        let plain = "export const a = 1;";
        let made = as_module(Path::new("/t/a.js"), plain.to_owned());
        assert_eq!(made.unwrap(), plain);
    }

    #[test]
    fn types_are_taken_out_and_all_else_stays_where_it_was() {
        let text = "import http, { RefinedResponse, get as fetched } from 'k6/http';\nimport { Options } from 'k6/options';\nimport type { A } from './a';\nexport const options: Options = { vus: 1 };\ninterface B { c: string }\nexport default function (d: B): void { const e = fetched('x') as RefinedResponse<'text'>; http.get(e!.url); }\n";
        let made = as_module(Path::new("/t/a.ts"), text.to_owned()).unwrap();
        let squeezed: Vec<String> = made
            .lines()
            .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "))
            .collect();
        assert_eq!(
            squeezed,
            [
                "import http, { get as fetched } from 'k6/http';",
                "import { } from 'k6/options';",
                "",
                "export const options = { vus: 1 };",
                "",
                "export default function (d ) { const e = fetched('x') ; http.get(e .url); }",
            ]
        );
        for (line, made) in text.lines().zip(made.lines()) {
            assert_eq!(line.len(), made.len().max(line.len()), "{made}");
        }
        let wrong = |text: &str| as_module(Path::new("/t/a.ts"), text.to_owned()).unwrap_err();
        assert!(
            wrong("\nenum A { B }").starts_with("/t/a.ts:2:1: cannot strip"),
            "{}",
            wrong("\nenum A { B }")
        );
        assert!(
            wrong("const a: = 1;").starts_with("/t/a.ts:1:"),
            "{}",
            wrong("const a: = 1;")
        );
    }
}
