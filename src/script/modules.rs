//! What a script can import: our own modules under the names of k6, and local files.
//!
//! Pure. Invariant: what cannot be imported is refused with a reason when the script is loaded.

use super::program::Program;
use crate::document::diagnostic::nearest;
use std::path::Path;

/// The module by which our own modules call us. No script can import it.
pub const NATIVE: &str = "bellwether:native";

/// Our own modules.
pub const BUILT_IN: [(&str, &str); 29] = [
    ("bellwether:start", include_str!("modules/start.js")),
    ("bellwether:path", include_str!("modules/path.js")),
    ("bellwether:globals", include_str!("modules/globals.js")),
    ("bellwether:http", include_str!("modules/http_rare.js")),
    ("bellwether:subtle", include_str!("modules/subtle.js")),
    (
        "k6/experimental/streams",
        include_str!("modules/streams.js"),
    ),
    ("k6", include_str!("modules/k6.js")),
    ("k6/http", include_str!("modules/http.js")),
    ("k6/metrics", include_str!("modules/metrics.js")),
    ("k6/execution", include_str!("modules/execution.js")),
    ("k6/data", include_str!("modules/data.js")),
    ("k6/encoding", include_str!("modules/encoding.js")),
    ("k6/crypto", include_str!("modules/crypto.js")),
    ("k6/html", include_str!("modules/html.js")),
    ("k6/browser", include_str!("modules/browser.js")),
    ("k6/net/grpc", include_str!("modules/grpc.js")),
    ("bellwether:sockets", include_str!("modules/sockets.js")),
    ("k6/ws", include_str!("modules/ws.js")),
    ("k6/websockets", include_str!("modules/websockets.js")),
    (
        "k6/experimental/websockets",
        include_str!("modules/websockets.js"),
    ),
    ("k6/experimental/fs", include_str!("modules/fs.js")),
    ("k6/experimental/csv", include_str!("modules/csv.js")),
    ("k6/timers", include_str!("modules/timers.js")),
    ("k6/options", include_str!("modules/options.js")),
    ("k6/secrets", include_str!("modules/secrets.js")),
    ("jslib:k6-utils", include_str!("modules/utils.js")),
    ("jslib:k6-summary", include_str!("modules/summary.js")),
    ("jslib:url", include_str!("modules/url.js")),
    ("jslib:formdata", include_str!("modules/formdata.js")),
];

/// Modules of k6 that are not there.
const MISSING: [&str; 3] = [
    "k6/crypto/x509",
    "k6/experimental/redis",
    "k6/experimental/tracing",
];

/// The text of one of our own modules.
pub fn built_in(name: &str) -> Option<&'static str> {
    let found = BUILT_IN.iter().find(|(known, _)| *known == name);
    found.map(|(_, source)| *source)
}

/// Names that the text of a module exports, as far as it says them where it does.
pub fn exports(text: &str) -> Vec<String> {
    let mut all = Vec::new();
    for (at, word) in text.match_indices("export ") {
        let rest = text[at + word.len()..].trim_start();
        let kinds = ["async function", "const", "let", "var", "function", "class"];
        let rest = kinds
            .iter()
            .find_map(|kind| rest.strip_prefix(kind))
            .unwrap_or(rest);
        let rest = rest.trim_start_matches([' ', '*']);
        let (list, ends) = match rest.strip_prefix('{') {
            Some(list) => (list, &['}'][..]),
            None => (rest, &['(', ' ', '=', '{', ';', '\n'][..]),
        };
        let list = list.split(ends).next().unwrap_or_default();
        for name in list.split(',') {
            let name = name.rsplit(" as ").next().unwrap_or_default();
            let name = name.split(':').next().unwrap_or_default().trim();
            if !name.is_empty()
                && name
                    .chars()
                    .all(|c| c.is_alphanumeric() || "_$".contains(c))
            {
                all.push(name.to_owned());
            }
        }
    }
    all
}

fn is_own(name: &str) -> bool {
    name == NATIVE || built_in(name).is_some()
}

/// The full name of what a module imports.
pub fn resolve(program: &Program, base: &str, name: &str) -> Result<String, String> {
    if name.starts_with("bellwether:") {
        // Files of a script have whole paths; what has none is ours.
        return if is_own(base) || !base.starts_with('/') {
            Ok(name.to_owned())
        } else {
            Err(format!("`{name}` cannot be imported"))
        };
    }
    if is_own(name) {
        return Ok(name.to_owned());
    }
    if MISSING.contains(&name) || name.starts_with("k6/x/") {
        return Err(format!("the module `{name}` is not supported"));
    }
    if name.starts_with("http://") || name.starts_with("https://") {
        return remote(name);
    }
    if name == "k6" || name.starts_with("k6/") {
        let known = BUILT_IN.iter().map(|(known, _)| *known);
        let known = known.filter(|known| known.starts_with("k6"));
        let hint =
            nearest(name, known).map_or(String::new(), |near| format!("; did you mean `{near}`?"));
        return Err(format!("there is no module `{name}`{hint}"));
    }
    let is_path = ["./", "../", "/", "file://"];
    if !is_path.iter().any(|start| name.starts_with(start)) {
        return Err(format!(
            "`{name}` is neither a module of k6 nor a path; a file beside the script is imported as `./{name}`"
        ));
    }
    let folder = Path::new(base).parent().unwrap_or(Path::new("/"));
    let path = Program::path(folder, name).display().to_string();
    // TypeScript leaves the ends of names out.
    let mut known = ["", ".ts", ".js"].iter().map(|end| format!("{path}{end}"));
    let found = known.find(|path| program.has(Path::new(path)));
    found.ok_or_else(|| format!("there is no file `{path}`"))
}

/// What stands at an address of jslib is a module of our own.
fn remote(name: &str) -> Result<String, String> {
    let path = name
        .strip_prefix("https://jslib.k6.io/")
        .or_else(|| name.strip_prefix("http://jslib.k6.io/"));
    let own = path.map(|path| format!("jslib:{}", path.split('/').next().unwrap_or_default()));
    match own.filter(|own| built_in(own).is_some()) {
        Some(own) => Ok(own),
        None => Err(format!(
            "`{name}` would be fetched from elsewhere, and a test must not change with that; save it beside the script and import it by its path"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_can_be_imported_has_a_full_name_and_the_rest_a_reason() {
        let program = Program::of_text("/t/main.js".into(), Vec::new(), Default::default());
        let resolved = |base: &str, name: &str| resolve(&program, base, name);
        assert_eq!(resolved("/t/main.js", "k6/http").unwrap(), "k6/http");
        assert_eq!(resolved("/t/lib/a.js", "../main.js").unwrap(), "/t/main.js");
        let utils = "https://jslib.k6.io/k6-utils/1.4.0/index.js";
        assert_eq!(resolved("/t/main.js", utils).unwrap(), "jslib:k6-utils");
        assert!(resolved("k6/http", NATIVE).is_ok());
        for (name, reason) in [
            (NATIVE, "cannot be imported"),
            ("k6/htpp", "did you mean `k6/http`?"),
            ("k6/experimental/redis", "is not supported"),
            ("k6/x/sql", "is not supported"),
            ("lodash", "`./lodash`"),
            ("./nothing.js", "there is no file `/t/nothing.js`"),
            ("https://example.com/a.js", "save it beside the script"),
        ] {
            let said = resolved("/t/main.js", name).unwrap_err();
            assert!(said.contains(reason), "{name}: {said}");
        }
    }
}
