//! From a file as written to a [`Plan`], reporting every mistake on the way.
//!
//! Knows one file at a time. Does not know the environment it will run in; see [`super::lint`].
//! Invariant: a plan is returned only if no error was reported.

use super::browsing;
use super::compiler::{Compiler, read_duration, text, time};
use super::data;
use super::elsewhere;
use super::plan::*;
use super::shape::SCENARIO;
use crate::document::diagnostic::{Diagnostic, Diagnostics};
use crate::document::node::{self, Node};
use crate::document::shape::{self, Shape};
use crate::document::source::Source;
use crate::limits;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Compiles a scenario. `folder` is where its relative paths start from.
pub fn compile(source: &Arc<Source>, folder: &Path, found: &mut Diagnostics) -> Option<Plan> {
    let mut own = Diagnostics::default();
    let plan = compile_into(source, folder, &mut own);
    let broken = own.has_errors();
    found.append(own);
    if broken { None } else { plan }
}

fn compile_into(source: &Arc<Source>, folder: &Path, found: &mut Diagnostics) -> Option<Plan> {
    let root = node::parse(source, found)?;
    shape::check(source, &root, &Shape::Object(&SCENARIO), found);
    elsewhere::hint(found);
    if root.entries().is_empty() {
        return None;
    }
    let mut compiler = Compiler {
        source,
        folder,
        found,
        captured: BTreeSet::new(),
        secrets: BTreeSet::new(),
        inputs: BTreeSet::new(),
        data: BTreeSet::new(),
        columns: Vec::new(),
        without_rows: None,
        reads: BTreeSet::new(),
        step_count: 0,
        names: BTreeSet::new(),
        headers: root
            .get("headers")
            .map(|node| node.entries().to_vec())
            .unwrap_or_default(),
        timeout: root.get("timeout").and_then(read_duration),
        service: root
            .get("service")
            .and_then(Node::as_text)
            .map(str::to_owned),
    };
    Some(compiler.plan(&root))
}

/// A size in bytes: a whole number with a unit, `64MiB`.
fn bytes_of(text: &str) -> Option<usize> {
    let digits = text.trim().trim_end_matches(|c: char| !c.is_ascii_digit());
    let unit = match text.trim()[digits.len()..].trim() {
        "B" => 1,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        "kB" | "KB" => 1_000,
        "MB" => 1_000_000,
        "GB" => 1_000_000_000,
        _ => return None,
    };
    digits.parse::<usize>().ok()?.checked_mul(unit)
}

impl Compiler<'_> {
    fn plan(&mut self, root: &Node) -> Plan {
        let secrets = self.secret_needs(root);
        let inputs = self.input_needs(root);
        let data = self.data_files(root);
        self.secrets = secrets.iter().map(|need| need.name.clone()).collect();
        self.inputs = inputs.iter().map(|need| need.name.clone()).collect();
        self.data = data.iter().map(|file| file.name.clone()).collect();
        let one_of = self.one_of(root);
        self.columns = data.iter().map(DataFile::columns).collect();
        self.without_rows = Some("setup");
        let setup = self.steps(root.get("setup"));
        self.without_rows = None;
        let steps = self.steps(root.get("steps"));
        self.without_rows = Some("teardown");
        let teardown = self.steps(root.get("teardown"));
        self.without_rows = None;
        self.nothing_stands_in(&teardown);
        if root
            .get("steps")
            .is_some_and(|node| node.items().is_empty())
        {
            let span = root.key("steps").map_or(root.span, |key| key.span);
            self.error(
                "missing-field",
                "a scenario needs at least one step",
                span,
                "no step here",
            );
        }
        let load = self.loads(root);
        let all: Vec<&Step> = setup.iter().chain(&steps).chain(&teardown).collect();
        let objectives = self.objectives(root, "objectives", &all);
        let warnings = self.objectives(root, "warn", &all);
        self.counted(root, &objectives);
        self.stand_ins_are_performed_once(&all, !load.is_empty());
        self.three_is_performed_once(&all, !load.is_empty());
        self.quality_is_measured_once(&all, !load.is_empty());
        for part in [&setup, &steps, &teardown] {
            self.pages_are_opened(part);
        }
        self.measures_are_told_apart(&all);
        let plan = Plan {
            name: text(root, "name").unwrap_or_default().into(),
            description: text(root, "description").unwrap_or_default(),
            service: self.service.clone(),
            source: self.source.clone(),
            folder: self.folder.to_owned(),
            connections: self.connections(root),
            browsing: browsing::read(self, root),
            body_limit: self.body_limit(root),
            cookies: match root.get("cookies").and_then(Node::as_text) {
                Some("user") => CookieLife::User,
                Some("off") => CookieLife::Off,
                _ => CookieLife::Iteration,
            },
            objectives,
            warnings,
            data,
            setup,
            steps,
            teardown,
            load,
            secrets,
            inputs,
            one_of,
            reads: self.reads.iter().cloned().collect(),
            script: None,
        };
        self.unread(&plan);
        super::lint::provable(&plan, root, self.found);
        plan
    }

    fn body_limit(&mut self, root: &Node) -> usize {
        let Some(node) = root.get("body_limit") else {
            return limits::BODY_BYTES_MAX;
        };
        let bytes = node.as_text().and_then(bytes_of);
        match bytes.filter(|bytes| (1..=limits::BODY_LIMIT_MAX).contains(bytes)) {
            Some(bytes) => bytes,
            None => {
                let title = format!("`{}` is no size of a body", node.text);
                let label = "expected 1B to 1GiB, such as `64MiB`";
                self.error("wrong-type", title, node.span, label);
                limits::BODY_BYTES_MAX
            }
        }
    }

    fn steps(&mut self, list: Option<&Node>) -> Vec<Step> {
        let Some(list) = list else { return Vec::new() };
        let mut steps: Vec<Step> = Vec::new();
        for node in list.items() {
            let Some(step) = self.step(node) else {
                continue;
            };
            if let Some(name) = node.get("instead_of") {
                self.stands_in(name, &step, steps.last_mut());
            }
            steps.push(step);
        }
        steps
    }

    fn pattern(&mut self, node: Option<&Node>) -> Option<regex::Regex> {
        let node = node?;
        match regex::Regex::new(&format!("^(?:{})$", node.as_text()?)) {
            Ok(regex) => Some(regex),
            Err(error) => {
                let reason = error.to_string();
                let reason = reason.lines().last().unwrap_or_default().trim().to_owned();
                self.error(
                    "bad-pattern",
                    "this is not a regular expression",
                    node.span,
                    &reason,
                );
                None
            }
        }
    }

    fn secret_needs(&mut self, root: &Node) -> Vec<SecretNeed> {
        let Some(list) = root.get("secrets") else {
            return Vec::new();
        };
        let plain = |name: &Node| SecretNeed {
            name: name.text.clone(),
            span: name.span,
            env: vec![name.text.clone()],
            file: None,
            command: Vec::new(),
            optional: false,
            min_length: None,
            base64_bytes: None,
            matches: None,
            refuse: Vec::new(),
            valid_for: None,
        };
        if list.entries().is_empty() {
            return list
                .items()
                .into_iter()
                .filter(|node| node.is_scalar())
                .map(plain)
                .collect();
        }
        let mut needs = Vec::new();
        for (name, about) in list.entries() {
            let mut need = plain(name);
            let texts = |key: &str| -> Vec<String> {
                let items = about.get(key).map(Node::items).unwrap_or_default();
                items
                    .into_iter()
                    .filter_map(Node::as_text)
                    .map(str::to_owned)
                    .collect()
            };
            if about.get("env").is_some() {
                need.env = texts("env");
            } else if about.get("file").is_some() || about.get("command").is_some() {
                need.env = Vec::new();
            }
            need.file = text(about, "file").map(|file| self.folder.join(file));
            need.command = texts("command");
            need.optional = about
                .get("optional")
                .and_then(Node::as_bool)
                .unwrap_or(false);
            need.min_length = about.get("min_length").and_then(Node::as_count);
            need.base64_bytes = about.get("base64_bytes").and_then(Node::as_count);
            need.matches = self.pattern(about.get("matches"));
            need.refuse = texts("refuse");
            need.valid_for = time(about, "valid_for");
            needs.push(need);
        }
        needs
    }

    fn input_needs(&mut self, root: &Node) -> Vec<InputNeed> {
        let entries = root.get("inputs").map(Node::entries).unwrap_or_default();
        let mut needs = Vec::new();
        for (name, about) in entries {
            let env = about.get("env").map(Node::items).unwrap_or_default();
            needs.push(InputNeed {
                name: name.text.clone(),
                span: name.span,
                env: env
                    .into_iter()
                    .filter_map(Node::as_text)
                    .map(str::to_owned)
                    .collect(),
                default: match about.as_text() {
                    Some(value) => Some(value.to_owned()),
                    None => text(about, "default"),
                },
                optional: about
                    .get("optional")
                    .and_then(Node::as_bool)
                    .unwrap_or(false),
                matches: self.pattern(about.get("matches")),
            });
        }
        needs
    }

    fn data_files(&mut self, root: &Node) -> Vec<DataFile> {
        let entries = root.get("data").map(Node::entries).unwrap_or_default();
        let mut files = Vec::new();
        for (name, about) in entries {
            let Some(file) = about.get("file").filter(|node| node.is_scalar()) else {
                continue;
            };
            let rows = match data::read(&self.folder.join(&file.text)) {
                Ok(rows) => rows,
                Err(reason) => {
                    let title = format!("the data file `{}` cannot be used", file.text);
                    self.error("bad-data", title, file.span, &reason);
                    Vec::new()
                }
            };
            files.push(DataFile {
                name: name.text.clone(),
                rows: Arc::new(rows),
                pick: match about.get("pick").and_then(Node::as_text) {
                    Some("random") => Pick::Random,
                    Some("user") => Pick::User,
                    _ => Pick::Next,
                },
            });
        }
        files
    }

    fn one_of(&mut self, root: &Node) -> Vec<Vec<String>> {
        let mut groups = Vec::new();
        for group in root.get("one_of").map(Node::items).unwrap_or_default() {
            let mut names = Vec::new();
            for name in group.items() {
                if !self.secrets.contains(&name.text) && !self.inputs.contains(&name.text) {
                    let title = format!(
                        "`{}` is neither a secret nor an input of this scenario",
                        name.text
                    );
                    self.error("unknown-input", title, name.span, "not declared");
                }
                names.push(name.text.clone());
            }
            groups.push(names);
        }
        groups
    }

    fn unread(&mut self, plan: &Plan) {
        let grouped = |name: &String| plan.one_of.iter().any(|group| group.contains(name));
        let needs = plan
            .inputs
            .iter()
            .map(|need| ("input", &need.name, need.span))
            .chain(
                plan.secrets
                    .iter()
                    .map(|need| ("secret", &need.name, need.span)),
            );
        for (kind, name, span) in needs {
            if !self.reads.contains(name) && !grouped(name) {
                self.found.push(
                    Diagnostic::warning(
                        "unread-input",
                        format!("nothing reads the {kind} `{name}`"),
                    )
                    .at(self.source, span, "supplied, but without effect")
                    .hint(format!("use `${{{kind}s.{name}}}` in a step, or remove it")),
                );
            }
        }
    }
}

/// A path relative to the folder of a file.
pub fn folder_of(path: &Path) -> PathBuf {
    path.parent().map(Path::to_owned).unwrap_or_default()
}
