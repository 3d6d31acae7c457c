//! What people see of a run, at every width that terminals have.

use super::support::{root, snapshot};
use bellwether::report::style::Style;
use bellwether::report::text;
use bellwether::run::Summary;

#[test]
fn a_summary_fits_terminals_of_every_width() {
    for case in ["smoke", "load"] {
        let folder = root().join("tests/cases/terminal");
        let read = std::fs::read_to_string(folder.join(format!("{case}.json"))).unwrap();
        let summary: Summary = serde_json::from_str(&read).unwrap();
        for width in [60, 80, 100, 140] {
            let style = Style {
                width,
                wraps: true,
                ..Style::plain()
            };
            let shown = text::render(&summary, style);
            for line in shown
                .lines()
                .filter(|line| line.starts_with("  ") && !line.contains('✓'))
            {
                let length = line.chars().count();
                // A word that does not fit is not broken.
                let fits = length <= width || !line.trim().contains(' ');
                assert!(fits, "{length} letters at {width}: {line}");
            }
            snapshot(&folder.join(format!("{case}.{width}.out")), &shown);
        }
        let piped = text::render(&summary, Style::plain());
        snapshot(&folder.join(format!("{case}.piped.out")), &piped);
    }
}
