//! Why something could not be read or kept.

use super::sqlite::SCHEMA_VERSION;
use std::fmt;
use std::path::PathBuf;

/// Why the store cannot be used.
#[derive(Debug, Clone)]
pub enum StoreFault {
    /// Another process holds the file.
    Taken(PathBuf),
    /// The file was written by a newer program.
    Newer(PathBuf, i64),
    /// The file is no database of ours.
    Broken(PathBuf, String),
    /// Nothing can be written where it is to be: why, and what to do.
    Closed(PathBuf, String),
    /// The disk is full.
    Full(String),
    /// A row cannot be understood: it was written by another version, or by somebody else.
    Unreadable(String),
    /// Anything else that SQLite reports.
    Failed(String),
}

impl fmt::Display for StoreFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StoreFault::Taken(path) => write!(
                f,
                "another daemon uses `{}`; stop it, or give this one a `state` file of its own",
                path.display()
            ),
            StoreFault::Newer(path, version) => write!(
                f,
                "`{}` was written by a newer Bellwether (tables version {version}, this one knows {SCHEMA_VERSION}); it is left untouched",
                path.display()
            ),
            StoreFault::Broken(path, reason) => write!(
                f,
                "`{}` cannot be used as state file: {reason}; move it away to start with an empty one",
                path.display()
            ),
            StoreFault::Closed(path, reason) => write!(
                f,
                "`{}` cannot be used as state file: {reason}",
                path.display()
            ),
            StoreFault::Full(reason) => {
                write!(f, "the state cannot be written, the disk is full: {reason}")
            }
            StoreFault::Unreadable(reason) => {
                write!(
                    f,
                    "what is kept in the state cannot be understood: {reason}"
                )
            }
            StoreFault::Failed(reason) => {
                write!(f, "the state cannot be read or written: {reason}")
            }
        }
    }
}

impl std::error::Error for StoreFault {}

impl From<rusqlite::Error> for StoreFault {
    fn from(error: rusqlite::Error) -> StoreFault {
        if let rusqlite::Error::FromSqlConversionFailure(..) = error {
            return StoreFault::Unreadable(error.to_string());
        }
        match error.sqlite_error_code() {
            Some(rusqlite::ErrorCode::DiskFull) => StoreFault::Full(error.to_string()),
            _ => StoreFault::Failed(error.to_string()),
        }
    }
}
