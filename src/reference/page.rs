//! What a page of the reference is, and how a terminal shows it.
//!
//! Does not know where its words come from. Invariant: every entry says what it is about.

use crate::report::columns::wrapped;
use crate::report::style::Style;
use serde::Serialize;

/// A page.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Page {
    /// What it is asked for by, and its address.
    pub name: &'static str,
    /// Its title.
    pub title: &'static str,
    /// What it is about, in a sentence.
    pub about: &'static str,
    /// Its sections.
    pub sections: Vec<Section>,
}

/// A part of a page.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Section {
    /// What it is called.
    pub title: String,
    /// What it is about; may be empty.
    pub about: String,
    /// What it lists.
    pub entries: Vec<Entry>,
}

/// One thing that can be written, read or asked for.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Entry {
    /// Its name.
    pub name: String,
    /// Its form: what may stand there, or what it takes.
    pub form: String,
    /// What it is.
    pub about: String,
    /// How it is written; may have lines, may be empty.
    pub example: String,
}

impl Section {
    /// Of a title.
    pub fn new(title: impl Into<String>, about: impl Into<String>) -> Section {
        Section {
            title: title.into(),
            about: about.into(),
            entries: Vec::new(),
        }
    }

    /// With entries.
    pub fn with(mut self, entries: impl IntoIterator<Item = Entry>) -> Section {
        self.entries.extend(entries);
        self
    }

    /// What an address of this section ends in.
    pub fn anchor(&self) -> String {
        let letters = self.title.chars().map(|letter| match letter {
            letter if letter.is_ascii_alphanumeric() => letter.to_ascii_lowercase(),
            _ => '-',
        });
        letters.collect()
    }
}

impl Page {
    /// As text for a terminal, or for a pipe.
    pub fn text(&self, style: Style) -> String {
        let mut out = format!(
            "{}\n{}\n",
            style.bold(self.title),
            wrapped(self.about, 0, style)
        );
        for section in &self.sections {
            out.push_str(&format!("\n{}\n", style.bold(&section.title)));
            if !section.about.is_empty() {
                out.push_str(&format!("{}\n", wrapped(&section.about, 0, style)));
            }
            for entry in &section.entries {
                entry.write(&mut out, style);
            }
        }
        out
    }

    /// The same with only what names or describes a word, without regard to case.
    pub fn about_word(&self, word: &str) -> Page {
        let word = word.to_lowercase();
        let has = |text: &str| text.to_lowercase().contains(&word);
        let sections = self.sections.iter().filter_map(|section| {
            let all = section.entries.iter();
            let entries =
                all.filter(|entry| has(&entry.name) || has(&entry.form) || has(&entry.about));
            let entries: Vec<Entry> = match has(&section.title) {
                true => section.entries.clone(),
                false => entries.cloned().collect(),
            };
            (!entries.is_empty()).then(|| Section {
                entries,
                ..section.clone()
            })
        });
        Page {
            sections: sections.collect(),
            ..self.clone()
        }
    }
}

impl Entry {
    fn write(&self, out: &mut String, style: Style) {
        let form = match self.form.is_empty() {
            true => String::new(),
            false => format!("  {}", self.form),
        };
        // The name is painted after it was wrapped: paint has letters, too.
        let head = wrapped(&format!("{}{form}", self.name), 2, style);
        let head = head.replacen(&self.name, &style.good(&self.name), 1);
        out.push_str(&format!("{head}\n"));
        if !self.about.is_empty() {
            out.push_str(&format!("{}\n", wrapped(&self.about, 6, style)));
        }
        for line in self.example.lines() {
            out.push_str(&format!("{}\n", style.dim(&format!("      | {line}"))));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_found_in_names_titles_and_descriptions() {
        let entry = |name: &str, about: &str| Entry {
            name: name.to_owned(),
            about: about.to_owned(),
            ..Entry::default()
        };
        let page = Page {
            sections: vec![
                Section::new("A step", "").with([entry("timeout", "how long"), entry("name", "")]),
                Section::new("A load", "").with([entry("rate", "arrivals a second")]),
            ],
            ..Page::default()
        };
        let found = |word: &str| -> Vec<String> {
            let sections = page.about_word(word).sections;
            let entries = sections.into_iter().flat_map(|section| section.entries);
            entries.map(|entry| entry.name).collect()
        };
        assert_eq!(found("TIME"), ["timeout"]);
        assert_eq!(found("arrivals"), ["rate"]);
        assert_eq!(found("a step"), ["timeout", "name"]);
        assert!(found("cheese").is_empty());
    }
}
