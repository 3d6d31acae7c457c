//! Sources of secrets of a script, as `--secret-source` names them: `mock=NAME=VALUE,…` and `file=PATH`.
//!
//! Reads nothing itself. Invariant: a value is a [`Secret`] from the moment on at which it is known.

use crate::secret::Secret;
use std::collections::BTreeMap;

/// One source.
#[derive(Debug, Clone)]
struct Source {
    name: Option<String>,
    is_default: bool,
    secrets: BTreeMap<String, Secret>,
}

/// All sources of a run.
#[derive(Debug, Clone, Default)]
pub struct Sources(Vec<Source>);

impl Sources {
    /// One source without a name, which is asked where none is named.
    pub fn only(secrets: BTreeMap<String, Secret>) -> Sources {
        if secrets.is_empty() {
            return Sources::default();
        }
        Sources(vec![Source {
            name: None,
            is_default: true,
            secrets,
        }])
    }

    /// Sources as they are written; `read` reads a file.
    ///
    /// # Errors
    ///
    /// Which of them is wrong; no value is in it.
    pub fn parse(
        written: &[String],
        read: &dyn Fn(&str) -> Result<String, String>,
    ) -> Result<Sources, String> {
        let all: Result<Vec<Source>, String> =
            written.iter().map(|one| Source::parse(one, read)).collect();
        let mut all = all?;
        let defaults = all.iter().filter(|source| source.is_default).count();
        if defaults > 1 {
            return Err("several sources of secrets are the default one".to_owned());
        }
        if let [only] = all.as_mut_slice() {
            only.is_default = true;
        }
        for (place, source) in all.iter().enumerate() {
            let before = all[..place].iter();
            if source.name.is_some() && before.clone().any(|known| known.name == source.name) {
                let name = source.name.as_deref().unwrap_or_default();
                return Err(format!("several sources of secrets are named `{name}`"));
            }
        }
        Ok(Sources(all))
    }

    /// A secret of a source, or of the default one.
    ///
    /// # Errors
    ///
    /// There is no such source, or no such secret in it.
    pub fn get(&self, source: Option<&str>, name: &str) -> Result<&Secret, String> {
        let mut all = self.0.iter();
        let found = match source {
            Some(wanted) => all.find(|source| source.name.as_deref() == Some(wanted)),
            None => all.find(|source| source.is_default),
        };
        let found = found.ok_or_else(|| match (source, self.0.is_empty()) {
            (Some(source), _) => format!("there is no source of secrets `{source}`"),
            (None, true) => {
                format!("there is no secret `{name}`: no source of secrets was given")
            }
            (None, false) => {
                "none of the sources of secrets is the default one: name it, or say `default` of one"
                    .to_owned()
            }
        })?;
        let secret = found.secrets.get(name);
        secret.ok_or_else(|| format!("there is no secret `{name}`"))
    }

    /// All secrets with the names that they are shown by.
    pub fn all(&self) -> BTreeMap<String, Secret> {
        let named = self.0.iter().flat_map(|source| {
            source.secrets.iter().map(|(name, secret)| {
                let name = match &source.name {
                    Some(source) => format!("{source}.{name}"),
                    None => name.clone(),
                };
                (name, secret.clone())
            })
        });
        named.collect()
    }
}

impl Source {
    fn parse(
        written: &str,
        read: &dyn Fn(&str) -> Result<String, String>,
    ) -> Result<Source, String> {
        let (kind, rest) = written.split_once('=').unwrap_or((written, ""));
        let expected = match kind {
            "mock" => "`NAME=VALUE`",
            "file" => "a path",
            _ => {
                return Err(format!(
                    "`{kind}` is no source of secrets here, only `mock` and `file`"
                ));
            }
        };
        let mut source = Source {
            name: None,
            is_default: false,
            secrets: BTreeMap::new(),
        };
        for part in rest.split(',').filter(|part| !part.is_empty()) {
            match (part.split_once('='), kind) {
                (Some(("name", name)), _) => source.name = Some(name.to_owned()),
                (None, _) if part == "default" => source.is_default = true,
                (Some((name, value)), "mock") => {
                    let value = value.trim_matches('"');
                    source.secrets.insert(name.to_owned(), Secret::new(value));
                }
                (None | Some(("filename", _)), "file") => {
                    let path = part.strip_prefix("filename=").unwrap_or(part);
                    source.secrets.extend(lines(&read(path)?, path)?);
                }
                _ => {
                    return Err(format!(
                        "a part of `--secret-source {kind}=…` is not understood; expected `name=…`, `default` and {expected}"
                    ));
                }
            }
        }
        Ok(source)
    }
}

/// The secrets of a file, one in a line.
fn lines(text: &str, path: &str) -> Result<Vec<(String, Secret)>, String> {
    let lines = text.lines().enumerate();
    let said = lines.filter(|(_, line)| !line.trim().is_empty());
    said.map(|(number, line)| match line.split_once('=') {
        Some((name, value)) => Ok((name.trim().to_owned(), Secret::new(value))),
        None => Err(format!(
            "`{path}`, line {}: expected `name=value`",
            number + 1
        )),
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(written: &[&str]) -> Result<Sources, String> {
        let written: Vec<String> = written.iter().map(|one| (*one).to_owned()).collect();
        let read = |path: &str| match path {
            "secrets.txt" => Ok("cool=a=b\n\nother=two words\n".to_owned()),
            "odd.txt" => Ok("a=b\nhidden-value\n".to_owned()),
            path => Err(format!("`{path}` cannot be read")),
        };
        Sources::parse(&written, &read)
    }

    #[test]
    fn secrets_come_from_the_source_that_is_named_or_from_the_default_one() {
        let both = of(&[
            "mock=default,cool=\"some secret\"",
            "mock=name=another,cool=x",
        ])
        .unwrap();
        assert_eq!(both.get(None, "cool").unwrap().expose(), "some secret");
        assert_eq!(both.get(Some("another"), "cool").unwrap().expose(), "x");
        assert!(
            both.get(Some("third"), "cool")
                .unwrap_err()
                .contains("`third`")
        );
        let file = of(&["file=secrets.txt"]).unwrap();
        assert_eq!(file.get(None, "cool").unwrap().expose(), "a=b");
        assert_eq!(file.get(None, "other").unwrap().expose(), "two words");
        let none = of(&["mock=a=1", "file=secrets.txt,name=f"]).unwrap();
        assert!(none.get(None, "a").unwrap_err().contains("default"));
        assert_eq!(none.get(Some("f"), "cool").unwrap().expose(), "a=b");
        assert!(
            Sources::default()
                .get(None, "a")
                .unwrap_err()
                .contains("no source")
        );
    }

    #[test]
    fn a_wrong_source_is_told_without_its_values() {
        for (written, said) in [
            (&["vault=x"][..], "`vault` is no source"),
            (&["file=missing.txt"], "cannot be read"),
            (&["file=odd.txt"], "line 2: expected `name=value`"),
            (&["mock=hidden-value"], "is not understood"),
            (&["mock=default,a=1", "mock=default,b=2"], "the default one"),
            (&["mock=name=a,b=1", "mock=name=a,c=1"], "named `a`"),
        ] {
            let why = of(written).unwrap_err();
            assert!(why.contains(said) && !why.contains("hidden"), "{why}");
        }
    }
}
