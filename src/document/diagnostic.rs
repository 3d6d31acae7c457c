//! The user's mistakes: each with a stable code, a place, what was expected and how to mend it.
//!
//! Knows how a mistake is shown. Does not know what is right or wrong.
//! Invariant: everything found is shown, in the order of the file, never only the first.

use super::source::{Source, Span, floor_boundary};
use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};
use std::sync::Arc;

/// Whether a diagnostic stops the work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    /// The file cannot be used as it is.
    Error,
    /// Worth knowing; the file is used.
    Warning,
}

/// One mistake.
#[derive(Debug, Clone)]
pub struct Diagnostic {
    /// Error or warning.
    pub severity: Severity,
    /// Stable name of the kind of mistake, such as `unknown-field`.
    pub code: &'static str,
    /// One lower-case sentence.
    pub title: String,
    /// Where, if it has a place.
    pub place: Option<(Arc<Source>, Span)>,
    /// What stands beside the caret.
    pub label: String,
    /// The enclosing thing, shown for context.
    pub context: Option<Span>,
    /// How to mend it.
    pub hint: Option<String>,
}

impl Diagnostic {
    /// An error at a place.
    pub fn error(code: &'static str, title: impl Into<String>) -> Diagnostic {
        Diagnostic {
            severity: Severity::Error,
            code,
            title: title.into(),
            place: None,
            label: String::new(),
            context: None,
            hint: None,
        }
    }

    /// A warning at a place.
    pub fn warning(code: &'static str, title: impl Into<String>) -> Diagnostic {
        Diagnostic {
            severity: Severity::Warning,
            ..Diagnostic::error(code, title)
        }
    }

    /// Says where.
    #[must_use]
    pub fn at(mut self, source: &Arc<Source>, span: Span, label: impl Into<String>) -> Diagnostic {
        self.place = Some((source.clone(), span));
        self.label = label.into();
        self
    }

    /// Shows the line of the enclosing thing as well.
    #[must_use]
    pub fn within(mut self, span: Span) -> Diagnostic {
        self.context = Some(span);
        self
    }

    /// Says how to mend it.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Diagnostic {
        self.hint = Some(hint.into());
        self
    }

    fn render(&self, renderer: &Renderer) -> String {
        let level = match self.severity {
            Severity::Error => Level::ERROR,
            Severity::Warning => Level::WARNING,
        };
        let title = level.primary_title(self.title.as_str()).id(self.code);
        let mut group = match &self.place {
            None => title.elements(std::iter::empty::<annotate_snippets::Message<'_>>()),
            Some((source, span)) => {
                let start = floor_boundary(&source.text, span.start);
                let end = floor_boundary(&source.text, span.end).max(start);
                let end = first_line_end(&source.text, start, end);
                let mut snippet = Snippet::source(source.text.as_str())
                    .path(source.path.as_str())
                    .annotation(
                        AnnotationKind::Primary
                            .span(start..end)
                            .label(self.label.as_str()),
                    );
                if let Some(context) = self.context
                    && source.line_column(context.start).0 < source.line_column(start).0
                {
                    let from = floor_boundary(&source.text, context.start);
                    snippet = snippet.annotation(AnnotationKind::Visible.span(from..from));
                }
                title.element(snippet)
            }
        };
        if let Some(hint) = &self.hint {
            group = group.element(Level::HELP.with_name("hint").message(hint.as_str()));
        }
        renderer.render(&[group])
    }
}

fn first_line_end(text: &str, start: usize, end: usize) -> usize {
    match text[start..end].find('\n') {
        Some(at) => start + at,
        None => end,
    }
}

/// All mistakes found so far.
#[derive(Debug, Default)]
pub struct Diagnostics {
    items: Vec<Diagnostic>,
}

impl Diagnostics {
    /// Adds one.
    pub fn push(&mut self, diagnostic: Diagnostic) {
        self.items.push(diagnostic);
    }

    /// Adds all of another list.
    pub fn append(&mut self, mut other: Diagnostics) {
        self.items.append(&mut other.items);
    }

    /// Gives another hint to those for which there is one.
    pub fn hint_each(&mut self, hint: impl Fn(&Diagnostic) -> Option<String>) {
        for one in &mut self.items {
            if let Some(better) = hint(one) {
                one.hint = Some(better);
            }
        }
    }

    /// Whether any of them stops the work.
    pub fn has_errors(&self) -> bool {
        self.count(Severity::Error) > 0
    }

    /// How many of a severity.
    pub fn count(&self, severity: Severity) -> usize {
        self.sorted()
            .into_iter()
            .filter(|item| item.severity == severity)
            .count()
    }

    /// The diagnostics in the order of file and place, each once.
    pub fn sorted(&self) -> Vec<&Diagnostic> {
        let mut items: Vec<&Diagnostic> = self.items.iter().collect();
        let key = |item: &Diagnostic| match &item.place {
            Some((source, span)) => (source.path.clone(), span.start, span.end),
            None => (String::new(), 0, 0),
        };
        items.sort_by_key(|item| key(item));
        items.dedup_by(|a, b| key(a) == key(b) && a.code == b.code && a.title == b.title);
        items
    }

    /// What stops the work, each in one line.
    pub fn errors(&self) -> Vec<String> {
        let errors = self.sorted().into_iter();
        let errors = errors.filter(|item| item.severity == Severity::Error);
        errors.map(|item| item.title.clone()).collect()
    }

    /// The text that a person reads. `color` only for a terminal.
    pub fn render(&self, color: bool) -> String {
        let renderer = if color {
            Renderer::styled()
        } else {
            Renderer::plain()
        };
        let mut text = String::new();
        for item in self.sorted() {
            text.push_str(&item.render(&renderer));
            text.push_str("\n\n");
        }
        text
    }

    /// The same for machines: one JSON object for each.
    pub fn to_json(&self) -> Vec<serde_json::Value> {
        self.sorted()
            .into_iter()
            .map(|item| {
                let place = item.place.as_ref().map(|(source, span)| {
                    let (line, column) = source.line_column(span.start);
                    serde_json::json!({ "file": source.path, "line": line, "column": column })
                });
                serde_json::json!({
                    "severity": match item.severity { Severity::Error => "error", Severity::Warning => "warning" },
                    "code": item.code,
                    "message": item.title,
                    "label": item.label,
                    "place": place,
                    "hint": item.hint,
                })
            })
            .collect()
    }
}

/// The word of `known` that `written` was probably meant to be.
pub fn nearest<'a>(written: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    known
        .into_iter()
        .map(|word| (strsim::jaro_winkler(written, word), word))
        .filter(|(likeness, _)| *likeness > 0.78)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, word)| word)
}
