//! `--out`: every sample written to files, while the run goes on.
//!
//! Invariant: a file that could not be written whole is told of, and the run does not end well.

use super::k6_arguments::Arguments;
use crate::k6::lines::{Form, Lines, Moments};
use crate::k6::metric::Metric;
use crate::k6::tags::Output;
use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::Value;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::sync::{Arc, Mutex, PoisonError};

/// Where samples are written.
pub struct Out(Mutex<Writing>);

struct Writing {
    path: String,
    lines: Lines,
    /// Nothing before it is known that the run begins.
    writer: Option<Writer>,
    failed: Option<std::io::Error>,
}

enum Writer {
    Plain(Box<dyn Write + Send>),
    Gzip(GzEncoder<File>),
}

impl Writer {
    fn out(&mut self) -> &mut dyn Write {
        match self {
            Writer::Plain(out) => out,
            Writer::Gzip(out) => out,
        }
    }
}

impl Writing {
    fn name(&self) -> &str {
        match self.path.as_str() {
            "" | "-" => "standard output",
            path => path,
        }
    }

    fn attempt(&mut self, what: impl FnOnce(&mut Writer) -> std::io::Result<()>) {
        if let (None, Some(writer)) = (&self.failed, &mut self.writer) {
            self.failed = what(writer).err();
        }
    }
}

impl std::fmt::Debug for Out {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "Out({})", self.writing().name())
    }
}

impl Output for Out {
    fn put(&self, metric: &Metric, sample: f64, tags: &[(&str, &str)]) {
        let mut writing = self.writing();
        let text = writing.lines.of(metric, sample, crate::clock::now(), tags);
        writing.attempt(|writer| writer.out().write_all(&text));
    }
}

impl Out {
    fn writing(&self) -> std::sync::MutexGuard<'_, Writing> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes its file, anew.
    ///
    /// # Errors
    ///
    /// It cannot be written.
    pub fn open(&self) -> Result<(), String> {
        let mut writing = self.writing();
        let writer = match writing.path.as_str() {
            "" | "-" => Writer::Plain(Box::new(std::io::stdout())),
            path => {
                let file = File::create(path).map_err(|error| {
                    format!("`{path}` cannot be written: {error}; nothing was sent")
                })?;
                match path.ends_with(".gz") {
                    true => Writer::Gzip(GzEncoder::new(file, Compression::default())),
                    false => Writer::Plain(Box::new(BufWriter::with_capacity(1 << 16, file))),
                }
            }
        };
        writing.writer = Some(writer);
        let head = writing.lines.head();
        writing.attempt(|writer| writer.out().write_all(&head));
        Ok(())
    }

    /// Lets others see what was written so far.
    pub fn flush(&self) {
        self.writing().attempt(|writer| match writer {
            Writer::Plain(out) => out.flush(),
            // A flush in the middle of what is compressed makes it larger.
            Writer::Gzip(_) => Ok(()),
        });
    }

    /// Ends the file.
    ///
    /// # Errors
    ///
    /// Why it is not whole.
    pub fn close(&self) -> Result<(), String> {
        let mut writing = self.writing();
        writing.attempt(|writer| match writer {
            Writer::Plain(out) => out.flush(),
            Writer::Gzip(out) => out.try_finish(),
        });
        match &writing.failed {
            Some(error) => Err(format!("`{}` is not whole: {error}", writing.name())),
            None => Ok(()),
        }
    }
}

/// The outputs that were asked for; `options` are those of the run. None is opened.
///
/// # Errors
///
/// It is none that is there.
pub fn outs(arguments: &Arguments, options: &Value) -> Result<Vec<Arc<Out>>, String> {
    let each = arguments.outs.iter();
    each.map(|text| out(text, arguments, options).map(Arc::new))
        .collect()
}

fn out(text: &str, arguments: &Arguments, options: &Value) -> Result<Out, String> {
    let (kind, path) = text.split_once('=').unwrap_or((text, ""));
    let (form, path) = match kind {
        "json" => (Form::Json, path),
        "csv" => (
            Form::Csv(moments(arguments)?),
            if path.is_empty() { "file.csv" } else { path },
        ),
        _ => {
            return Err(format!(
                "`{text}` is no output that is there; expected `json=FILE` or `csv=FILE`, compressed where the name ends in `.gz`"
            ));
        }
    };
    Ok(Out(Mutex::new(Writing {
        path: path.to_owned(),
        lines: Lines::new(form, thresholds(options)),
        writer: None,
        failed: None,
    })))
}

fn moments(arguments: &Arguments) -> Result<Moments, String> {
    let Some(word) = &arguments.csv_time_format else {
        return Ok(Moments::default());
    };
    Moments::of(word).ok_or_else(|| {
        format!(
            "`K6_CSV_TIME_FORMAT` is `{word}`; expected unix, unix_milli, unix_micro, unix_nano, rfc3339 or rfc3339_nano"
        )
    })
}

/// Thresholds of options, by what they are written for.
fn thresholds(options: &Value) -> Vec<(String, String)> {
    let all = options["thresholds"].as_object().into_iter().flatten();
    let each = all.flat_map(|(metric, list)| {
        let list = list.as_array().cloned().unwrap_or_default();
        list.into_iter().filter_map(|one| {
            let text = one.as_str().or_else(|| one["threshold"].as_str())?;
            Some((metric.clone(), text.to_owned()))
        })
    });
    each.collect()
}
