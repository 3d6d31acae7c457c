//! What a scenario asks of itself: objectives, those that only warn, and steps that stand in for others.

use super::compiler::Compiler;
use super::plan::Step;
use crate::document::diagnostic::{Diagnostic, nearest};
use crate::document::node::Node;
use crate::objective::Objective;
use crate::objective::class::Class;
use crate::objective::parse::counts_all;

impl Compiler<'_> {
    /// Objectives written under a key, each about steps and values that there are.
    pub(super) fn objectives(&mut self, root: &Node, key: &str, steps: &[&Step]) -> Vec<Objective> {
        let mut objectives = Vec::new();
        for node in root.get(key).map(Node::items).unwrap_or_default() {
            let Some(written) = node.as_text() else {
                continue;
            };
            match Objective::parse(written) {
                Ok(objective) => {
                    self.is_about_something(node, &objective, steps);
                    objectives.push(objective);
                }
                Err(reason) => {
                    let title = format!("`{written}` is not an objective");
                    self.found.push(
                        Diagnostic::error("bad-objective", title)
                            .at(self.source, node.span, "cannot be read")
                            .hint(reason),
                    );
                }
            }
        }
        objectives
    }

    fn is_about_something(&mut self, node: &Node, objective: &Objective, steps: &[&Step]) {
        let names: Vec<&str> = steps.iter().map(|step| step.name.as_ref()).collect();
        if let Some(step) = &objective.step
            && !names.contains(&step.as_str())
        {
            self.unknown(node, "unknown-step", "step", step, &names);
            return;
        }
        let asked = |step: &&&Step| {
            objective
                .step
                .as_deref()
                .is_none_or(|name| name == &*step.name)
        };
        let measures = steps.iter().filter(asked).flat_map(|step| &step.measures);
        let values: Vec<&str> = measures.map(|(name, _)| name.as_ref()).collect();
        let Some(value) = &objective.value else {
            return;
        };
        if !values.contains(&value.as_str()) {
            self.unknown(node, "unknown-value", "step that measures", value, &values);
            return;
        }
        let measures = |step: &&&Step| step.measures.iter().any(|(name, _)| **name == **value);
        if let Some(step) = steps.iter().find(measures).filter(|step| step.advisory) {
            let title = format!(
                "the step `{}` is advisory, and counts for nothing",
                step.name
            );
            self.error("unknown-value", title, node.span, "so would this");
        }
    }

    fn unknown(&mut self, node: &Node, code: &'static str, kind: &str, name: &str, known: &[&str]) {
        let mut diagnostic =
            Diagnostic::error(code, format!("the scenario has no {kind} `{name}`")).at(
                self.source,
                node.span,
                "this objective can never be measured",
            );
        diagnostic.hint =
            nearest(name, known.iter().copied()).map(|near| format!("did you mean `{near}`?"));
        self.found.push(diagnostic);
    }

    /// Where objectives are narrowed to some failures or to values, another one must count all of them:
    /// otherwise a service of which every check fails would hold what is asked of it.
    pub(super) fn counted(&mut self, root: &Node, objectives: &[Objective]) {
        let is_narrow = |objective: &Objective| !objective.counts_all_failures();
        if counts_all(objectives) || objectives.is_empty() {
            return;
        }
        if !objectives.iter().any(is_narrow) {
            let span = root.key("objectives").map_or(root.span, |key| key.span);
            self.found.push(
                Diagnostic::warning(
                    "failures-not-counted",
                    "none of the objectives says how many requests may fail",
                )
                .at(self.source, span, "so none may")
                .hint("add one on all requests, such as `error_rate < 1%`"),
            );
            return;
        }
        let items = root.get("objectives").map(Node::items).unwrap_or_default();
        let narrow = items.into_iter().zip(objectives);
        let Some((node, objective)) = narrow.into_iter().find(|(_, it)| is_narrow(it)) else {
            return;
        };
        let left = match objective.class {
            Some(Class::Statuses(..)) => "a wrong body, for example",
            _ => "a refused connection, for example",
        };
        self.found.push(
            Diagnostic::error(
                "failures-not-counted",
                "other failures would count for nothing",
            )
            .at(self.source, node.span, format!("not {left}"))
            .hint("add an objective on all requests, such as `error_rate < 1%`"),
        );
    }

    /// After the end every step is performed, whatever became of the one before.
    pub(super) fn nothing_stands_in(&mut self, teardown: &[Step]) {
        if let Some(step) = teardown.iter().find(|step| step.instead_of.is_some()) {
            let title = "in `teardown` no step stands in for another one";
            self.error("no-stand-in", title, step.span, "all of them are performed");
        }
    }

    /// Two steps that measured under one name would be told as one, or one of them not at all.
    pub(super) fn measures_are_told_apart(&mut self, steps: &[&Step]) {
        let mut known: Vec<&str> = Vec::new();
        for step in steps {
            for (name, _) in &step.measures {
                if known.contains(&name.as_ref()) {
                    let title = format!("two steps measure `{name}`");
                    self.error("duplicate-value", title, step.span, "the second one");
                }
                known.push(name);
            }
        }
    }

    /// HTTP/3 is spoken by libraries that nobody has measured under load.
    pub(super) fn three_is_performed_once(&mut self, steps: &[&Step], is_load: bool) {
        let mut three = steps.iter().filter(|step| step.is_three());
        if let Some(step) = three.next().filter(|_| is_load) {
            self.error(
                "no-load",
                "HTTP/3 is for what is performed once: under load its own cost would be measured",
                step.span,
                "a load speaks `http: \"2\"` or `http: \"1.1\"`",
            );
        }
    }

    /// Pages are measured alone, one run after the other.
    pub(super) fn quality_is_measured_once(&mut self, steps: &[&Step], is_load: bool) {
        let measured = steps.iter().find(|step| step.measures_quality());
        if let Some(step) = measured.filter(|_| is_load) {
            self.error(
                "no-load",
                "the quality of a page is measured alone: under load Lighthouse would measure the load",
                step.span,
                "write it into a scenario of its own",
            );
        }
    }

    /// Something is done in a page only once one is open.
    pub(super) fn pages_are_opened(&mut self, part: &[Step]) {
        let mut is_open = false;
        let first = part.iter().find(|step| {
            is_open = match step.browse() {
                Some(browse) => is_open || browse.opens(),
                // It is measured alone: the page before it is closed.
                None => is_open && !step.measures_quality(),
            };
            step.browse().is_some() && !is_open
        });
        if let Some(step) = first {
            self.error(
                "no-page",
                "no page is open yet",
                step.span,
                "begin with a step `open: /path`; each iteration, setup and teardown has a page of its own",
            );
        }
    }

    /// Under load every request is evidence, also one in whose place another one stands.
    pub(super) fn stand_ins_are_performed_once(&mut self, steps: &[&Step], is_load: bool) {
        let stands_in = steps.iter().find(|step| step.instead_of.is_some());
        if let Some(step) = stands_in.filter(|_| is_load) {
            self.error(
                "no-stand-in",
                "under load no step stands in for another one",
                step.span,
                "`instead_of` is for checks that are performed once",
            );
        }
    }

    /// A step in whose place another one stands: the one right before it, which is performed once.
    pub(super) fn stands_in(&mut self, name: &Node, step: &Step, before: Option<&mut Step>) {
        if !step.is_measured() || step.advisory || step.when.is_some() {
            let title = format!("this is no evidence that could stand for `{}`", name.text);
            let label = "it must be performed, and able to fail";
            self.error("no-stand-in", title, name.span, label);
        }
        match before {
            Some(before) if *before.name == *name.text => {
                if before.is_measured() && !before.advisory && !before.go_on {
                    before.has_stand_in = true;
                } else {
                    let title = format!("nothing stands in for `{}`", name.text);
                    self.error("no-stand-in", title, name.span, "its failure ends nothing");
                }
            }
            Some(before) => {
                let title = format!("`{}` is not the step before", name.text);
                let known = format!("that one is `{}`", before.name);
                self.error("no-stand-in", title, name.span, &known);
            }
            None => self.error(
                "no-stand-in",
                "a first step stands in for nothing",
                name.span,
                "no step is before it",
            ),
        }
    }
}
