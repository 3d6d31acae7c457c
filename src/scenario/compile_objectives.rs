//! What a scenario asks of itself: objectives, those that only warn, and steps that stand in for others.

use super::compiler::Compiler;
use super::plan::Step;
use crate::document::diagnostic::{Diagnostic, nearest};
use crate::document::node::Node;
use crate::objective::Objective;
use crate::objective::class::Class;
use crate::objective::parse::Metric;

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
        if let Some(value) = &objective.value
            && !values.contains(&value.as_str())
        {
            self.unknown(node, "unknown-value", "step that measures", value, &values);
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
        let counts_all = |objective: &Objective| {
            let is_counted = matches!(
                objective.metric,
                Metric::Quantile(_) | Metric::ErrorRate | Metric::Errors
            );
            is_counted && objective.counts_all_failures() && objective.step.is_none()
        };
        let is_narrow = |objective: &Objective| !objective.counts_all_failures();
        if objectives.iter().any(counts_all) || !objectives.iter().any(is_narrow) {
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
    pub(super) fn stands_in(&mut self, name: &Node, before: Option<&mut Step>) {
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
