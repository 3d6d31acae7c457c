//! Drafts that `check` finds nothing wrong with: what cannot be said is left out, step by step, and named.
//!
//! Pure. Invariant: what comes out is a scenario, or nothing does.

use super::draft::Draft;
use super::writing::yaml;
use crate::document::diagnostic::{Diagnostic, Diagnostics};
use crate::document::source::Source;
use crate::document::{Severity, node};
use crate::scenario;
use std::path::Path;
use std::sync::Arc;

/// Errors about files that are to stand beside a scenario and are not there yet, and all others.
pub fn errors(found: &Diagnostics) -> (Vec<&Diagnostic>, Vec<&Diagnostic>) {
    let all = found.sorted().into_iter();
    let all = all.filter(|one| one.severity == Severity::Error);
    all.partition(|one| one.code == "bad-data")
}

/// The first thing that is wrong with a draft, and the number of the step that it is about, from 0.
fn wrong(draft: &Draft) -> Option<(Option<usize>, String)> {
    let source = Source::new(format!("{}.yaml", draft.name), yaml(draft, "import"));
    let mut found = Diagnostics::default();
    scenario::compile(&source, Path::new("."), &mut found);
    let (_, wrong) = errors(&found);
    let first = wrong.first()?;
    let place = first.place.as_ref().map(|(_, span)| span.start);
    let step = place.and_then(|at| step_at(&source, at));
    Some((step, first.title.clone()))
}

/// The step that stands at a place of a written draft.
fn step_at(source: &Arc<Source>, at: usize) -> Option<usize> {
    let root = node::parse(source, &mut Diagnostics::default())?;
    let steps = root.get("steps")?.items();
    let before = steps.iter().take_while(|step| step.span.start <= at);
    before.count().checked_sub(1)
}

/// The draft without the steps that cannot be said, each of which is named.
///
/// # Errors
///
/// Nothing of it can be said.
pub fn sound(mut draft: Draft) -> Result<Draft, Box<Diagnostic>> {
    while let Some((step, why)) = wrong(&draft) {
        let Some(step) = step.filter(|_| draft.steps.len() > 1) else {
            let name = &draft.name;
            let title = format!("nothing of `{name}` can be said as a scenario: {why}");
            return Err(Box::new(Diagnostic::error("bad-import", title)));
        };
        let step = draft.steps.remove(step);
        draft.leave_of_all(None, format!("the step `{}`: {why}", step.name));
    }
    Ok(draft)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::import::draft::Step;

    #[test]
    fn a_step_that_cannot_be_said_is_named_and_what_needs_it_goes_too() {
        let mut draft = Draft::new("shop");
        let mut first = Step::request("first", "GET", "https://a.test/");
        first.check("status == 200");
        draft.push(first);
        let mut second = Step::request("second", "GET", "a.test/no-scheme");
        draft.capture(&mut second, "id", "body.id");
        draft.push(second);
        draft.push(Step::request("third", "GET", "https://a.test/${vars.id}"));
        let draft = sound(draft).unwrap();
        let names: Vec<&str> = draft.steps.iter().map(|step| step.name.as_str()).collect();
        assert_eq!(names, ["first"]);
        let left: Vec<&str> = draft.left.iter().map(|left| left.what.as_str()).collect();
        assert!(left[0].starts_with("the step `second`: "), "{left:?}");
        assert!(left[1].starts_with("the step `third`: "), "{left:?}");

        let mut hopeless = Draft::new("shop");
        hopeless.push(Step::request("only", "GET", "a.test"));
        sound(hopeless).unwrap_err();
    }
}
