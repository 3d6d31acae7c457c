//! Drafts that `check` finds nothing wrong with: what cannot be said is left out, step by step, and named.
//!
//! Pure. Invariant: what comes out is a scenario, or nothing does.

use super::draft::{Draft, Step};
use super::writing::yaml;
use crate::document::Severity;
use crate::document::diagnostic::{Diagnostic, Diagnostics};
use crate::document::source::Source;
use crate::scenario;
use std::path::Path;

/// What is wrong with a file that is not there yet is nothing of the draft.
const NOT_THERE: &str = "bad-data";
/// Steps that are taken out one after the other at the most.
const OUT_MAX: usize = 200;

/// The first thing that is wrong with a draft.
pub fn wrong(draft: &Draft) -> Option<String> {
    let source = Source::new(format!("{}.yaml", draft.name), yaml(draft, "import"));
    let mut found = Diagnostics::default();
    scenario::compile(&source, Path::new("."), &mut found);
    let all = found.sorted();
    let is_wrong = |one: &&&Diagnostic| one.severity == Severity::Error && one.code != NOT_THERE;
    all.iter().find(is_wrong).map(|one| one.title.clone())
}

/// The draft without the steps that cannot be said, each of which is named.
///
/// # Errors
///
/// Nothing of it can be said.
pub fn sound(mut draft: Draft) -> Result<Draft, Box<Diagnostic>> {
    let mut why = match wrong(&draft) {
        None => return Ok(draft),
        Some(why) => why,
    };
    for _ in 0..OUT_MAX {
        // The first one without which the rest says something else of what is wrong, or nothing.
        let bad = (0..draft.steps.len()).find(|at| wrong(&alone(&draft, *at)).is_some());
        let bad = bad
            .or_else(|| (0..draft.steps.len()).find(|at| wrong(&without(&draft, *at)).is_none()));
        let Some(bad) = bad.filter(|_| draft.steps.len() > 1) else {
            break;
        };
        let said = wrong(&alone(&draft, bad)).unwrap_or_else(|| why.clone());
        let step = draft.steps.remove(bad);
        draft.leave_of_all(None, format!("the step `{}`: {said}", step.name));
        match wrong(&draft) {
            None => return Ok(draft),
            Some(next) => why = next,
        }
    }
    let title = format!(
        "nothing of `{}` can be said as a scenario: {why}",
        draft.name
    );
    Err(Box::new(Diagnostic::error("bad-import", title)))
}

/// The draft with one of its steps, and all that others could have captured for it.
fn alone(draft: &Draft, at: usize) -> Draft {
    with(draft, |number| number == at)
}

fn without(draft: &Draft, at: usize) -> Draft {
    with(draft, |number| number != at)
}

fn with(draft: &Draft, keeps: impl Fn(usize) -> bool) -> Draft {
    let steps = draft.steps.iter().enumerate();
    let mut some = Draft::new(&draft.name);
    some.settings = draft.settings.clone();
    some.inputs = draft.inputs.clone();
    some.secrets = draft.secrets.clone();
    some.steps = steps
        .map(|(number, step)| match keeps(number) {
            true => step.clone(),
            // What it captures is still known to those after it.
            false => stub(step),
        })
        .collect();
    some
}

fn stub(step: &Step) -> Step {
    let mut stub = Step::request(&step.name, "GET", "http://127.0.0.1/");
    if let Some(captures) = step.says.get("capture").and_then(|all| all.as_object()) {
        let names = captures.keys().map(|name| (name.clone(), "status".into()));
        stub.say("capture", names.collect::<serde_json::Map<_, _>>());
    }
    stub
}
