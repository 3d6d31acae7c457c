//! The files of a script, what it is given and what its virtual users share.
//!
//! Each file is read once: all virtual users see the same script, whatever becomes of the files. Knows no
//! interpreter. Invariant: a list that is shared is made once.

use crate::k6::secret_source::Sources;
use std::collections::hash_map::DefaultHasher;
use std::collections::{BTreeMap, BTreeSet};
use std::hash::{Hash as _, Hasher as _};
use std::path::{Component, Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Rows of a shared list, each as JSON.
pub type Rows = Arc<Vec<Box<str>>>;

/// A script with its surroundings.
#[derive(Debug)]
pub struct Program {
    /// The file that is performed.
    pub entry: PathBuf,
    /// What `__ENV` holds.
    pub env: BTreeMap<String, String>,
    /// What `k6/secrets` gives.
    pub secrets: Sources,
    files: Mutex<BTreeMap<PathBuf, Arc<Vec<u8>>>>,
    lists: Mutex<BTreeMap<String, Rows>>,
    codes: Mutex<BTreeMap<String, Arc<Vec<u8>>>>,
    asked: Mutex<BTreeSet<String>>,
}

/// Whether a file is a script.
pub fn is_script(path: &Path) -> bool {
    path.extension().is_some_and(|extension| {
        ["js", "mjs", "cjs", "ts", "mts", "cts"]
            .iter()
            .any(|known| extension == *known)
    })
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Program {
    /// A script in a file.
    pub fn new(path: &Path, env: BTreeMap<String, String>) -> Result<Program, String> {
        let entry = std::path::absolute(path)
            .map_err(|error| format!("`{}` cannot be read: {error}", path.display()))?;
        let program = Program::holding(tidy(&entry), env);
        program.file(&program.entry)?;
        Ok(program)
    }

    /// A script that is given as text, as if it stood in a file.
    pub fn of_text(entry: PathBuf, text: Vec<u8>, env: BTreeMap<String, String>) -> Program {
        let program = Program::holding(tidy(&entry), env);
        locked(&program.files).insert(program.entry.clone(), Arc::new(text));
        program
    }

    fn holding(entry: PathBuf, env: BTreeMap<String, String>) -> Program {
        Program {
            entry,
            env,
            secrets: Sources::default(),
            files: Mutex::default(),
            lists: Mutex::default(),
            codes: Mutex::default(),
            asked: Mutex::default(),
        }
    }

    /// The same with secrets for `k6/secrets`.
    pub fn knowing(self, secrets: Sources) -> Program {
        Program { secrets, ..self }
    }

    /// Where paths of `open` count from.
    pub fn folder(&self) -> &Path {
        self.entry.parent().unwrap_or(Path::new("/"))
    }

    /// What is in a file; it is read the first time.
    pub fn file(&self, path: &Path) -> Result<Arc<Vec<u8>>, String> {
        let mut files = locked(&self.files);
        if let Some(known) = files.get(path) {
            return Ok(known.clone());
        }
        let mut content = std::fs::read(path)
            .map_err(|error| format!("`{}` cannot be read: {error}", path.display()))?;
        if content.starts_with(b"\xef\xbb\xbf") {
            content.drain(..3);
        }
        let content = Arc::new(content);
        files.insert(path.to_owned(), content.clone());
        Ok(content)
    }

    /// What is in a file that is a module.
    pub fn source(&self, path: &Path) -> Result<String, String> {
        let bytes = self.file(path)?;
        String::from_utf8(bytes.to_vec()).map_err(|_| format!("`{}` is not UTF-8", path.display()))
    }

    /// Its files that are texts, as far as they were read.
    pub fn texts(&self) -> Vec<(PathBuf, String)> {
        let files = locked(&self.files);
        let texts = files.iter().filter_map(|(path, content)| {
            let text = String::from_utf8(content.to_vec()).ok()?;
            Some((path.clone(), text))
        });
        texts.collect()
    }

    /// Whether a name stands anywhere in its files.
    pub fn names(&self, name: &str) -> bool {
        let files = locked(&self.files);
        let mut texts = files.values().map(|text| String::from_utf8_lossy(text));
        texts.any(|text| text.contains(name))
    }

    /// What tells its files, as far as they were read, from others.
    pub fn print(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        locked(&self.files).hash(&mut hasher);
        hasher.finish()
    }

    /// A module as the interpreter compiled it, if it did.
    pub(super) fn code(&self, name: &str) -> Option<Arc<Vec<u8>>> {
        locked(&self.codes).get(name).cloned()
    }

    /// Keeps a module as the interpreter compiled it.
    pub(super) fn keep_code(&self, name: &str, code: Vec<u8>) {
        let mut codes = locked(&self.codes);
        codes.entry(name.to_owned()).or_insert_with(|| code.into());
    }

    /// Whether there is such a file.
    pub fn has(&self, path: &Path) -> bool {
        locked(&self.files).contains_key(path) || path.is_file()
    }

    /// Where a file imports something, as `file:line:column: `; empty where that cannot be told.
    pub fn place_of(&self, base: &str, name: &str) -> String {
        let Ok(text) = self.source(Path::new(base)) else {
            return String::new();
        };
        for (number, line) in text.lines().enumerate() {
            let quoted = ['"', '\'', '`'].map(|mark| line.find(&format!("{mark}{name}{mark}")));
            if let Some(at) = quoted.into_iter().flatten().next() {
                let column = line[..at].chars().count() + 1;
                return format!("{base}:{}:{column}: ", number + 1);
            }
        }
        String::new()
    }

    /// A path as it is written in a file of this folder.
    pub fn path(folder: &Path, written: &str) -> PathBuf {
        let written = written.strip_prefix("file://").unwrap_or(written);
        tidy(&folder.join(written))
    }

    /// A list that virtual users share, if one of them made it.
    pub fn list(&self, name: &str) -> Option<Rows> {
        locked(&self.lists).get(name).cloned()
    }

    /// Keeps a list for all.
    pub fn share(&self, name: &str, rows: Vec<Box<str>>) -> Rows {
        locked(&self.lists)
            .entry(name.to_owned())
            .or_insert_with(|| Arc::new(rows))
            .clone()
    }

    /// A value of `__ENV`, which the script asks for.
    pub fn variable(&self, name: &str) -> Option<&str> {
        let mut asked = locked(&self.asked);
        if !asked.contains(name) {
            asked.insert(name.to_owned());
        }
        self.env.get(name).map(String::as_str)
    }

    /// Names of `__ENV` that the script asked for.
    pub fn asked(&self) -> BTreeSet<String> {
        locked(&self.asked).clone()
    }
}

/// A path without `.` and `..`.
fn tidy(path: &Path) -> PathBuf {
    let mut tidied = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => {
                tidied.pop();
            }
            other => tidied.push(other),
        }
    }
    tidied
}
