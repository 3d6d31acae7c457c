//! What `k6/experimental/fs` and `k6/experimental/csv` call: files that are read once, and rows of them.

use super::host::Doing;
use super::natives::{host, refuse};
use rquickjs::convert::List;
use rquickjs::{ArrayBuffer, Ctx, Function, Object, Result};
use serde_json::{Map, Value};
use std::path::Path;

pub(super) fn put<'js>(ctx: &Ctx<'js>, native: &Object<'js>) -> Result<()> {
    let file = Object::new(ctx.clone())?;
    file.set("open", Function::new(ctx.clone(), open)?)?;
    file.set("slice", Function::new(ctx.clone(), slice)?)?;
    file.set("rows", Function::new(ctx.clone(), rows)?)?;
    native.set("file", file)
}

/// The whole path of a file, and its bytes.
fn open(ctx: Ctx<'_>, path: String) -> Result<List<(String, usize)>> {
    let own = host(&ctx);
    if own.doing.get() != Doing::Start {
        let reason =
            "files can only be opened while the script is loaded, outside of its functions";
        return Err(refuse(&ctx, reason));
    }
    let path = super::Program::path(own.program.folder(), &path);
    let content = own.program.file(&path);
    let content = content.map_err(|reason| refuse(&ctx, reason))?;
    Ok(List((path.display().to_string(), content.len())))
}

/// So many bytes from a place on, if there are so many.
fn slice<'js>(ctx: Ctx<'js>, path: String, from: usize, count: usize) -> Result<ArrayBuffer<'js>> {
    let content = host(&ctx).program.file(Path::new(&path));
    let content = content.map_err(|reason| refuse(&ctx, reason))?;
    let end = from.saturating_add(count).min(content.len());
    ArrayBuffer::new_copy(ctx, content.get(from..end).unwrap_or_default())
}

/// The name of the list of a file's rows, which is made once.
fn rows(
    ctx: Ctx<'_>,
    path: String,
    delimiter: String,
    skips_first: bool,
    from: f64,
    to: f64,
    as_objects: bool,
) -> Result<String> {
    let program = &host(&ctx).program;
    let name = format!("csv:{path}:{delimiter}:{skips_first}:{from}:{to}:{as_objects}");
    if program.list(&name).is_some() {
        return Ok(name);
    }
    let content = program.file(Path::new(&path));
    let content = content.map_err(|reason| refuse(&ctx, reason))?;
    let [delimiter] = delimiter.as_bytes() else {
        return Err(refuse(&ctx, "`delimiter` is one letter of ASCII"));
    };
    let mut reader = csv::ReaderBuilder::new();
    let reader = reader
        .delimiter(*delimiter)
        .flexible(false)
        .has_headers(false);
    let read = reader.from_reader(content.as_slice()).into_records();
    let mut all: Vec<Box<str>> = Vec::new();
    let mut names: Option<Vec<String>> = None;
    for (line, record) in read.enumerate() {
        let record = record.map_err(|error| refuse(&ctx, format!("`{path}`: {error}")))?;
        let fields: Vec<String> = record.iter().map(str::to_owned).collect();
        if as_objects && names.is_none() {
            names = Some(fields);
            continue;
        }
        let line = line as f64;
        if skips_first && line == 0.0 || line < from || to >= 0.0 && line > to {
            continue;
        }
        let row = match &names {
            Some(names) => {
                let pairs = names
                    .iter()
                    .cloned()
                    .zip(fields.into_iter().map(Value::from));
                Value::Object(pairs.collect::<Map<_, _>>())
            }
            None => Value::from(fields),
        };
        all.push(row.to_string().into_boxed_str());
    }
    program.share(&name, all);
    Ok(name)
}
