//! Tables that fit where they are read: columns are left out by how much they matter, and never cut.
//!
//! Pure. Invariant: the first column is always there, and a line is never longer than the width, unless the first column alone is.

use super::style::Style;

/// Letters that the first column keeps at the least, where others can be left out instead.
const FIRST_MIN: usize = 12;
/// Letters that it has at the most.
const FIRST_MAX: usize = 60;
/// Units that stand behind numbers.
const UNITS: [&str; 7] = ["µs", "ms", "s ", "s,", "s)", "min", "%"];
/// Between two columns.
const GAP: usize = 2;

/// One column.
#[derive(Debug, Default)]
pub struct Column {
    /// What stands above it.
    pub head: &'static str,
    /// How much it matters: the smallest stays longest. The first column is never left out.
    pub rank: u8,
    /// Whether it is a text, which begins at its left; numbers end at their right.
    pub is_text: bool,
    /// What stands in it, and whether that is bad.
    pub cells: Vec<(String, Paint)>,
}

/// How a cell is painted.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub enum Paint {
    /// As it is.
    #[default]
    Plain,
    /// As something good.
    Good,
    /// As something bad.
    Bad,
    /// As neither.
    Doubtful,
    /// As less important.
    Dim,
}

impl Paint {
    fn on(self, style: Style, text: &str) -> String {
        match self {
            Paint::Plain => text.to_owned(),
            Paint::Good => style.good(text),
            Paint::Bad => style.bad(text),
            Paint::Doubtful => style.doubtful(text),
            Paint::Dim => style.dim(text),
        }
    }
}

/// Letters of a text, as a terminal shows them.
pub fn letters(text: &str) -> usize {
    text.chars().count()
}

/// A text of so many letters at the most.
pub fn cut(text: &str, most: usize) -> String {
    if letters(text) <= most {
        return text.to_owned();
    }
    let start: String = text.chars().take(most.saturating_sub(1)).collect();
    format!("{}…", start.trim_end())
}

/// A text in which a number and its unit stay together.
fn joined(text: &str) -> String {
    let mut text = text.to_owned();
    for unit in UNITS {
        text = text.replace(&format!(" {unit}"), &format!("\u{a0}{unit}"));
    }
    text
}

/// A text in lines that fit, each after the first a little further in. Where nobody says how wide it is read, in one line.
pub fn wrapped(text: &str, indent: usize, style: Style) -> String {
    fitted(&format!("{}{text}", " ".repeat(indent)), style)
}

/// Letters of a text as they are seen: what paints it has none.
fn seen(text: &str) -> usize {
    let mut count = 0;
    let mut is_paint = false;
    for letter in text.chars() {
        match letter {
            '\x1b' => is_paint = true,
            'm' if is_paint => is_paint = false,
            _ => count += usize::from(!is_paint),
        }
    }
    count
}

/// A text whose lines were made for any width, in lines that fit: each of them goes on a little further in.
pub fn fitted(text: &str, style: Style) -> String {
    let mut all = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        if !style.wraps || seen(line.trim_end()) <= style.width {
            all.push_str(line);
            continue;
        }
        let indent = line.len() - line.trim_start().len();
        let line = joined(line);
        let mut used = 0;
        for (at, word) in line.split(' ').enumerate() {
            let length = seen(word.trim_end());
            // A line does not begin with its break: what stands first stays there.
            if at > indent && used > indent + 2 && used + 1 + length > style.width {
                all.push('\n');
                all.push_str(&" ".repeat(indent + 2));
                used = indent + 2;
            } else if at > 0 {
                all.push(' ');
                used += 1;
            }
            all.push_str(word);
            used += length;
        }
    }
    all.replace('\u{a0}', " ")
}

impl Column {
    /// A column of texts, one of each row.
    pub fn texts<T>(
        head: &'static str,
        rank: u8,
        rows: &[T],
        cell: impl Fn(&T) -> (String, Paint),
    ) -> Column {
        Column {
            head,
            rank,
            is_text: true,
            cells: rows.iter().map(cell).collect(),
        }
    }

    /// A column of numbers.
    pub fn of(head: &'static str, rank: u8, cells: impl IntoIterator<Item = String>) -> Column {
        let cells = cells.into_iter().map(|cell| (cell, Paint::Plain));
        Column {
            head,
            rank,
            is_text: false,
            cells: cells.collect(),
        }
    }

    fn width(&self) -> usize {
        let cells = self.cells.iter().map(|(text, _)| letters(text));
        cells.max().unwrap_or(0).max(letters(self.head))
    }
}

/// The lines of a table, its head first, each after an indent; what is piped is whole.
pub fn lines(mut columns: Vec<Column>, indent: usize, style: Style) -> Vec<String> {
    let width = if style.wraps { style.width } else { usize::MAX };
    let room = |columns: &[Column]| {
        let others: usize = columns[1..].iter().map(|column| column.width() + GAP).sum();
        width.saturating_sub(indent + others)
    };
    if columns.is_empty() {
        return Vec::new();
    }
    let most = if style.wraps { FIRST_MAX } else { usize::MAX };
    let wanted = columns[0].width().min(most);
    while columns.len() > 1 && room(&columns) < wanted.min(FIRST_MIN.max(wanted / 2)) {
        let most = columns[1..].iter().map(|column| column.rank).max();
        let at = columns[1..]
            .iter()
            .rposition(|column| Some(column.rank) == most);
        columns.remove(at.map_or(1, |at| at + 1));
    }
    let first = wanted.min(room(&columns).max(FIRST_MIN));
    let widths: Vec<usize> = columns
        .iter()
        .enumerate()
        .map(|(at, column)| if at == 0 { first } else { column.width() })
        .collect();
    let line = |cells: Vec<(&str, bool, Paint)>| {
        let mut text = " ".repeat(indent);
        for (at, ((cell, is_text, paint), width)) in cells.iter().zip(&widths).enumerate() {
            let cell = if at == 0 {
                cut(cell, *width)
            } else {
                (*cell).to_owned()
            };
            let pad = " ".repeat(width.saturating_sub(letters(&cell)));
            let cell = paint.on(style, &cell);
            if at > 0 {
                text.push_str(&" ".repeat(GAP));
            }
            let is_last = at + 1 == widths.len();
            match (is_text, is_last) {
                (true, true) => text.push_str(&cell),
                (true, false) => text.push_str(&format!("{cell}{pad}")),
                (false, _) => text.push_str(&format!("{pad}{cell}")),
            }
        }
        text.trim_end().to_owned()
    };
    let head = columns.iter().enumerate();
    let head = head.map(|(at, column)| (column.head, at == 0 || column.is_text, Paint::Dim));
    let mut all = vec![line(head.collect())];
    for row in 0..columns[0].cells.len() {
        let cells = columns.iter().enumerate().map(|(at, column)| {
            let (text, paint) = &column.cells[row];
            (text.as_str(), at == 0 || column.is_text, *paint)
        });
        all.push(line(cells.collect()));
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(width: usize) -> Vec<String> {
        let texts = |all: [&str; 2]| all.map(str::to_owned);
        let columns = vec![
            Column::of(
                "step",
                0,
                texts(["sign in", "a rather long name of a step"]),
            ),
            Column::of("requests", 2, texts(["10", "1000"])),
            Column::of("p50", 5, texts(["1.00 ms", "12 ms"])),
            Column::of("errors", 1, texts(["0", "3"])),
        ];
        let style = Style {
            width,
            wraps: true,
            ..Style::plain()
        };
        lines(columns, 2, style)
    }

    #[test]
    fn lines_go_on_a_little_further_in_and_paint_takes_no_room() {
        let style = Style {
            width: 20,
            wraps: true,
            ..Style::plain()
        };
        let text = "short\n  ✓ one two three four five\n\x1b[31mpainted words stay\x1b[0m\n";
        let expected =
            "short\n  ✓ one two three\n    four five\n\x1b[31mpainted words stay\x1b[0m\n";
        assert_eq!(fitted(text, style), expected);
        assert_eq!(fitted(text, Style::plain()), text);
        assert_eq!(
            fitted("averyverylongwordthatdoesnotfit x", style),
            "averyverylongwordthatdoesnotfit\n  x"
        );
    }

    #[test]
    fn texts_are_wrapped_where_somebody_says_how_wide_it_is() {
        let style = Style {
            wraps: true,
            width: 20,
            ..Style::plain()
        };
        assert_eq!(
            wrapped("one two three four five", 2, style),
            "  one two three four\n    five"
        );
        assert_eq!(
            wrapped("one two three four five", 2, Style::plain()),
            "  one two three four five"
        );
    }

    #[test]
    fn columns_are_left_out_by_rank_and_lines_fit() {
        assert_eq!(
            table(80),
            [
                "  step                          requests      p50  errors",
                "  sign in                             10  1.00 ms       0",
                "  a rather long name of a step      1000    12 ms       3",
            ]
        );
        assert_eq!(table(40)[0], "  step                  requests  errors");
        assert_eq!(table(40)[2], "  a rather long name…       1000       3");
        for width in 24..100 {
            for line in table(width) {
                assert!(letters(&line) <= width, "{width}: {line}");
            }
        }
    }
}
